//! L2, MON-4: as long as it is the same around both units, the role does not move because one of them were
//! fitter; and if the same happens to both, one after the other, it moves once at the most.
//!
//! The second half is the count of [`L2`](super::l2). It begins anew with each fault; but where all was the same
//! for long, what happens to one unit and then to the other is one fault, whatever each finds of it and when.
//!
//! Excused are
//! - as long after the last difference as a unit may still count it: until all its probes are missed or
//!   answered, and its services are late or have reported for long enough. The lost answer of a probe is a
//!   difference; so is a service that fails or works on both, since each unit finds that at another moment;
//!   and so is all else that happens to the units and their network. A restart that repairs a service belongs to
//!   the fault, and so does the same fault of the other unit within a second, repaired by then or not;
//! - units of which their embedders say that one is fitter; and a Primary that preempts, which takes the role
//!   as soon as it is as fit (PAIR-7).

use super::monitors::RESTORE_HOLD;
use super::{Rule, Verdict};
use crate::random::nanos;
use core::time::Duration;
use ha_core::monitor::MonitorConfig;

#[derive(Debug)]
pub(super) struct Alike {
    is_alike: bool,
    /// When something last happened to one of them alone.
    since: u64,
    /// So long a unit may count what is no longer so.
    memory: u64,
    /// All was the same for long, and then one thing happened: to one unit, and perhaps to the other by now.
    is_one_fault: bool,
}

impl Alike {
    pub(super) fn new(config: &MonitorConfig, failure_time: Duration) -> Self {
        let memory = nanos(memory(config, failure_time));
        Self { is_alike: true, since: 0, memory, is_one_fault: false }
    }

    pub(super) fn is_one_fault(&self) -> bool {
        self.is_one_fault
    }

    pub(super) fn disturbed(&mut self, now: u64) {
        self.since = now;
        self.is_one_fault = false;
    }

    /// Nothing that was different is remembered any more.
    fn is_quiet(&self, now: u64) -> bool {
        self.is_alike && now - self.since > self.memory
    }

    /// Something changed around a unit, or both. Says whether that is another fault than the one before.
    /// `follows`: it belongs to the one before.
    pub(super) fn changed(
        &mut self,
        now: u64,
        alike: [bool; 2],
        at_once: bool,
        follows: bool,
    ) -> bool {
        let is_quiet = self.is_quiet(now);
        let goes_on = self.is_one_fault && (follows || alike == [false, true]);
        self.is_one_fault = is_quiet || goes_on;
        self.is_alike = alike[1];
        if alike != [true, true] || !at_once {
            self.since = now;
        }
        is_quiet || !goes_on
    }

    /// A unit takes over because it is fitter.
    pub(super) fn takes(&self, now: u64) -> Verdict {
        if self.is_quiet(now) {
            let alike = Duration::from_nanos(now - self.since);
            let text = format!(
                "takes over as the fitter one, where it is the same around both for {alike:?}"
            );
            return Err((Rule::L2, text));
        }
        Ok(())
    }
}

/// So long a unit may count what is no longer so: the probes that have to be missed, one that its peer had it
/// send, one on its way, and one for clocks of different rates; a service's deadline, and again after its
/// restart, and as long as it has to show that it works; and a hand-over, with the ten failure times after one that failed.
pub(crate) fn memory(config: &MonitorConfig, failure_time: Duration) -> Duration {
    let deadline = config.services().iter().map(|it| it.deadline).max().unwrap_or_default();
    let probes = config.probe_interval() * (u32::from(config.missed_probes()) + 3);
    probes + deadline * 2 + RESTORE_HOLD + failure_time * 20
}
