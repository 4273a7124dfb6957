//! Addresses of interfaces: MAC addresses, and IP addresses with their prefix length.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;
use ipnet::IpNet;
use thiserror::Error;

/// Why a text is not a valid address. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It is not six pairs of hexadecimal digits between colons or hyphens.
    #[error("not a MAC address: six pairs of hexadecimal digits between colons are")]
    Mac,
    /// It is not an IP address, a slash and a prefix length.
    #[error("not an address with a prefix length, such as 192.0.2.1/24")]
    Syntax,
    /// The prefix is longer than an address of its family.
    #[error("prefix length {prefix} is longer than the address")]
    Prefix {
        /// The prefix length that was given.
        prefix: u8,
    },
    /// Only the address of one host will do: it is unspecified, multicast or broadcast.
    #[error("not the address of one host")]
    NotUnicast,
}

/// An IEEE 802 MAC address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// All hosts of the link.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// No address.
    pub const ZERO: Self = Self([0; 6]);

    /// Whether it names a group of hosts (broadcast included).
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 0x01 != 0
    }

    /// Whether it was assigned by an administrator rather than by a manufacturer.
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0[0] & 0x02 != 0
    }

    /// The IPv6 link-local address that goes with it (RFC 4291, appendix A), with its prefix of 64 bits. That
    /// of a virtual MAC address moves between the units with it (VMAC-5).
    #[must_use]
    pub const fn link_local(self) -> InterfaceAddress {
        let [a, b, c, d, e, f] = self.0;
        let bytes = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 0x02, b, c, 0xff, 0xfe, d, e, f];
        InterfaceAddress { address: IpAddr::V6(Ipv6Addr::from_octets(bytes)), prefix: 64 }
    }

    /// Whether one interface can bear it: neither zero nor multicast.
    #[must_use]
    pub fn is_unicast(self) -> bool {
        self != Self::ZERO && !self.is_multicast()
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut bytes = [0; 6];
        let mut digits = text.split([':', '-']);
        for byte in &mut bytes {
            let pair = digits.next().filter(|pair| pair.len() == 2).ok_or(AddressError::Mac)?;
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(AddressError::Mac);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| AddressError::Mac)?;
        }
        if digits.next().is_some() {
            return Err(AddressError::Mac);
        }
        Ok(Self(bytes))
    }
}

/// An address of an interface with the prefix length of its subnet: `192.0.2.1/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceAddress {
    address: IpAddr,
    prefix: u8,
}

impl InterfaceAddress {
    /// An address with its prefix length.
    ///
    /// # Errors
    /// The prefix is longer than the address, or the address is not that of one host.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, AddressError> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix > longest {
            return Err(AddressError::Prefix { prefix });
        }
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        if address.is_unspecified() || address.is_multicast() || broadcast {
            return Err(AddressError::NotUnicast);
        }
        Ok(Self { address, prefix })
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// The prefix length in bits: at most 32 or 128.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it is one that no host of its subnet can have: that of the subnet itself, or its broadcast address. The
    /// shortest subnets have neither (RFC 3021, RFC 6164).
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        // `new` refuses a prefix that is too long.
        IpNet::new(self.address, self.prefix)
            .is_ok_and(|net| is_reserved(net.trunc(), self.address))
    }
}

/// The address of the subnet itself or its broadcast address; the shortest subnets have neither (RFC 3021,
/// RFC 6164).
pub(crate) fn is_reserved(subnet: IpNet, address: IpAddr) -> bool {
    match subnet {
        IpNet::V4(v4) => {
            v4.prefix_len() < 31 && (subnet.network() == address || subnet.broadcast() == address)
        }
        // The subnet-router anycast address (RFC 4291); there is no broadcast.
        IpNet::V6(v6) => v6.prefix_len() < 127 && subnet.network() == address,
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for InterfaceAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, prefix) = text.split_once('/').ok_or(AddressError::Syntax)?;
        let address = address.parse().map_err(|_| AddressError::Syntax)?;
        let prefix = prefix.parse().map_err(|_| AddressError::Syntax)?;
        Self::new(address, prefix)
    }
}

#[cfg(feature = "serde")]
mod text {
    //! Addresses are serialized as the text that a person writes, and checked when they are read.

    use super::{InterfaceAddress, MacAddress};
    use core::fmt::{self, Display};
    use core::marker::PhantomData;
    use core::str::FromStr;
    use serde::de::{Error, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err: Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address as text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    macro_rules! as_text {
        ($name:ty) => {
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_str(Text(PhantomData))
                }
            }
        };
    }

    as_text!(MacAddress);
    as_text!(InterfaceAddress);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn addresses_survive_being_written_and_read() {
        for text in ["192.0.2.1/24", "2001:db8::1/64", "10.0.0.1/32"] {
            assert_eq!(text.parse::<InterfaceAddress>().unwrap().to_string(), text);
        }
        let mac: MacAddress = "02-00-5E-10-00-01".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:5e:10:00:01");
    }

    #[test]
    fn a_subnet_has_addresses_that_no_host_can_have() {
        let is_reserved = |text: &str| text.parse::<InterfaceAddress>().unwrap().is_reserved();
        for text in ["192.0.2.0/24", "192.0.2.255/24", "10.0.0.4/30", "2001:db8::/64"] {
            assert!(is_reserved(text), "{text}");
        }
        for text in ["192.0.2.1/24", "10.0.0.0/31", "10.0.0.1/31", "10.0.0.1/32", "2001:db8::/127"]
        {
            assert!(!is_reserved(text), "{text}");
        }
    }

    /// VMAC-5: the example of RFC 4291, appendix A, and the address of a derived virtual MAC.
    #[test]
    fn a_mac_address_has_a_link_local_address() {
        let of = |mac: &str| mac.parse::<MacAddress>().unwrap().link_local().to_string();
        assert_eq!(of("34:56:78:9a:bc:de"), "fe80::3656:78ff:fe9a:bcde/64");
        assert_eq!(of("02:48:00:07:00:01"), "fe80::48:ff:fe07:1/64");
    }

    #[test]
    fn what_is_not_an_address_of_one_host_is_refused() {
        let refused = |text: &str| text.parse::<InterfaceAddress>().unwrap_err();
        assert_eq!(refused("192.0.2.1"), AddressError::Syntax);
        assert_eq!(refused("192.0.2.1/33"), AddressError::Prefix { prefix: 33 });
        assert_eq!(refused("0.0.0.0/0"), AddressError::NotUnicast);
        assert_eq!(refused("ff02::1/64"), AddressError::NotUnicast);
        for text in
            ["", "02:00:00:00:00", "02:00:00:00:00:01:02", "+2:00:00:00:00:01", "2:0:0:0:0:1"]
        {
            assert_eq!(text.parse::<MacAddress>(), Err(AddressError::Mac), "{text}");
        }
    }
}
