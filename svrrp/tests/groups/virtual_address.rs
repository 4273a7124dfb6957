//! Virtual addresses: every rule broken, one by one and in pairs, and what an owner does with them (VG-1, VG-5, VG-7,
//! VG-8, NODE-5, VMAC-4, MON-7, MON-9).

use core::net::Ipv4Addr;
use ha_core::address::InterfaceAddress;
use ha_core::announcement::announce;
use ha_core::identity::{Designation, InterfaceId};
use ha_core::monitor::{
    Ipv4Monitoring, MonitorConfig, MonitorConfigBuilder, MonitoredInterface, Zone,
};
use std::collections::BTreeSet;
use svrrp::GroupNumber::{self, Four, One, Three, Two};
use svrrp::virtual_address::{
    ClusterMonitorError, Duty, GroupAction, MAX_VIRTUAL_ADDRESSES, MAX_VIRTUAL_INTERFACES,
    VirtualAddressError, VirtualAddresses, VirtualAddressesBuilder, VirtualInterface,
};
use svrrp::virtual_mac::{ClusterMacError, VirtualMacPrefix};

const LAN: InterfaceId = InterfaceId(0);
const WAN: InterfaceId = InterfaceId(1);
const BACKUP: InterfaceId = InterfaceId(2);

fn address(text: &str) -> InterfaceAddress {
    text.parse().unwrap()
}

fn interface(interface: InterfaceId, zone: Zone) -> VirtualInterface {
    VirtualInterface { interface, zone, ports: 1 }
}

/// X0 and two WANs; X0 and the first WAN are in VG 1 and VG 2, the other WAN in VG 1.
fn addresses() -> VirtualAddressesBuilder {
    VirtualAddresses::builder()
        .groups(3)
        .interface(interface(LAN, Zone::X0))
        .interface(interface(WAN, Zone::Wan))
        .interface(interface(BACKUP, Zone::Wan))
        .address(LAN, One, address("192.168.1.1/24"))
        .address(WAN, One, address("192.0.2.1/24"))
        .address(BACKUP, One, address("198.51.100.1/24"))
        // The order of groups is free.
        .address(WAN, Two, address("192.0.2.9/24"))
        .address(LAN, Two, address("2001:db8::1/64"))
        .address(LAN, Two, address("192.168.1.2/24"))
}

type Break = fn(VirtualAddressesBuilder) -> VirtualAddressesBuilder;

/// Each breaks one rule of a valid table.
fn broken() -> Vec<(Break, VirtualAddressError)> {
    use VirtualAddressError as E;
    let high = InterfaceId(256);
    vec![
        (|it| it.groups(0), E::Groups(0)),
        (|it| it.groups(5), E::Groups(5)),
        (
            |it| {
                let more = (4..=MAX_VIRTUAL_INTERFACES as u16 + 1).map(InterfaceId);
                more.fold(it, |it, id| it.interface(interface(id, Zone::Other)))
            },
            E::TooManyInterfaces(257),
        ),
        (
            |it| {
                let more = (0..MAX_VIRTUAL_ADDRESSES as u32 - 5).map(|at| {
                    let v4 = Ipv4Addr::from(0x0a00_0001 + at);
                    InterfaceAddress::new(v4.into(), 8).unwrap()
                });
                more.fold(it, |it, more| it.address(LAN, One, more))
            },
            E::TooManyAddresses(1025),
        ),
        (|it| it.interface(interface(LAN, Zone::X0)), E::InterfaceTwice(LAN)),
        (
            |it| {
                it.interface(VirtualInterface {
                    ports: 0,
                    ..interface(InterfaceId(7), Zone::Other)
                })
            },
            E::Ports { interface: InterfaceId(7), ports: 0 },
        ),
        (
            |it| {
                it.interface(VirtualInterface {
                    ports: 9,
                    ..interface(InterfaceId(8), Zone::Other)
                })
            },
            E::Ports { interface: InterfaceId(8), ports: 9 },
        ),
        (
            |it| it.interface(interface(InterfaceId(256), Zone::Other)),
            E::VirtualMac(ClusterMacError::InterfaceTooHigh { interface: high }),
        ),
        (
            |it| it.address(LAN, Four, address("192.168.1.4/24")),
            E::NoSuchGroup { interface: LAN, group: Four, address: address("192.168.1.4/24") },
        ),
        (
            |it| it.address(InterfaceId(9), One, address("192.168.9.1/24")),
            E::NoSuchInterface {
                interface: InterfaceId(9),
                group: One,
                address: address("192.168.9.1/24"),
            },
        ),
        (
            |it| it.address(LAN, Two, address("192.168.1.255/24")),
            E::NotAHost { interface: LAN, group: Two, address: address("192.168.1.255/24") },
        ),
        (
            |it| it.address(LAN, Two, address("2001:db8:1::/64")),
            E::NotAHost { interface: LAN, group: Two, address: address("2001:db8:1::/64") },
        ),
        (
            |it| it.address(BACKUP, One, address("192.0.2.9/32")),
            E::AddressTwice {
                interface: BACKUP,
                group: One,
                address: "192.0.2.9".parse().unwrap(),
            },
        ),
        (
            |it| {
                it.interface(interface(InterfaceId(10), Zone::Other)).address(
                    InterfaceId(10),
                    Three,
                    address("10.10.0.1/24"),
                )
            },
            E::NoFirstGroup { interface: InterfaceId(10), group: Three },
        ),
    ]
}

