//! S1: two units that hear each other do not both hold the role for longer than a failure time and the
//! network's delay; in a hand-over never, not for an instant.

use super::{Rule, Verdict, claims};
use crate::random::nanos;
use core::time::Duration;
use ha_core::pair::Stance;

#[derive(Debug)]
pub(super) struct S1 {
    failure_time: [u64; 2],
    units: [Watched; 2],
    both_hold_since: Option<u64>,
    /// Heartbeats can have been lost during the present conflict.
    with_losses: bool,
    /// Until then a hand-over may be under way whose time limits a clock has stretched: a pause that no
    /// clock shows is ended by the conflict (CRASH-4), and so is what a hand-over comes to by it.
    limits_unsure_until: u64,
}

#[derive(Debug, Default)]
struct Watched {
    /// The last heartbeat that arrived here, and the first one of an unbroken series.
    heard: Option<u64>,
    heard_since: u64,
    /// How far its clock has jumped ahead since.
    jumped: u64,
    /// It has heard the peer say that it holds the role, in the peer's present reign.
    knows_of_peers_reign: bool,
}

impl Watched {
    /// Its peer was not silent for longer than `limit` by its clock.
    fn hears(&self, now: u64, limit: u64) -> bool {
        self.heard.is_some_and(|heard| now - heard + self.jumped <= limit)
    }
}

impl S1 {
    pub(super) fn new(failure_time: [Duration; 2]) -> Self {
        Self {
            failure_time: failure_time.map(nanos),
            units: Default::default(),
            both_hold_since: None,
            with_losses: false,
            limits_unsure_until: 0,
        }
    }

    pub(super) fn clock_was_wrong(&mut self, until: u64) {
        // Beyond the longest time limit of a hand-over, which is two failure times.
        let until = until + 3 * self.failure_time();
        self.limits_unsure_until = self.limits_unsure_until.max(until);
    }

    /// The longer one of both units.
    pub(super) fn failure_time(&self) -> u64 {
        self.failure_time[0].max(self.failure_time[1])
    }

    pub(super) fn started(&mut self, unit: usize) {
        self.units[unit] = Watched::default();
        self.units[1 - unit].knows_of_peers_reign = false;
    }

    /// A unit says what its role is. It holds the role until its platform has confirmed the withdrawal, and
    /// must not say otherwise before: its peer would take.
    pub(super) fn sends(holds: bool, stance: Stance) -> Verdict {
        if holds && !matches!(stance, Stance::Active | Stance::Withdrawing) {
            let text = format!("says that it is {stance:?}, and holds the role");
            return Err((Rule::S1, text));
        }
        Ok(())
    }

    /// Since when a unit has heard its peer without a break.
    pub(super) fn heard_since(&self, unit: usize) -> Option<u64> {
        self.units[unit].heard.map(|_| self.units[unit].heard_since)
    }

    pub(super) fn hears(&mut self, unit: usize, now: u64, stance: Stance, peer_holds: bool) {
        let limit = self.failure_time[1 - unit];
        let watched = &mut self.units[unit];
        if !watched.hears(now, limit) {
            watched.heard_since = now;
        }
        watched.heard = Some(now);
        watched.jumped = 0;
        watched.knows_of_peers_reign |= claims(stance) && peer_holds;
    }

    /// A clock that jumps ahead can make the peer silent by it: what this unit knows of a conflict is forgotten
    /// with the peer, and it needs to hear all of it anew.
    pub(super) fn jumps_ahead(&mut self, unit: usize, by: u64) {
        self.units[unit].jumped += by;
    }

    /// The unit takes in a hand-over: the other may not hold the role.
    pub(super) fn takes_by_release(&self, now: u64, peer_holds: bool) -> Verdict {
        if peer_holds && now > self.limits_unsure_until {
            return Err((Rule::S1, "both hold the role in a hand-over".into()));
        }
        Ok(())
    }

    /// The unit takes back what it had released.
    pub(super) fn takes_back(&self, now: u64, unit: usize, peer_holds: bool) -> Verdict {
        let is_sure = now > self.limits_unsure_until;
        if is_sure && peer_holds && self.units[unit].knows_of_peers_reign {
            return Err((Rule::S1, "takes back a role that it heard the peer claim".into()));
        }
        Ok(())
    }

    /// `conflict` is the longest delay of the network and of a withdrawal, and whether heartbeats can be
    /// lost. Returns how long both have held the role.
    ///
    /// The loser gives way when it hears its own words echoed. If only one heartbeat in each failure
    /// time is sure to arrive, that takes one failure time there and one back; else one is enough.
    pub(super) fn check(
        &mut self,
        now: u64,
        holds: [bool; 2],
        conflict: Option<(Duration, bool)>,
    ) -> Result<u64, super::Broken> {
        for unit in [0, 1] {
            self.units[1 - unit].knows_of_peers_reign &= holds[unit];
        }
        let Some((allowance, lossy)) = conflict else {
            self.both_hold_since = None;
            self.with_losses = false;
            return Ok(0);
        };
        self.with_losses |= lossy;
        let since = *self.both_hold_since.get_or_insert(now);
        let failure_time = self.failure_time();
        let hear = self.units.iter().all(|unit| unit.hears(now, failure_time));
        let heard_since = self.units.iter().map(|unit| unit.heard_since).max().unwrap_or(now);
        let conflict = now - since.max(heard_since).min(now);
        // One percent for the rates of the clocks.
        let bound = failure_time + failure_time / 100 + nanos(allowance);
        let bound = if self.with_losses { 2 * bound } else { bound };
        if hear && conflict > bound {
            let conflict = Duration::from_nanos(conflict);
            let text = format!("both hold the role and hear each other for {conflict:?}");
            return Err((Rule::S1, text));
        }
        Ok(now - since)
    }
}
