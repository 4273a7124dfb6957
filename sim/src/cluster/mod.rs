//! Clusters in virtual time: two to four nodes of one or two units, with the real pair inside a node of two.
//!
//! The same idea as for a pair, and the same parts where they fit: a [`World`] that is stepped from one thing that
//! happens to the next, an [`Oracle`] that checks after each step what must always hold, [`Plan`]s drawn from seeds,
//! [`BROKEN`] machines that show what the oracle can catch, and a [`harness`] for tests that tell a story.

mod broken;
mod fault;
mod faults;
mod figures;
pub mod harness;
mod mesh;
mod oracle;
mod plan;
mod platform;
mod run;
mod runner;
mod setup;
mod shrink;
mod steps;
mod trace;
mod unit;
mod world;

pub use broken::{BROKEN, Broken, Parts, broken};
pub use fault::{Fault, ranks_of};
pub use figures::{Figures, Observed};
pub use mesh::{INSIDE, Mesh, SLOTS, X0};
pub use oracle::{Oracle, Rule, Violation};
pub use plan::{Plan, Timed};
pub use platform::{About, Platform};
pub use run::{Outcome, run};
pub use runner::{Failure, Report, run_many};
pub use setup::{GROUPS, PLACES, Settings, Setup, member_of, name, node_of, rank_table, serial};
pub use shrink::needed;
pub use trace::{Entry, Trace, What, timeline};
pub use unit::{Machine, Unit};
pub use world::{World, pair_of};
