//! The frames that tell a LAN where a shared address now is: gratuitous ARP for IPv4, unsolicited
//! neighbour advertisements for IPv6 (VMAC-3, VMAC-5).
//!
//! Without a virtual MAC address the frame carries the unit's own, and every host must take it into its
//! neighbour table. With one the hosts know it already: the frame's source address moves it to the
//! other port in the switches' tables. The frame is the same in both cases, but for the address.
//!
//! **Gratuitous ARP** is sent as a *request* for the address itself, the announcement of RFC 5227. By
//! RFC 826 a host updates an entry that it has from the sender fields of a request just as from a
//! reply, but some hosts ignore replies that they did not ask for. The field that a request leaves
//! open, the target's hardware address, is zero, as RFC 5227 wants it.
//!
//! ```text
//!  0  ff ff ff ff ff ff   to all hosts        22  mac        sender hardware address
//!  6  mac                 from                28  address    sender protocol address
//! 12  08 06               ARP                 32  zero       target hardware address
//! 14  00 01  08 00        Ethernet, IPv4      38  address    target protocol address
//! 18  06 04  00 01        lengths, request    42  zero       up to the shortest frame, 60 bytes
//! ```
//!
//! **The neighbour advertisement** is that of RFC 4861, section 7.2.6. Solicited is clear, since nobody
//! asked; override is set, so that hosts replace what they have; router is set, because the pair is its
//! hosts' router and a clear flag would take it from their default router lists.
//!
//! ```text
//!  0  33 33 00 00 00 01   to all nodes        38  ff02::1    to
//!  6  mac                 from                54  88 00      neighbour advertisement
//! 12  86 dd               IPv6                56  check sum  over pseudo-header and message
//! 14  60 00 00 00         version 6           58  a0 00 ..   router, override
//! 18  00 20  3a  ff       32 bytes, ICMPv6,   62  address    target
//!                         hop limit 255       78  02 01      target link-layer address, 8 bytes
//! 22  address             from                80  mac
//! ```

use crate::address::MacAddress;
use crate::identity::InterfaceId;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The length of the longest frame, in bytes.
pub const MAX_FRAME_LEN: usize = 86;

/// The shortest frame that Ethernet carries, without its check sequence.
const MIN_FRAME_LEN: usize = 60;

const ARP: [u8; 2] = [0x08, 0x06];
const ARP_REQUEST_FOR_IPV4: [u8; 8] = [0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01];

const IPV6: [u8; 2] = [0x86, 0xdd];
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ICMPV6: u8 = 58;
const ADVERTISEMENT_LEN: u8 = 32;
/// Type 136, code 0.
const NEIGHBOUR_ADVERTISEMENT: [u8; 2] = [136, 0];
/// Neighbours ignore what has not 255, which no router lets through (RFC 4861, section 7.1.2).
const HOP_LIMIT: u8 = 255;
const ROUTER: u8 = 0x80;
const OVERRIDE: u8 = 0x20;
/// Type 2, and its length in units of 8 bytes.
const TARGET_LINK_LAYER_ADDRESS: [u8; 2] = [2, 1];

/// One frame to send, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The data interface that it leaves by.
    pub interface: InterfaceId,
    /// The frame.
    pub frame: Frame,
}

/// An Ethernet frame from the destination address to the last byte of padding; the interface appends
/// the check sequence. Kept in place: no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    bytes: [u8; MAX_FRAME_LEN],
    len: usize,
}

/// The frame that tells a LAN that `address` is reached at `mac`: 60 bytes for IPv4, 86 for IPv6.
///
/// `address` is that of one host and `mac` of one interface, as
/// [`InterfaceAddress`](crate::address::InterfaceAddress) and
/// [`VirtualMac::address`](crate::virtual_mac::VirtualMac::address) assure; they are not checked again.
#[must_use]
pub fn announce(address: IpAddr, mac: MacAddress) -> Frame {
    match address {
        IpAddr::V4(address) => gratuitous_arp(address, mac),
        IpAddr::V6(address) => neighbour_advertisement(address, mac),
    }
}

