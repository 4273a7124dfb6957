//! The role machine: wires the pure role logic to heartbeats, timers and actions.

use super::beat::Beat;
use super::comparison::{Claim, Standing, compare};
use super::config::PairConfig;
use super::duties::{Duties, Outcome};
use super::heartbeat::{Heartbeat, HeartbeatId, MAX_HEARTBEAT_LEN, OUR_PROTOCOL};
use super::history::History;
use super::news::{Action, Event, Input, Mismatch, Refusal, Why};
use super::peer::{Heard, Peer};
use super::role::{Goal, Role, Stance, State};
use super::timer::{Timer, Timers};
use super::transition::{Cause, OwnView, PeerView, next};
use crate::announcement::{Announcement, announce};
use crate::identity::{PathId, SerialNumber, UnitId};
use crate::machine::{
    ActionError, ActionId, Channel, Deadline, Destination, Machine, Origin, Output,
};
use crate::reject::{Reject, RejectCounters};
use crate::time::{Duration, Instant};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The most events that wait to be polled; beyond it the oldest are dropped and counted.
pub const MAX_EVENTS: usize = 256;
/// How long a unit whose take failed holds back before it tries again, in failure times.
const HOLD_IN_FAILURE_TIMES: u32 = 10;
/// How often a stranger is reported at the most.
const STRANGER_INTERVAL: Duration = Duration::from_secs(60);

/// The role machine of one unit of a pair. See the [module](super) for what it does, and
/// [`Machine`] for how it is driven.
///
/// - What happened: [`Machine::handle_input`], [`Machine::handle_datagram`], [`Machine::handle_done`],
///   [`Machine::handle_timeout`].
/// - What to do: [`Machine::poll_output`], [`Machine::poll_timeout`].
/// - What is known: [`Pair::role`], [`Pair::state`], [`Pair::peer_stance`], and the other getters.
#[derive(Debug)]
pub struct Pair {
    pub(super) config: PairConfig,
    pub(super) state: State,
    pub(super) why: Why,
    /// Why the role is being given up, until it is.
    leaving: Why,
    pub(super) since: Instant,
    /// The term of our present or last reign.
    pub(super) term: u64,
    weight: u16,
    warm: bool,
    pub(super) peer: Peer,
    pub(super) mismatch: Option<Mismatch>,
    /// Both units hold the addresses, as far as this one knows.
    in_conflict: bool,
    history: History,
    pub(super) beat: Beat,
    timers: Timers,
    duties: Duties,
    announcement_round: u8,
    /// The question that we ask, and the question that we grant (PAIR-20); 0 for none.
    ask: u64,
    release: u64,
    /// The question whose hand-over was aborted: it is not tried again.
    refused: u64,
    nonces: u64,
    /// The first heartbeat after a stall: a peer that echoes it has heard us since.
    proof: u64,
    stranger_at: Option<Instant>,
    /// The latest time that was handed in.
    now: Instant,
    pub(super) backward_steps: u64,
    events: VecDeque<Event>,
    events_dropped: u64,
    pub(super) rejects: RejectCounters,
}

impl Pair {
    /// A unit that starts now, in election (PAIR-3).
    #[must_use]
    pub fn new(config: PairConfig, now: Instant) -> Self {
        // A start is never 0: that stands for "none" on the wire.
        let start = config.seed.max(1);
        let mut pair = Self {
            state: State::Election,
            why: Why::Started,
            leaving: Why::Started,
            since: now,
            term: 0,
            weight: 0,
            warm: false,
            peer: Peer::new(config.paths),
            mismatch: None,
            in_conflict: false,
            history: History::new(start),
            beat: Beat::new(start, config.interval, now),
            timers: Timers::default(),
            duties: Duties::default(),
            announcement_round: 0,
            ask: 0,
            release: 0,
            refused: 0,
            nonces: start,
            proof: 0,
            stranger_at: None,
            now,
            backward_steps: 0,
            events: VecDeque::new(),
            events_dropped: 0,
            rejects: RejectCounters::default(),
            config,
        };
        let election = pair.config.election_delay.max(pair.config.failure_time());
        pair.timers.set(Timer::Election, Some(now + election));
        pair.beat(now);
        pair
    }

