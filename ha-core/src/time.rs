//! Time as the machines see it: a count of nanoseconds that the embedder hands in.
//!
//! [`Instant`] is our own type, since a protocol crate has no clock. The embedder chooses the epoch
//! (the start of the unit will do) and must use a clock that runs through suspend, so that a unit that
//! was asleep notices it (CRASH-4). Under the feature `std`, [`Clock`] is such a clock.

use core::ops::Add;
pub use core::time::Duration;

/// A point in time: nanoseconds since an epoch that the embedder chose.
///
/// Arithmetic saturates at both ends (the last instant is some 584 years after the epoch), so no sum
/// of an instant and a duration can overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instant(u64);

impl Instant {
    /// The epoch itself.
    pub const ZERO: Self = Self(0);
    /// The last instant there is. A deadline there never comes.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the epoch, saturating.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since the epoch.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved back by `duration`, at the epoch at the earliest.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at [`Instant::FAR_FUTURE`].
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A clock for embedders with an operating system: it runs through suspend where the system has such
/// a clock (`CLOCK_BOOTTIME` on Linux), so that a suspended unit finds that it was (CRASH-4, BEY-3).
///
/// The epoch is the moment of [`Clock::start`]; copies share it.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Duration,
}

#[cfg(feature = "std")]
impl Clock {
    /// A clock whose epoch is now.
    #[must_use]
    pub fn start() -> Self {
        Self { epoch: boot_time() }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::ZERO + boot_time().saturating_sub(self.epoch)
    }
}

#[cfg(all(feature = "std", target_os = "linux"))]
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(all(feature = "std", not(target_os = "linux")))]
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums and differences saturate, whatever a clock that jumps hands in.
    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::FAR_FUTURE + Duration::from_secs(1), Instant::FAR_FUTURE);
        assert_eq!(Instant::ZERO + Duration::MAX, Instant::FAR_FUTURE);
        assert_eq!(Instant::ZERO.saturating_since(Instant::FAR_FUTURE), Duration::ZERO);
        assert_eq!(Instant::ZERO.saturating_sub(Duration::MAX), Instant::ZERO);
    }
}
