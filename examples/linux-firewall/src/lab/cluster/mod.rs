//! `linux-firewall lab --nodes N`: a cluster of firewalls, two virtual groups on its LAN, and a fault of the owner of
//! each in turn.
//!
//! ```text
//!   client1 ──┐           ┌── node1 ──┐           ┌── server
//!             ├── br-lan ─┼── node2 ──┼── br-wan ─┘
//!   client2 ──┘           └── ...   ──┘
//! ```
//! The nodes hear each other on `br-ha`, and on the LAN (X0) if that fails. VG 1 is the gateway of client 1, VG 2 that
//! of client 2, and the server knows the way back to each by the address of its group on the WAN: a firewall lets a
//! packet pass from the macvlan of a group to that of the same group only (VG-8).
//!
//! Each client has a probe of its own, measured as in the lab of a pair. After each fault the group must have moved to
//! the next node by rank, and the other group must have stayed: the same owner in the same term, and no gap in its
//! probe as long as a fail-over takes at the least. Each group must have exactly one owner: by what the nodes say of
//! themselves and of each other, and by whose kernel bears its addresses. If only the cluster link of a node is cut
//! (`--fault ha-link`), X0 stands in, and both groups must stay. Connections through a group that moves are lost: what
//! is measured is the probe.

mod nodes;
mod report;
mod topology;
mod trial;

use std::process::ExitCode;

use svrrp::GroupNumber;

use super::environment::Interrupt;
use super::{Error, Fault, Options};
use nodes::Nodes;
use report::Report;
use topology::Topology;

/// The virtual groups of the lab.
const GROUPS: [GroupNumber; 2] = [GroupNumber::One, GroupNumber::Two];

/// See [`lab::run`](super::run).
pub(super) fn run(
    options: &Options,
    nodes: u8,
    seed: u64,
    interrupt: &Interrupt,
) -> Result<ExitCode, Error> {
    use Fault::{Crash, HaLink, Link, LinksDown, Planned};
    if !matches!(options.fault, Crash | LinksDown | Link | Planned | HaLink) {
        return Err(Error::NotInCluster(super::report::name(options.fault)));
    }
    let topology = Topology::build(nodes)?;
    let mut nodes = Nodes::start(&topology, options, interrupt)?;
    let mut report = Report::new(options, seed);
    let outcome =
        trial::run_all(&topology, &mut nodes, options, seed, interrupt, &mut report.strikes);
    if outcome.is_ok() || !report.strikes.is_empty() {
        report.print();
    }
    outcome?;
    Ok(if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
