//! Who says what, to whom.

use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, VG_2, ms, secs, setup};
use core::time::Duration;
use sim::cluster::harness::World;
use sim::cluster::{Setup, What};
use svrrp::Message;
use svrrp::cluster::Why;

/// Sender, receiver and message of each datagram since then.
fn sent(world: &World, since: Duration) -> Vec<(usize, usize, &Message)> {
    let messages = world.since(since).filter_map(|entry| match &entry.what {
        What::Sent { to, message, .. } => Some((entry.unit, *to, message.as_ref())),
        _ => None,
    });
    messages.collect()
}

/// SVRRP-1, NODE-3, NODE-4: every unit advertises itself to every other one, with the groups; the Master alone tells who
/// is a member and who owns what.
#[test]
fn every_unit_advertises_and_the_master_manages() {
    let pairs = Setup { pairs: [true, false, false, false], ..setup(2, 2) };
    let mut world = World::settled(pairs);
    let (begin, units) = (world.now(), [UNIT_1, 1, UNIT_2]);
    world.run_for(secs(1));
    let sent = sent(&world, begin);
    for from in units {
        for to in units.into_iter().filter(|to| *to != from) {
            let to_it = sent.iter().filter(|it| (it.0, it.1) == (from, to));
            let (mut advertisements, mut managements) = (0, 0);
            for (_, _, message) in to_it {
                match message {
                    Message::Advertisement(it) => {
                        let content = it.content.as_ref().unwrap();
                        assert_eq!((content.groups.len(), content.heard.len()), (2, 2));
                        advertisements += 1;
                    }
                    Message::Management(it) => {
                        assert_eq!(it.members.len(), 3);
                        assert_eq!(it.owners.get(VG_1), Some(&NODE_1));
                        assert_eq!(it.owners.get(VG_2), Some(&NODE_2));
                        managements += 1;
                    }
                    Message::Claim(_) | Message::Release(_) => panic!("there is no hand-over"),
                }
            }
            assert!(advertisements >= 9, "{from} to {to}: {advertisements}");
            assert_eq!(managements > 0, from == UNIT_1, "{from} to {to}");
        }
    }
}

/// SVRRP-1, VG-5: a claim and a release go between the two nodes of a hand-over alone, and name them.
#[test]
fn a_hand_over_is_between_two() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(3, 1) });
    let begin = world.now();
    world.port(UNIT_1, 0, 0, false);
    world.until_owned(VG_1, NODE_2, secs(1));
    let (mut claims, mut releases) = (0, 0);
    for (from, to, message) in sent(&world, begin) {
        match message {
            Message::Claim(it) => {
                assert_eq!((from, to, it.asked, it.group), (UNIT_2, UNIT_1, NODE_1, VG_1));
                claims += 1;
            }
            Message::Release(it) => {
                assert_eq!((from, to, it.successor, it.group), (UNIT_1, UNIT_2, NODE_2, VG_1));
                releases += 1;
            }
            _ => {}
        }
    }
    assert!(claims > 0 && releases > 0, "{claims} claims, {releases} releases");
}

/// SVRRP-3: two single units on one direct cable are a cluster: shared groups, hand-over, and loss of the other one.
#[test]
fn two_units_on_one_cable() {
    let cable = Setup { cluster_links: 1, x0: false, interfaces: 2, ..setup(2, 2) };
    let mut world = World::settled(cable);
    assert_eq!((world.owner(VG_1), world.owner(VG_2)), (Some(NODE_1), Some(NODE_2)));
    let begin = world.now();
    world.port(UNIT_1, 0, 0, false);
    world.until_owned(VG_1, NODE_2, secs(1));
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::Granted)]);
    world.run_for(ms(100));
    world.crash(UNIT_2);
    world.until_owned(VG_1, NODE_1, secs(1));
    world.until_owned(VG_2, NODE_1, secs(1));
}
