//! The hold-down of the dynamic routes after a take (PAIR-17).

use crate::harness::{A, B, What, World, ms};
use core::time::Duration;
use ha_core::pair::{Action, Input};

/// PAIR-16, PAIR-17: it starts with the first action of a take, and its end is an action 45 s later.
#[test]
fn routes_are_held_down_after_a_take() {
    let mut world = World::new(|config| config);
    world.settle();
    let took = world.last_take(A).unwrap().0;
    let adopted = |entry: &&sim::harness::Entry| {
        matches!(entry.what, What::Action(Action::AdoptState { route_hold })
            if route_hold == Duration::from_secs(45))
    };
    assert_eq!(world.trace.iter().filter(adopted).count(), 1);
    world.run_for(Duration::from_secs(50));
    let ended = world
        .trace
        .iter()
        .find(|entry| matches!(entry.what, What::Action(Action::EndRouteHold)))
        .unwrap();
    assert_eq!((ended.unit, ended.at - took), (A, Duration::from_secs(45)));
}

/// PAIR-17: with zero there is no hold-down; and one that has left the role ends none.
#[test]
fn a_hold_down_of_zero_or_of_a_former_active_does_not_end() {
    let mut world = World::new(|config| config.route_hold(Duration::ZERO));
    world.settle();
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.count(A, "EndRouteHold", Duration::ZERO), 0);

    let mut world = World::new(|config| config.route_hold(ms(500)));
    world.settle();
    world.run_for(ms(60));
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.count(A, "EndRouteHold", Duration::ZERO), 0);
    assert_eq!(world.count(B, "EndRouteHold", Duration::ZERO), 1);
}
