//! STATE-7: a Standby that joins late gets the whole table while changes go on, and what the catch-up
//! does not name is swept.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pair;

use ha_core::machine::Machine;
use ha_core::time::{Duration, Instant};
use pair::{CALM, Pair, STORM, Weather, connection};
use statesync::{Event, Input, Records, SyncRole};

const SOME_LOSS: Weather = Weather { loss: 5, duplication: 5, delay: (1, 3) };

/// STATE-7: 20,000 records before the Standby is there, and changes while it catches up.
#[test]
fn a_late_standby_gets_the_whole_table() {
    let mut pair = Pair::new(7, SOME_LOSS);
    pair.check_history = false; // its cost is that of the table at every step
    pair.upsert(0..20_000);
    pair.restart(1, false);
    for _ in 0..100 {
        pair.churn(20_000);
        pair.run(Duration::from_millis(5));
    }
    pair.calm();
    assert!(pair.units[1].sync.records().len() > 19_000);
    let caught_up = |event: &Event| matches!(event, Event::CaughtUp { .. });
    assert!(pair.units.iter().all(|unit| unit.events.iter().any(caught_up)));
    pair.assert_equal();
}

/// STATE-7: a replica with a table of its own is swept of what the publisher does not have, in pieces.
#[test]
fn what_is_not_named_is_swept() {
    for weather in [CALM, STORM] {
        let mut pair = Pair::new(3, weather);
        pair.check_history = false;
        pair.upsert(0..10_000);
        pair.run(Duration::from_secs(20));
        pair.restart(0, false); // the publisher lost everything
        pair.upsert(5_000..5_010);
        pair.run(Duration::from_secs(60));
        pair.calm();
        assert_eq!(pair.units[1].sync.records().len(), 10);
        pair.assert_equal();
    }
}

/// A Standby starts with what its own kernel has left over: the dump goes into its table, and the
/// catch-up brings table and kernel in line.
#[test]
fn left_over_entries_are_brought_in_line() {
    let mut pair = Pair::new(5, CALM);
    pair.upsert(0..100);
    pair.restart(1, false);
    for n in 50..3_000 {
        let left_over = connection(n, 1);
        pair.units[1].plane.insert(left_over.key, left_over.state);
    }
    pair.input(1, Input::SnapshotBegin);
    let plane: Vec<u32> = (50..3_000).collect();
    for chunk in plane.chunks(1000) {
        pair.input(1, Input::Upsert(chunk.iter().map(|n| connection(*n, 1)).collect()));
        pair.run(Duration::from_millis(300));
    }
    assert!(!pair.units[1].sync.progress().session_open, "no session during a dump");
    pair.input(1, Input::SnapshotEnd);
    pair.calm();
    assert_eq!(pair.units[1].sync.records().len(), 100);
    pair.assert_equal();
}

/// A dump on the Active removes what the forwarding plane has no more, in slices, and the replica follows.
#[test]
fn a_dump_removes_what_it_does_not_name() {
    let mut pair = Pair::new(6, CALM);
    pair.upsert(0..5_000);
    pair.run(Duration::from_secs(2));
    pair.input(0, Input::SnapshotBegin);
    for n in 0..3_000 {
        pair.input(0, Input::Upsert(vec![connection(n, n + 2)])); // as they are
    }
    pair.input(0, Input::SnapshotEnd);
    let before = pair.units[0].sync.records().len();
    pair.units[0].sync.handle_timeout(pair.now);
    assert_eq!(pair.units[0].sync.records().len(), before, "the first slices are all named");
    pair.check_history = false;
    pair.calm();
    assert_eq!(pair.units[0].sync.records().len(), 3_000);
    pair.assert_equal();
    assert!(pair.units[0].sync.handle_input(pair.now, Input::SnapshotEnd).is_err());
}

/// What a replica took over goes on to be installed when it becomes publisher.
#[test]
fn a_take_over_installs_what_is_left() {
    let mut pair = Pair::new(9, CALM);
    pair.run(Duration::from_secs(1));
    pair.upsert(0..1000);
    pair.run(Duration::from_millis(2));
    let records = pair.units[1].sync.records().len();
    pair.input(0, Input::SetRole(SyncRole::Idle));
    pair.input(1, Input::SetRole(SyncRole::Publisher));
    assert!(pair.units[1].sync.progress().installing > 0);
    pair.check_history = false;
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.units[1].sync.progress().installing, 0);
    assert_eq!(pair.units[1].plane.len(), records);
}

/// A dump right after a take-over cannot name what the forwarding plane has yet to be given: it is kept.
#[test]
fn a_dump_keeps_what_is_still_to_be_installed() {
    let mut pair = Pair::new(11, CALM);
    pair.run(Duration::from_secs(1));
    pair.upsert(0..1000);
    pair.run(Duration::from_millis(2));
    pair.input(0, Input::SetRole(SyncRole::Idle));
    let records = pair.units[1].sync.records().len();
    assert!(pair.units[1].sync.progress().installing > 0 && pair.units[1].plane.is_empty());
    pair.input(1, Input::SetRole(SyncRole::Publisher));
    pair.input(1, Input::SnapshotBegin);
    pair.input(1, Input::SnapshotEnd);
    pair.check_history = false;
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.units[1].sync.records().len(), records);
    assert_eq!(pair.units[1].plane.len(), records);
}

/// Without a path nothing is sent and nothing wakes; with one again, all goes on.
#[test]
fn without_a_path_it_waits() {
    let mut pair = Pair::new(4, CALM);
    pair.upsert(0..10);
    pair.run(Duration::from_secs(1));
    pair.input(0, Input::SetPath(None));
    pair.input(1, Input::SetPath(None));
    pair.run(Duration::from_secs(20));
    let sent = pair.sent;
    pair.upsert(0..100);
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.sent, sent);
    let idle = pair.units[1].sync.poll_timeout();
    assert!(idle.is_none_or(|deadline| deadline.at > Instant::ZERO && deadline.at > pair.now));
    let path = Some(ha_core::identity::PathId(0));
    pair.input(0, Input::SetPath(path));
    pair.input(1, Input::SetPath(path));
    pair.calm();
    assert!(pair.units[0].events.contains(&Event::PeerLost));
    assert!(pair.units[0].events.contains(&Event::PeerFound));
    pair.assert_equal();
}
