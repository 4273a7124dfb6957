//! PAIR-13: of two Actives that hear each other one gives way, not both.
//!
//! Each judges what the other said against what it had said itself. So both may lose if the health of one
//! changes during the exchange, and where heartbeats are lost: then an election follows.

use super::{Circumstances, Rule, Verdict};
use crate::random::nanos;
use ha_core::pair::Why;

#[derive(Debug, Default)]
pub(super) struct Conflict {
    /// Counts takes: both give way in the same conflict if there is none between.
    takes: u64,
    changed_at: u64,
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    /// It began to withdraw when nothing had happened for an exchange: after so many takes.
    withdrew: Option<u64>,
    /// It gave way after so many takes, and whether because it had lost the comparison.
    gave_way: Option<(u64, bool)>,
}

impl Conflict {
    pub(super) fn changed(&mut self, now: u64) {
        self.changed_at = now;
    }

    pub(super) fn takes(&mut self) {
        self.takes += 1;
    }

    pub(super) fn withdraws(&mut self, unit: usize, now: u64, it: &Circumstances) {
        let is_quiet = self.changed_at + it.exchange() <= now && it.is_sure;
        self.units[unit].withdrew = is_quiet.then_some(self.takes);
    }

    /// A unit is no longer Active.
    pub(super) fn gives_up(&mut self, unit: usize, why: Why) -> Verdict {
        if matches!(why, Why::LostConflict | Why::NotHeard) {
            let watched = &mut self.units[unit];
            watched.gave_way = watched.withdrew.map(|takes| (takes, why == Why::LostConflict));
            if let [Some((a, a_lost)), Some((b, b_lost))] =
                self.units.each_ref().map(|unit| unit.gave_way)
                && a == b
            {
                let rule = if a_lost && b_lost { Rule::Conflict } else { Rule::ConflictNotHeard };
                return Err((rule, "gives way, as its peer does".into()));
            }
        }
        Ok(())
    }
}

impl Circumstances {
    /// There and back, and a heartbeat on which to ride, each way.
    pub(super) fn exchange(&self) -> u64 {
        2 * nanos(self.interval) + 4 * nanos(self.delay)
    }
}