    /// Notes the time: one that runs backwards is clamped, one that jumped ahead is a stall (CRASH-4).
    /// Every `handle_*` begins with it.
    fn wake(&mut self, now: Instant) -> Instant {
        if now < self.now {
            self.backward_steps = self.backward_steps.saturating_add(1);
        }
        self.now = self.now.max(now);
        let now = self.now;
        let length = self.beat.silence(now);
        if length > self.config.failure_time() && self.state != State::Left {
            self.beat.restart(now);
            self.peer.restart_silence(now);
            self.proof = self.beat.next_number();
            self.event(Event::Stalled { length });
            let failure_time = self.config.failure_time();
            for (timer, wait) in [
                (Timer::Election, failure_time),
                (Timer::Recovery, failure_time),
                (Timer::Claim, self.claim_limit()),
            ] {
                // Each waits to hear something, and nothing was heard meanwhile; none gets shorter.
                let at = self.timers.get(timer).map(|at| at.max(now + wait));
                self.timers.set(timer, at);
            }
            self.dispatch(now, Cause::Stalled);
            self.set_silence_timer();
        }
        now
    }

    /// Asks the role logic what follows from a cause, and does it.
    fn dispatch(&mut self, now: Instant, cause: Cause) {
        let own = OwnView {
            eligible: self.eligible(),
            election_over: self.timers.get(Timer::Election).is_none(),
        };
        let peer = self.peer_view(now);
        let to = next(self.state, cause, own, peer);
        if to == self.state {
            return;
        }
        let why = reason(self.state, to, cause, peer).unwrap_or(self.leaving);
        if matches!(to, State::Withdrawing(_)) {
            self.leaving = why;
        }
        self.enter(now, to, why);
        // The role may have become free while this unit was busy with giving it up.
        if to == State::Standby {
            self.dispatch(now, Cause::TimeToElect);
        }
    }

    fn enter(&mut self, now: Instant, to: State, why: Why) {
        let from = core::mem::replace(&mut self.state, to);
        for (timer, state) in [
            (Timer::Election, State::Election),
            (Timer::Ask, State::Asking),
            (Timer::Claim, State::Released),
            (Timer::Recovery, State::Recovering),
        ] {
            if to != state {
                self.timers.set(timer, None);
            }
        }
        if to != State::Asking {
            self.ask = 0;
        }
        if !matches!(to, State::Released | State::Withdrawing(Goal::Release)) {
            self.release = 0;
        }
        self.begin(now, from, to);
        self.timers.set(Timer::Action, self.duties.deadline());
        if from.role() != to.role() {
            self.why = why;
            self.since = now;
            let (from, to) = (from.role(), to.role());
            self.event(Event::RoleChanged { from, to, why, term: self.term });
        }
        self.beat(now);
    }

    /// What a state begins with.
    fn begin(&mut self, now: Instant, from: State, to: State) {
        let failure_time = self.config.failure_time();
        let limit = self.config.action_timeout;
        match to {
            State::Taking => {
                let peer_term = self.peer.last().map_or(0, |last| last.heartbeat.term);
                self.term = self.term.max(peer_term).saturating_add(1);
                self.warm = true;
                self.duties.take(now, limit);
            }
            State::Active => {
                self.announce_anew(now);
                self.duties.add(Action::ResumeClients);
            }
            State::Withdrawing(_) => {
                self.timers.set(Timer::Announcement, None);
                if !matches!(from, State::Withdrawing(_)) {
                    self.duties.withdraw(now, limit);
                }
                if to == State::Withdrawing(Goal::Retreat) {
                    let hold = failure_time.saturating_mul(HOLD_IN_FAILURE_TIMES);
                    self.timers.set(Timer::Hold, Some(now + hold));
                }
            }
            State::Asking => {
                self.nonces = self.nonces.wrapping_mul(6_364_136_223_846_793_005) | 1;
                self.ask = self.nonces;
                self.timers.set(Timer::Ask, Some(now + failure_time));
            }
            State::Released => {
                self.timers.set(Timer::Claim, Some(now + self.claim_limit()));
            }
            State::Recovering => self.timers.set(Timer::Recovery, Some(now + failure_time)),
            State::Left => {
                self.timers.set(Timer::Hold, None);
                self.timers.set(Timer::Stop, Some(now + failure_time));
                self.stop_if_nobody_waits();
            }
            State::Election | State::Standby => self.warm |= to == State::Standby,
        }
        let withdrew = matches!(from, State::Withdrawing(_) | State::Released | State::Recovering);
        if withdrew && matches!(to, State::Standby | State::Left) {
            self.duties.add(Action::StandDown);
        }
    }

