//! How late announcements make heartbeats (BEY-10), and what it costs to make the frames.
//!
//! The first is measured in virtual time: the real machine, and a platform whose only thread sends every frame
//! in 20 us. The announcements begin at each tenth of a millisecond between two heartbeats. The bar: 500
//! addresses, heartbeats every 10 ms, none later than 5 ms.

// A benchmark says plainly what it expects, and does nothing else.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::expect_used)]

use core::time::Duration;
use criterion::{Criterion, criterion_group, criterion_main};
use sim::harness::one_thread::{self, OneThread};

const ADDRESSES: u16 = 500;
const FRAME: Duration = Duration::from_micros(20);
const BAR: Duration = Duration::from_millis(5);

fn worst(burst: Option<u16>) -> OneThread {
    let runs = (0..100).map(|step| {
        let config = one_thread::with_addresses(ADDRESSES);
        let config = match burst {
            None => config,
            Some(burst) => config.announcement_pace(burst, Duration::from_millis(2)),
        };
        one_thread::run(config, FRAME, Duration::from_micros(100) * step)
    });
    runs.max_by_key(|run| run.longest_delay).expect("a hundred runs")
}

fn announcements(criterion: &mut Criterion) {
    let (paced, unpaced) = (worst(None), worst(Some(1024)));
    println!(
        "{ADDRESSES} addresses, {FRAME:?} a frame, heartbeats every 10 ms; the worst of 100 phases:"
    );
    println!("               latest heartbeat   bar        first round");
    for (name, run) in [("paced", paced), ("not paced", unpaced)] {
        let OneThread { longest_delay, first_round, .. } = run;
        println!("  {name:<10}   {longest_delay:<16?}   {BAR:<8?}   {first_round:?}");
    }
    assert!(paced.longest_delay <= BAR, "a heartbeat was {:?} late", paced.longest_delay);

    let mut group = criterion.benchmark_group("a unit that announces 500 addresses five times");
    group.sample_size(10);
    let mut run = |name, burst| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let config = one_thread::with_addresses(ADDRESSES);
                let config = config.announcement_pace(burst, Duration::from_millis(2));
                one_thread::run(config, FRAME, Duration::ZERO)
            });
        });
    };
    run("in bursts of 32", 32);
    run("at once", 1024);
    group.finish();
}

criterion_group!(benches, announcements);
criterion_main!(benches);
