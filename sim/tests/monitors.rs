//! What is monitored, and what follows from it: the bars of the issue, in runs whose moments, order, drift,
//! delays and losses come from seeds. `cargo run --release -p sim -- --kind alike --runs 10000` goes further.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic)]

use core::time::Duration;
use ha_core::pair::Why;
use sim::plan::{Fault, Kind, Setup, Timed, Whom};
use sim::{A, B, Condition, Monitored, Outcome, Plan, Random, run};

/// So many runs with one target.
const RUNS: u64 = 50;
const SECOND: Duration = Duration::from_secs(1);

/// A pair that has settled, and whose Active and Standby both reach the target; then `around` happens to it.
/// Without preempt, and with losses that do not make a peer silent: all else is as the seed has it.
fn with_a_target(
    number: u64,
    around: impl Fn(&mut Random, usize, Duration) -> Vec<Timed>,
) -> Outcome {
    let mut plan = Plan::from_seed(Kind::Alike.seed(number));
    let mut random = Random::new(number);
    plan.setup = Setup {
        level: plan.setup.level + 3,
        preempt: false,
        targets: 1,
        links: 0,
        services: 0,
        answer_loss: 0,
        // So that a run is short.
        own_sync: false,
        probe_interval: plan.setup.probe_interval.min(SECOND * 10),
        ..plan.setup
    };
    let probes = plan.setup.probe_interval * u32::from(plan.setup.missed_probes + 2);
    let active = random.pick(&[A, B]);
    let start = |at, unit| Timed { at, fault: Fault::Start(unit) };
    // Who is alone becomes Active.
    let settled = plan.setup.failure_time() * 3 + plan.setup.election_delay;
    let begins = settled * 2 + probes + random.up_to(probes);
    plan.faults = vec![start(Duration::ZERO, active), start(settled, 1 - active)];
    plan.faults.extend(around(&mut random, active, begins));
    plan.calm_at = begins + probes * 3;
    let outcome = run(&plan, false);
    if let Some(violation) = &outcome.violation {
        panic!("run {number}: {violation}\n{plan}");
    }
    outcome
}

fn target(at: Duration, whom: Whom) -> Timed {
    Timed { at, fault: Fault::Around(whom, Monitored::Target(0), Condition::Fails) }
}

/// How often a unit took the role for this reason.
fn takes(outcome: &Outcome, reason: Why) -> u64 {
    outcome.observed.role_changes().filter(|(why, _)| *why == reason).map(|(_, count)| count).sum()
}

/// MON-4: a target that the Active alone has lost moves the role, once.
#[test]
fn a_target_lost_on_one_side_is_one_failover() {
    for number in 0..RUNS {
        let outcome = with_a_target(number, |_, active, at| vec![target(at, Whom::One(active))]);
        assert_eq!(takes(&outcome, Why::BetterHealth), 1, "run {number}");
    }
}

/// MON-4: one that the Standby alone has lost moves nothing.
#[test]
fn a_target_lost_on_the_standby_is_none() {
    for number in 0..RUNS {
        let outcome =
            with_a_target(number, |_, active, at| vec![target(at, Whom::One(1 - active))]);
        assert_eq!(takes(&outcome, Why::BetterHealth), 0, "run {number}");
    }
}

/// MON-4, L2: a target that both have lost, at once or one within a second of the other, moves nothing.
#[test]
fn a_target_lost_on_both_sides_is_none() {
    for number in 0..RUNS {
        let outcome = with_a_target(number, |random, _, at| {
            let first = random.pick(&[A, B]);
            let later = at + random.up_to(SECOND);
            match random.below(3) {
                0 => vec![target(at, Whom::Both)],
                _ => vec![target(at, Whom::One(first)), target(later, Whom::One(1 - first))],
            }
        });
        assert_eq!(takes(&outcome, Why::BetterHealth), 0, "run {number}");
    }
}
