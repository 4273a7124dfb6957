//! Hand-over between two live units: ask, release, claim (PAIR-20).

use crate::harness::{A, Answer, B, What, World, ms};
use crate::states::in_state;
use core::time::Duration;
use ha_core::pair::{
    Departure, Event, Goal, Health, Heartbeat, HeartbeatId, Input, Maintenance, Obstacles, Refusal,
    Role, Stance, State, Why,
};

fn settled() -> World {
    let mut world = World::new(|config| config);
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(53));
    world
}

fn aborted(world: &World, unit: usize) -> bool {
    let events = world.events(unit, Duration::ZERO);
    events.iter().any(|event| matches!(event, Event::HandOverAborted(_)))
}

/// PAIR-20: the Standby asks, the Active withdraws and releases, the Standby takes: in two delays and
/// the time of the withdrawal, and at no moment do both hold the role.
#[test]
fn a_hand_over_goes_by_ask_release_and_claim() {
    for slow in [0, 1, 15] {
        let mut world = settled();
        world.answer(A, "Withdraw", Answer::after(ms(slow)));
        world.input(B, Input::TakeOver).unwrap();
        let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
        assert_eq!(took, ms(2 + slow));
        world.run_for(ms(100));
        assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
        assert_eq!(world.last_take(B).unwrap().1, Why::Ordered);
        assert_eq!(world.oracle.longest_conflict, 0);

        // And back.
        world.input(A, Input::TakeOver).unwrap();
        world.run_for(ms(100));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
        assert_eq!(world.oracle.longest_conflict, 0);
    }
}

/// PAIR-20: what cannot be asked is refused, with the reason.
#[test]
fn a_question_that_makes_no_sense_is_refused() {
    let mut world = settled();
    assert_eq!(world.input(A, Input::TakeOver), Err(Refusal::NotStandby(State::Active)));
    world.cut_from(B, true);
    world.run_for(ms(100));
    let refused = world.input(B, Input::TakeOver);
    assert_eq!(refused, Err(Refusal::NoActivePeer), "the Active does not hear us");
}

/// PAIR-20: a withdrawal that fails aborts the hand-over: the Active goes on, asked again or not, and
/// the Standby's question expires.
#[test]
fn a_withdrawal_that_fails_aborts_the_hand_over() {
    let mut world = settled();
    world.answer(A, "Withdraw", Answer::FAILS);
    let begin = world.now();
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(200));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    assert_eq!(world.state(B), State::Standby);
    assert!(aborted(&world, A) && aborted(&world, B));
    assert_eq!(world.count(A, "Withdraw", begin), 1, "one question interrupts it once");

    world.units[A].platform.repair();
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(50));
    assert_eq!(world.state(B), State::Active);
}

/// PAIR-20: a withdrawal that never ends counts as failed after the time limit of an action.
#[test]
fn a_withdrawal_that_hangs_aborts_the_hand_over() {
    let mut world = settled();
    world.answer(A, "Withdraw", Answer::NEVER);
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(450));
    assert_eq!(world.state(A), State::Withdrawing(Goal::Release));
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
}

/// PAIR-20: a withdrawal that takes longer than the Standby waits: it does not take; the old Active takes back
/// when it hears that its peer asks no longer, or, if it does not hear it, after twice that time.
#[test]
fn a_late_release_is_not_taken_and_the_old_active_takes_back() {
    for (hears, within) in [(true, ms(0)..=ms(11)), (false, ms(60)..=ms(60))] {
        let mut world = settled();
        world.answer(A, "Withdraw", Answer::after(ms(40)));
        world.input(B, Input::TakeOver).unwrap();
        world.run_until(ms(100), |world| world.state(A) == State::Released);
        assert_eq!(world.state(B), State::Standby);
        world.cut_from(B, !hears);
        let took = world.run_until(ms(100), |world| world.state(A) == State::Active);
        assert!(within.contains(&took), "{took:?}");
        assert_eq!(world.last_take(A).unwrap().1, Why::NotClaimed);
        assert!(aborted(&world, A) && aborted(&world, B));
        assert_eq!(world.oracle.longest_conflict, 0);
    }
}

