//! In a conflict of owners both judge by the same words: what one tells of itself stands still meanwhile, but only while
//! the other one can hear it.

use crate::by_hand::{Alone, Played, go_on};
use crate::{NODE_1, UNIT_1, UNIT_2, VG_1, secs, setup};
use sim::cluster::Setup;
use sim::cluster::harness::World;
use svrrp::cluster::Input;
use svrrp::election::Stance;
use svrrp::wire::GroupStance;

fn two_links() -> Setup {
    Setup { interfaces: 2, ..setup(2, 1) }
}

/// SVRRP-5, VG-2: what is told of the links stands still while the other owner hears it.
#[test]
fn the_weight_stands_still() {
    let mut alone = Alone::owner(two_links(), UNIT_1);
    let mut rival = Played::owning(two_links(), UNIT_2, 0);
    rival.hears_all(&alone);
    rival.says(&mut alone).unwrap();
    assert_eq!(alone.entry().link_weight, 2);
    alone.port(0, false);
    go_on(&mut alone, &mut [&mut rival], secs(1));
    assert_eq!((alone.entry().link_weight, alone.stance()), (2, Stance::Owner));
    rival.stands(GroupStance::Idle);
    go_on(&mut alone, &mut [&mut rival], secs(1));
    assert_eq!(alone.entry().link_weight, 1);
}

/// SVRRP-5, LIC-9: and so does what is told of the license.
#[test]
fn the_license_stands_still() {
    let mut alone = Alone::owner(two_links(), UNIT_1);
    let mut rival = Played::owning(two_links(), UNIT_2, 0);
    rival.hears_all(&alone);
    rival.says(&mut alone).unwrap();
    alone.input(Input::Licensed(false));
    go_on(&mut alone, &mut [&mut rival], secs(1));
    assert!(alone.last().unit.can_be_active);
    rival.stands(GroupStance::Idle);
    go_on(&mut alone, &mut [&mut rival], secs(1));
    assert!(!alone.last().unit.can_be_active);
}

/// SVRRP-5: an echo from before the conflict is judged by neither side: the other one may not know of it yet.
#[test]
fn an_echo_from_before_does_not_count() {
    let mut alone = Alone::owner(two_links(), UNIT_1);
    let mut rival = Played::owning(two_links(), UNIT_2, 9);
    rival.hears_all(&alone);
    rival.says(&mut alone).unwrap();
    rival.says(&mut alone).unwrap();
    assert_eq!(alone.stance(), Stance::Owner);
    rival.hears_all(&alone);
    rival.says(&mut alone).unwrap();
    assert_ne!(alone.stance(), Stance::Owner);
}

/// SVRRP-5, LIC-9: nothing stands still for an owner that hears nothing of it.
#[test]
fn nothing_stands_still_for_who_is_deaf() {
    let mut alone = Alone::owner(two_links(), UNIT_1);
    let mut deaf = Played::owning(two_links(), UNIT_2, 9);
    deaf.says(&mut alone).unwrap();
    alone.port(0, false);
    alone.input(Input::Licensed(false));
    go_on(&mut alone, &mut [&mut deaf], secs(1));
    assert_eq!(alone.entry().link_weight, 1);
    assert!(!alone.last().unit.can_be_active);
    assert_eq!(alone.stance(), Stance::Owner);
}

/// SVRRP-5: what changed before the other one heard anything begins the conflict anew: an echo from before that does not
/// count, or one would judge by the old words and the other by the new ones.
#[test]
fn a_change_begins_the_conflict_anew() {
    let mut alone = Alone::owner(two_links(), UNIT_1);
    let mut rival = Played::owning(two_links(), UNIT_2, 9);
    rival.says(&mut alone).unwrap();
    rival.hears_all(&alone);
    // Its word is on its way when the link goes down.
    alone.port(0, false);
    assert_eq!(alone.entry().link_weight, 1);
    rival.says(&mut alone).unwrap();
    assert_eq!(alone.stance(), Stance::Owner);
    rival.hears_all(&alone);
    rival.says(&mut alone).unwrap();
    assert_ne!(alone.stance(), Stance::Owner);
}

/// SVRRP-5, VG-2: an owner that hears another one, and is not heard by it, hands the group over to a better node all the
/// same.
#[test]
fn who_is_not_heard_hands_over() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(3, 1) });
    world.split(0b001);
    world.run_for(secs(2));
    assert_eq!(world.stance(UNIT_2, VG_1), Stance::Owner);
    // From now on node 2 hears node 1, and node 1 does not hear it.
    world.cut(Some(0), Some(1), None, false);
    world.run_for(secs(2));
    (0..2).for_each(|interface| world.port(UNIT_2, interface, 0, false));
    world.run_for(secs(5));
    assert_eq!(world.stance(4, VG_1), Stance::Owner);
    world.heal();
    world.until_owned(VG_1, NODE_1, secs(2));
}

/// SVRRP-5, LIC-9: nor does the license stand still for as long as only one direction works.
#[test]
fn a_license_that_ends_in_one_direction() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(3, 2) });
    for (from, to) in [(1, 0), (0, 1), (2, 0), (0, 2), (2, 1), (1, 2)] {
        world.cut(Some(from), Some(to), None, true);
    }
    world.run_for(secs(2));
    world.cut(Some(0), Some(1), None, false);
    world.run_for(secs(2));
    world.license(UNIT_2, false);
    world.run_for(secs(1));
    world.cut(Some(1), Some(2), None, false);
    world.cut(Some(2), Some(1), None, false);
    world.run_for(secs(2));
    assert_eq!(world.stance(UNIT_2, VG_1), Stance::Idle, "{}", world.stances());
    assert_eq!(world.stance(4, VG_1), Stance::Owner, "{}", world.stances());
}
