//! Configurations of monitoring: every rule broken, one by one and in pairs (MON-3, MON-5, MON-6, MON-8,
//! CRASH-1).

use crate::unit::{DHCP, LAN, VPN, WAN, dhcp, label, lan, monitors, seconds, vpn, wan};
use core::cmp::Ordering;
use core::time::Duration;
use ha_core::identity::{Designation, InterfaceId, ServiceId};
use ha_core::monitor::{
    Family, Ipv4Monitoring, Ipv6Monitoring, MAX_MONITORED, MAX_SERVICES, MAX_TARGETS,
    MonitorConfig, MonitorConfigBuilder, MonitorError, MonitoredInterface, Physical, Service, Zone,
};
use std::net::Ipv4Addr;

fn v4(change: impl FnOnce(&mut Ipv4Monitoring)) -> MonitoredInterface {
    let mut it = wan();
    change(it.ipv4.as_mut().unwrap());
    it
}

fn valid_v6() -> Ipv6Monitoring {
    Ipv6Monitoring {
        shared: "2001:db8::1/64".parse().unwrap(),
        link_local: Some("fe80::1".parse().unwrap()),
        addresses: ["2001:db8::2".parse().unwrap(), "2001:db8::3".parse().unwrap()],
        management: true,
        target: Some("2001:db8::ff".parse().unwrap()),
        weight: 20,
    }
}

fn v6(change: impl FnOnce(&mut Ipv6Monitoring)) -> MonitoredInterface {
    let mut it = valid_v6();
    change(&mut it);
    MonitoredInterface { ipv4: None, ipv6: Some(it), ..wan() }
}

/// Interfaces that no other case has.
const ONE: InterfaceId = InterfaceId(50);
const OTHER: InterfaceId = InterfaceId(51);

fn service(number: u16) -> Service {
    Service { id: ServiceId(number), name: label(&format!("s{number}")), weight: 0, ..dhcp() }
}

fn interfaces(it: MonitorConfigBuilder, count: usize) -> MonitorConfigBuilder {
    let numbers = (100..).take(count).map(InterfaceId);
    numbers.fold(it, |it, interface| it.interface(MonitoredInterface { interface, ..lan() }))
}

fn targets(it: MonitorConfigBuilder, count: usize) -> MonitorConfigBuilder {
    (1..).take(count).fold(it, |it, number: u8| {
        let interface = MonitoredInterface {
            interface: InterfaceId(u16::from(number) + 200),
            ..v4(|it| {
                let host = |host| Ipv4Addr::new(10, 1, number, host);
                it.shared = format!("{}/24", host(1)).parse().unwrap();
                (it.addresses, it.target) = ([host(2), host(3)], Some(host(254)));
            })
        };
        it.interface(interface)
    })
}

fn services(it: MonitorConfigBuilder, count: usize) -> MonitorConfigBuilder {
    (100..).take(count).map(service).fold(it, MonitorConfigBuilder::service)
}

type Break = fn(MonitorConfigBuilder) -> MonitorConfigBuilder;

