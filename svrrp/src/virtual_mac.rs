//! The virtual MAC addresses of a cluster: one for each interface and virtual group, borne by the group's owner
//! (VMAC-4). Hosts that know the address keep it when the owner changes: only the switches learn its new port.
//!
//! ```text
//! byte   0   1   2   3      4                  5
//!       00  17  c5  6a     XX                 YY
//!       prefix             interface number   number of the group, minus one
//! ```
//!
//! | interface | group | address, with the default prefix |
//! | --- | --- | --- |
//! | 0 | VG 1 | `00-17-c5-6a-00-00` |
//! | 3 | VG 1 | `00-17-c5-6a-03-00` |
//! | 3 | VG 2 | `00-17-c5-6a-03-01` |
//! | 255 | VG 4 | `00-17-c5-6a-ff-03` |
//!
//! No two interfaces and groups of a cluster have the same one, but two clusters on one LAN would: give one of them
//! another [prefix](VirtualMacPrefix).
//!
//! It does not go together with the virtual MAC address of a pair ([`ha_core::virtual_mac`]), which is one for all
//! groups: [`check_pair`] refuses that.

use crate::identity::GroupNumber;
use core::fmt;
use core::str::FromStr;
use ha_core::address::MacAddress;
use ha_core::identity::InterfaceId;
use ha_core::virtual_mac::VirtualMac;
use thiserror::Error;

/// The highest number of an interface that can have virtual addresses: one byte is left for it.
pub const MAX_INTERFACE_NUMBER: u16 = 255;

/// The first four bytes of all virtual MAC addresses of a cluster: the same on all its units.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "[u8; 4]", into = "[u8; 4]")
)]
pub struct VirtualMacPrefix([u8; 4]);

/// Why a virtual MAC address of a cluster is refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClusterMacError {
    /// All bytes of the prefix are zero: with interface 0 and VG 1 that is no address.
    #[error("virtual MAC prefix: it is zero")]
    ZeroPrefix,
    /// The prefix makes addresses of groups of hosts, which no interface can bear.
    #[error("virtual MAC prefix: it is that of multicast addresses")]
    MulticastPrefix,
    /// The text is not four pairs of hexadecimal digits.
    #[error("virtual MAC prefix: four pairs of hexadecimal digits between hyphens are one")]
    PrefixText,
    /// The interface's number is above [`MAX_INTERFACE_NUMBER`].
    #[error("{interface} cannot have virtual MAC addresses: 255 is the highest that can")]
    InterfaceTooHigh {
        /// The interface.
        interface: InterfaceId,
    },
    /// Two have the same address.
    #[error("{} and {} have the same virtual MAC address {mac}", Place(*.first), Place(*.second))]
    Duplicate {
        /// The interface and group that come first in the list.
        first: (InterfaceId, GroupNumber),
        /// The other ones.
        second: (InterfaceId, GroupNumber),
        /// Their address.
        mac: MacAddress,
    },
    /// It is the own address of an interface of one of the units.
    #[error("{interface}, {group}: the virtual MAC address {mac} is a unit's own")]
    UnitsOwn {
        /// The interface that it is for.
        interface: InterfaceId,
        /// The group that it is for.
        group: GroupNumber,
        /// The address.
        mac: MacAddress,
    },
    /// A pair's virtual MAC address is configured for an interface, and there is none in a cluster.
    #[error("{interface} has a virtual MAC address of its pair, which there is not in a cluster")]
    PairVirtualMac {
        /// The interface.
        interface: InterfaceId,
    },
}

/// An interface and a group, for a message.
struct Place((InterfaceId, GroupNumber));

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self((interface, group)) = self;
        write!(f, "{interface} of {group}")
    }
}

impl VirtualMacPrefix {
    /// That of the profile `sonicos`: `00-17-c5-6a`.
    pub const SONICOS: Self = Self([0x00, 0x17, 0xc5, 0x6a]);

    /// A prefix with these bytes.
    ///
    /// # Errors
    /// It is zero or multicast. Broadcast is multicast, too.
    pub fn new(bytes: [u8; 4]) -> Result<Self, ClusterMacError> {
        let [a, b, c, d] = bytes;
        let lowest = MacAddress([a, b, c, d, 0, 0]);
        if lowest == MacAddress::ZERO {
            return Err(ClusterMacError::ZeroPrefix);
        }
        if lowest.is_multicast() {
            return Err(ClusterMacError::MulticastPrefix);
        }
        Ok(Self(bytes))
    }

