//! The driver, with a machine, a transport and a platform that show what it does; no test measures time.

#![cfg(feature = "tokio")]
// A test says plainly what it expects; its sums are small.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

mod heartbeats;
mod lanes;
mod order;
mod stop;
mod udp;
