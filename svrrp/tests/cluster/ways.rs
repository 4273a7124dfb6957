//! What is reported of the ways to the other units before they are needed.

use crate::{UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use ha_core::identity::PathId;
use sim::cluster::harness::World;
use sim::cluster::{Setup, What, X0};
use svrrp::cluster::{Event, Input, Refusal, X0_TRIAL};
use svrrp::wire::X0_PATH;
use svrrp::{GroupNumber, NodeNumber};

fn with_x0() -> World {
    World::settled(Setup { x0: true, cluster_links: 2, interfaces: 2, ..setup(3, 1) })
}

/// What a unit reported of X0: of which node, and whether it is heard.
fn reports(world: &World, unit: usize, since: core::time::Duration) -> Vec<(NodeNumber, bool)> {
    let of = |event| match event {
        Event::X0 { member, heard } => Some((member.node, heard)),
        _ => None,
    };
    world.events(unit, since).into_iter().filter_map(of).collect()
}

fn is_silent_on_x0(world: &World, unit: usize) -> bool {
    let status = world.units.get(unit).unwrap().cluster().unwrap().status();
    status.units.iter().any(|it| it.silent_on_x0)
}

/// NODE-7: an X0 that works is tried once a minute, by one advertisement to each unit, and nothing is reported.
#[test]
fn x0_is_tried_once_a_minute() {
    let mut world = with_x0();
    let begin = world.now();
    world.run_for(X0_TRIAL * 5);
    let is_x0 = |what: &What| matches!(what, What::Sent { path, .. } if *path == X0_PATH.0);
    let sent = world.since(begin).filter(|entry| is_x0(&entry.what)).count();
    assert_eq!(sent, 5 * 3 * 2);
    for unit in [UNIT_1, UNIT_2] {
        assert_eq!(reports(&world, unit, begin), []);
        let path = |event| matches!(event, Event::Path { .. });
        assert!(!world.events(unit, begin).into_iter().any(path));
    }
}

/// NODE-7: X0 does not carry from one unit to another: who hears nothing reports it, once, and that it is mended.
#[test]
fn an_x0_that_does_not_hear_every_unit_is_reported() {
    let mut world = with_x0();
    let begin = world.now();
    world.cut(Some(0), Some(1), Some(X0), true);
    world.run_for(X0_TRIAL * 2);
    assert_eq!(reports(&world, UNIT_2, begin), []);
    world.run_for(X0_TRIAL * 2);
    assert_eq!(reports(&world, UNIT_2, begin), [(NodeNumber::One, false)]);
    assert!(is_silent_on_x0(&world, UNIT_2));
    assert_eq!(reports(&world, UNIT_1, begin), []);
    assert_eq!(world.takes(VG_1, begin), []);
    world.heal();
    let healed = world.now();
    world.run_for(X0_TRIAL * 2);
    assert_eq!(reports(&world, UNIT_2, healed), [(NodeNumber::One, true)]);
    assert!(!is_silent_on_x0(&world, UNIT_2));
}

/// NODE-7: a unit that is lost is not reported once more for X0.
#[test]
fn a_unit_that_is_lost_is_not_missed_on_x0() {
    let mut world = with_x0();
    let begin = world.now();
    world.crash(UNIT_2);
    world.run_for(X0_TRIAL * 6);
    assert_eq!(reports(&world, UNIT_1, begin), []);
    world.start(UNIT_2);
    world.run_for(X0_TRIAL * 4);
    assert_eq!(reports(&world, UNIT_1, begin), []);
}

/// NODE-7, SVRRP-2: a trial does not hide that the links fail: X0 stands in as ever.
#[test]
fn a_trial_hides_no_failure() {
    let mut world = with_x0();
    let is_x0 = |what: &What| matches!(what, What::Sent { path, .. } if *path == X0_PATH.0);
    let before = world.now();
    world.run_until(X0_TRIAL * 2, |world| world.since(before).any(|it| is_x0(&it.what)));
    world.run_for(ms(5));
    let begin = world.now();
    world.cut(None, None, Some(0), true);
    world.cut(None, None, Some(1), true);
    world.run_for(secs(3));
    assert_eq!(world.takes(VG_1, begin), []);
    let lost = |event| matches!(event, Event::UnitLost(_));
    assert!(!world.events(UNIT_1, begin).into_iter().any(lost));
}

/// NODE-7, SVRRP-5: a trial is a sign of life: where nothing else comes any more, it keeps its sender from being lost until
/// that knows that it is to send over X0.
#[test]
fn a_trial_is_a_sign_of_life() {
    let mut world = with_x0();
    let before = world.now();
    let is_x0 = |what: &What| matches!(what, What::Sent { path, .. } if *path == X0_PATH.0);
    world.run_until(X0_TRIAL * 2, |world| world.since(before).any(|it| is_x0(&it.what)));
    world.run_for(X0_TRIAL - ms(300));
    let begin = world.now();
    // What node 1 says gets to others over X0 alone; and they tell it that over the links alone.
    for slot in [0, 1] {
        world.cut(Some(0), None, Some(slot), true);
    }
    world.cut(None, Some(0), Some(X0), true);
    world.run_for(secs(3));
    assert_eq!(world.takes(VG_1, begin), []);
}

/// NODE-7: a cluster link below 1 Gbit/s is reported, once, and that it is fast enough again.
#[test]
fn a_slow_cluster_link_is_reported() {
    let mut world = with_x0();
    let begin = world.now();
    let tell = |world: &mut World, path, speed| {
        world.input(UNIT_1, Input::LinkSpeed { path: PathId(path), speed })
    };
    let slow = |world: &World| {
        let of = |event| match event {
            Event::LinkSpeed { path, speed } => Some((path.0, speed)),
            _ => None,
        };
        world.events(UNIT_1, begin).into_iter().filter_map(of).collect::<Vec<_>>()
    };
    for speed in [u32::MAX, 1000, 999, 100, 0, 1000, 10_000] {
        tell(&mut world, 1, speed).unwrap();
        world.run_for(ms(1));
    }
    assert_eq!(slow(&world), [(1, 999), (1, 1000)]);
    tell(&mut world, 0, 999).unwrap();
    world.run_for(ms(1));
    let links = world.units.get(UNIT_1).unwrap().cluster().unwrap().status().slow_links;
    assert_eq!([0, 1].map(|path| links.contains(PathId(path))), [true, false]);
    for path in [2, X0_PATH.0, 16, u8::MAX] {
        let refusal = tell(&mut world, path, 100).unwrap_err();
        assert_eq!(refusal, Refusal::NoClusterLink(PathId(path)));
    }
    assert_eq!(world.owner(GroupNumber::One), Some(NodeNumber::One));
}
