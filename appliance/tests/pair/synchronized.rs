//! The role machine knows whether this unit has the table of its Active.

use crate::world::{A, B, Plan, World};
use appliance::{Event, Input};
use ha_core::machine::Machine as _;
use ha_core::pair::{self, Role};

fn synchronized(world: &World, at: usize) -> bool {
    world.unit(at).machine.pair().status(world.now).synchronized
}

/// How often the role machine was told so, or the contrary.
fn told(world: &World, at: usize) -> usize {
    let news = |event: &&Event| matches!(event, Event::Pair(pair::Event::Synchronized(_)));
    world.unit(at).events.iter().filter(news).count()
}

/// PAIR-15: a Standby shows SYNC until it has the whole table, and its forwarding plane has it too.
#[test]
fn the_role_shown_is_sync_until_the_table_is_complete() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..2000, 1);
    world.crash(B);
    world.run(100);
    world.plan.hold = true;
    world.start(B);
    let mut seen_empty = false;
    while !synchronized(&world, B) {
        // Election first, and once the Active is heard SYNC.
        let role = world.role(B);
        assert!(matches!(role, Role::Election | Role::Sync), "{role}");
        seen_empty |= role == Role::Sync && world.records(B) == 0;
        world.run(1);
        let held: Vec<_> = world.unit(B).held.iter().map(|(id, _)| *id).collect();
        if world.now.since_epoch().as_millis().is_multiple_of(20) {
            held.into_iter().for_each(|id| world.answer(B, id));
        }
    }
    assert!(seen_empty);
    assert_eq!((world.role(B), world.unit(B).plane.len()), (Role::Standby, 2000));
}

/// PAIR-9: it is so once, and stays so while changes are on their way and the forwarding plane is never quite
/// done; in another catch-up it is not.
#[test]
fn changes_do_not_make_it_flap() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..500, 1);
    world.run_until("the table is complete", |world| synchronized(world, B));
    assert_eq!(told(&world, B), 1);
    for mark in 2..500 {
        world.upsert(A, mark..mark + 40, mark);
        world.run(2);
        assert_eq!(world.role(B), Role::Standby);
    }
    assert_eq!((told(&world, B), told(&world, A)), (1, 0));
    // The Active reads its table again after a crash: another session, another catch-up.
    world.crash(A);
    world.run(100);
    assert_eq!(world.role(B), Role::Active);
    assert!(!synchronized(&world, B), "it is no replica any more");
}

/// PAIR-9: a Standby that cannot be reached on any path of synchronization misses changes: it has the table
/// again once it was sent all of it.
#[test]
fn without_a_path_the_table_is_not_complete() {
    let paths = vec![pair::PathKind::Control, pair::PathKind::Lan];
    let mut world = World::settled(Plan { paths, ..Plan::default() });
    world.upsert(A, 0..500, 1);
    world.run_until("the table is complete", |world| synchronized(world, B));
    world.cut.insert(ha_core::identity::PathId(0));
    world.run(100);
    assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Sync));
    world.upsert(A, 500..1500, 1);
    world.cut.clear();
    while !synchronized(&world, B) {
        assert_eq!(world.role(B), Role::Sync);
        world.run(1);
    }
    assert_eq!(world.records(B), 1500);
    assert_eq!((world.role_changes(A), world.role_changes(B)), (1, 1), "the first ones alone");
}

/// PAIR-9: a Primary that preempts returns only with the whole table in its forwarding plane.
#[test]
fn a_preempting_primary_returns_when_its_table_is_complete() {
    let mut world = World::settled(Plan { preempt: true, ..Plan::default() });
    world.upsert(A, 0..2000, 1);
    world.run_until("equal tables", World::in_sync);
    world.crash(A);
    world.run_until("B is Active", |world| world.role(B) == Role::Active);
    // Its plane takes nothing for now: for how long that may be, it does not come back.
    world.plan.refusing[A] = true;
    world.start(A);
    world.run(5000);
    assert_eq!((world.role(A), world.role(B)), (Role::Sync, Role::Active));
    world.plan.refusing[A] = false;
    world.run_until("the table is complete", |world| synchronized(world, A));
    assert_eq!(world.role(B), Role::Active, "not before");
    assert_eq!(world.unit(A).plane.len(), 2000);
    world.run_until("the Primary is back", |world| {
        (world.role(A), world.role(B)) == (Role::Active, Role::Standby)
            || (world.role(A), world.role(B)) == (Role::Active, Role::Sync)
    });
    let why = world.unit(A).machine.pair().decision().why;
    assert_eq!((why, world.records(A)), (pair::Why::Preempt, 2000));
}

/// PAIR-9: who has synchronization is not told by others; who synchronizes by other means tells it.
#[test]
fn the_embedder_tells_it_only_without_synchronization() {
    for (sync, believed) in [(Plan::default().sync, false), (None, true)] {
        let mut world = World::new(Plan { sync, ..Plan::default() });
        world.run(500);
        world.plan.hold = true;
        let before = synchronized(&world, B);
        let now = world.now;
        let tell = Input::Pair(pair::Input::Synchronized(!before));
        world.units[B].as_mut().unwrap().machine.handle_input(now, tell).unwrap();
        assert_eq!(synchronized(&world, B) != before, believed);
    }
}
