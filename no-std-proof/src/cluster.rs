//! Two single-unit nodes: each owns the group for which it is ranked first; one falls silent, and the other owns both.

use alloc::vec;
use core::ops::Range;
use ha_core::identity::{Designation, PathId};
use ha_core::machine::{Machine, Origin, Output};
use ha_core::pair::Product;
use ha_core::time::Instant;
use svrrp::cluster::{ClusterConfig, ClusterUnit, Input, Standing};
use svrrp::election::Stance;
use svrrp::virtual_address::VirtualAddresses;
use svrrp::{GroupNumber, Member, NodeNumber, Rank, RankTable};

const NODES: [NodeNumber; 2] = [NodeNumber::One, NodeNumber::Two];
const GROUPS: [GroupNumber; 2] = [GroupNumber::One, GroupNumber::Two];

pub(crate) fn proof() -> Option<()> {
    let mut nodes = [Some(unit(NODES[0])?), Some(unit(NODES[1])?)];
    run(&mut nodes, 0..20_000);
    let owners = |nodes: &[Option<ClusterUnit>; 2]| {
        GROUPS.map(|group| nodes.each_ref().map(|it| it.as_ref().is_some_and(|it| owns(it, group))))
    };
    (owners(&nodes) == [[true, false], [false, true]]).then_some(())?;
    nodes[1] = None;
    run(&mut nodes, 20_000..30_000);
    (owners(&nodes) == [[true, false], [true, false]]).then_some(())
}

fn owns(unit: &ClusterUnit, group: GroupNumber) -> bool {
    unit.stance(group) == Stance::Owner
}

fn member(node: NodeNumber) -> Member {
    Member { node, designation: Designation::Primary }
}

fn unit(node: NodeNumber) -> Option<ClusterUnit> {
    let product = Product { model: "FW-100".parse().ok()?, firmware: "1.0".parse().ok()? };
    let mut ranks = RankTable::new();
    for (group, first) in GROUPS.into_iter().zip(NODES) {
        for node in NODES {
            ranks.set(group, node, Rank::new(if node == first { 1 } else { 2 }));
        }
    }
    let config = ClusterConfig::builder(member(node), product, node.get().into())
        .member(member(NODES[0]), "A-1".parse().ok()?)
        .member(member(NODES[1]), "B-2".parse().ok()?)
        .ranks(1, ranks)
        .addresses(VirtualAddresses::builder().groups(2).build().ok()?)
        .build()
        .ok()?;
    let mut unit = ClusterUnit::new(config, Instant::ZERO);
    unit.handle_input(Instant::ZERO, Input::Condition(Standing::ACTIVE)).ok()?;
    Some(unit)
}

/// Lets the nodes run, ten milliseconds at a time, on a network that loses nothing.
fn run(nodes: &mut [Option<ClusterUnit>; 2], milliseconds: Range<u64>) {
    for now in milliseconds.step_by(10).map(Instant::from_millis) {
        let [one, two] = &mut *nodes;
        step(now, NODES[0], one, two);
        step(now, NODES[1], two, one);
    }
}

fn step(
    now: Instant,
    node: NodeNumber,
    unit: &mut Option<ClusterUnit>,
    other: &mut Option<ClusterUnit>,
) {
    let Some(unit) = unit else { return };
    let mut buf = vec![0; unit.max_datagram()];
    unit.handle_timeout(now);
    while let Some(output) = unit.poll_output(now, &mut buf) {
        match output {
            Output::Transmit { to, len } if to.path == PathId(0) => {
                let from =
                    Origin { peer: member(node).unit_id(), path: to.path, channel: to.channel };
                if let Some(other) = other {
                    // What is refused is counted there; what matters is checked at the end.
                    let _ = other.handle_datagram(now, from, &buf[..len]);
                }
            }
            // Over X0 nothing arrives.
            Output::Transmit { .. } | Output::Event(_) => {}
            Output::Action { id, .. } => unit.handle_done(now, id, Ok(())),
        }
    }
}
