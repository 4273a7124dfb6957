//! What a configuration may say of interfaces, addresses and times, and what is refused.

use crate::harness::{A, config};
use core::time::Duration;
use ha_core::address::InterfaceAddress;
use ha_core::identity::{InterfaceId, PairId};
use ha_core::pair::{ConfigError, ConfigWarning, Mode, PairConfig, SharedInterface};
use ha_core::virtual_mac::VirtualMac;

fn interface(id: u16, mac: &str, address: &str) -> SharedInterface {
    let addresses = vec![address.parse().unwrap()];
    SharedInterface { id: InterfaceId(id), mac: mac.parse().unwrap(), addresses }
}

fn build(interfaces: [SharedInterface; 2]) -> Result<PairConfig, ConfigError> {
    interfaces
        .into_iter()
        .fold(config(A, 1), |config, interface| config.interface(interface))
        .build()
}

/// VMAC-3: without virtual MACs two VLANs of one card bear the card's address.
#[test]
fn interfaces_may_share_the_units_own_mac() {
    let card = "02:00:00:00:00:01";
    let built = build([interface(1, card, "192.0.2.1/24"), interface(2, card, "198.51.100.1/24")]);
    assert!(built.is_ok(), "{built:?}");
}

/// A link-local address says nothing beyond its link, so it may be on several; any other may not.
#[test]
fn only_a_link_local_address_may_be_on_several_interfaces() {
    for (address, allowed) in [
        ("fe80::1/64", true),
        ("febf::1/10", true),
        ("169.254.0.1/16", true),
        ("fec0::1/64", false),
        ("192.0.2.1/24", false),
        ("2001:db8::1/64", false),
    ] {
        let both = [("02:00:00:00:00:01", 1), ("02:00:00:00:00:02", 2)]
            .map(|(mac, id)| interface(id, mac, address));
        let twice = ConfigError::AddressTwice(address.parse().unwrap());
        let expected = if allowed { None } else { Some(twice.clone()) };
        assert_eq!(build(both).err(), expected, "{address}");

        let mut one = interface(1, "02:00:00:00:00:01", address);
        one.addresses.push(address.parse().unwrap());
        assert_eq!(config(A, 1).interface(one).build().err(), Some(twice), "{address}");
    }
}

/// VMAC-1, VMAC-2: an interface bears the virtual MAC address from the source that was named last, whatever
/// the mode is; its own goes.
#[test]
fn a_virtual_mac_takes_the_place_of_the_units_own() {
    let derived = VirtualMac::Derived { pair: PairId(7), prefix: None };
    let vendors = VirtualMac::Derived { pair: PairId(7), prefix: Some([0x00, 0x17, 0xc5]) };
    let supplied = VirtualMac::Supplied("00:17:c5:00:00:09".parse().unwrap());
    let given = VirtualMac::Override("02:aa:00:00:00:01".parse().unwrap());
    for (sources, expected) in [
        (vec![derived], "02:48:00:07:00:01"),
        (vec![vendors], "00:17:c5:00:70:01"),
        (vec![derived, supplied], "00:17:c5:00:00:09"),
        (vec![supplied, given], "02:aa:00:00:00:01"),
        (vec![], "52:54:00:00:00:01"),
    ] {
        for stateful in [false, true] {
            let builder = config(A, 1).mode(Mode::ActiveStandby { stateful });
            let builder = builder.interface(interface(1, "52:54:00:00:00:01", "192.0.2.1/24"));
            let builder =
                sources.iter().fold(builder, |it, source| it.virtual_mac(InterfaceId(1), *source));
            let built = builder.build().unwrap();
            assert_eq!(built.interfaces()[0].mac.to_string(), expected, "{sources:?}");
        }
    }
}

/// VMAC-1: zero, multicast, the address of another interface, a unit's own, and one for no interface are
/// refused with the field and the rule.
#[test]
fn a_virtual_mac_that_cannot_be_is_refused() {
    let refused = |id: u16, mac: &str| {
        let derived = VirtualMac::Derived { pair: PairId(7), prefix: None };
        let built = config(A, 1)
            .interface(interface(1, "52:54:00:00:00:01", "192.0.2.1/24"))
            .interface(interface(2, "52:54:00:00:00:02", "198.51.100.1/24"))
            .virtual_mac(InterfaceId(1), derived)
            .virtual_mac(InterfaceId(id), VirtualMac::Override(mac.parse().unwrap()))
            .build();
        built.unwrap_err().to_string()
    };
    for (id, mac, reason) in [
        (2, "00:00:00:00:00:00", "interface 2: the virtual MAC address is zero"),
        (
            2,
            "01:00:5e:00:00:01",
            "interface 2: the virtual MAC address 01:00:5e:00:00:01 is a multicast",
        ),
        (2, "02:48:00:07:00:01", "interface 1 and interface 2 have the same virtual MAC address"),
        (
            2,
            "52:54:00:00:00:01",
            "interface 2: the virtual MAC address 52:54:00:00:00:01 is a unit's own",
        ),
        (3, "02:00:00:00:00:03", "interface 3 has one, and is no data interface"),
    ] {
        let refused = refused(id, mac);
        assert!(refused.starts_with(&format!("virtual MAC: {reason}")), "{refused}");
    }
}

/// VMAC-5: IPv6 addresses without a link-local one that moves along are a warning.
#[test]
fn ipv6_without_a_link_local_address_is_a_warning() {
    let warnings = |addresses: &[&str]| {
        let mut one = interface(1, "02:48:00:07:00:01", "192.0.2.1/24");
        one.addresses.extend(addresses.iter().map(|it| it.parse::<InterfaceAddress>().unwrap()));
        config(A, 1).interface(one).build().unwrap().warnings()
    };
    assert_eq!(warnings(&[]), []);
    assert_eq!(warnings(&["2001:db8::1/64"]), [ConfigWarning::NoLinkLocal(InterfaceId(1))]);
    assert_eq!(warnings(&["2001:db8::1/64", "fe80::1/64"]), []);
}

/// A time limit of 0 would make every action fail, and announcements 0 apart are one.
#[test]
fn times_of_zero_are_refused() {
    let built = config(A, 1).action_timeout(Duration::ZERO).build();
    assert_eq!(built.err(), Some(ConfigError::ActionTimeout));
    let built = config(A, 1).announcements(5, Duration::ZERO).build();
    assert_eq!(built.err(), Some(ConfigError::AnnouncementInterval));
}

/// BEY-10: a burst has from 1 to 1024 frames, and the gap is from 100 us to 1 s.
#[test]
fn a_pace_outside_its_range_is_refused() {
    let gap = |micros| Duration::from_micros(micros);
    let built = |burst, gap| config(A, 1).announcement_pace(burst, gap).build().err();
    assert_eq!(built(1, gap(100)), None);
    assert_eq!(built(1024, gap(1_000_000)), None);
    for burst in [0, 1025] {
        assert_eq!(built(burst, gap(100)), Some(ConfigError::AnnouncementBurst(burst)));
    }
    for gap in [gap(0), gap(99), gap(1_000_001)] {
        assert_eq!(built(1, gap), Some(ConfigError::AnnouncementGap(gap)));
    }
}
