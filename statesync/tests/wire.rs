//! The codec: parse after emit is the identity, and no bytes of any content or length do more than move a
//! counter.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Machine, Origin, Output};
use ha_core::reject::Reject;
use ha_core::time::Instant;
use proptest::prelude::*;
use statesync::wire::{
    Ack, Batch, BatchHeader, Datagram, Entry, FIRST_LOCAL_KIND, HelloId, KIND_CONNECTION,
    MAX_DATAGRAM, Section,
};
use statesync::*;
use std::net::IpAddr;

fn address(v6: bool) -> BoxedStrategy<IpAddr> {
    if v6 {
        any::<[u8; 16]>().prop_map(IpAddr::from).boxed()
    } else {
        any::<[u8; 4]>().prop_map(IpAddr::from).boxed()
    }
}

fn transport() -> impl Strategy<Value = Transport> {
    prop_oneof![
        any::<(u16, u16)>()
            .prop_map(|(source, destination)| Transport::Tcp { source, destination }),
        any::<(u16, u16)>()
            .prop_map(|(source, destination)| Transport::Udp { source, destination }),
        any::<(u16, u8, u8)>().prop_map(|(id, kind, code)| Transport::Icmp { id, kind, code }),
        any::<(u16, u8, u8)>().prop_map(|(id, kind, code)| Transport::Icmpv6 { id, kind, code }),
        any::<(u8, u16, u16)>().prop_map(|(protocol, source, destination)| Transport::Other {
            protocol,
            source,
            destination
        }),
    ]
}

fn tcp() -> impl Strategy<Value = TcpState> {
    let side = || {
        (0..=14_u8, any::<u8>()).prop_map(|(window_scale, flags)| TcpSide { window_scale, flags })
    };
    let phase = prop_oneof![
        Just(TcpPhase::SynSent),
        Just(TcpPhase::SynReceived),
        Just(TcpPhase::Established),
        Just(TcpPhase::FinWait),
        Just(TcpPhase::CloseWait),
        Just(TcpPhase::LastAck),
        Just(TcpPhase::TimeWait),
        Just(TcpPhase::Close),
        Just(TcpPhase::SynSent2),
    ];
    (phase, side(), side()).prop_map(|(phase, original, reply)| TcpState { phase, original, reply })
}

fn key(v6: bool) -> impl Strategy<Value = ConnectionKey> {
    (address(v6), address(v6), transport()).prop_map(|(source, destination, transport)| {
        ConnectionKey { source, destination, transport }
    })
}

