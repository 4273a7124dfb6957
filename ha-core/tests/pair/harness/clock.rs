//! The clock of one unit: it has a rate of its own, and can jump.

use super::random::nanos;
use core::time::Duration;
use ha_core::time::Instant;

/// Maps the harness's time, in nanoseconds, to what a unit's clock shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitClock {
    real: u64,
    local: u64,
    /// Nanoseconds per millisecond more (or less) than it should go: 10,000 is 1 %.
    parts_per_million: i64,
}

impl UnitClock {
    pub(crate) fn new() -> Self {
        // Far from the epoch, so that a clock can be set back.
        Self { real: 0, local: nanos(Duration::from_secs(1_000_000)), parts_per_million: 0 }
    }

    /// What the clock shows at `real`.
    pub(crate) fn at(&self, real: u64) -> Instant {
        let passed = u128::from(real - self.real) * self.rate() / 1_000_000;
        Instant::from_nanos(self.local + u64::try_from(passed).unwrap())
    }

    /// When the clock shows `local`, or more for the first time.
    pub(crate) fn when(&self, local: Instant) -> u64 {
        let wait = u128::from(local.as_nanos().saturating_sub(self.local)) * 1_000_000;
        self.real.saturating_add(u64::try_from(wait.div_ceil(self.rate())).unwrap_or(u64::MAX))
    }

    pub(crate) fn set_rate(&mut self, real: u64, parts_per_million: i64) {
        (self.local, self.real) = (self.at(real).as_nanos(), real);
        self.parts_per_million = parts_per_million;
    }

    pub(crate) fn jump_ahead(&mut self, real: u64, by: Duration) {
        (self.local, self.real) = (self.at(real).as_nanos() + nanos(by), real);
    }

    pub(crate) fn step_back(&mut self, real: u64, by: Duration) {
        (self.local, self.real) = (self.at(real).as_nanos() - nanos(by), real);
    }

    fn rate(&self) -> u128 {
        u128::try_from(1_000_000 + self.parts_per_million).unwrap()
    }
}
