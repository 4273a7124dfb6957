//! The routes that go with the shared addresses. Needs root; skipped in the open without.

// Helpers of tests may say plainly what they expect, as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]
// The kernel has its own time.
#![allow(clippy::disallowed_methods)]

mod linux_support;

use ha_core::address::MacAddress;
use linux_firewall::links::{SharedAddresses, SharedInterface};
use linux_support::{in_namespace, ip};
use std::io::Read as _;
use std::time::{Duration, Instant};

/// Two cables; both interfaces have addresses of their own in the networks of the shared ones.
fn cables() {
    for (name, network) in [("lan0", 1), ("wan0", 2)] {
        ip(&format!("link add {name} type veth peer name {name}-peer"));
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/accept_dad"), "0").unwrap();
        ip(&format!("link set {name} up"));
        ip(&format!("link set {name}-peer up"));
        ip(&format!("addr add 10.{network}.0.2/24 dev {name}"));
        ip(&format!("addr add 2001:db8:{network}::2/64 dev {name} nodad"));
    }
}

fn both() -> [SharedInterface; 2] {
    [("lan0", 1_u8), ("wan0", 2)].map(|(device, network)| SharedInterface {
        device: device.into(),
        virtual_mac: Some((format!("{device}v"), MacAddress([0x02, 0, 0x5e, 0, 0, network]))),
        addresses: [format!("10.{network}.0.1/24"), format!("2001:db8:{network}::1/64")]
            .map(|address| address.parse().unwrap())
            .into(),
    })
}

/// The device by which a packet leaves.
fn leaves_by(packet: &str) -> String {
    let route = ip(&format!("route get {packet}"));
    let device = route.split_whitespace().skip_while(|word| *word != "dev").nth(1);
    device.unwrap_or_else(|| panic!("{route}")).into()
}

/// Rules and routes, without those that the kernel makes and removes with forwarding for IPv6.
fn routing() -> Vec<String> {
    let all = ["rule", "-6 rule", "route show table all", "-6 route show table all"].map(ip);
    let lines = all.iter().flat_map(|text| text.lines());
    lines.filter(|line| !line.starts_with("anycast")).map(str::to_owned).collect()
}

/// VMAC-1: what is forwarded, and what comes from a shared address, leaves by the macvlan, also if the
/// interface has an address of its own in the same network; the unit's own traffic leaves by that.
#[test]
fn forwarded_packets_leave_by_the_virtual_mac() {
    in_namespace(|| {
        cables();
        let before = routing();
        let mut addresses = SharedAddresses::prepare(&both()).unwrap();
        let own = ["10.1.0.10", "10.1.0.10 from 10.1.0.2", "2001:db8:1::10 from 2001:db8:1::2"];
        let standby = own.map(leaves_by);
        assert_eq!(standby, ["lan0"; 3]);
        for _ in 0..2 {
            addresses.take().unwrap();
            assert_eq!(own.map(leaves_by), ["lan0"; 3]);
            for packet in [
                "10.1.0.10 from 10.2.0.10 iif wan0v",
                "10.1.0.10 from 10.1.0.1",
                "2001:db8:1::10 from 2001:db8:2::10 iif wan0v",
                "2001:db8:1::10 from 2001:db8:1::1",
            ] {
                assert_eq!(leaves_by(packet), "lan0v", "{packet}");
            }
            assert_eq!(leaves_by("10.2.0.10 from 10.1.0.10 iif lan0v"), "wan0v");
            addresses.withdraw().unwrap();
            assert_eq!(own.map(leaves_by), ["lan0"; 3]);
            addresses.park().unwrap();
        }
        addresses.take().unwrap();
        std::mem::forget(addresses);
        // What a crashed run left is no obstacle, and goes in the end.
        let mut addresses = SharedAddresses::prepare(&both()).unwrap();
        assert_eq!(own.map(leaves_by), ["lan0"; 3]);
        addresses.take().unwrap();
        addresses.remove().unwrap();
        assert_eq!(routing(), before);
    });
}

/// VMAC-1: an IPv6 address can be reached as soon as it is taken: a neighbour's answer finds its way.
#[test]
fn a_new_ipv6_address_is_reached_at_once() {
    in_namespace(|| {
        cables();
        let mut addresses = SharedAddresses::prepare(&both()).unwrap();
        for _ in 0..20 {
            addresses.take().unwrap();
            // Ours stands from the first moment, whenever the kernel enters its own.
            let local = ip("-6 route show table local dev lan0v");
            for address in ["2001:db8:1::1", "fe80::5eff:fe00:1"] {
                let ours = format!("local {address} proto kernel metric 1024");
                assert!(local.contains(&ours), "{local}");
            }
            addresses.withdraw().unwrap();
            let local = ip("-6 route show table local dev lan0v");
            assert!(!local.contains("local 2001"), "{local}");
            addresses.park().unwrap();
        }
    });
}

/// PAIR-16, VMAC-1: after the addresses were given up nothing leaves by the virtual MAC: one frame, and
/// the switch would send this unit what is meant for the new Active.
#[test]
fn a_unit_that_withdrew_is_silent() {
    in_namespace(|| {
        cables();
        // As on a router: the kernel is in the routers' groups when we begin.
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        let mut addresses = SharedAddresses::prepare(&both()).unwrap();
        addresses.take().unwrap();
        // Until the kernel's reports of what was joined have gone out.
        std::thread::sleep(Duration::from_secs(3));
        let everything = socket2::Protocol::from(i32::from(0x0003_u16.to_be()));
        let (domain, kind) = (socket2::Domain::PACKET, socket2::Type::RAW);
        let mut receiver = socket2::Socket::new(domain, kind, Some(everything)).unwrap();
        receiver.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        addresses.withdraw().unwrap();
        let end = Instant::now() + Duration::from_millis(2500);
        while Instant::now() < end {
            let mut frame = [0; 256];
            if receiver.read(&mut frame).is_ok() {
                assert_ne!(frame[6..11], [0x02, 0, 0x5e, 0, 0], "{frame:02x?}");
            }
        }
        addresses.remove().unwrap();
    });
}
