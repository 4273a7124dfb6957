//! Whoever starts listens, and takes what has no owner.

use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, VG_2, ms, secs, setup};
use sim::cluster::harness::World;
use sim::cluster::{About, Setup, What};
use svrrp::cluster::Why;
use svrrp::virtual_address::Duty;

/// VG-1, VG-2, VG-5: nodes that start together share the groups by their ranks, and each is taken once.
#[test]
fn groups_are_shared_at_the_start() {
    let mut world = World::new(setup(2, 2));
    world.until_owned(VG_1, NODE_1, secs(1));
    world.until_owned(VG_2, NODE_2, secs(1));
    world.run_for(secs(20));
    assert_eq!(world.takes(VG_1, ms(0)), [(NODE_1, Why::NoOwner)]);
    assert_eq!(world.takes(VG_2, ms(0)), [(NODE_2, Why::NoOwner)]);
}

/// VG-5: a start listens for its failure time before it takes anything.
#[test]
fn a_start_listens() {
    let mut world = World::new(setup(2, 1));
    world.run_for(ms(495));
    assert_eq!(world.takes(VG_1, ms(0)), []);
    world.run_for(ms(10));
    assert_eq!(world.takes(VG_1, ms(0)), [(NODE_1, Why::NoOwner)]);
}

/// NODE-1: a single node that hears nobody takes all.
#[test]
fn who_is_alone_takes_all() {
    let mut world = World::unpowered(setup(3, 2));
    world.start(UNIT_2);
    world.until_owned(VG_1, NODE_2, secs(1));
    world.until_owned(VG_2, NODE_2, secs(1));
}

/// VG-2: a node without a rank takes nothing.
#[test]
fn who_has_no_rank_takes_nothing() {
    let mut setup = setup(2, 1);
    setup.ranks[0] = [0, 1, 0, 0];
    let mut world = World::unpowered(setup);
    world.start(UNIT_1);
    world.run_for(secs(5));
    assert_eq!(world.owner(VG_1), None);
    world.start(UNIT_2);
    world.until_owned(VG_1, NODE_2, secs(1));
}

/// NODE-7, VG-4: who joins disturbs nobody until it has lasted.
#[test]
fn who_joins_does_not_disturb() {
    let mut world = World::unpowered(setup(2, 1));
    world.start(UNIT_2);
    world.until_owned(VG_1, NODE_2, secs(1));
    world.run_for(secs(2));
    world.start(UNIT_1);
    world.run_for(ms(900));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
    world.until_owned(VG_1, NODE_1, secs(1));
    assert_eq!(world.takes(VG_1, secs(2)), [(NODE_1, Why::Granted)]);
}

/// VG-5, VG-7, VG-8: the steps of a take are asked for in order, each after the one before is done.
#[test]
fn steps_follow_each_other() {
    let setup = Setup { answer_delay: ms(5), ..setup(2, 1) };
    let mut world = World::new(setup);
    world.run_for(secs(1));
    let steps = world.since(ms(0)).filter(|entry| entry.unit == UNIT_1);
    let steps: Vec<_> = steps
        .filter_map(|entry| match entry.what {
            What::Action(About::Group(_, duty)) => Some((duty, entry.at)),
            _ => None,
        })
        .collect();
    let order =
        [Duty::RebuildConnections, Duty::OpenForwarding, Duty::TakeAddresses, Duty::Announce];
    assert_eq!(steps.iter().map(|(duty, _)| *duty).collect::<Vec<_>>(), order);
    assert!(steps.windows(2).all(|two| two[1].1 - two[0].1 >= ms(5)), "{steps:?}");
}
