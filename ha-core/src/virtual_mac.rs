//! Virtual MAC addresses: one per data interface, borne by whichever unit is Active (VMAC-1).
//!
//! With a virtual MAC a take-over changes no host's neighbour table: only the switches learn that the
//! address moved to another port. It needs neither state synchronization nor a license (VMAC-2).
//!
//! A derived address depends on configuration alone, so it survives the replacement of a unit. Byte by
//! byte, without a prefix:
//!
//! ```text
//! 02 : 48 : pair id, high : pair id, low : interface, high : interface, low
//! ```
//!
//! `02` makes it a locally administered address of one host. `48` is fixed and keeps it apart from
//! other makers of such addresses on the LAN. The pair id and the interface number fill 16 bits each.
//!
//! With a vendor's prefix only 24 bits are left for two numbers of 16 bits. They get 12 bits each, and
//! a number above [`MAX_PREFIXED`] is refused rather than shortened, since two shortened numbers could
//! become one address:
//!
//! ```text
//! prefix : prefix : prefix : PP : PI : II      P pair id, I interface: three hexadecimal digits each
//! ```
//!
//! [`PairConfigBuilder::virtual_mac`](crate::pair::PairConfigBuilder::virtual_mac) says where the address of
//! an interface comes from, and checks all of them.
//!
//! Different pairs and interfaces so never get the same derived address, but an override can hit one:
//! [`check_distinct`] looks at all addresses of a unit together.

use crate::address::MacAddress;
use crate::identity::{InterfaceId, PairId};
use thiserror::Error;

/// The highest pair id and the highest interface number that fit behind a vendor's prefix: 12 bits.
pub const MAX_PREFIXED: u16 = 0x0fff;

const LOCAL_PREFIX: [u8; 2] = [0x02, 0x48];

/// Where the virtual MAC address of an interface comes from (VMAC-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VirtualMac {
    /// Made from the pair's number and the interface's. The [module](self) shows the bytes.
    Derived {
        /// The pair's number. Two pairs on one LAN need different ones.
        pair: PairId,
        /// The first three bytes: an OUI or a CID that the IEEE assigned to the vendor. Without it the
        /// address is locally administered.
        prefix: Option<[u8; 3]>,
    },
    /// Supplied by the license manager for this interface: it sees to it that no other pair has the same.
    Supplied(MacAddress),
    /// Given by the administrator for this interface.
    Override(MacAddress),
}

/// Why a virtual MAC address is refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VirtualMacError {
    /// It names a group of hosts: no interface can bear it.
    #[error("{interface}: the virtual MAC address {mac} is a multicast address")]
    Multicast {
        /// The interface that it is for.
        interface: InterfaceId,
        /// The address.
        mac: MacAddress,
    },
    /// All its bytes are zero.
    #[error("{interface}: the virtual MAC address is zero")]
    Zero {
        /// The interface that it is for.
        interface: InterfaceId,
    },
    /// The pair's number is above [`MAX_PREFIXED`], and there is a vendor's prefix.
    #[error("{interface}: {pair} does not fit behind a vendor prefix, where 4095 is the highest")]
    PairTooHigh {
        /// The interface that the address is for.
        interface: InterfaceId,
        /// The pair's number.
        pair: PairId,
    },
    /// The interface's number is above [`MAX_PREFIXED`], and there is a vendor's prefix.
    #[error("{interface} does not fit behind a vendor prefix, where 4095 is the highest")]
    InterfaceTooHigh {
        /// The interface that the address is for.
        interface: InterfaceId,
    },
    /// Two interfaces have the same one.
    #[error("{first} and {second} have the same virtual MAC address {mac}")]
    Duplicate {
        /// The one that comes first in the list.
        first: InterfaceId,
        /// The other.
        second: InterfaceId,
        /// Their address.
        mac: MacAddress,
    },
    /// It is the own address of an interface of one of the units.
    #[error("{interface}: the virtual MAC address {mac} is a unit's own")]
    UnitsOwn {
        /// The interface that it is for.
        interface: InterfaceId,
        /// The address.
        mac: MacAddress,
    },
}

