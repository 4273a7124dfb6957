//! The timeline that a person reads while it happens.

use ha_core::identity::Designation;
use ha_core::time::{Clock, Instant};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

/// Prints what happens, with the time since the program started; once there is a fault, the time since
/// that too.
#[derive(Debug)]
pub(crate) struct Story {
    clock: Clock,
    fault_at: Mutex<Option<Instant>>,
    colour: bool,
}

impl Story {
    pub(crate) fn begin(clock: Clock) -> Self {
        println!("{:>9}  {:>12}  {:<9}  what, and why", "time", "since fault", "who");
        Self { clock, fault_at: Mutex::new(None), colour: std::io::stdout().is_terminal() }
    }

    /// Tells of the fault, from which on times are counted.
    pub(crate) fn fault(&self, what: &str) -> Instant {
        let now = self.clock.now();
        *self.fault_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        self.line(now, "31", "-", what);
        now
    }

    /// Tells what happened to a unit.
    pub(crate) fn unit(&self, at: Instant, who: Designation, what: &str) {
        let colour = if what.contains("→ ACTIVE") { "32" } else { "0" };
        self.line(at, colour, &who.to_string(), what);
    }

    /// Tells what happened around the units.
    pub(crate) fn around(&self, what: &str) {
        self.line(self.clock.now(), "36", "-", what);
    }

    fn line(&self, at: Instant, colour: &str, who: &str, what: &str) {
        let fault_at = *self.fault_at.lock().unwrap_or_else(PoisonError::into_inner);
        let since = fault_at.filter(|fault_at| at >= *fault_at).map_or(String::new(), |fault_at| {
            format!("+{:.1} ms", at.saturating_since(fault_at).as_secs_f64() * 1e3)
        });
        let time = at.since_epoch().as_secs_f64();
        if self.colour {
            println!("{time:>7.3} s  {since:>12}  {who:<9}  \x1b[{colour}m{what}\x1b[0m");
        } else {
            println!("{time:>7.3} s  {since:>12}  {who:<9}  {what}");
        }
    }
}
