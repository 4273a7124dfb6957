//! What the tests and the benches of the codec share.

// No test needs all of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

pub mod look;
pub mod messages;
pub mod strategies;
pub mod vectors;

pub use look::{emitted, look_at, put_right};
