//! What happened in a world, in order. Off, it costs nothing: a run is a pure function of its plan, and
//! is run again with the trace on if somebody wants to see it.

use core::ops::Deref;
use core::time::Duration;
use ha_core::pair::{Action, Event, Stance};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Since the start of the world.
    pub at: Duration,
    /// To which unit.
    pub unit: usize,
    /// What.
    pub what: What,
}

/// What happened to a unit.
#[derive(Clone, Debug)]
pub enum What {
    /// It told some news.
    Event(Event),
    /// It asked for an action of the role machine.
    Action(Action),
    /// It asked for an action of another machine.
    OtherAction(&'static str),
    /// Its platform answered the action of this name: done or failed.
    Done(&'static str, bool),
    /// It sent a heartbeat that says this of its role.
    Sent(Stance),
    /// What a test or a fault did.
    Fault(String),
}

/// The entries, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    is_on: bool,
    entries: Vec<Entry>,
}

impl Trace {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { is_on, entries: Vec::new() }
    }

    /// Notes what happened, if anybody wants to know.
    pub(crate) fn note(&mut self, at: u64, unit: usize, what: impl FnOnce() -> What) {
        if self.is_on {
            self.entries.push(Entry { at: Duration::from_nanos(at), unit, what: what() });
        }
    }
}

impl From<Trace> for Vec<Entry> {
    fn from(trace: Trace) -> Self {
        trace.entries
    }
}

impl Deref for Trace {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.entries
    }
}
