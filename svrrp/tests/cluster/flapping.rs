//! A flapping link does not move a group each time.

use crate::{NODE_1, NODE_2, UNIT_1, VG_1, ms, secs, setup};
use sim::cluster::Setup;
use sim::cluster::harness::World;
use svrrp::cluster::Why;

/// VG-4: a drop counts at once, a rise after the restore hold: a link that flaps moves the group once.
#[test]
fn a_flapping_link_moves_the_group_once() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    let begin = world.now();
    for _ in 0..10 {
        world.port(UNIT_1, 0, 0, false);
        world.run_for(ms(400));
        world.port(UNIT_1, 0, 0, true);
        world.run_for(ms(600));
    }
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::Granted)]);
    world.until_owned(VG_1, NODE_1, secs(1));
    world.run_for(secs(3));
    assert_eq!(world.takes(VG_1, begin).len(), 2);
}

/// VG-3, VG-4: a port that flaps behind another one that is up moves nothing.
#[test]
fn a_flapping_redundant_port_moves_nothing() {
    let mut world = World::settled(Setup { interfaces: 2, ports: 2, ..setup(2, 1) });
    let begin = world.now();
    for _ in 0..10 {
        world.port(UNIT_1, 0, 0, false);
        world.run_for(ms(100));
        world.port(UNIT_1, 0, 0, true);
        world.run_for(ms(100));
    }
    assert_eq!(world.takes(VG_1, begin), []);
}
