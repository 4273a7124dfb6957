//! SVRRP: up to four cluster nodes share the load, and every virtual group has one owner.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod cluster;
pub mod convert;
pub mod election;
pub mod identity;
pub mod link_weight;
pub mod rank;
pub mod virtual_address;
pub mod virtual_mac;
pub mod wire;

pub use cluster::{ClusterConfig, ClusterUnit};
pub use identity::{GroupNumber, Member, NodeNumber};
pub use link_weight::LinkWeight;
pub use rank::{Rank, RankTable};
pub use wire::{Advertisement, Claim, Management, Message, Release};
