//! A Primary that returns in verified working order takes the role back, if it is told to (PAIR-7).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::pair::{Demotion, Event, Input, Mode, PairConfigBuilder, Role, State, Why};

/// B is Active, and A has just been started.
fn primary_returns(adjust: fn(PairConfigBuilder) -> PairConfigBuilder) -> World {
    let mut world = World::unpowered(1, move |_, config| adjust(config));
    world.network.set_all(|link| link.delay = ms(1));
    world.start(B);
    world.run_until(ms(100), |world| world.state(B) == State::Active);
    world.run_for(ms(103));
    world.start(A);
    world
}

fn preempting(config: PairConfigBuilder) -> PairConfigBuilder {
    config.preempt(true)
}

fn stateful(config: PairConfigBuilder) -> PairConfigBuilder {
    config.mode(Mode::ActiveStandby { stateful: true }).preempt(true)
}

/// PAIR-7: with preempt the Primary takes the role back, by a hand-over, once it was heard for a failure
/// time; without it the Secondary stays.
#[test]
fn a_primary_takes_the_role_back_only_with_preempt() {
    let mut world = primary_returns(preempting);
    let took = world.run_until(ms(200), |world| world.state(A) == State::Active);
    assert!((ms(30)..=ms(60)).contains(&took), "{took:?}");
    assert_eq!(world.last_take(A).unwrap().1, Why::Preempt);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    let given = |event: &Event| matches!(event, Event::RoleChanged { why: Why::PeerPreempts, .. });
    assert!(world.events(B, Duration::ZERO).iter().any(given));
    assert_eq!(world.oracle.longest_conflict, 0);

    let mut world = primary_returns(|config| config);
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
}

/// PAIR-7: a Primary that is less fit, or demoted, is not in working order; once it is, it returns.
#[test]
fn a_primary_that_is_less_fit_does_not_preempt() {
    let mut world = primary_returns(preempting);
    world.input(B, Input::HealthWeight(2)).unwrap();
    world.input(A, Input::HealthWeight(1)).unwrap();
    world.run_for(ms(500));
    assert_eq!(world.state(B), State::Active);

    let demotion = Demotion { owner: "test".parse().unwrap(), reason: "cold".parse().unwrap() };
    world.input(A, Input::Demote { demotion, lasts: None }).unwrap();
    world.input(A, Input::HealthWeight(2)).unwrap();
    world.run_for(ms(500));
    assert_eq!(world.state(B), State::Active);

    world.input(A, Input::Lift(demotion)).unwrap();
    world.run_until(ms(50), |world| world.state(A) == State::Active);
}

/// PAIR-9, PAIR-15: a stateful Primary does not preempt before it has the whole state; until then a
/// person is told SYNC.
#[test]
fn a_stateful_primary_preempts_with_the_whole_state_only() {
    let mut world = primary_returns(stateful);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Sync), Some(Role::Active)]);
    world.input(A, Input::Synchronized(true)).unwrap();
    world.run_until(ms(20), |world| world.state(A) == State::Active);
    assert_eq!(world.last_take(A).unwrap().1, Why::Preempt);
}

/// PAIR-9: the lack of state holds back nothing but preempt: when the peer is lost the unit takes over.
#[test]
fn a_lost_peer_is_replaced_without_the_state_too() {
    let mut world = primary_returns(stateful);
    world.run_for(ms(500));
    world.crash(B);
    let took = world.run_until(ms(100), |world| world.state(A) == State::Active);
    assert!(took <= ms(31), "{took:?}");
}

/// S6: state synchronization that fails takes no Active out of service, and moves no role.
#[test]
fn synchronization_that_fails_moves_no_role() {
    let mut world = World::new(|config| config.mode(Mode::ActiveStandby { stateful: true }));
    world.settle();
    let begin = world.now();
    for round in 0..20 {
        for unit in [A, B] {
            world.input(unit, Input::Synchronized(round % 2 == 0)).unwrap();
        }
        world.run_for(ms(17));
    }
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Sync)]);
    assert_eq!(world.count(A, "Withdraw", begin), 0);
}
