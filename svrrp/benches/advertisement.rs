//! What the codec costs. `cargo bench -p svrrp --bench advertisement`
//!
//! - parse and emit of an advertisement with four virtual groups and seven units heard, beside the floor of copying
//!   as many bytes and computing their check sum: the bar is 250 ns each;
//! - the view, for who needs a value or two; the check of the envelope, for what is refused by its header.
//!
//! Times depend on the machine and its load. The ratio printed last is taken from alternating rounds of this run.

// Benches may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../tests/common/messages.rs"]
#[allow(dead_code, unreachable_pub)] // the tests need the rest
mod messages;

use core::hint::black_box;
use criterion::{Criterion, criterion_group, criterion_main};
use svrrp::Advertisement;
use svrrp::wire::{AdvertisementView, Datagram, MAX_DATAGRAM_LEN};

fn advertisement(criterion: &mut Criterion) {
    let advertisement = messages::full();
    let mut out = [0; MAX_DATAGRAM_LEN];
    let len = advertisement.emit(&mut out).unwrap();
    let datagram = out[..len].to_vec();

    let mut group = criterion.benchmark_group(format!("advertisement of {len} bytes"));
    let mut copy = [0; MAX_DATAGRAM_LEN];
    let mut floor = || {
        copy[..len].copy_from_slice(black_box(&datagram));
        black_box(crc32fast::hash(black_box(&copy[..len])));
    };
    group.bench_function("copy and CRC", |bencher| bencher.iter(&mut floor));
    let mut envelope = || {
        let _ = black_box(Datagram::check(black_box(&datagram)));
    };
    group.bench_function("check of the envelope", |bencher| bencher.iter(&mut envelope));
    let mut view = || {
        let checked = Datagram::check(black_box(&datagram)).unwrap();
        let _ = black_box(AdvertisementView::check(&checked));
    };
    group.bench_function("view", |bencher| bencher.iter(&mut view));
    let mut parse = || {
        let _ = black_box(Advertisement::parse(black_box(&datagram)));
    };
    group.bench_function("parse", |bencher| bencher.iter(&mut parse));
    let mut emit = || {
        let _ = black_box(black_box(&advertisement).emit(black_box(&mut out)));
    };
    group.bench_function("emit", |bencher| bencher.iter(&mut emit));
    group.finish();

    report(&mut [&mut floor, &mut parse, &mut emit]);
}

/// Times and ratios from alternating rounds: the best of each counts.
fn report(works: &mut [&mut dyn FnMut(); 3]) {
    let mut best = [f64::MAX; 3];
    for _ in 0..200 {
        for (work, best) in works.iter_mut().zip(&mut best) {
            *best = best.min(nanoseconds(*work));
        }
    }
    let [floor, parse, emit] = best;
    println!(
        "best of 200 rounds: copy and CRC {floor:.0} ns, parse {parse:.0} ns, emit {emit:.0} ns"
    );
    println!("ratio to copy and CRC: parse {:.1}, emit {:.1}", parse / floor, emit / floor);
}

/// How long one turn takes.
fn nanoseconds(work: &mut dyn FnMut()) -> f64 {
    const TURNS: u32 = 2000;
    // The only place that needs a clock: this is a measurement.
    #[allow(clippy::disallowed_methods)]
    let begin = std::time::Instant::now();
    for _ in 0..TURNS {
        work();
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(TURNS)
}

criterion_group!(benches, advertisement);
criterion_main!(benches);
