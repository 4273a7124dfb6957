//! Random faults under the oracle: S1 and S3 after each step, and after calm L1.
//!
//! `HA_PAIR_SEED=n` runs one seed, `HA_PAIR_RUNS=n` so many of each kind. A failure names its seed.

use crate::harness::{A, Answer, B, Random, World, ms};
use core::time::Duration;
use ha_core::pair::{Departure, Event, Input};

/// What a kind of runs does to the units.
#[derive(Clone, Copy)]
struct Faults {
    /// Losses, of 1000 datagrams.
    loss: u64,
    cuts: bool,
    crashes: bool,
    hangs: bool,
    actions: bool,
}

const QUIET: Faults = Faults { loss: 0, cuts: false, crashes: false, hangs: false, actions: false };
const ALL: Faults = Faults { loss: 250, cuts: true, crashes: true, hangs: true, actions: true };

fn runs(kind: &str, first: u64, count: u64, faults: Faults) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("HA_PAIR_SEED") {
        return run(kind, seed, faults);
    }
    let count = number("HA_PAIR_RUNS").unwrap_or(count);
    for seed in first..first + count {
        run(kind, seed, faults);
    }
}

fn run(kind: &str, seed: u64, faults: Faults) {
    println!("{kind}, HA_PAIR_SEED={seed}");
    let mut random = Random::new(seed);
    let level = 2 + random.below(4);
    let interval = ms(random.pick(&[10, 20, 100]));
    let failure_time = interval * level as u32;
    let paths = 1 + random.below(3) as usize;
    let preempt = random.chance(200);
    let delay = random.up_to(failure_time / 5);
    let delay = if random.chance(300) { Duration::ZERO } else { delay };

    let mut world = World::unpowered(seed, move |_, config| {
        config
            .heartbeat_interval(interval)
            .trigger_level(level as u8)
            .paths(vec![ha_core::pair::PathKind::Control; paths])
            .preempt(preempt)
            .action_timeout(failure_time * 2)
    });
    world.poll_each = random.chance(500);
    world.network.set_all(|link| {
        link.delay = delay;
        link.jitter = random.up_to(failure_time / 5);
        link.loss = random.below(faults.loss + 1);
        link.duplicates = random.below(200);
    });
    let drift = random.below(10_000) as i64;
    world.set_rate(A, drift / 2);
    world.set_rate(B, -drift / 2);
    world.start(A);
    if random.chance(500) {
        world.run_for(random.up_to(failure_time * 3));
    }
    world.start(B);

    for _ in 0..12 {
        world.run_for(random.up_to(failure_time * 2));
        disturb(&mut world, &mut random, faults, failure_time);
        stop_who_may(&mut world);
    }
    calm(&mut world);
    let longest = failure_time * 16;
    world.run_until(longest, World::is_settled);
    // Two whose takes failed may try again within one delay of each other; then one gives way.
    world.run_for(failure_time * 2);
    // And it stays so.
    let active = world.holds();
    world.run_for(failure_time * 4);
    if world.holds() != active || !world.is_settled() {
        world.fail("L1: it does not stay settled");
    }
}

fn disturb(world: &mut World, random: &mut Random, faults: Faults, failure_time: Duration) {
    let unit = random.pick(&[A, B]);
    match random.below(10) {
        0 | 1 if world.runs(unit) => {
            let _ = world.input(unit, Input::TakeOver);
        }
        2 if world.runs(unit) => {
            let weight = random.below(3) as u16;
            let _ = world.input(unit, Input::HealthWeight(weight));
        }
        3 if faults.crashes && world.runs(unit) => {
            let _ = world.input(unit, Input::Leave(Departure::Stop));
        }
        4 | 5 if faults.crashes => {
            world.crash(unit);
            if random.chance(700) {
                world.run_for(random.up_to(failure_time * 2));
                world.start(unit);
            }
        }
        6 if faults.hangs => match random.below(3) {
            0 => world.hang(unit, random.up_to(failure_time * 3)),
            1 => world.hang_before_polling(unit, random.up_to(failure_time * 3)),
            _ => world.jump_ahead(unit, random.up_to(failure_time * 3)),
        },
        7 | 8 if faults.cuts => {
            let path = random.below(world.network.links.len() as u64) as usize;
            match random.below(5) {
                0 => world.network.links[path][unit].cut = true,
                1 => world.cut_from(unit, true),
                2 => world.cut_all(true),
                _ => world.cut_all(false),
            }
        }
        9 if faults.actions => {
            let action =
                random.pick(&["AdoptState", "OpenForwarding", "TakeAddresses", "Withdraw"]);
            let slow = Answer::after(random.up_to(failure_time));
            world.units[unit].slowest = failure_time * 2;
            let answer = random.pick(&[slow, Answer::FAILS, Answer::NEVER, Answer::AT_ONCE]);
            world.answer(unit, action, answer);
        }
        _ => {}
    }
}

/// A unit that has left is stopped when it says so.
fn stop_who_may(world: &mut World) {
    for unit in [A, B] {
        let may_stop = |event: &Event| matches!(event, Event::MayStop { .. });
        let left = world.runs(unit) && world.state(unit) == ha_core::pair::State::Left;
        if left && world.events(unit, Duration::ZERO).iter().any(may_stop) {
            world.crash(unit);
        }
    }
}

/// No more faults: both units run, hear each other, and their platforms work.
fn calm(world: &mut World) {
    world.network.set_all(|link| {
        link.cut = false;
        link.loss = 0;
        link.duplicates = 0;
    });
    for unit in [A, B] {
        world.units[unit].platform.repair();
        if world.runs(unit) && matches!(world.state(unit), ha_core::pair::State::Left) {
            world.crash(unit);
        }
    }
    // A leave that is under way ends.
    world.run_for(world.failure_time() * 5);
    for unit in [A, B] {
        if !world.runs(unit) || world.state(unit) == ha_core::pair::State::Left {
            world.start(unit);
        }
    }
}

/// S1, L1: hand-overs and changes of weight alone, on a network that only delays and duplicates.
#[test]
fn hand_overs_on_a_quiet_network() {
    runs("quiet", 0, 300, QUIET);
}

/// S1, L1: losses and cuts.
#[test]
fn a_network_with_faults() {
    runs("network", 10_000, 500, Faults { crashes: false, hangs: false, actions: false, ..ALL });
}

/// S1, S3, L1: units that hang and whose clocks jump, on a network that works.
#[test]
fn units_that_hang() {
    runs("hangs", 20_000, 500, Faults { hangs: true, ..QUIET });
}

/// S1, L1: units that crash, restart and leave, with losses.
#[test]
fn units_that_crash() {
    runs("crashes", 30_000, 500, Faults { crashes: true, loss: 250, ..QUIET });
}

/// S1, S3, L1: everything at once.
#[test]
fn everything_at_once() {
    runs("everything", 40_000, 1500, ALL);
}
