//! Copies, and units that are no members.

use crate::bad_input::{Sender, advertisement};
use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use ha_core::reject::Reject;
use sim::cluster::Setup;
use sim::cluster::harness::World;
use svrrp::cluster::Event;

/// NODE-7: who is not listed is refused, and told once a minute; nothing else changes.
#[test]
fn a_stranger_is_refused() {
    let mut world = World::settled(setup(3, 1));
    let begin = world.now();
    let stranger = Sender { serial: "SN-77".parse().unwrap(), ..Sender::of(4) };
    for number in 1..=50 {
        let (from, bytes) = advertisement(&Sender { number, ..stranger });
        assert_eq!(world.inject(UNIT_1, from, &bytes), Err(Reject::Serial));
        world.run_for(ms(10));
    }
    let told = world.events(UNIT_1, begin);
    assert_eq!(told.iter().filter(|it| matches!(it, Event::Stranger { .. })).count(), 1);
    assert_eq!(world.takes(VG_1, begin), []);
}

/// NODE-7: a unit with the number of another one is refused, too: it is not listed with that number.
#[test]
fn a_listed_serial_with_another_number_is_refused() {
    let mut world = World::settled(setup(3, 1));
    let wrong =
        Sender { serial: sim::cluster::serial(sim::cluster::member_of(4)), ..Sender::of(UNIT_2) };
    let (from, bytes) = advertisement(&wrong);
    assert_eq!(world.inject(UNIT_1, from, &bytes), Err(Reject::Serial));
}

/// SVRRP-4: duplicates on a path, copies on other paths, and late ones change nothing.
#[test]
fn copies_change_nothing() {
    let setup =
        Setup { duplicates: 1000, cluster_links: 3, jitter: ms(80), interfaces: 2, ..setup(3, 2) };
    let mut world = World::settled(setup);
    let begin = world.now();
    world.run_for(secs(10));
    assert_eq!(world.takes(VG_1, begin), []);
    world.port(UNIT_1, 0, 0, false);
    world.until_owned(VG_1, NODE_2, secs(1));
    world.port(UNIT_1, 0, 0, true);
    world.until_owned(VG_1, NODE_1, secs(2));
}
