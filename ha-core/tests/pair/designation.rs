//! Designation and role are two things: the one never changes, either unit can hold the other (PAIR-1).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::identity::Designation;
use ha_core::pair::{Role, State};

/// PAIR-1: the Secondary can be Active and stays the Secondary; the two are of different types, so that
/// neither can be given for the other.
#[test]
fn either_unit_can_hold_either_role() {
    let mut world = World::unpowered(1, |_, config| config);
    world.start(B);
    world.run_until(ms(100), |world| world.state(B) == State::Active);
    world.start(A);
    world.run_for(Duration::from_secs(1));
    let status = |unit| world.pair(unit).status(ha_core::time::Instant::ZERO);
    assert_eq!((status(A).designation, status(A).role), (Designation::Primary, Role::Standby));
    assert_eq!((status(B).designation, status(B).role), (Designation::Secondary, Role::Active));
}

/// PAIR-15: what a person is told of each state.
#[test]
fn every_state_has_a_name_for_a_person() {
    let names: Vec<_> =
        State::ALL.iter().map(|state| (state.to_string(), state.role().to_string())).collect();
    for (state, role) in names {
        let expected = match state.split('/').next().unwrap() {
            "Election" => "ELECTION",
            "Disabled" => "NONE",
            "Standby" | "Asking" | "Released" | "Recovering" => "STANDBY",
            "Taking" | "Active" | "Withdrawing" => "ACTIVE",
            "Left" => "NONE",
            other => panic!("{other} is not in this list"),
        };
        assert_eq!(role, expected, "{state}");
    }
}
