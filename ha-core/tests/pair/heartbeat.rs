//! Heartbeats on the wire: what is sent is read as it was, and bad input changes nothing but a counter.

use crate::harness::{A, B, World, ms};
use ha_core::identity::{Designation, PathId, UnitId};
use ha_core::machine::{Channel, Machine as _, Origin, Output};
use ha_core::pair::{
    Health, Heartbeat, HeartbeatId, INTERVAL_RANGE, LEVEL_RANGE, MAX_HEARTBEAT_LEN, OUR_PROTOCOL,
    Obstacles, Pair, PairStatus, Product, ProtocolRange, Stance, Standing,
};
use ha_core::reject::{Reject, RejectCounters, RejectKind};
use ha_core::time::Instant;
use proptest::prelude::*;

const FROM_A: Origin = Origin { peer: UnitId(0), path: PathId(0), channel: Channel::Pair };

pub(crate) fn any_heartbeat() -> impl Strategy<Value = Heartbeat> {
    let name = || "[!-~]{1,32}";
    let protocol =
        (0_u8..4, 0_u8..4).prop_map(|(a, b)| ProtocolRange { oldest: a.min(b), newest: a.max(b) });
    let milliseconds =
        INTERVAL_RANGE.start().as_millis() as u64..=INTERVAL_RANGE.end().as_millis() as u64;
    let id = || (1..=u64::MAX, 1..=u64::MAX);
    (
        (protocol, prop::sample::select(Stance::ALL.to_vec()), any::<[bool; 9]>(), milliseconds),
        (
            LEVEL_RANGE,
            (any::<u16>(), any::<u8>()),
            any::<u16>(),
            id(),
            prop::option::of((1..=u64::MAX, any::<u64>())),
        ),
        (any::<[u64; 3]>(), name(), name(), name()),
    )
        .prop_map(
            |((protocol, stance, flags, interval), fixed, (numbers, serial, model, firmware))| {
                let (level, (weight, obstacles), paths_heard, (start, number), echo) = fixed;
                let product =
                    Product { model: model.parse().unwrap(), firmware: firmware.parse().unwrap() };
                Heartbeat {
                    protocol,
                    stance,
                    designation: [Designation::Primary, Designation::Secondary]
                        [usize::from(flags[0])],
                    serial: serial.parse().unwrap(),
                    preempt: flags[1],
                    obstacles: Obstacles::from_bits(obstacles),
                    warm: flags[2],
                    synchronized: flags[3],
                    upgrade: flags[4],
                    invites: flags[5],
                    voluntary: flags[6],
                    steady: flags[7],
                    interval: ms(interval),
                    level,
                    health: Health { fit: flags[8], weight },
                    paths_heard,
                    id: HeartbeatId { start, number },
                    term: numbers[0],
                    echo: echo.map(|(start, number)| HeartbeatId { start, number }),
                    ask: numbers[1],
                    release: numbers[2],
                    product: OUR_PROTOCOL.overlaps(protocol).then_some(product),
                }
            },
        )
}

pub(crate) fn bytes(heartbeat: &Heartbeat) -> Vec<u8> {
    let mut buf = [0; MAX_HEARTBEAT_LEN];
    let len = heartbeat.emit(&mut buf).unwrap();
    assert_eq!(len, heartbeat.wire_len());
    buf[..len].to_vec()
}

/// Gives the datagram a right check sum again.
pub(crate) fn sealed(mut datagram: Vec<u8>) -> Vec<u8> {
    if let Some(body) = datagram.len().checked_sub(4) {
        let crc = crc32fast::hash(&datagram[..body]);
        datagram[body..].copy_from_slice(&crc.to_be_bytes());
    }
    datagram
}

/// A Standby that has nothing left to say, the present time, and the next heartbeat of its peer.
fn standby_and_heartbeat() -> (Pair, Instant, Vec<u8>) {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(103));
    let mut active = world.units[A].machine.take().unwrap();
    let standby = world.units[B].machine.take().unwrap();
    let now = active.poll_timeout().unwrap().at;
    active.handle_timeout(now);
    let mut buf = [0; MAX_HEARTBEAT_LEN];
    let Some(Output::Transmit { len, .. }) = active.poll_output(now, &mut buf) else { panic!() };
    (standby, now, buf[..len].to_vec())
}