impl VirtualMac {
    /// The address for `interface`. The same on both units, and after every start.
    ///
    /// # Errors
    /// The address is zero or multicast, or a number does not fit behind the vendor's prefix.
    pub fn address(self, interface: InterfaceId) -> Result<MacAddress, VirtualMacError> {
        let mac = match self {
            Self::Derived { pair, prefix: None } => local(pair, interface),
            Self::Derived { pair, prefix: Some(prefix) } => prefixed(prefix, pair, interface)?,
            Self::Supplied(mac) | Self::Override(mac) => mac,
        };
        if mac == MacAddress::ZERO {
            return Err(VirtualMacError::Zero { interface });
        }
        if mac.is_multicast() {
            return Err(VirtualMacError::Multicast { interface, mac });
        }
        Ok(mac)
    }
}

fn local(pair: PairId, interface: InterfaceId) -> MacAddress {
    let [a, b] = LOCAL_PREFIX;
    let [c, d] = pair.0.to_be_bytes();
    let [e, f] = interface.0.to_be_bytes();
    MacAddress([a, b, c, d, e, f])
}

fn prefixed(
    prefix: [u8; 3],
    pair: PairId,
    interface: InterfaceId,
) -> Result<MacAddress, VirtualMacError> {
    if pair.0 > MAX_PREFIXED {
        return Err(VirtualMacError::PairTooHigh { interface, pair });
    }
    if interface.0 > MAX_PREFIXED {
        return Err(VirtualMacError::InterfaceTooHigh { interface });
    }
    let [a, b, c] = prefix;
    let [_, d, e, f] = ((u32::from(pair.0) << 12) | u32::from(interface.0)).to_be_bytes();
    Ok(MacAddress([a, b, c, d, e, f]))
}

