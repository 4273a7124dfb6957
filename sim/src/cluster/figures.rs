//! What many runs come to, in figures.

use super::plan::Plan;
use super::run::Outcome;
use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use svrrp::cluster::{Event, Why};
use svrrp::election::Stance;

/// What is counted in a world.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Calls that told a machine something.
    pub calls: u64,
    /// Datagrams that were sent between nodes.
    pub datagrams: u64,
    /// How often units began to take a group, and why.
    pub takes: BTreeMap<String, u64>,
    /// How often a hand-over was asked for.
    pub asked: u64,
    /// How often nodes found that two own a group.
    pub conflicts: u64,
}

impl Observed {
    pub(super) fn take(&mut self, why: Why) {
        *self.takes.entry(why.to_string()).or_default() += 1;
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Stance { to: Stance::Asking, .. } => self.asked += 1,
            Event::Conflict { .. } => self.conflicts += 1,
            _ => {}
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.datagrams += other.datagrams;
        self.asked += other.asked;
        self.conflicts += other.conflicts;
        for (why, count) in &other.takes {
            *self.takes.entry(why.clone()).or_default() += count;
        }
    }
}

/// The largest value there was, and the seed of its run.
#[derive(Clone, Copy, Debug, Default)]
struct Extreme {
    value: f64,
    seed: u64,
}

impl Extreme {
    fn note(&mut self, other: Self) {
        if other.value > self.value || (other.value == self.value && other.seed < self.seed) {
            *self = other;
        }
    }
}

/// The figures of many runs. Those of two parts can be put together in any order.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How many runs.
    pub runs: u64,
    /// How many of them with nodes of two units.
    pub with_pairs: u64,
    /// How much time they simulated.
    pub simulated: Duration,
    /// How many broke a rule.
    pub violations: u64,
    /// What was counted in them.
    pub observed: Observed,
    faults: BTreeMap<&'static str, u64>,
    two: Extreme,
    split: Extreme,
    free: Extreme,
    take_over: Extreme,
    settled: Extreme,
}

impl Figures {
    /// Adds a run.
    pub fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        let of = |value| Extreme { value, seed: plan.seed };
        self.runs += 1;
        self.with_pairs += u64::from(plan.setup.pairs.contains(&true));
        self.simulated += outcome.simulated;
        self.violations += u64::from(outcome.violation.is_some());
        self.observed.add(&outcome.observed);
        for timed in &plan.faults {
            *self.faults.entry(timed.fault.kind()).or_default() += 1;
        }
        let failure_time = plan.setup.failure_time().as_secs_f64();
        self.two.note(of(outcome.longest_two.as_secs_f64() / failure_time));
        self.split.note(of(outcome.longest_split.as_secs_f64() / failure_time));
        self.free.note(of(outcome.longest_free.as_secs_f64() / failure_time));
        self.take_over.note(of(outcome.slowest_take_over));
        self.settled.note(of(outcome.settled_after));
    }

    /// Adds the figures of other runs.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.with_pairs += other.with_pairs;
        self.simulated += other.simulated;
        self.violations += other.violations;
        self.observed.add(&other.observed);
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.two.note(other.two);
        self.split.note(other.split);
        self.free.note(other.free);
        self.take_over.note(other.take_over);
        self.settled.note(other.settled);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "runs                    {:>12}", self.runs)?;
        writeln!(f, "  with two-unit nodes   {:>12}", self.with_pairs)?;
        writeln!(f, "simulated hours         {:>12.1}", self.simulated.as_secs_f64() / 3600.0)?;
        writeln!(f, "events                  {:>12}", self.observed.calls)?;
        writeln!(f, "datagrams               {:>12}", self.observed.datagrams)?;
        writeln!(f, "faults                  {:>12}", self.faults.values().sum::<u64>())?;
        for (kind, count) in &self.faults {
            writeln!(f, "  {count:>12}  {kind}")?;
        }
        let takes: u64 = self.observed.takes.values().sum();
        writeln!(f, "ownership changes       {takes:>12}")?;
        for (why, count) in &self.observed.takes {
            writeln!(f, "  {count:>12}  {why}")?;
        }
        let granted = self.observed.takes.get(&Why::Granted.to_string()).unwrap_or(&0);
        writeln!(f, "hand-overs              {granted:>12}  of {} asked for", self.observed.asked)?;
        writeln!(f, "conflicts seen          {:>12}", self.observed.conflicts)?;
        let mut line = |what: &str, it: &Extreme, unit: &str| {
            writeln!(f, "{what:<24}{:>12.2}  {unit}, seed {}", it.value, it.seed)
        };
        line("longest with two owners", &self.two, "failure times, that hear each other")?;
        line("  whether they do or not", &self.split, "failure times")?;
        line("longest without", &self.free, "failure times")?;
        line("settled after calm", &self.settled, "of its bound")?;
        line("slowest take-over", &self.take_over, "of its bound")?;
        write!(f, "violations              {:>12}", self.violations)
    }
}
