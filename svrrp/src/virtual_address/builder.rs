//! The rules of virtual addresses: a table is made only if it breaks none.

use super::{VirtualAddress, VirtualAddresses, VirtualInterface};
use crate::identity::GroupNumber;
use crate::virtual_mac::{ClusterMacError, VirtualMacPrefix};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;
use ha_core::address::InterfaceAddress;
use ha_core::identity::InterfaceId;
use ha_core::monitor::MAX_PORTS;
use thiserror::Error;

/// The most interfaces with virtual addresses: as many as have a number for their virtual MAC address.
pub const MAX_VIRTUAL_INTERFACES: usize = 256;
/// The most virtual addresses of all groups and interfaces together (our decision).
pub const MAX_VIRTUAL_ADDRESSES: usize = 1024;

/// Why a table of virtual addresses is refused. Each variant names the place and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are what the messages name
pub enum VirtualAddressError {
    /// There are no virtual groups, or more than [`MAX_GROUPS`](crate::identity::MAX_GROUPS) (VG-1).
    #[error("virtual groups: there cannot be {0}, but 1 to 4")]
    Groups(u8),
    /// More than [`MAX_VIRTUAL_INTERFACES`] interfaces.
    #[error("interfaces: there are {0}; there can be 256")]
    TooManyInterfaces(usize),
    /// More than [`MAX_VIRTUAL_ADDRESSES`] addresses.
    #[error("virtual addresses: there are {0}; there can be 1024")]
    TooManyAddresses(usize),
    /// An interface is there twice.
    #[error("interfaces: {0} is there twice")]
    InterfaceTwice(InterfaceId),
    /// The number of ports is not from 1 to [`MAX_PORTS`] (VG-3).
    #[error("{interface}: it cannot have {ports} ports, but 1 to 8")]
    Ports { interface: InterfaceId, ports: u8 },
    /// The interface can have no virtual MAC address (VMAC-4).
    #[error(transparent)]
    VirtualMac(#[from] ClusterMacError),
    /// An address is in a group that there is not.
    #[error("{address} on {interface}: there is no {group}")]
    NoSuchGroup { interface: InterfaceId, group: GroupNumber, address: InterfaceAddress },
    /// An address is on an interface that there is not.
    #[error("{address} of {group}: there is no {interface}")]
    NoSuchInterface { interface: InterfaceId, group: GroupNumber, address: InterfaceAddress },
    /// An address is that of its subnet itself, or its broadcast address.
    #[error("{address} on {interface}, {group}: no host can have it")]
    NotAHost { interface: InterfaceId, group: GroupNumber, address: InterfaceAddress },
    /// An address is there twice, whatever the prefix lengths, groups and interfaces. Only a link-local address may be
    /// on several interfaces: it says nothing beyond its link.
    #[error("{address} on {interface}, {group}: it is there twice")]
    AddressTwice { interface: InterfaceId, group: GroupNumber, address: IpAddr },
    /// An interface has an address in another group, and none in VG 1 (NODE-5).
    #[error("{interface}: {group} needs an address in VG 1 there first")]
    NoFirstGroup { interface: InterfaceId, group: GroupNumber },
}

/// Makes a [`VirtualAddresses`]; the rules are checked by [`VirtualAddressesBuilder::build`].
#[derive(Clone, Debug)]
pub struct VirtualAddressesBuilder {
    pub(super) groups: u8,
    pub(super) prefix: VirtualMacPrefix,
    pub(super) interfaces: Vec<VirtualInterface>,
    pub(super) addresses: Vec<VirtualAddress>,
}

impl Default for VirtualAddressesBuilder {
    fn default() -> Self {
        let prefix = VirtualMacPrefix::SONICOS;
        Self { groups: 1, prefix, interfaces: Vec::new(), addresses: Vec::new() }
    }
}

impl VirtualAddressesBuilder {
    /// How many virtual groups there are, 1 to 4 (VG-1): VG 1, VG 2 and so on. A group may be without addresses.
    #[must_use]
    pub fn groups(mut self, groups: u8) -> Self {
        self.groups = groups;
        self
    }

