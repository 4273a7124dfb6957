//! A fingerprint of everything that the future of a role machine depends on, for a search through all
//! reachable states. Two machines with the same fingerprint do the same for ever, if the same happens.
//!
//! Machines that differ only in the time, in the numbers of their heartbeats or in their terms by a
//! constant do the same, so all of these are taken relative to a [`Frame`]. What only a person reads
//! (counters, reasons, events that were not polled) is left out.
//!
//! Every structure is taken apart by name: whoever adds a field has to say whether it belongs here.
//!
//! Two assumptions, which the search has to see to: actions are answered at once, and no unit reaches the
//! flap limit (so that the times of the role changes do not matter).

use super::beat::Beat;
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

/// What a fingerprint is relative to. The same for both units of a pair, but for who is who.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The present time, by this unit's clock.
    pub now: Instant,
    /// The number of this unit's last heartbeat: [`Pair::last_number`].
    pub own_number: u64,
    /// That of its peer's.
    pub peer_number: u64,
    /// A term; the lower of both units' will do.
    pub term: u64,
    /// The lowest number of a heartbeat of this unit that can still be echoed: what was said in older ones
    /// will never be asked for.
    pub oldest_echo: u64,
}

impl Frame {
    /// The same, as the peer has to see it.
    #[must_use]
    pub const fn reversed(self, now: Instant, oldest_echo: u64) -> Self {
        Self {
            now,
            own_number: self.peer_number,
            peer_number: self.own_number,
            term: self.term,
            oldest_echo,
        }
    }

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

    fn own(&self, id: HeartbeatId) -> (u64, u64) {
        (id.start, id.number.wrapping_sub(self.own_number))
    }

    fn peers(&self, id: HeartbeatId) -> (u64, u64) {
        (id.start, id.number.wrapping_sub(self.peer_number))
    }
}

impl Pair {
    /// The number of its last heartbeat.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.beat.number
    }

    /// The heartbeats of this unit that its peer last knew of, and that it last heard itself: their numbers.
    #[must_use]
    pub fn last_heard(&self) -> Option<HeartbeatId> {
        self.peer.last.map(|last| last.heartbeat.id)
    }

    /// Adds all that this machine's future depends on: see the module's source for what and why.
    pub fn fingerprint(&self, frame: &Frame, hasher: &mut impl Hasher) {
        let Self {
            config,
            state,
            decision: _,
            leaving: _,
            departure: _,
            term,
            warm,
            fitness,
            peer,
            mismatch,
            in_conflict,
            hand_over,
            flaps,
            history,
            beat,
            timers,
            duties,
            announcement_round,
            proof,
            stranger_at: _,
            now: _,
            backward_steps: _,
            events: _,
            events_dropped: _,
            rejects: _,
        } = self;
        let failure_time = config.failure_time();
        state.hash(hasher);
        frame.term(*term).hash(hasher);
        (*warm, *in_conflict, mismatch.is_some(), *announcement_round).hash(hasher);
        // It says something only of the stall that is being recovered from.
        if matches!(state, State::Withdrawing(_) | State::Recovering) {
            proof.wrapping_sub(frame.own_number).hash(hasher);
        }
        // Only more than the limit means anything.
        (flaps.0.len() > usize::from(config.flap_limit)).hash(hasher);
        hash_fitness(fitness, frame, hasher);
        hash_peer(peer, frame, failure_time, hasher);
        hash_hand_over(hand_over, hasher);
        hash_history(history, frame, failure_time, hasher);
        hash_beat(beat, frame, hasher);
        hash_timers(timers, frame, hasher);
        hash_duties(duties, frame, hasher);
    }
}

fn hash_fitness(fitness: &Fitness, frame: &Frame, hasher: &mut impl Hasher) {
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

fn hash_peer(peer: &Peer, frame: &Frame, failure_time: Duration, hasher: &mut impl Hasher) {
    let Peer { paths, last, candidate } = peer;
    for Path { heard, number, up } in paths {
        (number.wrapping_sub(frame.peer_number), up).hash(hasher);
        if *up {
            heard.map(|heard| frame.now.saturating_since(heard)).hash(hasher);
        }
    }
    candidate.map(|id| frame.peers(id)).hash(hasher);
    let Some(Last { heartbeat, at, since, alive }) = last else { return };
    (alive, frame.peers(heartbeat.id), frame.term(heartbeat.term)).hash(hasher);
    (heartbeat.interval, heartbeat.level).hash(hasher);
    // Of a silent peer nothing else is asked.
    if *alive {
        hash_heartbeat(heartbeat, frame, hasher);
        frame.now.saturating_since(*at).hash(hasher);
        frame.age(*since, failure_time).hash(hasher);
    }
}

/// A heartbeat of the peer.
fn hash_heartbeat(heartbeat: &Heartbeat, frame: &Frame, hasher: &mut impl Hasher) {
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
    (frame.peers(*id), frame.term(*term), echo.map(|echo| frame.own(echo))).hash(hasher);
    (ask, release).hash(hasher);
}

fn hash_hand_over(hand_over: &HandOver, hasher: &mut impl Hasher) {
    let HandOver { ask, preference, release, granted, refused, declined: _, nonces, deference } =
        hand_over;
    (ask, preference, release, refused, nonces, deference).hash(hasher);
    granted.is_voluntary().hash(hasher);
}

fn hash_history(
    history: &History,
    frame: &Frame,
    failure_time: Duration,
    hasher: &mut impl Hasher,
) {
    let History { start, sent } = history;
    start.hash(hasher);
    for Sent { number, at, standing, eligible } in sent {
        if *number < frame.oldest_echo {
            continue;
        }
        number.wrapping_sub(frame.own_number).hash(hasher);
        // Older than the failure time is all the same.
        frame.age(*at, failure_time.saturating_add(Duration::from_nanos(1))).hash(hasher);
        (standing.health, standing.designation, standing.preempt, standing.claim).hash(hasher);
        (frame.term(standing.term), eligible).hash(hasher);
    }
}

fn hash_beat(beat: &Beat, frame: &Frame, hasher: &mut impl Hasher) {
    let Beat {
        start,
        number,
        interval: _,
        next,
        current,
        pending,
        due: _,
        handed_out,
        longest_delay: _,
    } = beat;
    (start, number.wrapping_sub(frame.own_number), frame.until(*next), pending).hash(hasher);
    frame.now.saturating_since(*handed_out).hash(hasher);
    if *pending != 0
        && let Some(heartbeat) = current
    {
        // Seen from the peer, which is who will hear it.
        let peers = frame.reversed(frame.now, 0);
        hash_heartbeat(heartbeat, &peers, hasher);
    }
}

fn hash_timers(timers: &Timers, frame: &Frame, hasher: &mut impl Hasher) {
    for timer in Timer::ALL {
        timers.get(timer).map(|at| frame.until(at)).hash(hasher);
    }
}

fn hash_duties(duties: &Duties, frame: &Frame, hasher: &mut impl Hasher) {
    let Duties { route_hold: _, next_id: _, queue, step, withdraw_next, open: _ } = duties;
    step.map(|(_, step, until)| (step, frame.until(until))).hash(hasher);
    withdraw_next.hash(hasher);
    for (_, action) in queue {
        action.name().hash(hasher);
    }
}
