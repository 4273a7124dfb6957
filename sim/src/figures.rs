//! What many runs come to, in figures.

use crate::observed::Observed;
use crate::plan::Plan;
use crate::run::Outcome;
use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

/// The figures of many runs. Those of two parts can be put together in any order.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How many runs.
    pub runs: u64,
    /// How much time they simulated.
    pub simulated: Duration,
    /// How many broke a rule.
    pub violations: u64,
    /// What was counted in them.
    pub observed: Observed,
    faults: BTreeMap<&'static str, u64>,
    gap: Extreme,
    relative_gap: Extreme,
    conflict: Extreme,
    take_over: Extreme,
}

/// The largest value there was, and the seed of its run.
#[derive(Clone, Copy, Debug, Default)]
struct Extreme {
    value: f64,
    seed: u64,
}

impl Extreme {
    fn note(&mut self, other: Self) {
        // Of equal ones the lowest seed, so that the order of the runs does not matter.
        if other.value > self.value || (other.value == self.value && other.seed < self.seed) {
            *self = other;
        }
    }
}

impl Figures {
    /// Adds a run.
    pub fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        let of = |value| Extreme { value, seed: plan.seed };
        let gap = outcome.longest_gap.as_secs_f64();
        self.runs += 1;
        self.simulated += outcome.simulated;
        self.violations += u64::from(outcome.violation.is_some());
        self.observed.add(&outcome.observed);
        for timed in &plan.faults {
            *self.faults.entry(timed.fault.kind()).or_default() += 1;
        }
        self.gap.note(of(gap));
        self.relative_gap.note(of(gap / plan.setup.failure_time().as_secs_f64()));
        self.conflict.note(of(outcome.longest_conflict.as_secs_f64()));
        self.take_over.note(of(outcome.slowest_take_over));
    }

    /// Adds the figures of other runs.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.simulated += other.simulated;
        self.violations += other.violations;
        self.observed.add(&other.observed);
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.gap.note(other.gap);
        self.relative_gap.note(other.relative_gap);
        self.conflict.note(other.conflict);
        self.take_over.note(other.take_over);
    }

    /// Simulated hours.
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.simulated.as_secs_f64() / 3600.0
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "runs                    {:>12}", self.runs)?;
        writeln!(f, "simulated hours         {:>12.1}", self.hours())?;
        writeln!(f, "events                  {:>12}", self.observed.calls)?;
        writeln!(f, "faults                  {:>12}", self.faults.values().sum::<u64>())?;
        for (kind, count) in &self.faults {
            writeln!(f, "  {count:>12}  {kind}")?;
        }
        let mut changes: Vec<_> = self.observed.role_changes().collect();
        changes.sort_by_key(|(why, count)| (core::cmp::Reverse(*count), format!("{why:?}")));
        let all: u64 = changes.iter().map(|(_, count)| count).sum();
        writeln!(f, "role changes            {all:>12}")?;
        for (why, count) in changes {
            writeln!(f, "  {count:>12}  {why}")?;
        }
        let Extreme { value, seed } = self.gap;
        writeln!(f, "longest without Active  {value:>10.3} s  seed {seed}")?;
        let Extreme { value, seed } = self.relative_gap;
        writeln!(f, "  in failure times      {value:>12.1}  seed {seed}")?;
        let Extreme { value, seed } = self.conflict;
        writeln!(f, "longest with two        {value:>10.3} s  seed {seed}")?;
        let Extreme { value, seed } = self.take_over;
        writeln!(
            f,
            "slowest take-over       {:>10.1} %  of its bound, seed {seed}",
            100.0 * value
        )?;
        write!(f, "violations              {:>12}", self.violations)
    }
}

impl Observed {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        for (why, count) in other.role_changes() {
            self.add_role_changes(why, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run;

    /// Figures do not depend on how the runs were shared out.
    #[test]
    fn the_order_of_the_runs_does_not_matter() {
        let mut parts = [Figures::default(), Figures::default()];
        let mut whole = Figures::default();
        for seed in 0..40 {
            let plan = Plan::from_seed(seed);
            let outcome = run(&plan, false);
            whole.add(&plan, &outcome);
            parts[seed as usize % 2].add(&plan, &outcome);
        }
        let [mut even, odd] = parts;
        even.merge(&odd);
        assert_eq!(even.to_string(), whole.to_string());
    }
}