/// VG-1, VG-3, NODE-5, VMAC-4: each rule has its own error, which names what is wrong and where.
#[test]
fn each_rule_is_refused_by_its_own_error() {
    assert!(addresses().build().is_ok());
    for (breaks, error) in broken() {
        assert_eq!(breaks(addresses()).build(), Err(error));
        assert!(!error.to_string().is_empty());
    }
}

/// VG-1, NODE-5: with two rules broken it is one of the two that is named (or, where both add too many, or the same,
/// that).
#[test]
fn two_broken_rules_are_refused_by_one_of_them() {
    use VirtualAddressError as E;
    for (one, first) in broken() {
        for (other, second) in broken() {
            let found = other(one(addresses())).build().unwrap_err();
            let is_more = matches!(
                found,
                E::InterfaceTwice(_)
                    | E::AddressTwice { .. }
                    | E::TooManyInterfaces(_)
                    | E::TooManyAddresses(_)
                    | E::Groups(_)
            );
            assert!(found == first || found == second || is_more, "{first}, {second}: {found}");
        }
    }
}

/// NODE-5: an address in another group needs one of VG 1 on the same interface, whichever is said first.
#[test]
fn vg_1_comes_first_on_each_interface() {
    let table = VirtualAddresses::builder().groups(2).interface(interface(LAN, Zone::X0)).address(
        LAN,
        Two,
        address("192.168.1.2/24"),
    );
    let refused = VirtualAddressError::NoFirstGroup { interface: LAN, group: Two };
    assert_eq!(table.clone().build(), Err(refused));
    assert_eq!(refused.to_string(), "interface 0: VG 2 needs an address in VG 1 there first");
    assert!(table.address(LAN, One, address("192.168.1.1/24")).build().is_ok());
}

/// VMAC-5: a link-local address may be on several interfaces, not twice on one; where it lacks is told.
#[test]
fn link_local_addresses_belong_to_their_link() {
    let table = addresses()
        .address(LAN, One, address("fe80::1/64"))
        .address(WAN, One, address("fe80::1/64"))
        .address(WAN, Two, address("2001:db8:1::1/64"));
    let built = table.clone().build().unwrap();
    assert_eq!(built.without_link_local().collect::<Vec<_>>(), [(LAN, Two), (WAN, Two)]);
    let twice = table.clone().address(WAN, Two, address("fe80::1/64")).build();
    let v6 = "fe80::1".parse().unwrap();
    assert_eq!(
        twice,
        Err(VirtualAddressError::AddressTwice { interface: WAN, group: Two, address: v6 })
    );
    let own = VirtualMacPrefix::SONICOS.address(WAN, Two).unwrap().link_local();
    let built = table.address(WAN, Two, own).build().unwrap();
    assert_eq!(built.without_link_local().collect::<Vec<_>>(), [(LAN, Two)]);
}

