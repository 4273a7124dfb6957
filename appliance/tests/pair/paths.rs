//! Which path state synchronization uses (PAIR-19).

use crate::world::{A, B, Plan, World};
use ha_core::identity::PathId;
use ha_core::machine::Channel;
use ha_core::pair::{PathKind, Role};
use std::collections::BTreeSet;

const CONTROL: PathId = PathId(0);
const DATA: PathId = PathId(1);
/// A LAN: heartbeats only.
const FALLBACK: PathId = PathId(2);

fn plan() -> Plan {
    // Synchronization knows all of them; the pair says what they are for.
    Plan {
        paths: vec![PathKind::Control, PathKind::Data, PathKind::Lan],
        sync: Some(vec![FALLBACK, CONTROL, DATA]),
        ..Plan::default()
    }
}

fn used(world: &mut World, milliseconds: u64) -> BTreeSet<PathId> {
    world.sent.clear();
    world.run(milliseconds);
    world.sync_paths_used()
}

/// PAIR-19: the loss of the data link moves synchronization to the control link, never to a LAN, and changes
/// no role; everything is made good when one comes back.
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

/// PAIR-19: nothing is sent on a path before the peer is heard on it.
#[test]
fn nothing_is_sent_before_the_peer_is_heard() {
    let mut world = World::new(Plan { cut: vec![DATA, CONTROL], ..plan() });
    world.run(500);
    world.upsert(A, 0..100, 1);
    world.run(1000);
    assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Sync));
    assert!(world.sync_paths_used().is_empty(), "{:?}", world.sync_paths_used());
    world.cut.clear();
    world.run_until("equal tables", World::in_sync);
}

/// PAIR-19: a path that synchronization was not configured with is passed over, and the next one is used.
#[test]
fn a_path_that_synchronization_does_not_know_is_passed_over() {
    let plan = Plan { sync: Some(vec![FALLBACK, CONTROL]), ..plan() };
    let mut world = World::settled(plan);
    world.upsert(A, 0..100, 1);
    assert_eq!(used(&mut world, 500), [CONTROL].into());
    assert!(world.in_sync());
    world.cut.insert(CONTROL);
    world.run(50);
    assert!(used(&mut world, 500).is_empty(), "neither is a LAN that it knows");
}
