//! What will be different once clustering is on, told to the administrator before it is done.

use super::{AddressObject, GroupNatPolicy};
use crate::identity::GroupNumber;
use core::fmt;
use ha_core::address::{InterfaceAddress, MacAddress};
use ha_core::identity::InterfaceId;

/// One thing that will be different (NODE-5). It is displayed as one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are what the sentences name
pub enum ConversionChange {
    /// The internal DHCP server is turned off, and cannot be turned on again.
    DhcpServerOff,
    /// The pair's virtual MAC address of an interface is given up (VMAC-4).
    PairVirtualMacOff { interface: InterfaceId },
    /// A virtual group is made: VG 1 for this node, one more for each other node.
    Group { group: GroupNumber },
    /// The link of an interface is monitored from now on, and that cannot be turned off (MON-9).
    LinkMonitored { interface: InterfaceId },
    /// An interface gets a virtual MAC address, by which hosts know its addresses from now on (VMAC-4).
    VirtualMac { interface: InterfaceId, group: GroupNumber, mac: MacAddress },
    /// An address moves with its group from now on.
    AddressBecomesVirtual { interface: InterfaceId, address: InterfaceAddress, group: GroupNumber },
    /// An address object is made.
    Object(AddressObject),
    /// A NAT policy is made.
    NatPolicy(GroupNatPolicy),
}

impl fmt::Display for ConversionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DhcpServerOff => f.write_str(
                "The internal DHCP server is turned off; it cannot be turned on while clustering is on.",
            ),
            Self::PairVirtualMacOff { interface } => {
                write!(f, "The virtual MAC address that the pair had on {interface} is given up.")
            }
            Self::Group { group: GroupNumber::One } => {
                write!(f, "{} is made; its owner is the Master.", GroupNumber::One)
            }
            Self::Group { group } => write!(f, "{group} is made, without virtual addresses."),
            Self::LinkMonitored { interface } => {
                write!(f, "The link of {interface} is monitored; this cannot be turned off.")
            }
            Self::VirtualMac { interface, group, mac } => {
                write!(f, "The addresses of {group} on {interface} get the MAC address {mac}.")
            }
            Self::AddressBecomesVirtual { interface, address, group } => {
                write!(f, "The address {address} of {interface} becomes a virtual one of {group}.")
            }
            Self::Object(object) => {
                write!(f, "The address object \"{object}\" is made for {}.", object.address)
            }
            Self::NatPolicy(GroupNatPolicy { of, interface, group }) => {
                write!(f, "The NAT policy {of} on {interface} gets one like it for {group}.")
            }
        }
    }
}
