//! What a heartbeat costs, beside what must be done with as many bytes in any case: copying them and
//! computing their CRC-32. The ratios are comparable between machines, the times are not.

// A benchmark says plainly what it expects, and does nothing else.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use core::hint::black_box;
use core::time::Duration;
use criterion::{Criterion, criterion_group, criterion_main};
use ha_core::identity::{Designation, UnitId};
use ha_core::machine::{Machine as _, Origin, Output};
use ha_core::pair::{Heartbeat, MAX_HEARTBEAT_LEN, Pair, PairConfig, Product, Role};
use ha_core::time::Instant;

/// Both units of a pair, in time that the benchmark makes.
struct TwoUnits {
    now: Instant,
    units: [Pair; 2],
    buf: [u8; MAX_HEARTBEAT_LEN],
    last: Vec<u8>,
}

impl TwoUnits {
    fn new() -> Self {
        let product =
            Product { model: "FW-100".parse().unwrap(), firmware: "7.1.2".parse().unwrap() };
        let unit = |designation, ours: &str, peers: &str, seed| {
            let (ours, peers) = (ours.parse().unwrap(), peers.parse().unwrap());
            let config = PairConfig::builder(designation, ours, peers, product, seed)
                .heartbeat_interval(Duration::from_millis(10))
                .trigger_level(3)
                .build();
            Pair::new(config.unwrap(), Instant::ZERO)
        };
        let units = [
            unit(Designation::Primary, "SN-0001", "SN-0002", 1),
            unit(Designation::Secondary, "SN-0002", "SN-0001", 2),
        ];
        let buf = [0; MAX_HEARTBEAT_LEN];
        let mut two = Self { now: Instant::ZERO, units, buf, last: Vec::new() };
        for _ in 0..100 {
            two.cycle();
        }
        assert_eq!(two.units[0].role(), Role::Active);
        assert_eq!(two.units[1].role(), Role::Standby);
        two
    }

    /// One interval: each unit is woken, sends its heartbeat, and takes the other's in.
    fn cycle(&mut self) {
        self.now = self.now + Duration::from_millis(10);
        for sender in [0, 1] {
            self.units[sender].handle_timeout(self.now);
            self.drain(sender);
        }
    }

    fn drain(&mut self, sender: usize) {
        while let Some(output) = self.units[sender].poll_output(self.now, &mut self.buf) {
            match output {
                Output::Transmit { to, len } => {
                    let peer = UnitId(u8::try_from(sender).unwrap());
                    let from = Origin { peer, path: to.path, channel: to.channel };
                    self.last.clear();
                    self.last.extend_from_slice(&self.buf[..len]);
                    let taken = self.units[1 - sender].handle_datagram(self.now, from, &self.last);
                    taken.expect("a heartbeat of the peer");
                }
                Output::Action { id, .. } => self.units[sender].handle_done(self.now, id, Ok(())),
                Output::Event(_) => {}
            }
        }
    }
}

fn heartbeat(criterion: &mut Criterion) {
    let mut two = TwoUnits::new();
    let datagram = two.last.clone();
    let heartbeat = Heartbeat::parse(&datagram).unwrap();
    let mut buf = [0; MAX_HEARTBEAT_LEN];

    let mut group = criterion.benchmark_group(format!("heartbeat of {} bytes", datagram.len()));
    let mut floor = || {
        buf[..datagram.len()].copy_from_slice(black_box(&datagram));
        crc32fast::hash(black_box(&buf[..datagram.len()]))
    };
    group.bench_function("copy and CRC", |bencher| bencher.iter(&mut floor));
    let mut parse = || Heartbeat::parse(black_box(&datagram));
    group.bench_function("parse", |bencher| bencher.iter(&mut parse));
    let mut out = [0; MAX_HEARTBEAT_LEN];
    let mut emit = || black_box(&heartbeat).emit(black_box(&mut out));
    group.bench_function("emit", |bencher| bencher.iter(&mut emit));
    let mut cycle = || two.cycle();
    group.bench_function("one interval of both units", |bencher| bencher.iter(&mut cycle));
    group.finish();

    report(
        &mut floor,
        &mut || {
            let _ = black_box(parse());
        },
        &mut || {
            black_box(emit());
        },
        &mut cycle,
    );
}

/// The ratios, from alternating rounds of the same run: the best of each counts.
fn report(
    floor: &mut dyn FnMut() -> u32,
    parse: &mut dyn FnMut(),
    emit: &mut dyn FnMut(),
    cycle: &mut dyn FnMut(),
) {
    let mut best = [f64::MAX; 4];
    for _ in 0..200 {
        let works: [&mut dyn FnMut(); 4] = [
            &mut || {
                black_box(floor());
            },
            &mut *parse,
            &mut *emit,
            &mut *cycle,
        ];
        for (work, best) in works.into_iter().zip(&mut best) {
            *best = best.min(seconds(work));
        }
    }
    let ratio = |at: usize| best[at] / best[0];
    println!("ratio to copy and CRC of as many bytes:");
    println!("  parse {:.1}, emit {:.1}", ratio(1), ratio(2));
    // One interval of both units is twice: wake, send, take in what the other sent.
    println!("  receive and reply of one unit {:.1}", ratio(3) / 2.0);
}

fn seconds(work: &mut dyn FnMut()) -> f64 {
    const TURNS: u32 = 2000;
    // The only place that needs a clock: this is a measurement.
    #[allow(clippy::disallowed_methods)]
    let begin = std::time::Instant::now();
    for _ in 0..TURNS {
        work();
    }
    begin.elapsed().as_secs_f64()
}

criterion_group!(benches, heartbeat);
criterion_main!(benches);
