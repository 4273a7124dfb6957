//! PAIR-5: of two units that hear each other and look for an Active, one takes the role, not both.
//!
//! S1 allows a conflict for a failure time; where nothing was lost and nothing happened for a while, there
//! must be none. (A unit that was barred until just now, as it says itself, may take when its peer, barred
//! as well, does: neither can know yet.)

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;
use crate::random::nanos;
use core::time::Duration;
use ha_core::pair::Stance;

#[derive(Debug, Default)]
pub(super) struct Election {
    units: [Watched; 2],
    last_fault: u64,
}

#[derive(Debug, Default)]
struct Watched {
    /// What it last said of its role.
    stance: Option<Stance>,
    /// It took, and looked for an Active before.
    was_elected: bool,
    /// Since when it has said that it may take.
    eligible_since: Option<u64>,
    heard: Option<u64>,
    heard_since: u64,
}

/// What the network and the units are like when somebody takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// The largest delay of the network.
    pub(crate) delay: Duration,
    /// The longer heartbeat interval.
    pub(crate) interval: Duration,
    /// The shorter failure time.
    pub(crate) failure_time: Duration,
    /// Nothing is lost on a path that works, and one does.
    pub(crate) is_sure: bool,
    /// No platform ever failed, and the other unit holds the role.
    pub(crate) is_clean_conflict: bool,
}

impl Election {
    pub(super) fn started(&mut self, unit: usize) {
        self.units[unit] = Watched::default();
    }

    pub(super) fn disturbed(&mut self, now: u64) {
        self.last_fault = now;
    }

    pub(super) fn sends(&mut self, unit: usize, now: u64, glimpse: Glimpse) {
        let watched = &mut self.units[unit];
        watched.stance = Some(glimpse.stance);
        let since = watched.eligible_since.unwrap_or(now);
        watched.eligible_since = glimpse.eligible.then_some(since);
    }

    pub(super) fn hears(&mut self, unit: usize, now: u64, interval: Duration) {
        let watched = &mut self.units[unit];
        if watched.heard.is_none_or(|heard| now - heard > 2 * nanos(interval)) {
            watched.heard_since = now;
        }
        watched.heard = Some(now);
    }

    /// A unit begins to take.
    pub(super) fn takes(&mut self, now: u64, unit: usize, it: &Circumstances) -> Verdict {
        use Stance::{Election, Standby};
        let before = self.units[unit].stance;
        self.units[unit].was_elected = matches!(before, Some(Election | Standby));
        let delay = nanos(it.delay);
        let interval = nanos(it.interval);
        let exchange = it.exchange();
        let is_quiet = self.last_fault + exchange <= now;
        // One that is late counts as lost, whatever the delay: by a clock that is one percent faster.
        let limit = interval + interval / 2 + delay;
        let limit = limit.min(nanos(it.failure_time) - nanos(it.failure_time) / 50);
        let hear = self.units.iter().all(|unit| {
            let heard = unit.heard.is_some_and(|it| it + limit >= now);
            let eligible = unit.eligible_since.is_some_and(|since| since + exchange <= now);
            heard && unit.heard_since + exchange <= now && eligible
        });
        let elected = self.units.iter().all(|unit| unit.was_elected);
        if it.is_sure && it.is_clean_conflict && is_quiet && hear && elected {
            return Err((Rule::Election, "takes, though the other one has been elected".into()));
        }
        Ok(())
    }
}

impl Circumstances {
    /// There and back, and a heartbeat on which to ride, each way.
    fn exchange(&self) -> u64 {
        2 * nanos(self.interval) + 4 * nanos(self.delay)
    }
}
