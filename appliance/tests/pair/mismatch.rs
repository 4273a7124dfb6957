//! Units that do not match do not synchronize.

use crate::world::{A, B, Plan, World};
use appliance::Event;
use ha_core::pair::{self, Role};
use statesync::SyncRole;

/// PAIR-14: a unit of another model shows ERROR and gets no records; the Active keeps running; when the
/// unit is replaced by one that matches, it is synchronized.
#[test]
fn units_of_different_models_do_not_synchronize() {
    let mut world = World::new(Plan { models: ["FW-100", "FW-200"], ..Plan::default() });
    world.upsert(A, 0..100, 1);
    world.run(1000);
    assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Error));
    assert_eq!((world.sync_role(A), world.sync_role(B)), (SyncRole::Idle, SyncRole::Idle));
    assert!(world.sync_paths_used().is_empty(), "not one datagram of state synchronization");
    assert_eq!(world.records(B), 0);
    for at in [A, B] {
        let told = |event: &Event| matches!(event, Event::Pair(pair::Event::PeerMismatch(_)));
        assert!(world.unit(at).events.iter().any(told));
    }
    // What the forwarding plane tells meanwhile is not lost.
    world.upsert(A, 100..200, 1);

    world.plan.models[B] = "FW-100";
    world.start(B);
    world.run_until("equal tables", World::in_sync);
    assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Standby));
    assert_eq!(world.records(B), 200);
    assert_eq!(world.role_changes(A), 1, "it became Active, and nothing else");
}
