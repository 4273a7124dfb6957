//! Platforms that fail.

use crate::{NODE_1, NODE_2, UNIT_1, VG_1, ms, secs, setup};
use sim::cluster::Setup;
use sim::cluster::harness::{Answer, World};
use svrrp::cluster::{Event, Why};
use svrrp::virtual_address::Duty;

/// VG-5: a take that fails is told and withdrawn, and the next best gets the group.
#[test]
fn a_take_that_fails_goes_to_the_next() {
    let mut world = World::unpowered(setup(2, 1));
    world.answer(UNIT_1, "TakeAddresses", Answer::FAILS);
    world.start(UNIT_1);
    world.start(2);
    world.until_owned(VG_1, NODE_2, secs(3));
    let told = world.events(UNIT_1, ms(0));
    let failed =
        |event: &Event| matches!(event, Event::ActionFailed { duty: Duty::TakeAddresses, .. });
    assert!(told.iter().any(failed));
    assert!(
        told.iter().any(|event| { matches!(event, Event::Stance { why: Why::TakeFailed, .. }) })
    );
    // It tries again after ten failure times.
    world.repair(UNIT_1);
    world.until_owned(VG_1, NODE_1, secs(8));
}

/// VG-5: a withdrawal that fails is tried again for ever, and nobody takes meanwhile.
#[test]
fn a_withdrawal_that_fails_is_tried_again() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    let begin = world.now();
    world.answer(UNIT_1, "WithdrawAddresses", Answer::FAILS);
    world.port(UNIT_1, 0, 0, false);
    world.run_for(secs(5));
    assert_eq!(world.holders(VG_1).collect::<Vec<_>>(), [UNIT_1]);
    assert_eq!(world.takes(VG_1, begin), []);
    world.repair(UNIT_1);
    world.until_owned(VG_1, NODE_2, secs(3));
}

/// VG-5, VG-8: an action that is never answered counts as failed after its time limit; one that is not decisive changes
/// nothing.
#[test]
fn an_action_that_hangs() {
    let mut world = World::unpowered(setup(2, 1));
    world.answer(UNIT_1, "RebuildConnections", Answer::NEVER);
    world.answer(UNIT_1, "Announce", Answer::FAILS);
    world.start(UNIT_1);
    world.start(2);
    // 20 intervals is the time limit here.
    world.until_owned(VG_1, NODE_1, secs(4));
    world.run_for(secs(2));
    assert_eq!(world.owner(VG_1), Some(NODE_1));
}
