//! What clustering is turned on for: a firewall that stands alone, the plan, and the conflicts between them.

use crate::identity::{GroupNumber, MAX_NODES};
use crate::virtual_address::{VirtualAddressError, VirtualAddresses};
use crate::virtual_mac::VirtualMacPrefix;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use ha_core::address::InterfaceAddress;
use ha_core::identity::{InterfaceId, Label};
use ha_core::monitor::Zone;
use ha_core::virtual_mac::VirtualMac;
use thiserror::Error;

/// The most NAT policies, and the most VPN policies, that are converted (our decision).
pub const MAX_POLICIES: usize = 4096;

/// The configuration of a firewall, or of a pair, outside a cluster, as far as clustering touches it. It need not be
/// valid: [`convert`](super::convert) checks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandAlone {
    /// The interfaces, in the order of the configuration.
    pub interfaces: Vec<StandAloneInterface>,
    /// The internal DHCP server is on.
    pub dhcp_server: bool,
    /// The NAT policies, at most [`MAX_POLICIES`].
    pub nat_policies: Vec<NatPolicy>,
    /// The VPN policies, at most [`MAX_POLICIES`].
    pub vpn_policies: Vec<VpnPolicy>,
    /// How many switch-port groups there are: several ports that act as one switch (NODE-6).
    pub switch_port_groups: u16,
    /// The virtual MAC addresses of the pair, and where they come from; none if that is off.
    pub pair_virtual_macs: Vec<(InterfaceId, VirtualMac)>,
}

/// An interface of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandAloneInterface {
    /// Its number.
    pub interface: InterfaceId,
    /// Where it leads to.
    pub zone: Zone,
    /// How many redundant ports it has, 1 to 8.
    pub ports: u8,
    /// Its addresses. Without any it is not in use.
    pub addresses: Vec<InterfaceAddress>,
}

/// A NAT policy; what it says is the embedder's affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NatPolicy {
    /// What it is called.
    pub name: Label,
    /// The interface whose address it names, if it names one.
    pub interface: Option<InterfaceId>,
}

/// A VPN policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VpnPolicy {
    /// What it is called.
    pub name: Label,
    /// The group whose owner has the tunnel. A cluster needs it (NODE-5).
    pub group: Option<GroupNumber>,
}

/// What is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterPlan {
    /// How many nodes the cluster is to have, this one included: 1 to 4 (NODE-1). It gets as many groups.
    pub nodes: u8,
    /// The license allows clustering: the embedder says so (LIC-9).
    pub is_licensed: bool,
    /// The platform allows switch-port groups beside high availability (NODE-6).
    pub allows_switch_port_groups: bool,
    /// The first four bytes of all virtual MAC addresses (VMAC-4).
    pub prefix: VirtualMacPrefix,
}