/// PAIR-20: the release and the claim are repeated in each heartbeat: lost ones only delay.
#[test]
fn lost_heartbeats_delay_a_hand_over_and_never_make_two_actives() {
    for seed in 0..300 {
        let mut world = World::with(seed, |_, config| config.trigger_level(5));
        world.network.set_all(|link| {
            link.delay = ms(1);
            link.jitter = ms(12);
            link.duplicates = 200;
        });
        world.settle();
        world.run_for(ms(50));
        world.network.set_all(|link| link.loss = 400);
        let asked = world.input(B, Input::TakeOver);
        world.run_for(ms(400));
        world.network.set_all(|link| link.loss = 0);
        world.run_until(ms(300), World::is_settled);
        assert!(asked.is_ok() || world.state(A) == State::Active);
    }
}

/// PAIR-20: the release is lost altogether: the Standby's question expires, the old Active takes back.
#[test]
fn a_lost_release_expires_on_both_sides() {
    let mut world = settled();
    world.input(B, Input::TakeOver).unwrap();
    world.cut_from(A, true);
    world.run_for(ms(25));
    world.cut_from(A, false);
    world.cut_from(B, true);
    // B hears the release just in time, and claims it, unheard: A may not hear that before 2 T are over.
    world.run_for(ms(20));
    assert_eq!(world.state(B), State::Active);
    world.cut_from(B, false);
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    assert_eq!(world.oracle.longest_conflict, 0);
}

/// PAIR-20: the units have different failure times: the old Active waits by the longer one.
#[test]
fn the_release_outlasts_the_question_of_a_slower_peer() {
    for slow in [A, B] {
        let mut world = World::with(1, move |unit, config| {
            if unit == slow { config.heartbeat_interval(ms(50)).trigger_level(4) } else { config }
        });
        world.network.set_all(|link| link.delay = ms(1));
        world.run_until(Duration::from_secs(2), World::is_settled);
        let active = if world.state(A) == State::Active { A } else { B };
        let standby = 1 - active;
        world.run_for(ms(300));
        world.input(standby, Input::TakeOver).unwrap();
        world.run_until(ms(5), |world| world.state(active) == State::Released);
        // The release arrives late, but while the Standby still waits.
        world.network.drop_flying();
        world.cut_from(active, true);
        let wait = world.oracle.failure_time[standby] - ms(15);
        world.run_for(wait);
        world.cut_from(active, false);
        world.run_for(Duration::from_secs(1));
        assert!(world.is_settled());
        assert_eq!(world.oracle.longest_conflict, 0);
    }
}

/// PAIR-20: the Standby has ten times the failure time of the Active, and its claim is lost for a moment:
/// the Active does not take back by its own shorter time what the Standby has claimed.
#[test]
fn a_lost_claim_of_a_slower_peer_does_not_make_two_actives() {
    for phase in 0..100 {
        let mut world = World::with(1, |unit, config| {
            if unit == B { config.heartbeat_interval(ms(100)).trigger_level(3) } else { config }
        });
        world.network.set_all(|link| link.delay = ms(1));
        world.run_until(Duration::from_secs(3), World::is_settled);
        assert_eq!(world.state(A), State::Active);
        world.run_for(ms(300 + phase));
        world.input(B, Input::TakeOver).unwrap();
        world.run_until(ms(10), |world| world.state(B) == State::Active);
        world.cut_from(B, true);
        world.network.drop_flying();
        world.run_for(ms(5));
        world.cut_from(B, false);
        world.run_for(ms(500));
        assert_eq!(world.oracle.longest_conflict, 0);
        assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    }
}

