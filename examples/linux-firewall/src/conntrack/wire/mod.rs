//! How the kernel writes a connection in ctnetlink's messages, and how we do.
//!
//! Our own encoding, over the attribute iterator of `netlink-packet-core`: the typed messages of
//! `netlink-packet-netfilter` allocate a vector for each nested attribute and lack NAT, zones and ICMP,
//! and cost as much time per entry (0.9 µs each way) as the kernel needs to make one. A test reads what
//! is written here with that crate.

mod read;
mod write;

pub(super) use read::{Entry, parse};
pub(super) use write::{Status, create, delete, delete_marked, dump, liberal, timeout, update};

use statesync::connection::{ConnectionKey, TcpPhase, TcpState, Transport};

const NEW: u16 = 0x0100;
const GET: u16 = 0x0101;
const DELETE: u16 = 0x0102;

// The attributes of a connection (nfnetlink_conntrack.h).
const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const STATUS: u16 = 3;
const PROTOCOL_INFO: u16 = 4;
const NAT_SOURCE: u16 = 6;
const TIMEOUT: u16 = 7;
const MARK: u16 = 8;
const NAT_DESTINATION: u16 = 13;
const ZONE: u16 = 18;
const MARK_MASK: u16 = 21;
// Of a tuple.
const TUPLE_IP: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const IPV4_SOURCE: u16 = 1;
const IPV4_DESTINATION: u16 = 2;
const IPV6_SOURCE: u16 = 3;
const IPV6_DESTINATION: u16 = 4;
const PROTOCOL_NUMBER: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;
const ICMP_ID: u16 = 4;
const ICMP_TYPE: u16 = 5;
const ICMP_CODE: u16 = 6;
const ICMPV6_ID: u16 = 7;
const ICMPV6_TYPE: u16 = 8;
const ICMPV6_CODE: u16 = 9;
// Of TCP.
const INFO_TCP: u16 = 1;
const TCP_STATE: u16 = 1;
const TCP_SCALE_ORIGINAL: u16 = 2;
const TCP_SCALE_REPLY: u16 = 3;
const TCP_FLAGS_ORIGINAL: u16 = 4;
const TCP_FLAGS_REPLY: u16 = 5;
// Of NAT.
const NAT_IPV4_FIRST: u16 = 1;
const NAT_IPV4_LAST: u16 = 2;
const NAT_PROTOCOL: u16 = 3;
const NAT_IPV6_FIRST: u16 = 4;
const NAT_IPV6_LAST: u16 = 5;
const NAT_PORT_FIRST: u16 = 1;
const NAT_PORT_LAST: u16 = 2;

const SEEN_REPLY: u32 = 1 << 1;
const ASSURED: u32 = 1 << 2;
const CONFIRMED: u32 = 1 << 3;

/// The tracker's flags that describe a side: scaling, selective acknowledgement, closing. The others
/// change with every few packets, or are ours.
const TCP_FLAGS_KEPT: u8 = 0x07;
/// Accept segments outside of the window that was recorded.
const TCP_LIBERAL: u8 = 0x08;
/// The largest window scale (RFC 7323).
const TCP_SCALE_MAX: u8 = 14;

fn is_tcp(key: &ConnectionKey) -> bool {
    matches!(key.transport, Transport::Tcp { .. })
}

fn tcp_of(key: &ConnectionKey, tcp: Option<TcpState>) -> Option<TcpState> {
    tcp.filter(|_| is_tcp(key))
}

/// The transport of an answer.
fn mirrored(transport: Transport) -> Transport {
    match transport {
        Transport::Tcp { source, destination } => {
            Transport::Tcp { source: destination, destination: source }
        }
        Transport::Udp { source, destination } => {
            Transport::Udp { source: destination, destination: source }
        }
        Transport::Other { protocol, source, destination } => {
            Transport::Other { protocol, source: destination, destination: source }
        }
        Transport::Icmp { id, kind, code } => {
            // Echo, timestamp, information and address mask, each query beside its answer.
            let kind = match kind {
                0 => 8,
                8 => 0,
                13 | 15 | 17 => kind + 1,
                14 | 16 | 18 => kind - 1,
                other => other,
            };
            Transport::Icmp { id, kind, code }
        }
        Transport::Icmpv6 { id, kind, code } => {
            // Echo and node information.
            let kind = match kind {
                128 | 139 => kind + 1,
                129 | 140 => kind - 1,
                other => other,
            };
            Transport::Icmpv6 { id, kind, code }
        }
    }
}

const PHASES: [TcpPhase; 9] = [
    TcpPhase::SynSent,
    TcpPhase::SynReceived,
    TcpPhase::Established,
    TcpPhase::FinWait,
    TcpPhase::CloseWait,
    TcpPhase::LastAck,
    TcpPhase::TimeWait,
    TcpPhase::Close,
    TcpPhase::SynSent2,
];

/// The kernel's number of a phase: 1 for the first.
fn phase_number(phase: TcpPhase) -> u8 {
    PHASES.iter().position(|known| *known == phase).map_or(0, |at| at as u8 + 1)
}

#[cfg(test)]
mod tests;
