//! What the kernel's tables cost: a table of medians, for a person to read. Not a check.
//!
//! `cargo test --release -p linux-firewall --test linux_costs -- --ignored --nocapture`, as root.

// Helpers of tests may say plainly what they expect, as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]
// Wall-clock time is what this is about.
#![allow(clippy::disallowed_methods)]

mod linux_support;

use ha_core::address::MacAddress;
use linux_firewall::conntrack::{Event, Events, Injector, Scope, Table, enable_events};
use linux_firewall::links::{SharedAddresses, SharedInterface};
use linux_support::{in_namespace, ip, tcp, to};
use statesync::connection::Connection;
use statesync::records::Change;
use std::time::{Duration, Instant};

const ENTRIES: u32 = 50_000;
const ROUNDS: usize = 7;

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn report(what: &str, mut durations: Vec<Duration>, each: u32) {
    durations.sort_unstable();
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6 / f64::from(each);
    let (first, last) = (durations[0], durations[durations.len() - 1]);
    let median = durations[durations.len() / 2];
    println!("{what:48} {:8.2} {:8.2} {:8.2}", micros(first), micros(median), micros(last));
}

fn install(injector: &mut Injector, changes: &[Change]) {
    let installed = injector.install(changes).unwrap();
    assert_eq!((installed.applied, installed.failed.len()), (changes.len(), 0));
}

#[test]
#[ignore = "measures, does not check"]
fn costs_of_the_connection_table() {
    in_namespace(|| {
        println!("{:48} {:>8} {:>8} {:>8}", "µs per entry", "min", "median", "max");
        let nat = |mut connection: Connection| {
            let port = 1024 + u16::from(connection.key.source.is_ipv4());
            connection.state.source_nat = to("198.51.100.1", port);
            connection
        };
        let plain: Vec<_> = (0..ENTRIES).map(tcp).collect();
        let translated: Vec<_> = (0..ENTRIES)
            .map(|number| {
                let mut connection = nat(tcp(number));
                let port = 1024 + (number % 60_000) as u16;
                connection.state.source_nat = to("198.51.100.1", port);
                connection
            })
            .collect();
        let mut injector = Injector::open().unwrap();
        for (name, connections) in [("TCP", &plain), ("TCP with NAT", &translated)] {
            let new: Vec<_> = connections.iter().copied().map(Change::New).collect();
            let update: Vec<_> = connections.iter().copied().map(Change::Update).collect();
            let delete: Vec<_> = connections.iter().map(|one| Change::Delete(one.key)).collect();
            let mut costs: [Vec<Duration>; 7] = Default::default();
            for _ in 0..ROUNDS {
                costs[0].push(timed(|| install(&mut injector, &new)));
                costs[1].push(timed(|| install(&mut injector, &update)));
                let mut table = Table::open().unwrap();
                costs[2].push(timed(|| {
                    assert_eq!(table.dump(&Scope::default(), |_| {}).unwrap(), ENTRIES as usize);
                }));
                let timeouts = connections.iter().map(|one| (one.key, 3600));
                costs[3].push(timed(|| {
                    injector.set_timeouts(timeouts).unwrap();
                }));
                costs[4].push(timed(|| {
                    injector.make_liberal(&Scope::default()).unwrap();
                }));
                costs[5].push(timed(|| install(&mut injector, &new)));
                costs[6].push(timed(|| install(&mut injector, &delete)));
            }
            let names = [
                "new",
                "update",
                "dump",
                "time-out",
                "liberal (dump and update)",
                "new over old",
                "delete",
            ];
            for (what, costs) in names.iter().zip(costs) {
                report(&format!("{name}: {what}"), costs, ENTRIES);
            }
        }
        let _enabled = enable_events().unwrap();
        let mut events = Events::open(256 << 20, Scope::default()).unwrap();
        let new: Vec<_> = plain.iter().copied().map(Change::New).collect();
        let delete: Vec<_> = plain.iter().map(|one| Change::Delete(one.key)).collect();
        let mut costs: [Vec<Duration>; 2] = Default::default();
        for _ in 0..ROUNDS {
            costs[0].push(timed(|| install(&mut injector, &new)));
            costs[1].push(timed(|| {
                let mut seen: Vec<Event> = Vec::new();
                while seen.len() < ENTRIES as usize {
                    events.read(&mut seen, Duration::from_secs(1)).unwrap();
                }
            }));
            install(&mut injector, &delete);
            let mut seen = Vec::new();
            while seen.len() < ENTRIES as usize {
                events.read(&mut seen, Duration::from_secs(1)).unwrap();
            }
        }
        for (what, costs) in ["TCP: new, with a listener", "TCP: event read"].iter().zip(costs) {
            report(what, costs, ENTRIES);
        }
    });
}

#[test]
#[ignore = "measures, does not check"]
fn costs_of_moving_addresses() {
    in_namespace(|| {
        for name in ["lan0", "wan0"] {
            ip(&format!("link add {name} type veth peer name {name}-peer"));
            ip(&format!("link set {name} up"));
            ip(&format!("link set {name}-peer up"));
        }
        println!("{:48} {:>8} {:>8} {:>8}", "µs, two interfaces together", "min", "median", "max");
        let v4 = [["10.1.0.1/24"].as_slice(), &["10.2.0.1/24"]];
        let v6 =
            [["10.1.0.1/24", "2001:db8:1::1/64"].as_slice(), &["10.2.0.1/24", "2001:db8:2::1/64"]];
        for (name, virtual_mac, addresses) in
            [("macvlan", true, v4), ("macvlan, IPv6 too", true, v6), ("plain", false, v4)]
        {
            let interfaces = ["lan0", "wan0"].iter().zip(addresses).zip(1..).map(
                |((device, addresses), number)| SharedInterface {
                    device: (*device).into(),
                    virtual_mac: virtual_mac
                        .then(|| (format!("{device}v"), MacAddress([2, 0, 0, 0, 0, number]))),
                    addresses: addresses.iter().map(|one| one.parse().unwrap()).collect(),
                },
            );
            let interfaces: Vec<_> = interfaces.collect();
            let mut shared = SharedAddresses::prepare(&interfaces).unwrap();
            let mut costs: [Vec<Duration>; 6] = Default::default();
            for _ in 0..100 {
                costs[0].push(timed(|| shared.open_forwarding().unwrap()));
                costs[1].push(timed(|| shared.take().unwrap()));
                costs[2].push(timed(|| shared.stop_forwarding().unwrap()));
                costs[3].push(timed(|| shared.withdraw().unwrap()));
                costs[4].push(timed(|| shared.park().unwrap()));
                // Not parked: the macvlans are up already.
                shared.take().unwrap();
                shared.withdraw().unwrap();
                costs[5].push(timed(|| shared.take().unwrap()));
                shared.withdraw().unwrap();
                shared.park().unwrap();
            }
            let names = [
                "open forwarding",
                "take",
                "stop forwarding",
                "withdraw",
                "park",
                "take, not parked",
            ];
            for (what, costs) in names.iter().zip(costs) {
                report(&format!("{name}: {what}"), costs, 1);
            }
        }
    });
}