/// Each adds something that breaks one rule to a configuration without interfaces.
fn broken() -> Vec<(Break, MonitorError)> {
    use Designation::{Primary, Secondary};
    use MonitorError as E;
    let interface = WAN;
    let address = |text: &str| text.parse().unwrap();
    vec![
        (
            |it| it.probe_interval(Duration::from_millis(4999)),
            E::ProbeInterval(Duration::from_millis(4999)),
        ),
        (|it| it.probe_interval(seconds(256)), E::ProbeInterval(seconds(256))),
        (|it| it.missed_probes(0), E::MissedProbes(0)),
        (|it| it.missed_probes(11), E::MissedProbes(11)),
        (|it| it.interface(lan()).interface(lan()), E::InterfaceTwice(LAN)),
        (
            |it| {
                it.interface(MonitoredInterface {
                    physical: Some(Physical { ports: 0, weight: 1 }),
                    ..wan()
                })
            },
            E::Ports { interface, ports: 0 },
        ),
        (
            |it| {
                it.interface(MonitoredInterface {
                    physical: Some(Physical { ports: 9, weight: 1 }),
                    ..wan()
                })
            },
            E::Ports { interface, ports: 9 },
        ),
        (
            |it| it.interface(v4(|it| it.addresses[0] = "0.0.0.0".parse().unwrap())),
            E::OneAddress { interface, family: Family::V4, missing: Primary },
        ),
        (
            |it| it.interface(v6(|it| it.addresses[1] = "::".parse().unwrap())),
            E::OneAddress { interface, family: Family::V6, missing: Secondary },
        ),
        (
            |it| it.interface(v4(|it| it.addresses[1] = it.addresses[0])),
            E::SameAddress { interface, address: address("192.0.2.2") },
        ),
        (
            |it| it.interface(v6(|it| it.addresses[1] = it.addresses[0])),
            E::SameAddress { interface, address: address("2001:db8::2") },
        ),
        (
            |it| it.interface(v4(|it| it.addresses[1] = "198.51.100.1".parse().unwrap())),
            E::OutsideSubnet {
                interface,
                unit: Secondary,
                address: address("198.51.100.1"),
                subnet: "192.0.2.0/24".parse().unwrap(),
            },
        ),
        (
            |it| it.interface(v6(|it| it.addresses[0] = "2001:db8:1::2".parse().unwrap())),
            E::OutsideSubnet {
                interface,
                unit: Primary,
                address: address("2001:db8:1::2"),
                subnet: "2001:db8::/64".parse().unwrap(),
            },
        ),
        (
            |it| it.interface(v4(|it| it.addresses[0] = "192.0.2.255".parse().unwrap())),
            E::NotAHost { interface, unit: Primary, address: address("192.0.2.255") },
        ),
        (
            |it| it.interface(v6(|it| it.addresses[0] = "2001:db8::".parse().unwrap())),
            E::NotAHost { interface, unit: Primary, address: address("2001:db8::") },
        ),
        (
            |it| it.interface(v4(|it| it.addresses[0] = "192.0.2.1".parse().unwrap())),
            E::SharedAddress { interface, unit: Primary, address: address("192.0.2.1") },
        ),
        (
            |it| it.interface(v6(|it| it.addresses[1] = "2001:db8::1".parse().unwrap())),
            E::SharedAddress { interface, unit: Secondary, address: address("2001:db8::1") },
        ),
        (
            |it| it.interface(v6(|it| it.addresses[1] = it.link_local.unwrap())),
            E::LinkLocalAddress { interface, unit: Secondary, address: address("fe80::1") },
        ),
        (
            |it| {
                it.interface(v4(|it| {
                    (it.addresses, it.target) = (["0.0.0.0".parse().unwrap(); 2], None)
                }))
            },
            E::ManagementWithoutAddress { interface, family: Family::V4 },
        ),
        (
            |it| {
                it.interface(v6(|it| {
                    (it.addresses, it.target) = (["::".parse().unwrap(); 2], None)
                }))
            },
            E::ManagementWithoutAddress { interface, family: Family::V6 },
        ),
        (
            |it| {
                it.interface(v4(|it| {
                    (it.addresses, it.management) = (["0.0.0.0".parse().unwrap(); 2], false)
                }))
            },
            E::ProbeWithoutAddress {
                interface,
                family: Family::V4,
                target: address("192.0.2.254"),
            },
        ),
        (
            |it| {
                it.interface(v6(|it| {
                    (it.addresses, it.management) = (["::".parse().unwrap(); 2], false)
                }))
            },
            E::ProbeWithoutAddress {
                interface,
                family: Family::V6,
                target: address("2001:db8::ff"),
            },
        ),
        (
            |it| it.interface(v4(|it| it.target = Some("0.0.0.0".parse().unwrap()))),
            E::TargetUnspecified { interface, family: Family::V4 },
        ),
        (
            |it| it.interface(v6(|it| it.target = Some("::".parse().unwrap()))),
            E::TargetUnspecified { interface, family: Family::V6 },
        ),
        (
            |it| it.interface(v4(|it| it.target = Some("224.0.0.1".parse().unwrap()))),
            E::TargetNotAHost { interface, target: address("224.0.0.1") },
        ),
        (
            |it| it.interface(v4(|it| it.target = Some("255.255.255.255".parse().unwrap()))),
            E::TargetNotAHost { interface, target: address("255.255.255.255") },
        ),
        (
            |it| it.interface(v6(|it| it.target = Some("ff02::1".parse().unwrap()))),
            E::TargetNotAHost { interface, target: address("ff02::1") },
        ),
        (
            |it| it.interface(v4(|it| it.target = Some(it.addresses[1]))),
            E::TargetIsOurs { interface, target: address("192.0.2.3") },
        ),
        (
            |it| it.interface(v6(|it| it.target = it.link_local)),
            E::TargetIsOurs { interface, target: address("fe80::1") },
        ),
        (
            |it| it.interface(v6(|it| it.link_local = Some("::".parse().unwrap()))),
            E::NotLinkLocal { interface, address: "::".parse().unwrap() },
        ),
        (
            |it| it.interface(v6(|it| it.link_local = Some("fec0::1".parse().unwrap()))),
            E::NotLinkLocal { interface, address: "fec0::1".parse().unwrap() },
        ),
        (
            // The Primary's on one interface is the Secondary's on the other.
            |it| {
                let turned = v4(|it| it.addresses.reverse());
                let turned = MonitoredInterface { interface: ONE, ..turned };
                it.interface(turned).interface(MonitoredInterface { interface: OTHER, ..wan() })
            },
            E::AddressTwice { interface: OTHER, other: ONE, address: address("192.0.2.2") },
        ),
        (
            |it| {
                let one = MonitoredInterface { interface: ONE, ..v6(|_| {}) };
                let other = v6(|it| it.addresses[0] = "2001:db8::4".parse().unwrap());
                it.interface(one).interface(MonitoredInterface { interface: OTHER, ..other })
            },
            E::AddressTwice { interface: OTHER, other: ONE, address: address("2001:db8::3") },
        ),
        (|it| interfaces(it, MAX_MONITORED + 1), E::TooManyInterfaces(65)),
        (|it| targets(it, MAX_TARGETS + 1), E::TooManyTargets(33)),
        (|it| services(it, MAX_SERVICES + 1), E::TooManyServices(65)),
        (|it| it.online_licensing(true), E::NoAddressForLicensing),
        (
            |it| it.service(dhcp()).service(Service { name: label("two"), ..dhcp() }),
            E::ServiceTwice(DHCP),
        ),
        (
            |it| it.service(dhcp()).service(Service { id: VPN, ..dhcp() }),
            E::ServiceNameTwice(label("dhcp")),
        ),
        (
            |it| it.service(Service { deadline: Duration::from_millis(9), ..dhcp() }),
            E::Deadline { service: DHCP, deadline: Duration::from_millis(9) },
        ),
        (
            |it| it.service(Service { deadline: seconds(3601), ..dhcp() }),
            E::Deadline { service: DHCP, deadline: seconds(3601) },
        ),
        (
            |it| it.service(Service { window: Duration::ZERO, ..vpn() }),
            E::RestartWindow { service: VPN },
        ),
        (
            |it| {
                let heavy = Service { weight: 9_999, ..service(8) };
                it.service(Service { weight: 7, ..service(7) }).service(heavy)
            },
            E::Weights(10_006),
        ),
    ]
}

