//! Nodes of two units, with the real pair in them: failover inside a node goes first.

use crate::{NODE_1, NODE_2, VG_1, ms, secs, setup};
use ha_core::pair::Input;
use sim::cluster::Setup;
use sim::cluster::harness::World;
use svrrp::cluster::Why;

fn world() -> World {
    World::settled(Setup { pairs: [true, true, false, false], interfaces: 2, ..setup(2, 1) })
}

/// VG-6: the active unit dies: the other unit of its node has the groups, and no other node takes them.
#[test]
fn failover_inside_the_node_goes_first() {
    let mut world = world();
    let begin = world.now();
    let active = world.holders(VG_1).next().unwrap();
    world.crash(active);
    world.run_until(ms(700), |world| world.holders(VG_1).next() == Some(active ^ 1));
    world.run_for(secs(3));
    assert_eq!(world.takes(VG_1, begin), [(NODE_1, Why::Inherited)]);
}

/// VG-6: both units die: another node takes the groups.
#[test]
fn a_node_that_is_lost_is_replaced() {
    let mut world = world();
    let begin = world.now();
    world.crash(0);
    world.crash(1);
    world.until_owned(VG_1, NODE_2, ms(700));
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::NoOwner)]);
}

/// VG-6, PAIR-11, S1: a hand-over inside the node withdraws the groups before the role, and moves no group to another
/// node.
#[test]
fn a_hand_over_inside_moves_the_groups_with_the_role() {
    let mut world = world();
    let begin = world.now();
    let active = world.holders(VG_1).next().unwrap();
    world.pair_input(active, Input::FailOver);
    world.run_until(secs(1), |world| world.holders(VG_1).next() == Some(active ^ 1));
    world.run_for(secs(3));
    assert_eq!(world.takes(VG_1, begin), [(NODE_1, Why::Inherited)]);
}

/// VG-6: a lower weight of the active unit is not told before its pair could have settled that: one failure time, while
/// the other unit is better connected.
#[test]
fn a_drop_waits_for_the_pair() {
    let mut world = world();
    let begin = world.now();
    let active = world.holders(VG_1).next().unwrap();
    world.port(active, 0, 0, false);
    world.run_for(ms(480));
    assert_eq!(world.takes(VG_1, begin), []);
    world.until_owned(VG_1, NODE_2, ms(100));
}

/// VG-6: without monitoring a link failure moves the group at once.
#[test]
fn without_monitoring_a_drop_counts_at_once() {
    let pairs = [true, true, false, false];
    let setup = Setup { pairs, interfaces: 2, monitored: false, ..setup(2, 1) };
    let mut world = World::settled(setup);
    let active = world.holders(VG_1).next().unwrap();
    world.port(active, 0, 0, false);
    world.until_owned(VG_1, NODE_2, ms(20));
}
