//! Firewall pairs in virtual time: the very machines that a vendor links, on a network, on platforms and
//! with clocks that have faults, watched by an oracle.
//!
//! - [`World`] is the simulation: two units of a [`Subject`], stepped from one thing that happens to the
//!   next.
//! - [`Oracle`] checks after each step what must always hold. What it finds is a value, a [`Violation`].
//! - A [`Plan`] is what a seed stands for: a configuration, and a list of faults. [`run`] carries it out.
//! - [`BROKEN`] machines show that the oracle catches what it is there for.
//! - [`harness`] is the same for tests that tell a story of their own: it panics with the trace.
//!
//! Everything is a pure function of a configuration and a seed, on every machine: no clock is read, and
//! nothing is shared between worlds.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
// A tool for tests: numbers are far from their limits, units are counted 0 and 1, and a mistake of the
// simulator itself is to end the program.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::result_large_err
)]

mod broken;
mod clock;
pub mod cluster;
pub mod cluster_search;
mod configure;
mod figures;
mod glimpse;
pub mod harness;
mod known;
mod monitored;
mod network;
mod observed;
mod oracle;
pub mod plan;
mod platform;
mod random;
mod run;
mod runner;
pub mod search;
mod shrink;
mod subject;
mod surroundings;
pub mod timeline;
mod trace;
mod unit;
mod world;

pub use broken::{BROKEN, Broken, broken};
pub use clock::UnitClock;
pub use figures::Figures;
pub use known::{Known, known};
pub use network::{Link, Network};
pub use observed::Observed;
pub use oracle::{Gap, Oracle, Rule, Violation};
pub use plan::Plan;
pub use platform::{Answer, Platform};
pub use random::{Random, nanos};
pub use run::{Outcome, run};
pub use runner::{Failure, Report, run_many};
pub use shrink::shrink;
pub use subject::Subject;
pub use surroundings::{Condition, Monitored, Surroundings};
pub use trace::{Entry, Trace, What};
pub use unit::Unit;
pub use world::{A, B, Boot, World};
