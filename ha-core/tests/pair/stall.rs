//! A unit does nothing for a while: it hangs, is suspended, or its clock jumps (CRASH-4).

use crate::harness::{A, Answer, B, World, ms};
use crate::states::in_state;
use core::time::Duration;
use ha_core::pair::{Event, Goal, Heartbeat, Role, Stance, State, Why};

fn settled() -> World {
    let mut world = World::new(|config| config);
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(53));
    world
}

fn stalls(world: &World, unit: usize) -> usize {
    let events = world.events(unit, Duration::ZERO);
    events.iter().filter(|event| matches!(event, Event::Stalled { .. })).count()
}

/// BEY-3, CRASH-4: the Active stalls past the failure time, and the Standby takes over: the waking unit gives
/// the role up before it does anything else, finds the new Active, and stays Standby.
#[test]
fn a_stalled_active_whose_peer_took_becomes_standby() {
    for length in [32, 35, 50, 100, 1000] {
        for offset in 0..10 {
            let mut world = settled();
            world.run_for(ms(offset));
            world.hang(A, ms(length) + ms(10));
            world.run_for(ms(length + 10));
            assert_eq!(world.state(B), State::Active);
            assert_eq!(world.last_take(B).unwrap().1, Why::PeerSilent);
            world.run_for(ms(12));
            assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
            world.run_for(Duration::from_secs(1));
            assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
            assert_eq!(stalls(&world, A), 1);
        }
    }
}

/// CRASH-4: the same with a pause between the wake-up and the polling of what is to be done.
#[test]
fn a_stall_before_polling_is_noticed_too() {
    let mut world = settled();
    world.hang_before_polling(A, ms(100));
    world.run_for(ms(90));
    assert_eq!(world.state(B), State::Active);
    world.run_for(ms(40));
    assert_eq!(stalls(&world, A), 1);
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
}

/// CRASH-4: the Active's clock jumps, and the Standby has noticed nothing: the Active gives the role up
/// and takes it again on the first heartbeat that says the peer did not take.
#[test]
fn a_stalled_active_whose_peer_did_not_take_takes_again() {
    for jump in [31, 100, 100_000] {
        let mut world = settled();
        let begin = world.now();
        world.jump_ahead(A, ms(jump));
        world.run_until(ms(20), |world| world.count(A, "Withdraw", begin) == 1);
        let took = world.run_until(ms(30), |world| world.state(A) == State::Active);
        assert!(took <= ms(12), "{took:?}");
        assert_eq!(world.last_take(A).unwrap().1, Why::PeerDidNotTake);
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
        assert_eq!(world.oracle.longest_conflict, 0);
    }
}

/// CRASH-4: with a dead peer the Active takes again after a failure time of its own running time.
#[test]
fn a_stalled_active_without_a_peer_takes_again_after_the_failure_time() {
    let mut world = settled();
    world.crash(B);
    world.run_for(ms(100));
    world.hang(A, ms(500));
    world.run_for(ms(500));
    let took = world.run_until(ms(100), |world| world.state(A) == State::Active);
    assert_eq!(took, ms(30));
}

/// CRASH-4: a heartbeat from before the stall, found in the queue, does not say that the peer did not
/// take.
#[test]
fn what_the_peer_said_before_it_took_proves_nothing() {
    for length in 45..80 {
        let mut world = settled();
        world.hang(A, ms(length));
        world.run_for(ms(length - 1));
        assert_eq!(world.state(B), State::Active);
        let begin = world.now();
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.count(A, "AdoptState", begin), 0, "{length} ms");
        assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    }
}

/// CRASH-4: a stall shorter than the failure time changes nothing.
#[test]
fn a_short_stall_changes_nothing() {
    for offset in 0..10 {
        let mut world = settled();
        world.run_for(ms(offset));
        let begin = world.now();
        world.hang(A, ms(20));
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.count(A, "Withdraw", begin), 0);
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    }
}

/// CRASH-4: a Standby that stalls hands in what it heard meanwhile and does not find its peer silent,
/// even if all of that was lost.
#[test]
fn a_standby_that_stalls_does_not_take() {
    for lost in [false, true] {
        for length in [20, 31, 45, 500, 5000] {
            let mut world = settled();
            world.hang(B, ms(length));
            if lost {
                world.cut_from(A, true);
                world.run_for(ms(length - 1));
                world.cut_from(A, false);
            }
            world.run_for(ms(length) + Duration::from_secs(1));
            assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
            assert_eq!(world.oracle.longest_conflict, 0, "{length} ms, lost: {lost}");
        }
    }
}

/// CRASH-4: a waking Standby whose peer died meanwhile takes over one failure time later.
#[test]
fn a_standby_that_stalls_notices_that_its_peer_died() {
    let mut world = settled();
    world.hang(B, ms(500));
    world.run_for(ms(100));
    world.crash(A);
    world.run_for(ms(400));
    let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
    assert!(took <= ms(31), "{took:?}");
}

/// CRASH-4: both stall (the host of both was suspended): one of them is Active soon after, and the
/// other does not take as well.
#[test]
fn both_units_stall() {
    for late in 0..40 {
        for (first, second) in [(A, B), (B, A)] {
            let mut world = settled();
            world.hang(first, ms(500));
            world.hang(second, ms(500 + late));
            world.run_for(ms(500 + late));
            world.run_until(ms(60), World::is_settled);
            world.run_for(Duration::from_secs(1));
            assert!(world.is_settled());
            // Who sleeps for a failure time longer holds what it held until it wakes, not after.
            let asleep = ms(late.saturating_sub(30));
            let conflict = Duration::from_nanos(world.oracle.longest_conflict);
            assert!(conflict <= asleep, "{conflict:?}, {late} ms");
        }
    }
}

