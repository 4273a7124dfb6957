//! Scripts that are played on real sockets, in real time.
//!
//! The machine may be busy: so whatever is expected has plenty of time, and nothing depends on how long it took.

use crate::addresses::TakeOver;
use crate::headless::{self, Outcome};
use crate::setup::Setup;
use crate::{Options, script};
use clap::Parser as _;
use std::time::Duration;

fn play(nodes: u8, units: u8, text: &str) -> Outcome {
    let interval = Duration::from_millis(200);
    let setup = Setup { nodes, units, groups: 2, interval, level: 5 };
    let steps = script::parse(text, &setup).unwrap();
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    workers.block_on(headless::run(setup, &steps, workers.handle())).unwrap()
}

/// Who took which group over from whom.
fn take_overs(outcome: &Outcome) -> Vec<String> {
    let name = crate::naming::unit;
    let text = |it: &TakeOver| format!("{}  {} -> {}", it.group, name(it.from), name(it.to));
    outcome.take_overs.iter().map(text).collect()
}

/// VG-5, NODE-3: what a node owned that is lost goes to the best of the others, and back to it when it is there again.
#[test]
fn the_groups_of_a_lost_node_go_to_another_one_and_come_back() {
    let outcome = play(
        2,
        1,
        "by 60s group 1 on 1P
         by 60s group 2 on 2P
         at 0s crash 1P
         by 120s group 1 on 2P
         at 0s start 1P
         by 180s group 1 on 1P",
    );
    assert_eq!(take_overs(&outcome), ["VG 1  1P -> 2P"]);
    let printed = outcome.to_string();
    assert!(printed.contains("  VG 1  1P -> 2P  "), "{printed}");
    assert!(printed.ends_with("All came true that the script expects."), "{printed}");
    assert!(outcome.picture().contains("node 1 · Master"));
}

/// VG-6: failover inside the node goes first, by a crash, by a link, and as planned.
#[test]
fn the_other_unit_of_a_node_goes_first() {
    let outcome = play(
        2,
        2,
        "by 60s group 1 on 1P
         by 60s group 2 on 2P
         by 60s unit 1S standby
         at 0s crash 1P
         by 120s group 1 on 1S
         at 0s start 1P
         by 180s unit 1P standby
         at 0s take-over 1P
         by 240s group 1 on 1P
         by 240s unit 1S standby
         at 0s down 1P x1
         by 300s group 1 on 1S",
    );
    assert!(outcome.failed.is_none(), "{outcome}");
    assert_eq!(take_overs(&outcome), ["VG 1  1P -> 1S"]);
}

/// SVRRP-2, SVRRP-5: X0 stands in for a cluster link; nodes that hear each other on no path have all groups on both
/// sides, and one of them gives way when they hear each other again.
#[test]
fn a_split_heals() {
    let outcome = play(
        2,
        1,
        "by 60s group 1 on 1P
         by 60s group 2 on 2P
         at 0s cut 1 2 x0
         at 0s cut 1 2
         by 120s group 1 on several
         by 120s group 2 on several
         at 0s mend 1 2 x0
         by 180s group 1 on 1P
         by 180s group 2 on 2P
         at 0s mend 1 2",
    );
    assert!(outcome.failed.is_none(), "{outcome}");
    assert_eq!(take_overs(&outcome), [""; 0]);
}

/// VG-2: new ranks move a group, as planned; so does a link weight that falls.
#[test]
fn ranks_and_weights_move_groups() {
    let outcome = play(
        3,
        1,
        "by 60s group 1 on 1P
         by 60s group 2 on 2P
         at 0s move 2 to 3
         by 120s group 2 on 3P
         at 0s down 3P x2
         by 180s group 2 on 2P
         at 0s up 3P x2
         by 240s group 2 on 3P",
    );
    assert!(outcome.failed.is_none(), "{outcome}");
}

#[test]
fn what_does_not_come_true_ends_the_script_and_is_named() {
    let outcome = play(2, 1, "\nby 100ms group 1 on 2P\nat 1h crash 1P");
    assert_eq!(outcome.failed.as_ref().map(|step| step.line), Some(2));
    assert!(outcome.to_string().ends_with("NOT SO: line 2: by 100ms group 1 on 2P"));
}

#[test]
fn what_cannot_be_done_ends_the_script_and_is_named() {
    let outcome = play(2, 1, "at 0s start 1P");
    assert!(outcome.to_string().ends_with("NOT SO: line 1: at 0s start 1P"));
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let refused = |words: &[&str]| {
        let words = ["cluster"].iter().chain(words);
        Options::try_parse_from(words).unwrap_err().to_string()
    };
    assert!(refused(&["--headless"]).contains("--script"));
    assert!(refused(&["--script", "x"]).contains("--headless"));
    assert!(refused(&["--nodes", "5"]).contains("2..=4"));
    for interval in ["5ms", "1500us", "11s", "often"] {
        assert!(refused(&["--interval", interval]).contains("--interval"), "{interval}");
    }
}
