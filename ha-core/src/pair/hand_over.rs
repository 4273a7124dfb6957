//! Hand-over between two live units (PAIR-20), and who wants one: an administrator, a unit that is fitter,
//! a Primary that preempts.
//!
//! Whatever the reason, it is always the Standby that asks. An Active that wants to be rid of the role
//! invites it to.

use super::comparison::{Health, Preference};
use super::heartbeat::Heartbeat;
use super::machine::Pair;
use super::news::{Event, Refusal, Why};
use super::role::{Goal, Stance, State};
use super::timer::Timer;
use super::transition::Cause;
use crate::time::{Duration, Instant};

/// What a unit knows of hand-overs.
#[derive(Clone, Debug)]
pub(super) struct HandOver {
    /// The question that we ask; 0 for none.
    pub(super) ask: u64,
    /// Why we ask of our own accord; `None` for an order.
    pub(super) preference: Option<Preference>,
    /// The question that we grant; 0 for none.
    pub(super) release: u64,
    /// Why we granted it.
    pub(super) granted: Why,
    /// The question whose hand-over was aborted: it is not tried again.
    pub(super) refused: u64,
    /// The question that was last declined, so that it is told once.
    pub(super) declined: u64,
    pub(super) nonces: u64,
    pub(super) deference: Deference,
}

/// After an administrator moved the role, this unit does not want it back of its own accord for as long as
/// the facts are those under which he did so (our decision).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Deference {
    None,
    /// Until the peer is heard as Active.
    Begun,
    /// As long as our health and the peer's are these.
    While(Health, Health),
}

impl HandOver {
    pub(super) fn new(start: u64) -> Self {
        Self {
            ask: 0,
            preference: None,
            release: 0,
            granted: Why::PeerAsked,
            refused: 0,
            declined: 0,
            nonces: start,
            deference: Deference::None,
        }
    }

    pub(super) fn ask_anew(&mut self) {
        self.nonces = self.nonces.wrapping_mul(6_364_136_223_846_793_005) | 1;
        self.ask = self.nonces;
    }

    /// What we ask for we ask for of our own accord.
    pub(super) fn is_voluntary(&self) -> bool {
        self.ask != 0 && self.preference.is_some()
    }

    /// What is said of the question that we grant: nothing before the withdrawal is confirmed.
    pub(super) fn released(&self, state: State) -> u64 {
        if state == State::Released { self.release } else { 0 }
    }

    /// The hand-over that is under way fails.
    pub(super) fn refuse(&mut self) {
        self.refused = self.release;
    }

    /// Forgets what has no meaning in the state that begins.
    pub(super) fn entered(&mut self, state: State) {
        if state != State::Asking {
            self.ask = 0;
        }
        if !matches!(state, State::Released | State::Withdrawing(Goal::Release)) {
            self.release = 0;
        }
        match state {
            State::Withdrawing(Goal::Release) if !self.granted.is_voluntary() => {
                self.deference = Deference::Begun;
            }
            State::Taking => self.deference = Deference::None,
            _ => {}
        }
    }

    pub(super) fn peer_lost(&mut self) {
        self.deference = Deference::None;
    }

    /// Why a take after our question was released.
    pub(super) fn why_asked(&self) -> Why {
        match self.preference {
            None => Why::Ordered,
            Some(Preference::BetterHealth) => Why::BetterHealth,
            Some(Preference::Preempt) => Why::Preempt,
        }
    }

    /// Why we release.
    pub(super) fn why_granted(&self) -> Why {
        self.granted
    }

    /// What the health of both is, now that the peer is Active: an administrator's word holds only as long as it
    /// stays so.
    fn note_facts(&mut self, ours: Health, theirs: Health) {
        if self.deference == Deference::Begun {
            self.deference = Deference::While(ours, theirs);
        }
        if self.deference != Deference::While(ours, theirs) {
            self.deference = Deference::None;
        }
    }

    /// An administrator's word holds this unit back.
    fn defers(&self) -> bool {
        self.deference != Deference::None
    }
}

// What is ordered.
impl Pair {
    /// This unit is told to take the role over.
    pub(super) fn take_over(&mut self, now: Instant) -> Result<(), Refusal> {
        if self.state == State::Asking {
            // It has asked already; from now on it is an order.
            if self.hand_over.preference.take().is_some() {
                self.beat(now);
            }
            return Ok(());
        }
        if self.state != State::Standby {
            return Err(Refusal::NotStandby(self.state));
        }
        if let Some(mismatch) = self.mismatch {
            return Err(Refusal::Mismatch(mismatch));
        }
        let obstacles = self.obstacles();
        if !obstacles.is_empty() {
            return Err(Refusal::NotEligible(obstacles));
        }
        self.hand_over.preference = None;
        self.dispatch(now, Cause::TakeOver);
        if self.state == State::Standby { Err(Refusal::NoActivePeer) } else { Ok(()) }
    }

