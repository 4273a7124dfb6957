//! Which path state synchronization uses (PAIR-19).

use crate::world::{A, B, Plan, World};
use ha_core::identity::PathId;
use ha_core::machine::Channel;
use std::collections::BTreeSet;

const CONTROL: PathId = PathId(0);
const DATA: PathId = PathId(1);
/// Heartbeats only.
const FALLBACK: PathId = PathId(2);

fn plan() -> Plan {
    let sync_paths = vec![DATA, CONTROL];
    Plan { paths: 3, sync: Some(sync_paths.clone()), sync_paths, ..Plan::default() }
}

fn used(world: &mut World, milliseconds: u64) -> BTreeSet<PathId> {
    world.sent.clear();
    world.run(milliseconds);
    world.sync_paths_used()
}

/// PAIR-19: the first path of the list on which the peer is heard; the loss of it changes no role; a path
/// that is not in the list is never used, and everything is made good when one comes back.
#[test]
fn synchronization_moves_between_its_paths_and_never_to_another() {
    let mut world = World::settled(plan());
    world.upsert(A, 0..100, 1);
    assert_eq!(used(&mut world, 500), [DATA].into());

    world.cut.insert(DATA);
    world.run(50);
    world.upsert(A, 100..200, 1);
    assert_eq!(used(&mut world, 500), [CONTROL].into());
    assert!(world.in_sync() && world.records(B) == 200);

    world.cut.insert(CONTROL);
    world.run(50);
    world.upsert(A, 200..300, 1);
    assert!(used(&mut world, 1000).is_empty(), "only the fallback is left");
    let beats = |(_, to): &&(usize, _)| {
        let to: &ha_core::machine::Destination = to;
        to.path == FALLBACK && to.channel == Channel::Pair
    };
    assert!(world.sent.iter().filter(beats).count() > 100);
    assert_eq!(world.records(B), 200);

    world.cut.clear();
    world.run(50);
    assert_eq!(used(&mut world, 1000), [DATA].into(), "back on the preferred one");
    assert!(world.in_sync() && world.records(B) == 300);
    assert_eq!((world.role_changes(A), world.role_changes(B)), (1, 1), "the first ones alone");
}

/// PAIR-19: nothing is sent on a path of the list before the peer is heard on it.
#[test]
fn nothing_is_sent_before_the_peer_is_heard() {
    let mut world = World::settled(Plan { cut: vec![DATA, CONTROL], ..plan() });
    world.upsert(A, 0..100, 1);
    world.run(1000);
    assert!(world.sync_paths_used().is_empty(), "{:?}", world.sync_paths_used());
    world.cut.clear();
    world.run_until("equal tables", World::in_sync);
}

/// PAIR-19: a path that synchronization was not configured with is passed over, and the next one is used.
#[test]
fn a_path_that_synchronization_does_not_know_is_passed_over() {
    let plan = Plan { sync_paths: vec![FALLBACK, CONTROL], ..plan() };
    let mut world = World::settled(plan);
    world.upsert(A, 0..100, 1);
    assert_eq!(used(&mut world, 500), [CONTROL].into());
    assert!(world.in_sync());
    world.cut.insert(CONTROL);
    world.run(50);
    assert!(used(&mut world, 500).is_empty(), "neither is one that was not listed");
}