/// All that can be seen of a machine but its counters of bad input.
fn seen(pair: &mut Pair, now: Instant) -> (PairStatus, Standing, Option<u64>, bool) {
    let mut status = pair.status(now);
    status.rejects = RejectCounters::default();
    let has_output = pair.poll_output(now, &mut [0; MAX_HEARTBEAT_LEN]).is_some();
    (status, pair.standing(), pair.poll_timeout().map(|it| it.at.as_nanos()), has_output)
}

/// Hands in what must be refused, and looks for any change.
fn refuse(pair: &mut Pair, now: Instant, from: Origin, datagram: &[u8]) -> Reject {
    let before = seen(pair, now);
    let counted = pair.status(now).rejects;
    let reject = pair.handle_datagram(now, from, datagram).unwrap_err();
    assert_eq!(seen(pair, now), before, "{reject}");
    let after = pair.status(now).rejects;
    assert_eq!(after.get(reject.kind()), counted.get(reject.kind()) + 1);
    assert_eq!(after.total(), counted.total() + 1);
    reject
}

/// PAIR-6: every truncation and every single flipped bit of a heartbeat is refused, changes nothing and
/// is counted; the heartbeat itself is accepted afterwards, once.
#[test]
fn every_truncation_and_every_flipped_bit_changes_only_a_counter() {
    let (mut pair, now, datagram) = standby_and_heartbeat();
    for len in 0..datagram.len() {
        let reject = refuse(&mut pair, now, FROM_A, &datagram[..len]);
        assert!(matches!(reject, Reject::Truncated { .. } | Reject::Checksum), "{reject}");
    }
    for bit in 0..datagram.len() * 8 {
        let mut flipped = datagram.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let reject = refuse(&mut pair, now, FROM_A, &flipped);
        assert!(matches!(reject, Reject::Magic | Reject::Checksum), "{reject}");
    }
    let long = [datagram.clone(), vec![0; MAX_HEARTBEAT_LEN]].concat();
    let reject = refuse(&mut pair, now, FROM_A, &long);
    assert_eq!(reject.kind(), RejectKind::TooLong);
    assert_eq!(pair.handle_datagram(now, FROM_A, &datagram), Ok(()));
    assert_eq!(refuse(&mut pair, now, FROM_A, &datagram), Reject::Stale);
}

/// PAIR-12, PAIR-14: what comes from elsewhere is refused by reason.
#[test]
fn what_comes_from_elsewhere_changes_only_a_counter() {
    let (mut pair, now, datagram) = standby_and_heartbeat();
    let elsewhere = [
        (Origin { peer: UnitId(1), ..FROM_A }, Reject::UnknownPeer),
        (Origin { path: PathId(1), ..FROM_A }, Reject::UnknownPath),
        (Origin { path: PathId(255), ..FROM_A }, Reject::UnknownPath),
        (Origin { channel: Channel::StateSync, ..FROM_A }, Reject::UnknownChannel),
    ];
    for (from, reject) in elsewhere {
        assert_eq!(refuse(&mut pair, now, from, &datagram), reject);
    }
    let ours =
        Heartbeat { serial: "SN-B".parse().unwrap(), ..Heartbeat::parse(&datagram).unwrap() };
    assert_eq!(refuse(&mut pair, now, FROM_A, &bytes(&ours)), Reject::Reflected);
}

/// PAIR-13: a copy, and what was overtaken, is refused on each path, and so is what was sent before.
#[test]
fn an_old_heartbeat_changes_only_a_counter() {
    let (mut pair, now, datagram) = standby_and_heartbeat();
    let newest = Heartbeat::parse(&datagram).unwrap();
    pair.handle_datagram(now, FROM_A, &datagram).unwrap();
    for back in 0..newest.id.number {
        let id = HeartbeatId { number: newest.id.number - back, ..newest.id };
        let old = Heartbeat { id, stance: Stance::Left, ..newest };
        assert_eq!(refuse(&mut pair, now, FROM_A, &bytes(&old)), Reject::Stale);
    }
    // Another start is believed when it echoes us, not before.
    let other = HeartbeatId { start: 99, number: 1 };
    for echo in [None, Some(HeartbeatId { start: 5, number: 1 })] {
        let unproven = Heartbeat { id: other, stance: Stance::Left, echo, ..newest };
        assert_eq!(refuse(&mut pair, now, FROM_A, &bytes(&unproven)), Reject::UnprovenStart);
    }
    let proven = Heartbeat { id: other, stance: Stance::Left, ..newest };
    assert_eq!(pair.handle_datagram(now, FROM_A, &bytes(&proven)), Ok(()));
}

