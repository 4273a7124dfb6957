//! A unit that is another model, or runs other firmware, is kept out.

use crate::{NODE_2, UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use sim::cluster::Setup;
use sim::cluster::harness::World;
use svrrp::cluster::{Event, KeptOut};

/// NODE-2: it is told with its reason, on both sides, and takes nothing from an owner.
#[test]
fn other_firmware_is_kept_out() {
    let mut world = World::unpowered(Setup { odd: Some(UNIT_1), ..setup(3, 1) });
    world.start(UNIT_2);
    world.start(4);
    world.until_owned(VG_1, NODE_2, secs(1));
    world.start(UNIT_1);
    world.run_for(secs(10));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
    let why = |unit: usize, of: usize| {
        let status = world.units[unit].cluster().unwrap().status();
        status.units.into_iter().find(|it| it.member.index() == of).unwrap().kept_out
    };
    for (unit, of) in [(UNIT_2, UNIT_1), (4, UNIT_1), (UNIT_1, UNIT_2)] {
        assert!(matches!(why(unit, of), Some(KeptOut::Product { .. })), "{unit} {of}");
    }
    assert_eq!(why(UNIT_2, 4), None);
    let told = world.events(UNIT_2, ms(0));
    let is_it = |event: &&Event| matches!(event, Event::KeptOut { why: Some(_), .. });
    assert_eq!(told.iter().filter(is_it).count(), 1);
}

/// NODE-2: a kept-out owner that dies is replaced all the same.
#[test]
fn who_is_kept_out_is_no_candidate() {
    let mut world = World::unpowered(Setup { odd: Some(UNIT_1), ..setup(2, 1) });
    world.start(UNIT_1);
    world.until_owned(VG_1, crate::NODE_1, secs(1));
    world.start(UNIT_2);
    world.run_for(secs(5));
    // It is no candidate, and is not asked either: it would keep the asker out.
    assert_eq!(world.holders(VG_1).count(), 1);
    world.crash(UNIT_1);
    world.until_owned(VG_1, NODE_2, secs(1));
}

/// NODE-2, SVRRP-5: two owners that keep each other out do not both stay: their firmware does not count between them.
#[test]
fn a_conflict_with_other_firmware_ends() {
    let mut world = World::unpowered(Setup { odd: Some(UNIT_1), ..setup(2, 1) });
    world.split(0b01);
    world.start(UNIT_1);
    world.start(UNIT_2);
    world.run_for(secs(2));
    assert_eq!(world.holders(VG_1).count(), 2);
    world.heal();
    world.run_for(secs(1));
    assert_eq!(world.owner(VG_1), Some(crate::NODE_1));
}
