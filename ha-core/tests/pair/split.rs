//! All paths fail, in one direction or in both, and heal (PAIR-13).

use crate::harness::{A, B, Entry, What, World, ms};
use core::time::Duration;
use ha_core::pair::{Event, Input, PairConfigBuilder, Role, State, Why};

/// Both are Active, because they do not hear each other. The paths heal `phase` later.
fn split(phase: Duration, delays: [Duration; 2], drift: i64) -> World {
    split_with(phase, delays, drift, |config| config)
}

fn split_with(
    phase: Duration,
    delays: [Duration; 2],
    drift: i64,
    adjust: fn(PairConfigBuilder) -> PairConfigBuilder,
) -> World {
    let mut world = World::new(adjust);
    for unit in [A, B] {
        world.network.links.iter_mut().for_each(|link| link[unit].delay = delays[unit]);
    }
    world.settle();
    world.set_rate(B, drift);
    world.run_for(ms(50));
    world.cut_all(true);
    world.run_until(ms(50), |world| world.state(B) == State::Active);
    world.run_for(ms(200) + phase);
    assert_eq!(world.roles(), [Some(Role::Active); 2]);
    world.cut_all(false);
    world
}

/// When both, and when none, held the role since `since`.
fn spans(world: &mut World, length: Duration) -> (Duration, Duration) {
    let (mut both, mut none) = (Duration::ZERO, Duration::ZERO);
    let end = world.now() + length;
    loop {
        let (before, holds) = (world.now(), world.holds());
        let more = world.step(end.as_nanos() as u64);
        let passed = world.now() - before;
        match holds {
            [true, true] => both += passed,
            [false, false] => none += passed,
            _ => {}
        }
        if !more {
            return (both, none);
        }
    }
}

/// PAIR-13: a full split makes both Active (the documented risk). When it heals the conflict ends
/// within one exchange, whatever the phase of the heartbeats and the delays; the lower term stays,
/// which is that of the Active from before; and there is never none.
#[test]
fn a_healed_split_leaves_the_one_that_was_active_before() {
    for drift in [-5_000, 0, 5_000] {
        for phase in 0..11 {
            for delays in [[0, 0], [1, 1], [4, 1], [1, 4], [9, 9], [14, 2], [2, 14]] {
                let delays = delays.map(ms);
                let mut world = split(ms(phase) + Duration::from_micros(37), delays, drift);
                let (both, none) = spans(&mut world, ms(300));
                // Up to an interval until the first heartbeat, there, back, and there again.
                let exchange = ms(10) + (delays[0] + delays[1]) * 2 + ms(1);
                assert!(both <= exchange, "{both:?} at phase {phase} with {delays:?}");
                assert_eq!(none, Duration::ZERO, "phase {phase}, {delays:?}");
                assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
                let (_, why) = world.last_take(B).unwrap();
                assert_eq!(why, Why::PeerSilent);
            }
        }
    }
}

/// PAIR-13: the loser says why it gave way, and that there was a conflict.
#[test]
fn a_conflict_is_reported_by_both() {
    let mut world = split(ms(3), [ms(1); 2], 0);
    let begin = world.now();
    world.run_for(ms(100));
    for unit in [A, B] {
        let conflict = |event: &Event| matches!(event, Event::Conflict { .. });
        assert_eq!(world.events(unit, begin).iter().filter(|event| conflict(event)).count(), 1);
    }
    let lost = |event: &Event| matches!(event, Event::RoleChanged { why: Why::LostConflict, .. });
    assert!(world.events(B, begin).iter().any(lost));
}

/// PAIR-13: the health weight comes first.
#[test]
fn of_two_actives_the_healthier_stays() {
    let mut world = World::new(|config| config);
    world.settle();
    world.cut_all(true);
    world.run_for(ms(100));
    world.input(A, Input::HealthWeight(1)).unwrap();
    world.input(B, Input::HealthWeight(2)).unwrap();
    world.run_for(ms(100));
    world.cut_all(false);
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
}

