//! A cluster that splits has an owner on each side; when it heals, the better one stays.

use crate::{NODE_1, NODE_2, NODE_3, UNIT_2, VG_1, ms, secs, setup};
use sim::cluster::Setup;
use sim::cluster::harness::World;
use svrrp::cluster::Why;

/// SVRRP-5: each side elects; after that the better one stays, and the other one withdraws, within one failure time.
#[test]
fn the_better_one_stays() {
    let mut world = World::settled(setup(2, 1));
    let begin = world.now();
    world.split(0b01);
    world.run_for(secs(2));
    assert_eq!(world.holders(VG_1).count(), 2);
    world.heal();
    let took = world.run_until(secs(1), |world| world.holders(VG_1).count() == 1);
    assert!(took <= ms(500), "{took:?}");
    world.run_for(secs(3));
    assert_eq!(world.owner(VG_1), Some(NODE_1));
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::NoOwner)]);
}

/// SVRRP-5, VG-2: who is better is judged by what both have said: here the links.
#[test]
fn links_count_in_a_conflict() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    world.split(0b01);
    world.run_for(secs(2));
    world.port(0, 1, 0, false);
    world.run_for(secs(1));
    world.heal();
    world.run_for(secs(1));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
}

/// SVRRP-5: a change within the conflict makes neither both stay nor both go.
#[test]
fn a_change_in_a_conflict_is_judged_once() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    world.split(0b01);
    world.run_for(secs(2));
    world.heal();
    world.run_for(ms(60));
    world.port(0, 0, 0, false);
    world.port(UNIT_2, 1, 0, false);
    world.run_for(secs(3));
    assert!(world.owner(VG_1).is_some());
}

/// SVRRP-5, LIC-9: who loses the license in a conflict loses the group after it. That what is told of it stands still
/// meanwhile is another test: the end is the same.
#[test]
fn a_license_that_ends_in_a_conflict() {
    let mut world = World::settled(setup(2, 1));
    world.split(0b01);
    world.run_for(secs(2));
    world.heal();
    world.run_until(secs(1), |world| {
        let events = world.events(0, ms(0));
        events.iter().any(|event| matches!(event, svrrp::cluster::Event::Conflict { .. }))
    });
    world.license(0, false);
    world.run_until(secs(1), |world| world.holders(VG_1).count() == 1);
    world.until_owned(VG_1, NODE_2, secs(1));
}

/// SVRRP-5: the loser of three is unique again.
#[test]
fn three_owners_become_one() {
    let mut world = World::settled(setup(3, 1));
    world.split(0b001);
    world.cut(Some(1), Some(2), None, true);
    world.cut(Some(2), Some(1), None, true);
    world.run_for(secs(2));
    assert_eq!(world.holders(VG_1).count(), 3);
    world.heal();
    let took = world.run_until(secs(1), |world| world.holders(VG_1).count() == 1);
    assert!(took <= ms(500), "{took:?}");
    assert_eq!(world.owner(VG_1), Some(NODE_1));
    assert_ne!(world.owner(VG_1), Some(NODE_3));
}