    /// The first four bytes of all virtual MAC addresses (VMAC-4). Two clusters on one LAN need different ones.
    #[must_use]
    pub fn prefix(mut self, prefix: VirtualMacPrefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Adds an interface. It may be without addresses.
    #[must_use]
    pub fn interface(mut self, interface: VirtualInterface) -> Self {
        self.interfaces.push(interface);
        self
    }

    /// Adds an address. Its interface may be added later.
    #[must_use]
    pub fn address(
        mut self,
        interface: InterfaceId,
        group: GroupNumber,
        address: InterfaceAddress,
    ) -> Self {
        self.addresses.push(VirtualAddress { interface, group, address });
        self
    }

    /// Checks all rules.
    ///
    /// # Errors
    /// The first rule that is broken: those of single figures first, then interface by interface in their order, then
    /// address by address.
    pub fn build(self) -> Result<VirtualAddresses, VirtualAddressError> {
        let Self { groups, prefix, interfaces, addresses } = self;
        let last_group = GroupNumber::new(groups).ok_or(VirtualAddressError::Groups(groups))?;
        if interfaces.len() > MAX_VIRTUAL_INTERFACES {
            return Err(VirtualAddressError::TooManyInterfaces(interfaces.len()));
        }
        if addresses.len() > MAX_VIRTUAL_ADDRESSES {
            return Err(VirtualAddressError::TooManyAddresses(addresses.len()));
        }
        check_interfaces(&interfaces, prefix)?;
        check_addresses(&addresses, &interfaces, last_group)?;
        let with_mac = |it: VirtualAddress| Ok((it, prefix.address(it.interface, it.group)?));
        let addresses = addresses.into_iter().map(with_mac).collect::<Result<_, ClusterMacError>>();
        Ok(VirtualAddresses { last_group, prefix, interfaces, addresses: addresses? })
    }
}

fn check_interfaces(
    interfaces: &[VirtualInterface],
    prefix: VirtualMacPrefix,
) -> Result<(), VirtualAddressError> {
    for (at, &VirtualInterface { interface, ports, .. }) in interfaces.iter().enumerate() {
        if interfaces.iter().take(at).any(|other| other.interface == interface) {
            return Err(VirtualAddressError::InterfaceTwice(interface));
        }
        if !(1..=MAX_PORTS).contains(&ports) {
            return Err(VirtualAddressError::Ports { interface, ports });
        }
        prefix.address(interface, GroupNumber::One)?;
    }
    Ok(())
}

fn check_addresses(
    addresses: &[VirtualAddress],
    interfaces: &[VirtualInterface],
    last_group: GroupNumber,
) -> Result<(), VirtualAddressError> {
    // A link-local address is told apart by its interface, any other one is not.
    let mut known = BTreeMap::new();
    for &VirtualAddress { interface, group, address } in addresses {
        if group > last_group {
            return Err(VirtualAddressError::NoSuchGroup { interface, group, address });
        }
        if !interfaces.iter().any(|it| it.interface == interface) {
            return Err(VirtualAddressError::NoSuchInterface { interface, group, address });
        }
        if address.is_reserved() {
            return Err(VirtualAddressError::NotAHost { interface, group, address });
        }
        let address = address.address();
        let is_link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        if known.insert((address, is_link_local.then_some(interface)), group).is_some() {
            return Err(VirtualAddressError::AddressTwice { interface, group, address });
        }
        let is_first =
            |it: &VirtualAddress| it.interface == interface && it.group == GroupNumber::One;
        if !addresses.iter().any(is_first) {
            return Err(VirtualAddressError::NoFirstGroup { interface, group });
        }
    }
    Ok(())
}
