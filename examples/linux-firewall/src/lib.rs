//! What the program `linux-firewall` is made of: the kernel's connection table, its interfaces, and the
//! lab in which all of it is tried.

// A program at the edge, not on the path of a datagram between units: sums of lengths and counts of
// what is in memory cannot overflow, and slices are cut where their length was just looked up.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

pub mod config;
pub mod conntrack;
pub mod lab;
pub mod links;
pub mod log;
pub mod metrics;
mod netlink;
pub mod packet;
pub mod probe;
pub mod realtime;
pub mod run;
pub mod service;
pub mod status;
