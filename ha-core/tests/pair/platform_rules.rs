//! What platforms ask of a configuration: no switch-port groups (NODE-6), a private address of both units on
//! every interface (COS-4). A vendor who does not tell of such things is not asked for them.

use crate::harness::{A, config};
use crate::modes::MODES;
use core::net::Ipv4Addr;
use ha_core::address::MacAddress;
use ha_core::identity::{Designation, InterfaceId};
use ha_core::pair::{ConfigError, Mode, PrivateAddress, SharedInterface};

/// NODE-6: with switch-port groups every mode but `Disabled` is refused, unless the platform allows it; without
/// them none is.
#[test]
fn every_mode_is_refused_with_switch_port_groups() {
    for mode in MODES.into_iter().filter(|mode| *mode != Mode::Disabled) {
        let built = |groups, allowed| {
            config(A, 1).mode(mode).switch_port_groups(groups, allowed).build().err()
        };
        assert_eq!(built(2, false), Some(ConfigError::SwitchPortGroups { mode, groups: 2 }));
        assert_eq!(built(2, true), None, "{mode}: the platform allows it");
        assert_eq!(built(0, false), None, "{mode}");
    }
    assert!(config(A, 1).mode(Mode::Disabled).switch_port_groups(2, false).build().is_ok());
    let refused = ConfigError::SwitchPortGroups { mode: Mode::ActiveActiveDpi, groups: 2 };
    assert_eq!(
        refused.to_string(),
        "switch-port groups: there are 2; the mode Active/Active DPI allows none on this platform"
    );
}

/// An interface, and the private addresses of the Primary and the Secondary there.
type Private = (u16, Option<[u8; 4]>, Option<[u8; 4]>);

/// A pair with shared addresses on the interfaces 1 and 2, and these private ones.
fn refused(private: &[Private]) -> Option<ConfigError> {
    let shared = |id: u16, address: &str| SharedInterface {
        id: InterfaceId(id),
        mac: MacAddress([2, 0, 0, 0, 0, id as u8]),
        addresses: vec![address.parse().unwrap(), "fe80::1/64".parse().unwrap()],
    };
    let private = private.iter().map(|(interface, primary, secondary)| PrivateAddress {
        interface: InterfaceId(*interface),
        primary: primary.map(Ipv4Addr::from),
        secondary: secondary.map(Ipv4Addr::from),
    });
    let config =
        config(A, 1).interface(shared(1, "10.1.0.1/24")).interface(shared(2, "10.2.0.1/24"));
    config.private_addresses(private).build().err()
}

const LAN: Private = (1, Some([10, 1, 0, 2]), Some([10, 1, 0, 3]));
const WAN: Private = (2, Some([10, 2, 0, 2]), Some([10, 2, 0, 3]));
const LOCAL_HOST: Option<[u8; 4]> = Some([127, 0, 0, 1]);

/// COS-4: both units have one on every interface; the local host's will do, on as many as you like.
#[test]
fn every_interface_with_private_addresses_of_both_units_is_accepted() {
    assert_eq!(refused(&[LAN, WAN]), None);
    assert_eq!(refused(&[LAN, WAN, (3, LOCAL_HOST, LOCAL_HOST)]), None, "a disabled one");
    let local = |interface| (interface, LOCAL_HOST, LOCAL_HOST);
    assert_eq!(refused(&[local(1), local(2), local(3)]), None);
}

/// COS-4: one that is missing, for either unit, of a disabled interface too, is refused with the field.
#[test]
fn a_missing_private_address_is_refused() {
    let missing = |interface, unit| {
        Some(ConfigError::NoPrivateAddress { interface: InterfaceId(interface), unit })
    };
    assert_eq!(refused(&[(1, None, LAN.2), WAN]), missing(1, Designation::Primary));
    assert_eq!(refused(&[(1, LAN.1, None), WAN]), missing(1, Designation::Secondary));
    assert_eq!(refused(&[LAN, WAN, (3, LOCAL_HOST, None)]), missing(3, Designation::Secondary));
    assert_eq!(refused(&[LAN]), missing(2, Designation::Primary), "not named at all");
    assert_eq!(refused(&[]), missing(1, Designation::Primary));
}

/// COS-4: an address that is not that of one host, an interface that is there twice, and an address that is
/// another one's too, are refused.
#[test]
fn a_private_address_that_cannot_be_is_refused() {
    for bytes in [[0, 0, 0, 0], [224, 0, 0, 1], [255, 255, 255, 255]] {
        let (interface, unit) = (InterfaceId(1), Designation::Secondary);
        let address = Ipv4Addr::from(bytes);
        let of_no_host = ConfigError::PrivateAddressOfNoHost { interface, unit, address };
        assert_eq!(refused(&[(1, LAN.1, Some(bytes)), WAN]), Some(of_no_host));
    }
    let twice = ConfigError::PrivateAddressTwice(InterfaceId(2));
    assert_eq!(refused(&[LAN, WAN, (2, LOCAL_HOST, LOCAL_HOST)]), Some(twice));
    let not_alone = |bytes| Some(ConfigError::PrivateAddressNotAlone(Ipv4Addr::from(bytes)));
    assert_eq!(refused(&[(1, LAN.1, LAN.1), WAN]), not_alone([10, 1, 0, 2]), "of both units");
    assert_eq!(refused(&[LAN, (2, LAN.1, WAN.2)]), not_alone([10, 1, 0, 2]), "of two interfaces");
    let shared = [10, 2, 0, 1];
    assert_eq!(refused(&[LAN, (2, Some(shared), WAN.2)]), not_alone(shared), "a shared one");
}

/// COS-4: a vendor that has no such addresses is not asked for them.
#[test]
fn who_does_not_tell_of_private_addresses_is_not_asked() {
    assert!(config(A, 1).build().is_ok());
}