fn gratuitous_arp(address: Ipv4Addr, mac: MacAddress) -> Frame {
    let address = address.octets();
    Frame::of(&[
        &MacAddress::BROADCAST.0,
        &mac.0,
        &ARP,
        &ARP_REQUEST_FOR_IPV4,
        &mac.0,
        &address,
        &MacAddress::ZERO.0,
        &address,
    ])
}

fn neighbour_advertisement(address: Ipv6Addr, mac: MacAddress) -> Frame {
    let source = address.octets();
    let target = address.octets();
    let all_nodes = ALL_NODES.octets();
    let flags = [ROUTER | OVERRIDE, 0, 0, 0];
    let check_sum = internet_check_sum(&[
        &source,
        &all_nodes,
        &[0, 0, 0, ADVERTISEMENT_LEN],
        &[0, 0, 0, ICMPV6],
        &NEIGHBOUR_ADVERTISEMENT,
        &flags,
        &target,
        &TARGET_LINK_LAYER_ADDRESS,
        &mac.0,
    ]);
    Frame::of(&[
        &ALL_NODES_MAC,
        &mac.0,
        &IPV6,
        &[0x60, 0, 0, 0],
        &[0, ADVERTISEMENT_LEN, ICMPV6, HOP_LIMIT],
        &source,
        &all_nodes,
        &NEIGHBOUR_ADVERTISEMENT,
        &check_sum,
        &flags,
        &target,
        &TARGET_LINK_LAYER_ADDRESS,
        &mac.0,
    ])
}

/// The check sum of RFC 1071. Every part but the last has an even number of bytes; the few hundred that
/// are summed here cannot overflow 32 bits.
fn internet_check_sum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2)).map(|word| match *word {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    });
    let sum = words.fold(0_u32, u32::wrapping_add);
    let folded = (sum & 0xffff).wrapping_add(sum >> 16);
    let folded = (folded & 0xffff).wrapping_add(folded >> 16);
    let [_, _, high, low] = (!folded).to_be_bytes();
    [high, low]
}