    fn announce(&mut self, now: Instant) {
        self.announcement_round = self.announcement_round.saturating_add(1);
        let frames: Vec<_> = self
            .config
            .interfaces
            .iter()
            .flat_map(|interface| {
                interface.addresses.iter().map(|address| Announcement {
                    interface: interface.id,
                    frame: announce(address.address(), interface.mac),
                })
            })
            .collect();
        if !frames.is_empty() {
            self.duties.add(Action::Announce { round: self.announcement_round, frames });
        }
        let more = self.announcement_round < self.config.announcements;
        let at = more.then(|| now + self.config.announcement_interval);
        self.timers.set(Timer::Announcement, at);
    }

    /// Makes the next heartbeat: news of this unit go out at once, and otherwise one each interval.
    fn beat(&mut self, now: Instant) {
        let id = self.beat.next_id();
        let heartbeat = Heartbeat {
            protocol: OUR_PROTOCOL,
            stance: self.state.stance(),
            designation: self.config.designation,
            serial: self.config.serial,
            preempt: self.config.preempt,
            eligible: self.eligible(),
            warm: self.warm,
            interval: self.config.interval,
            level: self.config.level,
            weight: self.weight,
            paths_heard: self.peer.paths_heard(),
            id,
            term: self.term,
            echo: self.peer.echo(now),
            ask: self.ask,
            release: if self.state == State::Released { self.release } else { 0 },
            product: Some(self.config.product),
        };
        self.history.push(id.number, now, heartbeat.standing(), heartbeat.eligible);
        self.beat.launch(now, heartbeat, self.config.paths);
        self.timers.set(Timer::Heartbeat, Some(self.beat.next_at()));
    }

    /// What follows from an accepted heartbeat.
    fn heard(&mut self, now: Instant, path: PathId, heard: Heard, before: Option<Stance>) {
        let Some(heartbeat) = self.peer.last().map(|last| last.heartbeat) else { return };
        if heard.path_anew {
            self.event(Event::PathHeard(path));
        }
        let stance = heartbeat.stance;
        if heard.anew {
            self.event(Event::PeerHeard { serial: heartbeat.serial, stance });
        } else if before != Some(stance) {
            self.event(Event::PeerStance { stance });
        }
        if !heard.first_copy {
            return;
        }
        self.set_mismatch(mismatch(&self.config, &heartbeat));
        self.note_conflict(now, &heartbeat);
        if self.state == State::Left && stance == Stance::Active {
            self.may_stop(true);
        }
        self.hand_over(now, &heartbeat);
        self.dispatch(now, Cause::Heard);
    }

    /// How long a release waits for its claim: twice the time limit T of a question. The peer's T is its
    /// own failure time, and what it claims may be lost for as long again (PAIR-20).
    fn claim_limit(&self) -> Duration {
        let ours = self.config.failure_time();
        let theirs = self.peer.last().map_or(ours, |last| last.heartbeat.failure_time());
        ours.max(theirs).saturating_mul(2)
    }

    /// The peer's part in a hand-over: its question, and its answer to ours (PAIR-20).
    fn hand_over(&mut self, now: Instant, heartbeat: &Heartbeat) {
        let asked = heartbeat.ask;
        let is_question = asked != 0 && heartbeat.stance == Stance::Standby;
        match self.state {
            State::Active if is_question && asked != self.refused && self.mismatch.is_none() => {
                self.release = asked;
                self.dispatch(now, Cause::Asked);
            }
            State::Released if is_question && asked != self.release => {
                self.release = asked;
                self.timers.set(Timer::Claim, Some(now + self.claim_limit()));
                self.beat(now);
            }
            State::Asking => {
                let in_time = self.timers.get(Timer::Ask).is_some_and(|until| now < until);
                if in_time && heartbeat.release == self.ask {
                    self.dispatch(now, Cause::Released);
                }
            }
            _ => {}
        }
    }

    fn note_conflict(&mut self, now: Instant, heartbeat: &Heartbeat) {
        let we_hold = self.state.stance() == Stance::Active;
        // A peer that wakes from a stall is withdrawing when it is first heard: it held the addresses too.
        let both = we_hold && matches!(heartbeat.stance, Stance::Active | Stance::Withdrawing);
        if both && !self.in_conflict && heartbeat.stance == Stance::Active {
            let (our_term, peer_term) = (self.term, heartbeat.term);
            self.event(Event::Conflict { peer_term, our_term });
            // The peer can judge only what it has heard and echoed: let it hear us now.
            self.beat(now);
        }
        if self.in_conflict && !both && self.state == State::Active {
            self.announce_anew(now);
        }
        self.in_conflict = both;
    }

