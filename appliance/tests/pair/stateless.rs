//! A pair without state synchronization.

use crate::world::{A, B, Plan, World, connection};
use appliance::{Action, Input};
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Machine as _, Origin};
use ha_core::pair::Role;
use ha_core::reject::{Reject, RejectKind};

/// PAIR-2: the pair fails over, and not one record is taken, sent or installed, also if synchronization is
/// configured: the mode decides.
#[test]
fn a_stateless_pair_fails_over() {
    for sync in [None, Plan::default().sync] {
        fails_over(Plan { stateful: false, sync, ..Plan::default() });
    }
}

fn fails_over(plan: Plan) {
    let mut world = World::settled(plan);
    world.input(A, Input::SnapshotBegin);
    world.upsert(A, 0..100, 1);
    world.remove(A, 0..10);
    world.input(A, Input::SnapshotEnd);
    world.run(500);
    assert!(world.unit(A).machine.sync().is_none());
    assert!(world.sync_paths_used().is_empty());
    world.crash(A);
    world.run(100);
    assert_eq!(world.role(B), Role::Active);
    world.plan.hold = true;
    world.run(100);
    assert!(world.unit(B).held.iter().all(|(_, action)| matches!(action, Action::Pair(_))));
    assert!(world.unit(B).plane.is_empty());
}

/// PAIR-2: a datagram for the machine that is not there is counted, and changes nothing else.
#[test]
fn datagrams_of_synchronization_are_counted() {
    let mut world = World::settled(Plan { stateful: false, sync: None, ..Plan::default() });
    let now = world.now;
    let from = Origin { peer: UnitId(1), path: PathId(0), channel: Channel::StateSync };
    let unit = world.units[A].as_mut().unwrap();
    let before = unit.machine.pair().status(now);
    for datagram in [&b""[..], &[0x53; 1400]] {
        assert_eq!(unit.machine.handle_datagram(now, from, datagram), Err(Reject::UnknownChannel));
    }
    assert_eq!(unit.machine.rejects().get(RejectKind::UnknownChannel), 2);
    assert_eq!(unit.machine.pair().status(now), before);
    let sync = Input::Upsert(vec![connection(1, 1)]);
    assert_eq!(unit.machine.handle_input(now, sync), Ok(()));
}
