//! Many runs on all cores.

use crate::broken::Broken;
use crate::figures::Figures;
use crate::oracle::Violation;
use crate::plan::{Kind, Plan};
use crate::run::run;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::thread;

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

/// Runs the seeds on so many threads; of a kind, those of the runs of these numbers. `goes_on` is asked before each run, with how many have ended; once it
/// says no, or a run breaks a rule, no more are begun.
#[must_use]
pub fn run_many(
    numbers: Range<u64>,
    kind: Option<Kind>,
    broken: Option<&'static Broken>,
    threads: usize,
    goes_on: &(dyn Fn(u64) -> bool + Sync),
) -> Report {
    let work = |number: u64, figures: &mut Figures| {
        let seed = kind.map_or(number, |kind| kind.seed(number));
        let plan = Plan::from_seed(seed).with(broken);
        let outcome = run(&plan, false);
        figures.add(&plan, &outcome);
        outcome.violation.map(|violation| Failure { seed: plan.seed, violation })
    };
    let parts = share_out(numbers, threads, goes_on, &work);
    let mut report = Report::default();
    for (figures, failures) in parts {
        report.figures.merge(&figures);
        report.failures.extend(failures);
    }
    report.failures.sort_by_key(|failure| failure.seed);
    report
}

/// Does some work for each number, on so many threads; each thread has figures of its own. `goes_on` is asked before
/// each, with how many have ended; once it says no, or some work has failed, no more is begun.
pub(crate) fn share_out<Sum: Default + Send, Failure: Send>(
    numbers: Range<u64>,
    threads: usize,
    goes_on: &(dyn Fn(u64) -> bool + Sync),
    work: &(dyn Fn(u64, &mut Sum) -> Option<Failure> + Sync),
) -> Vec<(Sum, Vec<Failure>)> {
    let next = AtomicU64::new(numbers.start);
    let ended = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let parts = Mutex::new(Vec::new());
    let on_a_thread = || {
        let (mut sum, mut failures) = (Sum::default(), Vec::new());
        while !stop.load(Ordering::Relaxed) && goes_on(ended.load(Ordering::Relaxed)) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                break;
            }
            if let Some(failure) = work(number, &mut sum) {
                failures.push(failure);
                stop.store(true, Ordering::Relaxed);
            }
            ended.fetch_add(1, Ordering::Relaxed);
        }
        parts.lock().expect("no thread panics while it holds this").push((sum, failures));
    };
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(on_a_thread);
        }
    });
    parts.into_inner().expect("no thread panics while it holds this")
}
