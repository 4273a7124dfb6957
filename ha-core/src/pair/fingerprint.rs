//! A fingerprint of everything that the future of a role machine depends on, for a search through all
//! reachable states. Two machines with the same fingerprint do the same for ever, if the same happens.
//!
//! Machines that differ only in the time, in the numbers of their heartbeats or in their terms by a
//! constant, or in what number stands for a start, do the same: all of these are taken relative to a
//! [`Frame`]. What only a person reads
//! (counters, reasons, events that were not polled) is left out.
//!
//! Every structure is taken apart by name: whoever adds a field has to say whether it belongs here.
//!
//! Two assumptions, which the search has to see to: actions are answered at once, and the window of the flap
//! limit is longer than the search (so that the role changes count, and not their times).

use super::announcer::Announcer;
use super::beat::Beat;
use super::conflict::Conflict;
use super::duties::Duties;
use super::fitness::Fitness;
use super::hand_over::HandOver;
use super::heartbeat::{Heartbeat, HeartbeatId};
use super::history::{History, Sent};
use super::machine::Pair;
use super::peer::{Last, Path, Peer};
use super::role::State;
use super::timer::{Timer, Timers};
use crate::time::{Duration, Instant};
use core::hash::{Hash, Hasher};

/// A flap limit that is so many role changes away is as good as none: a search does not come that far.
const OUT_OF_REACH: usize = 40;

/// What a fingerprint is relative to.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The present time, by this unit's clock.
    pub now: Instant,
    /// Each start of a unit that anybody can still hear of, with the number of its last heartbeat
    /// ([`Pair::start`], [`Pair::last_number`]), in an order that says whose it is and how old. The same for
    /// both units. The fingerprint knows a start by its place here.
    pub starts: &'a [(u64, u64)],
    /// A term; the lower of both units' will do. The same for both units.
    pub term: u64,
    /// The lowest number of a heartbeat of this unit that can still be echoed: what was said in older ones
    /// will never be asked for.
    pub oldest_echo: u64,
    /// The questions for the role that a unit asks now, or that are on their way, in an order that says whose
    /// they are ([`Pair::question`]). The same for both units. No other is ever heard again, and a new one is
    /// like none before: so the fingerprint knows a question by its place here.
    pub questions: &'a [u64],
}

impl Frame<'_> {
    fn term(&self, term: u64) -> u64 {
        term.wrapping_sub(self.term)
    }

    fn until(&self, at: Instant) -> Duration {
        at.saturating_since(self.now)
    }

    /// How long ago; more than `limit` is all the same.
    fn age(&self, at: Instant, limit: Duration) -> Duration {
        self.now.saturating_since(at).min(limit)
    }

    fn question(&self, nonce: u64) -> Option<Option<usize>> {
        (nonce != 0).then(|| self.questions.iter().position(|known| *known == nonce))
    }

    fn id(&self, id: HeartbeatId) -> (Option<usize>, u64) {
        (self.place(id.start), self.number(id.start, id.number))
    }

    fn place(&self, start: u64) -> Option<usize> {
        self.starts.iter().position(|(known, _)| *known == start)
    }

    /// Of a start that nobody can hear of any more all numbers are alike.
    fn number(&self, start: u64, number: u64) -> u64 {
        let known = self.starts.iter().find(|(known, _)| *known == start);
        known.map_or(0, |(_, last)| number.wrapping_sub(*last))
    }
}

