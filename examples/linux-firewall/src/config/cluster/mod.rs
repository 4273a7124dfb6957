//! The configuration file of a cluster node: what can be written in it, and what it means.
//!
//! `cluster.toml` beside this crate's manifest is a commented sample with every key.

mod check;
mod file;
mod named;

pub use check::{CheckedNode, Path};
pub use file::{Cluster, ClusterFile, Group, Interface, Link, Member};
