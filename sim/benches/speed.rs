//! How fast a pair is simulated with a heartbeat of 1 s and two paths when nothing happens. The bar is 20
//! simulated hours per second of one core.

// A benchmark says plainly what it expects.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

use core::time::Duration;
use criterion::{Criterion, criterion_group, criterion_main};
use ha_core::pair::{Pair, PathKind};
use sim::{A, B, World, harness::config};

const HOUR: Duration = Duration::from_secs(3600);

fn pair() -> World<Pair> {
    let mut world = World::new(1, false, |boot| {
        let config = config(boot.unit, boot.seed).heartbeat_interval(Duration::from_secs(1));
        config.trigger_level(5).paths([PathKind::Control; 2]).build().unwrap()
    });
    world.network.set_all(|link| {
        link.delay = Duration::from_micros(300);
        link.jitter = Duration::from_micros(200);
    });
    world.start(A);
    world.start(B);
    world.run_for(Duration::from_secs(60));
    assert!(world.is_settled());
    world
}

fn an_hour(c: &mut Criterion) {
    let mut world = pair();
    let (before, mut seconds, mut hours) = (world.observed.calls, 0.0, 0_u32);
    c.bench_function("an hour of a pair, 1 s, two paths", |b| {
        b.iter_custom(|hours_wanted| {
            // Told by the criterion itself: it measures, the simulator reads no clock.
            let begin =
                criterion::measurement::Measurement::start(&criterion::measurement::WallTime);
            for _ in 0..hours_wanted {
                world.run_for(HOUR);
                hours += 1;
            }
            let took =
                criterion::measurement::Measurement::end(&criterion::measurement::WallTime, begin);
            seconds += took.as_secs_f64();
            took
        });
    });
    assert!(world.violation().is_none() && world.is_settled());
    let events = (world.observed.calls - before) as f64;
    println!(
        "per second of one core: {:.0} simulated hours, {:.0} events",
        f64::from(hours) / seconds,
        events / seconds
    );
}

criterion_group!(benches, an_hour);
criterion_main!(benches);
