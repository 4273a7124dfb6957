//! Monitoring, by itself and as the role machine drives it: one behaviour a file.

// A test says plainly what it expects, in its helpers too.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::result_large_err,
    clippy::unwrap_used
)]

mod configuration;
mod links;
mod probes;
mod reports;
mod services;
mod unit;