    /// Its four bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 4] {
        self.0
    }

    /// The address of this interface for this group: the same on all units. The [module](self) shows the bytes.
    ///
    /// # Errors
    /// [`ClusterMacError::InterfaceTooHigh`], above [`MAX_INTERFACE_NUMBER`]: never shortened, since two shortened
    /// numbers could become one address.
    pub fn address(
        self,
        interface: InterfaceId,
        group: GroupNumber,
    ) -> Result<MacAddress, ClusterMacError> {
        let number = u8::try_from(interface.0);
        let number = number.map_err(|_| ClusterMacError::InterfaceTooHigh { interface })?;
        Ok(self.with(number, group))
    }

    /// The same with a number that was checked before.
    fn with(self, interface: u8, group: GroupNumber) -> MacAddress {
        let [a, b, c, d] = self.0;
        MacAddress([a, b, c, d, interface, group.get().saturating_sub(1)])
    }
}

impl Default for VirtualMacPrefix {
    /// [`VirtualMacPrefix::SONICOS`].
    fn default() -> Self {
        Self::SONICOS
    }
}

impl TryFrom<[u8; 4]> for VirtualMacPrefix {
    type Error = ClusterMacError;

    fn try_from(bytes: [u8; 4]) -> Result<Self, ClusterMacError> {
        Self::new(bytes)
    }
}

impl From<VirtualMacPrefix> for [u8; 4] {
    fn from(prefix: VirtualMacPrefix) -> Self {
        prefix.0
    }
}

impl fmt::Display for VirtualMacPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a:02x}-{b:02x}-{c:02x}-{d:02x}")
    }
}

impl fmt::Debug for VirtualMacPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VirtualMacPrefix {
    type Err = ClusterMacError;

    /// Four pairs of hexadecimal digits between hyphens or colons.
    fn from_str(text: &str) -> Result<Self, ClusterMacError> {
        // A whole address has the same syntax, and two pairs more.
        let separator = if text.contains(':') { ":" } else { "-" };
        let mut whole = alloc::string::String::from(text);
        whole.extend([separator, "00", separator, "00"]);
        let MacAddress([a, b, c, d, ..]) =
            whole.parse().map_err(|_| ClusterMacError::PrefixText)?;
        Self::new([a, b, c, d])
    }
}

/// Checks virtual MAC addresses together: no two are the same, and none is in `own`, the addresses that the interfaces
/// of the units were made with, as far as they are known.
///
/// Those that one prefix makes are never the same; those of two clusters, or of a cluster and of pairs on the same LAN,
/// can be. The time grows with the square of their number; a configuration is checked once.
///
/// # Errors
/// [`ClusterMacError::Duplicate`] or [`ClusterMacError::UnitsOwn`] for the first wrong one in the order of the list.
pub fn check_distinct(
    virtual_macs: &[(InterfaceId, GroupNumber, MacAddress)],
    own: &[MacAddress],
) -> Result<(), ClusterMacError> {
    for (at, &(interface, group, mac)) in virtual_macs.iter().enumerate() {
        if own.contains(&mac) {
            return Err(ClusterMacError::UnitsOwn { interface, group, mac });
        }
        let mut before = virtual_macs.iter().take(at);
        if let Some(&(first, of, _)) = before.find(|(.., other)| *other == mac) {
            let (first, second) = ((first, of), (interface, group));
            return Err(ClusterMacError::Duplicate { first, second, mac });
        }
    }
    Ok(())
}