    /// This unit is told to have its peer take over.
    pub(super) fn fail_over(&mut self, now: Instant) -> Result<(), Refusal> {
        if self.state != State::Active {
            return Err(Refusal::NotActive(self.state));
        }
        self.peer_can_take()?;
        self.timers.set(Timer::Invite, Some(now + self.claim_time()));
        self.beat(now);
        Ok(())
    }

    /// Whether the peer can take over from this unit (PAIR-11).
    pub(super) fn peer_can_take(&self) -> Result<(), Refusal> {
        if let Some(mismatch) = self.mismatch {
            return Err(Refusal::Mismatch(mismatch));
        }
        let last = self.peer.alive().ok_or(Refusal::NoStandbyPeer)?;
        let heartbeat = &last.heartbeat;
        if heartbeat.stance != Stance::Standby || heartbeat.paths_heard == 0 {
            return Err(Refusal::NoStandbyPeer);
        }
        if !heartbeat.obstacles.is_empty() {
            return Err(Refusal::PeerNotEligible(heartbeat.obstacles));
        }
        Ok(())
    }

    /// This unit is Active and wants its peer to take over.
    pub(super) fn invites(&self) -> bool {
        let ordered = self.timers.get(Timer::Invite).is_some();
        let in_maintenance = self.fitness.in_maintenance() && !self.is_patient();
        self.state == State::Active && (ordered || in_maintenance)
    }
}

// What a unit wants of its own accord.
impl Pair {
    /// A Standby that should be Active asks for the role: because it is strictly fitter, or is a Primary
    /// that preempts (CRASH-3, PAIR-7).
    pub(super) fn consider(&mut self, now: Instant) {
        if self.state != State::Standby {
            return;
        }
        let active = self.peer.alive().filter(|last| last.heartbeat.stance == Stance::Active);
        if let Some(theirs) = active.map(|last| last.heartbeat.health) {
            self.hand_over.note_facts(self.health(), theirs);
        }
        match self.preference(now) {
            Some(preference) => {
                self.hand_over.preference = Some(preference);
                self.dispatch(now, Cause::Preferred);
            }
            None => self.end_hold_for_readiness(now),
        }
    }

    /// Why this unit should have the role of its peer, if it should now. The peer's values are judged against
    /// those of ours that it had heard, and against the present ones: a fault that both have by now moves
    /// nothing (L2).
    ///
    /// A fitter unit does not wait for the state, as one that preempts does: what its Active lacks is felt now
    /// (MON-2, CRASH-2; our decision).
    fn preference(&self, now: Instant) -> Option<Preference> {
        let last = self.peer.alive()?;
        let heartbeat = &last.heartbeat;
        if self.mismatch.is_some() || heartbeat.stance != Stance::Active || heartbeat.steady {
            return None;
        }
        let (said, _) = self.history.said(heartbeat.echo?)?;
        let (ours, theirs) = (self.standing(), heartbeat.standing());
        let prefer = self.config.rules.prefer;
        let preference = prefer(&ours, &theirs).filter(|_| prefer(&said, &theirs).is_some())?;
        if self.hand_over.defers() || self.holds_voluntary_changes(now) {
            return None;
        }
        // In verified working order, and with the sessions that it is there to protect (PAIR-7, PAIR-9).
        let heard_for = now.saturating_since(last.since);
        let verified = heard_for >= self.config.failure_time() && !self.waits_for_state();
        (preference == Preference::BetterHealth || verified).then_some(preference)
    }

    /// Something that a decision depends on has changed: says so, and decides anew.
    pub(super) fn reconsider(&mut self, now: Instant) {
        if self.state == State::Asking && !self.eligible() {
            // Its peer takes back what it may have released, and need not wait for a claim.
            self.event(Event::HandOverAborted("this unit may not take the role any more"));
            self.dispatch(now, Cause::AskExpired);
        }
        self.beat(now);
        self.dispatch(now, Cause::TimeToElect);
        self.consider(now);
    }

    /// Voluntary changes are held back here, and not granted either (PAIR-18).
    pub(super) fn holds_voluntary_changes(&self, now: Instant) -> bool {
        self.is_flap_held(now) || self.is_patient()
    }

