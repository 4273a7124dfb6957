//! Probes between two network namespaces, against the kernel's own answers and against forged ones.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use linux_firewall::links::MonitoringAddresses;
use linux_firewall::probe::{self, ProbeError};
use run_support::Place;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Longer than an answer on the same machine can take; no test that passes waits for it.
const LONG: Duration = Duration::from_secs(20);
/// Long enough to see an answer that should not count.
const SHORT: Duration = Duration::from_millis(400);

/// A unit and a host on one wire.
fn wire() -> Option<(Place, Place)> {
    let (unit, host) = (Place::new()?, Place::new()?);
    let id = host.id();
    unit.ip(format!("link add wan0 type veth peer name eth0 netns {id}"));
    for (place, device, last) in [(&unit, "wan0", 2), (&host, "eth0", 53)] {
        place.ip(format!("link set {device} up"));
        place.ip(format!("addr add 10.2.0.{last}/24 dev {device}"));
        place.ip(format!("addr add fd00:2::{last}/64 dev {device} nodad"));
    }
    Some((unit, host))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Probes from the namespace of the calling thread.
fn probe(from: &str, target: &str, patience: Duration) -> Result<bool, ProbeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (from, target) = (address(from), address(target));
    runtime.block_on(async {
        Ok(probe::send("wan0", from, target, 0x0001_0007)?.is_answered(patience).await)
    })
}

