//! SVRRP: up to four cluster nodes share the load, and every virtual group has one owner.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod identity;
pub mod rank;

pub use identity::{GroupNumber, Member, NodeNumber};
pub use rank::{Rank, RankTable};
