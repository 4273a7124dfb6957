use super::*;
use etherparse::PacketBuilder;
use proptest::prelude::*;
use std::net::Ipv6Addr;

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 53);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 54);
const TARGET_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 2, 0, 0, 0, 0, 0, 0x53));

/// What a host sends back: a packet as a raw socket receives it.
fn reply_v4(from: Ipv4Addr, id: u16, seq: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(from.octets(), [10, 2, 0, 2], 64).icmpv4_echo_reply(id, seq);
    let mut packet = Vec::new();
    builder.write(&mut packet, payload).unwrap();
    packet
}

fn reply_v6(id: u16, seq: u16, payload: &[u8]) -> Vec<u8> {
    let kind = Icmpv6Type::EchoReply(IcmpEchoHeader { id, seq });
    let mut message = etherparse::Icmpv6Header::new(kind).to_bytes().to_vec();
    message.extend_from_slice(payload);
    message
}

fn right_reply(echo: &Echo) -> Vec<u8> {
    reply_v4(TARGET, echo.header.id, echo.header.seq, &echo.payload)
}

/// MON-3: a request is answered by its own contents, from the target, in both families.
#[test]
fn the_answer_has_what_the_request_had() {
    let echo = Echo::new(0x0001_0002).unwrap();
    assert!(echo.is_answered_by(TARGET.into(), &right_reply(&echo)));
    let reply = reply_v6(echo.header.id, echo.header.seq, &echo.payload);
    assert!(echo.is_answered_by(TARGET_V6, &reply));
    let request = echo.request(TARGET.into());
    let message = Icmpv4Slice::from_slice(&request).unwrap();
    assert_eq!(message.icmp_type(), Icmpv4Type::EchoRequest(echo.header));
    assert_eq!(echo.header.seq, 2);
    assert_eq!(message.payload()[TOKEN..], [0, 1, 0, 2]);
    assert_eq!(message.icmp_type().calc_checksum(message.payload()), message.checksum());
}

/// MON-3: no two requests look alike, so an answer to one is none to another.
#[test]
fn another_request_is_not_answered() {
    let (echo, other) = (Echo::new(7).unwrap(), Echo::new(7).unwrap());
    assert_ne!(echo, other);
    assert!(!other.is_answered_by(TARGET.into(), &right_reply(&echo)));
}

/// MON-3: what is not the answer: each row has one thing that is wrong.
#[test]
fn what_is_wrong_in_one_thing_is_no_answer() {
    let echo = Echo::new(7).unwrap();
    let IcmpEchoHeader { id, seq } = echo.header;
    let wrong_token = {
        let mut payload = echo.payload;
        payload[0] ^= 1;
        payload
    };
    let other_sequence = {
        let mut payload = echo.payload;
        payload[PAYLOAD - 1] ^= 1;
        payload
    };
    let mut longer = echo.payload.to_vec();
    longer.push(0);
    let mut damaged = right_reply(&echo);
    damaged[22] ^= 1;
    let mut fragment = right_reply(&echo);
    fragment[6] = 0x20;
    let mut request = reply_v4(TARGET, id, seq, &echo.payload);
    // An echo request of the target's, with the check sum that goes with it.
    request[20..].copy_from_slice(&echo.request(TARGET.into()));
    let mut udp = right_reply(&echo);
    udp[9] = 17;
    for (what, packet) in [
        ("another host", reply_v4(OTHER, id, seq, &echo.payload)),
        ("another identifier", reply_v4(TARGET, id ^ 1, seq, &echo.payload)),
        ("another sequence", reply_v4(TARGET, id, seq ^ 1, &echo.payload)),
        ("another token", reply_v4(TARGET, id, seq, &wrong_token)),
        ("the upper half of the sequence", reply_v4(TARGET, id, seq, &other_sequence)),
        ("nothing in it", reply_v4(TARGET, id, seq, &[])),
        ("too short", reply_v4(TARGET, id, seq, &echo.payload[..PAYLOAD - 1])),
        ("too long", reply_v4(TARGET, id, seq, &longer)),
        ("a wrong check sum", damaged),
        ("a fragment", fragment),
        ("a request", request),
        ("another protocol", udp),
    ] {
        assert!(!echo.is_answered_by(TARGET.into(), &packet), "{what}");
    }
    let mut v6 = reply_v6(id, seq, &echo.payload);
    assert!(echo.is_answered_by(TARGET_V6, &v6));
    v6[0] = 128;
    assert!(!echo.is_answered_by(TARGET_V6, &v6), "a request in IPv6");
}

proptest! {
    /// MON-3: whatever comes from the network is read without a panic, and is no answer.
    #[test]
    fn arbitrary_bytes_are_no_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let echo = Echo::new(7).unwrap();
        prop_assert!(!echo.is_answered_by(TARGET.into(), &bytes));
        prop_assert!(!echo.is_answered_by(TARGET_V6, &bytes));
    }

    /// MON-3: a packet that begins well is read without a panic, wherever it ends and whatever follows.
    #[test]
    fn a_truncated_answer_is_none(length in 0_usize..48, tail in prop::collection::vec(any::<u8>(), 0..8)) {
        let echo = Echo::new(7).unwrap();
        let right = right_reply(&echo);
        prop_assume!(length < right.len());
        let mut packet = right[..length].to_vec();
        prop_assert!(!echo.is_answered_by(TARGET.into(), &packet));
        packet.extend_from_slice(&tail);
        prop_assert!(packet.starts_with(&right) || !echo.is_answered_by(TARGET.into(), &packet));
    }

    /// MON-3: an answer of which one bit is another is none. In the IP header only what says where it is
    /// from and how it is to be read counts.
    #[test]
    fn a_flipped_bit_makes_it_no_answer(bit in 0_usize..(8 + PAYLOAD) * 8) {
        let echo = Echo::new(7).unwrap();
        let mut packet = right_reply(&echo);
        packet[20 + bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!echo.is_answered_by(TARGET.into(), &packet));
    }
}
