//! The embedder can hold back a take until it is ready, for a bounded time (BEY-9).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::pair::{Event, Input, Obstacles, PairConfigBuilder, Refusal, State};

fn limited(config: PairConfigBuilder) -> PairConfigBuilder {
    config.readiness_limit(ms(200)).preempt(true)
}

/// BEY-9: a unit that is not ready does not take until it is, but no longer than the limit from when it
/// would have; both are told.
#[test]
fn a_take_waits_for_readiness_but_not_for_ever() {
    let mut world = World::unpowered(1, |_, config| limited(config));
    world.start(A);
    world.run_for(ms(100));
    assert_eq!(world.state(A), State::Election);
    assert_eq!(world.pair(A).obstacles(), Obstacles::NOT_READY);
    world.input(A, Input::Ready(true)).unwrap();
    world.run_for(ms(1));
    assert_eq!(world.state(A), State::Active);

    let mut world = World::unpowered(1, |_, config| limited(config));
    world.start(A);
    let took = world.run_until(ms(500), |world| world.state(A) == State::Active);
    assert_eq!(took, ms(230), "the election, then the limit");
    let events = world.events(A, Duration::ZERO);
    assert!(events.contains(&Event::HeldForReadiness { limit: ms(200) }));
    assert!(events.contains(&Event::ReadinessOverdue));
}

/// BEY-9, PAIR-6: a Standby that is not ready is held back also from a lost peer, for the limit.
#[test]
fn a_take_over_waits_for_readiness() {
    let mut world = World::new(limited);
    for unit in [A, B] {
        world.input(unit, Input::Ready(true)).unwrap();
    }
    world.settle();
    world.input(B, Input::Ready(false)).unwrap();
    world.run_for(Duration::from_secs(1));
    world.crash(A);
    let took = world.run_until(ms(500), |world| world.state(B) == State::Active);
    assert!((ms(220)..=ms(231)).contains(&took), "{took:?}");
}

/// BEY-9, PAIR-7: a preempt waits as well, and an administrator is told why he has to.
#[test]
fn a_preempt_waits_for_readiness() {
    let mut world = World::unpowered(1, |_, config| limited(config));
    world.start(B);
    world.input(B, Input::Ready(true)).unwrap();
    world.run_until(ms(100), |world| world.state(B) == State::Active);
    world.start(A);
    world.run_for(ms(150));
    assert_eq!(world.state(B), State::Active);
    let refused = world.input(A, Input::TakeOver);
    assert_eq!(refused, Err(Refusal::NotEligible(Obstacles::NOT_READY)));
    world.input(A, Input::Ready(true)).unwrap();
    world.run_until(ms(30), |world| world.state(A) == State::Active);
}

/// BEY-9: without a limit nobody is asked.
#[test]
fn without_a_limit_readiness_means_nothing() {
    let mut world = World::new(|config| config);
    world.input(A, Input::Ready(false)).unwrap();
    world.settle();
    assert_eq!(world.state(A), State::Active);
}

/// BEY-9: said again, that it is not ready is no news: the limit goes on.
#[test]
fn the_limit_does_not_begin_anew_when_nothing_is_new() {
    for every in [30, 90] {
        let mut world = World::new(limited);
        world.run_until(Duration::from_secs(2), World::is_settled);
        world.crash(A);
        for _ in 0..8 {
            world.run_for(ms(every));
            world.input(B, Input::Ready(false)).unwrap();
        }
        assert_eq!(world.state(B), State::Active, "told every {every} ms");
    }
}

/// BEY-9: the limit ends when its reason does; when there is another one, it begins again.
#[test]
fn the_limit_ends_with_its_reason() {
    let mut world = World::new(limited);
    world.run_until(Duration::from_secs(2), World::is_settled);
    world.cut_all(true);
    world.run_for(ms(60));
    world.cut_all(false);
    world.run_for(Duration::from_secs(10));
    let begin = world.now();
    world.crash(A);
    world.run_until(Duration::from_secs(1), |world| world.state(B) == State::Active);
    assert!(world.now() - begin > ms(100), "{:?}", world.now() - begin);
}

/// BEY-9, PAIR-7, CRASH-3: the limit holds as well for a unit that would ask for the role of an Active that
/// works, since it preempts or is fitter: then it asks, ready or not.
#[test]
fn a_unit_that_would_ask_waits_no_longer_than_the_limit() {
    for (unit, ours) in [(A, 0), (B, 5)] {
        let mut world = World::unpowered(1, |_, config| limited(config));
        let other = 1 - unit;
        world.start(other);
        world.input(other, Input::Ready(true)).unwrap();
        world.run_until(ms(100), |world| world.state(other) == State::Active);
        world.start(unit);
        world.input(unit, Input::HealthWeight(ours)).unwrap();
        let begin = world.now();
        world.run_for(ms(195));
        assert_eq!(world.state(other), State::Active);
        // Who preempts is heard for a failure time before it would ask.
        world.run_until(ms(60), |world| world.state(unit) == State::Active);
        let events = world.events(unit, begin);
        assert!(events.contains(&Event::HeldForReadiness { limit: ms(200) }));
        assert!(events.contains(&Event::ReadinessOverdue));
    }
}
