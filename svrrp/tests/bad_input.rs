//! Whatever comes is refused for a reason, or means something: never anything else.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::messages::{claim, eight_members, full, group, limits, minimal, node, nonce, release};
use common::{emitted, put_right, vectors};
use core::time::Duration;
use ha_core::pair::ProtocolRange;
use ha_core::reject::{Reject, RejectKind};
use svrrp::wire::{EmitError, GroupEntry, GroupStance, MAX_DATAGRAM_LEN};
use svrrp::{Advertisement, GroupNumber, Message, NodeNumber};

/// Where the elements of an advertisement begin.
const ELEMENTS: usize = 76;

/// What is taken is written as it came, if the bytes were right to begin with.
fn refused_or_the_same(datagram: &[u8]) -> Option<Reject> {
    match Message::parse(datagram) {
        Ok(message) => {
            assert_eq!(emitted(&message), datagram);
            None
        }
        Err(reject) => Some(reject),
    }
}

/// SVRRP-4: every truncation of every vector is refused.
#[test]
fn every_truncation_is_refused() {
    for vector in vectors::all() {
        for len in 0..vector.bytes.len() {
            let reject = Message::parse(&vector.bytes[..len]).expect_err(&vector.name);
            if vector.is_taken() {
                assert_eq!(reject, Reject::Truncated { at: len }, "{}", vector.name);
            }
        }
    }
}

/// SVRRP-4: one that states its true length under a right check sum is refused too, unless it was cut behind
/// an element that need not be there.
#[test]
fn every_truncation_made_right_is_refused_or_whole() {
    for vector in vectors::all().into_iter().filter(|vector| vector.name == vector.emits) {
        let whole = vector.bytes.len();
        let (mut taken, mut kinds) = (0, std::collections::BTreeSet::new());
        for len in 4..whole {
            let mut cut = vector.bytes[..len].to_vec();
            put_right(&mut cut);
            match refused_or_the_same(&cut) {
                None => taken += 1,
                Some(reject) => drop(kinds.insert(reject.kind())),
            }
        }
        // The units heard, and then the groups; seven of eight members.
        let expected = match vector.name.as_str() {
            "advertisement-full" | "advertisement-limits" => 2,
            "management-full" => 7,
            _ => 0,
        };
        if vector.is_taken() {
            assert_eq!(taken, expected, "{}", vector.name);
            assert!(kinds.contains(&RejectKind::Truncated));
        }
    }
}

/// SVRRP-4: every flipped bit of every vector is refused.
#[test]
fn every_flipped_bit_is_refused() {
    for vector in vectors::all() {
        // The one whose check sum has a flipped bit already.
        if vector.name == "wrong-check-sum" {
            continue;
        }
        for bit in 0..vector.bytes.len() * 8 {
            let mut flipped = vector.bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let reject = Message::parse(&flipped).expect_err(&vector.name);
            let expected = match bit / 8 {
                0 | 1 => RejectKind::Magic,
                4 | 5 => continue,
                _ => RejectKind::Checksum,
            };
            if vector.is_taken() {
                assert_eq!(reject.kind(), expected, "{}, bit {bit}", vector.name);
            }
        }
    }
}

/// SVRRP-4: a flipped bit is refused, or means something of its own, even if somebody makes the check sum right.
#[test]
fn every_flipped_bit_made_right_is_refused_or_means_something() {
    for vector in vectors::all() {
        for bit in 0..vector.bytes.len() * 8 {
            let mut flipped = vector.bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            put_right(&mut flipped);
            if let Ok(message) = Message::parse(&flipped) {
                assert_eq!(Message::parse(&emitted(&message)), Ok(message));
            }
        }
    }
}

