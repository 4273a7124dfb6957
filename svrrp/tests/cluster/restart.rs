//! A unit that restarts is another start: it disturbs nobody, and is believed when it is proven.

use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use sim::cluster::harness::World;

/// VG-5: an owner that is back within its failure time gets its group again, and nobody else takes it meanwhile, or it is
/// given back by a hand-over.
#[test]
fn an_owner_restarts_at_once() {
    let mut world = World::settled(setup(2, 1));
    world.crash(UNIT_1);
    world.run_for(ms(50));
    world.start(UNIT_1);
    world.until_owned(VG_1, NODE_1, secs(4));
    world.run_for(secs(2));
    assert_eq!(world.owner(VG_1), Some(NODE_1));
}

/// VG-4: an owner that is back later takes its group back after the restore hold, by a hand-over.
#[test]
fn an_owner_restarts_later() {
    let mut world = World::settled(setup(2, 1));
    world.crash(UNIT_1);
    world.until_owned(VG_1, NODE_2, secs(1));
    world.start(UNIT_1);
    world.run_for(ms(950));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
    world.until_owned(VG_1, NODE_1, ms(200));
}

/// VG-5: the asker of a hand-over dies: who released takes the group back.
#[test]
fn the_asker_dies() {
    let mut world = World::settled(sim::cluster::Setup { interfaces: 2, ..setup(2, 1) });
    world.answer(UNIT_1, "WithdrawAddresses", sim::cluster::harness::Answer::after(ms(100)));
    world.port(UNIT_1, 0, 0, false);
    world.run_for(ms(50));
    world.crash(UNIT_2);
    world.until_owned(VG_1, NODE_1, secs(2));
}
