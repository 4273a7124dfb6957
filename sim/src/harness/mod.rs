//! The world for tests that tell a story: two role machines, the Primary `A` and the Secondary `B`. What
//! must always hold is checked after each step; if it does not, the test panics with the end of the trace.

// Tests say plainly what they expect, and so do their helpers.
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc)]

mod alone;
pub mod one_thread;

pub use crate::platform::Answer;
pub use crate::random::Random;
pub use crate::trace::{Entry, What};
pub use crate::world::{A, B};
pub use alone::{Alone, peer};

use crate::subject::Subject;
use crate::timeline;
use core::ops::{Deref, DerefMut};
use core::time::Duration;
use ha_core::identity::Designation;
use ha_core::pair::{Event, Input, Pair, PairConfig, PairConfigBuilder, Product, Refusal};
use ha_core::pair::{Role, Why};

/// So many lines of the trace are printed when something fails.
const TRACE_SHOWN: usize = 120;

/// So many milliseconds.
#[must_use]
pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What both units are.
#[must_use]
pub fn product() -> Product {
    Product { model: "FW-100".parse().unwrap(), firmware: "7.1.2".parse().unwrap() }
}

/// The configuration of a unit with 10 ms × 3 and one path, to begin with.
#[must_use]
pub fn config(unit: usize, seed: u64) -> PairConfigBuilder {
    config_of(unit, seed, product())
}

/// The same for another product.
#[must_use]
pub fn config_of(unit: usize, seed: u64, product: Product) -> PairConfigBuilder {
    let (designation, ours, peers) = match unit {
        A => (Designation::Primary, "SN-A", "SN-B"),
        _ => (Designation::Secondary, "SN-B", "SN-A"),
    };
    let (ours, peers) = (ours.parse().unwrap(), peers.parse().unwrap());
    PairConfig::builder(designation, ours, peers, product, seed)
        .heartbeat_interval(ms(10))
        .trigger_level(3)
        .action_timeout(ms(500))
}

/// A [world](crate::World) that panics when a rule is broken.
#[derive(Debug)]
pub struct World<S: Subject = Pair>(crate::World<S>);

impl World {
    /// Both units start now, with the same settings.
    #[must_use]
    pub fn new(adjust: fn(PairConfigBuilder) -> PairConfigBuilder) -> Self {
        Self::with(1, move |_, config| adjust(config))
    }

    /// Both units start now.
    #[must_use]
    pub fn with(
        seed: u64,
        adjust: impl Fn(usize, PairConfigBuilder) -> PairConfigBuilder + 'static,
    ) -> Self {
        let mut world = Self::unpowered(seed, adjust);
        world.start(A);
        world.start(B);
        world
    }

    /// Both units are off.
    #[must_use]
    pub fn unpowered(
        seed: u64,
        adjust: impl Fn(usize, PairConfigBuilder) -> PairConfigBuilder + 'static,
    ) -> Self {
        Self::of(seed, move |unit, seed| adjust(unit, config(unit, seed)).build().unwrap())
    }
}

impl<S: Subject> World<S> {
    /// A world whose units are off, and whose starts get their configuration from `configure`.
    #[must_use]
    pub fn of(seed: u64, configure: impl Fn(usize, u64) -> S::Config + 'static) -> Self {
        Self(crate::World::new(seed, true, move |boot| configure(boot.unit, boot.seed)))
    }

    /// Each start of a unit, which has its seed, gets its configuration from here.
    #[must_use]
    pub fn configured(mut self, configure: impl Fn(usize, u64) -> S::Config + 'static) -> Self {
        self.0.set_configure(move |boot| configure(boot.unit, boot.seed));
        self
    }

    /// See [`crate::World::is_settled`].
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.0.is_settled()
    }

    /// The events of a unit since `since`.
    #[must_use]
    pub fn events(&self, unit: usize, since: Duration) -> Vec<Event> {
        let entries = self.trace.iter().filter(|entry| entry.unit == unit && entry.at >= since);
        entries
            .filter_map(|entry| match &entry.what {
                What::Event(event) => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    /// When a unit became Active for the last time, and why.
    #[must_use]
    pub fn last_take(&self, unit: usize) -> Option<(Duration, Why)> {
        self.trace.iter().rev().filter(|entry| entry.unit == unit).find_map(|entry| {
            match entry.what {
                What::Event(Event::RoleChanged { to: Role::Active, why, .. }) => {
                    Some((entry.at, why))
                }
                _ => None,
            }
        })
    }

    /// How often a unit was asked for this action since `since`.
    #[must_use]
    pub fn count(&self, unit: usize, action: &str, since: Duration) -> usize {
        let is_it = |entry: &&Entry| {
            entry.unit == unit
                && entry.at >= since
                && matches!(&entry.what, What::Action(it) if it.name() == action)
        };
        self.trace.iter().filter(is_it).count()
    }

    /// Powers a unit on.
    pub fn start(&mut self, unit: usize) {
        self.0.start(unit);
        self.expect_no_violation();
    }

    /// Tells the role machine of a unit that runs something.
    ///
    /// # Errors
    /// It refused.
    pub fn input(&mut self, unit: usize, input: Input) -> Result<(), Refusal> {
        let result = self.0.input(unit, input);
        self.expect_no_violation();
        result
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

    /// Runs until one unit is Active and the other Standby.
    pub fn settle(&mut self) {
        self.run_until(self.failure_time() * 4, Self::is_settled);
    }

    /// Jumps to the next thing that happens, but not beyond `until`: then it returns false.
    pub fn step(&mut self, until: u64) -> bool {
        let goes_on = self.0.step(until);
        self.expect_no_violation();
        goes_on
    }

    fn expect_no_violation(&self) {
        if let Some(violation) = self.violation() {
            self.fail(&violation.to_string());
        }
    }

    /// Panics with the end of the trace.
    pub fn fail(&self, why: &str) -> ! {
        let from = self.trace.len().saturating_sub(TRACE_SHOWN);
        let shown = timeline::plain(&self.trace[from..]);
        panic!("{why}\nat {:?}: {:?}\n{shown}", self.now(), self.roles());
    }
}

impl<S: Subject> Deref for World<S> {
    type Target = crate::World<S>;

    fn deref(&self) -> &crate::World<S> {
        &self.0
    }
}

impl<S: Subject> DerefMut for World<S> {
    fn deref_mut(&mut self) -> &mut crate::World<S> {
        &mut self.0
    }
}
