//! A better node asks, the owner withdraws and releases, the better one takes: never two, not for an instant.

use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, VG_2, ms, secs, setup};
use sim::cluster::harness::World;
use sim::cluster::{Setup, rank_table};
use svrrp::cluster::{Input, Refusal, Why};

/// VG-2, VG-5, VG-6: of two nodes the one with more links up gets the group. With nothing to do inside the node it is
/// told at once.
#[test]
fn a_lost_link_moves_the_group() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    let begin = world.now();
    world.port(UNIT_1, 0, 0, false);
    let took = world.until_owned(VG_1, NODE_2, secs(1));
    assert!(took < ms(20), "{took:?}");
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::Granted)]);
}

/// VG-2, VG-3: an interface is up while one of its redundant ports is.
#[test]
fn a_redundant_port_stands_in() {
    let mut world = World::settled(Setup { ports: 2, ..setup(2, 1) });
    let begin = world.now();
    world.port(UNIT_1, 0, 0, false);
    world.run_for(secs(3));
    assert_eq!(world.takes(VG_1, begin), []);
    world.port(UNIT_1, 0, 1, false);
    world.until_owned(VG_1, NODE_2, secs(1));
}

/// VG-2: all go by the ranks of the highest version that was seen, though only one unit was given them.
#[test]
fn newer_ranks_count_everywhere() {
    let mut world = World::settled(setup(3, 2));
    let begin = world.now();
    let ranks = rank_table(&[[3, 2, 1, 4], [3, 2, 1, 4], [1; 4], [1; 4]]);
    world.units[UNIT_2].settings.version = 2;
    world.input(UNIT_2, Input::Ranks { version: 2, ranks }).unwrap();
    world.run_for(secs(1));
    for group in [VG_1, VG_2] {
        assert_eq!(world.owner(group), Some(crate::NODE_3));
        assert_eq!(world.takes(group, begin), [(crate::NODE_3, Why::Granted)]);
    }
    let refused = world.input(UNIT_2, Input::Ranks { version: 1, ranks });
    assert_eq!(refused, Err(Refusal::Version { version: 1, present: 2 }));
}

/// VG-5: a slow platform makes the hand-over slow, and not unsafe.
#[test]
fn a_slow_withdrawal_is_waited_for() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    let begin = world.now();
    world.answer(UNIT_1, "WithdrawAddresses", sim::cluster::harness::Answer::after(ms(300)));
    world.port(UNIT_1, 0, 0, false);
    let took = world.until_owned(VG_1, NODE_2, secs(1));
    assert!(took > ms(300), "{took:?}");
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::Granted)]);
}

/// VG-5: an answer that comes too late is none: the owner takes nobody by surprise, and the group gets an owner again.
#[test]
fn a_withdrawal_that_takes_too_long_is_no_hand_over() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    let begin = world.now();
    world.answer(UNIT_1, "WithdrawAddresses", sim::cluster::harness::Answer::after(ms(900)));
    world.port(UNIT_1, 0, 0, false);
    world.run_for(secs(5));
    assert!(!world.takes(VG_1, begin).contains(&(NODE_2, Why::Granted)));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
}

/// LIC-9, S6: without a license a node takes nothing, and what it owns goes to a node that has one.
#[test]
fn the_license_is_needed_to_take() {
    let mut world = World::settled(setup(2, 1));
    world.license(UNIT_1, false);
    world.until_owned(VG_1, NODE_2, secs(1));
    world.license(UNIT_2, false);
    world.run_for(secs(3));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
    world.license(UNIT_1, true);
    world.until_owned(VG_1, NODE_1, secs(1));
}

/// VG-2: a node that is taken out of service gives its groups up, and another takes them when they are gone there.
#[test]
fn who_is_out_of_service_gives_up() {
    let mut world = World::settled(setup(2, 1));
    world.answer(UNIT_1, "WithdrawAddresses", sim::cluster::harness::Answer::after(ms(200)));
    world.bar(UNIT_1, true);
    let took = world.until_owned(VG_1, NODE_2, secs(1));
    assert!(took > ms(200), "{took:?}");
}
