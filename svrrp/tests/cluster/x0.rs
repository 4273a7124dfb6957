//! X0 stands in where all cluster links to a unit fail.

use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use core::time::Duration;
use sim::cluster::harness::World;
use sim::cluster::{Setup, What, X0};
use svrrp::cluster::Why;
use svrrp::wire::X0_PATH;

fn on_x0(world: &World, since: Duration) -> usize {
    let is_x0 = |what: &What| matches!(what, What::Sent { path, .. } if *path == X0_PATH.0);
    world.since(since).filter(|entry| is_x0(&entry.what)).count()
}

fn with_x0() -> World {
    World::settled(Setup { x0: true, cluster_links: 2, interfaces: 2, ..setup(2, 1) })
}

/// SVRRP-2: while a cluster link works, nothing goes over X0.
#[test]
fn x0_is_quiet_while_a_link_works() {
    let mut world = with_x0();
    let begin = world.now();
    world.cut(None, None, Some(0), true);
    world.run_for(secs(3));
    assert_eq!(on_x0(&world, begin), 0);
}

/// SVRRP-2: when all cluster links fail, X0 stands in before anybody counts as lost, and hand-overs go over it.
#[test]
fn x0_stands_in() {
    let mut world = with_x0();
    let begin = world.now();
    world.cut(None, None, Some(0), true);
    world.cut(None, None, Some(1), true);
    world.run_for(secs(3));
    assert!(on_x0(&world, begin) > 0);
    assert_eq!(world.takes(VG_1, begin), []);
    world.port(UNIT_1, 0, 0, false);
    world.until_owned(VG_1, NODE_2, secs(1));
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::Granted)]);
}

/// SVRRP-2: one direction of the links is enough of a failure: who is not heard answers over X0, too.
#[test]
fn x0_stands_in_for_one_direction() {
    let mut world = with_x0();
    let begin = world.now();
    world.cut(Some(0), Some(1), Some(0), true);
    world.cut(Some(0), Some(1), Some(1), true);
    world.run_for(secs(3));
    assert_eq!(world.takes(VG_1, begin), []);
    assert_eq!(world.owner(VG_1), Some(NODE_1));
}

/// SVRRP-2: when the links work again, X0 falls silent.
#[test]
fn x0_falls_silent_again() {
    let mut world = with_x0();
    world.cut(None, None, Some(0), true);
    world.cut(None, None, Some(1), true);
    world.run_for(secs(2));
    world.heal();
    world.run_for(ms(700));
    let begin = world.now();
    world.run_for(secs(3));
    assert_eq!(on_x0(&world, begin), 0);
}

/// SVRRP-2, SVRRP-5: where X0 fails as well, both sides own the group, until X0 comes back.
#[test]
fn x0_ends_a_conflict() {
    let mut world = with_x0();
    for slot in [0, 1, X0] {
        world.cut(None, None, Some(slot), true);
    }
    world.run_for(secs(2));
    assert_eq!(world.holders(VG_1).collect::<Vec<_>>(), [UNIT_1, UNIT_2]);
    world.cut(None, None, Some(X0), false);
    world.run_for(secs(1));
    assert_eq!(world.owner(VG_1), Some(NODE_1));
}
