//! One status of the whole unit, and its paths of synchronization as events.

use crate::world::{A, B, Plan, World};
use appliance::{Event, Status};
use ha_core::identity::{Designation, PathId};
use ha_core::pair::Role;

/// STA-1, COS-7: role, the Active unit, the peer, and how far synchronization is, at once.
#[test]
fn one_status_tells_of_roles_and_of_synchronization() {
    let mut world = World::settled(Plan::default());
    let status = |world: &World, at| world.unit(at).machine.status(world.now);
    // What the forwarding plane of the Standby has not answered is behind.
    world.plan.hold = true;
    world.upsert(A, 0..10, 1);
    world.run(20);
    assert_eq!(status(&world, B).sync.unwrap().behind, 10);
    world.plan.hold = false;
    let held: Vec<_> = world.unit(B).held.iter().map(|(id, _)| *id).collect();
    held.into_iter().for_each(|id| world.answer(B, id));
    world.run(100);
    for (at, role) in [(A, Role::Active), (B, Role::Standby)] {
        let Status { pair, sync, .. } = status(&world, at);
        assert_eq!(pair.role, role);
        assert_eq!(pair.active.unwrap().designation, Designation::Primary);
        let sync = sync.unwrap();
        assert_eq!((sync.behind, sync.path, sync.progress.records), (0, Some(PathId(0)), 10));
        assert!(sync.progress.in_sync);
    }
    let without = World::settled(Plan { stateful: false, ..Plan::default() });
    assert_eq!(status(&without, A).sync, None);
}

/// STA-1: it is read as it was written.
#[cfg(feature = "serde")]
#[test]
fn a_status_is_read_as_it_was_written() {
    let mut world = World::settled(Plan::default());
    world.upsert(A, 0..10, 1);
    world.run(100);
    for at in [A, B] {
        let status = world.unit(at).machine.status(world.now);
        let written = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&written).unwrap(), status, "{written}");
    }
}

/// STA-2, PAIR-19: that synchronization moves to another path, or has none, is told.
#[test]
fn a_change_of_the_synchronization_path_is_an_event() {
    let mut world = World::settled(Plan::default());
    for path in [PathId(0), PathId(1)] {
        world.cut.insert(path);
        world.run(100);
    }
    let told: Vec<_> = world
        .unit(A)
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SyncPath { from, to } => Some((*from, *to)),
            _ => None,
        })
        .collect();
    let (first, second) = (Some(PathId(0)), Some(PathId(1)));
    assert_eq!(told.last_chunk(), Some(&[(first, second), (second, None)]));
}
