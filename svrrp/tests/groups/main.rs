//! Virtual groups without the exchange of messages: who should own them, what they weigh, what they hold, and how a
//! cluster begins. One behaviour a file.

// A test says plainly what it expects, in its helpers too.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod convert;
mod decision;
mod election;
mod link_weight;
mod virtual_address;
