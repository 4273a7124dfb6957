//! The simulator: `sim --runs 1000` goes through fresh seeds on all cores, `sim --seed N` replays one.

#![forbid(unsafe_code)]
// A program at the edge: it reads the clock to say how fast it is and to stop in time.
#![allow(clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod clusters;

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sim::plan::Kind;
use sim::timeline::{Style, timeline, timeline_end};
use sim::{BROKEN, Broken, Figures, Plan, Report, broken, known, run, run_many, shrink};
use std::error::Error;
use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// So many lines of the timeline of a run that failed are shown.
const SHOWN: usize = 60;

const NO_SUCH_FAULT: &str = "no such fault; --list-breaks lists them";

/// Simulates pairs of firewalls with faults, and checks that what must always hold does.
#[derive(Debug, Parser)]
struct Options {
    /// Clusters of two to four nodes instead of pairs.
    #[arg(long, conflicts_with_all = ["plan", "known", "kind"])]
    cluster: bool,
    /// Of the faults of that run these only, by their numbers.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', requires_all = ["cluster", "seed"])]
    only: Option<Vec<usize>>,
    /// Replay the run of this seed, with its timeline.
    #[arg(long, conflicts_with_all = ["runs", "known"])]
    seed: Option<u64>,
    /// Replay the plan in this file, as the shrunken one of a run that failed is printed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "runs", "known"])]
    plan: Option<PathBuf>,
    /// Show every heartbeat in the timeline.
    #[arg(long)]
    heartbeats: bool,
    /// Run so many seeds, on all cores.
    #[arg(long, default_value_t = 1000)]
    runs: u64,
    /// The first of them; a fresh one unless it is given.
    #[arg(long)]
    from: Option<u64>,
    /// Only runs of this kind, such as `monitors` or `alike`: `--runs` and `--from` count those.
    #[arg(long, value_name = "NAME", value_parser = kind_by_name)]
    kind: Option<Kind>,
    /// Begin no run after so many seconds.
    #[arg(long)]
    time: Option<u64>,
    /// Run the plans that ever failed, and no others.
    #[arg(long)]
    known: bool,
    /// Put this deliberate fault into the machines, to see it caught.
    #[arg(long = "break", value_name = "NAME")]
    broken: Option<String>,
    /// List the deliberate faults.
    #[arg(long)]
    list_breaks: bool,
    /// How many threads; as many as there are cores unless it is given.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let broken = options.broken.as_deref();
    if options.cluster {
        return match broken.map(|name| sim::cluster::broken(name).ok_or(NO_SUCH_FAULT)).transpose()
        {
            Ok(broken) => clusters::main(&options, broken),
            Err(error) => refused(error),
        };
    }
    let broken = match broken.map(broken_by_name).transpose() {
        Ok(broken) => broken,
        Err(error) => return refused(error),
    };
    if options.list_breaks {
        for Broken { name, what, caught_by, .. } in BROKEN {
            let rules: Vec<_> = caught_by.iter().map(ToString::to_string).collect();
            println!("{name:<24} {what}; caught by {}", rules.join(", "));
        }
        return ExitCode::SUCCESS;
    }
    let is_good = match (options.seed, &options.plan) {
        (Some(seed), _) => replay(&Plan::from_seed(seed).with(broken), options.heartbeats),
        (None, Some(file)) => match read(file) {
            Ok(plan) => replay(&plan, options.heartbeats),
            Err(error) => {
                eprintln!("sim: {}: {error}", file.display());
                return ExitCode::from(2);
            }
        },
        (None, None) if options.known => run_known(),
        (None, None) => run_fresh(&options, broken),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn refused(error: &str) -> ExitCode {
    eprintln!("sim: {error}");
    ExitCode::from(2)
}

fn broken_by_name(name: &str) -> Result<&'static Broken, &'static str> {
    broken(name).ok_or(NO_SUCH_FAULT)
}

fn kind_by_name(name: &str) -> Result<Kind, String> {
    Kind::named(name).ok_or_else(|| "there is no such kind".into())
}

fn read(file: &Path) -> Result<Plan, Box<dyn Error>> {
    Ok(std::fs::read_to_string(file)?.parse::<Plan>()?)
}

fn style(heartbeats: bool) -> Style {
    Style { colour: stdout().is_terminal(), heartbeats }
}

/// Shows one run from its beginning to its end.
fn replay(plan: &Plan, heartbeats: bool) -> bool {
    let outcome = run(plan, true);
    println!("{plan}");
    println!("{}", timeline(&outcome.trace, style(heartbeats)));
    match &outcome.violation {
        Some(violation) => println!("BROKEN: {violation}"),
        None => println!("nothing broken in {:?}", outcome.simulated),
    }
    outcome.violation.is_none()
}

fn run_known() -> bool {
    let mut is_good = true;
    for it in known() {
        let violation = run(&it.plan, false).violation;
        let result = match &violation {
            None => "holds".into(),
            Some(violation) => format!("BROKEN: {violation}"),
        };
        println!("{:<32} {result}", it.name);
        is_good &= violation.is_none();
    }
    is_good
}

/// The seeds, the threads, and what is asked before each run: draws the bar, and stops in time.
fn fresh<T>(options: &Options, work: impl FnOnce(Fresh<'_>) -> T) -> (T, Duration) {
    // Short enough to be read aloud.
    let from = options.from.unwrap_or_else(|| fastrand::u64(0..1 << 40));
    let threads =
        options.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let threads = threads.unwrap_or(1);
    let bar = ProgressBar::with_draw_target(Some(options.runs), ProgressDrawTarget::stderr());
    let template = "{wide_bar} {pos}/{len} runs, {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()));
    let begin = Instant::now();
    let limit = options.time.map(Duration::from_secs);
    println!("seeds from {from}, {threads} threads");
    let seeds = from..from.saturating_add(options.runs);
    let done = work(Fresh {
        seeds,
        threads,
        goes_on: &|ended| {
            // The bar draws itself some times a second, however often it is told.
            bar.set_position(ended);
            limit.is_none_or(|limit| begin.elapsed() < limit)
        },
    });
    bar.finish_and_clear();
    (done, begin.elapsed())
}

struct Fresh<'a> {
    seeds: core::ops::Range<u64>,
    threads: usize,
    goes_on: &'a (dyn Fn(u64) -> bool + Sync),
}

fn run_fresh(options: &Options, broken: Option<&'static Broken>) -> bool {
    let work = |it: Fresh<'_>| {
        (run_many(it.seeds, options.kind, broken, it.threads, it.goes_on), it.threads)
    };
    let ((report, threads), took) = fresh(options, work);
    show(&report, broken, took, threads)
}

fn show(report: &Report, broken: Option<&'static Broken>, took: Duration, threads: usize) -> bool {
    let Figures { simulated, observed, .. } = &report.figures;
    let core_seconds = took.as_secs_f64() * threads as f64;
    println!("{}", report.figures);
    println!("took                    {:>10.1} s", took.as_secs_f64());
    println!(
        "per second of one core  {:>12.1} simulated hours, {:.0} events",
        simulated.as_secs_f64() / 3600.0 / core_seconds,
        observed.calls as f64 / core_seconds
    );
    for failure in &report.failures {
        let seed = failure.seed;
        let plan = shrink(&Plan::from_seed(seed).with(broken));
        let outcome = run(&plan, true);
        println!("\nBROKEN: {}", failure.violation);
        let with = broken.map_or(String::new(), |it| format!(" --break {}", it.name));
        println!("replay: cargo run --release -p sim -- --seed {seed}{with}");
        println!("what is needed of it:\n{plan}");
        println!("{}", timeline_end(&outcome.trace, SHOWN, style(false)));
        if let Some(violation) = outcome.violation {
            println!("{violation}");
        }
    }
    report.failures.is_empty()
}
