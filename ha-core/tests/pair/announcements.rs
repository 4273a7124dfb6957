//! Announcements of the shared addresses after a take (VMAC-3), in bursts that delay no heartbeat (BEY-10).

use crate::harness::one_thread::{self, OneThread};
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
            What::Action(Action::Announce { round, frames, .. }) => {
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

/// The same with bursts of one frame, 5 ms apart.
fn one_by_one(config: PairConfigBuilder) -> PairConfigBuilder {
    two_interfaces(config).announcement_pace(1, ms(5)).announcements(3, ms(20))
}

/// Of each burst: when, its round and part, and how many parts there are.
fn bursts(world: &World, unit: usize, since: Duration) -> Vec<(Duration, u8, u16, u16)> {
    let entries = world.trace.iter().filter(|entry| entry.unit == unit && entry.at >= since);
    entries
        .filter_map(|entry| match &entry.what {
            What::Action(Action::Announce { round, part, parts, frames }) => {
                assert_eq!(frames.len(), 1);
                Some((entry.at, *round, *part, *parts))
            }
            _ => None,
        })
        .collect()
}

/// BEY-10, VMAC-3: a round goes out burst by burst, IPv4 and IPv6, with and without a virtual MAC; each
/// burst a gap after the one before, and the next round an interval after the one before began.
#[test]
fn a_round_goes_out_in_bursts() {
    let mut world = World::new(one_by_one);
    world.settle();
    world.run_until(ms(50), |world| world.count(A, "Announce", Duration::ZERO) > 0);
    let begin = world.now();
    world.run_for(Duration::from_secs(1));
    let expected: Vec<_> = (0..9_u16)
        .map(|nth| {
            let (round, part) = (nth / 3, nth % 3);
            let at = begin + ms(20) * u32::from(round) + ms(5) * u32::from(part);
            (at, round as u8 + 1, part + 1, 3)
        })
        .collect();
    assert_eq!(bursts(&world, A, Duration::ZERO), expected);
    let frames = announced(&world, A, begin).into_iter().take(3).flat_map(|(.., frames)| frames);
    let expected = [
        (1, VIRTUAL.0, "192.0.2.1".parse().unwrap()),
        (1, VIRTUAL.0, "2001:db8::1".parse().unwrap()),
        (2, OWN.0, "198.51.100.1".parse().unwrap()),
    ];
    assert_eq!(frames.collect::<Vec<_>>(), expected);
}

/// BEY-10: bursts that take longer than the interval delay the next round, and none is left out.
#[test]
fn a_long_round_delays_the_next_one() {
    let mut world = World::new(|config| one_by_one(config).announcements(2, ms(1)));
    world.settle();
    world.run_until(ms(50), |world| world.count(A, "Announce", Duration::ZERO) > 0);
    let begin = world.now();
    world.run_for(Duration::from_secs(1));
    let rounds: Vec<_> =
        bursts(&world, A, begin).iter().map(|burst| (burst.0 - begin, burst.1)).collect();
    let at = |nth: u64| ms(5 * nth);
    assert_eq!(rounds, [(at(0), 1), (at(1), 1), (at(2), 1), (at(3), 2), (at(4), 2), (at(5), 2)]);
}

/// BEY-10: a platform that is slow sets the pace: it never has two bursts. One that never answers is waited
/// for as long as for any other action.
#[test]
fn a_slow_platform_sets_the_pace() {
    for (answer, apart) in [(Answer::after(ms(40)), ms(40)), (Answer::NEVER, ms(500))] {
        let mut world = World::new(one_by_one);
        world.answer(A, "Announce", answer);
        world.settle();
        world.run_for(Duration::from_secs(6));
        let all = bursts(&world, A, Duration::ZERO);
        assert_eq!(all.len(), 9);
        for two in all.windows(2) {
            assert_eq!(two[1].0 - two[0].0, apart);
        }
    }
}

/// BEY-10, PAIR-16: what is left of a round is not announced once the role is being given up.
#[test]
fn the_rest_of_a_round_is_dropped_when_the_unit_leaves() {
    let mut world = World::new(one_by_one);
    world.settle();
    world.run_until(ms(50), |world| world.count(A, "Announce", Duration::ZERO) == 2);
    world.answer(A, "Withdraw", Answer::after(ms(100)));
    let begin = world.now() + Duration::from_nanos(1);
    world.input(A, Input::Leave(Departure::Stop)).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(bursts(&world, A, begin), []);
    assert_eq!(bursts(&world, B, begin).len(), 9);
}

/// BEY-10, VMAC-3: a new reason to announce supersedes what is left: it begins with the first burst of the
/// first round, and nothing is announced beside it.
#[test]
fn a_new_announcement_supersedes_what_is_left() {
    let mut world = World::new(|config| one_by_one(config).announcements(60, ms(20)));
    world.settle();
    world.run_for(Duration::from_secs(1));
    world.hang(A, ms(500));
    world.run_for(ms(495));
    assert_eq!(world.state(B), State::Active);
    let before = bursts(&world, B, Duration::ZERO);
    assert!(before.iter().all(|burst| burst.1 < 60), "still under way");
    let since = world.now() + Duration::from_nanos(1);
    world.run_for(ms(1_500));
    let after = bursts(&world, B, since);
    let anew = after.iter().position(|burst| (burst.1, burst.2) == (1, 1)).unwrap();
    let rest: Vec<_> = after[anew..].iter().map(|burst| (burst.1, burst.2)).collect();
    let expected: Vec<_> =
        (1..=60).flat_map(|round| (1..=3).map(move |part| (round, part))).collect();
    assert_eq!(rest, expected);
    assert!(after[..anew].len() <= 3, "what was under way before it heard: {:?}", &after[..anew]);
}

/// BEY-10: 500 addresses, each frame 20 us on the thread of the heartbeats: whenever the announcements begin,
/// no heartbeat is later than one burst, 0.64 ms, takes. All in one burst, as without a pace, delay them by
/// nearly an interval.
#[test]
fn five_hundred_addresses_delay_no_heartbeat() {
    let frame = Duration::from_micros(20);
    let worst = |burst| {
        let runs = (0..25).map(|step| {
            let config = one_thread::with_addresses(500);
            let config = config.announcement_pace(burst, Duration::from_millis(2));
            one_thread::run(config, frame, Duration::from_micros(400) * step)
        });
        runs.inspect(|run: &OneThread| assert_eq!(run.frames, 5 * 500))
            .map(|run| run.longest_delay)
            .max()
    };
    assert!(worst(32) <= Some(frame * 32), "{:?}", worst(32));
    assert!(worst(1024) > Some(ms(9)), "{:?}", worst(1024));
}
