//! The vocabulary of a firewall high-availability pair, the contract of its machines, and the machine
//! that decides which of two units is Active.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod address;
pub mod announcement;
pub mod identity;
pub mod machine;
pub mod monitor;
pub mod pair;
pub mod reject;
pub mod time;
pub mod virtual_mac;
