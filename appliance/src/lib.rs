//! One firewall unit put together from the protocol crates: still without I/O, so that a vendor can
//! run it on any system, a simulator can run eight of them, and a recorder can replay them.
//!
//! [`Appliance`] is a [machine](ha_core::machine::Machine) of machines. It says once what ties them: a
//! role change starts the publisher or the replica, and synchronization uses a path on which the peer
//! is heard. A vendor who wants to tie them differently links the protocol crates alone.
//!
//! With the feature `tokio`, [`driver`] runs any machine on real sockets.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

pub mod node;
mod status;
mod unit;

#[cfg(feature = "tokio")]
pub mod driver;

pub use node::ClusterNode;
pub use status::{Status, SyncStatus};
pub use unit::{Action, Appliance, Config, Event, Input, Refusal};