impl Pair {
    /// The number of its last heartbeat.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.beat.number
    }

    /// Which start of the unit this is, as its heartbeats say.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.beat.start
    }

    /// The term of its present or last reign.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.term
    }

    /// All of its questions, granted ones too, by which they are told apart: a fingerprint only says which of
    /// them are the same.
    #[must_use]
    pub fn nonces(&self) -> [u64; 4] {
        let HandOver { ask, release, refused, nonces, .. } = self.hand_over;
        [ask, release, refused, nonces]
    }

    /// The question that it asks; 0 for none.
    #[must_use]
    pub fn question(&self) -> u64 {
        self.hand_over.ask
    }

    /// The heartbeats of its peer that this unit can still echo.
    #[must_use]
    pub fn echoes(&self) -> [Option<HeartbeatId>; 2] {
        [self.peer.last.map(|last| last.heartbeat.id), self.peer.candidate]
    }

    /// Forgets what was said in heartbeats that can no longer be echoed, as nobody will ever ask for it: a
    /// search keeps millions of machines.
    pub fn forget_before(&mut self, oldest_echo: u64) {
        let sent = &mut self.history.sent;
        let old = sent.iter().take_while(|sent| sent.number < oldest_echo).count();
        sent.drain(..old);
        sent.shrink_to_fit();
    }

    /// Adds all that this machine's future depends on: see the module's source for what and why.
    pub fn fingerprint(&self, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        let Self {
            config,
            state,
            decision: _,
            leaving,
            active: _,
            last_failover: _,
            shown: _,
            departure: _,
            term,
            warm,
            fitness,
            // The search monitors nothing.
            monitor: _,
            peer,
            mismatch,
            conflict,
            hand_over,
            flaps,
            history,
            beat,
            timers,
            duties,
            announcer,
            proof,
            stranger_at: _,
            now: _,
            punctual: _,
            backward_steps: _,
            events: _,
            events_dropped: _,
            rejects: _,
            tally: _,
        } = self;
        let failure_time = config.failure_time();
        state.hash(hasher);
        frame.term(*term).hash(hasher);
        (*warm, conflict.is_some(), mismatch.is_some()).hash(hasher);
        // It says something only of the stall that is being recovered from.
        if matches!(state, State::Withdrawing(_) | State::Recovering) {
            frame.number(beat.start, *proof).hash(hasher);
        }
        if let Some(Conflict { health, first, is_known }) = conflict {
            // What is older than any echo is all the same.
            let first = (*first > frame.oldest_echo).then(|| frame.number(beat.start, *first));
            (health, first, is_known).hash(hasher);
        }
        // What leaves the role depends on why that was begun.
        matches!(state, State::Withdrawing(_)).then_some(leaving).hash(hasher);
        let to_the_limit = usize::from(config.flap_limit).saturating_sub(flaps.0.len());
        to_the_limit.min(OUT_OF_REACH).hash(hasher);
        hash_fitness(fitness, frame, hasher);
        hash_peer(peer, frame, failure_time, hasher);
        hash_hand_over(hand_over, frame, hasher);
        hash_history(history, frame, failure_time, hasher);
        hash_beat(beat, frame, hasher);
        hash_timers(timers, frame, hasher);
        hash_duties(duties, frame, hasher);
        hash_announcer(announcer, frame, hasher);
    }
}

fn hash_fitness(fitness: &Fitness, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let Fitness {
        weight,
        links,
        isolated,
        demotions,
        maintenance,
        persisting,
        ready,
        overdue,
        synchronized,
        upgrade,
    } = fitness;
    (weight, links, isolated, maintenance).hash(hasher);
    persisting.map(|(_, maintenance)| maintenance).hash(hasher);
    (ready, overdue, synchronized, upgrade).hash(hasher);
    for known in demotions.all() {
        (known.demotion, known.until.map(|until| frame.until(until))).hash(hasher);
    }
}

fn hash_peer(peer: &Peer, frame: &Frame<'_>, failure_time: Duration, hasher: &mut impl Hasher) {
    let Peer { paths, last, candidate, former, deductions: _ } = peer;
    // What nobody can hear any more need not be refused.
    former.iter().filter_map(|start| frame.place(*start)).for_each(|it| it.hash(hasher));
    let start = last.map_or(0, |last| last.heartbeat.id.start);
    for Path { heard, number, up } in paths {
        // 0 means that none of this start was heard yet.
        ((*number != 0).then(|| frame.number(start, *number)), up).hash(hasher);
        if *up {
            heard.map(|heard| frame.now.saturating_since(heard)).hash(hasher);
        }
    }
    candidate.map(|id| frame.id(id)).hash(hasher);
    let Some(Last { heartbeat, at: _, silent_since, since, alive }) = last else { return };
    (alive, frame.id(heartbeat.id), frame.term(heartbeat.term)).hash(hasher);
    (heartbeat.interval, heartbeat.level).hash(hasher);
    // Of a silent peer nothing else is asked.
    if *alive {
        hash_heartbeat(heartbeat, frame, hasher);
        frame.now.saturating_since(*silent_since).hash(hasher);
        frame.age(*since, failure_time).hash(hasher);
    }
}

