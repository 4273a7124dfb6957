//! After a crash of the Active, a settled Standby takes over within interval × level, one interval and
//! the network's largest delay (PAIR-6); with a path lost too, the same (PAIR-12).

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;
use crate::random::nanos;
use core::time::Duration;

/// The circumstances of a crash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crash {
    /// Which unit.
    pub(crate) unit: usize,
    /// It was Active, the other its Standby, in order and not hindered, and the network loses nothing on
    /// the paths that work.
    pub(crate) is_clean: bool,
    /// Its heartbeat interval.
    pub(crate) interval: Duration,
    /// The largest delay of the network.
    pub(crate) delay: Duration,
}

#[derive(Debug, Default)]
pub(super) struct TakeOver {
    expected: Option<Expected>,
    last_fault: u64,
    /// What each unit last said of itself: that it may take the role.
    eligible: [bool; 2],
}

#[derive(Clone, Copy, Debug)]
struct Expected {
    by: usize,
    crashed: u64,
    bound: u64,
}

impl TakeOver {
    pub(super) fn disturbed(&mut self, now: u64) {
        self.expected = None;
        self.last_fault = now;
    }

    pub(super) fn started(&mut self, unit: usize) {
        self.eligible[unit] = false;
    }

    pub(super) fn sends(&mut self, unit: usize, glimpse: Glimpse) {
        self.eligible[unit] = glimpse.eligible;
    }

    /// Called after [`TakeOver::disturbed`], which this fault is too: `before` is when the one before was.
    pub(super) fn crashed(
        &mut self,
        now: u64,
        crash: &Crash,
        heard_since: Option<u64>,
        failure_time: [Duration; 2],
    ) {
        let by = 1 - crash.unit;
        let settled = 2 * nanos(failure_time[0].max(failure_time[1]));
        let is_settled = heard_since.is_some_and(|since| since + settled <= now)
            && self.last_fault + settled <= now;
        self.disturbed(now);
        if crash.is_clean && is_settled && self.eligible[by] {
            let limit = nanos(failure_time[crash.unit] + crash.interval);
            // One percent for the rates of the clocks.
            let bound = limit + limit / 100 + nanos(crash.delay);
            self.expected = Some(Expected { by, crashed: now, bound });
        }
    }

    /// A unit begins to take. Returns the time since the crash of which it was waited for, of the bound.
    pub(super) fn took(&mut self, now: u64, unit: usize) -> Option<f64> {
        let expected = self.expected.take_if(|expected| expected.by == unit)?;
        Some((now - expected.crashed) as f64 / expected.bound as f64)
    }

    pub(super) fn check(&mut self, now: u64) -> Verdict {
        match self.expected {
            Some(Expected { crashed, bound, .. }) if now - crashed > bound => {
                let bound = Duration::from_nanos(bound);
                let text = format!("the Standby has not taken over within {bound:?} of the crash");
                Err((Rule::TakeOver, text))
            }
            _ => Ok(()),
        }
    }
}