/// Checks what a node's pair has of virtual MAC addresses of its own: there can be none in a cluster (VMAC-4).
///
/// # Errors
/// [`ClusterMacError::PairVirtualMac`] for the first one.
pub fn check_pair(virtual_macs: &[(InterfaceId, VirtualMac)]) -> Result<(), ClusterMacError> {
    match virtual_macs {
        [] => Ok(()),
        [(interface, _), ..] => Err(ClusterMacError::PairVirtualMac { interface: *interface }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ha_core::identity::PairId;
    use proptest::prelude::*;
    use std::string::ToString;
    use std::vec::Vec;

    const LAN: InterfaceId = InterfaceId(0);
    const WAN: InterfaceId = InterfaceId(1);

    fn mac(text: &str) -> MacAddress {
        text.parse().unwrap()
    }

    /// VMAC-4: the bytes of an address, as documented.
    #[test]
    fn an_address_has_the_documented_bytes() {
        let prefix = VirtualMacPrefix::default();
        for (interface, group, text) in [
            (0, GroupNumber::One, "00-17-c5-6a-00-00"),
            (3, GroupNumber::One, "00-17-c5-6a-03-00"),
            (3, GroupNumber::Two, "00-17-c5-6a-03-01"),
            (255, GroupNumber::Four, "00-17-c5-6a-ff-03"),
        ] {
            assert_eq!(prefix.address(InterfaceId(interface), group), Ok(mac(text)));
        }
        assert_eq!(prefix.to_string(), "00-17-c5-6a");
    }

    /// VMAC-4: an interface whose number does not fit is refused, never shortened.
    #[test]
    fn an_interface_above_255_is_refused() {
        for number in [256, 300, u16::MAX] {
            let interface = InterfaceId(number);
            assert_eq!(
                VirtualMacPrefix::SONICOS.address(interface, GroupNumber::One),
                Err(ClusterMacError::InterfaceTooHigh { interface })
            );
        }
    }

    /// VMAC-4: a prefix whose addresses no interface could bear is refused, as bytes and as text.
    #[test]
    fn zero_and_multicast_prefixes_are_refused() {
        let refused = |bytes| VirtualMacPrefix::new(bytes).unwrap_err();
        assert_eq!(refused([0; 4]), ClusterMacError::ZeroPrefix);
        assert_eq!(refused([0xff; 4]), ClusterMacError::MulticastPrefix);
        assert_eq!(refused([0x01, 0x00, 0x5e, 0x00]), ClusterMacError::MulticastPrefix);
        let parsed = |text: &str| text.parse::<VirtualMacPrefix>();
        assert_eq!(parsed("00-00-00-00"), Err(ClusterMacError::ZeroPrefix));
        assert_eq!(parsed("33:33:00:00"), Err(ClusterMacError::MulticastPrefix));
        for text in ["", "00-17-c5", "00-17-c5-6a-00", "00-17-c5-6g", "0-17-c5-6a", "00-17-c5-6a-"]
        {
            assert_eq!(parsed(text), Err(ClusterMacError::PrefixText), "{text}");
        }
        assert_eq!(parsed("02:48:00:00").unwrap().bytes(), [0x02, 0x48, 0x00, 0x00]);
    }

    /// VMAC-4: two clusters with one prefix have the same addresses, which is told by both places; with another prefix
    /// they have not.
    #[test]
    fn two_clusters_on_one_lan_need_two_prefixes() {
        let of = |prefix: VirtualMacPrefix, interface| {
            (interface, GroupNumber::Two, prefix.address(interface, GroupNumber::Two).unwrap())
        };
        let ours = of(VirtualMacPrefix::SONICOS, WAN);
        let other = VirtualMacPrefix::new([0x02, 0x17, 0xc5, 0x6a]).unwrap();
        assert_eq!(check_distinct(&[ours, of(other, WAN)], &[]), Ok(()));
        let refused = check_distinct(&[of(other, LAN), ours, ours], &[]).unwrap_err();
        let place = (WAN, GroupNumber::Two);
        assert_eq!(
            refused,
            ClusterMacError::Duplicate { first: place, second: place, mac: ours.2 }
        );
        assert_eq!(
            refused.to_string(),
            "interface 1 of VG 2 and interface 1 of VG 2 have the same virtual MAC address \
             00:17:c5:6a:01:01"
        );
    }

    /// VMAC-4: a virtual address differs from all that the units' interfaces were made with.
    #[test]
    fn a_units_own_address_is_refused() {
        let group = GroupNumber::One;
        let own = VirtualMacPrefix::SONICOS.address(WAN, group).unwrap();
        let refused = ClusterMacError::UnitsOwn { interface: WAN, group, mac: own };
        assert_eq!(check_distinct(&[(WAN, group, own)], &[own]), Err(refused));
    }

    /// VMAC-4: a pair in a cluster has no virtual MAC address of its own, from whichever source.
    #[test]
    fn the_pairs_virtual_mac_is_refused() {
        assert_eq!(check_pair(&[]), Ok(()));
        let derived = VirtualMac::Derived { pair: PairId(1), prefix: None };
        for source in [derived, VirtualMac::Override(mac("02:00:00:00:00:01"))] {
            let refused = ClusterMacError::PairVirtualMac { interface: WAN };
            assert_eq!(check_pair(&[(WAN, source), (LAN, source)]), Err(refused));
        }
    }

    /// VMAC-4: all interfaces and groups together have addresses of their own.
    #[test]
    fn all_addresses_of_a_cluster_are_distinct() {
        let all: Vec<_> = (0..=MAX_INTERFACE_NUMBER)
            .map(InterfaceId)
            .flat_map(|interface| GroupNumber::ALL.map(|group| (interface, group)))
            .map(|(interface, group)| {
                let mac = VirtualMacPrefix::SONICOS.address(interface, group).unwrap();
                (interface, group, mac)
            })
            .collect();
        assert_eq!(check_distinct(&all, &[]), Ok(()));
    }

    proptest! {
        /// VMAC-4: whatever the prefix, an address is that of one interface; and a prefix survives being written.
        #[test]
        fn any_prefix_that_is_accepted_makes_addresses_of_one_interface(
            bytes: [u8; 4],
            interface in 0..=MAX_INTERFACE_NUMBER,
        ) {
            if let Ok(prefix) = VirtualMacPrefix::new(bytes) {
                for group in GroupNumber::ALL {
                    prop_assert!(prefix.address(InterfaceId(interface), group).unwrap().is_unicast());
                }
                prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
            }
        }
    }
}
