//! What is around the units changes, and each is told of it: a unit that hangs or is off is told nothing.

use super::{A, B, World};
use crate::plan::{Fault, Whom};
use crate::random::nanos;
use crate::subject::Subject;
use crate::surroundings::{Condition, Monitored};
use crate::trace::What;
use core::time::Duration;
use ha_core::monitor::Probe;
use ha_core::pair::Input;

impl<S: Subject> World<S> {
    /// From now on, answers to probes take up to so long, and of 1000 so many are lost.
    pub fn set_answers(&mut self, delay: Duration, loss: u64) {
        for unit in &mut self.units {
            (unit.around.delay, unit.around.loss) = (delay, loss);
        }
    }

    /// From now on, it is so around a unit.
    pub fn around(&mut self, units: &[usize], what: Monitored, to: Condition) {
        let was_alike = self.is_alike();
        for &unit in units {
            self.units[unit].around.set(self.now, what, to);
            self.units[unit].is_stale = true;
        }
        let at_once = !matches!(what, Monitored::Service(_));
        let second = nanos(Duration::from_secs(1));
        let is_same = |(at, others, before): &(u64, Vec<usize>, Monitored)| {
            self.now - at <= second
                && *before == what
                && !units.iter().any(|it| others.contains(it))
        };
        let follows = to != Condition::Works && self.last_fault.as_ref().is_some_and(is_same);
        self.last_fault = (to != Condition::Works).then(|| (self.now, units.to_vec(), what));
        self.surroundings_changed(was_alike, at_once, follows);
        for &unit in units {
            self.note(unit, || What::Fault(Fault::Around(Whom::One(unit), what, to).to_string()));
            if let Monitored::Port(..) = what {
                self.tell_links(unit);
            }
        }
    }

    /// As far as a role depends on it, it is the same around both units.
    pub(super) fn is_alike(&self) -> bool {
        self.units[A].around.is_like(&self.units[B].around)
    }

    /// `at_once`: where it happened to both at once, no unit may act on it alone. A service is late at another
    /// moment on each.
    /// `follows`: it belongs to the fault before.
    pub(super) fn surroundings_changed(&mut self, was_alike: bool, at_once: bool, follows: bool) {
        let is_alike = self.is_alike();
        self.oracle.surroundings(self.now, [was_alike, is_alike], at_once, follows);
    }

    /// Tells a unit that starts, or has hung, how its links are.
    pub(super) fn tell_links(&mut self, unit: usize) {
        if self.units[unit].hung_until.is_none() {
            for input in self.units[unit].around.links() {
                self.tell(unit, input);
            }
        }
    }

    /// Tells a unit what is due: answers to its probes, reports of its services.
    pub(super) fn tell_what_is_due(&mut self, unit: usize) {
        while let Some(input) = self.units[unit].around.due(self.now) {
            self.tell(unit, input);
        }
    }

    /// What a unit refuses is its business: an answer that comes late, anything once it has left.
    fn tell(&mut self, unit: usize, input: Input) {
        let now = self.local(unit);
        let it = &mut self.units[unit];
        let Some(machine) = &mut it.machine else { return };
        self.oracle.tells(unit, now, it.platform.holds);
        let result = machine.handle_input(now, S::input(input));
        self.observed.calls += 1;
        if result.is_ok() {
            self.oracle.told(self.now, unit, input);
        }
        self.drain(unit);
    }

    pub(super) fn probe(&mut self, unit: usize, probe: Probe) {
        let it = &mut self.units[unit];
        it.is_stale = true;
        if it.around.probe(self.now, probe) {
            // To the unit it is as if the target had been lost for a moment.
            self.fault(unit, || format!("does not get the answer of {}", probe.target));
        }
    }
}
