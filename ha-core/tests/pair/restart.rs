//! A unit restarts faster than its peer can miss it.

use crate::harness::{A, B, World, ms};
use crate::states::in_state;
use core::time::Duration;
use ha_core::pair::{Heartbeat, HeartbeatId, Input, Role, State, Why};
use ha_core::reject::Reject;

/// PAIR-3, PAIR-6: an Active that crashes and is back within the failure time has no sessions: its
/// Standby takes over once the new start has proven itself, within two intervals and two delays.
#[test]
fn the_standby_takes_over_from_an_active_that_restarts_within_the_failure_time() {
    for off in 0..30 {
        for delay in [0, 1, 5, 9] {
            let mut world = World::new(|config| config);
            world.network.set_all(|link| link.delay = ms(delay));
            world.settle();
            world.run_for(ms(101));
            world.crash(A);
            world.run_for(ms(off));
            world.start(A);
            let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
            assert!(took <= ms(20 + 2 * delay), "{took:?}, off {off} ms, delay {delay} ms");
            let why = world.last_take(B).unwrap().1;
            assert!(matches!(why, Why::BetterUnit | Why::PeerSilent), "{why}");
            world.settle();
            world.run_for(Duration::from_secs(1));
            assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
            assert_eq!(world.oracle.longest_conflict, 0);
        }
    }
}

/// PAIR-3: a Standby that restarts is Standby again, and the Active goes on.
#[test]
fn a_standby_that_restarts_is_standby_again() {
    for off in 0..40 {
        let mut world = World::new(|config| config);
        world.network.set_all(|link| link.delay = ms(1));
        world.settle();
        world.crash(B);
        world.run_for(ms(off));
        world.start(B);
        let took = world.run_until(ms(100), |world| world.state(B) == State::Standby);
        assert!(took <= ms(11), "{took:?}");
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.state(A), State::Active);
        assert_eq!(world.oracle.longest_conflict, 0);
    }
}

/// PAIR-5: both units restart at about the same time, with copies from before under way: one becomes
/// Active, and both at most for one exchange (S1).
#[test]
fn both_units_restart_at_about_the_same_time() {
    for gap in 0..40 {
        for (first, second) in [(A, B), (B, A)] {
            let mut world = World::new(|config| config);
            world.network.set_all(|link| link.delay = ms(7));
            world.settle();
            world.crash(first);
            world.run_for(ms(2));
            world.start(first);
            world.run_for(ms(gap));
            world.crash(second);
            world.run_for(ms(3));
            world.start(second);
            world.settle();
            world.run_for(Duration::from_secs(1));
            assert!(world.is_settled());
            // Each may know the other's old start alone at first, and find it silent: then both take,
            // and one gives way within an exchange.
            let conflict = Duration::from_nanos(world.oracle.longest_conflict);
            assert!(conflict <= ms(10 + 2 * 7), "{conflict:?}, gap {gap}");
        }
    }
}

/// PAIR-13: another start of the peer, which has to prove itself, is echoed while the known one is quiet: of
/// several the one that was heard last, with the newest that it said; a late copy changes nothing of that.
#[test]
fn the_start_that_was_heard_last_is_the_one_that_may_prove_itself() {
    let mut unit = in_state(State::Standby);
    let mut echoed = None;
    for (start, number, after) in
        [(78, 1, (78, 1)), (78, 3, (78, 3)), (78, 2, (78, 3)), (79, 1, (79, 1)), (79, 2, (79, 2))]
    {
        let id = HeartbeatId { start, number };
        let refused = unit.hears(&Heartbeat { id, echo: None, ..unit.fresh() });
        assert_eq!(refused, Err(Reject::UnprovenStart));
        if echoed.is_none() {
            // The known start has missed a heartbeat.
            unit.wait(ms(20));
        }
        // Any news makes it say something.
        unit.input(Input::HealthWeight(number as u16 + 10 * start as u16));
        echoed = unit.sent.unwrap().echo;
        let (start, number) = after;
        assert_eq!(echoed, Some(HeartbeatId { start, number }));
    }
}
