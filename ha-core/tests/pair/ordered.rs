//! An administrator moves the role (PAIR-11).

use crate::harness::{A, Answer, B, World, ms};
use core::time::Duration;
use ha_core::pair::{
    Demotion, Event, Input, Maintenance, MonitoredLinks, Obstacles, Refusal, Role, State, Why,
};

fn settled() -> World {
    let mut world = World::new(|config| config.trigger_level(5));
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(53));
    world
}

/// PAIR-11, PAIR-20: told to the Active, the Standby is invited, asks, and takes: at no moment do both hold
/// the role.
#[test]
fn an_active_has_its_peer_take_over() {
    let mut world = settled();
    world.input(A, Input::FailOver).unwrap();
    let took = world.run_until(ms(50), |world| world.state(B) == State::Active);
    assert_eq!(took, ms(3));
    assert_eq!(world.last_take(B).unwrap().1, Why::Ordered);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    assert_eq!(world.oracle.longest_conflict, 0);
}

/// PAIR-11: it is refused, with the reason, where the peer cannot take over, and then nothing changes.
#[test]
fn a_forced_failover_is_refused_with_the_reason() {
    let mut world = settled();
    assert_eq!(world.input(B, Input::FailOver), Err(Refusal::NotActive(State::Standby)));

    world.input(B, Input::Maintenance(Maintenance::On { lasts: None })).unwrap();
    world.run_for(ms(20));
    let in_maintenance = Err(Refusal::PeerNotEligible(Obstacles::MAINTENANCE));
    assert_eq!(world.input(A, Input::FailOver), in_maintenance);
    let maintenance = Err(Refusal::NotEligible(Obstacles::MAINTENANCE));
    assert_eq!(world.input(B, Input::TakeOver), maintenance);
    world.input(B, Input::Maintenance(Maintenance::Off)).unwrap();
    world.run_for(ms(20));

    world.cut_from(A, true);
    world.network.set_all(|link| link.cut = true);
    world.run_for(ms(100));
    assert_eq!(world.input(A, Input::FailOver), Err(Refusal::NoStandbyPeer));
    assert_eq!(world.state(A), State::Active);
}

/// PAIR-11: a Standby that cannot hear the Active's invitation, or whose question is lost: the order
/// expires and is told.
#[test]
fn an_order_that_is_not_followed_expires() {
    let mut world = settled();
    world.input(A, Input::FailOver).unwrap();
    world.network.drop_flying();
    world.cut_from(A, true);
    world.run_for(ms(40));
    world.cut_from(A, false);
    world.cut_from(B, true);
    world.run_for(ms(100));
    let aborted = |event: &Event| matches!(event, Event::HandOverAborted(_));
    assert!(world.events(A, Duration::ZERO).iter().any(aborted));
}

/// PAIR-11: the administrator's word stands: the unit that was fitter, or preempts, does not take the role
/// back of its own accord until something has changed.
#[test]
fn an_order_is_not_undone_by_health() {
    for order in [(A, Input::FailOver), (B, Input::TakeOver)] {
        let mut world = World::new(|config| config.preempt(true));
        world.network.set_all(|link| link.delay = ms(1));
        world.input(A, Input::HealthWeight(2)).unwrap();
        world.input(B, Input::HealthWeight(1)).unwrap();
        world.settle();
        world.run_for(ms(53));
        world.input(order.0, order.1).unwrap();
        world.run_for(Duration::from_secs(5));
        assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
        // Something has changed.
        world.input(A, Input::HealthWeight(3)).unwrap();
        world.run_for(ms(100));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    }
}

/// PAIR-11, PAIR-18: an order is never held back by the flap limit.
#[test]
fn an_order_is_not_held_back_by_the_flap_limit() {
    let mut world = settled();
    for round in 0..12 {
        let (active, standby) = if round % 2 == 0 { (A, B) } else { (B, A) };
        world.input(active, Input::FailOver).unwrap();
        world.run_until(ms(50), |world| world.state(standby) == State::Active);
        world.run_for(ms(60));
    }
}

/// PAIR-11: a withdrawal that fails is not tried again and again: the Active goes on.
#[test]
fn a_withdrawal_that_fails_ends_the_order() {
    let mut world = settled();
    world.answer(A, "Withdraw", Answer::FAILS);
    let begin = world.now();
    world.input(A, Input::FailOver).unwrap();
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    assert_eq!(world.count(A, "Withdraw", begin), 1);
}