/// PAIR-13: then the Primary, if preempt is on, though its term is the higher one.
#[test]
fn of_two_equal_actives_a_preempting_primary_stays() {
    for (preempt, stays) in [(false, B), (true, A)] {
        let mut world = World::unpowered(1, move |_, config| config.preempt(preempt));
        world.start(B);
        world.run_until(ms(50), |world| world.state(B) == State::Active);
        world.start(A);
        world.settle();
        world.cut_all(true);
        world.run_for(ms(100));
        assert_eq!(world.roles(), [Some(Role::Active); 2]);
        world.cut_all(false);
        world.run_for(ms(100));
        assert_eq!(world.state(stays), State::Active, "preempt {preempt}");
        assert_eq!(world.state(1 - stays), State::Standby, "preempt {preempt}");
    }
}

/// PAIR-13: two units that were started apart have the same term: the Primary stays.
#[test]
fn of_two_actives_with_the_same_term_the_primary_stays() {
    let mut world = World::unpowered(1, |_, config| config);
    world.cut_all(true);
    world.start(A);
    world.start(B);
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Active); 2]);
    world.cut_all(false);
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
}

/// PAIR-13: weights that change while the paths heal never leave both Active, nor none for longer than
/// one exchange.
#[test]
fn weights_that_change_during_the_heal_do_not_confuse() {
    for phase in 0..10 {
        for change in 0..12 {
            let mut world = split(ms(phase), [ms(3); 2], 0);
            let (both_before, none_before) = spans(&mut world, ms(change));
            let weight = u16::try_from(change % 3).unwrap();
            world.input(A, Input::HealthWeight(weight)).unwrap();
            world.input(B, Input::HealthWeight(1)).unwrap();
            let (both, none) = spans(&mut world, ms(300));
            assert!(both_before + both <= ms(33), "{both:?}");
            assert!(none_before + none <= ms(20), "{none:?}");
            assert!(world.is_settled());
        }
    }
}

/// PAIR-13: the Active is no longer heard, but hears that the Standby took over and does not hear it:
/// it becomes Standby at once.
#[test]
fn an_active_that_is_not_heard_any_more_gives_way_at_once() {
    let mut world = World::new(|config| config);
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(100));
    world.cut_from(A, true);
    world.run_until(ms(50), |world| world.state(B) == State::Active);
    let took = world.run_until(ms(50), |world| world.state(A) == State::Standby);
    assert!(took <= ms(1), "{took:?}");
    let not_heard = |event: &Event| matches!(event, Event::RoleChanged { why: Why::NotHeard, .. });
    assert!(world.events(A, Duration::ZERO).iter().any(not_heard));
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
}

/// PAIR-13: the Active does not hear the Standby, which hears it: nothing changes, for either.
#[test]
fn an_active_that_does_not_hear_its_standby_stays() {
    let mut world = World::new(|config| config);
    world.settle();
    let begin = world.now();
    world.cut_from(B, true);
    world.run_for(Duration::from_secs(1));
    world.cut_from(B, false);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    let change = |entry: &Entry| {
        entry.at > begin && matches!(entry.what, What::Event(Event::RoleChanged { .. }))
    };
    assert!(!world.trace.iter().any(change));
}

/// PAIR-13: a split of which one direction heals first: the side that hears gives way, once the other
/// had a failure time to hear it too; and when all is healed one is Active.
#[test]
fn a_split_that_heals_in_one_direction_first_ends_with_one_active() {
    for (first, second) in [(A, B), (B, A)] {
        let mut world = split(ms(4), [ms(1); 2], 0);
        world.cut_all(true);
        world.run_for(ms(100));
        world.cut_from(first, false);
        let took = world.run_until(ms(60), |world| world.state(second) == State::Standby);
        assert!(took <= ms(30) + ms(12), "{took:?}");
        world.cut_from(second, false);
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.state(first), State::Active);
        assert_eq!(world.state(second), State::Standby);
    }
}
