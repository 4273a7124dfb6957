//! What changes just before a hand-over, and on a path that fails in one direction, reaches the peer.

use crate::world::{A, B, Plan, World, connection};
use appliance::Input;
use ha_core::identity::PathId;
use ha_core::pair::{self, Role};
use statesync::Records as _;

/// PAIR-20, STATE-5: a hand-over during 20 changes a millisecond loses none of them.
#[test]
fn a_hand_over_loses_no_connection() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..100, 1);
    world.run_until("equal tables", World::in_sync);
    world.input(B, Input::Pair(pair::Input::TakeOver));
    let mut next = 1000;
    while world.unit(A).machine.pair().state() == pair::State::Active && next < 2000 {
        world.upsert(A, next..next + 20, 1);
        next += 20;
        world.run(1);
    }
    world.run_until("B is Active", |world| world.role(B) == Role::Active);
    world.run(2000);
    let records = world.unit(B).machine.sync().unwrap().records();
    let lost = (1000..next).filter(|n| records.get(&connection(*n, 1).key).is_none()).count();
    assert_eq!(lost, 0, "of {}", next - 1000);
}

/// PAIR-10, STATE-5: neither does a leave right after a change.
#[test]
fn a_leave_loses_no_connection() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..100, 1);
    world.run_until("equal tables", World::in_sync);
    for n in 1000..1020 {
        world.upsert(A, n..n + 1, 1);
    }
    world.input(A, Input::Pair(pair::Input::Leave(pair::Departure::Stop)));
    world.run(2000);
    assert_eq!(world.role(B), Role::Active);
    assert_eq!(world.records(B), 120);
}

/// PAIR-19: a path that fails in one direction is left, although the peer is still heard on it.
#[test]
fn a_path_that_fails_in_one_direction_is_left() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..100, 1);
    world.run_until("equal tables", World::in_sync);
    world.cut_one = Some((A, PathId(0)));
    world.run(100);
    world.upsert(A, 100..200, 1);
    world.run(20_000);
    assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Standby));
    assert_eq!(world.records(B), 200);
}
