//! Turning clustering on: from the configuration of a firewall that stands alone to that of a cluster (NODE-5, NODE-6).
//!
//! [`convert`] is one pure function. It makes a [`ClusterDraft`], and the list of all that will be different, for the
//! administrator to see before anything is done: nothing is until the embedder puts the draft in force. What cannot be
//! converted without a decision of the administrator's is a [conflict](ConversionError), never a guess.
//!
//! # What is decided here, where the requirements are silent
//! - A cluster of one node is allowed: others can be added later, each with a group of its own.
//! - A NAT policy gets one for each group, also for groups that have no address on its interface yet: it has no effect
//!   there until they do. One that is bound to no interface stays as it is.
//! - A virtual MAC address of the pair that was derived or supplied is turned off, and that is told; one that the
//!   administrator set by hand is a conflict.

mod change;
mod stand_alone;

pub use change::ConversionChange;
pub use stand_alone::{
    ClusterPlan, ConversionError, MAX_POLICIES, NatPolicy, StandAlone, StandAloneInterface,
    VpnPolicy, check_vpn_policy,
};

use crate::identity::GroupNumber;
use crate::virtual_address::{VirtualAddresses, VirtualInterface};
use alloc::vec::Vec;
use core::fmt;
use ha_core::address::InterfaceAddress;
use ha_core::identity::{InterfaceId, Label};
use thiserror::Error;

/// An address object that stands for a virtual address in policies. It is named after its group (NODE-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AddressObject {
    /// The group that it is named after.
    pub group: GroupNumber,
    /// The interface of the address.
    pub interface: InterfaceId,
    /// Which of the addresses that the interface has in the group, from 1: it makes the name unique.
    pub number: u16,
    /// The address.
    pub address: InterfaceAddress,
}

impl fmt::Display for AddressObject {
    /// The object's name: `VG 1 interface 3`, for a second address `VG 1 interface 3 (2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.group, self.interface)?;
        if self.number > 1 { write!(f, " ({})", self.number) } else { Ok(()) }
    }
}

/// A NAT policy of one group, made from one that there was before (NODE-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupNatPolicy {
    /// The policy that it is a copy of, with the group's address in place of the interface's.
    pub of: Label,
    /// The interface.
    pub interface: InterfaceId,
    /// The group.
    pub group: GroupNumber,
}

/// The part of a cluster's configuration that follows from that of a firewall alone. Its internal DHCP server is off
/// (NODE-5). What it does not name stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDraft {
    /// The virtual addresses: all in VG 1, and one more group without any for each further node.
    pub addresses: VirtualAddresses,
    /// An address object for each virtual address, in their order.
    pub objects: Vec<AddressObject>,
    /// The NAT policies per group, group by group in the order of the policies.
    pub nat_policies: Vec<GroupNatPolicy>,
    /// The VPN policies, each with its group.
    pub vpn_policies: Vec<(Label, GroupNumber)>,
}

/// Makes a cluster's configuration from that of a firewall that stands alone, and the list of what will be different,
/// in the order in which it is to be done (NODE-5, NODE-6). Nothing is done by it.
///
/// # Errors
/// The first conflict: the plan itself, then the whole firewall, then interfaces and addresses, then policies in their
/// order.
pub fn convert(
    before: &StandAlone,
    plan: &ClusterPlan,
) -> Result<(ClusterDraft, Vec<ConversionChange>), ConversionError> {
    before.check_plan(plan)?;
    let addresses = virtual_addresses(before, plan)?;
    before.check_policies()?;
    let vpn_policies = before.vpn_policies.iter().map(|policy| {
        let group = check_vpn_policy(policy, &addresses)?;
        Ok((policy.name, group))
    });
    let vpn_policies = vpn_policies.collect::<Result<_, ConversionError>>()?;
    let nat = |group| {
        before.nat_policies.iter().filter_map(move |policy| {
            Some(GroupNatPolicy { of: policy.name, interface: policy.interface?, group })
        })
    };
    let draft = ClusterDraft {
        objects: objects_of(&addresses),
        nat_policies: addresses.groups().flat_map(nat).collect(),
        vpn_policies,
        addresses,
    };
    let changes = changes(before, &draft);
    Ok((draft, changes))
}

fn virtual_addresses(
    before: &StandAlone,
    plan: &ClusterPlan,
) -> Result<VirtualAddresses, ConversionError> {
    let mut builder = VirtualAddresses::builder().groups(plan.nodes).prefix(plan.prefix);
    // One without addresses is not in use.
    for it in before.interfaces.iter().filter(|it| !it.addresses.is_empty()) {
        let StandAloneInterface { interface, zone, ports, .. } = *it;
        builder = builder.interface(VirtualInterface { interface, zone, ports });
        for address in &it.addresses {
            builder = builder.address(interface, GroupNumber::One, *address);
        }
    }
    Ok(builder.build()?)
}

fn objects_of(addresses: &VirtualAddresses) -> Vec<AddressObject> {
    let mut objects: Vec<AddressObject> = Vec::new();
    for it in addresses.iter() {
        let is_beside =
            |other: &&AddressObject| (other.group, other.interface) == (it.group, it.interface);
        let before = objects.iter().filter(is_beside).count();
        objects.push(AddressObject {
            group: it.group,
            interface: it.interface,
            number: u16::try_from(before).unwrap_or(u16::MAX).saturating_add(1),
            address: it.address,
        });
    }
    objects
}

fn changes(before: &StandAlone, draft: &ClusterDraft) -> Vec<ConversionChange> {
    let mut changes = Vec::new();
    if before.dhcp_server {
        changes.push(ConversionChange::DhcpServerOff);
    }
    for (interface, _) in &before.pair_virtual_macs {
        changes.push(ConversionChange::PairVirtualMacOff { interface: *interface });
    }
    changes.extend(draft.addresses.groups().map(|group| ConversionChange::Group { group }));
    for it in draft.addresses.monitored() {
        changes.push(ConversionChange::LinkMonitored { interface: it.interface });
    }
    let mut last = None;
    for group in draft.addresses.groups() {
        for (it, mac) in draft.addresses.of(group) {
            // The addresses of an interface stand together.
            if last != Some((group, it.interface)) {
                let interface = it.interface;
                changes.push(ConversionChange::VirtualMac { interface, group, mac });
            }
            last = Some((group, it.interface));
            changes.push(ConversionChange::AddressBecomesVirtual {
                interface: it.interface,
                address: it.address,
                group,
            });
        }
    }
    changes.extend(draft.objects.iter().copied().map(ConversionChange::Object));
    changes.extend(draft.nat_policies.iter().copied().map(ConversionChange::NatPolicy));
    changes
}

/// The internal DHCP server was to be turned on in a cluster: it knows one gateway only. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the internal DHCP server cannot be turned on while clustering is on: use one outside")]
pub struct DhcpServerRefused;

/// Whether the internal DHCP server may be turned on (NODE-5).
///
/// # Errors
/// Not while `clustering` is on.
pub fn may_turn_on_dhcp_server(clustering: bool) -> Result<(), DhcpServerRefused> {
    if clustering { Err(DhcpServerRefused) } else { Ok(()) }
}