/// SVRRP-4: a length that the datagram states and does not have.
#[test]
fn a_stated_length_that_lies_is_refused() {
    let datagram = vectors::bytes("advertisement-full");
    for stated in 0..=u16::MAX {
        let mut lying = datagram.clone();
        lying[4..6].copy_from_slice(&stated.to_be_bytes());
        let expected = match usize::from(stated).cmp(&datagram.len()) {
            std::cmp::Ordering::Less => {
                Err(Reject::Overlong { extra: datagram.len() - usize::from(stated) })
            }
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Greater => Err(Reject::Truncated { at: datagram.len() }),
        };
        assert_eq!(Message::parse(&lying), expected);
    }
}

/// SVRRP-4: a length of an element that is not its own.
#[test]
fn an_elements_length_that_lies_is_refused() {
    let elements = [("advertisement-full", ELEMENTS, 5), ("management-full", 80, 8)];
    for (name, first, count) in elements {
        let datagram = vectors::bytes(name);
        let mut at = first;
        let mut seen = 0;
        while at < datagram.len() - 4 {
            for len in 0..=u8::MAX {
                let mut lying = datagram.clone();
                lying[at + 1] = len;
                put_right(&mut lying);
                let refused = Message::parse(&lying);
                assert_eq!(refused.is_err(), lying != datagram, "{name} at {at}: {len}");
            }
            at += 2 + usize::from(datagram[at + 1]);
            seen += 1;
        }
        assert_eq!(seen, count);
    }
}

/// SVRRP-4: a datagram that is longer than any is refused by its length alone.
#[test]
fn what_is_too_long_is_refused() {
    let mut datagram = vectors::bytes("advertisement-minimal");
    datagram.truncate(datagram.len() - 4);
    // An element that may be skipped fits, until there is no more room.
    for value in 0..=u8::MAX {
        let mut longer = datagram.clone();
        longer.splice(ELEMENTS..ELEMENTS, [0x40, value]);
        longer.splice(ELEMENTS + 2..ELEMENTS + 2, vec![0; value.into()]);
        longer.splice(ELEMENTS..ELEMENTS, [0x3f, u8::MAX]);
        longer.splice(ELEMENTS + 2..ELEMENTS + 2, [0; 255]);
        longer.extend([0; 4]);
        put_right(&mut longer);
        let len = longer.len();
        match Message::parse(&longer) {
            Ok(message) => {
                assert!(len <= MAX_DATAGRAM_LEN);
                assert_eq!(message, Message::Advertisement(minimal()));
            }
            Err(reject) => {
                assert!(len > MAX_DATAGRAM_LEN);
                assert_eq!(reject, Reject::TooLong { len });
            }
        }
    }
}

/// SVRRP-4, NODE-1: of all numbers of nodes and units only those that there are name a sender.
#[test]
fn a_sender_out_of_range_is_refused() {
    let minimal = vectors::bytes("advertisement-minimal");
    for number in 0..=u8::MAX {
        for (at, allowed) in [(10, 1..=4), (11, 0..=1)] {
            let mut datagram = minimal.clone();
            datagram[at] = number;
            put_right(&mut datagram);
            let refused = refused_or_the_same(&datagram);
            let expected = Reject::Malformed { field: "sender" };
            assert_eq!(refused, (!allowed.contains(&number)).then_some(expected));
        }
    }
}

/// SVRRP-4: the types that are kept for what is to come are refused like all that do not exist.
#[test]
fn every_other_type_is_refused() {
    let full = vectors::bytes("advertisement-full");
    for kind in (5..=u8::MAX).chain([0]) {
        let mut datagram = full.clone();
        datagram[3] = kind;
        put_right(&mut datagram);
        let refused = Message::parse(&datagram);
        assert_eq!(refused, Err(Reject::Malformed { field: "message type" }));
    }
}