/// CRASH-4, S1: the peer took while this unit stalled, stalled itself, and withdraws slowly: this unit does
/// not take before that is confirmed, however many failure times it lasts.
#[test]
fn a_recovery_waits_for_the_withdrawal_of_the_peer() {
    for slow in [50, 300] {
        let mut world = settled();
        world.answer(B, "Withdraw", Answer::after(ms(slow)));
        world.hang(A, ms(60));
        world.run_until(ms(55), |world| world.state(B) == State::Active);
        world.network.drop_flying();
        world.hang(B, ms(45));
        world.run_for(ms(700));
        let conflict = Duration::from_nanos(world.oracle.longest_conflict);
        assert!(conflict <= ms(30), "{conflict:?}");
        assert!(world.is_settled());
    }
}

/// CRASH-4, S3: an Active that stalls in the middle of its take waits for the step that is under way,
/// and withdraws then.
#[test]
fn a_stall_in_the_middle_of_a_take() {
    let mut world = settled();
    world.answer(B, "TakeAddresses", Answer::after(ms(20)));
    world.crash(A);
    world.run_until(ms(50), |world| world.state(B) == State::Taking);
    world.hang(B, ms(10));
    world.run_for(ms(5));
    world.hang(B, ms(50));
    world.run_for(ms(50));
    world.run_for(ms(1));
    assert!(!world.holds()[B]);
    assert_eq!(world.state(B), State::Recovering);
    world.run_for(ms(60));
    assert_eq!(world.state(B), State::Active);
}

/// CRASH-4: a withdrawal after a stall that fails is tried again until it works, and the unit does
/// nothing as Active in between (S3 is watched all the time).
#[test]
fn a_withdrawal_after_a_stall_is_tried_until_it_works() {
    let mut world = settled();
    world.answer(A, "Withdraw", Answer::FAILS);
    let begin = world.now();
    world.hang(A, ms(100));
    world.run_for(ms(200));
    assert_eq!(world.state(A), State::Withdrawing(Goal::Recover));
    assert!(world.count(A, "Withdraw", begin) >= 3);
    assert_eq!(world.count(A, "AdoptState", begin), 0);
    world.units[A].platform.repair();
    world.run_for(ms(50));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
}

/// CRASH-4: time that runs backwards is clamped and counted; no role changes at the unit itself.
#[test]
fn time_that_runs_backwards_is_counted() {
    for unit in [A, B] {
        let mut world = settled();
        let begin = world.now();
        world.step_back(unit, ms(15));
        world.run_for(Duration::from_secs(1));
        let status = world.pair(unit).status(ha_core::time::Instant::ZERO);
        assert!(status.backward_steps > 0);
        assert_eq!(world.count(unit, "Withdraw", begin), 0);
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    }
}

/// BEY-12, STA-1: how long ago the peer was heard is told as it is, whatever this unit did meanwhile.
#[test]
fn a_stall_does_not_change_when_the_peer_was_heard() {
    let mut world = settled();
    world.crash(B);
    world.run_for(Duration::from_secs(100));
    world.hang(A, ms(100));
    world.run_for(ms(200));
    let now = world.units[A].clock.at(world.now().as_nanos() as u64);
    assert!(world.pair(A).status(now).peer.unwrap().age > Duration::from_secs(99));
    let heard = world.pair(A).decision().peer_age.unwrap();
    assert!(heard > Duration::from_secs(99), "{heard:?}");
}

/// CRASH-4, S1: a unit that recovers beside a peer that still holds the role asks itself anew each failure time:
/// when that peer dies without a word it takes.
#[test]
fn a_recovery_beside_a_peer_that_holds_the_role_goes_on() {
    let mut unit = in_state(State::Recovering);
    for _ in 0..5 {
        unit.hears_fresh(|it| Heartbeat { stance: Stance::Withdrawing, ..it });
        unit.wait(ms(10));
    }
    assert_eq!(unit.pair.state(), State::Recovering, "the recovery would have been over");
    unit.wait(ms(60));
    assert_eq!(unit.pair.state(), State::Taking);
}

/// CRASH-4, PAIR-13: who slept was not heard meanwhile. A peer that says it does not hear us had a failure time
/// to do so only when that has passed since the waking, however long it is known.
#[test]
fn a_peer_has_not_been_heard_for_long_right_after_waking() {
    let mut unit = in_state(State::Standby);
    for _ in 0..10 {
        unit.wait(ms(10));
        unit.hears_fresh(|it| it);
    }
    unit.now = unit.now + ms(100);
    unit.serve();
    unit.poll();
    unit.hears_fresh(|it| Heartbeat { stance: Stance::Standby, ..it });
    unit.answer("");
    assert_eq!(unit.pair.state(), State::Active);
    let unheard = |it| Heartbeat { paths_heard: 0, ..it };
    for _ in 0..3 {
        unit.hears_fresh(unheard);
        assert_eq!(unit.pair.state(), State::Active);
        unit.wait(ms(10));
    }
    unit.hears_fresh(unheard);
    assert_eq!(unit.pair.state(), State::Withdrawing(Goal::Yield));
}
