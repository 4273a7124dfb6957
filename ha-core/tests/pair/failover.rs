//! The Standby takes over when the Active falls silent (PAIR-6).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::pair::{Event, Role, State, Why};

/// PAIR-6: the Standby takes over one failure time after the last heartbeat, not before.
#[test]
fn the_standby_takes_over_one_failure_time_after_the_last_heartbeat() {
    for after in 0..10 {
        let mut world = World::new(|config| config);
        world.network.set_all(|link| link.delay = ms(1));
        world.settle();
        world.run_for(ms(95 + after));
        let heard = world.pair(B).status(world.units[B].clock.at(world.now().as_nanos() as u64));
        let age = heard.paths[0].age.unwrap();
        world.crash(A);
        let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
        // A heartbeat may still be under way at the crash.
        assert!(took == ms(30) - age || took > ms(29), "{took:?} at age {age:?}");
        assert_eq!(world.last_take(B).unwrap().1, Why::PeerSilent);
    }
}

/// PAIR-6: the heartbeat carries the sender's interval and level, and the receiver judges by those.
#[test]
fn silence_is_judged_by_the_senders_interval_and_level() {
    let mut world = World::with(1, |unit, config| match unit {
        A => config.heartbeat_interval(ms(40)).trigger_level(5),
        _ => config,
    });
    world.run_until(Duration::from_secs(2), World::is_settled);
    if world.state(B) == State::Active {
        // The Secondary's failure time is shorter, so it was first; change over.
        world.crash(B);
        world.run_until(Duration::from_secs(2), |world| world.state(A) == State::Active);
        world.start(B);
        world.run_until(Duration::from_secs(2), World::is_settled);
    }
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.state(A), State::Active, "an interval of 40 ms is no silence");
    world.crash(A);
    let took = world.run_until(Duration::from_secs(1), |world| world.state(B) == State::Active);
    assert!(took > ms(160) && took <= ms(200), "{took:?}");
}

/// PAIR-6: with fewer losses than the trigger level no role changes.
#[test]
fn losing_fewer_heartbeats_than_the_level_changes_nothing() {
    let mut world = World::new(|config| config.trigger_level(4));
    world.settle();
    world.run_for(ms(55));
    let begin = world.now();
    for _ in 0..20 {
        world.cut_all(true);
        world.run_for(ms(20));
        world.cut_all(false);
        world.run_for(ms(20));
    }
    for unit in [A, B] {
        let events = world.events(unit, begin);
        assert!(!events.iter().any(|event| matches!(event, Event::RoleChanged { .. })));
    }
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
}
