//! Turning clustering on: what becomes of a firewall that stands alone, what the administrator is told, and every
//! conflict, one by one and in pairs (NODE-5, NODE-6, VMAC-4, LIC-9).

use ha_core::address::InterfaceAddress;
use ha_core::identity::{InterfaceId, Label, PairId};
use ha_core::monitor::Zone;
use ha_core::virtual_mac::VirtualMac;
use svrrp::GroupNumber::{self, One, Three, Two};
use svrrp::convert::{
    ClusterDraft, ClusterPlan, ConversionChange, ConversionError, DhcpServerRefused, MAX_POLICIES,
    NatPolicy, StandAlone, StandAloneInterface, VpnPolicy, check_vpn_policy, convert,
    may_turn_on_dhcp_server,
};
use svrrp::virtual_address::VirtualAddressError;
use svrrp::virtual_mac::{ClusterMacError, VirtualMacPrefix};

const LAN: InterfaceId = InterfaceId(0);
const WAN: InterfaceId = InterfaceId(1);
const UNUSED: InterfaceId = InterfaceId(2);

fn address(text: &str) -> InterfaceAddress {
    text.parse().unwrap()
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn interface(interface: InterfaceId, zone: Zone, addresses: &[&str]) -> StandAloneInterface {
    let addresses = addresses.iter().map(|it| address(it)).collect();
    StandAloneInterface { interface, zone, ports: 1, addresses }
}

fn nat(name: &str, interface: Option<InterfaceId>) -> NatPolicy {
    NatPolicy { name: label(name), interface }
}

fn vpn(name: &str, group: Option<GroupNumber>) -> VpnPolicy {
    VpnPolicy { name: label(name), group }
}

const SWITCH_GROUPS: u16 = 3;

/// Everything that clustering touches, and nothing in its way.
fn before() -> StandAlone {
    StandAlone {
        interfaces: vec![
            interface(LAN, Zone::X0, &["192.168.1.1/24", "2001:db8::1/64"]),
            interface(WAN, Zone::Wan, &["192.0.2.1/24"]),
            // Above 255, and not in use.
            interface(InterfaceId(300), Zone::Other, &[]),
            interface(UNUSED, Zone::Other, &[]),
        ],
        dhcp_server: true,
        nat_policies: vec![nat("out", Some(WAN)), nat("any", None)],
        vpn_policies: vec![vpn("office", Some(Two))],
        switch_port_groups: 0,
        pair_virtual_macs: vec![(LAN, VirtualMac::Derived { pair: PairId(1), prefix: None })],
    }
}

fn plan() -> ClusterPlan {
    ClusterPlan {
        nodes: 3,
        is_licensed: true,
        allows_switch_port_groups: false,
        prefix: VirtualMacPrefix::SONICOS,
    }
}

fn converted() -> (ClusterDraft, Vec<ConversionChange>) {
    convert(&before(), &plan()).unwrap()
}

/// NODE-5: each address of an interface in use becomes one of VG 1; there is one more group per further node, without
/// addresses.
#[test]
fn addresses_become_virtual_ones_of_vg_1() {
    let (draft, _) = converted();
    let all: Vec<_> =
        draft.addresses.iter().map(|it| (it.interface, it.group, it.address)).collect();
    assert_eq!(
        all,
        [
            (LAN, One, address("192.168.1.1/24")),
            (LAN, One, address("2001:db8::1/64")),
            (WAN, One, address("192.0.2.1/24")),
        ]
    );
    assert_eq!(draft.addresses.groups().collect::<Vec<_>>(), [One, Two, Three]);
    assert_eq!(draft.addresses.interfaces().len(), 2, "the others are not in use");
}

/// NODE-5: each virtual address has an address object, named after its group; no two have one name.
#[test]
fn each_virtual_address_has_an_object() {
    let (draft, _) = converted();
    let names: Vec<_> = draft.objects.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["VG 1 interface 0", "VG 1 interface 0 (2)", "VG 1 interface 1"]);
    let addresses = draft.objects.iter().map(|it| it.address);
    assert!(addresses.eq(draft.addresses.iter().map(|it| it.address)));
}