/// Why clustering cannot be turned on: what the administrator has to change before. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are what the messages name
pub enum ConversionError {
    /// There is no license for it (LIC-9).
    #[error("clustering is not licensed")]
    NotLicensed,
    /// The cluster is to have no nodes, or more than four (NODE-1).
    #[error("nodes: there cannot be {0}, but 1 to 4")]
    Nodes(u8),
    /// There are switch-port groups, which this platform does not allow beside high availability (NODE-6).
    #[error("switch-port groups: there are {0}; a cluster allows none on this platform")]
    SwitchPortGroups(u16),
    /// An interface has a virtual MAC address that was set by hand, and a cluster has its own (VMAC-4).
    #[error("{interface}: its virtual MAC address was set by hand; a cluster has its own")]
    VirtualMacOverride { interface: InterfaceId },
    /// What the interfaces have cannot become virtual addresses: the number of an interface is above 255, an address
    /// is there twice, and so on.
    #[error(transparent)]
    Addresses(#[from] VirtualAddressError),
    /// More than [`MAX_POLICIES`] NAT policies.
    #[error("NAT policies: there are {0}; there can be 4096")]
    TooManyNatPolicies(usize),
    /// Two NAT policies have one name.
    #[error("NAT policies: the name {0} is there twice")]
    NatPolicyTwice(Label),
    /// A NAT policy names the address of an interface that has none.
    #[error("NAT policy {policy}: {interface} has no address")]
    NatPolicyWithoutAddress { policy: Label, interface: InterfaceId },
    /// More than [`MAX_POLICIES`] VPN policies.
    #[error("VPN policies: there are {0}; there can be 4096")]
    TooManyVpnPolicies(usize),
    /// Two VPN policies have one name.
    #[error("VPN policies: the name {0} is there twice")]
    VpnPolicyTwice(Label),
    /// A VPN policy names no group (NODE-5).
    #[error("VPN policy {policy}: it must name its virtual group")]
    VpnPolicyWithoutGroup { policy: Label },
    /// A VPN policy names a group that there is not.
    #[error("VPN policy {policy}: there is no {group}")]
    VpnPolicyOfNoGroup { policy: Label, group: GroupNumber },
}

impl StandAlone {
    /// The conflicts with the plan.
    pub(super) fn check_plan(&self, plan: &ClusterPlan) -> Result<(), ConversionError> {
        if !plan.is_licensed {
            return Err(ConversionError::NotLicensed);
        }
        if !(1..=MAX_NODES).contains(&usize::from(plan.nodes)) {
            return Err(ConversionError::Nodes(plan.nodes));
        }
        if self.switch_port_groups > 0 && !plan.allows_switch_port_groups {
            return Err(ConversionError::SwitchPortGroups(self.switch_port_groups));
        }
        let is_override = |source: &VirtualMac| matches!(source, VirtualMac::Override(_));
        let mut sources = self.pair_virtual_macs.iter();
        if let Some(&(interface, _)) = sources.find(|(_, source)| is_override(source)) {
            return Err(ConversionError::VirtualMacOverride { interface });
        }
        Ok(())
    }

    /// The conflicts of the policies, but those of their groups.
    pub(super) fn check_policies(&self) -> Result<(), ConversionError> {
        self.check_nat_policies()?;
        if self.vpn_policies.len() > MAX_POLICIES {
            return Err(ConversionError::TooManyVpnPolicies(self.vpn_policies.len()));
        }
        let twice = first_twice(self.vpn_policies.iter().map(|policy| policy.name));
        twice.map_or(Ok(()), |name| Err(ConversionError::VpnPolicyTwice(name)))
    }

    fn check_nat_policies(&self) -> Result<(), ConversionError> {
        if self.nat_policies.len() > MAX_POLICIES {
            return Err(ConversionError::TooManyNatPolicies(self.nat_policies.len()));
        }
        if let Some(name) = first_twice(self.nat_policies.iter().map(|policy| policy.name)) {
            return Err(ConversionError::NatPolicyTwice(name));
        }
        let in_use = self.interfaces.iter().filter(|it| !it.addresses.is_empty());
        let in_use: BTreeSet<_> = in_use.map(|it| it.interface).collect();
        for NatPolicy { name, interface } in &self.nat_policies {
            if let Some(interface) = interface.filter(|it| !in_use.contains(it)) {
                return Err(ConversionError::NatPolicyWithoutAddress { policy: *name, interface });
            }
        }
        Ok(())
    }
}

fn first_twice(names: impl Iterator<Item = Label>) -> Option<Label> {
    let mut known = BTreeSet::new();
    names.into_iter().find(|name| !known.insert(*name))
}

/// The group that a VPN policy names: each policy in a cluster must name one, also one that is added later (NODE-5).
///
/// # Errors
/// It names none, or one that there is not.
pub fn check_vpn_policy(
    policy: &VpnPolicy,
    addresses: &VirtualAddresses,
) -> Result<GroupNumber, ConversionError> {
    let &VpnPolicy { name: policy, group } = policy;
    let group = group.ok_or(ConversionError::VpnPolicyWithoutGroup { policy })?;
    if addresses.groups().any(|it| it == group) {
        Ok(group)
    } else {
        Err(ConversionError::VpnPolicyOfNoGroup { policy, group })
    }
}
