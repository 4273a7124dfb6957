//! A unit that is cut off from its peer and from all its networks neither takes nor keeps the role (BEY-3).

use crate::harness::{A, Answer, B, World, ms};
use core::time::Duration;
use ha_core::pair::{
    Departure, Event, Goal, Input, IsolationEnd, MonitoredLinks, Obstacles, Role, State, Why,
};
use ha_core::time::Instant;

fn links(up: u16) -> Input {
    Input::MonitoredLinks(MonitoredLinks { configured: 2, up })
}

fn settled() -> World {
    let mut world = World::new(|config| config);
    for unit in [A, B] {
        world.input(unit, links(2)).unwrap();
    }
    world.settle();
    world.run_for(ms(53));
    world
}

/// BEY-3: an Active whose cables are all pulled gives the role up, in whatever order they are; its peer,
/// which took over, keeps it.
#[test]
fn an_active_that_is_cut_off_gives_the_role_up() {
    for links_first in [true, false] {
        let mut world = settled();
        if links_first {
            world.input(A, links(0)).unwrap();
            world.run_for(ms(5));
            assert_eq!(world.state(A), State::Active, "its peer is heard");
        }
        world.cut_all(true);
        world.run_for(ms(40));
        if !links_first {
            world.input(A, links(0)).unwrap();
        }
        world.run_for(ms(20));
        assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
        assert!(world.events(A, Duration::ZERO).contains(&Event::Isolated));
        assert_eq!(world.pair(A).obstacles(), Obstacles::ISOLATED);
        let isolated = |it: &Event| matches!(it, Event::RoleChanged { why: Why::Isolated, .. });
        assert!(world.events(A, Duration::ZERO).iter().any(isolated));
    }
}

/// BEY-3: a Standby that is cut off does not take, and does as soon as any link is back.
#[test]
fn a_standby_that_is_cut_off_does_not_take() {
    let mut world = settled();
    world.input(B, links(0)).unwrap();
    world.cut_all(true);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    let begin = world.now();
    world.input(B, links(1)).unwrap();
    world.run_for(ms(1));
    assert_eq!(world.state(B), State::Active, "the documented risk of a full split");
    assert_eq!(world.last_take(B).unwrap().0, begin);
}

/// BEY-3: it returns when the peer is heard again, as Standby of whoever is Active by then.
#[test]
fn an_isolated_unit_returns_when_its_peer_is_heard() {
    let mut world = settled();
    world.input(A, links(0)).unwrap();
    world.cut_all(true);
    world.run_for(ms(200));
    assert!(!world.holds()[A]);
    world.cut_all(false);
    world.run_for(ms(200));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    assert!(world.pair(A).obstacles().is_empty());
}

/// STA-2, BEY-3: isolation is an event, and its end another one, which says what ended it.
#[test]
fn the_end_of_isolation_is_told_with_its_cause() {
    type End = fn(&mut World);
    let ends: [(End, IsolationEnd); 3] = [
        (|world| world.cut_all(false), IsolationEnd::PeerHeard),
        (|world| world.input(B, links(1)).unwrap(), IsolationEnd::LinkUp),
        (
            |world| world.input(B, Input::MonitoredLinks(MonitoredLinks::default())).unwrap(),
            IsolationEnd::NotMonitored,
        ),
    ];
    for (end, why) in ends {
        let mut world = settled();
        world.input(B, links(0)).unwrap();
        world.cut_all(true);
        world.run_for(ms(200));
        end(&mut world);
        world.run_for(ms(200));
        let told = |it: &Event| matches!(it, Event::Isolated | Event::IsolationOver { .. });
        let mut events = world.events(B, Duration::ZERO);
        events.retain(told);
        assert_eq!(events, [Event::Isolated, Event::IsolationOver { why }]);
    }
}

/// BEY-3: a unit that monitors no link is never isolated.
#[test]
fn without_monitored_links_nothing_is_isolated() {
    let mut world = World::new(|config| config);
    world.settle();
    world.crash(B);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.state(A), State::Active);
}

/// BEY-3: a unit that starts cut off waits; one link is enough for it to take.
#[test]
fn a_unit_that_starts_cut_off_waits_for_a_link() {
    let mut world = World::unpowered(1, |_, config| config);
    world.start(A);
    world.input(A, links(0)).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.state(A), State::Election);
    world.input(A, links(1)).unwrap();
    world.run_for(ms(1));
    assert_eq!(world.state(A), State::Active);
}

/// BEY-3: a withdrawal of a unit that is cut off is tried until it works.
#[test]
fn a_withdrawal_of_an_isolated_unit_is_tried_until_it_works() {
    let mut world = settled();
    world.crash(B);
    world.run_for(ms(50));
    world.answer(A, "Withdraw", Answer::FAILS);
    let begin = world.now();
    world.input(A, links(0)).unwrap();
    world.run_for(ms(200));
    assert_eq!(world.state(A), State::Withdrawing(Goal::Isolate));
    assert!(world.count(A, "Withdraw", begin) >= 3);
    world.units[A].platform.repair();
    world.run_for(ms(50));
    assert_eq!(world.state(A), State::Standby);
}

/// BEY-3, PAIR-20: a unit that is cut off while it hands the role over, or leaves, does not take it back when
/// that withdrawal fails.
#[test]
fn a_hand_over_of_a_unit_that_is_cut_off_is_not_taken_back() {
    for (unit, order) in [(B, Input::TakeOver), (A, Input::Leave(Departure::Stop))] {
        let mut world = settled();
        world.answer(A, "Withdraw", Answer::NEVER);
        world.input(unit, order).unwrap();
        world.run_for(ms(5));
        assert!(matches!(world.state(A), State::Withdrawing(_)));
        let begin = world.now();
        world.crash(B);
        world.input(A, links(0)).unwrap();
        world.run_for(Duration::from_secs(2));
        assert_eq!(world.count(A, "AdoptState", begin), 0, "{order:?}");
        assert!(matches!(world.state(A), State::Withdrawing(Goal::Isolate | Goal::Depart)));
        world.units[A].platform.repair();
        world.run_for(Duration::from_secs(1));
        assert!(!world.holds()[A]);
    }
}

/// BEY-3: it does not begin to take either, only to withdraw at once: no role changes, no reign is counted, and
/// the platform is not asked for anything.
#[test]
fn a_standby_that_is_cut_off_does_not_begin_to_take() {
    let mut world = settled();
    world.input(B, links(0)).unwrap();
    let begin = world.now();
    world.cut_all(true);
    world.run_for(Duration::from_secs(1));
    let changed = |event: &Event| matches!(event, Event::RoleChanged { .. });
    assert!(!world.events(B, begin).iter().any(changed));
    assert_eq!(world.pair(B).status(Instant::ZERO).term, 0);
    for action in ["AdoptState", "Withdraw", "StandDown"] {
        assert_eq!(world.count(B, action, begin), 0, "{action}");
    }
}