/// VG-8, VMAC-4: every address of the group is announced with the virtual MAC address of its interface and group, and
/// no other one.
#[test]
fn a_new_owner_announces_every_address_with_its_virtual_mac() {
    let prefix = VirtualMacPrefix::new([0x02, 0x48, 0xaa, 0xbb]).unwrap();
    let table = addresses().prefix(prefix).build().unwrap();
    let announced: Vec<_> = table.announcements(Two).map(|it| (it.interface, it.frame)).collect();
    let expected = [
        (WAN, "192.0.2.9", "02:48:aa:bb:01:01"),
        (LAN, "2001:db8::1", "02:48:aa:bb:00:01"),
        (LAN, "192.168.1.2", "02:48:aa:bb:00:01"),
    ];
    let frame = |(interface, address, mac): (_, &str, &str)| {
        (interface, announce(address.parse().unwrap(), mac.parse().unwrap()))
    };
    assert_eq!(announced, expected.map(frame));
    assert_eq!(table.announcements(Three).count(), 0);
}

/// VG-1: groups are numbered without a gap; one may be without addresses. A table can be changed, and is checked anew.
#[test]
fn groups_come_from_vg_1_on() {
    let table = addresses().build().unwrap();
    assert_eq!(table.groups().collect::<Vec<_>>(), [One, Two, Three]);
    assert_eq!(table.of(Three).count(), 0);
    assert_eq!(table.to_builder().build(), Ok(table.clone()));
    let fewer = table.to_builder().groups(1).build();
    assert!(matches!(fewer, Err(VirtualAddressError::NoSuchGroup { group: Two, .. })));
}

/// VG-5, VG-7, VG-8: the new owner's duties in order: nothing of the old connections is kept, forwarding is open before
/// an address is there, and announced is what was taken.
#[test]
fn the_owners_duties_are_in_order() {
    let table = addresses().build().unwrap();
    let actions: Vec<_> = Duty::of_take().map(|it| it.action(&table, Two)).collect();
    let frames = table.announcements(Two).collect();
    let group = Two;
    assert_eq!(
        actions,
        [
            GroupAction::RebuildConnections { group },
            GroupAction::OpenForwarding { group },
            GroupAction::TakeAddresses { group },
            GroupAction::Announce { group, frames },
        ]
    );
    assert!(actions.iter().all(|it| it.group() == Two));
    assert!(actions.iter().map(GroupAction::duty).eq(Duty::of_take()));
}

/// VG-5, VG-7: the loser's duties in order: it stops forwarding, takes the addresses away, and announces nothing.
#[test]
fn the_losers_duties_are_in_order() {
    let table = addresses().build().unwrap();
    let group = One;
    let actions: Vec<_> = Duty::of_withdrawal().map(|it| it.action(&table, group)).collect();
    assert_eq!(
        actions,
        [
            GroupAction::StopForwarding { group },
            GroupAction::WithdrawAddresses { group },
            GroupAction::RebuildConnections { group },
        ]
    );
    assert!(actions.iter().map(GroupAction::duty).eq(Duty::of_withdrawal()));
    let decisive = |it: &Duty| it.is_decisive();
    assert_eq!(
        Duty::of_withdrawal().filter(decisive).collect::<Vec<_>>(),
        [Duty::WithdrawAddresses]
    );
    let of_take: Vec<_> = Duty::of_take().filter(decisive).collect();
    assert_eq!(of_take, [Duty::OpenForwarding, Duty::TakeAddresses]);
}

fn monitored(
    interface: InterfaceId,
    zone: Zone,
    addresses: Option<(&str, [&str; 2])>,
) -> MonitoredInterface {
    let ipv4 = addresses.map(|(shared, own)| Ipv4Monitoring {
        shared: shared.parse().unwrap(),
        addresses: own.map(|it| it.parse().unwrap()),
        management: false,
        target: None,
        weight: 0,
    });
    MonitoredInterface { interface, zone, physical: None, ipv4, ipv6: None }
}

fn on_wan() -> MonitoredInterface {
    monitored(WAN, Zone::Wan, Some(("192.0.2.1/24", ["192.0.2.2", "192.0.2.3"])))
}

fn on_backup() -> MonitoredInterface {
    let own = ["198.51.100.2", "198.51.100.3"];
    monitored(BACKUP, Zone::Wan, Some(("198.51.100.1/24", own)))
}

