//! L3: voluntary role changes stay within the flap limit (PAIR-18).

use super::{Rule, Verdict};
use core::time::Duration;
use ha_core::time::Instant;
use std::collections::VecDeque;

/// So many changes are remembered: more than any limit.
const REMEMBERED: usize = 256;

#[derive(Debug)]
pub(super) struct L3 {
    limit: usize,
    window: Duration,
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    /// When it took the role or gave it up, by its own clock.
    changes: VecDeque<Instant>,
    /// How many of them there were within the window when it last asked for the role, and when it last
    /// began to give it up: each of both units has to hold back when it flaps.
    when_it_asked: usize,
    when_it_withdrew: usize,
    /// The same of the withdrawal with which it last released the role.
    when_it_released: usize,
}

impl L3 {
    pub(super) fn new((limit, window): (u8, Duration)) -> Self {
        Self { limit: limit.into(), window, units: Default::default() }
    }

    /// A restart forgets.
    pub(super) fn started(&mut self, unit: usize) {
        self.units[unit] = Watched::default();
    }

    /// A unit becomes Active, or no longer is.
    pub(super) fn changes(&mut self, unit: usize, local: Instant) {
        let changes = &mut self.units[unit].changes;
        if changes.len() == REMEMBERED {
            changes.pop_front();
        }
        changes.push_back(local);
    }

    pub(super) fn asks(&mut self, unit: usize, local: Instant) {
        self.units[unit].when_it_asked = self.lately(unit, local);
    }

    pub(super) fn withdraws(&mut self, unit: usize, local: Instant) {
        self.units[unit].when_it_withdrew = self.lately(unit, local);
    }

    pub(super) fn releases(&mut self, unit: usize) {
        self.units[unit].when_it_released = self.units[unit].when_it_withdrew;
    }

    fn lately(&self, unit: usize, local: Instant) -> usize {
        let changes = &self.units[unit].changes;
        changes.iter().filter(|at| **at + self.window > local).count()
    }

    /// A unit takes the role although it need not.
    pub(super) fn changes_voluntarily(&self, unit: usize) -> Verdict {
        let asked = self.units[unit].when_it_asked;
        let released = self.units[1 - unit].when_it_released;
        for (lately, what) in [(asked, "it changed"), (released, "its peer changed")] {
            if lately > self.limit {
                let text =
                    format!("a voluntary change after {what} {lately} times in {:?}", self.window);
                return Err((Rule::L3, text));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After four changes in ten minutes neither unit lets the role move without need.
    #[test]
    fn a_flapping_unit_holds_back() {
        let mut l3 = L3::new((3, Duration::from_secs(600)));
        let at = |second: u64| Instant::from_millis(second * 1000);
        for second in [1000, 1100, 1200] {
            l3.changes(0, at(second));
        }
        l3.asks(0, at(1300));
        assert_eq!(l3.changes_voluntarily(0), Ok(()));
        l3.changes(0, at(1300));
        l3.asks(0, at(1400));
        l3.withdraws(0, at(1400));
        l3.releases(0);
        assert_eq!(l3.changes_voluntarily(0).unwrap_err().0, Rule::L3);
        assert_eq!(l3.changes_voluntarily(1).unwrap_err().0, Rule::L3);
        l3.asks(0, at(1601));
        assert_eq!(l3.changes_voluntarily(0), Ok(()));
    }
}
