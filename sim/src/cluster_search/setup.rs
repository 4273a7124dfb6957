//! The cluster that is searched: three nodes of one unit each, two groups, one interface, one cluster link.

use super::ClusterBound;
use crate::harness::product;
use core::time::Duration;
use ha_core::identity::{Designation, InterfaceId};
use ha_core::machine::Machine as _;
use ha_core::monitor::Zone;
use ha_core::time::Instant;
use svrrp::cluster::{ClusterConfig, ClusterUnit, Input, Rules, Standing};
use svrrp::link_weight::RestoreHold;
use svrrp::virtual_address::{VirtualAddresses, VirtualInterface};
use svrrp::{GroupNumber, Member, NodeNumber, Rank, RankTable};

/// How many nodes there are, and how many groups.
pub(super) const NODES: usize = 3;
pub(super) const GROUPS: usize = 2;

/// The interval of advertisements, which is a step of the search.
pub(super) const INTERVAL: Duration = Duration::from_millis(10);
const LAN: InterfaceId = InterfaceId(0);

/// The ranks of nodes 1 to 3 for both groups, at the beginning and once they have changed: first nodes 1 and 2 are the
/// best for a group each, then node 3 for both.
const RANKS: [[[u8; NODES]; GROUPS]; 2] = [[[1, 2, 3], [3, 1, 2]], [[2, 3, 1], [3, 2, 1]]];

/// All that stays the same in a search.
pub(super) struct Setup {
    pub(super) bound: ClusterBound,
    rules: Rules,
    addresses: VirtualAddresses,
}

/// How a node starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Boot {
    pub(super) node: u8,
    /// Which start of the node it is, from 1.
    pub(super) start: u8,
    pub(super) link_up: bool,
    /// Which ranks it knows: 0 or 1.
    pub(super) ranks: u8,
}

pub(super) fn node(at: usize) -> NodeNumber {
    NodeNumber::ALL[at]
}

pub(super) fn member(at: usize) -> Member {
    Member { node: node(at), designation: Designation::Primary }
}

pub(super) fn groups() -> impl Iterator<Item = GroupNumber> {
    GroupNumber::ALL.into_iter().take(GROUPS)
}

fn rank_table(which: u8) -> RankTable {
    let mut table = RankTable::new();
    for (group, ranks) in groups().zip(RANKS[usize::from(which)]) {
        for (at, rank) in ranks.into_iter().enumerate() {
            table.set(group, node(at), Rank::new(rank));
        }
    }
    table
}

/// The best of these nodes for a group, by these ranks: each with whether its link is up (VG-2).
pub(super) fn best(
    group: usize,
    which: u8,
    nodes: impl Iterator<Item = (usize, bool)>,
) -> Option<usize> {
    let rank = |at: usize| RANKS[usize::from(which)][group][at];
    nodes.min_by_key(|(at, is_up)| (!is_up, rank(*at))).map(|(at, _)| at)
}

pub(super) fn link(up: bool) -> Input {
    Input::Link { interface: LAN, port: 0, up }
}

/// Other ranks, by the number of their version.
pub(super) fn other_ranks() -> Input {
    Input::Ranks { version: version(1), ranks: rank_table(1) }
}

fn version(which: u8) -> u64 {
    1 + u64::from(which)
}

/// Which ranks these are.
pub(super) fn which(version: u64) -> u8 {
    u8::from(version > 1)
}

impl Setup {
    pub(super) fn new(bound: ClusterBound, rules: Rules) -> Self {
        let lan = VirtualInterface { interface: LAN, zone: Zone::X0, ports: 1 };
        let mut addresses = VirtualAddresses::builder().groups(GROUPS as u8).interface(lan);
        for group in groups() {
            let address = format!("192.168.1.{}/24", group.get());
            addresses = addresses.address(LAN, group, address.parse().expect("an address"));
        }
        Self { bound, rules, addresses: addresses.build().expect("a valid table") }
    }

    /// The failure time in steps.
    pub(super) fn failure_time(&self) -> u8 {
        self.bound.level
    }

    /// A unit that has just started, and was told what it is and how its link is.
    pub(super) fn start(&self, now: Instant, boot: Boot) -> ClusterUnit {
        let Boot { node, start, link_up, ranks } = boot;
        let seed = u64::from(start) * 16 + u64::from(node);
        let mut builder = ClusterConfig::builder(member(node.into()), product(), seed)
            .rhythm(INTERVAL, self.bound.level)
            .paths(1, false)
            .ranks(version(ranks), rank_table(ranks))
            .addresses(self.addresses.clone())
            .restore_hold(RestoreHold::new(Duration::ZERO).expect("a hold"))
            .monitored(false)
            .rules(self.rules);
        for at in 0..NODES {
            let serial = format!("SN-{}", at + 1).parse().expect("a serial number");
            builder = builder.member(member(at), serial);
        }
        let mut unit = ClusterUnit::new(builder.build().expect("a valid configuration"), now);
        for input in [Input::Condition(Standing::ACTIVE), link(link_up)] {
            unit.handle_input(now, input).expect("nothing is wrong with it");
        }
        unit
    }
}
