//! S3: a unit whose clock shows a stall longer than its failure time withdraws what it held before it does anything as
//! an owner.

use super::super::setup::{GROUPS, PLACES};
use super::{Rule, Verdict};
use core::time::Duration;
use ha_core::time::Instant;
use svrrp::virtual_address::Duty;
use svrrp::{Advertisement, GroupNumber};

#[derive(Debug)]
pub(super) struct Stalls {
    failure_time: Duration,
    units: [Watched; PLACES],
}

#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    /// When its last advertisement was handed out, and what its clock showed last: it never runs backwards.
    handed_out: Instant,
    /// It stalled while it held these, and has not begun to withdraw them.
    must_withdraw: [bool; GROUPS],
    /// It started then, or woke from its last stall.
    awake_since: Instant,
}

impl Stalls {
    pub(super) fn new(failure_time: Duration) -> Self {
        Self { failure_time, units: [Watched::default(); PLACES] }
    }

    pub(super) fn started(&mut self, unit: usize, local: Instant) {
        self.units[unit] = Watched { handed_out: local, awake_since: local, ..Watched::default() };
    }

    pub(super) fn awake(&mut self, unit: usize, local: Instant, holds: [bool; GROUPS]) {
        let it = &mut self.units[unit];
        let has_stalled = local.saturating_since(it.handed_out) > self.failure_time;
        if has_stalled {
            (it.handed_out, it.awake_since) = (local, local);
        }
        for (must, holds) in it.must_withdraw.iter_mut().zip(holds) {
            *must = holds && (*must || has_stalled);
        }
    }

    pub(super) fn acts(&mut self, unit: usize, group: GroupNumber, duty: Duty) -> Verdict {
        let must = &mut self.units[unit].must_withdraw[group.index()];
        match duty {
            Duty::StopForwarding | Duty::WithdrawAddresses => *must = false,
            duty if *must => {
                return Err((Rule::S3, format!("{duty} of {group} after a stall")));
            }
            _ => {}
        }
        Ok(())
    }

    /// A unit takes a group that nobody owns, as far as it hears: it must have listened for long enough.
    pub(super) fn takes_free(&self, unit: usize, local: Instant, group: GroupNumber) -> Verdict {
        let listened = local.saturating_since(self.units[unit].awake_since);
        if listened < self.failure_time / 100 * 98 {
            let text = format!("takes {group} after it has listened for {listened:?} only");
            return Err((Rule::Listen, text));
        }
        Ok(())
    }

    pub(super) fn sends(&mut self, unit: usize, local: Instant, said: &Advertisement) -> Verdict {
        let it = &mut self.units[unit];
        it.handed_out = it.handed_out.max(local);
        for (group, entry) in said.content.iter().flat_map(|it| it.groups.iter()) {
            let owns = entry.stance.holds() && entry.stance.named().is_none();
            let is_withdrawing =
                matches!(entry.stance, svrrp::wire::GroupStance::Withdrawing { .. });
            if it.must_withdraw[group.index()] && owns && !is_withdrawing {
                return Err((Rule::S3, format!("says that it owns {group} after a stall")));
            }
        }
        Ok(())
    }
}
