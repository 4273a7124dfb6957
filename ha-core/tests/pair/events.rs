//! Every change is an event with its cause, in words for a log, and as urgent as it is (STA-2, COS-6).

use crate::harness::{A, B, World, config_of, ms, product};
use core::time::Duration;
use ha_core::pair::{
    Demotion, Departure, Event, Input, Mode, Obstacles, PathKind, Product, Role, Severity, Stance,
    Why,
};

/// STA-2, PAIR-15: a change of the role that only a person sees is told with its cause too: SYNC while the
/// state is not complete.
#[test]
fn sync_comes_and_goes_with_an_event() {
    let mut world = World::new(|config| config.mode(Mode::ActiveStandby { stateful: true }));
    world.settle();
    world.run_for(ms(100));
    for complete in [true, false] {
        world.input(B, Input::Synchronized(complete)).unwrap();
        world.run_for(ms(20));
    }
    world.crash(A);
    world.run_for(ms(100));
    let shown: Vec<_> = world
        .events(B, Duration::ZERO)
        .into_iter()
        .filter_map(|event| match event {
            Event::RoleChanged { from, to, why, .. } | Event::RoleShown { from, to, why } => {
                Some((from, to, why))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (Role::Election, Role::Standby, Why::PeerIsActive),
        (Role::Standby, Role::Sync, Why::StateIncomplete),
        (Role::Sync, Role::Standby, Why::StateComplete),
        (Role::Standby, Role::Sync, Why::StateIncomplete),
    ];
    assert_eq!(shown[..4], expected);
    assert_eq!(shown.last().unwrap().1, Role::Active);
    assert_eq!(world.pair(B).role(), Role::Active);
}

/// STA-2, PAIR-14: and so is ERROR beside a peer that does not match; an upgrade that ends it is an event.
#[test]
fn error_comes_and_goes_with_an_event() {
    let mut world: World = World::of(1, |unit, seed| {
        let firmware = if unit == B { "8" } else { "7" };
        config_of(unit, seed, Product { firmware: firmware.parse().unwrap(), ..product() })
            .build()
            .unwrap()
    });
    world.start(A);
    world.start(B);
    world.run_for(ms(200));
    world.input(B, Input::Upgrade(true)).unwrap();
    world.run_for(ms(50));
    let events = world.events(B, Duration::ZERO);
    let index = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted).unwrap();
    let mismatch = index(&|it| matches!(it, Event::PeerMismatch(_)));
    let error =
        index(&|it| matches!(it, Event::RoleShown { to: Role::Error, why: Why::Mismatch, .. }));
    let upgrade = index(&|it| *it == Event::Upgrade(true));
    let over = index(&|it| {
        matches!(it, Event::RoleShown { from: Role::Error, why: Why::MismatchOver, .. })
    });
    assert!(mismatch < error && error < upgrade && upgrade < over, "{events:?}");
}

/// STA-2: another role of the peer is told with what it says of its fitness, in words too.
#[test]
fn the_peers_role_is_told_with_its_fitness() {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(100));
    let since = world.now();
    let demotion = Demotion { owner: "test".parse().unwrap(), reason: "fan".parse().unwrap() };
    world.input(A, Input::Demote { demotion, lasts: None }).unwrap();
    world.run_for(ms(100));
    let told: Vec<_> = world
        .events(B, since)
        .iter()
        .filter(|event| matches!(event, Event::PeerStance { .. }))
        .map(ToString::to_string)
        .collect();
    let expected = [
        "peer is giving the role up; health 10000 (demoted)",
        "peer has released the role; health 10000 (demoted)",
        "peer is Standby; health 10000 (demoted)",
    ];
    assert_eq!(told, expected);

    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(100));
    let since = world.now();
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(ms(100));
    let left = |event: &Event| match event {
        Event::PeerStance { from: Stance::Withdrawing, to: Stance::Left, obstacles, .. } => {
            assert_eq!(*obstacles, Obstacles::LEAVING);
            event.to_string() == "peer leaves; health 10000; held back: leaving"
        }
        _ => false,
    };
    assert!(world.events(B, since).iter().any(left), "{:?}", world.events(B, since));
}

/// STA-2: a path that is lost and heard again, a lost peer and a role that changes are told in words.
#[test]
fn events_are_told_in_words_and_by_urgency() {
    let mut world = World::new(|config| config.paths([PathKind::Control, PathKind::Lan]));
    world.settle();
    world.run_for(ms(100));
    let since = world.now();
    world.cut_path(1, true);
    world.run_for(ms(100));
    world.cut_path(1, false);
    world.run_for(ms(100));
    world.crash(A);
    world.run_for(ms(100));
    let told: Vec<_> =
        world.events(B, since).iter().map(|event| (event.severity(), event.to_string())).collect();
    let expected = [
        (Severity::Warning, "path 1 lost: the peer is silent there"),
        (Severity::Info, "path 1 heard"),
        (Severity::Warning, "path 0 lost: the peer is silent there"),
        (Severity::Warning, "path 1 lost: the peer is silent there"),
        (Severity::Warning, "peer lost: silent for 30ms on every path"),
        (
            Severity::Info,
            "role changed from STANDBY to ACTIVE: the peer is silent on every path; term 2",
        ),
    ];
    assert_eq!(told, expected.map(|(severity, text)| (severity, text.to_string())));
}
