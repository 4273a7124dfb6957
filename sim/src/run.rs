//! One run: a plan carried out, then calm, and what came of it.

use crate::configure::{appliance_config, pair_config};
use crate::observed::Observed;
use crate::oracle::{Calm, Rule, Violation, is_right};
use crate::plan::{Plan, Setup};
use crate::random::nanos;
use crate::subject::Subject;
use crate::trace::Entry;
use crate::world::{A, B, Boot, NAMES, World};
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
    if plan.setup.own_sync {
        let configure = move |boot: Boot<'_>| appliance_config(&bare, boot);
        carry_out(plan, World::<Appliance<Table>>::new(plan.seed, traced, configure))
    } else {
        let configure = move |boot: Boot<'_>| pair_config(&bare, boot);
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
    settle(&mut world, &plan.setup);
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
    world.oracle.readiness_limit = setup.readiness_limit;
    world.oracle.told_of_state = setup.told_of_state();
    world.network.set_all(|link| {
        link.delay = setup.delay;
        link.jitter = setup.jitter;
        link.loss = setup.loss;
        link.duplicates = setup.duplicates;
    });
    if let [_, .., last] = world.network.links.as_mut_slice() {
        last.iter_mut().for_each(|link| link.delay += setup.slow);
    }
    world.set_answers(setup.answer_delay, setup.answer_loss);
    world.set_rate(A, setup.drift / 2);
    world.set_rate(B, -setup.drift / 2);
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
fn settle<S: Subject>(world: &mut World<S>, setup: &Setup) {
    let calm = Calm::new(setup);
    world.set_answers(setup.answer_delay, 0);
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
    let is_calm = |world: &World<S>| {
        let maintenance = [A, B].map(|unit| world.oracle.maintenance(unit));
        let settled = world.is_settled().then(|| usize::from(world.holds()[B]));
        // Units that differ hand no role over, be they in maintenance or not.
        is_right(settled, world.holds(), maintenance) || setup.mixed && settled.is_some()
    };
    let until = nanos(world.now() + calm.settles);
    while !is_calm(world) && world.step(until) {}
    if !is_calm(world) {
        let text = format!("no Active with its Standby {:?} after calm", calm.settles);
        return world.violate(Rule::L1, &text);
    }
    world.run_for(calm.gives_way);
    let before = world.oracle.groundless_takes;
    world.run_for(calm.stays);
    let until = nanos(world.now() + calm.hands_over);
    while !is_calm(world) && world.step(until) {}
    if world.oracle.groundless_takes != before || !is_calm(world) {
        return world.violate(Rule::L1, "what was settled does not stay so");
    }
    if setup.monitors() {
        learn(world, setup, &calm);
    }
    if !is_calm(world) {
        return world.violate(Rule::L1, "what was settled does not stay so");
    }
    if !setup.mixed && world.is_settled() {
        let until = nanos(world.now() + calm.synchronizes);
        while !world.has_equal_tables() && world.step(until) {}
        if !world.has_equal_tables() {
            let text = format!("the tables are not equal {:?} after calm", calm.synchronizes);
            world.violate(Rule::S5, &text);
        }
    }
}

/// Both units know by now how it is around them, and who is fitter has the role (MON-2, MON-4, CRASH-2).
fn learn<S: Subject>(world: &mut World<S>, setup: &Setup, calm: &Calm) {
    world.run_for(calm.learns);
    for unit in [A, B] {
        let around = &world.units[unit].around;
        let (lacks, told) = (around.lacks(&world.units[1 - unit].around), world.oracle.lacks(unit));
        if lacks != told {
            let text = format!("the weight of {} lacks {told}, not {lacks}", NAMES[unit]);
            return world.violate(Rule::Monitors, &text);
        }
    }
    let is_right = |world: &World<S>| {
        world.is_settled() && {
            let active = usize::from(world.holds()[B]);
            world.oracle.lacks(active) <= world.oracle.lacks(1 - active)
        }
    };
    // What holds it back ends: the window of the flap limit, or the patience after a hand-over that failed.
    let until = nanos(world.now() + setup.flap_window + calm.settles);
    while !is_right(world) && world.step(until) {}
    if !is_right(world) {
        world.violate(Rule::L1, "the fitter one does not get the role");
    }
}