/// NODE-5: each NAT policy of an interface gets one for each group; each VPN policy has its group.
#[test]
fn policies_belong_to_groups() {
    let (draft, _) = converted();
    let policies: Vec<_> =
        draft.nat_policies.iter().map(|it| (it.of, it.interface, it.group)).collect();
    let out = label("out");
    assert_eq!(policies, [(out, WAN, One), (out, WAN, Two), (out, WAN, Three)]);
    assert_eq!(draft.vpn_policies, [(label("office"), Two)]);
}

/// NODE-5, MON-9, VMAC-4: the administrator sees all that will be different, each in a sentence, before it is done.
#[test]
fn the_administrator_sees_all_changes() {
    let (_, changes) = converted();
    let text: Vec<_> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "The internal DHCP server is turned off; it cannot be turned on while clustering is on.",
            "The virtual MAC address that the pair had on interface 0 is given up.",
            "VG 1 is made; its owner is the Master.",
            "VG 2 is made, without virtual addresses.",
            "VG 3 is made, without virtual addresses.",
            "The link of interface 0 is monitored; this cannot be turned off.",
            "The link of interface 1 is monitored; this cannot be turned off.",
            "The addresses of VG 1 on interface 0 get the MAC address 00:17:c5:6a:00:00.",
            "The address 192.168.1.1/24 of interface 0 becomes a virtual one of VG 1.",
            "The address 2001:db8::1/64 of interface 0 becomes a virtual one of VG 1.",
            "The addresses of VG 1 on interface 1 get the MAC address 00:17:c5:6a:01:00.",
            "The address 192.0.2.1/24 of interface 1 becomes a virtual one of VG 1.",
            "The address object \"VG 1 interface 0\" is made for 192.168.1.1/24.",
            "The address object \"VG 1 interface 0 (2)\" is made for 2001:db8::1/64.",
            "The address object \"VG 1 interface 1\" is made for 192.0.2.1/24.",
            "The NAT policy out on interface 1 gets one like it for VG 1.",
            "The NAT policy out on interface 1 gets one like it for VG 2.",
            "The NAT policy out on interface 1 gets one like it for VG 3.",
        ]
    );
}

/// NODE-5: what does not change is not told.
#[test]
fn a_bare_firewall_changes_little() {
    let bare = StandAlone::default();
    let (draft, changes) = convert(&bare, &ClusterPlan { nodes: 1, ..plan() }).unwrap();
    assert_eq!(changes, [ConversionChange::Group { group: One }]);
    assert_eq!(draft.addresses.iter().count() + draft.objects.len() + draft.nat_policies.len(), 0);
}

/// NODE-5: the internal DHCP server cannot be turned on while clustering is on.
#[test]
fn the_dhcp_server_stays_off() {
    assert_eq!(may_turn_on_dhcp_server(false), Ok(()));
    assert_eq!(may_turn_on_dhcp_server(true), Err(DhcpServerRefused));
}

/// NODE-5: a VPN policy that is added later must name its group, too.
#[test]
fn a_later_vpn_policy_names_its_group() {
    let (draft, _) = converted();
    assert_eq!(check_vpn_policy(&vpn("new", Some(Three)), &draft.addresses), Ok(Three));
    let refused = check_vpn_policy(&vpn("new", None), &draft.addresses);
    assert_eq!(refused, Err(ConversionError::VpnPolicyWithoutGroup { policy: label("new") }));
}

/// NODE-6: a platform may allow switch-port groups.
#[test]
fn a_platform_may_allow_switch_port_groups() {
    let before = StandAlone { switch_port_groups: SWITCH_GROUPS, ..before() };
    let allowing = ClusterPlan { allows_switch_port_groups: true, ..plan() };
    assert!(convert(&before, &allowing).is_ok());
}

type Break = fn(&mut StandAlone, &mut ClusterPlan);

