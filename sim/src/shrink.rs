//! Makes a plan that breaks a rule as small as it can be while it still breaks the same rule.

use crate::oracle::Rule;
use crate::plan::{Plan, Setup};
use crate::run::run;
use core::time::Duration;

/// So many runs are spent on it at the most.
const MAX_RUNS: usize = 2000;

/// The smallest plan that was found: no fault of it can be taken out or made milder. Returns the plan as it
/// is if it breaks nothing.
#[must_use]
pub fn shrink(plan: &Plan) -> Plan {
    let Some(violation) = run(plan, false).violation else { return plan.clone() };
    let mut shrinking = Shrinking { best: plan.clone(), rule: violation.rule, runs: 0 };
    while shrinking.simplify_setup() | shrinking.drop_faults() | shrinking.soften() {}
    shrinking.best
}

struct Shrinking {
    best: Plan,
    rule: Rule,
    runs: usize,
}

impl Shrinking {
    /// Keeps a plan that breaks the same rule.
    fn keeps(&mut self, plan: Plan) -> bool {
        if plan == self.best || self.runs == MAX_RUNS {
            return false;
        }
        self.runs += 1;
        let is_broken = run(&plan, false).violation.is_some_and(|it| it.rule == self.rule);
        if is_broken {
            self.best = plan;
        }
        is_broken
    }

    fn drop_faults(&mut self) -> bool {
        let before = self.best.faults.len();
        // From the end: what is later depends on what is earlier.
        for at in (0..before).rev() {
            let mut plan = self.best.clone();
            plan.faults.remove(at);
            self.keeps(plan);
        }
        self.best.faults.len() < before
    }

    fn soften(&mut self) -> bool {
        let mut any = false;
        for at in 0..self.best.faults.len() {
            while let Some(milder) = self.best.faults[at].fault.milder() {
                let mut plan = self.best.clone();
                plan.faults[at].fault = milder;
                if !self.keeps(plan) {
                    break;
                }
                any = true;
            }
        }
        // Nothing has to happen between the last fault and calm.
        let mut plan = self.best.clone();
        plan.calm_at = plan.faults.last().map_or(Duration::ZERO, |timed| timed.at);
        self.keeps(plan) | any
    }

    /// What makes a run hard to follow goes first.
    fn simplify_setup(&mut self) -> bool {
        let usual = Setup::default();
        let steps: [fn(&mut Setup, Setup); 24] = [
            |setup, usual| (setup.mode, setup.own_sync) = (usual.mode, usual.own_sync),
            |setup, usual| setup.duplicates = usual.duplicates,
            |setup, usual| setup.loss = usual.loss,
            |setup, usual| setup.jitter = usual.jitter,
            |setup, usual| setup.slow = usual.slow,
            |setup, usual| setup.delay = usual.delay,
            |setup, usual| setup.drift = usual.drift,
            |setup, usual| setup.election_delay = usual.election_delay,
            |setup, usual| setup.readiness_limit = usual.readiness_limit,
            |setup, usual| setup.poll_each = usual.poll_each,
            |setup, usual| setup.preempt = usual.preempt,
            |setup, usual| setup.mixed = usual.mixed,
            |setup, usual| setup.flap_limit = usual.flap_limit,
            |setup, usual| setup.flap_window = usual.flap_window,
            |setup, usual| (setup.data, setup.lan) = (usual.data, usual.lan),
            |setup, usual| setup.paths = usual.paths,
            |setup, usual| setup.answer_loss = usual.answer_loss,
            |setup, usual| setup.answer_delay = usual.answer_delay,
            |setup, usual| setup.links = usual.links,
            |setup, usual| setup.ports = usual.ports,
            |setup, usual| setup.targets = usual.targets,
            |setup, usual| setup.services = usual.services,
            |setup, usual| setup.probe_interval = usual.probe_interval,
            |setup, usual| setup.missed_probes = usual.missed_probes,
        ];
        let mut any = false;
        for step in steps {
            let mut plan = self.best.clone();
            step(&mut plan.setup, usual);
            any |= self.keeps(plan);
        }
        any
    }
}