/// MON-3, MON-5, MON-6, MON-8, CRASH-1: each rule has its own error, which names what is wrong and where.
#[test]
fn each_rule_is_refused_by_its_own_error() {
    for (breaks, error) in broken() {
        assert_eq!(breaks(MonitorConfig::builder()).build(), Err(error));
        assert!(!error.to_string().is_empty());
    }
}

/// The documented order of the rules: a lower one is found first.
fn rank(error: &MonitorError) -> u8 {
    use MonitorError as E;
    match error {
        E::ProbeInterval(_) => 0,
        E::MissedProbes(_) => 1,
        E::TooManyInterfaces(_) => 2,
        E::TooManyServices(_) => 3,
        E::ServiceTwice(_)
        | E::ServiceNameTwice(_)
        | E::Deadline { .. }
        | E::RestartWindow { .. } => 5,
        E::TooManyTargets(_) => 6,
        E::Weights(_) => 7,
        E::NoAddressForLicensing => 8,
        _ => 4,
    }
}

/// How many there are, and how heavy they are together, depends on what the other one of a pair adds.
fn without_sums(error: MonitorError) -> MonitorError {
    use MonitorError as E;
    match error {
        E::TooManyInterfaces(_) => E::TooManyInterfaces(0),
        E::TooManyTargets(_) => E::TooManyTargets(0),
        E::TooManyServices(_) => E::TooManyServices(0),
        E::Weights(_) => E::Weights(0),
        other => other,
    }
}

/// MON-3, MON-5, MON-6, MON-8, CRASH-1: with two rules broken it is the one that is named which comes first in the
/// documented order; of two for interfaces, or for services, that of the first interface or service.
#[test]
fn two_broken_rules_are_refused_by_the_first_of_them() {
    let broken = broken();
    for (at, (one, first)) in broken.iter().enumerate() {
        for (_, (other, second)) in broken.iter().enumerate().filter(|(it, _)| *it != at) {
            let found = other(one(MonitorConfig::builder())).build().unwrap_err();
            let expected = match rank(first).cmp(&rank(second)) {
                Ordering::Less => first,
                Ordering::Greater => second,
                // Of single figures it is the last one that counts.
                Ordering::Equal if rank(first) < 2 => second,
                Ordering::Equal => first,
            };
            assert_eq!(without_sums(found), without_sums(*expected), "{first}, {second}");
        }
    }
}