/// Checks the virtual MAC addresses of all interfaces together: no two are the same, and none is in
/// `own`, the addresses that the interfaces of this unit (and of the peer, where known) were made with.
///
/// The time grows with the square of the number of interfaces; a configuration is checked once.
///
/// # Errors
/// [`VirtualMacError::Duplicate`] or [`VirtualMacError::UnitsOwn`] for the first interface in the order
/// of the list that has a wrong one.
pub fn check_distinct(
    virtual_macs: &[(InterfaceId, MacAddress)],
    own: &[MacAddress],
) -> Result<(), VirtualMacError> {
    for (at, &(interface, mac)) in virtual_macs.iter().enumerate() {
        if own.contains(&mac) {
            return Err(VirtualMacError::UnitsOwn { interface, mac });
        }
        if let Some(&(first, _)) = virtual_macs.iter().take(at).find(|(_, other)| *other == mac) {
            return Err(VirtualMacError::Duplicate { first, second: interface, mac });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    const LAN: InterfaceId = InterfaceId(1);
    const WAN: InterfaceId = InterfaceId(2);

    fn derived(pair: u16, prefix: Option<[u8; 3]>) -> VirtualMac {
        VirtualMac::Derived { pair: PairId(pair), prefix }
    }

    /// VMAC-1: the bytes of a derived address, as documented.
    #[test]
    fn a_derived_address_has_the_documented_bytes() {
        let mac = derived(0x1234, None).address(InterfaceId(0x5678)).unwrap();
        assert_eq!(mac.to_string(), "02:48:12:34:56:78");
        assert!(mac.is_local());
        let mac = derived(0xabc, Some([0x00, 0x17, 0xc5])).address(InterfaceId(0x123)).unwrap();
        assert_eq!(mac.to_string(), "00:17:c5:ab:c1:23");
        assert!(!mac.is_local());
    }

    /// VMAC-1: what does not fit behind a vendor's prefix is refused, never shortened.
    #[test]
    fn a_number_that_does_not_fit_behind_a_prefix_is_refused() {
        let prefix = Some([0x00, 0x17, 0xc5]);
        assert_eq!(
            derived(0x1000, prefix).address(LAN),
            Err(VirtualMacError::PairTooHigh { interface: LAN, pair: PairId(0x1000) })
        );
        assert_eq!(
            derived(1, prefix).address(InterfaceId(0x1000)),
            Err(VirtualMacError::InterfaceTooHigh { interface: InterfaceId(0x1000) })
        );
        assert!(derived(0x0fff, prefix).address(InterfaceId(0x0fff)).is_ok());
    }

    /// VMAC-1: zero and multicast are refused, from whichever source.
    #[test]
    fn zero_and_multicast_are_refused() {
        let zero = VirtualMacError::Zero { interface: LAN };
        assert_eq!(VirtualMac::Override(MacAddress::ZERO).address(LAN), Err(zero));
        let zero = VirtualMacError::Zero { interface: InterfaceId(0) };
        assert_eq!(derived(0, Some([0; 3])).address(InterfaceId(0)), Err(zero));
        let zero = VirtualMacError::Zero { interface: LAN };
        assert_eq!(VirtualMac::Supplied(MacAddress::ZERO).address(LAN), Err(zero));
        for mac in [MacAddress::BROADCAST, MacAddress([0x01, 0, 0x5e, 0, 0, 1])] {
            let refused = VirtualMacError::Multicast { interface: LAN, mac };
            assert_eq!(VirtualMac::Override(mac).address(LAN), Err(refused));
            assert_eq!(VirtualMac::Supplied(mac).address(LAN), Err(refused));
        }
        let mac = MacAddress([0x03, 0x17, 0xc5, 0x00, 0x10, 0x01]);
        let refused = VirtualMacError::Multicast { interface: LAN, mac };
        assert_eq!(derived(1, Some([0x03, 0x17, 0xc5])).address(LAN), Err(refused));
    }

    /// VMAC-1: an override counts for its interface, and duplicates are refused by both names.
    #[test]
    fn duplicates_are_refused_with_both_interfaces() {
        let lan = derived(7, None).address(LAN).unwrap();
        let wan = derived(7, None).address(WAN).unwrap();
        assert_eq!(check_distinct(&[(LAN, lan), (WAN, wan)], &[]), Ok(()));
        let copy = VirtualMac::Override(lan).address(WAN).unwrap();
        let refused = check_distinct(&[(LAN, lan), (WAN, copy)], &[]).unwrap_err();
        assert_eq!(refused, VirtualMacError::Duplicate { first: LAN, second: WAN, mac: lan });
        assert_eq!(
            refused.to_string(),
            "interface 1 and interface 2 have the same virtual MAC address 02:48:00:07:00:01"
        );
    }

    /// VMAC-1: a virtual address differs from either unit's own.
    #[test]
    fn a_units_own_address_is_refused() {
        let own: MacAddress = "52:54:00:12:34:56".parse().unwrap();
        let refused = VirtualMacError::UnitsOwn { interface: WAN, mac: own };
        assert_eq!(check_distinct(&[(WAN, own)], &[own]), Err(refused));
    }

    proptest! {
        /// VMAC-1: another pair or another interface always has another address.
        #[test]
        fn derivation_is_injective(
            one in any::<(u16, u16)>(),
            other in any::<(u16, u16)>(),
            prefix in proptest::option::of(any::<[u8; 3]>()),
        ) {
            let address = |(pair, interface)| derived(pair, prefix).address(InterfaceId(interface));
            if let (Ok(a), Ok(b)) = (address(one), address(other)) {
                prop_assert!(a.is_unicast() && b.is_unicast());
                prop_assert_eq!(a == b, one == other);
            }
        }

        /// VMAC-1: the same with the few numbers that fit behind a prefix.
        #[test]
        fn derivation_behind_a_prefix_is_injective(
            one in (0..=MAX_PREFIXED, 0..=MAX_PREFIXED),
            other in (0..=MAX_PREFIXED, 0..=MAX_PREFIXED),
        ) {
            let address = |(pair, interface)| {
                derived(pair, Some([0x00, 0x17, 0xc5])).address(InterfaceId(interface)).unwrap()
            };
            prop_assert_eq!(address(one) == address(other), one == other);
        }
    }
}