/// MON-3, MON-5: a host that is there answers, in both families; one that is not does not.
#[test]
fn a_host_that_is_there_answers() {
    let Some((unit, host)) = wire() else { return };
    unit.run(|| {
        assert!(probe("10.2.0.2", "10.2.0.53", LONG).unwrap());
        assert!(probe("fd00:2::2", "fd00:2::53", LONG).unwrap());
        assert!(!probe("10.2.0.2", "10.2.0.54", SHORT).unwrap());
        assert!(!probe("fd00:2::2", "fd00:2::54", SHORT).unwrap());
    });
    // It is there, and does not answer.
    host.run(|| std::fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1").unwrap());
    unit.run(|| assert!(!probe("10.2.0.2", "10.2.0.53", SHORT).unwrap()));
}

/// MON-5: the target's link-local address is reached on the interface that was named.
#[test]
fn a_link_local_target_is_reached_on_its_interface() {
    let Some((unit, host)) = wire() else { return };
    host.ip("addr add fe80::53/64 dev eth0 nodad");
    unit.ip("addr add fe80::2/64 dev wan0 nodad");
    unit.run(|| assert!(probe("fd00:2::2", "fe80::53", LONG).unwrap()));
}

/// MON-3: a probe that cannot be sent is an error that says why.
#[test]
fn a_probe_that_cannot_be_sent_is_an_error() {
    let Some((unit, _host)) = wire() else { return };
    unit.run(|| {
        let message = |from, target| probe(from, target, LONG).unwrap_err().to_string();
        assert!(message("10.2.0.9", "10.2.0.53").contains("assign requested address"));
        assert!(message("10.2.0.2", "fd00:2::53").contains("same family"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime
            .block_on(async { probe::send("nope0", address("10.2.0.2"), address("10.2.0.53"), 1) })
            .unwrap_err();
        assert!(matches!(error, ProbeError::Interface(_)), "{error}");
    });
}

/// MON-3: it leaves by the interface that was named, although another one leads to the target, too.
#[test]
fn a_probe_leaves_by_its_own_interface() {
    let Some((unit, _host)) = wire() else { return };
    let nowhere = Place::new().unwrap();
    unit.ip(format!("link add other0 type veth peer name eth0 netns {}", nowhere.id()));
    nowhere.ip("link set eth0 up");
    unit.ip("link set other0 up");
    unit.ip("addr add 10.2.0.3/24 dev other0");
    unit.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answered = runtime.block_on(async {
            let (from, target) = (address("10.2.0.3"), address("10.2.0.53"));
            probe::send("other0", from, target, 1).unwrap().is_answered(SHORT).await
        });
        assert!(!answered);
    });
}

/// MON-3: answers with another identifier, sequence or token, and those of another host, do not count; after
/// a hundred of them the right one does.
#[test]
fn forged_answers_do_not_count() {
    let Some((unit, host)) = wire() else { return };
    host.ip("addr add 10.2.0.54/24 dev eth0");
    host.run(|| std::fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1").unwrap());
    for honest in [false, true] {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let id = host.id();
        let forger = std::thread::spawn(move || {
            let place = std::fs::File::open(format!("/proc/self/task/{id}/ns/net")).unwrap();
            nix::sched::setns(place, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            let mut socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
            socket.set_read_timeout(Some(LONG)).unwrap();
            ready.send(()).unwrap();
            let mut packet = [0; 100];
            let length = socket.read(&mut packet).unwrap();
            let request = &packet[20..length];
            assert_eq!((request[0], request.len()), (8, 28), "an echo request");
            let other = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
            other.bind(&SocketAddr::new(address("10.2.0.54"), 0).into()).unwrap();
            let to = SocketAddr::new(address("10.2.0.2"), 0).into();
            for at in (4..request.len()).chain(4..request.len()) {
                socket.send_to(&reply(request, Some(at)), &to).unwrap();
                other.send_to(&reply(request, None), &to).unwrap();
            }
            if honest {
                socket.send_to(&reply(request, None), &to).unwrap();
                // Once more: nobody waits for it any longer.
                socket.send_to(&reply(request, None), &to).unwrap();
            }
        });
        is_ready.recv().unwrap();
        let patience = if honest { LONG } else { SHORT };
        let answered = unit.run(move || probe("10.2.0.2", "10.2.0.53", patience).unwrap());
        assert_eq!(answered, honest);
        forger.join().unwrap();
    }
}

/// The answer to an echo request, with one byte changed, and the check sum of that.
fn reply(request: &[u8], changed: Option<usize>) -> Vec<u8> {
    let mut reply = request.to_vec();
    reply[0] = 0;
    if let Some(at) = changed {
        reply[at] ^= 0x55;
    }
    reply[2..4].fill(0);
    let sum: u32 =
        reply.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    reply[2..4].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    reply
}

/// MON-3, MON-7: the unit's own addresses are there while it runs, usable at once, and gone afterwards; one
/// that was there before stays, and one that a crashed run left does not.
#[test]
fn monitoring_addresses_come_and_go() {
    let Some((unit, host)) = wire() else { return };
    host.ip("addr add 10.2.0.1/24 dev eth0");
    let own = |text: &str| ("wan0".to_owned(), text.parse().unwrap());
    let all = [own("10.2.0.7/24"), own("fd00:2::7/64"), own("10.2.0.2/24")];
    let addresses = {
        let all = all.clone();
        unit.run(move || {
            let addresses = MonitoringAddresses::configure(&all).unwrap();
            assert!(probe("10.2.0.7", "10.2.0.53", LONG).unwrap());
            assert!(probe("fd00:2::7", "fd00:2::53", LONG).unwrap());
            addresses
        })
    };
    // Set down, an interface loses its IPv6 addresses.
    unit.ip("link set wan0 down");
    unit.ip("link set wan0 up");
    unit.ip("addr add fd00:2::2/64 dev wan0 nodad");
    assert!(!unit.ip("addr show dev wan0").contains("fd00:2::7"));
    let addresses = unit.run(move || {
        let mut addresses = addresses;
        addresses.restore("other0").unwrap();
        addresses.restore("wan0").unwrap();
        addresses.restore("wan0").unwrap();
        addresses
    });
    assert!(unit.ip("addr show dev wan0").contains("fd00:2::7"));
    // As a crash does.
    unit.run(move || std::mem::forget(addresses));
    unit.run(move || drop(MonitoringAddresses::configure(&all).unwrap()));
    let left = unit.ip("addr show dev wan0");
    assert!(left.contains("10.2.0.2/24") && !left.contains("2.0.7/24"), "{left}");
    assert!(!left.contains("fd00:2::7"), "{left}");
}

#[test]
fn an_address_that_cannot_be_added_is_named() {
    let Some((unit, _host)) = wire() else { return };
    unit.run(|| {
        let missing = [("nope0".to_owned(), "10.2.0.7/24".parse().unwrap())];
        let error = MonitoringAddresses::configure(&missing).unwrap_err().to_string();
        assert!(error.contains("nope0"), "{error}");
        std::fs::write("/proc/sys/net/ipv6/conf/wan0/disable_ipv6", "1").unwrap();
        let off =
            ["10.2.0.7/24", "fd00:2::7/64"].map(|it| ("wan0".to_owned(), it.parse().unwrap()));
        let error = MonitoringAddresses::configure(&off).unwrap_err().to_string();
        assert!(error.contains("fd00:2::7") && error.contains("wan0"), "{error}");
    });
    // The first one was added, and is gone again.
    assert!(!unit.ip("addr show dev wan0").contains("10.2.0.7"));
}
