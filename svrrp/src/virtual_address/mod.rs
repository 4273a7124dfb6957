//! Virtual addresses: what the owner of a virtual group holds on each interface (VG-1, NODE-5).
//!
//! [`VirtualAddresses`] is the table of all of them, the same on all nodes: it is part of the configuration that they
//! share (NODE-3). It exists only if it is valid; its [builder](VirtualAddressesBuilder) names the rules. What a node
//! has to do with the addresses of a group when it gets or loses it stands in order in [`Duty`].
//!
//! An interface can have several addresses in one group, of both families (our decision): for the
//! [link weight](crate::link_weight) it counts once.

mod builder;
mod duty;
mod monitoring;

pub use builder::{
    MAX_VIRTUAL_ADDRESSES, MAX_VIRTUAL_INTERFACES, VirtualAddressError, VirtualAddressesBuilder,
};
pub use duty::{Duty, GroupAction};
pub use monitoring::ClusterMonitorError;

use crate::identity::GroupNumber;
use crate::virtual_mac::VirtualMacPrefix;
use alloc::vec::Vec;
use core::net::IpAddr;
use ha_core::address::{InterfaceAddress, MacAddress};
use ha_core::announcement::{Announcement, announce};
use ha_core::identity::InterfaceId;
use ha_core::monitor::Zone;

/// An interface that can have virtual addresses: the same on all units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VirtualInterface {
    /// Its number: 0 to 255, since its virtual MAC addresses bear it (VMAC-4).
    pub interface: InterfaceId,
    /// Where it leads to (MON-9).
    pub zone: Zone,
    /// How many redundant ports it has, 1 to 8: as long as one of them is up, the interface is (VG-3).
    pub ports: u8,
}

/// An address that the owner of a group holds on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VirtualAddress {
    /// Where.
    pub interface: InterfaceId,
    /// Of which group.
    pub group: GroupNumber,
    /// Which.
    pub address: InterfaceAddress,
}

/// All virtual addresses of a cluster, made by [`VirtualAddresses::builder`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddresses {
    /// The groups there are: from VG 1 to this one.
    last_group: GroupNumber,
    prefix: VirtualMacPrefix,
    interfaces: Vec<VirtualInterface>,
    /// With the virtual MAC address of each, made once.
    addresses: Vec<(VirtualAddress, MacAddress)>,
}

/// No addresses: VG 1 alone, with the prefix of the profile `sonicos`.
impl Default for VirtualAddresses {
    fn default() -> Self {
        Self {
            last_group: GroupNumber::One,
            prefix: VirtualMacPrefix::SONICOS,
            interfaces: Vec::new(),
            addresses: Vec::new(),
        }
    }
}

impl VirtualAddresses {
    /// Begins a table with VG 1 alone, the prefix of the profile `sonicos`, and no interfaces.
    #[must_use]
    pub fn builder() -> VirtualAddressesBuilder {
        VirtualAddressesBuilder::default()
    }

    /// The same table to be changed: it is checked anew.
    #[must_use]
    pub fn to_builder(&self) -> VirtualAddressesBuilder {
        VirtualAddressesBuilder {
            groups: self.last_group.get(),
            prefix: self.prefix,
            interfaces: self.interfaces.clone(),
            addresses: self.addresses.iter().map(|(it, _)| *it).collect(),
        }
    }

    /// The groups there are, 1 to 4 of them: VG 1 and those behind it, without a gap.
    pub fn groups(&self) -> impl Iterator<Item = GroupNumber> + use<> {
        let last = self.last_group;
        GroupNumber::ALL.into_iter().filter(move |group| *group <= last)
    }

    /// The first four bytes of the virtual MAC addresses (VMAC-4).
    #[must_use]
    pub fn prefix(&self) -> VirtualMacPrefix {
        self.prefix
    }

    /// The interfaces, in the order of the configuration.
    #[must_use]
    pub fn interfaces(&self) -> &[VirtualInterface] {
        &self.interfaces
    }

    /// All addresses, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &VirtualAddress> {
        self.addresses.iter().map(|(it, _)| it)
    }

    /// The addresses of a group, each with its virtual MAC address, in the order of the configuration.
    pub fn of(&self, group: GroupNumber) -> impl Iterator<Item = (&VirtualAddress, MacAddress)> {
        self.addresses.iter().filter(move |(it, _)| it.group == group).map(|(it, mac)| (it, *mac))
    }

    /// The frames that tell every LAN where the addresses of a group now are: one for each address, with its virtual
    /// MAC address, in the order of the configuration (VG-8). They are made as they are asked for, so that they can go
    /// out in bursts (BEY-10).
    pub fn announcements(&self, group: GroupNumber) -> impl Iterator<Item = Announcement> {
        self.of(group).map(|(it, mac)| Announcement {
            interface: it.interface,
            frame: announce(it.address.address(), mac),
        })
    }

    /// Whether the interface has an address in the group.
    #[must_use]
    pub fn has(&self, interface: InterfaceId, group: GroupNumber) -> bool {
        self.of(group).any(|(it, _)| it.interface == interface)
    }

    /// The interfaces whose link is monitored because they have virtual addresses, in the order of the configuration.
    /// It cannot be turned off (MON-9): there is nothing by which.
    pub fn monitored(&self) -> impl Iterator<Item = &VirtualInterface> {
        self.interfaces.iter().filter(|it| self.has(it.interface, GroupNumber::One))
    }

    /// Where a group has IPv6 addresses and no link-local one among them (VMAC-5): each interface and group once.
    /// It is allowed, and unwise: hosts that took the owner as their router know it by its own link-local address, and
    /// do not follow to the next owner. The [`link_local`](MacAddress::link_local) of the virtual MAC address will do.
    pub fn without_link_local(&self) -> impl Iterator<Item = (InterfaceId, GroupNumber)> {
        let interfaces = self.interfaces.iter().map(|it| it.interface);
        let all = interfaces.flat_map(|it| self.groups().map(move |group| (it, group)));
        all.filter(|(interface, group)| {
            let v6 = || {
                let here = self.of(*group).filter(|(it, _)| it.interface == *interface);
                here.filter_map(|(it, _)| match it.address.address() {
                    IpAddr::V4(_) => None,
                    IpAddr::V6(address) => Some(address),
                })
            };
            v6().next().is_some() && !v6().any(|address| address.is_unicast_link_local())
        })
    }
}