fn a_connection() -> impl Strategy<Value = Connection> {
    any::<bool>().prop_flat_map(|v6| {
        let nat = move || {
            let to = (address(v6), any::<u16>());
            prop::option::of(to.prop_map(|(address, port)| Translation { address, port }))
        };
        let state =
            (nat(), nat(), any::<u32>(), prop::option::of(tcp()), any::<(bool, bool, u32)>());
        (key(v6), state).prop_map(|(key, (source_nat, destination_nat, mark, tcp, rest))| {
            let (seen_reply, assured, timeout) = rest;
            let state = ConnectionState {
                source_nat,
                destination_nat,
                mark,
                tcp,
                seen_reply,
                assured,
                timeout,
            };
            Connection { key, state }
        })
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        a_connection().prop_map(Entry::New),
        a_connection().prop_map(Entry::Update),
        any::<bool>().prop_flat_map(key).prop_map(Entry::Delete),
    ]
}

fn section() -> impl Strategy<Value = Section> {
    let range = (prop::collection::vec(a_connection(), 0..6), any::<(bool, bool)>());
    prop_oneof![
        prop::collection::vec(entry(), 0..6).prop_map(Section::Changes),
        range.prop_map(|(mut records, (whole_start, whole_end))| {
            records.sort_by_key(|record| record.key);
            records.dedup_by_key(|record| record.key);
            let after =
                if whole_start || records.is_empty() { None } else { Some(records.remove(0).key) };
            let last = records.last().map(|record| record.key);
            let upto = if whole_end { None } else { last };
            Section::Range { range: KeyRange { after, upto }, records }
        }),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let numbers = (1..=u64::MAX, any::<u64>(), any::<u64>(), 1..=u64::MAX, any::<u64>());
    (numbers, any::<bool>(), prop::collection::vec(section(), 0..2)).prop_map(
        |((session, start, number, sequence, floor), complete, sections)| {
            let floor = floor.clamp(1, sequence);
            let answers = HelloId { start, number };
            let header = BatchHeader { session, answers, sequence, floor, complete };
            Batch { header, sections, skipped: vec![] }
        },
    )
}

fn ack() -> impl Strategy<Value = Ack> {
    let ranges = prop::collection::vec((1..1_000_u64, 0..1_000_u64), 0..=32);
    (any::<[u64; 4]>(), 1..=u64::MAX, ranges, any::<bool>()).prop_map(
        |(n, number, steps, whole)| {
            let mut applied = Vec::new();
            let mut at = 0;
            for (gap, len) in steps {
                applied.push((at + gap, at + gap + len));
                at += gap + len;
            }
            let [session, barred, start, settled] = n;
            let hello = HelloId { start, number };
            Ack { session, barred: barred % number, hello, settled, applied, whole }
        },
    )
}

fn emit(emit: impl Fn(&mut [u8]) -> Option<usize>) -> Vec<u8> {
    let mut buf = vec![0; MAX_DATAGRAM];
    let len = emit(&mut buf).expect("it fits");
    buf.truncate(len);
    buf
}

/// Puts the right check sum under bytes that were changed.
fn reseal(datagram: &mut [u8]) {
    let at = datagram.len() - 4;
    let sum = crc32fast::hash(&datagram[..at]);
    datagram[at..].copy_from_slice(&sum.to_be_bytes());
}

fn from() -> Origin {
    Origin { peer: UnitId(1), path: PathId(0), channel: Channel::StateSync }
}

/// A replica that has asked for a session, with the hello that it sent.
fn replica() -> (StateSync<Table>, HelloId) {
    let config = Config::new(1, UnitId(1), vec![PathId(0)]).unwrap();
    let mut sync = StateSync::new(config, Table::new());
    sync.handle_input(Instant::ZERO, Input::SetRole(SyncRole::Replica)).unwrap();
    let mut buf = [0; MAX_DATAGRAM];
    let Some(Output::Transmit { len, .. }) = sync.poll_output(Instant::ZERO, &mut buf) else {
        panic!("a replica asks for a session")
    };
    let Ok(Datagram::Ack(ack)) = Datagram::parse(&buf[..len]) else { panic!("with a hello") };
    (sync, ack.hello)
}

/// A publisher with some records that has just been asked for a session.
fn publisher() -> StateSync<Table> {
    let config = Config::new(2, UnitId(1), vec![PathId(0)]).unwrap();
    let mut sync = StateSync::new(config, Table::new());
    sync.handle_input(Instant::ZERO, Input::SetRole(SyncRole::Publisher)).unwrap();
    let hello = HelloId { start: 5, number: 1 };
    let ack = Ack { session: 0, barred: 0, hello, settled: 0, applied: vec![], whole: false };
    let datagram = emit(|buf| ack.emit(buf));
    sync.handle_datagram(Instant::ZERO, from(), &datagram).unwrap();
    sync
}

/// Hands a datagram in that must be rejected, and checks that only a counter moved.
fn assert_ignored(sync: &StateSync<Table>, datagram: &[u8]) -> Reject {
    let mut sync = sync.clone();
    let (progress, table) = (sync.progress(), sync.records().clone());
    let mut count = sync.rejects().total();
    let reject = sync.handle_datagram(Instant::ZERO, from(), datagram).expect_err("rejected");
    count += 1;
    assert_eq!(sync.rejects().total(), count);
    assert_eq!(sync.progress(), progress);
    assert!(*sync.records() == table);
    reject
}

fn sample() -> Vec<Connection> {
    let address = IpAddr::from([10, 0, 0, 1]);
    let key = |source| {
        let transport = Transport::Tcp { source, destination: 443 };
        ConnectionKey { source: address, destination: address, transport }
    };
    let side = TcpSide { window_scale: 7, flags: 3 };
    let tcp = Some(TcpState { phase: TcpPhase::Established, original: side, reply: side });
    let state = ConnectionState {
        source_nat: Some(Translation { address, port: 40_000 }),
        destination_nat: None,
        mark: 7,
        tcp,
        seen_reply: true,
        assured: true,
        timeout: 432_000,
    };
    (1..4).map(|source| Connection { key: key(source), state }).collect()
}

fn sample_batch(answers: HelloId) -> Batch {
    let records = sample();
    let entries = vec![Entry::New(records[0]), Entry::Delete(records[1].key)];
    Batch {
        header: BatchHeader { session: 9, answers, sequence: 1, floor: 1, complete: false },
        sections: vec![
            Section::Changes(entries),
            Section::Range { range: KeyRange::WHOLE, records },
        ],
        skipped: vec![],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// STATE-13: what one release writes, it reads.
    #[test]
    fn a_batch_is_read_as_it_was_written(batch in batch()) {
        let datagram = emit(|buf| batch.emit(buf));
        prop_assert_eq!(Datagram::parse(&datagram), Ok(Datagram::Batch(batch)));
    }

    /// STATE-7
    #[test]
    fn an_ack_is_read_as_it_was_written(ack in ack()) {
        let datagram = emit(|buf| ack.emit(buf));
        prop_assert_eq!(Datagram::parse(&datagram), Ok(Datagram::Ack(ack)));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let (replica, _) = replica();
        assert_ignored(&replica, &bytes);
        assert_ignored(&publisher(), &bytes);
    }

    /// Any bytes behind a right beginning and check sum reach the decoder of sections: it never panics,
    /// and applies all or nothing.
    #[test]
    fn arbitrary_sections_do_no_harm(
        form in 0..4_u8,
        count in 0..4_u16,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let (mut replica, hello) = replica();
        let mut batch = sample_batch(hello);
        batch.sections.clear();
        let mut datagram = emit(|buf| batch.emit(buf));
        datagram.truncate(datagram.len() - 4);
        datagram.extend([KIND_CONNECTION, form]);
        datagram.extend((body.len() as u16 + 2).to_be_bytes());
        datagram.extend(count.to_be_bytes());
        datagram.extend(body);
        datagram.extend([0; 4]);
        reseal(&mut datagram);
        if Datagram::parse(&datagram).is_err() {
            assert_ignored(&replica, &datagram);
        } else {
            replica.handle_datagram(Instant::ZERO, from(), &datagram).unwrap();
        }
    }
}

/// Every truncation and every change of one bit is noticed and changes nothing but a counter.
#[test]
fn damaged_datagrams_are_ignored() {
    let (replica, hello) = replica();
    let publisher = publisher();
    let batch = emit(|buf| sample_batch(hello).emit(buf));
    let ack = Ack {
        session: 3,
        barred: 1,
        hello: HelloId { start: 5, number: 2 },
        settled: 0,
        applied: vec![],
        whole: true,
    };
    let ack = emit(|buf| ack.emit(buf));
    for (sync, datagram) in [(&replica, &batch), (&publisher, &ack)] {
        sync.clone().handle_datagram(Instant::ZERO, from(), datagram).expect("whole, it is taken");
        for len in 0..datagram.len() {
            assert_ignored(sync, &datagram[..len]);
        }
        for bit in 0..datagram.len() * 8 {
            let mut damaged = datagram.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ignored(sync, &damaged);
        }
    }
}

/// The same with a check sum that is right again: what is taken is well-formed, all else is ignored.
#[test]
fn forged_datagrams_never_panic() {
    let (replica, hello) = replica();
    let batch = emit(|buf| sample_batch(hello).emit(buf));
    for bit in 0..(batch.len() - 4) * 8 {
        let mut forged = batch.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        reseal(&mut forged);
        if Datagram::parse(&forged).is_err() {
            assert_ignored(&replica, &forged);
        } else {
            let _ = replica.clone().handle_datagram(Instant::ZERO, from(), &forged);
        }
    }
}

/// STATE-3, STATE-13: an unknown kind is skipped, counted and told, and the rest of the batch is taken; a
/// local kind is malformed.
#[test]
fn unknown_kinds_are_skipped_and_local_kinds_refused() {
    let (mut replica, hello) = replica();
    let mut datagram = emit(|buf| sample_batch(hello).emit(buf));
    datagram.truncate(datagram.len() - 4);
    let at = datagram.len();
    datagram.extend([77, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0]);
    reseal(&mut datagram);
    let mut local = datagram.clone();
    local[at] = FIRST_LOCAL_KIND;
    reseal(&mut local);
    assert_eq!(assert_ignored(&replica, &local), Reject::Malformed { field: "kind" });

    replica.handle_datagram(Instant::ZERO, from(), &datagram).unwrap();
    assert_eq!(replica.skipped_kinds(), 1);
    assert_eq!(replica.records().len(), 3);
    let mut buf = [0; MAX_DATAGRAM];
    let told = std::iter::from_fn(|| replica.poll_output(Instant::ZERO, &mut buf))
        .any(|output| output == Output::Event(Event::KindSkipped { kind: 77 }));
    assert!(told);
}

/// STATE-7: a batch that answers no hello of ours, or an older one than the present session, is ignored.
#[test]
fn batches_from_elsewhen_are_ignored() {
    let (mut replica, hello) = replica();
    let with = |answers, session, sequence| {
        let mut batch = sample_batch(answers);
        (batch.header.session, batch.header.sequence) = (session, sequence);
        emit(|buf| batch.emit(buf))
    };
    let unsent = HelloId { number: hello.number + 1, ..hello };
    let foreign = HelloId { start: hello.start ^ 1, ..hello };
    assert_eq!(assert_ignored(&replica, &with(unsent, 9, 1)), Reject::UnprovenStart);
    assert_eq!(assert_ignored(&replica, &with(foreign, 9, 1)), Reject::UnprovenStart);
    replica.handle_datagram(Instant::ZERO, from(), &with(hello, 9, 2)).unwrap();
    assert_eq!(assert_ignored(&replica, &with(hello, 9, 2)), Reject::Stale);
    assert_eq!(assert_ignored(&replica, &with(hello, 9, 1)), Reject::Stale);
    assert_eq!(assert_ignored(&replica, &with(hello, 8, 3)), Reject::Session);
}

/// STATE-7: once a replica has left its role, or its session for a dump, no answer to what it asked before
/// is taken any more.
#[test]
fn answers_from_before_a_change_of_role_are_ignored() {
    for leave in [Input::SetRole(SyncRole::Idle), Input::SnapshotBegin] {
        let (mut replica, hello) = replica();
        let datagram = emit(|buf| sample_batch(hello).emit(buf));
        replica.clone().handle_datagram(Instant::ZERO, from(), &datagram).expect("before it, yes");
        replica.handle_input(Instant::ZERO, leave).unwrap();
        replica.handle_input(Instant::ZERO, Input::SetRole(SyncRole::Replica)).unwrap();
        let _ = replica.handle_input(Instant::ZERO, Input::SnapshotEnd);
        replica.handle_timeout(Instant::ZERO); // nothing to compare: the dump is over
        assert_eq!(assert_ignored(&replica, &datagram), Reject::Session);
    }
}

/// Datagrams from elsewhere, or for another role, are ignored for that reason.
#[test]
fn datagrams_from_elsewhere_are_ignored() {
    let (mut replica, hello) = replica();
    let datagram = emit(|buf| sample_batch(hello).emit(buf));
    let mut offer = |origin| replica.handle_datagram(Instant::ZERO, origin, &datagram);
    assert_eq!(offer(Origin { peer: UnitId(7), ..from() }), Err(Reject::UnknownPeer));
    assert_eq!(offer(Origin { path: PathId(7), ..from() }), Err(Reject::UnknownPath));
    assert_eq!(offer(Origin { channel: Channel::Pair, ..from() }), Err(Reject::UnknownChannel));
    assert_eq!(assert_ignored(&publisher(), &datagram), Reject::Role);
}

/// What the embedder tells is checked before anything of it is taken in.
#[test]
fn inputs_are_refused_whole() {
    let mut sync = publisher();
    let mut records = sample();
    records[2].key.destination = IpAddr::from([0; 16]);
    let refused = sync.handle_input(Instant::ZERO, Input::Upsert(records.clone()));
    assert_eq!(refused, Err(Refusal::Malformed { at: 2, field: "destination" }));
    let many = vec![records[0]; 1025];
    let refused = sync.handle_input(Instant::ZERO, Input::Upsert(many));
    assert_eq!(refused, Err(Refusal::TooMany { given: 1025 }));
    let refused = sync.handle_input(Instant::ZERO, Input::SetPath(Some(PathId(3))));
    assert_eq!(refused, Err(Refusal::UnknownPath { path: PathId(3) }));
    assert!(sync.records().is_empty());
}

/// A TCP connection that comes without its TCP state keeps what is known, and is no change if nothing
/// else is.
#[test]
fn the_known_tcp_state_is_kept() {
    let mut sync = publisher();
    let known = sample()[0];
    sync.handle_input(Instant::ZERO, Input::Upsert(vec![known])).unwrap();
    let mut update = known;
    (update.state.tcp, update.state.timeout) = (None, 5);
    let mut buf = [0; MAX_DATAGRAM];
    while sync.poll_output(Instant::ZERO, &mut buf).is_some() {}
    sync.handle_input(Instant::ZERO, Input::Upsert(vec![update])).unwrap();
    assert_eq!(sync.progress().dirty, 0);
    let state = sync.records().get(&known.key).unwrap();
    assert_eq!((state.tcp, state.timeout), (known.state.tcp, 5));
}
