//! What must always hold, checked after each step (S1, S3).

use super::random::nanos;
use core::time::Duration;
use ha_core::pair::{Action, Stance};
use ha_core::time::Instant;

/// Watches both units from outside. A broken rule is returned as a text.
#[derive(Debug)]
pub(crate) struct Oracle {
    /// Of each unit, by its own clock.
    pub(crate) failure_time: [Duration; 2],
    units: [Watched; 2],
    both_hold_since: Option<u64>,
    /// Heartbeats can have been lost during the present conflict.
    with_losses: bool,
    /// How long both ever held the role.
    pub(crate) longest_conflict: u64,
}

#[derive(Debug, Default)]
struct Watched {
    /// When its last heartbeat was handed out, by its own clock.
    handed_out: Instant,
    /// It stalled while it held the role, and has not withdrawn since (S3).
    must_withdraw: bool,
    /// The last heartbeat that arrived here, and the first one of an unbroken series.
    heard: Option<u64>,
    heard_since: u64,
    /// It has heard the peer say that it holds the role, in the peer's present reign.
    knows_of_peers_reign: bool,
}

impl Oracle {
    pub(crate) fn new(failure_time: [Duration; 2]) -> Self {
        let units = [Watched::default(), Watched::default()];
        Self { failure_time, units, both_hold_since: None, with_losses: false, longest_conflict: 0 }
    }

    pub(crate) fn started(&mut self, unit: usize, local: Instant) {
        self.units[unit] = Watched { handed_out: local, ..Watched::default() };
        self.units[1 - unit].knows_of_peers_reign = false;
    }

    /// The unit does something: did its clock show a stall before?
    pub(crate) fn awake(&mut self, unit: usize, local: Instant, holds: bool) {
        let watched = &mut self.units[unit];
        if local.saturating_since(watched.handed_out) > self.failure_time[unit] {
            watched.handed_out = local;
            watched.must_withdraw |= holds;
        }
        watched.must_withdraw &= holds;
    }

    pub(crate) fn acts(&mut self, unit: usize, action: &Action) -> Result<(), String> {
        let must_withdraw = &mut self.units[unit].must_withdraw;
        match action {
            Action::Withdraw => *must_withdraw = false,
            Action::StandDown => {}
            _ if *must_withdraw => {
                return Err(format!("S3: {} after a stall, before Withdraw", action.name()));
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn sends(
        &mut self,
        unit: usize,
        local: Instant,
        stance: Stance,
    ) -> Result<(), String> {
        self.units[unit].handed_out = local;
        if stance == Stance::Active && self.units[unit].must_withdraw {
            return Err("S3: says that it is Active after a stall, before Withdraw".into());
        }
        Ok(())
    }

    /// A heartbeat of the peer arrived and was accepted.
    pub(crate) fn hears(&mut self, unit: usize, now: u64, stance: Stance, peer_holds: bool) {
        let limit = nanos(self.failure_time[1 - unit]);
        let watched = &mut self.units[unit];
        if watched.heard.is_none_or(|heard| now - heard > limit) {
            watched.heard_since = now;
        }
        watched.heard = Some(now);
        watched.knows_of_peers_reign |= stance == Stance::Active && peer_holds;
    }

    /// The unit takes in a hand-over: the other may not hold the role, not for an instant (S1).
    pub(crate) fn takes_by_release(&self, peer_holds: bool) -> Result<(), String> {
        if peer_holds { Err("S1: both hold the role in a hand-over".into()) } else { Ok(()) }
    }

    /// The unit takes back what it had released.
    pub(crate) fn takes_back(&self, unit: usize, peer_holds: bool) -> Result<(), String> {
        if peer_holds && self.units[unit].knows_of_peers_reign {
            return Err("S1: takes back a role that it heard the peer claim".into());
        }
        Ok(())
    }

    /// After each step. `allowance` is the longest delay of the network and of a withdrawal.
    ///
    /// The loser gives way when it hears its own words echoed. If only one heartbeat in each failure
    /// time is sure to arrive, that takes one failure time there and one back; else one is enough.
    pub(crate) fn check(
        &mut self,
        now: u64,
        holds: [bool; 2],
        allowance: Duration,
        lossy: bool,
    ) -> Result<(), String> {
        for unit in [0, 1] {
            self.units[1 - unit].knows_of_peers_reign &= holds[unit];
        }
        if holds != [true, true] {
            self.both_hold_since = None;
            self.with_losses = false;
            return Ok(());
        }
        self.with_losses |= lossy;
        let since = *self.both_hold_since.get_or_insert(now);
        self.longest_conflict = self.longest_conflict.max(now - since);
        let failure_time = nanos(self.failure_time[0].max(self.failure_time[1]));
        let hear = self
            .units
            .iter()
            .all(|unit| unit.heard.is_some_and(|heard| now - heard <= failure_time));
        let heard_since = self.units.iter().map(|unit| unit.heard_since).max().unwrap_or(now);
        let conflict = now - since.max(heard_since).min(now);
        // One percent for the rates of the clocks.
        let bound = failure_time + failure_time / 100 + nanos(allowance);
        let bound = if self.with_losses { 2 * bound } else { bound };
        if hear && conflict > bound {
            return Err(format!("S1: both hold the role and hear each other for {conflict} ns"));
        }
        Ok(())
    }
}
