//! Not everybody hears everybody: who does not hear the owner goes by those that do.

use crate::{NODE_1, NODE_2, NODE_3, VG_1, secs, setup};
use sim::cluster::harness::World;

/// SVRRP-5: no node claims from an owner that a node it hears still hears.
#[test]
fn an_owner_that_another_hears_is_left_alone() {
    let mut world = World::settled(setup(3, 1));
    let begin = world.now();
    // Nodes 1 and 3 do not hear each other; node 2 hears both.
    world.cut(Some(0), Some(2), None, true);
    world.cut(Some(2), Some(0), None, true);
    world.run_for(secs(5));
    assert_eq!(world.owner(VG_1), Some(NODE_1));
    assert_eq!(world.takes(VG_1, begin), []);
}

/// SVRRP-5: when that owner is gone, the best of those that hear each other takes.
#[test]
fn the_owner_of_a_partial_mesh_is_replaced() {
    let mut world = World::settled(setup(3, 1));
    world.cut(Some(0), Some(2), None, true);
    world.cut(Some(2), Some(0), None, true);
    world.run_for(secs(2));
    world.crash(0);
    world.until_owned(VG_1, NODE_2, secs(1));
    world.run_for(secs(2));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
}

/// SVRRP-5: what one direction brings is enough to leave an owner alone.
#[test]
fn one_direction_is_enough_to_know() {
    let mut world = World::settled(setup(3, 1));
    let begin = world.now();
    world.cut(Some(2), Some(0), None, true);
    world.run_for(secs(5));
    assert_eq!(world.takes(VG_1, begin), []);
    assert_ne!(world.owner(VG_1), Some(NODE_3));
}