/// PAIR-6: each field that has values which are not allowed is refused by its name.
#[test]
fn a_field_with_a_value_that_is_not_allowed_is_named() {
    let (mut pair, now, datagram) = standby_and_heartbeat();
    let cases: [(usize, &[u8], &str); 8] = [
        (3, &[9, 8], "protocol"),
        (5, &[7], "stance"),
        (6, &[1], "trigger level"),
        (6, &[100], "trigger level"),
        (8, &[0, 0, 0, 9], "interval"),
        (8, &[0xff; 4], "interval"),
        (20, &[0; 8], "number"),
        (76, &[0; 32], "serial number"),
    ];
    for (at, value, field) in cases {
        let mut wrong = datagram.clone();
        wrong[at..at + value.len()].copy_from_slice(value);
        let reject = refuse(&mut pair, now, FROM_A, &sealed(wrong));
        assert_eq!(reject, Reject::Malformed { field });
    }
    let mut later = datagram.clone();
    later[2] = 9;
    let reject = refuse(&mut pair, now, FROM_A, &sealed(later));
    assert_eq!(reject, Reject::Version { version: 9 });
}

/// PAIR-14: elements that are cut off, missing, twice or must be understood are refused.
#[test]
fn malformed_elements_are_refused() {
    let (mut pair, now, datagram) = standby_and_heartbeat();
    let (fixed, crc) = (&datagram[..108], [0; 4]);
    let model: &[u8] = b"\x01\x06FW-100";
    let firmware: &[u8] = b"\x02\x057.1.2";
    for (elements, expected) in [
        (vec![], RejectKind::Malformed),
        (vec![model], RejectKind::Malformed),
        (vec![model, model, firmware], RejectKind::Malformed),
        (vec![model, firmware, b"\x81\x00"], RejectKind::Malformed),
        (vec![model, firmware, b"\x03\x09abc"], RejectKind::Malformed),
        (vec![model, b"\x02\x00"], RejectKind::Malformed),
        (vec![model, b"\x02\x02\xff\xfe"], RejectKind::Malformed),
        (vec![model, firmware, b"\x03"], RejectKind::Overlong),
    ] {
        let wrong = [fixed, &elements.concat(), &crc].concat();
        let reject = refuse(&mut pair, now, FROM_A, &sealed(wrong));
        assert_eq!(reject.kind(), expected, "{elements:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// PAIR-6: what is emitted is parsed as it was.
    #[test]
    fn a_heartbeat_is_read_as_it_was_written(heartbeat in any_heartbeat()) {
        let datagram = bytes(&heartbeat);
        prop_assert!(datagram.len() <= MAX_HEARTBEAT_LEN);
        prop_assert_eq!(Heartbeat::parse(&datagram), Ok(heartbeat));
    }

    /// PAIR-6: a buffer that is too short is refused, without a panic.
    #[test]
    fn a_short_buffer_is_refused(heartbeat in any_heartbeat(), len in 0..MAX_HEARTBEAT_LEN) {
        let fits = heartbeat.emit(&mut vec![0; len]).is_some();
        prop_assert_eq!(fits, len >= heartbeat.wire_len());
    }

    /// PAIR-6: what is accepted can be written, and is read as the same again: no two readings.
    #[test]
    fn what_is_accepted_is_written_and_read_as_the_same(
        heartbeat in any_heartbeat(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut datagram = bytes(&heartbeat);
        for (at, value) in changes {
            let at = at.index(datagram.len());
            datagram[at] = value;
        }
        if let Ok(read) = Heartbeat::parse(&sealed(datagram)) {
            prop_assert_eq!(Heartbeat::parse(&bytes(&read)), Ok(read));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// PAIR-6: arbitrary bytes, with a right check sum too, never panic and change nothing when they
    /// are refused.
    #[test]
    fn arbitrary_bytes_change_only_a_counter(
        datagrams in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..300), any::<[bool; 2]>()), 1..40),
    ) {
        let (mut pair, now, valid) = standby_and_heartbeat();
        for (mut datagram, [like_one, seal]) in datagrams {
            if like_one {
                datagram.splice(0..datagram.len().min(3), valid[..3].iter().copied());
            }
            if seal {
                datagram = sealed(datagram);
            }
            if Heartbeat::parse(&datagram).is_err() {
                refuse(&mut pair, now, FROM_A, &datagram);
            }
        }
    }
}
