//! One run: a plan carried out, then calm, and what came of it.

use crate::configure::{appliance_config, pair_config};
use crate::observed::Observed;
use crate::oracle::{Calm, Rule, Violation};
use crate::plan::{Plan, Setup};
use crate::random::nanos;
use crate::subject::Subject;
use crate::trace::Entry;
use crate::world::{A, B, World};
use appliance::Appliance;
use core::time::Duration;
use ha_core::pair::{Pair, State};
use statesync::Table;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rule that was broken first.
    pub violation: Option<Violation>,
    /// How much time was simulated.
    pub simulated: Duration,
    /// What was counted.
    pub observed: Observed,
    /// The longest time without an Active while one could have been.
    pub longest_gap: Duration,
    /// The longest time with two.
    pub longest_conflict: Duration,
    /// The slowest take-over after a crash, of its bound.
    pub slowest_take_over: f64,
    /// What happened, if it was to be traced.
    pub trace: Vec<Entry>,
}

/// Carries a plan out. With `traced` it comes to the same, and says what happened.
#[must_use]
pub fn run(plan: &Plan, traced: bool) -> Outcome {
    // What configures the starts outlives the borrow. The list of faults is none of its business.
    let bare = Plan { faults: Vec::new(), ..plan.clone() };
    if plan.setup.stateful {
        let configure = move |unit, seed| appliance_config(&bare, unit, seed);
        carry_out(plan, World::<Appliance<Table>>::new(plan.seed, traced, configure))
    } else {
        let configure = move |unit, seed| pair_config(&bare, unit, seed);
        carry_out(plan, World::<Pair>::new(plan.seed, traced, configure))
    }
}

fn carry_out<S: Subject>(plan: &Plan, mut world: World<S>) -> Outcome {
    prepare(&mut world, &plan.setup);
    for timed in &plan.faults {
        run_to(&mut world, nanos(timed.at));
        if world.violation().is_some() {
            break;
        }
        timed.fault.apply(&mut world);
    }
    run_to(&mut world, nanos(plan.calm_at));
    settle(&mut world, Calm::new(plan.setup.failure_time(), plan.setup.election_delay));
    Outcome {
        violation: world.violation().cloned(),
        simulated: world.now(),
        longest_gap: world.oracle.gap.longest,
        longest_conflict: Duration::from_nanos(world.oracle.longest_conflict),
        slowest_take_over: world.oracle.slowest_take_over,
        observed: core::mem::take(&mut world.observed),
        trace: world.into_trace(),
    }
}

fn prepare<S: Subject>(world: &mut World<S>, setup: &Setup) {
    world.poll_each = setup.poll_each;
    world.oracle.election_delay = setup.election_delay;
    world.network.set_all(|link| {
        link.delay = setup.delay;
        link.jitter = setup.jitter;
        link.loss = setup.loss;
        link.duplicates = setup.duplicates;
    });
    for unit in [A, B] {
        world.set_rate(unit, setup.rates[unit]);
    }
}

/// A unit that has left is stopped as soon as it says that it may.
fn run_to<S: Subject>(world: &mut World<S>, until: u64) {
    while world.step(until) {
        stop_who_may(world);
    }
}

fn stop_who_may<S: Subject>(world: &mut World<S>) {
    for unit in [A, B] {
        if world.units[unit].may_stop && world.state(unit) == State::Left {
            world.stop(unit);
        }
    }
}

/// No more faults: both units run, hear each other, and their platforms work (L1).
fn settle<S: Subject>(world: &mut World<S>, calm: Calm) {
    world.network.set_all(|link| {
        link.cut = false;
        link.loss = 0;
        link.duplicates = 0;
    });
    for unit in [A, B] {
        world.repair(unit);
    }
    run_to(world, nanos(world.now() + calm.ends));
    for unit in [A, B] {
        if !world.runs(unit) || world.state(unit) == State::Left {
            world.start(unit);
        }
    }
    let until = nanos(world.now() + calm.settles);
    while !world.is_settled() && world.step(until) {}
    if !world.is_settled() {
        let text = format!("no Active with its Standby {:?} after calm", calm.settles);
        return world.violate(Rule::L1, &text);
    }
    world.run_for(calm.gives_way);
    let before = world.observed.involuntary_changes();
    world.run_for(calm.stays);
    if world.observed.involuntary_changes() != before {
        return world.violate(Rule::L1, "a role changes after calm, and nobody wanted that");
    }
    // A unit that is fitter, or preempts, may be about to take over.
    let until = nanos(world.now() + calm.hands_over);
    while !world.is_settled() && world.step(until) {}
    if !world.is_settled() || world.observed.involuntary_changes() != before {
        world.violate(Rule::L1, "what was settled does not stay so");
    }
}
