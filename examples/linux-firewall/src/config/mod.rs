//! The configuration file of a unit: what can be written in it, and what it means.
//!
//! `firewall.toml` beside this crate's manifest is a commented sample with every key.

mod check;
pub mod cluster;
mod file;
mod monitoring;

pub use check::{Checked, ConfigError, Either, load, load_either};
pub use file::{
    Announcements, File, Interface, Monitoring, Pair, Path, Peer, Process, Service, Sync, Unit,
};
