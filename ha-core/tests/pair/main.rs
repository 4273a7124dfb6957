//! The role machine, tested as two units in memory and in virtual time: one behaviour a file, each test
//! with the requirements that it proves.

// A test says plainly what it expects, in its helpers too.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::result_large_err,
    clippy::unwrap_used
)]

mod actions;
mod announcements;
mod config;
mod designation;
mod failover;
mod hand_over;
mod heartbeat;
mod leave;
mod mismatch;
mod operations;
mod paths;
mod restart;
mod split;
mod stall;
mod start;
mod transition_table;
mod words;

// Two units in memory and in virtual time, under the oracle.
use sim::harness;
