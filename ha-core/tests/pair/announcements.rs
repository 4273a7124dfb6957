//! Announcements of the shared addresses after a take (VMAC-3).

use crate::harness::{A, Answer, B, What, World, ms};
use core::net::IpAddr;
use core::time::Duration;
use etherparse::{NetHeaders, PacketHeaders};
use ha_core::address::MacAddress;
use ha_core::identity::InterfaceId;
use ha_core::pair::{Action, Departure, Event, Input, PairConfigBuilder, SharedInterface, State};

const VIRTUAL: MacAddress = MacAddress([2, 0x48, 0, 7, 0, 1]);
const OWN: MacAddress = MacAddress([0x52, 0x54, 0, 0, 0, 9]);

fn two_interfaces(config: PairConfigBuilder) -> PairConfigBuilder {
    let interface = |id, mac, addresses: &[&str]| SharedInterface {
        id: InterfaceId(id),
        mac,
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    };
    config
        .announcements(4, ms(20))
        .interface(interface(1, VIRTUAL, &["192.0.2.1/24", "2001:db8::1/64"]))
        .interface(interface(2, OWN, &["198.51.100.1/24"]))
}

/// Of each announcement: when, which round, and the interface, source MAC and address of each frame.
type Announced = (Duration, u8, Vec<(u16, [u8; 6], IpAddr)>);

fn announced(world: &World, unit: usize, since: Duration) -> Vec<Announced> {
    let entries = world.trace.iter().filter(|entry| entry.unit == unit && entry.at >= since);
    entries
        .filter_map(|entry| match &entry.what {
            What::Action(Action::Announce { round, frames }) => {
                let frames = frames.iter().map(|announcement| {
                    let bytes = announcement.frame.as_bytes();
                    let headers = PacketHeaders::from_ethernet_slice(bytes).unwrap();
                    let source = headers.link.unwrap().ethernet2().unwrap().source;
                    let address = match headers.net.unwrap() {
                        NetHeaders::Ipv6(header, _) => IpAddr::from(header.source),
                        NetHeaders::Arp(arp) => {
                            let octets: [u8; 4] = arp.sender_protocol_addr().try_into().unwrap();
                            IpAddr::from(octets)
                        }
                        other => panic!("{other:?}"),
                    };
                    (announcement.interface.0, source, address)
                });
                Some((entry.at, *round, frames.collect()))
            }
            _ => None,
        })
        .collect()
}

/// VMAC-3: a take-over is announced on every data interface, for every address, with the MAC address
/// that is configured for it (virtual or own), as often and as far apart as configured.
#[test]
fn a_take_over_is_announced_as_often_as_configured() {
    let mut world = World::new(two_interfaces);
    world.settle();
    world.run_for(Duration::from_secs(1));
    world.crash(A);
    world.run_until(ms(50), |world| world.state(B) == State::Active);
    let begin = world.now();
    world.run_for(Duration::from_secs(1));
    let frames = vec![
        (1, VIRTUAL.0, "192.0.2.1".parse().unwrap()),
        (1, VIRTUAL.0, "2001:db8::1".parse().unwrap()),
        (2, OWN.0, "198.51.100.1".parse().unwrap()),
    ];
    let expected: Vec<Announced> = (0..4)
        .map(|round| (begin + ms(20) * u32::from(round), round + 1, frames.clone()))
        .collect();
    assert_eq!(announced(&world, B, begin), expected);
    assert_eq!(announced(&world, A, begin), []);
}

/// VMAC-3, PAIR-16: nothing is announced once the unit gives the role up, while it withdraws neither.
#[test]
fn announcements_stop_when_the_unit_leaves() {
    let mut world = World::new(two_interfaces);
    world.settle();
    world.run_for(ms(30));
    assert_eq!(announced(&world, A, Duration::ZERO).len(), 2);
    world.answer(A, "Withdraw", Answer::after(ms(100)));
    let begin = world.now() + ms(1);
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(announced(&world, A, begin), []);
}

/// VMAC-3, PAIR-13: of two Actives one dies before the conflict is decided. Its announcements may have been
/// the last ones, so the one that is left announces itself again.
#[test]
fn who_is_left_of_a_conflict_announces_itself() {
    let mut world = World::new(two_interfaces);
    world.settle();
    world.run_for(ms(100));
    world.cut_all(true);
    world.run_until(ms(50), |world| world.state(B) == State::Active);
    world.run_for(ms(200));
    world.cut_from(B, false);
    let in_conflict = |world: &World| {
        let events = world.events(A, Duration::ZERO);
        events.iter().any(|event| matches!(event, Event::Conflict { .. }))
    };
    world.run_until(ms(20), in_conflict);
    world.crash(B);
    let begin = world.now();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.state(A), State::Active);
    let rounds: Vec<u8> =
        announced(&world, A, begin).into_iter().map(|(_, round, _)| round).collect();
    assert_eq!(rounds, [1, 2, 3, 4]);
}

/// VMAC-3: without shared addresses there is nothing to announce.
#[test]
fn without_addresses_nothing_is_announced() {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.count(A, "Announce", Duration::ZERO), 0);
}

/// VMAC-3, CRASH-4: a unit that stalled held the addresses until it woke, and may have answered for
/// them: whoever took over meanwhile announces itself again when the sleeper withdraws.
#[test]
fn the_peer_of_a_sleeper_announces_itself_again() {
    let mut world = World::new(two_interfaces);
    world.settle();
    world.run_for(Duration::from_secs(1));
    world.hang(A, Duration::from_secs(2));
    world.run_for(ms(1_900));
    assert_eq!(world.state(B), State::Active);
    let since = world.now();
    world.run_for(Duration::from_secs(1));
    assert_eq!((world.state(A), world.state(B)), (State::Standby, State::Active));
    assert_eq!(announced(&world, A, since), []);
    let rounds: Vec<_> = announced(&world, B, since).iter().map(|(_, round, _)| *round).collect();
    assert_eq!(rounds, [1, 2, 3, 4]);
}
