//! Configurations of monitoring: every rule broken, one by one and in pairs (MON-3, MON-5, MON-6, MON-8,
//! CRASH-1).

use crate::unit::{DHCP, LAN, VPN, WAN, dhcp, label, lan, monitors, seconds, vpn, wan};
use core::time::Duration;
use ha_core::identity::{Designation, InterfaceId, ServiceId};
use ha_core::monitor::{
    Family, Ipv4Monitoring, Ipv6Monitoring, MAX_MONITORED, MAX_SERVICES, MonitorConfig,
    MonitorConfigBuilder, MonitorError, MonitoredInterface, Physical, Service, Zone,
};

fn v4(change: impl FnOnce(&mut Ipv4Monitoring)) -> MonitoredInterface {
    let mut it = wan();
    change(it.ipv4.as_mut().unwrap());
    it
}

fn valid_v6() -> Ipv6Monitoring {
    Ipv6Monitoring {
        shared: "2001:db8::1/64".parse().unwrap(),
        link_local: "fe80::1".parse().unwrap(),
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
            |it| it.interface(v6(|it| it.addresses[1] = it.link_local)),
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
            |it| it.interface(v6(|it| it.target = Some(it.link_local))),
            E::TargetIsOurs { interface, target: address("fe80::1") },
        ),
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
                it.service(Service { weight: 9_999, ..dhcp() }).service(Service {
                    id: ServiceId(7),
                    name: label("x"),
                    ..dhcp()
                })
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

/// MON-5, MON-6: with two rules broken it is one of the two that is named (or, where both add the same interface
/// or service, that).
#[test]
fn two_broken_rules_are_refused_by_one_of_them() {
    for (one, first) in broken() {
        for (other, second) in broken() {
            let found = other(one(MonitorConfig::builder())).build().unwrap_err();
            let is_twice = matches!(
                found,
                MonitorError::InterfaceTwice(_)
                    | MonitorError::ServiceTwice(_)
                    | MonitorError::ServiceNameTwice(_)
                    | MonitorError::Weights(_)
            );
            assert!(found == first || found == second || is_twice, "{first}, {second}: {found}");
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
    for it in [v6(|_| {}), both] {
        assert!(MonitorConfig::builder().interface(it).build().is_ok());
    }
}

/// MON-3: there are limits.
#[test]
fn there_can_be_only_so_many() {
    let mut builder = MonitorConfig::builder();
    for number in 0..=MAX_MONITORED as u16 {
        builder = builder.interface(MonitoredInterface { interface: InterfaceId(number), ..lan() });
    }
    assert_eq!(builder.build(), Err(MonitorError::TooManyInterfaces(65)));
    let mut builder = MonitorConfig::builder();
    for number in 0..33 {
        builder = builder.interface(MonitoredInterface { interface: InterfaceId(number), ..wan() });
    }
    assert_eq!(builder.build(), Err(MonitorError::TooManyTargets(33)));
    let mut builder = MonitorConfig::builder();
    for number in 0..=MAX_SERVICES as u16 {
        let name = label(&format!("s{number}"));
        builder = builder.service(Service { id: ServiceId(number), name, ..dhcp() });
    }
    assert_eq!(builder.build(), Err(MonitorError::TooManyServices(65)));
}

/// MON-7: a unit's own address is never among those that the pair shares and announces.
#[test]
fn a_shared_address_is_nobodys_own() {
    use ha_core::pair::{ConfigError, SharedInterface};
    for (own, unit) in [("192.0.2.2", Designation::Primary), ("192.0.2.3", Designation::Secondary)]
    {
        let shared = SharedInterface {
            id: LAN,
            mac: "02:00:00:00:00:01".parse().unwrap(),
            addresses: vec!["10.0.0.1/8".parse().unwrap(), format!("{own}/24").parse().unwrap()],
        };
        let built = sim::harness::config(sim::A, 1)
            .interface(shared)
            .monitoring(monitors().build().unwrap())
            .build();
        let address = own.parse().unwrap();
        assert_eq!(built, Err(ConfigError::MonitoringAddress { interface: WAN, unit, address }));
    }
}