/// SVRRP-4, VG-2: all ranks can be missing or equal; the parser takes them as they are.
#[test]
fn ranks_can_be_missing_or_equal() {
    for rank in [0, 1, 255] {
        let mut datagram = vectors::bytes("advertisement-minimal");
        datagram[ELEMENTS + 2..ELEMENTS + 18].fill(rank);
        put_right(&mut datagram);
        assert_eq!(refused_or_the_same(&datagram), None);
        let ranks = Advertisement::parse(&datagram).unwrap().content.unwrap().ranks;
        for group in GroupNumber::ALL {
            let read =
                NodeNumber::ALL.map(|node| ranks.get(group, node).map_or(0, |it| it.0.get()));
            assert_eq!(read, [rank; 4]);
        }
    }
}

/// SVRRP-4: nothing is written to a buffer that is too short, and nothing behind the message to one that is not.
#[test]
fn a_buffer_is_long_enough_or_left_alone() {
    let messages = [
        Message::Advertisement(full()),
        Message::Advertisement(limits()),
        Message::Management(eight_members()),
        Message::Claim(claim()),
        Message::Release(release()),
    ];
    for message in messages {
        let needed = message.wire_len();
        for len in 0..needed {
            let mut buf = [0xaa; MAX_DATAGRAM_LEN];
            assert_eq!(message.emit(&mut buf[..len]), Err(EmitError::TooShort { needed }));
            assert_eq!(buf, [0xaa; MAX_DATAGRAM_LEN]);
        }
        let mut buf = [0xaa; MAX_DATAGRAM_LEN];
        assert_eq!(message.emit(&mut buf), Ok(needed));
        assert!(buf[needed..].iter().all(|byte| *byte == 0xaa));
    }
}

/// SVRRP-4: what a receiver would refuse is not written.
#[test]
fn what_would_be_refused_is_not_written() {
    let refused = |change: &dyn Fn(&mut Advertisement)| {
        let mut advertisement = full();
        change(&mut advertisement);
        advertisement.emit(&mut [0; MAX_DATAGRAM_LEN])
    };
    let invalid = |field| Err(EmitError::Invalid(Reject::Malformed { field }));
    assert_eq!(refused(&|it| it.unit.level = 1), invalid("trigger level"));
    assert_eq!(refused(&|it| it.unit.interval = Duration::from_millis(9)), invalid("interval"));
    assert_eq!(refused(&|it| it.unit.interval = Duration::MAX), invalid("interval"));
    assert_eq!(refused(&|it| it.content = None), invalid("protocol"));
    let protocol =
        |oldest, newest| refused(&move |it| it.header.protocol = ProtocolRange { oldest, newest });
    assert_eq!(protocol(2, 1), invalid("protocol"));
    assert_eq!(protocol(2, 2), invalid("protocol"));
    let itself = GroupStance::Asking { owner: node(1), nonce: nonce(1) };
    let entry = GroupEntry { stance: itself, ..GroupEntry::default() };
    let asks_itself = refused(&|it| {
        it.content.as_mut().unwrap().groups.set(group(1), Some(entry));
    });
    assert_eq!(asks_itself, invalid("node named"));
    let hears_itself = refused(&|it| {
        let heard = &mut it.content.as_mut().unwrap().heard;
        let (_, entry) = heard.iter().next().unwrap();
        let entry = *entry;
        heard.set(it.header.sender, Some(entry));
    });
    assert_eq!(hears_itself, invalid("unit heard"));

    let mut management = eight_members();
    management.owners.set(group(1), None);
    assert_eq!(management.emit(&mut [0; MAX_DATAGRAM_LEN]), invalid("owner of VG 1"));
    let mut claim = claim();
    claim.asked = node(2);
    assert_eq!(claim.emit(&mut [0; MAX_DATAGRAM_LEN]), invalid("node asked"));
    let mut release = release();
    release.header.protocol = ProtocolRange { oldest: 3, newest: 4 };
    let refused = Err(EmitError::Invalid(Reject::Version { version: 4 }));
    assert_eq!(release.emit(&mut [0; MAX_DATAGRAM_LEN]), refused);
}
