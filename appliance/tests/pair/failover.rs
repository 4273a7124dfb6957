//! Crash, restart, leave and hand-over, with the table.

use crate::world::{A, B, FAILURE_TIME, Plan, World};
use appliance::Input;
use ha_core::pair::{self, Departure, Role};
use statesync::SyncRole;

fn milliseconds(duration: ha_core::time::Duration) -> u64 {
    duration.as_millis() as u64
}

/// PAIR-6, STATE-5: after a crash the Standby is Active with all records, and publishes; the restarted
/// unit is its Standby and catches up with the whole table.
#[test]
fn a_crash_and_a_restart() {
    for loss in [0, 20] {
        let mut world = World::settled(Plan { loss, ..Plan::default() });
        world.upsert(A, 0..2000, 1);
        world.run_until("equal tables", World::in_sync);
        world.crash(A);
        world.run(milliseconds(FAILURE_TIME) + 15);
        assert_eq!(world.role(B), Role::Active);
        assert_eq!(world.sync_role(B), SyncRole::Publisher);
        assert_eq!(world.records(B), 2000);
        // Life goes on without a Standby.
        world.upsert(B, 1900..2500, 2);
        world.remove(B, 0..100);
        world.run(500);

        world.start(A);
        world.run_until("equal tables", World::in_sync);
        assert_eq!((world.role(A), world.role(B)), (Role::Standby, Role::Active));
        assert_eq!(world.records(A), 2400);
        // And it follows from then on.
        world.upsert(B, 3000..3001, 1);
        world.run_until("equal tables", |world| world.in_sync() && world.records(A) == 2401);
    }
}

/// PAIR-10: a planned leave: the peer is Active at once, with all records, and nobody publishes to it.
#[test]
fn a_planned_leave() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..500, 1);
    world.run_until("equal tables", World::in_sync);
    world.plan.hold = true;
    world.input(A, Input::Pair(pair::Input::Leave(Departure::Stop)));
    assert_eq!(world.sync_role(A), SyncRole::Publisher, "until the withdrawal is confirmed");
    world.plan.hold = false;
    let withdraw = world.unit(A).held[0].0;
    world.answer(A, withdraw);
    world.run(5);
    assert_eq!((world.role(A), world.role(B)), (Role::None, Role::Active));
    assert_eq!((world.sync_role(A), world.sync_role(B)), (SyncRole::Idle, SyncRole::Publisher));
    let left = |event: &appliance::Event| {
        *event == appliance::Event::Pair(pair::Event::MayStop { peer_took: true })
    };
    world.run(5);
    assert!(world.unit(A).events.iter().any(left));
    assert_eq!(world.records(B), 500);
}

/// PAIR-20, STATE-5: hand-over and hand-back: the direction of synchronization turns with the role.
#[test]
fn hand_over_and_back() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..500, 1);
    world.run_until("equal tables", World::in_sync);
    for (mark, from, to) in [(2, A, B), (3, B, A)] {
        world.input(to, Input::Pair(pair::Input::TakeOver));
        world.run_until("the hand-over", |world| {
            (world.role(from), world.role(to)) == (Role::Standby, Role::Active)
        });
        world.upsert(to, 100..600, mark);
        world.run_until("equal tables", World::in_sync);
        assert_eq!(world.records(from), 600);
        let roles = (world.sync_role(from), world.sync_role(to));
        assert_eq!(roles, (SyncRole::Replica, SyncRole::Publisher));
    }
}
