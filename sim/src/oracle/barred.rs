//! What bars a unit from taking the role: maintenance (BEY-8), an embedder that is not ready (BEY-9), a
//! take that has failed (BEY-7), being cut off (BEY-3). A unit that is cut off gives the role up, too.

use super::told::Told;
use super::{Rule, Verdict};
use crate::glimpse::Glimpse;
use core::time::Duration;
use ha_core::pair::Stance;
use ha_core::time::Instant;

/// So many failure times a unit holds back after a take that failed.
const HOLD: u32 = 10;

#[derive(Debug, Default)]
pub(super) struct Barred {
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    /// What it last said of its role.
    stance: Option<Stance>,
    /// When it last took a heartbeat in, or woke from a stall: nothing is known of silence before.
    heard: Option<Instant>,
    failed: Option<Instant>,
}

impl Barred {
    pub(super) fn started(&mut self, unit: usize) {
        self.units[unit] = Watched::default();
    }

    pub(super) fn sends(&mut self, unit: usize, glimpse: Glimpse) {
        self.units[unit].stance = Some(glimpse.stance);
    }

    pub(super) fn hears(&mut self, unit: usize, local: Instant) {
        self.units[unit].heard = Some(local);
    }

    pub(super) fn stalled(&mut self, unit: usize, local: Instant) {
        if let Some(heard) = &mut self.units[unit].heard {
            *heard = local;
        }
    }

    pub(super) fn take_failed(&mut self, unit: usize, local: Instant) {
        self.units[unit].failed = Some(local);
    }

    /// A unit that does not hold the role begins to take it.
    pub(super) fn takes(
        &self,
        unit: usize,
        local: Instant,
        told: &Told,
        failure_time: [Duration; 2],
        readiness_limit: Duration,
    ) -> Verdict {
        let Watched { stance, failed, .. } = &self.units[unit];
        if self.is_cut_off(unit, local, told, failure_time) {
            return Err((Rule::Isolation, "takes, though it is cut off".into()));
        }
        // What it had released itself it takes back, whatever obstacles it has by now.
        if *stance == Some(Stance::Released) {
            return Ok(());
        }
        if told.in_maintenance() && told.maintenance_since < local {
            return Err((Rule::Maintenance, "takes, though it is in maintenance".into()));
        }
        let wait = told.has_to_wait(local, readiness_limit);
        if !wait.is_zero() {
            return Err((Rule::Readiness, format!("takes {wait:?} before it may: not ready")));
        }
        let hold = failure_time[unit] * HOLD;
        match failed.map(|failed| local.saturating_since(failed)) {
            Some(waited) if waited < hold => {
                Err((Rule::FailedTake, format!("takes again {waited:?} after a take that failed")))
            }
            _ => Ok(()),
        }
    }

    /// The unit has done all that it wants to at this moment.
    pub(super) fn check(
        &self,
        unit: usize,
        local: Instant,
        told: &Told,
        failure_time: [Duration; 2],
    ) -> Verdict {
        if self.units[unit].stance == Some(Stance::Active)
            && self.is_cut_off(unit, local, told, failure_time)
        {
            return Err((Rule::Isolation, "keeps the role, though it is cut off".into()));
        }
        Ok(())
    }

    fn is_cut_off(
        &self,
        unit: usize,
        local: Instant,
        told: &Told,
        failure_time: [Duration; 2],
    ) -> bool {
        let is_silent = self.units[unit]
            .heard
            .is_none_or(|heard| local.saturating_since(heard) > failure_time[1 - unit]);
        told.may_be_cut_off() && is_silent
    }
}
