//! How a unit starts: it looks for an Active peer (PAIR-3), for long enough (PAIR-4), and of two that
//! look at once one is chosen (PAIR-5).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::pair::{Input, Role, State, Why};

/// PAIR-3: without a peer it becomes Active, after the failure time and not before (PAIR-4).
#[test]
fn a_unit_alone_becomes_active_after_the_failure_time() {
    let mut world = World::unpowered(1, |_, config| config);
    world.start(B);
    let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
    assert_eq!(took, ms(30));
    assert_eq!(world.last_take(B), Some((ms(30), Why::NoActivePeer)));
}

/// PAIR-4: a longer election delay counts.
#[test]
fn an_election_delay_beyond_the_failure_time_is_waited_for() {
    let mut world = World::unpowered(1, |_, config| config.election_delay(Duration::from_secs(7)));
    world.start(A);
    let took = world.run_until(Duration::from_secs(10), |world| world.state(A) == State::Active);
    assert_eq!(took, Duration::from_secs(7));
}

/// PAIR-4, CRASH-4: a stall does not shorten the election delay.
#[test]
fn a_stall_does_not_end_the_election_early() {
    let mut world = World::unpowered(1, |_, config| config.election_delay(Duration::from_secs(7)));
    world.start(A);
    world.run_for(Duration::from_secs(1));
    world.hang(A, ms(100));
    let took = world.run_until(Duration::from_secs(10), |world| world.state(A) == State::Active);
    assert_eq!(took, Duration::from_secs(6));
}

/// PAIR-3: a unit that finds an Active peer becomes Standby at its first heartbeat.
#[test]
fn a_unit_that_finds_an_active_peer_becomes_standby() {
    for (first, second) in [(A, B), (B, A)] {
        let mut world = World::unpowered(1, |_, config| config);
        world.network.set_all(|link| link.delay = ms(1));
        world.start(first);
        world.run_until(ms(100), |world| world.state(first) == State::Active);
        world.start(second);
        let took = world.run_until(ms(100), |world| world.state(second) == State::Standby);
        assert!(took <= ms(11), "{took:?}");
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.state(first), State::Active);
    }
}

/// PAIR-5: started together, the Primary becomes Active, whatever the difference of their starts.
#[test]
fn of_two_units_that_start_together_the_primary_becomes_active() {
    for lead in 0..30 {
        for (first, second) in [(A, B), (B, A)] {
            let mut world = World::unpowered(1, |_, config| config);
            world.network.set_all(|link| link.delay = ms(2));
            world.start(first);
            world.run_for(ms(lead));
            world.start(second);
            world.settle();
            world.run_for(Duration::from_secs(1));
            assert_eq!(world.oracle.longest_conflict, 0, "lead {lead} ms");
            // Who starts much earlier finds nobody.
            if lead < 10 {
                assert_eq!(world.state(A), State::Active, "lead {lead} ms of unit {first}");
            }
        }
    }
}

/// PAIR-5: of two in election the better-connected one becomes Active, before the Primary.
#[test]
fn of_two_units_that_start_together_the_better_connected_becomes_active() {
    let mut world = World::new(|config| config);
    world.input(A, Input::HealthWeight(3)).unwrap();
    world.input(B, Input::HealthWeight(4)).unwrap();
    world.settle();
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    assert_eq!(world.last_take(B).unwrap().1, Why::BetterUnit);
    assert_eq!(world.oracle.longest_conflict, 0);
}