/// PAIR-11, PAIR-20: what a unit asked for of its own accord becomes an order when an administrator wants
/// it, too.
#[test]
fn a_wish_becomes_an_order() {
    let mut world = settled();
    world.input(A, Input::HealthWeight(1)).unwrap();
    world.input(B, Input::HealthWeight(2)).unwrap();
    world.run_until(ms(30), |world| world.state(B) == State::Asking);
    world.input(A, Input::HealthWeight(2)).unwrap();
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(30));
    assert_eq!(world.state(B), State::Active);
    assert_eq!(world.last_take(B).unwrap().1, Why::Ordered);
}

/// BEY-3, BEY-7: inputs that make no sense are refused by name, and change nothing.
#[test]
fn inputs_that_make_no_sense_are_refused() {
    let mut world = settled();
    let links = MonitoredLinks { configured: 1, up: 2 };
    let refused = Refusal::MonitoredLinks { configured: 1, up: 2 };
    assert_eq!(world.input(A, Input::MonitoredLinks(links)), Err(refused));
    let demotion = Demotion { owner: "who".parse().unwrap(), reason: "why".parse().unwrap() };
    assert_eq!(world.input(A, Input::Lift(demotion)), Err(Refusal::NotDemoted(demotion)));
    for number in 0..ha_core::pair::MAX_DEMOTIONS {
        let reason = format!("reason-{number}").parse().unwrap();
        let demotion = Demotion { reason, ..demotion };
        world.input(B, Input::Demote { demotion, lasts: None }).unwrap();
    }
    let refused = world.input(B, Input::Demote { demotion, lasts: None });
    assert_eq!(refused, Err(Refusal::TooManyDemotions));
}

/// PAIR-11, MON-2, BEY-7: an order holds the role where it is only as long as the facts are those of the order: the
/// first thing that happens to the new Active moves it, be both as fit as each other at the order or not.
#[test]
fn after_an_order_the_first_fault_of_the_new_active_counts() {
    let unwell = |demotes: bool| match demotes {
        true => Input::Demote { demotion: Demotion::take_failed(), lasts: None },
        false => Input::HealthWeight(3),
    };
    for (order, told) in [(Input::FailOver, A), (Input::TakeOver, B)] {
        for demotes in [false, true] {
            let mut world = settled();
            for unit in [A, B] {
                world.input(unit, Input::HealthWeight(5)).unwrap();
            }
            world.run_for(ms(100));
            world.input(told, order).unwrap();
            world.run_for(Duration::from_secs(2));
            assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
            world.input(B, unwell(demotes)).unwrap();
            world.run_for(ms(100));
            assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)], "{order:?}");
        }
    }
}

/// PAIR-11, STA-2: whoever gives the role up on an order tells who was told: this unit, or its peer.
#[test]
fn who_was_told_is_told() {
    for (unit, order, expected) in
        [(A, Input::FailOver, Why::Ordered), (B, Input::TakeOver, Why::PeerAsked)]
    {
        let mut world = settled();
        world.input(unit, order).unwrap();
        world.run_for(ms(50));
        let given = world.events(A, Duration::ZERO).into_iter().find_map(|event| match event {
            Event::RoleChanged { from: Role::Active, why, .. } => Some(why),
            _ => None,
        });
        assert_eq!(given, Some(expected));
    }
}

fn preempting() -> World {
    let mut world = World::new(|config| config.preempt(true).flap_limit(100, ms(1000)));
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(53));
    world
}

/// PAIR-11, PAIR-7: an order holds the role where it is as long as the units know of each other: a Primary that
/// was cut off altogether, and comes back, preempts again.
#[test]
fn an_order_does_not_outlast_the_loss_of_the_peer() {
    let mut world = preempting();
    let links = |up| Input::MonitoredLinks(MonitoredLinks { configured: 1, up });
    world.input(A, Input::FailOver).unwrap();
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    // It does not take meanwhile, which would end the order as well.
    world.input(A, links(0)).unwrap();
    world.cut_all(true);
    world.run_for(ms(100));
    assert_eq!(world.holds(), [false, true]);
    world.cut_all(false);
    world.run_for(ms(200));
    assert_eq!(world.last_take(A).unwrap().1, Why::Preempt);
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
}

/// PAIR-11, PAIR-7: an order that came to nothing means nothing later: a Primary that took the role back, and
/// loses it by a stall, preempts.
#[test]
fn an_order_that_came_to_nothing_holds_nobody_back() {
    let mut world = preempting();
    world.answer(A, "Withdraw", Answer::after(ms(40)));
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(100));
    assert_eq!(world.last_take(A).unwrap().1, Why::NotClaimed);
    world.repair(A);
    world.run_for(ms(500));
    world.hang(A, ms(100));
    world.run_for(ms(100));
    assert_eq!(world.state(B), State::Active);
    world.run_for(ms(200));
    assert_eq!(world.last_take(A).unwrap().1, Why::Preempt);
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
}
