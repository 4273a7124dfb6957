//! Echo requests and their answers as bytes (RFC 792, RFC 4443).

use etherparse::{
    IcmpEchoHeader, Icmpv4Slice, Icmpv4Type, Icmpv6Slice, Icmpv6Type, IpNumber, Ipv4Slice,
};
use rustix::rand::{GetRandomFlags, getrandom};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// So many random bytes go with each request. Who did not see it cannot answer it.
const TOKEN: usize = 16;
/// The token, and the whole sequence number: the header has room for its lower half only.
const PAYLOAD: usize = TOKEN + 4;

/// One question, and what is the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    header: IcmpEchoHeader,
    payload: [u8; PAYLOAD],
}

impl Echo {
    /// A question with this sequence number, that nobody else can answer.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(sequence: u32) -> io::Result<Self> {
        let mut random = [0; TOKEN + 2];
        // Not more than 256 bytes, so it gives all of them or none.
        getrandom(&mut random, GetRandomFlags::empty())?;
        let (token, id) = random.split_at(TOKEN);
        let mut payload = [0; PAYLOAD];
        payload[..TOKEN].copy_from_slice(token);
        payload[TOKEN..].copy_from_slice(&sequence.to_be_bytes());
        let id = u16::from_be_bytes([id[0], id[1]]);
        Ok(Self { header: IcmpEchoHeader { id, seq: sequence as u16 }, payload })
    }

    /// What is sent to a target of this family: from the ICMP header on. The kernel puts the check sum
    /// into a message of ICMPv6, since it knows the addresses.
    #[must_use]
    pub fn request(&self, target: IpAddr) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + PAYLOAD);
        match target {
            IpAddr::V4(_) => {
                let kind = Icmpv4Type::EchoRequest(self.header);
                let header = etherparse::Icmpv4Header::with_checksum(kind, &self.payload);
                bytes.extend_from_slice(&header.to_bytes());
            }
            IpAddr::V6(_) => {
                let header = etherparse::Icmpv6Header::new(Icmpv6Type::EchoRequest(self.header));
                bytes.extend_from_slice(&header.to_bytes());
            }
        }
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Whether what a raw socket received is the answer of this target: with the IP header in IPv4, and
    /// from the ICMP header on in IPv6.
    #[must_use]
    pub fn is_answered_by(&self, target: IpAddr, datagram: &[u8]) -> bool {
        let answer = match target {
            IpAddr::V4(target) => answer_v4(target, datagram),
            IpAddr::V6(_) => answer_v6(datagram),
        };
        answer == Some((self.header, &self.payload))
    }
}

/// Header and contents of an echo reply; `None` if it is something else.
fn answer_v4(target: Ipv4Addr, datagram: &[u8]) -> Option<(IcmpEchoHeader, &[u8])> {
    let packet = Ipv4Slice::from_slice(datagram).ok()?;
    let payload = packet.payload();
    if packet.header().source_addr() != target
        || payload.ip_number != IpNumber::ICMP
        || payload.fragmented
    {
        return None;
    }
    let message = Icmpv4Slice::from_slice(payload.payload).ok()?;
    let kind = message.icmp_type();
    // The kernel checks it for its own answers, and not for raw sockets.
    if kind.calc_checksum(message.payload()) != message.checksum() {
        return None;
    }
    match kind {
        Icmpv4Type::EchoReply(header) => Some((header, message.payload())),
        _ => None,
    }
}

/// The same; the kernel has checked the check sum.
fn answer_v6(datagram: &[u8]) -> Option<(IcmpEchoHeader, &[u8])> {
    let message = Icmpv6Slice::from_slice(datagram).ok()?;
    match message.icmp_type() {
        Icmpv6Type::EchoReply(header) => Some((header, message.payload())),
        _ => None,
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