fn on_lan() -> MonitoredInterface {
    monitored(LAN, Zone::X0, Some(("192.168.1.1/24", ["192.168.1.8", "192.168.1.9"])))
}

fn check(monitoring: MonitorConfigBuilder) -> Result<(), ClusterMonitorError> {
    addresses().build().unwrap().check_monitoring(&monitoring.build().unwrap())
}

/// MON-9: interfaces with virtual addresses are monitored, whatever the pair's monitoring says.
#[test]
fn virtual_interfaces_are_monitored_implicitly() {
    let unused = interface(InterfaceId(5), Zone::Other);
    let table = addresses().interface(unused).build().unwrap();
    let monitored: Vec<_> = table.monitored().map(|it| it.interface).collect();
    assert_eq!(monitored, [LAN, WAN, BACKUP]);
    assert_eq!(check(MonitorConfig::builder()), Ok(()), "nothing need be said of them");
}

/// MON-9: with monitoring addresses on WAN interfaces only, every WAN interface with a virtual address needs one.
#[test]
fn each_wan_needs_monitoring_addresses_if_only_wans_have_some() {
    let monitoring = MonitorConfig::builder;
    let refused = Err(ClusterMonitorError::NoAddressOnWan { interface: BACKUP });
    assert_eq!(check(monitoring().interface(on_wan())), refused);
    assert_eq!(check(monitoring().interface(on_wan()).interface(on_backup())), Ok(()));
    assert_eq!(check(monitoring().interface(on_wan()).interface(on_lan())), Ok(()), "X0 has some");
    assert_eq!(check(monitoring().interface(on_lan())), Ok(()));
    let none = monitored(BACKUP, Zone::Wan, Some(("198.51.100.1/24", ["0.0.0.0"; 2])));
    assert_eq!(check(monitoring().interface(on_wan()).interface(none)), refused, "unset");
    let table = addresses().interface(interface(InterfaceId(6), Zone::Wan)).build().unwrap();
    let both = monitoring().interface(on_wan()).interface(on_backup()).build().unwrap();
    assert_eq!(table.check_monitoring(&both), Ok(()), "interface 6 has no virtual address");
}

/// MON-7: a virtual address is not a unit's own; MON-9: both configurations agree on what a WAN is. Two rules broken
/// are refused by one of them.
#[test]
fn monitoring_and_virtual_addresses_go_together() {
    let clash = monitored(WAN, Zone::Wan, Some(("192.0.2.1/24", ["192.0.2.2", "192.0.2.9"])));
    let is_clash = ClusterMonitorError::MonitoringAddress {
        interface: WAN,
        unit: Designation::Secondary,
        address: "192.0.2.9".parse().unwrap(),
    };
    let is_zone = ClusterMonitorError::ZoneDiffers { interface: LAN };
    let is_wan = ClusterMonitorError::NoAddressOnWan { interface: BACKUP };
    let zone = MonitoredInterface { zone: Zone::Other, ..monitored(LAN, Zone::X0, None) };
    let with = |all: &[&MonitoredInterface]| {
        let builder = MonitorConfig::builder();
        check(all.iter().fold(builder, |builder, it| builder.interface((*it).clone())))
    };
    assert_eq!(with(&[&clash, &on_backup()]), Err(is_clash));
    assert_eq!(with(&[&zone]), Err(is_zone));
    assert_eq!(with(&[&clash, &zone]), Err(is_zone));
    assert_eq!(with(&[&clash]), Err(is_clash));
    assert_eq!(with(&[&on_wan(), &zone]), Err(is_zone));
    for error in [is_clash, is_zone, is_wan] {
        assert!(!error.to_string().is_empty());
    }
}

/// VG-1: every group has its own virtual MAC address on an interface.
#[test]
fn no_virtual_mac_is_there_twice() {
    let table = addresses().build().unwrap();
    let of = |group: GroupNumber| table.of(group).map(move |(it, mac)| (it.interface, group, mac));
    // Several addresses of one interface and group share theirs.
    let all: BTreeSet<_> = table.groups().flat_map(of).collect();
    let all: Vec<_> = all.into_iter().collect();
    assert_eq!(all.len(), 5);
    assert_eq!(svrrp::virtual_mac::check_distinct(&all, &[]), Ok(()));
}
