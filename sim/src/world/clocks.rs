//! Units that do nothing for a while, and clocks that are wrong.

use super::World;
use crate::random::nanos;
use crate::subject::Subject;
use core::time::Duration;

impl<S: Subject> World<S> {
    /// A unit does nothing for a while; its clock runs on.
    pub fn hang(&mut self, unit: usize, length: Duration) {
        self.fault(unit, || format!("hangs for {length:?}"));
        let until = self.now + nanos(length);
        let it = &mut self.units[unit];
        it.hung_until = it.hung_until.max(Some(until));
        it.is_stale = true;
    }

    /// A unit does nothing for a while, and its clock does not show it.
    pub fn pause(&mut self, unit: usize, length: Duration) {
        if self.units[unit].hung_until.is_none() {
            self.fault(unit, || "is paused, and its clock with it".into());
            self.units[unit].clock_stands = length;
            self.hang(unit, length);
        }
    }

    /// A unit hangs as soon as it is woken the next time, before it polls what it is to do.
    pub fn hang_before_polling(&mut self, unit: usize, length: Duration) {
        self.fault(unit, || format!("hangs for {length:?} when it is woken next"));
        self.units[unit].hang_before_polling = Some(length);
    }

    /// A unit's clock jumps ahead.
    pub fn jump_ahead(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock jumps ahead by {by:?}"));
        self.oracle.jumps_ahead(unit, nanos(by));
        self.units[unit].clock.jump_ahead(self.now, by);
        self.units[unit].is_stale = true;
    }

    /// A unit's clock is set back.
    pub fn step_back(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock is set back by {by:?}"));
        self.oracle.clock_was_wrong(self.now + nanos(by));
        self.units[unit].clock.step_back(self.now, by);
        self.units[unit].is_stale = true;
    }

    /// A unit's clock goes so many nanoseconds per millisecond too fast, or too slow.
    pub fn set_rate(&mut self, unit: usize, parts_per_million: i64) {
        self.units[unit].clock.set_rate(self.now, parts_per_million);
        self.units[unit].is_stale = true;
    }

    pub(super) fn go_on(&mut self, unit: usize) {
        let it = &mut self.units[unit];
        it.hung_until = None;
        let missing = core::mem::take(&mut it.clock_stands);
        it.clock.step_back(self.now, missing);
        let was_polling = core::mem::take(&mut it.was_polling);
        let queue = core::mem::take(&mut it.queue);
        it.around.begin(self.now);
        self.fault(unit, || "goes on".into());
        if !missing.is_zero() {
            self.oracle.clock_was_wrong(self.now);
        }
        if was_polling {
            self.drain(unit);
        }
        for packet in queue {
            self.deliver(packet);
            if self.poll_each {
                self.answer_actions(unit);
            }
        }
        self.tell_links(unit);
    }
}