/// MON-6: 0.0.0.0 on both means that the units have no address of their own there (PPPoE unnumbered); MON-1: its
/// link can be monitored all the same.
#[test]
fn an_interface_without_addresses_can_be_monitored_physically() {
    let it = v4(|it| {
        *it = Ipv4Monitoring {
            addresses: ["0.0.0.0".parse().unwrap(); 2],
            management: false,
            target: None,
            ..*it
        }
    });
    let config = MonitorConfig::builder().interface(it).build().unwrap();
    assert_eq!(config.addresses_of(Designation::Primary).count(), 0);
}

/// MON-8: a WAN address or one on X0 is enough; MON-7: the addresses of a unit are its own.
#[test]
fn licensing_needs_one_address() {
    let x0 = MonitoredInterface { interface: LAN, zone: Zone::X0, ..wan() };
    let other = MonitoredInterface { interface: LAN, zone: Zone::Other, ..wan() };
    for (it, is_enough) in [(wan(), true), (x0, true), (other, false), (lan(), false)] {
        let built = MonitorConfig::builder().online_licensing(true).interface(it).build();
        assert_eq!(built.is_ok(), is_enough);
    }
    let config = monitors().build().unwrap();
    let of = |unit| config.addresses_of(unit).map(|(_, it)| it.to_string()).collect::<Vec<_>>();
    assert_eq!(of(Designation::Primary), ["192.0.2.2"]);
    assert_eq!(of(Designation::Secondary), ["192.0.2.3"]);
}

/// MON-5: valid IPv6 settings, alone and beside those of IPv4.
#[test]
fn both_families_can_be_monitored() {
    let both = MonitoredInterface { ipv6: Some(valid_v6()), ..wan() };
    // Without a virtual MAC address no link-local one is known.
    for it in [v6(|_| {}), v6(|it| it.link_local = None), both] {
        assert!(MonitorConfig::builder().interface(it).build().is_ok());
    }
}

/// MON-3, CRASH-1: as many as there can be are accepted.
#[test]
fn there_can_be_so_many() {
    let empty = MonitorConfig::builder;
    for most in [
        interfaces(empty(), MAX_MONITORED),
        targets(empty(), MAX_TARGETS),
        services(empty(), MAX_SERVICES),
    ] {
        assert!(most.build().is_ok());
    }
}

/// MON-7: a unit's own address is never among those that the pair shares and announces, in either family, on
/// whichever interface; with several it is the first one of the Primary that is named, and a rule of the pair's
/// own interfaces goes before.
#[test]
fn a_shared_address_is_nobodys_own() {
    use ha_core::pair::{ConfigError as E, PairConfig, SharedInterface};
    type Addresses = [&'static str; 2];
    let with = |addresses: &[&str]| -> Result<PairConfig, E> {
        let shared = SharedInterface {
            id: LAN,
            mac: "02:00:00:00:00:01".parse().unwrap(),
            addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
        };
        let both = MonitoredInterface { ipv6: Some(valid_v6()), ..wan() };
        let monitoring = MonitorConfig::builder().interface(lan()).interface(both);
        sim::harness::config(sim::A, 1)
            .interface(shared)
            .monitoring(monitoring.build().unwrap())
            .build()
    };
    let own = |unit, address: &str| E::MonitoringAddress {
        interface: WAN,
        unit,
        address: address.parse().unwrap(),
    };
    use Designation::{Primary, Secondary};
    let once: Addresses = ["10.0.0.1/8", "2001:db8::1/64"];
    assert!(with(&once).is_ok());
    // In the order in which they are looked for.
    let broken: [(&[&str], E); 5] = [
        (&["10.9.9.9/8", "10.9.9.9/8"], E::AddressTwice("10.9.9.9/8".parse().unwrap())),
        (&["192.0.2.2/24"], own(Primary, "192.0.2.2")),
        (&["2001:db8::2/64"], own(Primary, "2001:db8::2")),
        (&["192.0.2.3/32"], own(Secondary, "192.0.2.3")),
        (&["2001:db8::3/64"], own(Secondary, "2001:db8::3")),
    ];
    for (at, (one, first)) in broken.iter().enumerate() {
        assert_eq!(with(&[&once[..], one].concat()).as_ref(), Err(first));
        for (other, _) in broken.iter().skip(at + 1) {
            assert_eq!(with(&[*other, one].concat()).as_ref(), Err(first));
            assert_eq!(with(&[*one, other].concat()).as_ref(), Err(first));
        }
    }
}
