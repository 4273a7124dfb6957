//! The Standby's table follows the Active's.

use crate::world::{A, B, Plan, World, connection};
use statesync::{Records as _, SyncRole};

/// STATE-5: what is new, changed or gone on the Active is so on the Standby, in its forwarding plane too,
/// also over a network that loses datagrams.
#[test]
fn the_standbys_table_follows_the_actives() {
    for loss in [0, 20] {
        let mut world = World::settled(Plan { loss, ..Plan::default() });
        assert_eq!(
            (world.sync_role(A), world.sync_role(B)),
            (SyncRole::Publisher, SyncRole::Replica)
        );
        world.upsert(A, 0..3000, 1);
        world.run(5);
        world.upsert(A, 500..700, 2);
        world.remove(A, 600..1000);
        world.run_until("equal tables", |world| world.in_sync() && world.records(B) == 2600);
        let table = world.unit(B).machine.sync().unwrap().records();
        assert_eq!(table.get(&connection(550, 0).key).unwrap().mark, 2);
        assert_eq!(table.get(&connection(650, 0).key), None);
    }
}

/// STATE-5: a change reaches the Standby within a few network delays, not at the next heartbeat or timer.
#[test]
fn a_change_is_told_immediately() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..1, 1);
    world.run(3);
    assert_eq!(world.records(B), 1);
    world.remove(A, 0..1);
    world.run(3);
    assert_eq!(world.records(B), 0);
}

/// PAIR-3: what the Standby's own forwarding plane tells does not change the Active's table.
#[test]
fn the_standby_changes_nothing() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..10, 1);
    world.run(50);
    world.input(B, appliance::Input::Upsert(vec![connection(99, 1)]));
    world.input(B, appliance::Input::Remove(vec![connection(1, 1).key]));
    world.run(1000);
    assert!(world.in_sync());
    assert_eq!(world.records(A), 10);
}
