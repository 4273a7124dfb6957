//! The kernel's messages to us. Whatever they hold, reading them does not panic.

use super::*;
use crate::netlink::Message;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use netlink_packet_core::NlasIterator;
use statesync::connection::{Connection, ConnectionState, TcpSide, Translation};

/// What a message of the kernel says of one connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::conntrack) enum Entry {
    /// It is there, like this.
    Present(Connection),
    /// It is gone.
    Gone(ConnectionKey),
    /// Nothing for us: another kind of message, or a zone other than the default one, whose
    /// connections a key cannot name.
    Foreign,
}

/// Reads a message of the kernel; `None` if it is malformed.
pub(in crate::conntrack) fn parse(message: &Message<'_>) -> Option<Entry> {
    if message.kind != NEW && message.kind != DELETE {
        return Some(Entry::Foreign);
    }
    let mut original = None;
    let mut reply = None;
    let mut status = 0;
    let mut state = ConnectionState {
        source_nat: None,
        destination_nat: None,
        mark: 0,
        tcp: None,
        seen_reply: false,
        assured: false,
        timeout: 0,
    };
    for attribute in NlasIterator::new(message.payload.get(4..)?) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            TUPLE_ORIGINAL => original = Some(parse_tuple(value)?),
            TUPLE_REPLY => reply = Some(parse_tuple(value)?),
            STATUS => status = number(value)?,
            TIMEOUT => state.timeout = number(value)?,
            MARK => state.mark = number(value)?,
            PROTOCOL_INFO => state.tcp = parse_tcp(value)?,
            ZONE => return Some(Entry::Foreign),
            _ => {}
        }
    }
    let key = original?;
    if message.kind == DELETE {
        return Some(Entry::Gone(key));
    }
    if let Some(reply) = reply {
        (state.source_nat, state.destination_nat) = translations(&key, &reply);
    }
    state.seen_reply = status & SEEN_REPLY != 0;
    state.assured = status & ASSURED != 0;
    state.tcp = tcp_of(&key, state.tcp);
    Some(Entry::Present(Connection { key, state }))
}

/// What was translated shows where the answer is not the mirror of the original.
fn translations(
    key: &ConnectionKey,
    reply: &ConnectionKey,
) -> (Option<Translation>, Option<Translation>) {
    let (source, destination) = ports(key.transport);
    let (answer_source, answer_destination) = ports(mirrored(reply.transport));
    let to = |address, port| Translation { address, port };
    let source_nat = ((reply.destination, answer_source) != (key.source, source))
        .then(|| to(reply.destination, answer_source));
    let destination_nat = ((reply.source, answer_destination) != (key.destination, destination))
        .then(|| to(reply.source, answer_destination));
    // The identifier of an ICMP query is that of its source; a changed one says nothing of the other.
    let destination_nat = destination_nat.filter(|to| {
        to.address != key.destination
            || !matches!(key.transport, Transport::Icmp { .. } | Transport::Icmpv6 { .. })
    });
    (source_nat, destination_nat)
}

/// What stands for the ports of both ends.
fn ports(transport: Transport) -> (u16, u16) {
    match transport {
        Transport::Tcp { source, destination }
        | Transport::Udp { source, destination }
        | Transport::Other { source, destination, .. } => (source, destination),
        Transport::Icmp { id, .. } | Transport::Icmpv6 { id, .. } => (id, id),
    }
}

fn parse_tuple(bytes: &[u8]) -> Option<ConnectionKey> {
    let (mut source, mut destination) = (None, None);
    let mut fields = Fields::default();
    for attribute in NlasIterator::new(bytes) {
        let attribute = attribute.ok()?;
        match attribute.kind() {
            TUPLE_IP => {
                for attribute in NlasIterator::new(attribute.value()) {
                    let attribute = attribute.ok()?;
                    let value = attribute.value();
                    match attribute.kind() {
                        IPV4_SOURCE => source = Some(ipv4(value)?),
                        IPV4_DESTINATION => destination = Some(ipv4(value)?),
                        IPV6_SOURCE => source = Some(ipv6(value)?),
                        IPV6_DESTINATION => destination = Some(ipv6(value)?),
                        _ => {}
                    }
                }
            }
            TUPLE_PROTOCOL => fields = parse_fields(attribute.value())?,
            _ => {}
        }
    }
    let (source, destination) = (source?, destination?);
    let same_family = source.is_ipv4() == destination.is_ipv4();
    same_family.then_some(ConnectionKey { source, destination, transport: fields.transport()? })
}

/// What a tuple says of the protocol above IP.
#[derive(Default)]
struct Fields {
    protocol: Option<u8>,
    source: u16,
    destination: u16,
    id: u16,
    kind: u8,
    code: u8,
}

fn parse_fields(bytes: &[u8]) -> Option<Fields> {
    let mut fields = Fields::default();
    for attribute in NlasIterator::new(bytes) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            PROTOCOL_NUMBER => fields.protocol = Some(*value.first()?),
            SOURCE_PORT => fields.source = port(value)?,
            DESTINATION_PORT => fields.destination = port(value)?,
            ICMP_ID | ICMPV6_ID => fields.id = port(value)?,
            ICMP_TYPE | ICMPV6_TYPE => fields.kind = *value.first()?,
            ICMP_CODE | ICMPV6_CODE => fields.code = *value.first()?,
            _ => {}
        }
    }
    Some(fields)
}

impl Fields {
    fn transport(self) -> Option<Transport> {
        let Self { protocol, source, destination, id, kind, code } = self;
        Some(match protocol? {
            1 => Transport::Icmp { id, kind, code },
            6 => Transport::Tcp { source, destination },
            17 => Transport::Udp { source, destination },
            58 => Transport::Icmpv6 { id, kind, code },
            protocol => Transport::Other { protocol, source, destination },
        })
    }
}

fn parse_tcp(bytes: &[u8]) -> Option<Option<TcpState>> {
    let mut phase = None;
    let (mut original, mut reply) = (TcpSide::default(), TcpSide::default());
    for attribute in NlasIterator::new(bytes) {
        let attribute = attribute.ok()?;
        if attribute.kind() != INFO_TCP {
            continue;
        }
        for attribute in NlasIterator::new(attribute.value()) {
            let attribute = attribute.ok()?;
            let value = *attribute.value().first()?;
            match attribute.kind() {
                TCP_STATE => phase = PHASES.get(usize::from(value).wrapping_sub(1)).copied(),
                TCP_SCALE_ORIGINAL => original.window_scale = value,
                TCP_SCALE_REPLY => reply.window_scale = value,
                TCP_FLAGS_ORIGINAL => original.flags = value & TCP_FLAGS_KEPT,
                TCP_FLAGS_REPLY => reply.flags = value & TCP_FLAGS_KEPT,
                _ => {}
            }
        }
    }
    Some(phase.map(|phase| TcpState { phase, original, reply }))
}

fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn port(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn ipv4(value: &[u8]) -> Option<IpAddr> {
    value.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes).into())
}

fn ipv6(value: &[u8]) -> Option<IpAddr> {
    value.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes).into())
}
