//! The clock of one unit: it has a rate of its own, and can jump.

use crate::random::nanos;
use core::time::Duration;
use ha_core::time::Instant;

const MILLION: u64 = 1_000_000;

/// Maps the world's time, in nanoseconds, to what a unit's clock shows.
#[derive(Clone, Copy, Debug)]
pub struct UnitClock {
    real: u64,
    local: u64,
    /// What it counts while the world counts a million: within 1 % of that.
    rate: u64,
}

impl UnitClock {
    pub(crate) fn new() -> Self {
        // Far from the epoch, so that a clock can be set back.
        Self { real: 0, local: nanos(Duration::from_secs(1_000_000)), rate: MILLION }
    }

    /// What the clock shows at `real`. Whole and broken millions apart, so that 64 bits do.
    #[must_use]
    pub fn at(&self, real: u64) -> Instant {
        let passed = real - self.real;
        let scaled = match self.rate {
            MILLION => passed,
            rate => passed / MILLION * rate + passed % MILLION * rate / MILLION,
        };
        Instant::from_nanos(self.local + scaled)
    }

    /// When the clock shows `local`, or more for the first time.
    pub(crate) fn when(&self, local: Instant) -> u64 {
        let wait = local.as_nanos().saturating_sub(self.local);
        let scaled = match self.rate {
            MILLION => wait,
            rate => (wait / rate).saturating_mul(MILLION) + (wait % rate * MILLION).div_ceil(rate),
        };
        self.real.saturating_add(scaled)
    }

    /// Nanoseconds per millisecond that it goes too fast, or too slow: 10,000 is 1 %.
    pub(crate) fn set_rate(&mut self, real: u64, parts_per_million: i64) {
        (self.local, self.real) = (self.at(real).as_nanos(), real);
        self.rate = MILLION.saturating_add_signed(parts_per_million);
    }

    pub(crate) fn jump_ahead(&mut self, real: u64, by: Duration) {
        (self.local, self.real) = (self.at(real).as_nanos() + nanos(by), real);
    }

    pub(crate) fn step_back(&mut self, real: u64, by: Duration) {
        (self.local, self.real) = (self.at(real).as_nanos() - nanos(by), real);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deadline is met at the first moment at which the clock shows it.
    #[test]
    fn a_deadline_is_neither_early_nor_late() {
        for rate in [-10_000, -333, 0, 1, 4_999, 10_000] {
            let mut clock = UnitClock::new();
            clock.set_rate(12_345, rate);
            for wait in [0, 1, 999_999, 1_000_000, 1_000_001, 123_456_789, 86_400_000_000_000] {
                let local = clock.at(12_345) + Duration::from_nanos(wait);
                let real = clock.when(local);
                assert!(clock.at(real) >= local);
                assert!(real == 12_345 || clock.at(real - 1) < local, "{rate} {wait}");
            }
        }
    }
}
