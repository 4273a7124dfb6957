//! A unit that changes its role too often holds back voluntary changes (PAIR-18).

use crate::harness::{A, B, World, ms};
use crate::states::configured;
use core::time::Duration;
use ha_core::pair::{Event, Heartbeat, Input, Role, Stance, State};

const WINDOW: Duration = Duration::from_secs(60);

/// The role was moved so often by a weight that goes up and down at A.
fn flapping(moves: usize) -> World {
    let mut world = World::new(|config| config.flap_limit(3, WINDOW));
    world.network.set_all(|link| link.delay = ms(1));
    for unit in [A, B] {
        world.input(unit, Input::HealthWeight(5)).unwrap();
    }
    world.settle();
    world.run_for(ms(53));
    for at in 0..moves {
        world.input(A, Input::HealthWeight(if at % 2 == 0 { 1 } else { 9 })).unwrap();
        world.run_for(ms(200));
    }
    world
}

/// PAIR-18, L3: after more than three changes a voluntary one waits until the window has passed, and then
/// happens by itself.
#[test]
fn a_voluntary_change_waits_for_the_end_of_the_window() {
    // A: to Active at the start, then away, back, away.
    let mut world = flapping(3);
    assert_eq!(world.state(B), State::Active);
    let held = |event: &&Event| matches!(event, Event::FlapHold { .. });
    assert_eq!(world.events(A, Duration::ZERO).iter().filter(held).count(), 1);
    world.input(A, Input::HealthWeight(9)).unwrap();
    world.run_for(WINDOW - Duration::from_secs(2));
    assert_eq!(world.state(B), State::Active, "held back");
    assert!(world.pair(A).status(ha_core::time::Instant::ZERO).flap_held);
    world.run_for(Duration::from_secs(4));
    assert_eq!(world.state(A), State::Active, "the window has passed");
    assert!(world.events(A, Duration::ZERO).contains(&Event::FlapHoldOver));
}

/// PAIR-18: the limit of either unit counts: a Standby that has not changed lately is not let through by an
/// Active that has.
#[test]
fn the_limit_of_either_unit_counts() {
    let mut world = flapping(3);
    // B is Active and has changed three times, A four times. A new A knows of nothing.
    world.crash(A);
    world.run_for(ms(100));
    world.start(A);
    world.run_for(ms(200));
    world.input(B, Input::FailOver).unwrap();
    world.run_for(ms(200));
    assert_eq!(world.state(A), State::Active);
    // B has changed four times by now, A once.
    world.input(B, Input::HealthWeight(9)).unwrap();
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.state(A), State::Active);
}

/// PAIR-18: the loss of the peer, a planned leave and a stall are never held back.
#[test]
fn what_has_to_be_is_not_held_back() {
    let mut world = flapping(3);
    world.crash(B);
    let took = world.run_until(ms(100), |world| world.state(A) == State::Active);
    assert!(took <= ms(31), "{took:?}");
    world.start(B);
    world.run_for(ms(100));
    world.input(A, Input::Leave(ha_core::pair::Departure::Restart)).unwrap();
    let took = world.run_until(ms(20), |world| world.state(B) == State::Active);
    assert!(took <= ms(2), "{took:?}");
    assert_eq!(world.roles()[A], Some(Role::Reboot), "PAIR-15");
}

/// PAIR-18: a change counts for exactly the window: a nanosecond before its end it does, at its end no longer.
#[test]
fn a_change_counts_for_exactly_the_window() {
    let mut unit = configured(State::Active, |config| config.flap_limit(1, WINDOW));
    let took = unit.now;
    unit.wait(ms(5));
    unit.hears_fresh(|it| Heartbeat { stance: Stance::Standby, ask: 7, ..it });
    unit.answer("");
    assert_eq!(unit.pair.state(), State::Released);
    let end = took + WINDOW;
    assert!(unit.pair.is_flap_held(end.saturating_sub(Duration::from_nanos(1))));
    assert!(!unit.pair.is_flap_held(end));
}