impl Frame {
    /// The bytes, ready for a raw socket or a driver's transmit ring.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut bytes = [0; MAX_FRAME_LEN];
        let written = bytes.iter_mut().zip(parts.iter().copied().flatten());
        let len = written.map(|(slot, byte)| *slot = *byte).count().max(MIN_FRAME_LEN);
        Self { bytes, len }
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frame(")?;
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::icmpv6::{Icmpv6PayloadSlice, NdpOptionSlice, NeighborAdvertisementHeader};
    use etherparse::{
        ArpHardwareId, ArpOperation, EtherType, Icmpv6Type, IpNumber, NetSlice, SlicedPacket,
        TransportSlice,
    };
    use proptest::prelude::*;
    use std::format;
    use std::vec::Vec;

    const MAC: MacAddress = MacAddress([0x02, 0x48, 0x00, 0x07, 0x00, 0x01]);
    const MAC6: MacAddress = MacAddress([0x02, 0x48, 0x00, 0x07, 0x00, 0x02]);

    /// VMAC-3: the whole frame of an IPv4 announcement.
    #[test]
    fn golden_gratuitous_arp() {
        let frame = announce("192.0.2.1".parse().unwrap(), MAC);
        let golden = concat!(
            "ffffffffffff",
            "024800070001",
            "0806",
            "0001080006040001",
            "024800070001",
            "c0000201",
            "000000000000",
            "c0000201",
            "000000000000000000000000000000000000",
        );
        assert_eq!(format!("{frame:?}"), format!("Frame({golden})"));
    }

    /// VMAC-3, VMAC-5: the whole frame of an IPv6 announcement.
    #[test]
    fn golden_neighbour_advertisement() {
        let frame = announce("2001:db8::1".parse().unwrap(), MAC6);
        let golden = concat!(
            "333300000001",
            "024800070002",
            "86dd",
            "60000000",
            "00203aff",
            "20010db8000000000000000000000001",
            "ff020000000000000000000000000001",
            "8800",
            "78da",
            "a0000000",
            "20010db8000000000000000000000001",
            "0201",
            "024800070002",
        );
        assert_eq!(format!("{frame:?}"), format!("Frame({golden})"));
    }

    proptest! {
        /// VMAC-3: every field of a gratuitous ARP, as another parser reads it.
        #[test]
        fn a_capture_parser_reads_the_arp(address: [u8; 4], mac: [u8; 6]) {
            let frame = announce(Ipv4Addr::from(address).into(), MacAddress(mac));
            let packet = SlicedPacket::from_ethernet(frame.as_bytes()).unwrap();
            let ethernet = packet.link.unwrap().to_header().unwrap().ethernet2().unwrap();
            prop_assert_eq!(ethernet.destination, MacAddress::BROADCAST.0);
            prop_assert_eq!(ethernet.source, mac);
            prop_assert_eq!(ethernet.ether_type, EtherType::ARP);
            let Some(NetSlice::Arp(arp)) = packet.net else { panic!("not ARP") };
            prop_assert_eq!(arp.hw_addr_type(), ArpHardwareId::ETHERNET);
            prop_assert_eq!(arp.proto_addr_type(), EtherType::IPV4);
            prop_assert_eq!((arp.hw_addr_size(), arp.proto_addr_size()), (6, 4));
            prop_assert_eq!(arp.operation(), ArpOperation::REQUEST);
            prop_assert_eq!(arp.sender_hw_addr(), mac);
            prop_assert_eq!(arp.sender_protocol_addr(), address);
            prop_assert_eq!(arp.target_hw_addr(), [0; 6]);
            prop_assert_eq!(arp.target_protocol_addr(), address);
            prop_assert_eq!(frame.as_bytes().len(), MIN_FRAME_LEN);
            prop_assert!(frame.as_bytes()[42..].iter().all(|padding| *padding == 0));
        }

        /// VMAC-3, VMAC-5: every field of a neighbour advertisement, flags and check sum included, as
        /// another parser reads it.
        #[test]
        fn a_capture_parser_reads_the_advertisement(address: [u8; 16], mac: [u8; 6]) {
            let frame = announce(Ipv6Addr::from(address).into(), MacAddress(mac));
            let packet = SlicedPacket::from_ethernet(frame.as_bytes()).unwrap();
            let ethernet = packet.link.unwrap().to_header().unwrap().ethernet2().unwrap();
            prop_assert_eq!(ethernet.destination, [0x33, 0x33, 0, 0, 0, 1]);
            prop_assert_eq!(ethernet.source, mac);
            prop_assert_eq!(ethernet.ether_type, EtherType::IPV6);
            let Some(NetSlice::Ipv6(ip)) = packet.net else { panic!("not IPv6") };
            let header = ip.header();
            prop_assert_eq!(header.source(), address);
            prop_assert_eq!(header.destination_addr(), "ff02::1".parse::<Ipv6Addr>().unwrap());
            prop_assert_eq!((header.payload_length(), header.hop_limit()), (32, 255));
            prop_assert_eq!(header.next_header(), IpNumber::IPV6_ICMP);
            prop_assert_eq!((header.traffic_class(), header.flow_label().value()), (0, 0));
            let Some(TransportSlice::Icmpv6(icmp)) = packet.transport else { panic!("not ICMPv6") };
            prop_assert!(icmp.is_checksum_valid(address, header.destination()));
            let flags = NeighborAdvertisementHeader { router: true, solicited: false, r#override: true };
            prop_assert_eq!(icmp.icmp_type(), Icmpv6Type::NeighborAdvertisement(flags));
            prop_assert_eq!(icmp.bytes5to8(), [0xa0, 0, 0, 0]);
            let Ok(Icmpv6PayloadSlice::NeighborAdvertisement(body)) = icmp.payload_slice() else {
                panic!("not a neighbour advertisement")
            };
            prop_assert_eq!(body.target_address(), Ipv6Addr::from(address));
            let options: Vec<_> = body.options_iterator().map(Result::unwrap).collect();
            let [NdpOptionSlice::TargetLinkLayerAddress(option)] = options.as_slice() else {
                panic!("not one target link-layer address")
            };
            prop_assert_eq!(option.link_layer_address(), mac);
            prop_assert_eq!(frame.as_bytes().len(), MAX_FRAME_LEN);
        }
    }
}
