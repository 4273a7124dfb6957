//! The program for clusters: the same options, other runs.

use crate::{Fresh, Options, SHOWN, fresh};
use sim::cluster::{BROKEN, Broken, Plan, needed, run, run_many, timeline};
use std::process::ExitCode;

pub(crate) fn main(options: &Options, broken: Option<&'static Broken>) -> ExitCode {
    if options.list_breaks {
        for Broken { name, what, caught_by, .. } in BROKEN {
            let rules: Vec<_> = caught_by.iter().map(ToString::to_string).collect();
            println!("{name:<24} {what}; caught by {}", rules.join(", "));
        }
        return ExitCode::SUCCESS;
    }
    let is_good = match options.seed {
        Some(seed) => {
            let plan = Plan::from_seed(seed).with(broken);
            let plan = match &options.only {
                Some(numbers) => plan.only(numbers),
                None => plan,
            };
            replay(&plan, options.heartbeats, usize::MAX)
        }
        None => run_fresh(options, broken),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(plan: &Plan, messages: bool, lines: usize) -> bool {
    let outcome = run(plan, true);
    println!("{plan}");
    println!("{}", timeline(&outcome.trace, messages, lines));
    match &outcome.violation {
        Some(violation) => println!("BROKEN: {violation}"),
        None => println!("nothing broken in {:?}", outcome.simulated),
    }
    outcome.violation.is_none()
}

fn run_fresh(options: &Options, broken: Option<&'static Broken>) -> bool {
    let work = |it: Fresh<'_>| run_many(it.seeds, broken, it.threads, it.goes_on);
    let (report, took) = fresh(options, work);
    println!("{}", report.figures);
    println!("took                    {:>10.1} s", took.as_secs_f64());
    for failure in &report.failures {
        let seed = failure.seed;
        println!("\nBROKEN: {}", failure.violation);
        let with = broken.map_or(String::new(), |it| format!(" --break {}", it.name));
        let plan = Plan::from_seed(seed).with(broken);
        let needed = needed(&plan);
        let only: Vec<_> = needed.iter().map(ToString::to_string).collect();
        let replayed = format!("cargo run --release -p sim -- --cluster --seed {seed}{with}");
        println!("replay: {replayed}");
        println!("what is needed of it: {replayed} --only {}", only.join(","));
        replay(&plan.only(&needed), false, SHOWN);
    }
    report.failures.is_empty()
}