/// PAIR-20: the unit that asks crashes or restarts in the middle: the old Active takes back.
#[test]
fn the_asker_restarts_in_the_middle() {
    for (slow, restart) in [(1, false), (1, true), (8, false), (8, true)] {
        for at in 0..20 {
            let mut world = settled();
            world.answer(A, "Withdraw", Answer::after(ms(slow)));
            world.input(B, Input::TakeOver).unwrap();
            world.run_for(Duration::from_micros(at * 700));
            world.crash(B);
            if restart {
                world.run_for(ms(3));
                world.start(B);
            }
            // 2 T after the release, or T for the silence of one that had claimed it.
            world.run_until(ms(100), |world| world.state(A) == State::Active);
            world.run_for(ms(200));
            assert_eq!(world.state(A), State::Active);
            assert_eq!(world.oracle.longest_conflict, 0);
        }
    }
}

/// PAIR-20: the new start of a unit that asked and restarted, be that while its peer withdraws or after, shows
/// that nobody will claim the role: its peer takes it back when it hears that, and not only after 2T.
#[test]
fn who_hears_that_the_asker_has_restarted_takes_back_at_once() {
    for crash in [ms(3), ms(9)] {
        let mut world = settled();
        world.answer(A, "Withdraw", Answer::after(ms(8)));
        world.input(B, Input::TakeOver).unwrap();
        world.run_for(crash);
        world.crash(B);
        world.start(B);
        world.run_until(ms(40), |world| world.state(A) == State::Active);
        let (_, why) = world.last_take(A).unwrap();
        assert_eq!(why, Why::NotClaimed);
        world.run_for(ms(200));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
        assert_eq!(world.oracle.longest_conflict, 0);
    }
}

/// PAIR-20, BEY-8: a unit that goes into maintenance while it asks asks no longer: its peer takes back what it
/// had released, at once.
#[test]
fn an_asker_that_may_not_take_any_more_ends_its_question() {
    for after in [2, 5, 8] {
        let mut world = settled();
        world.answer(A, "Withdraw", Answer::after(ms(8)));
        world.input(B, Input::TakeOver).unwrap();
        world.answer(B, "Persist", Answer::after(ms(after)));
        world.input(B, Input::Maintenance(Maintenance::On { lasts: None })).unwrap();
        world.run_for(ms(25));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)], "after {after} ms");
        assert_eq!(world.oracle.longest_conflict, 0);
    }
}

/// PAIR-20: the Active crashes or restarts in the middle: the unit that asked takes over.
#[test]
fn the_active_restarts_in_the_middle() {
    for (slow, restart) in [(1, false), (1, true), (8, false), (8, true)] {
        for at in 0..20 {
            let mut world = settled();
            world.answer(A, "Withdraw", Answer::after(ms(slow)));
            world.input(B, Input::TakeOver).unwrap();
            world.run_for(Duration::from_micros(at * 700));
            world.crash(A);
            if restart {
                world.run_for(ms(3));
                world.start(A);
            }
            world.run_until(ms(40), |world| world.state(B) == State::Active);
            world.run_for(ms(200));
            assert_eq!(world.state(B), State::Active);
            assert_eq!(world.oracle.longest_conflict, 0);
        }
    }
}

/// PAIR-20: the unit that asked leaves instead of taking: the old Active takes back at once.
#[test]
fn the_asker_leaves_in_the_middle() {
    let mut world = settled();
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(Duration::from_micros(1_500));
    assert_eq!(world.state(A), State::Released);
    world.input(B, Input::Leave(Departure::Stop)).unwrap();
    let took = world.run_until(ms(100), |world| world.state(A) == State::Active);
    assert!(took <= ms(1), "{took:?}");
    assert_eq!(world.oracle.longest_conflict, 0);
}