    /// After a conflict the peer's announcements may have been the last ones: the network must learn who
    /// is left.
    fn announce_anew(&mut self, now: Instant) {
        self.announcement_round = 0;
        self.announce(now);
    }

    fn set_mismatch(&mut self, found: Option<Mismatch>) {
        if self.mismatch != found {
            self.mismatch = found;
            self.event(found.map_or(Event::PeerMatches, Event::PeerMismatch));
        }
    }

    fn peer_view(&self, now: Instant) -> PeerView {
        let Some(last) = self.peer.alive() else { return PeerView::Silent };
        let heartbeat = &last.heartbeat;
        let hears_us = if self.state == State::Recovering {
            heartbeat
                .echo
                .is_some_and(|echo| echo.number >= self.proof && self.history.said(echo).is_some())
        } else {
            heartbeat.paths_heard != 0
        };
        PeerView::Heard {
            stance: heartbeat.stance,
            hears_us,
            eligible: heartbeat.eligible,
            we_are_better: self.we_are_better(heartbeat),
            for_long: now.saturating_since(last.since) >= self.config.failure_time(),
        }
    }

    /// Judges the peer's values against those of ours that it had heard when it sent them, if what we
    /// have to do with the role, and whether we may take it, is still the same (PAIR-13).
    fn we_are_better(&self, heartbeat: &Heartbeat) -> Option<bool> {
        let (ours, eligible) = self.history.said(heartbeat.echo?)?;
        if ours.claim != self.claim() || eligible != self.eligible() {
            return None;
        }
        Some(match compare(&ours, &heartbeat.standing()) {
            Ordering::Greater => true,
            Ordering::Less => false,
            // Two units of the same designation: a mistake, but one of them must win.
            Ordering::Equal => self.config.serial < heartbeat.serial,
        })
    }

    fn claim(&self) -> Claim {
        match self.state.stance() {
            Stance::Active => Claim::Active,
            _ if self.warm => Claim::Warm,
            _ => Claim::Cold,
        }
    }

    fn outcome(&mut self, now: Instant, outcome: Outcome) {
        let failed = |action, error| Event::ActionFailed { action, error };
        match outcome {
            Outcome::Taken => self.dispatch(now, Cause::Taken),
            Outcome::Withdrawn => self.dispatch(now, Cause::Withdrawn),
            Outcome::Failed(action, error) => self.event(failed(action, error)),
            Outcome::TakeFailed(action, error) => {
                self.event(failed(action, error));
                self.dispatch(now, Cause::TakeFailed);
            }
            Outcome::WithdrawFailed(error) => {
                self.event(failed("Withdraw", error));
                if self.state == State::Withdrawing(Goal::Release) {
                    self.refused = self.release;
                }
                self.dispatch(now, Cause::WithdrawFailed);
                if let State::Withdrawing(_) = self.state {
                    let again = now + self.config.failure_time();
                    self.timers.set(Timer::Withdraw, Some(again));
                } else {
                    self.event(Event::HandOverAborted("the withdrawal failed"));
                }
            }
        }
        self.timers.set(Timer::Action, self.duties.deadline());
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) {
        let limit = self.config.action_timeout;
        match timer {
            Timer::Silence => self.fall_silent(now),
            Timer::Action => {
                if let Some(outcome) = self.duties.time_out(now, limit) {
                    self.outcome(now, outcome);
                }
                self.timers.set(Timer::Action, self.duties.deadline());
            }
            Timer::Withdraw => {
                if let State::Withdrawing(_) = self.state {
                    self.duties.withdraw(now, limit);
                    self.timers.set(Timer::Action, self.duties.deadline());
                }
            }
            Timer::Election => self.dispatch(now, Cause::TimeToElect),
            Timer::Hold => {
                self.beat(now);
                self.dispatch(now, Cause::TimeToElect);
            }
            Timer::Ask => {
                self.event(Event::HandOverAborted("the peer did not release the role in time"));
                self.dispatch(now, Cause::AskExpired);
            }
            Timer::Claim => {
                self.event(Event::HandOverAborted("the peer did not take the role in time"));
                self.dispatch(now, Cause::ClaimExpired);
            }
            Timer::Recovery => {
                self.dispatch(now, Cause::RecoveryOver);
                if self.state == State::Recovering {
                    // The peer still holds the role.
                    self.timers.set(Timer::Recovery, Some(now + self.config.failure_time()));
                }
            }
            Timer::Stop => self.event(Event::MayStop { peer_took: false }),
            Timer::Heartbeat => self.beat(now),
            Timer::Announcement => self.announce(now),
        }
    }

