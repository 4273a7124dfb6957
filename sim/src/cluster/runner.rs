//! Many runs of clusters on all cores.

use super::broken::Broken;
use super::figures::Figures;
use super::oracle::Violation;
use super::plan::Plan;
use super::run::run;
use crate::runner::share_out;
use core::ops::Range;

/// A run that broke a rule.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What it broke.
    pub violation: Violation,
}

/// What many runs came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In figures.
    pub figures: Figures,
    /// Those that broke a rule, by their seeds. After the first ones no more runs are begun.
    pub failures: Vec<Failure>,
}

/// Runs the seeds on so many threads. `goes_on` is asked before each run, with how many have ended; once it says no, or a
/// run breaks a rule, no more are begun.
#[must_use]
pub fn run_many(
    seeds: Range<u64>,
    broken: Option<&'static Broken>,
    threads: usize,
    goes_on: &(dyn Fn(u64) -> bool + Sync),
) -> Report {
    let work = |seed: u64, figures: &mut Figures| {
        let plan = Plan::from_seed(seed).with(broken);
        let outcome = run(&plan, false);
        figures.add(&plan, &outcome);
        outcome.violation.map(|violation| Failure { seed, violation })
    };
    let mut report = Report::default();
    for (figures, failures) in share_out(seeds, threads, goes_on, &work) {
        report.figures.merge(&figures);
        report.failures.extend(failures);
    }
    report.failures.sort_by_key(|failure| failure.seed);
    report
}