/// PAIR-20, CRASH-4: the old Active's clock jumps, or it hangs, after its release: it does not take back
/// what the peer is about to claim.
#[test]
fn a_clock_that_jumps_after_the_release_does_not_shorten_the_wait() {
    for jump in [31, 61, 500] {
        let mut world = settled();
        world.network.links[0][A].delay = ms(15);
        world.run_for(ms(50));
        world.input(B, Input::TakeOver).unwrap();
        world.run_until(ms(5), |world| world.state(A) == State::Released);
        world.jump_ahead(A, ms(jump));
        // It cannot be asked again before the release arrives.
        world.cut_from(B, true);
        world.run_for(ms(16));
        world.cut_from(B, false);
        world.run_for(ms(200));
        assert_eq!(world.state(B), State::Active);
        assert_eq!(world.oracle.longest_conflict, 0, "jump {jump} ms");
    }
}

/// PAIR-20: the new Active cannot take: it gives the role up again, and the old one takes it.
#[test]
fn a_take_that_fails_gives_the_role_back() {
    let mut world = settled();
    world.answer(B, "TakeAddresses", Answer::FAILS);
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    assert_eq!(world.oracle.longest_conflict, 0);
    assert_eq!(world.input(B, Input::TakeOver), Err(Refusal::NotEligible(Obstacles::TAKE_FAILED)));
    world.run_for(ms(300));
    world.units[B].platform.repair();
    assert_eq!(world.input(B, Input::TakeOver), Ok(()));
}

/// PAIR-20: holds while the clocks' rates differ by one percent.
#[test]
fn clocks_of_different_rates_do_not_make_two_actives() {
    for rates in [[5_000, -5_000], [-5_000, 5_000]] {
        for late in 0..32 {
            let mut world = settled();
            world.set_rate(A, rates[A]);
            world.set_rate(B, rates[B]);
            world.run_for(ms(40));
            world.answer(A, "Withdraw", Answer::after(ms(late)));
            world.input(B, Input::TakeOver).unwrap();
            world.run_for(ms(300));
            assert!(world.is_settled());
            assert_eq!(world.oracle.longest_conflict, 0);
        }
    }
}

/// PAIR-20: no release is said before the withdrawal is confirmed.
#[test]
fn nothing_is_released_before_the_withdrawal_is_confirmed() {
    let mut world = settled();
    world.answer(A, "Withdraw", Answer::after(ms(7)));
    world.input(B, Input::TakeOver).unwrap();
    let begin = world.now();
    world.run_for(ms(50));
    let position = |wanted: &dyn Fn(&What) -> bool| {
        let found = world
            .trace
            .iter()
            .position(|entry| entry.unit == A && entry.at >= begin && wanted(&entry.what));
        found.unwrap()
    };
    let confirmed = position(&|what| matches!(what, What::Done("Withdraw", true)));
    let released = position(&|what| matches!(what, What::Sent(ha_core::pair::Stance::Released)));
    assert!(confirmed < released);
}

/// A question of a Standby peer that is fitter by its own accord.
fn wish(ask: u64) -> impl Fn(Heartbeat) -> Heartbeat {
    move |it| Heartbeat { voluntary: true, health: Health::whole(true, 9), ..order(ask)(it) }
}

/// A question of a Standby peer that was told to ask; with 0 none.
fn order(ask: u64) -> impl Fn(Heartbeat) -> Heartbeat {
    move |it| Heartbeat { stance: Stance::Standby, ask, ..it }
}

