//! S3: a unit whose clock shows a stall longer than the failure time does nothing as Active before it has
//! given the role up.

use super::{Rule, Verdict, claims};
use core::time::Duration;
use ha_core::pair::{Action, Stance};
use ha_core::time::Instant;

#[derive(Debug)]
pub(super) struct S3 {
    failure_time: [Duration; 2],
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    /// When its last heartbeat was handed out, by its own clock.
    handed_out: Instant,
    /// When it was last seen to have stalled, by its own clock.
    stalled: Option<Instant>,
    /// It stalled while it held the role, and has not withdrawn since.
    must_withdraw: bool,
}

impl S3 {
    pub(super) fn new(failure_time: [Duration; 2]) -> Self {
        Self { failure_time, units: Default::default() }
    }

    pub(super) fn started(&mut self, unit: usize, local: Instant) {
        self.units[unit] = Watched { handed_out: local, ..Watched::default() };
    }

    /// How long the unit has handed out no heartbeat.
    pub(super) fn silence(&self, unit: usize, local: Instant) -> Duration {
        local.saturating_since(self.units[unit].handed_out)
    }

    /// Says whether the unit has stalled.
    pub(super) fn awake(&mut self, unit: usize, local: Instant, holds: bool) -> bool {
        let watched = &mut self.units[unit];
        let stalled = local.saturating_since(watched.handed_out) > self.failure_time[unit];
        if stalled {
            watched.handed_out = local;
            watched.stalled = Some(local);
            watched.must_withdraw |= holds;
        }
        watched.must_withdraw &= holds;
        stalled
    }

    pub(super) fn has_stalled(&self, unit: usize) -> bool {
        let watched = &self.units[unit];
        watched.must_withdraw || watched.stalled.is_some_and(|at| at >= watched.handed_out)
    }

    pub(super) fn acts(&mut self, unit: usize, action: &Action) -> Verdict {
        let must_withdraw = &mut self.units[unit].must_withdraw;
        match action.name() {
            "Withdraw" => *must_withdraw = false,
            // It keeps these for itself.
            "StandDown" | "Persist" => {}
            name if *must_withdraw => {
                return Err((Rule::S3, format!("{name} after a stall, before Withdraw")));
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn sends(&mut self, unit: usize, local: Instant, stance: Stance) -> Verdict {
        self.units[unit].handed_out = local;
        if claims(stance) && self.units[unit].must_withdraw {
            let text = "says that it is Active after a stall, before Withdraw";
            return Err((Rule::S3, text.into()));
        }
        Ok(())
    }
}
