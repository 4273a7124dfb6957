//! PAIR-13: of two Actives that hear each other one gives way, not both.
//!
//! Where heartbeats are under way for a failure time, each can be told that it is not heard, long after it was.

use super::{Circumstances, Rule, Verdict};
use ha_core::pair::Why;

#[derive(Debug, Default)]
pub(super) struct Conflict {
    /// Counts takes: both give way in the same conflict if there is none between.
    takes: u64,
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    /// After how many takes it began to withdraw, if no heartbeat can have been under way for that long.
    withdrew: Option<u64>,
    /// After how many it gave way.
    gave_way: Option<u64>,
}

impl Conflict {
    pub(super) fn takes(&mut self) {
        self.takes += 1;
    }

    pub(super) fn withdraws(&mut self, unit: usize, it: &Circumstances) {
        self.units[unit].withdrew = (it.delay < it.failure_time).then_some(self.takes);
    }

    /// A unit is no longer Active.
    pub(super) fn gives_up(&mut self, unit: usize, why: Why) -> Verdict {
        if matches!(why, Why::LostConflict | Why::NotHeard) {
            let takes = self.units[unit].withdrew;
            self.units[unit].gave_way = takes;
            if takes.is_some() && self.units[1 - unit].gave_way == takes {
                return Err((Rule::Conflict, "gives way, as its peer does".into()));
            }
        }
        Ok(())
    }
}