/// PAIR-20, PAIR-18: a unit whose release was not claimed, be that for silence or because its peer asks no
/// longer, neither wants nor grants a voluntary hand-over for ten failure times, and says so; an order it grants.
#[test]
fn after_an_unclaimed_release_only_orders_count_for_a_while() {
    for is_silent in [true, false] {
        let mut unit = in_state(State::Released);
        if is_silent {
            unit.wait(ms(60));
        } else {
            unit.hears_fresh(order(0));
        }
        assert_eq!(unit.pair.state(), State::Taking);
        unit.answer("");
        assert!(unit.sent.unwrap().steady);
        unit.hears_fresh(wish(8));
        assert_eq!(unit.pair.state(), State::Active, "silent: {is_silent}");
        let mut ordered = unit.clone();
        ordered.hears_fresh(order(9));
        assert_eq!(ordered.pair.state(), State::Withdrawing(Goal::Release));

        unit.wait(ms(299));
        unit.hears_fresh(wish(10));
        assert_eq!(unit.pair.state(), State::Active, "silent: {is_silent}");
        unit.wait(ms(1));
        assert!(!unit.sent.unwrap().steady);
        unit.hears_fresh(wish(11));
        assert_eq!(unit.pair.state(), State::Withdrawing(Goal::Release));
    }
}

/// PAIR-20, PAIR-18: a unit whose own wish for the role was not granted in time does not wish for it again for
/// ten failure times, and says so; an order is no wish.
#[test]
fn a_wish_that_was_not_granted_is_not_repeated_for_a_while() {
    for is_order in [false, true] {
        let mut unit = in_state(State::Standby);
        if is_order {
            unit.input(Input::TakeOver);
        } else {
            unit.input(Input::HealthWeight(9));
            unit.hears_fresh(|it| it);
        }
        assert_eq!(unit.pair.state(), State::Asking);
        let mut asked = 0;
        for at in (10..=340).step_by(10) {
            let was_asking = unit.pair.state() == State::Asking;
            unit.wait(ms(10));
            unit.hears_fresh(|it| it);
            asked += usize::from(!was_asking && unit.pair.state() == State::Asking);
            let holds_back = !is_order && (30..330).contains(&at);
            assert_eq!(unit.sent.unwrap().steady, holds_back, "order: {is_order}, after {at} ms");
            assert!(asked == 0 || !holds_back && !is_order, "after {at} ms");
        }
        assert_eq!(asked, usize::from(!is_order));
    }
}

/// PAIR-20: a second question of a peer whose first one was released already is granted as well, and its claim
/// is waited for from then on.
#[test]
fn a_second_question_has_its_own_time() {
    let mut unit = in_state(State::Released);
    unit.wait(ms(20));
    unit.hears_fresh(order(8));
    assert_eq!(unit.sent.unwrap().release, 8);
    unit.wait(ms(59));
    assert_eq!(unit.pair.state(), State::Released);
    unit.wait(ms(1));
    assert_eq!(unit.pair.state(), State::Taking);
}

/// PAIR-20, CRASH-4: what was released is taken back at once when the peer, be it another start of it, asks no
/// longer, and shows by its echo that it says so now: what does not may be long overtaken.
#[test]
fn a_question_is_given_up_by_who_hears_us() {
    let mut unit = in_state(State::Released);
    let restarted = |ask, number, it| {
        let id = HeartbeatId { start: 78, number };
        Heartbeat { id, ..order(ask)(it) }
    };
    unit.hears_fresh(|it| restarted(8, 1, it));
    assert_eq!(unit.sent.unwrap().release, 8);
    unit.hears_fresh(|it| Heartbeat { echo: None, ..restarted(0, 2, it) });
    assert_eq!(unit.pair.state(), State::Released);
    unit.hears_fresh(|it| restarted(0, 3, it));
    assert_eq!(unit.pair.state(), State::Taking);
}

/// PAIR-20: that a question is declined is told once, however often it is repeated; the next one is told anew.
#[test]
fn a_declined_question_is_told_once() {
    let mut unit = in_state(State::Active);
    let as_fit = |ask| move |it| Heartbeat { voluntary: true, ..order(ask)(it) };
    for told in [1, 2] {
        for _ in 0..5 {
            unit.hears_fresh(as_fit(6 + told));
        }
        assert_eq!(unit.pair.state(), State::Active);
        assert_eq!(unit.aborted() as u64, told);
    }
}
