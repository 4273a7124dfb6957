//! STATE-7: whatever the network and the units do, after calm both tables are equal; at every step the
//! replica's state of each key is one that the publisher had, never older than before.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pair;

use ha_core::time::Duration;
use pair::{CALM, Pair, STORM};
use statesync::{Event, Records};

const SEEDS: u64 = 20;

fn storm(seed: u64, pair: &mut Pair, rounds: usize, mut disturb: impl FnMut(&mut Pair, usize)) {
    for round in 0..rounds {
        pair.churn(60);
        disturb(pair, round);
        let pause = pair.rng.below(40);
        pair.run(Duration::from_millis(pause));
    }
    pair.calm();
    assert!(!pair.units[pair.publisher].sync.records().is_empty(), "seed {seed}");
    pair.assert_equal();
}

/// STATE-5: on a quiet network a change is in the replica's forwarding plane within a round trip.
#[test]
fn a_change_is_told_at_once() {
    let mut pair = Pair::new(1, CALM);
    pair.run(Duration::from_secs(1));
    pair.upsert([1]);
    pair.run(Duration::from_millis(22)); // 1 on the way, up to 20 in the embedder
    assert_eq!(pair.units[1].plane.len(), 1);
    pair.upsert([1]);
    pair.run(Duration::from_millis(22));
    assert_eq!(pair.units[1].updates_in_place, 1);
    pair.remove([1]);
    pair.run(Duration::from_millis(22));
    assert_eq!(pair.units[1].plane.len(), 0);
    pair.assert_equal();
}

/// STATE-7: loss, duplication, reordering, and changes of all sorts.
#[test]
fn a_bad_network_changes_nothing_in_the_end() {
    for seed in 1..=SEEDS {
        let mut pair = Pair::new(seed, STORM);
        storm(seed, &mut pair, 150, |_, _| {});
    }
}

/// STATE-7: the restart of either side, with its table or without.
#[test]
fn either_side_restarts() {
    for seed in 1..=SEEDS {
        let mut pair = Pair::new(seed, STORM);
        storm(seed, &mut pair, 150, |pair, _| {
            if pair.rng.percent(3) {
                let (at, keep) = (pair.rng.below(2) as usize, pair.rng.percent(50));
                pair.restart(at, keep);
            }
        });
    }
}

/// STATE-7: the roles are changed over, again and again.
#[test]
fn roles_are_reversed() {
    for seed in 1..=SEEDS {
        let mut pair = Pair::new(seed, STORM);
        storm(seed, &mut pair, 150, |pair, _| {
            if pair.rng.percent(4) {
                pair.set_roles(pair.replica());
            }
        });
    }
}

/// STATE-7: an acknowledgement means applied: installs that fail half-way come again, as they are then.
#[test]
fn installs_fail() {
    for seed in 1..=SEEDS {
        let mut pair = Pair::new(seed, STORM);
        pair.units[1].install_failures = 60;
        storm(seed, &mut pair, 150, |_, _| {});
        let failed = |event: &&Event| matches!(event, Event::InstallFailed { .. });
        assert!(pair.units[1].events.iter().filter(failed).count() > 0);
    }
}

/// STATE-7: everything at once.
#[test]
fn everything_goes_wrong() {
    for seed in 1..=2 * SEEDS {
        let mut pair = Pair::with_max_dirty(seed, STORM, Some(20));
        pair.units[0].install_failures = 30;
        pair.units[1].install_failures = 30;
        storm(seed, &mut pair, 200, |pair, _| match pair.rng.below(60) {
            0 => pair.restart(0, true),
            1 => pair.restart(1, false),
            2 => pair.set_roles(pair.replica()),
            _ => {}
        });
    }
}

/// STATE-6, STATE-7: beyond the bound of what waits a whole catch-up takes its place, and nothing is lost.
#[test]
fn what_waits_overflows() {
    for seed in 1..=SEEDS {
        let mut pair = Pair::with_max_dirty(seed, STORM, Some(100));
        pair.run(Duration::from_secs(1));
        pair.upsert(0..2000);
        pair.run(Duration::from_millis(50));
        pair.remove((0..2000).filter(|n| n % 3 == 0));
        pair.calm();
        assert!(pair.units[0].events.contains(&Event::Overflow { limit: 100 }));
        assert_eq!(pair.units[1].sync.records().len(), 1333);
        pair.assert_equal();
    }
}
