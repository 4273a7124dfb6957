//! What a record costs: on the wire against bare postcard in the same run, and applied to a table of a
//! million.

#![allow(missing_docs)] // criterion's macros make public items
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)] // not a product

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Machine, Origin, Output};
use ha_core::time::Instant;
use statesync::wire::{Batch, BatchHeader, Datagram, Entry, HelloId, MAX_DATAGRAM, Section};
use statesync::*;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

fn connection(n: u32) -> Connection {
    let key = ConnectionKey {
        source: IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | (n >> 12))),
        destination: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)),
        transport: Transport::Tcp { source: 32_768 + (n & 0xfff) as u16, destination: 443 },
    };
    let side = TcpSide { window_scale: 7, flags: 3 };
    let tcp = Some(TcpState { phase: TcpPhase::Established, original: side, reply: side });
    let state = ConnectionState {
        source_nat: None,
        destination_nat: None,
        mark: 0,
        tcp,
        seen_reply: true,
        assured: true,
        timeout: 432_000,
    };
    Connection { key, state }
}

fn header(answers: HelloId, sequence: u64) -> BatchHeader {
    BatchHeader { session: 1, answers, sequence, floor: sequence, complete: true }
}

fn full_batch(
    answers: HelloId,
    sequence: u64,
    connections: impl Iterator<Item = Connection>,
) -> Vec<u8> {
    let mut batch = Batch { header: header(answers, sequence), sections: vec![], skipped: vec![] };
    batch.sections.push(Section::Changes(connections.map(Entry::Update).collect()));
    let mut buf = vec![0; MAX_DATAGRAM];
    let len = batch.emit(&mut buf).unwrap();
    buf.truncate(len);
    buf
}

const RECORDS: u32 = 40;

fn codec(c: &mut Criterion) {
    let answers = HelloId { start: 1, number: 1 };
    let records: Vec<Connection> = (0..RECORDS).map(connection).collect();
    let datagram = full_batch(answers, 1, records.iter().copied());
    println!(
        "bytes per record: {:.1} in a batch of {RECORDS} ({} bytes), {} bare",
        datagram.len() as f64 / f64::from(RECORDS),
        datagram.len(),
        postcard::to_allocvec(&records[0]).unwrap().len()
    );
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    group.bench_function("bare postcard, encode and decode", |b| {
        let mut buf = [0; MAX_DATAGRAM];
        b.iter(|| {
            let mut at = 0;
            for record in black_box(&records) {
                at += postcard::to_slice(record, &mut buf[at..]).unwrap().len();
            }
            let mut rest = &buf[..at];
            let mut decoded = Vec::with_capacity(records.len());
            while !rest.is_empty() {
                let (record, after) = postcard::take_from_bytes::<Connection>(rest).unwrap();
                decoded.push(record);
                rest = after;
            }
            decoded
        });
    });
    let entries = records.iter().copied().map(Entry::Update).collect();
    let sections = vec![Section::Changes(entries)];
    let batch = Batch { header: header(answers, 1), sections, skipped: vec![] };
    group.bench_function("batch, emit and parse", |b| {
        let mut buf = [0; MAX_DATAGRAM];
        b.iter(|| {
            let len = black_box(&batch).emit(&mut buf).unwrap();
            Datagram::parse(&buf[..len]).unwrap()
        });
    });
    group.finish();
}

fn replica_of_a_million() -> (StateSync<Table>, HelloId) {
    let config = Config::new(1, UnitId(1), vec![PathId(0)]).unwrap();
    let table: Table = (0..1_000_000).map(connection).collect();
    let mut sync = StateSync::new(config, table);
    sync.handle_input(Instant::ZERO, Input::SetRole(SyncRole::Replica)).unwrap();
    let mut buf = [0; MAX_DATAGRAM];
    let Some(Output::Transmit { len, .. }) = sync.poll_output(Instant::ZERO, &mut buf) else {
        return (sync, HelloId { start: 0, number: 0 });
    };
    let Ok(Datagram::Ack(ack)) = Datagram::parse(&buf[..len]) else {
        return (sync, HelloId { start: 0, number: 0 });
    };
    (sync, ack.hello)
}

/// Updates of records at random places, with the install answered at once.
fn apply(c: &mut Criterion) {
    let (mut sync, hello) = replica_of_a_million();
    let origin = Origin { peer: UnitId(1), path: PathId(0), channel: Channel::StateSync };
    let mut sequence = 0_u64;
    let mut buf = [0; MAX_DATAGRAM];
    let mut group = c.benchmark_group("apply into a table of 1,000,000");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    group.bench_function("batch of updates", |b| {
        b.iter_batched(
            || {
                sequence += 1;
                let number = sequence as u32;
                let at = |n: u32| {
                    (number.wrapping_mul(RECORDS).wrapping_add(n)).wrapping_mul(2_654_435_761)
                        % 1_000_000
                };
                let updated = (0..RECORDS).map(|n| {
                    let mut record = connection(at(n));
                    record.state.mark = number & 0x7f;
                    record
                });
                full_batch(hello, sequence, updated)
            },
            |datagram| {
                sync.handle_datagram(Instant::ZERO, origin, &datagram).unwrap();
                while let Some(output) = sync.poll_output(Instant::ZERO, &mut buf) {
                    if let Output::Action { id, .. } = output {
                        sync.handle_done(Instant::ZERO, id, Ok(()));
                    }
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A whole catch-up between two machines, with every datagram delivered and every install done at once:
/// what both sides together need for a record.
fn catch_up(c: &mut Criterion) {
    const TABLE: u32 = 100_000;
    let table: Table = (0..TABLE).map(connection).collect();
    let mut group = c.benchmark_group("catch-up, both sides");
    group.throughput(Throughput::Elements(u64::from(TABLE)));
    group.sample_size(10);
    group.bench_function("100,000 records", |b| {
        b.iter_batched(
            || {
                let unit = |seed, peer, table, role| {
                    let config = Config::new(seed, UnitId(peer), vec![PathId(0)]).unwrap();
                    let mut sync = StateSync::new(config, table);
                    sync.handle_input(Instant::ZERO, Input::SetRole(role)).unwrap();
                    sync
                };
                [
                    unit(1, 1, table.clone(), SyncRole::Publisher),
                    unit(2, 0, Table::new(), SyncRole::Replica),
                ]
            },
            |mut units| {
                let mut bytes = 0;
                while exchange(&mut units, 0, &mut bytes) | exchange(&mut units, 1, &mut bytes) {}
                assert!(units.iter().all(|unit| unit.progress().in_sync));
                bytes
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// Carries out what one unit wants; whether it wanted anything.
fn exchange(units: &mut [StateSync<Table>; 2], at: usize, bytes: &mut usize) -> bool {
    let sender = UnitId(u8::from(at == 1));
    let origin = Origin { peer: sender, path: PathId(0), channel: Channel::StateSync };
    let mut buf = [0; MAX_DATAGRAM];
    let mut busy = false;
    while let Some(output) = units[at].poll_output(Instant::ZERO, &mut buf) {
        busy = true;
        match output {
            Output::Transmit { len, .. } => {
                *bytes += len;
                units[1 - at].handle_datagram(Instant::ZERO, origin, &buf[..len]).unwrap();
            }
            Output::Action { id, .. } => units[at].handle_done(Instant::ZERO, id, Ok(())),
            Output::Event(_) => {}
        }
    }
    busy
}

criterion_group!(benches, codec, apply, catch_up);
criterion_main!(benches);
