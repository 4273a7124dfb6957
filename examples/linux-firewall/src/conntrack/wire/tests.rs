use super::*;
use crate::netlink::{Batch, Channel, Message, Messages};
use core::net::IpAddr;
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, ConntrackMessage, ProtoInfo, ProtoInfoTCP, Tuple,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner};
use netlink_sys::protocols::NETLINK_NETFILTER;
use proptest::prelude::*;
use statesync::connection::{Connection, ConnectionState, TcpSide, Translation};

fn batch() -> Batch {
    Channel::open(NETLINK_NETFILTER, &[], 0).unwrap().batch()
}

fn only(batch: &Batch) -> Message<'_> {
    let mut messages = Messages::new(batch.bytes());
    let message = messages.next().unwrap();
    assert!(messages.next().is_none());
    message
}

fn address_pairs() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    prop_oneof![
        any::<([u8; 4], [u8; 4])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
        any::<([u8; 16], [u8; 16])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
    ]
}

fn transports() -> impl Strategy<Value = Transport> {
    let other = any::<u8>().prop_filter("has a kind of its own", |n| ![1, 6, 17, 58].contains(n));
    prop_oneof![
        any::<(u16, u16)>()
            .prop_map(|(source, destination)| Transport::Tcp { source, destination }),
        any::<(u16, u16)>()
            .prop_map(|(source, destination)| Transport::Udp { source, destination }),
        any::<(u16, u8, u8)>().prop_map(|(id, kind, code)| Transport::Icmp { id, kind, code }),
        any::<(u16, u8, u8)>().prop_map(|(id, kind, code)| Transport::Icmpv6 { id, kind, code }),
        (other, any::<u16>(), any::<u16>()).prop_map(|(protocol, source, destination)| {
            Transport::Other { protocol, source, destination }
        }),
    ]
}

prop_compose! {
    fn connections()(
        (source, destination) in address_pairs(),
        transport in transports(),
        mark in any::<u32>(),
        phase in 0..PHASES.len(),
        sides in any::<[(u8, u8); 2]>(),
        (seen_reply, assured) in any::<(bool, bool)>(),
        timeout in any::<u32>(),
    ) -> Connection {
        let key = ConnectionKey { source, destination, transport };
        let [original, reply] = sides.map(|(window_scale, flags)| TcpSide {
            window_scale: window_scale % (TCP_SCALE_MAX + 1),
            flags: flags & TCP_FLAGS_KEPT,
        });
        let tcp = is_tcp(&key).then_some(TcpState { phase: PHASES[phase], original, reply });
        let (source_nat, destination_nat) = (None, None);
        let state = ConnectionState {
            source_nat, destination_nat, mark, tcp, seen_reply, assured, timeout,
        };
        Connection { key, state }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Without NAT the kernel's message and ours are alike, so what we write we read.
    #[test]
    fn what_is_written_is_read(connection in connections()) {
        let mut batch = batch();
        create(&mut batch, &connection, connection.state.timeout);
        let Some(Entry::Present(read)) = parse(&only(&batch)) else { panic!("{connection:?}") };
        let mut expected = connection;
        // An open TCP connection counts as answered and assured.
        expected.state.seen_reply |= read.state.seen_reply && connection.state.tcp.is_some();
        expected.state.assured |= read.state.assured && connection.state.tcp.is_some();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_message_makes_the_reader_panic(
        connection in connections(),
        kind in prop_oneof![Just(NEW), Just(DELETE), Just(GET)],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut batch = batch();
        create(&mut batch, &connection, 1);
        let mut payload = only(&batch).payload.to_vec();
        for (at, value) in changes {
            let at = at.index(payload.len());
            payload[at] = value;
        }
        payload.truncate(cut.index(payload.len() + 1));
        let _ = parse(&Message { kind, flags: 0, sequence: 0, port: 0, payload: &payload });
    }

    #[test]
    fn no_datagram_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        for message in Messages::new(&bytes) {
            let _ = (parse(&message), message.error(), message.done());
        }
    }
}

/// An independent reader understands what is written.
#[test]
fn the_typed_crate_reads_the_same() {
    let transport = Transport::Tcp { source: 1000, destination: 443 };
    let (source, destination) = ("10.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap());
    let key = ConnectionKey { source, destination, transport };
    let side = |window_scale| TcpSide { window_scale, flags: 3 };
    let tcp = TcpState { phase: TcpPhase::Established, original: side(7), reply: side(9) };
    let state = ConnectionState {
        source_nat: Some(Translation { address: "198.51.100.1".parse().unwrap(), port: 40_000 }),
        destination_nat: None,
        mark: 5,
        tcp: Some(tcp),
        seen_reply: false,
        assured: false,
        timeout: 0,
    };
    let mut batch = batch();
    create(&mut batch, &Connection { key, state }, 1234);
    let message = NetlinkMessage::<NetfilterMessage>::deserialize(batch.bytes()).unwrap();
    let NetlinkPayload::InnerMessage(message) = message.payload else { panic!() };
    let NetfilterMessageInner::Conntrack(ConntrackMessage::New(attributes)) = message.inner else {
        panic!()
    };
    let [
        ConntrackAttribute::CtaTupleOrig(original),
        ConntrackAttribute::CtaTupleReply(reply),
        ConntrackAttribute::CtaStatus(status),
        ConntrackAttribute::CtaTimeout(1234),
        ConntrackAttribute::CtaMark(5),
        ConntrackAttribute::CtaProtoInfo(info),
        ConntrackAttribute::Other(_),
    ] = &attributes[..]
    else {
        panic!("{attributes:?}")
    };
    assert_eq!(status.bits(), CONFIRMED | SEEN_REPLY | ASSURED);
    for (tuple, source, destination) in [(original, 1000, 443), (reply, 443, 1000)] {
        let [Tuple::Ip(_), Tuple::Proto(parts)] = &tuple[..] else { panic!("{tuple:?}") };
        use netlink_packet_netfilter::conntrack::{ProtoTuple, Protocol};
        let expected = [
            ProtoTuple::Protocol(Protocol::Tcp),
            ProtoTuple::SourcePort(source),
            ProtoTuple::DestinationPort(destination),
        ];
        assert_eq!(parts[..], expected);
    }
    let [ProtoInfo::TCP(parts)] = &info[..] else { panic!("{info:?}") };
    let [
        ProtoInfoTCP::State(3),
        ProtoInfoTCP::OriginalWindowScale(7),
        ProtoInfoTCP::ReplyWindowScale(9),
        ProtoInfoTCP::OriginalFlags(one),
        ProtoInfoTCP::ReplyFlags(other),
    ] = &parts[..]
    else {
        panic!("{parts:?}")
    };
    assert_eq!([one.flags, one.mask, other.flags, other.mask], [0x0b, 0x0f, 0x0b, 0x0f]);
}

/// A connection of another zone cannot be told from one of the default zone by its key.
#[test]
fn other_zones_are_left_out() {
    let mut batch = batch();
    batch.begin(NEW, 0, &[2, 0, 0, 0]);
    batch.attribute(ZONE, &7_u16.to_be_bytes());
    batch.end();
    assert!(matches!(parse(&only(&batch)), Some(Entry::Foreign)));
}
