//! Our messages to the kernel.

use super::*;
use crate::netlink::Batch;
use core::net::IpAddr;
use core::num::NonZeroU32;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use statesync::connection::{Connection, ConnectionState, TcpSide, Translation};

/// Which status an update carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::conntrack) enum Status {
    /// As the record says.
    Recorded,
    /// None: the kernel keeps its own.
    Kept,
}

pub(in crate::conntrack) fn dump(batch: &mut Batch) {
    // Family 0: both IPv4 and IPv6.
    batch.begin(GET, NLM_F_DUMP, &[0; 4]);
    batch.end();
}

/// A new entry with all that the record says. Refused with EEXIST if there is one.
pub(in crate::conntrack) fn create(batch: &mut Batch, connection: &Connection, timeout: u32) {
    let Connection { key, state } = connection;
    message(batch, NEW, NLM_F_CREATE | NLM_F_EXCL, key, |batch| {
        // The mirror of the original: the kernel makes the translated one from the NAT attributes.
        batch.nest(TUPLE_REPLY, |batch| {
            tuple(batch, key.destination, key.source, mirrored(key.transport));
        });
        status(batch, state);
        batch.attribute(TIMEOUT, &timeout.to_be_bytes());
        batch.attribute(MARK, &state.mark.to_be_bytes());
        // TCP without a known state would be refused at its next packet.
        if let Some(tcp) = tcp_of(key, state.tcp.or(Some(MIDSTREAM))) {
            tcp_info(batch, Some(&tcp));
        }
        if let Some(to) = &state.source_nat {
            translation(batch, NAT_SOURCE, to, true);
        }
        if let Some(to) = &state.destination_nat {
            // The identifier of an ICMP query belongs to its source.
            let port = !matches!(key.transport, Transport::Icmp { .. } | Transport::Icmpv6 { .. });
            translation(batch, NAT_DESTINATION, to, port);
        }
    });
}

/// The new state of an entry; NAT cannot be changed. Refused with ENOENT if there is none.
pub(in crate::conntrack) fn update(
    batch: &mut Batch,
    connection: &Connection,
    timeout: u32,
    with: Status,
) {
    let Connection { key, state } = connection;
    message(batch, NEW, 0, key, |batch| {
        if with == Status::Recorded {
            status(batch, state);
        }
        batch.attribute(TIMEOUT, &timeout.to_be_bytes());
        batch.attribute(MARK, &state.mark.to_be_bytes());
        if is_tcp(key) {
            tcp_info(batch, tcp_of(key, state.tcp).as_ref());
        }
    });
}

/// No sequence check any more, in both directions, whatever else the TCP entry holds.
pub(in crate::conntrack) fn liberal(batch: &mut Batch, key: &ConnectionKey) {
    message(batch, NEW, 0, key, |batch| tcp_info(batch, None));
}

/// Another time-out, in seconds.
pub(in crate::conntrack) fn timeout(batch: &mut Batch, key: &ConnectionKey, seconds: u32) {
    message(batch, NEW, 0, key, |batch| batch.attribute(TIMEOUT, &seconds.to_be_bytes()));
}

/// No entry any more. Refused with ENOENT if there is none.
pub(in crate::conntrack) fn delete(batch: &mut Batch, key: &ConnectionKey) {
    message(batch, DELETE, 0, key, |_| {});
}

/// No entry with this mark any more, above 0. Such a message without the mark would empty the whole table.
pub(in crate::conntrack) fn delete_marked(batch: &mut Batch, mark: NonZeroU32) {
    batch.begin(DELETE, 0, &[0; 4]);
    batch.attribute(MARK, &mark.get().to_be_bytes());
    batch.attribute(MARK_MASK, &u32::MAX.to_be_bytes());
    batch.end();
}

/// A message about `key`. It always names the tuple: without one, a deletion empties the whole table.
fn message(
    batch: &mut Batch,
    kind: u16,
    flags: u16,
    key: &ConnectionKey,
    rest: impl FnOnce(&mut Batch),
) {
    let family = if key.source.is_ipv4() { 2 } else { 10 };
    batch.begin(kind, flags, &[family, 0, 0, 0]);
    batch.nest(TUPLE_ORIGINAL, |batch| tuple(batch, key.source, key.destination, key.transport));
    rest(batch);
    batch.end();
}

