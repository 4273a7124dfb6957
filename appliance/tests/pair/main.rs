//! Two appliances in memory, in virtual time: what ties the role machine to state synchronization.

// A test says plainly what it expects; its sums are small.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod world;

mod actions;
mod failover;
mod faults;
mod follow;
mod last_changes;
mod mismatch;
mod paths;
mod stateless;
mod status;
mod synchronized;
