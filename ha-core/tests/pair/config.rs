//! What a configuration may say of interfaces, addresses and times, and what is refused.

use crate::harness::{A, config};
use core::time::Duration;
use ha_core::identity::InterfaceId;
use ha_core::pair::{ConfigError, PairConfig, SharedInterface};

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