    /// A hand-over has just failed: there is no other for a while, but for one that is ordered.
    pub(super) fn be_patient(&mut self, now: Instant) {
        self.timers.set(Timer::Patience, Some(now + self.hold_time()));
    }

    fn is_patient(&self) -> bool {
        self.timers.get(Timer::Patience).is_some()
    }
}

// Question, release, claim.
impl Pair {
    /// How long a release waits for its claim, by the failure times of both (PAIR-20).
    pub(super) fn claim_time(&self) -> Duration {
        let ours = self.config.failure_time();
        let theirs = self.peer.last().map_or(ours, |last| last.heartbeat.failure_time());
        (self.config.rules.claim_time)(ours, theirs)
    }

    /// The peer's part in a hand-over: its invitation, its question, its answer to ours.
    pub(super) fn hear_hand_over(&mut self, now: Instant, heartbeat: &Heartbeat) {
        let asked = heartbeat.ask;
        let is_question = asked != 0 && heartbeat.stance == Stance::Standby;
        match self.state {
            State::Standby if heartbeat.invites && self.mismatch.is_none() => {
                self.hand_over.preference = None;
                self.dispatch(now, Cause::TakeOver);
            }
            State::Active if is_question => self.hear_question(now, heartbeat),
            State::Released if is_question && asked != self.hand_over.release => {
                self.hand_over.release = asked;
                self.timers.set(Timer::Claim, Some(now + self.claim_time()));
                self.beat(now);
            }
            State::Released if self.nobody_claims(heartbeat) => {
                self.event(Event::HandOverAborted("the peer asks for the role no longer"));
                self.be_patient(now);
                self.dispatch(now, Cause::ClaimExpired);
            }
            State::Asking => {
                let in_time = self.timers.get(Timer::Ask).is_some_and(|until| now < until);
                let is_answer = self.config.rules.is_answer;
                // Who says that it holds the role still has not released it, whatever else it says (S1).
                let answered = heartbeat.stance == Stance::Released
                    && heartbeat.release != 0
                    && is_answer(heartbeat.release, self.hand_over.ask);
                if in_time && answered {
                    self.dispatch(now, Cause::Released);
                }
            }
            _ => {}
        }
    }

    /// The peer asks for nothing any more, and has not taken: its question has expired, or it has restarted. What
    /// was released will not be claimed, and need not be waited for (our decision). It has to prove by its echo
    /// that it says so now: what waited in a queue while this unit was stalled may be overtaken (CRASH-4).
    fn nobody_claims(&self, heartbeat: &Heartbeat) -> bool {
        let is_idle = matches!(heartbeat.stance, Stance::Election | Stance::Standby);
        let is_now = heartbeat
            .echo
            .is_some_and(|echo| echo.number >= self.proof && self.history.said(echo).is_some());
        is_idle && heartbeat.ask == 0 && is_now
    }

    fn hear_question(&mut self, now: Instant, heartbeat: &Heartbeat) {
        let asked = heartbeat.ask;
        if asked == self.hand_over.refused {
            return;
        }
        let why = if heartbeat.voluntary {
            let wanted = (self.config.rules.prefer)(&heartbeat.standing(), &self.standing());
            match wanted.filter(|_| !self.holds_voluntary_changes(now)) {
                Some(Preference::BetterHealth) => Some(Why::PeerIsFitter),
                Some(Preference::Preempt) => Some(Why::PeerPreempts),
                None => None,
            }
        } else {
            Some(if self.invites() { Why::Ordered } else { Why::PeerAsked })
        };
        match why.filter(|_| self.mismatch.is_none()) {
            Some(why) => {
                self.hand_over.granted = why;
                self.hand_over.release = asked;
                self.dispatch(now, Cause::Asked);
            }
            None if self.hand_over.declined != asked => {
                self.hand_over.declined = asked;
                self.event(Event::HandOverAborted("the peer asked for the role without need"));
            }
            None => {}
        }
    }

    /// No release came in time.
    pub(super) fn ask_expired(&mut self, now: Instant) {
        self.event(Event::HandOverAborted("the peer did not release the role in time"));
        if self.hand_over.is_voluntary() {
            self.be_patient(now);
        }
        self.dispatch(now, Cause::AskExpired);
    }

    /// No claim came in time.
    pub(super) fn claim_expired(&mut self, now: Instant) {
        self.event(Event::HandOverAborted("the peer did not take the role in time"));
        self.be_patient(now);
        self.dispatch(now, Cause::ClaimExpired);
    }
}