/// Each makes one conflict.
fn conflicts() -> Vec<(Break, ConversionError)> {
    use ConversionError as E;
    vec![
        (|_, plan| plan.is_licensed = false, E::NotLicensed),
        (|_, plan| plan.nodes = 0, E::Nodes(0)),
        (|_, plan| plan.nodes = 5, E::Nodes(5)),
        (|it, _| it.switch_port_groups = SWITCH_GROUPS, E::SwitchPortGroups(SWITCH_GROUPS)),
        (
            |it, _| {
                let mac = "02:00:00:00:00:01".parse().unwrap();
                it.pair_virtual_macs.push((WAN, VirtualMac::Override(mac)));
            },
            E::VirtualMacOverride { interface: WAN },
        ),
        (
            |it, _| it.interfaces.push(interface(InterfaceId(256), Zone::Other, &["10.0.0.1/8"])),
            E::Addresses(VirtualAddressError::VirtualMac(ClusterMacError::InterfaceTooHigh {
                interface: InterfaceId(256),
            })),
        ),
        (
            // An address more, and it is in use.
            |it, _| it.interfaces[2].addresses.push(address("10.3.0.1/16")),
            E::Addresses(VirtualAddressError::VirtualMac(ClusterMacError::InterfaceTooHigh {
                interface: InterfaceId(300),
            })),
        ),
        (
            |it, _| it.interfaces[3].addresses.push(address("192.0.2.1/24")),
            E::Addresses(VirtualAddressError::AddressTwice {
                interface: UNUSED,
                group: One,
                address: "192.0.2.1".parse().unwrap(),
            }),
        ),
        (
            |it, _| {
                let more = (0..MAX_POLICIES).map(|at| nat(&format!("n{at}"), None));
                it.nat_policies.extend(more);
            },
            E::TooManyNatPolicies(4098),
        ),
        (|it, _| it.nat_policies.push(nat("out", None)), E::NatPolicyTwice(label("out"))),
        (
            |it, _| it.nat_policies.push(nat("lost", Some(InterfaceId(9)))),
            E::NatPolicyWithoutAddress { policy: label("lost"), interface: InterfaceId(9) },
        ),
        (
            |it, _| {
                let more = (0..MAX_POLICIES).map(|at| vpn(&format!("v{at}"), Some(One)));
                it.vpn_policies.extend(more);
            },
            E::TooManyVpnPolicies(4097),
        ),
        (
            |it, _| it.vpn_policies.push(vpn("office", Some(One))),
            E::VpnPolicyTwice(label("office")),
        ),
        (
            |it, _| it.vpn_policies.push(vpn("home", None)),
            E::VpnPolicyWithoutGroup { policy: label("home") },
        ),
        (
            |it, _| it.vpn_policies.push(vpn("away", Some(GroupNumber::Four))),
            E::VpnPolicyOfNoGroup { policy: label("away"), group: GroupNumber::Four },
        ),
    ]
}

/// NODE-5, NODE-6, VMAC-4, LIC-9: each conflict has its own error, which names what is in the way.
#[test]
fn each_conflict_has_its_own_error() {
    for (breaks, error) in conflicts() {
        let (mut before, mut plan) = (before(), plan());
        breaks(&mut before, &mut plan);
        assert_eq!(convert(&before, &plan), Err(error));
        assert!(!error.to_string().is_empty());
    }
}

/// NODE-5, NODE-6: of two conflicts one is named (or, where both add policies, that there are too many or the same).
#[test]
fn of_two_conflicts_one_is_named() {
    for (one, first) in conflicts() {
        for (other, second) in conflicts() {
            let (mut before, mut plan) = (before(), plan());
            one(&mut before, &mut plan);
            other(&mut before, &mut plan);
            let found = convert(&before, &plan).unwrap_err();
            let is_more = matches!(
                found,
                ConversionError::TooManyNatPolicies(_)
                    | ConversionError::NatPolicyTwice(_)
                    | ConversionError::TooManyVpnPolicies(_)
                    | ConversionError::VpnPolicyTwice(_)
                    | ConversionError::Addresses(
                        VirtualAddressError::InterfaceTwice(_)
                            | VirtualAddressError::AddressTwice { .. }
                    )
            );
            assert!(found == first || found == second || is_more, "{first}, {second}: {found}");
        }
    }
}

/// NODE-5: the draft is valid beside further addresses in its other groups, as the administrator is to add them.
#[test]
fn the_other_groups_get_their_addresses_later() {
    let (draft, _) = converted();
    let table = draft.addresses.to_builder();
    let more = table.address(LAN, Two, address("192.168.1.2/24")).build().unwrap();
    assert_eq!(more.of(Two).count(), 1);
    let unused = draft.addresses.to_builder().address(UNUSED, Two, address("10.1.1.1/24")).build();
    assert!(matches!(unused, Err(VirtualAddressError::NoSuchInterface { .. })));
}
