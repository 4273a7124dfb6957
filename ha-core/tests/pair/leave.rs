//! A planned leave of the Active unit (PAIR-10).

use crate::harness::{A, Answer, B, World, ms};
use crate::states::in_state;
use core::time::Duration;
use ha_core::pair::{
    Departure, Event, Goal, Input, Obstacles, PathKind, Refusal, Role, State, Why,
};

fn may_stop(world: &World, unit: usize) -> Option<bool> {
    world.events(unit, Duration::ZERO).into_iter().find_map(|event| match event {
        Event::MayStop { peer_took } => Some(peer_took),
        _ => None,
    })
}

/// PAIR-10: the peer takes over at once, without waiting for missed heartbeats, and never do both hold
/// the role.
#[test]
fn the_peer_takes_over_at_once_when_the_active_leaves() {
    let mut world = World::new(|config| config);
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(37));
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    let took = world.run_until(ms(50), |world| world.state(B) == State::Active);
    assert_eq!(took, ms(1));
    assert_eq!(world.last_take(B).unwrap().1, Why::PeerLeft);
    world.run_for(ms(2));
    assert_eq!(may_stop(&world, A), Some(true));
    assert_eq!(world.oracle.longest_conflict, 0);
    assert_eq!(world.roles()[A], Some(Role::None));
    assert_eq!(world.input(A, Input::Leave(Departure::Stop)), Err(Refusal::HasLeft));
}

/// PAIR-10: a leave whose first heartbeats are lost is told again in each later one.
#[test]
fn a_lost_announcement_of_a_leave_is_repeated() {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(31));
    world.cut_from(A, true);
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(ms(12));
    assert_eq!(world.state(B), State::Standby);
    world.cut_from(A, false);
    let took = world.run_until(ms(50), |world| world.state(B) == State::Active);
    assert!(took <= ms(10), "{took:?}");
    assert_eq!(world.last_take(B).unwrap().1, Why::PeerLeft);
}

/// PAIR-10: a leave over a lossy network: one unit is Active within the failure time and an interval,
/// and never are both.
#[test]
fn a_leave_over_a_lossy_network_leaves_one_active() {
    for seed in 0..200 {
        let mut world = World::with(seed, |_, config| config.paths([PathKind::Control; 2]));
        world.network.set_all(|link| link.delay = ms(1));
        world.settle();
        world.network.set_all(|link| link.loss = 600);
        world.run_for(ms(seed % 10));
        if !world.is_settled() || world.state(A) != State::Active {
            continue; // the losses were too much already
        }
        world.input(A, Input::Leave(Departure::Stop)).unwrap();
        world.run_until(ms(45), |world| world.state(B) == State::Active);
        assert_eq!(world.oracle.longest_conflict, 0);
        // Whether it was heard or not: it may stop, at the latest after the failure time.
        world.run_until(ms(31), |world| may_stop(world, A).is_some());
    }
}

/// PAIR-10, PAIR-16: the withdrawal is confirmed first, and only then is the peer told.
#[test]
fn the_peer_is_told_only_after_the_withdrawal() {
    let mut world = World::new(|config| config);
    world.settle();
    world.answer(A, "Withdraw", Answer::after(ms(60)));
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(ms(59));
    assert_eq!(world.state(B), State::Standby);
    world.run_for(ms(1));
    assert_eq!(world.state(B), State::Active);
    assert_eq!(world.oracle.longest_conflict, 0);
}

/// PAIR-10: a Standby may leave at once when nobody waits for it; the Active stays.
#[test]
fn the_leave_of_a_standby_changes_nothing_for_the_active() {
    let mut world = World::new(|config| config);
    world.settle();
    world.input(B, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(ms(31));
    assert!(may_stop(&world, B).is_some());
    world.crash(B);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.state(A), State::Active);
}

/// PAIR-10: a unit that has no peer may stop as soon as it has withdrawn.
#[test]
fn a_leave_without_a_peer_does_not_wait() {
    let mut world = World::unpowered(1, |_, config| config);
    world.start(A);
    world.run_until(ms(50), |world| world.state(A) == State::Active);
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    assert!(world.holds()[A] || may_stop(&world, A).is_some());
    world.run_for(ms(1));
    assert_eq!(may_stop(&world, A), Some(false));
    assert!(!world.holds()[A]);
}

/// PAIR-10, CRASH-4: a unit that stalls while it leaves, and cannot withdraw, does not take the role
/// back: the peer has it.
#[test]
fn a_leave_that_stalls_and_fails_does_not_end_in_a_take() {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(53));
    world.answer(A, "Withdraw", Answer { after: ms(5), ..Answer::FAILS });
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.hang(A, ms(100));
    let begin = world.now();
    world.run_for(ms(150));
    assert_eq!(world.state(B), State::Active);
    assert_eq!(world.count(A, "AdoptState", begin), 0);
    world.units[A].platform.repair();
    world.run_until(ms(50), |world| world.state(A) == State::Left);
}

/// PAIR-10: the withdrawal of a leave fails before the peer was told anything: the unit says so and stays
/// Active. It may not stop, and may be asked again.
#[test]
fn a_leave_whose_withdrawal_fails_is_called_off() {
    let mut world = World::new(|config| config);
    world.settle();
    world.answer(A, "Withdraw", Answer::FAILS);
    let begin = world.now();
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    assert_eq!(may_stop(&world, A), None);
    let events = world.events(A, begin);
    assert!(events.iter().any(|event| matches!(event, Event::HandOverAborted(_))), "{events:?}");

    world.units[A].platform.repair();
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.run_until(ms(50), |world| {
        world.state(A) == State::Left && world.state(B) == State::Active
    });
}

/// PAIR-10, PAIR-13: the same for a unit that leaves while it gives way to its peer.
#[test]
fn a_leave_while_giving_way_does_not_end_in_a_take() {
    let mut world = World::new(|config| config);
    world.settle();
    world.answer(B, "Withdraw", Answer { after: ms(5), ..Answer::FAILS });
    world.cut_all(true);
    world.run_until(ms(50), |world| world.state(B) == State::Active);
    world.cut_all(false);
    world.run_until(ms(50), |world| matches!(world.state(B), State::Withdrawing(_)));
    let begin = world.now();
    world.input(B, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(ms(100));
    assert_eq!(world.count(B, "AdoptState", begin), 0);
    assert_eq!(world.state(A), State::Active);
}

/// PAIR-10, BEY-12: a unit whose take failed, and which leaves, is barred by its leave alone: nothing is waited
/// for any more, and nothing else is told.
#[test]
fn a_unit_that_leaves_after_a_failed_take_is_barred_by_its_leave_alone() {
    let mut unit = in_state(State::Withdrawing(Goal::Retreat));
    unit.answer("");
    assert_eq!(unit.sent.unwrap().obstacles, Obstacles::TAKE_FAILED);
    unit.input(Input::Leave(Departure::Stop));
    assert_eq!(unit.pair.state(), State::Left);
    assert_eq!(unit.pair.obstacles(), Obstacles::LEAVING);
    assert_eq!(unit.sent.unwrap().obstacles, Obstacles::LEAVING);
}
