//! Some hundred runs of each kind under the oracle: what must always hold is checked after each step, and
//! after calm what must come true. `cargo run --release -p sim -- --runs 100000` goes through more.

// A test says plainly what it expects.
#![allow(clippy::panic)]

use sim::plan::Kind;
use sim::{Plan, run};

/// Runs so many seeds of a kind.
fn runs(kind: Kind, count: u64) {
    for number in 0..count {
        let seed = kind.seed(number);
        let violation = run(&Plan::from_seed(seed), false).violation;
        if let Some(violation) = violation {
            panic!("{violation}\ncargo run --release -p sim -- --seed {seed}");
        }
    }
}

/// S1, L1, L2: hand-overs and changes of health alone, on a network that only delays and doubles.
#[test]
fn hand_overs_on_a_quiet_network() {
    runs(Kind::Quiet, 300);
}

/// S1, L1: losses and cuts.
#[test]
fn a_network_with_faults() {
    runs(Kind::Network, 400);
}

/// S1, S3, L1: units that hang, are paused, and whose clocks jump or are set back.
#[test]
fn units_that_hang() {
    runs(Kind::Hangs, 400);
}

/// S1, L1: units that crash, restart and leave, with losses.
#[test]
fn units_that_crash() {
    runs(Kind::Crashes, 400);
}

/// S1, L1: actions that fail, hang, or are late; with synchronization, its actions too.
#[test]
fn actions_that_fail() {
    runs(Kind::Actions, 400);
}

/// L1, L2, CRASH-3, BEY-3, BEY-7, BEY-9: health, links, demotions, readiness that come and go on both units.
#[test]
fn health_that_changes() {
    runs(Kind::Health, 400);
}

/// L1, PAIR-10, PAIR-11, BEY-8: an administrator's orders, and restarts with or without what was persisted.
#[test]
fn orders() {
    runs(Kind::Orders, 400);
}

/// L2, L3, PAIR-18: health that comes and goes more often than the role may follow.
#[test]
fn health_that_flaps() {
    runs(Kind::Flaps, 200);
}

/// PAIR-6, PAIR-12: an Active that crashes, with all paths and with one path lost: the Standby takes over within
/// interval × level, one interval and the network's largest delay.
#[test]
fn a_clean_crash() {
    runs(Kind::CleanCrash, 300);
}

/// S1, S3, S5, S6, L1: everything at once.
#[test]
fn everything_at_once() {
    runs(Kind::Everything, 800);
}

/// L2, MON-2, MON-4, CRASH-2, CRASH-3: the same happens around both units, in any order within a second: the
/// role moves once at the most, and never back and forth.
#[test]
fn the_same_on_both_units_moves_the_role_once_at_the_most() {
    runs(Kind::Alike, 25);
}

/// MON-1, MON-2, MON-3, MON-4, CRASH-1, CRASH-2, CRASH-3, BEY-3: links, targets and services fail and work
/// again, beside units that crash, hang and are cut off.
#[test]
fn anything_around_the_units() {
    runs(Kind::Monitors, 25);
}
