//! An owner that falls silent is replaced after the failure time.

use crate::{NODE_2, NODE_3, UNIT_1, VG_1, ms, secs, setup};
use sim::cluster::harness::World;
use svrrp::cluster::Why;

/// VG-5: the next best takes within interval × level, one interval and one round trip.
#[test]
fn the_next_best_takes() {
    let mut world = World::settled(setup(3, 1));
    let begin = world.now();
    world.crash(UNIT_1);
    let took = world.run_until(secs(2), |world| world.holders(VG_1).next().is_some());
    assert!(took <= ms(500 + 100 + 2), "{took:?}");
    world.until_owned(VG_1, NODE_2, ms(10));
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::NoOwner)]);
}

/// VG-5: who is better, and was lost a moment before the owner, is not waited for.
#[test]
fn two_are_lost() {
    let mut world = World::settled(setup(3, 1));
    world.crash(crate::UNIT_2);
    world.run_for(ms(50));
    world.crash(UNIT_1);
    let took = world.until_owned(VG_1, NODE_3, secs(2));
    assert!(took <= ms(500 + 100 + 2), "{took:?}");
}

/// NODE-3: who owns VG 1 is the Master; the others know it.
#[test]
fn the_master_follows_the_first_group() {
    let mut world = World::settled(setup(3, 2));
    let master = |world: &World, unit: usize| world.units[unit].cluster().unwrap().status().master;
    assert_eq!(master(&world, 4), Some(crate::NODE_1));
    world.crash(UNIT_1);
    world.run_for(secs(1));
    for unit in [2, 4] {
        assert_eq!(master(&world, unit), Some(NODE_2));
    }
}