fn tuple(batch: &mut Batch, source: IpAddr, destination: IpAddr, transport: Transport) {
    batch.nest(TUPLE_IP, |batch| {
        address(batch, source, IPV4_SOURCE, IPV6_SOURCE);
        address(batch, destination, IPV4_DESTINATION, IPV6_DESTINATION);
    });
    batch.nest(TUPLE_PROTOCOL, |batch| {
        batch.attribute(PROTOCOL_NUMBER, &[protocol(transport)]);
        match transport {
            Transport::Tcp { source, destination }
            | Transport::Udp { source, destination }
            | Transport::Other { source, destination, .. } => {
                batch.attribute(SOURCE_PORT, &source.to_be_bytes());
                batch.attribute(DESTINATION_PORT, &destination.to_be_bytes());
            }
            Transport::Icmp { id, kind, code } => {
                batch.attribute(ICMP_ID, &id.to_be_bytes());
                batch.attribute(ICMP_TYPE, &[kind]);
                batch.attribute(ICMP_CODE, &[code]);
            }
            Transport::Icmpv6 { id, kind, code } => {
                batch.attribute(ICMPV6_ID, &id.to_be_bytes());
                batch.attribute(ICMPV6_TYPE, &[kind]);
                batch.attribute(ICMPV6_CODE, &[code]);
            }
        }
    });
}

fn address(batch: &mut Batch, address: IpAddr, v4: u16, v6: u16) {
    match address {
        IpAddr::V4(address) => batch.attribute(v4, &address.octets()),
        IpAddr::V6(address) => batch.attribute(v6, &address.octets()),
    }
}

fn status(batch: &mut Batch, state: &ConnectionState) {
    // A connection that carries data both ways is never to be taken for an unanswered one.
    let established = state.tcp.is_some_and(|tcp| {
        !matches!(tcp.phase, TcpPhase::SynSent | TcpPhase::SynReceived | TcpPhase::SynSent2)
    });
    let mut status = CONFIRMED;
    if state.seen_reply || established {
        status |= SEEN_REPLY;
    }
    if state.assured || established {
        status |= ASSURED;
    }
    batch.attribute(STATUS, &status.to_be_bytes());
}

/// The state and the scales if they are known; in every case no sequence check, in both directions.
fn tcp_info(batch: &mut Batch, tcp: Option<&TcpState>) {
    batch.nest(PROTOCOL_INFO, |batch| {
        batch.nest(INFO_TCP, |batch| match tcp {
            Some(TcpState { phase, original, reply }) => {
                let flags = |side: &TcpSide| {
                    [side.flags & TCP_FLAGS_KEPT | TCP_LIBERAL, TCP_FLAGS_KEPT | TCP_LIBERAL]
                };
                batch.attribute(TCP_STATE, &[phase_number(*phase)]);
                batch.attribute(TCP_SCALE_ORIGINAL, &[original.window_scale.min(TCP_SCALE_MAX)]);
                batch.attribute(TCP_SCALE_REPLY, &[reply.window_scale.min(TCP_SCALE_MAX)]);
                batch.attribute(TCP_FLAGS_ORIGINAL, &flags(original));
                batch.attribute(TCP_FLAGS_REPLY, &flags(reply));
            }
            None => {
                batch.attribute(TCP_FLAGS_ORIGINAL, &[TCP_LIBERAL; 2]);
                batch.attribute(TCP_FLAGS_REPLY, &[TCP_LIBERAL; 2]);
            }
        });
    });
}

fn translation(batch: &mut Batch, kind: u16, to: &Translation, with_port: bool) {
    batch.nest(kind, |batch| {
        address(batch, to.address, NAT_IPV4_FIRST, NAT_IPV6_FIRST);
        address(batch, to.address, NAT_IPV4_LAST, NAT_IPV6_LAST);
        if with_port && to.port != 0 {
            batch.nest(NAT_PROTOCOL, |batch| {
                batch.attribute(NAT_PORT_FIRST, &to.port.to_be_bytes());
                batch.attribute(NAT_PORT_LAST, &to.port.to_be_bytes());
            });
        }
    });
}

/// For a TCP connection of which only the tuple is known.
const MIDSTREAM: TcpState = TcpState {
    phase: TcpPhase::Established,
    original: TcpSide { window_scale: TCP_SCALE_MAX, flags: 0x03 },
    reply: TcpSide { window_scale: TCP_SCALE_MAX, flags: 0x03 },
};

fn protocol(transport: Transport) -> u8 {
    match transport {
        Transport::Icmp { .. } => 1,
        Transport::Tcp { .. } => 6,
        Transport::Udp { .. } => 17,
        Transport::Icmpv6 { .. } => 58,
        Transport::Other { protocol, .. } => protocol,
    }
}
