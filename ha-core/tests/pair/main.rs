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
mod clock;
mod config;
mod conflict;
mod decision;
mod demotions;
mod designation;
mod events;
mod failover;
mod flaps;
mod hand_over;
mod health;
mod heartbeat;
mod isolation;
mod leave;
mod maintenance;
mod mismatch;
mod modes;
mod operations;
mod ordered;
mod paths;
mod platform_rules;
mod preempt;
mod readiness;
mod restart;
mod routes;
mod split;
mod stall;
mod start;
mod states;
mod status;
mod surroundings;
mod transition_table;
mod values;
mod words;

// Two units in memory and in virtual time, under the oracle.
use sim::harness;
