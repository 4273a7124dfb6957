//! The world of clusters for tests that tell a story: when a rule is broken, the test panics with the end of the trace.

// Tests say plainly what they expect, and so do their helpers.
#![allow(clippy::panic, clippy::missing_panics_doc)]

use super::trace::timeline;
use super::{Entry, Setup, What, node_of};
use core::ops::{Deref, DerefMut};
use core::time::Duration;
use svrrp::cluster::{Event, Why};
use svrrp::election::Stance;
use svrrp::{GroupNumber, NodeNumber};

pub use crate::platform::Answer;

/// So many lines of the trace are printed when something fails.
const TRACE_SHOWN: usize = 100;

/// A [world](super::World) that panics when a rule is broken.
#[derive(Debug)]
pub struct World(super::World);

impl World {
    /// All units start now.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut world = Self::unpowered(setup);
        for unit in world.members() {
            world.start(unit);
        }
        world
    }

    /// All units are off.
    #[must_use]
    pub fn unpowered(setup: Setup) -> Self {
        Self(super::World::new(setup, 1, true))
    }

    /// All units start now, and VG 1 gets its owner.
    #[must_use]
    pub fn settled(setup: Setup) -> Self {
        let mut world = Self::new(setup);
        let limit = setup.failure_time() * 6 + setup.restore_hold;
        for group in setup.groups() {
            world.run_until(limit, |world| world.owner(group).is_some());
        }
        world.run_for(setup.failure_time() * 4 + setup.restore_hold);
        world
    }

    /// Runs for a while.
    pub fn run_for(&mut self, length: Duration) {
        self.0.run_for(length);
        self.expect_no_violation();
    }

    /// Runs until something is true and says how long that took; it must not take longer than `limit`.
    pub fn run_until(&mut self, limit: Duration, is_true: impl Fn(&Self) -> bool) -> Duration {
        let begin = self.now();
        while !is_true(self) {
            let goes_on = self.0.step(crate::nanos(begin + limit));
            self.expect_no_violation();
            if !goes_on && !is_true(self) {
                self.fail(&format!("it did not become true within {limit:?}"));
            }
        }
        self.now() - begin
    }

    /// Runs until a node owns a group.
    pub fn until_owned(
        &mut self,
        group: GroupNumber,
        node: NodeNumber,
        limit: Duration,
    ) -> Duration {
        self.run_until(limit, |world| world.owner(group) == Some(node))
    }

    /// What was noted since `since`.
    pub fn since(&self, since: Duration) -> impl Iterator<Item = &Entry> {
        self.trace.entries.iter().filter(move |entry| entry.at >= since)
    }

    /// The takes of a group since `since`: when, by which node, why.
    #[must_use]
    pub fn takes(&self, group: GroupNumber, since: Duration) -> Vec<(NodeNumber, Why)> {
        let takes = self.since(since).filter_map(|entry| match &entry.what {
            What::Event(Event::Stance { group: of, to: Stance::Taking, why, .. })
                if *of == group =>
            {
                Some((node_of(entry.unit), *why))
            }
            _ => None,
        });
        takes.collect()
    }

    /// The events of the cluster machine of a unit since `since`.
    #[must_use]
    pub fn events(&self, unit: usize, since: Duration) -> Vec<Event> {
        let events = self.since(since).filter(|entry| entry.unit == unit);
        let events = events.filter_map(|entry| match &entry.what {
            What::Event(event) => Some(*event),
            _ => None,
        });
        events.collect()
    }

    /// A rule was broken: the test fails.
    pub fn expect_no_violation(&self) {
        if let Some(violation) = self.violation() {
            self.fail(&violation.to_string());
        }
    }

    /// Panics with the end of the trace.
    pub fn fail(&self, why: &str) -> ! {
        let shown = timeline(&self.trace.entries, true, TRACE_SHOWN);
        panic!("{why}\nat {:?}: {}\n{shown}", self.now(), self.stances());
    }
}

impl Deref for World {
    type Target = super::World;

    fn deref(&self) -> &super::World {
        &self.0
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut super::World {
        &mut self.0
    }
}
