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
    /// When each unit changed its role, by its own clock.
    changes: [VecDeque<Instant>; 2],
}

impl L3 {
    pub(super) fn new((limit, window): (u8, Duration)) -> Self {
        Self { limit: limit.into(), window, changes: Default::default() }
    }

    pub(super) fn started(&mut self, unit: usize) {
        self.changes[unit].clear();
    }

    /// A unit becomes Active, or no longer is.
    pub(super) fn changes(&mut self, unit: usize, local: Instant) {
        let changes = &mut self.changes[unit];
        if changes.len() == REMEMBERED {
            changes.pop_front();
        }
        changes.push_back(local);
    }

    /// A unit takes the role although it need not.
    pub(super) fn changes_voluntarily(&self, unit: usize, local: Instant) -> Verdict {
        let since = local.saturating_sub(self.window);
        let lately = self.changes[unit].iter().filter(|at| **at > since).count();
        if lately > self.limit {
            let text = format!("a voluntary change after {lately} in {:?}", self.window);
            return Err((Rule::L3, text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fourth change in ten minutes is one too many for a fifth that is voluntary.
    #[test]
    fn a_flapping_unit_holds_back() {
        let mut l3 = L3::new((3, Duration::from_secs(600)));
        for second in [1000, 1100, 1200] {
            l3.changes(0, Instant::from_millis(second * 1000));
        }
        assert_eq!(l3.changes_voluntarily(0, Instant::from_millis(1_300_000)), Ok(()));
        l3.changes(0, Instant::from_millis(1_300_000));
        let broken = l3.changes_voluntarily(0, Instant::from_millis(1_400_000));
        assert_eq!(broken.unwrap_err().0, Rule::L3);
        assert_eq!(l3.changes_voluntarily(0, Instant::from_millis(1_600_001)), Ok(()));
    }
}
