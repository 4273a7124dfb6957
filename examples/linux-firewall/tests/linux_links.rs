//! Shared addresses on interfaces, their carrier, and frames out of them. Needs root; skipped in the
//! open without.

// Helpers of tests may say plainly what they expect, as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]

mod linux_support;

use ha_core::address::MacAddress;
use linux_firewall::links::{
    Interface, LinkChange, LinkError, LinkWatch, SharedAddresses, SharedInterface,
};
use linux_firewall::packet::{FrameSender, PacketError};
use linux_support::{in_namespace, ip};
use std::io::Read;
use std::time::Duration;

const LAN_MAC: MacAddress = MacAddress([0x02, 0, 0x5e, 0, 0, 1]);
const WAN_MAC: MacAddress = MacAddress([0x02, 0, 0x5e, 0, 0, 2]);

/// Two cables, each with both ends here.
fn cables() {
    for name in ["lan0", "wan0"] {
        ip(&format!("link add {name} type veth peer name {name}-peer"));
        ip(&format!("link set {name} up"));
        ip(&format!("link set {name}-peer up"));
    }
    ip("addr add 10.1.0.2/24 dev lan0");
}

fn shared(device: &str, mac: Option<MacAddress>, addresses: &[&str]) -> SharedInterface {
    SharedInterface {
        device: device.into(),
        virtual_mac: mac.map(|mac| (format!("{device}v"), mac)),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

fn both() -> Vec<SharedInterface> {
    let lan = shared("lan0", Some(LAN_MAC), &["10.1.0.1/24", "2001:db8:1::1/64", "fe80::1/64"]);
    vec![lan, shared("wan0", None, &["10.2.0.1/24", "10.2.0.9/24", "2001:db8:2::1/64"])]
}

fn setting(path: &str) -> String {
    std::fs::read_to_string(format!("/proc/sys/net/{path}")).unwrap().trim().into()
}

fn forwarding() -> [String; 3] {
    ["ipv4/conf/lan0v/forwarding", "ipv4/conf/wan0/forwarding", "ipv6/conf/all/forwarding"]
        .map(setting)
}

/// Those of the shared addresses that this namespace has.
fn held() -> Vec<String> {
    let all = ip("-o addr show");
    let has = |address: &String| all.contains(&format!(" {address} "));
    let shared = both().into_iter().flat_map(|one| one.addresses);
    shared.map(|address| address.to_string()).filter(has).collect()
}

/// PAIR-16, VMAC-1, VMAC-5: all addresses come and go together, with forwarding; each step can be
/// repeated, and at the end the system is as it was.
#[test]
fn addresses_are_taken_withdrawn_and_parked() {
    in_namespace(|| {
        cables();
        let before = (ip("-o addr show"), setting("ipv4/conf/lan0/arp_ignore"));
        let mut addresses = SharedAddresses::prepare(&both()).unwrap();
        let bearers: Vec<_> =
            addresses.bearers().map(|(name, _, mac)| (name.to_owned(), mac)).collect();
        let wan_mac = Interface::lookup("wan0").unwrap().mac.unwrap();
        assert_eq!(bearers, [("lan0v".into(), LAN_MAC), ("wan0".into(), wan_mac)]);
        assert!(held().is_empty());
        assert!(!Interface::lookup("lan0v").unwrap().up);
        assert_eq!(setting("ipv4/conf/lan0/arp_ignore"), "1");
        assert_eq!(forwarding(), ["0", "0", "0"]);
        for round in 0..3 {
            addresses.take().unwrap();
            addresses.take().unwrap();
            assert_eq!(held().len(), 6, "{:?}", held());
            assert_eq!(forwarding(), ["1", "1", "1"]);
            let bearer = Interface::lookup("lan0v").unwrap();
            assert!(bearer.up && bearer.carrier && bearer.mac == Some(LAN_MAC));
            assert!(!ip("-o addr show dev lan0v").contains("tentative dadfailed"));
            addresses.withdraw().unwrap();
            addresses.withdraw().unwrap();
            assert!(held().is_empty(), "{:?}", held());
            assert_eq!(forwarding(), ["0", "0", "0"]);
            if round > 0 {
                addresses.park().unwrap();
                addresses.park().unwrap();
                assert!(!Interface::lookup("lan0v").unwrap().up);
            }
        }
        addresses.open_forwarding().unwrap();
        assert_eq!(forwarding(), ["1", "1", "1"]);
        addresses.stop_forwarding().unwrap();
        assert_eq!(forwarding(), ["0", "0", "0"]);
        addresses.take().unwrap();
        addresses.remove().unwrap();
        assert_eq!((ip("-o addr show"), setting("ipv4/conf/lan0/arp_ignore")), before);
        assert!(matches!(Interface::lookup("lan0v"), Err(LinkError::Missing { .. })));
    });
}

/// What a crashed run left behind is withdrawn at the next start, and removed at its end; a macvlan of
/// the administrator is used and stays.
#[test]
fn a_macvlan_that_is_there_is_taken_over() {
    in_namespace(|| {
        cables();
        let mut crashed = SharedAddresses::prepare(&both()).unwrap();
        crashed.take().unwrap();
        std::mem::forget(crashed);
        let addresses = SharedAddresses::prepare(&both()).unwrap();
        assert!(held().is_empty());
        assert!(!Interface::lookup("lan0v").unwrap().up);
        addresses.remove().unwrap();
        assert!(Interface::lookup("lan0v").is_err());

        ip("link add lan0v link lan0 type macvlan mode private");
        let mut addresses = SharedAddresses::prepare(&both()).unwrap();
        addresses.take().unwrap();
        assert_eq!(Interface::lookup("lan0v").unwrap().mac, Some(LAN_MAC));
        drop(addresses);
        assert!(!Interface::lookup("lan0v").unwrap().up);
    });
}

/// What is wrong is named, and nothing is left behind.
#[test]
fn what_is_wrong_is_named_and_nothing_left_behind() {
    in_namespace(|| {
        cables();
        ip("link add wan0v type veth peer name other");
        ip("link add busy link wan0 type macvlan mode private");
        ip(&format!("link set busy address {WAN_MAC}"));
        let before = ip("-o link show");
        let lan = || shared("lan0", Some(LAN_MAC), &["10.1.0.1/24"]);
        let refused =
            |second: SharedInterface| SharedAddresses::prepare(&[lan(), second]).unwrap_err();

        let missing = refused(shared("wan7", None, &[]));
        assert_eq!(missing.to_string(), "there is no interface named \"wan7\"");
        let name = refused(shared("../wan0", None, &[]));
        assert!(matches!(name, LinkError::Name { .. }), "{name}");
        let in_use = refused(shared("wan0", Some(MacAddress([2, 0, 0, 0, 0, 9])), &[]));
        let text =
            "the name wan0v is in use by a device of type veth, which is not a macvlan on wan0";
        assert_eq!(in_use.to_string(), text);
        let mut doubled = shared("wan0", Some(WAN_MAC), &[]);
        doubled.virtual_mac = Some(("wan0m".into(), WAN_MAC));
        let text = format!("the virtual MAC {WAN_MAC} of wan0 is in use by busy");
        assert_eq!(refused(doubled).to_string(), text);
        let loopback = refused(shared("lo", None, &[]));
        assert!(matches!(loopback, LinkError::NotEthernet { .. }), "{loopback}");

        assert_eq!(ip("-o link show"), before);
        assert_eq!(setting("ipv4/conf/lan0/arp_ignore"), "0");
    });
}

/// A take that fails in part is undone, and says where.
#[test]
fn a_take_that_fails_is_undone() {
    in_namespace(|| {
        cables();
        let mut addresses = SharedAddresses::prepare(&both()).unwrap();
        std::fs::write("/proc/sys/net/ipv6/conf/wan0/disable_ipv6", "1").unwrap();
        let failed = addresses.take().unwrap_err();
        assert!(failed.to_string().starts_with("taking 2001:db8:2::1/64 on wan0: "), "{failed}");
        assert!(held().is_empty(), "{:?}", held());
        assert_eq!(forwarding(), ["0", "0", "0"]);
        ip("link del wan0");
        let failed = addresses.take().unwrap_err();
        assert!(failed.to_string().contains("wan0"), "{failed}");
        assert!(held().is_empty(), "{:?}", held());
        assert_eq!(setting("ipv4/conf/lan0v/forwarding"), "0");
    });
}

/// MON-1: the loss of the carrier is told.
#[test]
fn the_carrier_is_watched() {
    in_namespace(|| {
        cables();
        let mut watch = LinkWatch::open().unwrap();
        assert!(Interface::lookup("lan0").unwrap().carrier);
        let mut wait_for = |expected: &dyn Fn(&LinkChange) -> bool| {
            (0..100).any(|_| watch.read(Duration::from_millis(50)).unwrap().iter().any(expected))
        };
        let carrier = |change: &LinkChange, carrier| matches!(change, LinkChange::Present(one) if one.name == "lan0" && one.carrier == carrier);
        ip("link set lan0-peer down");
        assert!(wait_for(&|change| carrier(change, false)));
        ip("link set lan0-peer up");
        assert!(wait_for(&|change| carrier(change, true)));
        ip("link del lan0");
        assert!(wait_for(&|change| matches!(change, LinkChange::Gone(one) if one.name == "lan0")));
        assert!(watch.read(Duration::ZERO).unwrap().is_empty());
    });
}

/// VMAC-3: frames leave as they were given.
#[test]
fn frames_arrive_at_the_other_end() {
    in_namespace(|| {
        cables();
        let mut frame = vec![0xff; 6];
        frame.extend(LAN_MAC.0);
        // A type for local experiments (IEEE 802).
        frame.extend([0x88, 0xb5]);
        frame.extend(0..46_u8);
        let (tell, told) = std::sync::mpsc::channel();
        let (connect, connected) = std::sync::mpsc::channel();
        let expected = frame.clone();
        let receive = move || {
            in_namespace(move || {
                let thread = std::fs::read_link("/proc/thread-self").unwrap();
                tell.send(thread.file_name().unwrap().to_owned()).unwrap();
                let () = connected.recv().unwrap();
                ip("link set lan0-peer up");
                let protocol = socket2::Protocol::from(i32::from(0x88b5_u16.to_be()));
                let (domain, kind) = (socket2::Domain::PACKET, socket2::Type::RAW);
                let mut receiver = socket2::Socket::new(domain, kind, Some(protocol)).unwrap();
                receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                tell.send("ready".into()).unwrap();
                for _ in 0..10 {
                    let mut bytes = [0; 128];
                    let length = receiver.read(&mut bytes).unwrap();
                    assert_eq!(bytes[..length], expected);
                }
            });
        };
        std::thread::scope(|scope| {
            let receiver = scope.spawn(receive);
            let thread = told.recv().unwrap();
            ip(&format!("link set lan0-peer netns {}", thread.display()));
            connect.send(()).unwrap();
            told.recv().unwrap();
            let sender = FrameSender::open("lan0").unwrap();
            (0..10).for_each(|_| sender.send(&frame).unwrap());
            receiver.join().unwrap();
        });
    });
}

/// What a frame cannot leave by is named.
#[test]
fn a_frame_that_cannot_leave_is_an_error() {
    in_namespace(|| {
        cables();
        assert!(matches!(FrameSender::open("lan7"), Err(PacketError::Open { .. })));
        let sender = FrameSender::open("lan0").unwrap();
        ip("link set lan0 down");
        let failed = sender.send(&[0; 60]).unwrap_err();
        assert!(failed.to_string().contains("60 bytes on lan0"), "{failed}");
    });
}
