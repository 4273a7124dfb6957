//! Several heartbeat paths (PAIR-12).

use crate::harness::{A, B, Entry, What, World, ms};
use core::time::Duration;
use ha_core::identity::PathId;
use ha_core::pair::{Event, PathKind, Role, State};

/// PAIR-12: the loss of all paths but one is reported by both sides, and changes and delays nothing.
#[test]
fn losing_a_path_changes_no_role_and_is_reported() {
    let mut world = World::new(|config| config.paths([PathKind::Control; 3]));
    world.settle();
    world.run_for(ms(100));
    let begin = world.now();
    for path in [0, 2] {
        world.network.links[path].iter_mut().for_each(|link| link.cut = true);
    }
    world.run_for(Duration::from_secs(1));
    for unit in [A, B] {
        let lost = world.events(unit, begin);
        assert_eq!(lost, [Event::PathLost(PathId(0)), Event::PathLost(PathId(2))]);
        let paths = [0, 1, 2].map(|path| world.pair(unit).path_is_heard(PathId(path)));
        assert_eq!(paths, [false, true, false]);
    }
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);

    world.crash(A);
    let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
    assert!(took <= ms(30), "{took:?}");
}

/// PAIR-12: heartbeats go on all paths all the time, and a path that heals is reported.
#[test]
fn a_path_that_heals_is_reported() {
    let mut world = World::new(|config| config.paths([PathKind::Control; 2]));
    world.settle();
    world.network.links[1].iter_mut().for_each(|link| link.cut = true);
    world.run_for(ms(100));
    world.network.links[1].iter_mut().for_each(|link| link.cut = false);
    let begin = world.now();
    world.run_for(ms(20));
    for unit in [A, B] {
        assert_eq!(world.events(unit, begin), [Event::PathHeard(PathId(1))]);
    }
}

/// PAIR-6, PAIR-12: on one path heartbeats come two seconds late: they do not keep a dead Active alive.
/// The Standby takes over within the failure time of the fast path, and the slow path counts as lost.
#[test]
fn late_copies_on_a_slow_path_do_not_delay_a_take_over() {
    let mut world = World::new(|config| config.paths([PathKind::Control; 2]));
    world.network.set_all(|link| link.delay = ms(1));
    world.network.links[1][A].delay = ms(2000);
    world.settle();
    world.run_for(ms(5000));
    let paths = [0, 1].map(|path| world.pair(B).path_is_heard(PathId(path)));
    assert_eq!(paths, [true, false]);
    world.crash(A);
    let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
    assert!(took <= ms(31), "{took:?}");
    world.run_for(ms(3000));
    assert_eq!(world.state(B), State::Active);
}

/// PAIR-12: copies that come a little later than those of another path are good.
#[test]
fn a_path_that_is_a_little_slower_is_heard() {
    let mut world = World::new(|config| config.paths([PathKind::Control; 2]));
    world.network.set_all(|link| link.delay = ms(1));
    world.network.links[1].iter_mut().for_each(|link| link.delay = ms(20));
    world.settle();
    world.run_for(ms(100));
    let begin = world.now();
    world.run_for(ms(1000));
    for unit in [A, B] {
        assert_eq!(world.events(unit, begin), []);
        assert!(world.pair(unit).path_is_heard(PathId(1)));
    }
}

/// PAIR-12: one direction on each path is enough, also when they are different paths.
#[test]
fn each_direction_may_have_a_path_of_its_own() {
    let mut world = World::new(|config| config.paths([PathKind::Control; 2]));
    world.settle();
    world.run_for(ms(55));
    world.network.links[0][A].cut = true;
    world.network.links[1][B].cut = true;
    let begin = world.now();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    let status = |unit: usize| {
        let now = world.units[unit].clock.at(world.now().as_nanos() as u64);
        let paths = world.pair(unit).status(now).paths;
        [paths[0], paths[1]].map(|path| (path.heard, path.heard_by_peer))
    };
    assert_eq!(status(A), [(true, false), (false, true)]);
    assert_eq!(status(B), [(false, true), (true, false)]);
    let role_changes = |entry: &&Entry| {
        entry.at >= begin && matches!(entry.what, What::Event(Event::RoleChanged { .. }))
    };
    assert_eq!(world.trace.iter().filter(role_changes).count(), 0);
}