impl Heartbeat {
    /// Adds all of a heartbeat on its way that its receiver's future depends on.
    pub fn fingerprint(&self, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        hash_heartbeat(self, frame, hasher);
    }
}

/// A heartbeat of the peer.
fn hash_heartbeat(heartbeat: &Heartbeat, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let Heartbeat {
        protocol,
        stance,
        designation,
        serial: _,
        preempt,
        obstacles,
        warm,
        synchronized,
        upgrade,
        invites,
        voluntary,
        steady,
        interval,
        level,
        health,
        paths_heard,
        id,
        term,
        echo,
        ask,
        release,
        product: _,
    } = heartbeat;
    (protocol.oldest, protocol.newest, stance, designation, preempt, obstacles).hash(hasher);
    (warm, synchronized, upgrade, invites, voluntary, steady).hash(hasher);
    (interval, level, health, paths_heard).hash(hasher);
    (frame.id(*id), frame.term(*term), echo.map(|echo| frame.id(echo))).hash(hasher);
    (frame.question(*ask), frame.question(*release)).hash(hasher);
}

fn hash_hand_over(hand_over: &HandOver, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let HandOver {
        ask,
        preference,
        release,
        granted,
        refused,
        declined: _,
        // Where the next question comes from: it is a new one in any case.
        nonces: _,
        deference,
    } = hand_over;
    (frame.question(*ask), preference, frame.question(*release), deference).hash(hasher);
    // To refuse a question that does not come any more is to refuse none.
    frame.question(*refused).flatten().hash(hasher);
    granted.is_voluntary().hash(hasher);
}

fn hash_history(
    history: &History,
    frame: &Frame<'_>,
    failure_time: Duration,
    hasher: &mut impl Hasher,
) {
    let History { start, sent } = history;
    for Sent { number, at, standing, eligible } in sent {
        if *number < frame.oldest_echo {
            continue;
        }
        frame.number(*start, *number).hash(hasher);
        // Older than the failure time is all the same.
        frame.age(*at, failure_time.saturating_add(Duration::from_nanos(1))).hash(hasher);
        (standing.health, standing.designation, standing.preempt, standing.claim).hash(hasher);
        (frame.term(standing.term), eligible).hash(hasher);
    }
}

fn hash_beat(beat: &Beat, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let Beat {
        start,
        number,
        interval: _,
        next,
        current,
        report: _,
        pending,
        due: _,
        handed_out,
        longest_delay: _,
    } = beat;
    (frame.number(*start, *number), frame.until(*next), pending).hash(hasher);
    frame.now.saturating_since(*handed_out).hash(hasher);
    if *pending != 0
        && let Some(heartbeat) = current
    {
        hash_heartbeat(heartbeat, frame, hasher);
    }
}

fn hash_timers(timers: &Timers, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    for timer in Timer::ALL {
        timers.get(timer).map(|at| frame.until(at)).hash(hasher);
    }
}

fn hash_duties(duties: &Duties, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let Duties { route_hold: _, next_id: _, queue, step, withdraw_next, open: _ } = duties;
    step.map(|(_, step, until)| (step, frame.until(until))).hash(hasher);
    withdraw_next.hash(hasher);
    for (_, action) in queue {
        action.name().hash(hasher);
    }
}

fn hash_announcer(announcer: &Announcer, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let Announcer { round, bursts, began, due, open } = announcer;
    (round, bursts, due).hash(hasher);
    // Of a round that has not begun nothing is asked.
    (*bursts > 0).then(|| frame.now.saturating_since(*began)).hash(hasher);
    open.map(|(_, at)| frame.until(at)).hash(hasher);
}
