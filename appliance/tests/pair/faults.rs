//! S6: faults of synchronization are no faults of the role.

use crate::world::{A, B, Plan, World};
use appliance::Event;
use ha_core::identity::PathId;
use ha_core::pair::{PathKind, Role};

/// PAIR-19, STATE-5: a forwarding plane that takes no record for ever, on either unit: the Active stays, nobody
/// changes its role, and the Standby still takes over when it must.
#[test]
fn a_plane_that_refuses_everything_changes_no_role() {
    for refusing in [[true, false], [false, true], [true, true]] {
        let mut world = World::new(Plan { refusing, preempt: true, ..Plan::default() });
        world.upsert(A, 0..3000, 1);
        world.run(20_000);
        let standby = if refusing[B] { Role::Sync } else { Role::Standby };
        assert_eq!((world.role(A), world.role(B)), (Role::Active, standby));
        let failed =
            |event: &Event| matches!(event, Event::Sync(statesync::Event::InstallFailed { .. }));
        assert_eq!(world.unit(B).events.iter().any(failed), refusing[B]);
        assert_eq!((world.role_changes(A), world.role_changes(B)), (1, 1), "the first ones alone");
        world.crash(A);
        world.run(100);
        assert_eq!(world.role(B), Role::Active);
    }
}

/// PAIR-19: neither does the loss of every path of synchronization, however often.
#[test]
fn paths_that_come_and_go_change_no_role() {
    let paths = vec![PathKind::Control, PathKind::Data, PathKind::Lan];
    let mut world = World::settled(Plan { paths, ..Plan::default() });
    for round in 0..20 {
        world.upsert(A, round * 100..round * 100 + 100, 1);
        world.cut.extend([PathId(0), PathId(1)]);
        world.run(200);
        assert_eq!(world.role(A), Role::Active);
        world.cut.clear();
        world.run(200);
    }
    world.run_until("equal tables", World::in_sync);
    assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Standby));
    assert_eq!((world.role_changes(A), world.role_changes(B)), (1, 1), "the first ones alone");
}