    fn fall_silent(&mut self, now: Instant) {
        let (lost, silence) = self.peer.fall_silent(now);
        for path in lost {
            self.event(Event::PathLost(path));
        }
        self.set_silence_timer();
        if let Some(silence) = silence {
            let was_in_conflict = core::mem::take(&mut self.in_conflict);
            self.event(Event::PeerLost { silence });
            self.stop_if_nobody_waits();
            self.dispatch(now, Cause::PeerLost);
            if was_in_conflict && self.state == State::Active {
                self.announce_anew(now);
            }
        }
    }

    fn set_silence_timer(&mut self) {
        self.timers.set(Timer::Silence, self.peer.silence_at());
    }

    /// A unit that leaves waits for the peer to take, but not for one that is not there.
    fn stop_if_nobody_waits(&mut self) {
        if self.peer.alive().is_none() {
            self.may_stop(false);
        }
    }

    fn may_stop(&mut self, peer_took: bool) {
        if self.timers.get(Timer::Stop).is_some() {
            self.timers.set(Timer::Stop, None);
            self.event(Event::MayStop { peer_took });
        }
    }

    pub(super) fn eligible(&self) -> bool {
        self.timers.get(Timer::Hold).is_none() && self.state != State::Left
    }

    fn event(&mut self, event: Event) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
            self.events_dropped = self.events_dropped.saturating_add(1);
        }
        self.events.push_back(event);
    }

    fn stranger(&mut self, now: Instant, path: PathId, serial: SerialNumber) {
        let quiet = self.stranger_at.is_some_and(|at| now.saturating_since(at) < STRANGER_INTERVAL);
        if !quiet {
            self.stranger_at = Some(now);
            self.event(Event::Stranger { serial, path });
        }
    }

    fn accept(&mut self, now: Instant, from: Origin, datagram: &[u8]) -> Result<(), Reject> {
        if from.channel != Channel::Pair {
            return Err(Reject::UnknownChannel);
        }
        if from.peer != self.config.peer() {
            return Err(Reject::UnknownPeer);
        }
        if from.path.0 >= self.config.paths {
            return Err(Reject::UnknownPath);
        }
        let heartbeat = Heartbeat::parse(datagram)?;
        if heartbeat.serial == self.config.serial {
            return Err(Reject::Reflected);
        }
        if heartbeat.serial != self.config.peer_serial {
            self.stranger(now, from.path, heartbeat.serial);
            return Err(Reject::Serial);
        }
        let oldest = now.saturating_sub(self.config.failure_time());
        let before = self.peer.alive().map(|last| last.heartbeat.stance);
        let history = &self.history;
        let is_ours = |echo: HeartbeatId| history.was_sent_since(echo, oldest);
        let heard = self.peer.accept(now, from.path, heartbeat, is_ours)?;
        self.set_silence_timer();
        self.heard(now, from.path, heard, before);
        Ok(())
    }
}

impl Machine for Pair {
    type Input = Input;
    type Refusal = Refusal;
    type Action = Action;
    type Event = Event;

    fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        let now = self.wake(now);
        if self.state == State::Left {
            return Err(Refusal::HasLeft);
        }
        match input {
            Input::HealthWeight(weight) => self.weight = weight,
            Input::Leave => self.dispatch(now, Cause::Leave),
            // It has asked already.
            Input::TakeOver if self.state == State::Asking => {}
            Input::TakeOver => {
                if self.state != State::Standby {
                    return Err(Refusal::NotStandby(self.state));
                }
                if let Some(mismatch) = self.mismatch {
                    return Err(Refusal::Mismatch(mismatch));
                }
                if !self.eligible() {
                    return Err(Refusal::NotEligible);
                }
                self.dispatch(now, Cause::TakeOver);
                if self.state == State::Standby {
                    return Err(Refusal::NoActivePeer);
                }
            }
        }
        Ok(())
    }

    /// A datagram that is refused changes no role and no timer of the peer's silence; it is counted, and
    /// two kinds do a little more: see [`Reject::UnprovenStart`] and [`Reject::Serial`]. (That time has
    /// passed is noted all the same, as [`Machine::handle_timeout`] would.)
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject> {
        let now = self.wake(now);
        self.accept(now, from, datagram).inspect_err(|reject| self.rejects.count(reject))
    }

    fn handle_done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        let now = self.wake(now);
        let limit = self.config.action_timeout;
        if let Some(outcome) = self.duties.done(now, limit, id, outcome) {
            self.outcome(now, outcome);
        }
        self.timers.set(Timer::Action, self.duties.deadline());
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.wake(now);
        for timer in Timer::ALL {
            if self.timers.take_due(timer, now) {
                self.on_timer(now, timer);
            }
        }
    }

    fn poll_output(&mut self, now: Instant, buf: &mut [u8]) -> Option<Output<Action, Event>> {
        // Who was asleep since the last call must not hand out what was meant for then (S3).
        let now = self.wake(now);
        // Steps first: a unit that stalled withdraws before it says anything (S3).
        if let Some((id, action)) = self.duties.poll_step() {
            return Some(Output::Action { id, action });
        }
        if let Some((path, len)) = self.beat.poll(now, buf) {
            let peer: UnitId = self.config.peer();
            let to = Destination { peer, path, channel: Channel::Pair };
            return Some(Output::Transmit { to, len });
        }
        // What is slow comes after what the peer waits for (PAIR-16).
        if let Some((id, action)) = self.duties.poll_rest() {
            return Some(Output::Action { id, action });
        }
        if self.events_dropped > 0 {
            return Some(Output::Event(Event::EventsDropped(core::mem::take(
                &mut self.events_dropped,
            ))));
        }
        self.events.pop_front().map(Output::Event)
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let (at, timer) = self.timers.next().filter(|(at, _)| *at < Instant::FAR_FUTURE)?;
        Some(Deadline { at, why: timer.name() })
    }

    fn max_datagram(&self) -> usize {
        MAX_HEARTBEAT_LEN
    }
}

/// What keeps two units from working together (PAIR-14).
fn mismatch(config: &PairConfig, heartbeat: &Heartbeat) -> Option<Mismatch> {
    if heartbeat.designation == config.designation {
        return Some(Mismatch::Designation);
    }
    let Some(theirs) = heartbeat.product else {
        return Some(Mismatch::Protocol { ours: OUR_PROTOCOL, theirs: heartbeat.protocol });
    };
    let ours = config.product;
    (ours != theirs).then_some(Mismatch::Product { ours, theirs })
}

/// Why a role changes; `None` if that was decided when the withdrawal began.
fn reason(from: State, to: State, cause: Cause, peer: PeerView) -> Option<Why> {
    Some(match (to, from, cause) {
        (State::Left | State::Withdrawing(Goal::Leave | Goal::Depart), ..) => Why::Leaving,
        (State::Withdrawing(Goal::Recover), ..) => Why::Stalled,
        (State::Withdrawing(Goal::Release), ..) => Why::PeerAsked,
        (State::Withdrawing(Goal::Retreat), ..) => Why::TakeFailed,
        (State::Withdrawing(Goal::Yield), ..) => match peer {
            PeerView::Heard { hears_us: false, .. } => Why::NotHeard,
            _ => Why::LostConflict,
        },
        (_, State::Withdrawing(_), Cause::Withdrawn) => return None,
        (_, State::Withdrawing(_), _) => Why::WithdrawFailed,
        (State::Taking, State::Recovering, _) => Why::PeerDidNotTake,
        (State::Taking, State::Released, _) => Why::NotClaimed,
        (State::Taking, _, Cause::Released) => Why::HandedOver,
        (State::Taking, State::Election, _) if peer == PeerView::Silent => Why::NoActivePeer,
        (State::Taking, ..) => match peer {
            PeerView::Silent => Why::PeerSilent,
            PeerView::Heard { stance: Stance::Left, .. } => Why::PeerLeft,
            PeerView::Heard { .. } => Why::BetterUnit,
        },
        _ => Why::PeerIsActive,
    })
}

impl Pair {
    /// The role, as a person is told (PAIR-15).
    #[must_use]
    pub fn role(&self) -> Role {
        if self.mismatch.is_some() && !self.state.holds_active() && self.state != State::Left {
            return Role::Error;
        }
        self.state.role()
    }

    /// What this unit said of itself in a comparison, were it made now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            weight: self.weight,
            designation: self.config.designation,
            preempt: self.config.preempt,
            term: self.term,
            claim: self.claim(),
        }
    }
}
