//! The exhaustive search: `search` visits all states of two role machines within a bound, `search cluster` those of three
//! cluster units, and prints how many there are, or a shortest way to break a rule.

#![forbid(unsafe_code)]
// A program at the edge: it reads the clock to say how long it took.
#![allow(clippy::disallowed_methods)]

mod cluster;

use clap::Parser;
use sim::harness::config;
use sim::search::{Bound, Outcome, Reach, search};
use sim::{Broken, broken};
use std::process::ExitCode;
use std::time::Instant;

/// Visits all states that two role machines can reach against an adversary, and checks what must always hold.
///
/// What is not said is as in the bound that shows the fault of `--break`, or, without that: 1 loss, 1 crash, 1
/// pause, 1 hand-over.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// All that the role machine has to stand: 2 losses, 1 duplicate, 1 delay, 1 crash with restart, 1 pause,
    /// 1 hand-over
    #[arg(long, conflicts_with = "broken")]
    whole: bool,
    /// The failover trigger level of both units
    #[arg(long)]
    level: Option<u8>,
    /// Steps of time in a heartbeat interval
    #[arg(long)]
    resolution: Option<u8>,
    /// Heartbeat paths
    #[arg(long)]
    paths: Option<u8>,
    /// Copies of heartbeats that are lost
    #[arg(long)]
    losses: Option<u8>,
    /// Heartbeats that come twice
    #[arg(long)]
    duplicates: Option<u8>,
    /// Heartbeats that are late, by up to a failure time
    #[arg(long)]
    delays: Option<u8>,
    /// Crashes of a unit, which may start again at any time
    #[arg(long)]
    crashes: Option<u8>,
    /// Pauses of a unit, of up to a failure time and an interval
    #[arg(long)]
    pauses: Option<u8>,
    /// Hand-overs that are ordered, at either unit
    #[arg(long)]
    orders: Option<u8>,
    /// How often each unit becomes less fit
    #[arg(long)]
    equal_faults: Option<u8>,
    /// Demotions of a unit
    #[arg(long)]
    demotions: Option<u8>,
    /// How often a unit is told to go into maintenance
    #[arg(long)]
    maintenances: Option<u8>,
    /// How often all monitored links of a unit go down, for good
    #[arg(long)]
    cuts: Option<u8>,
    /// Takes or withdrawals that fail
    #[arg(long)]
    failures: Option<u8>,
    /// The flap limit; 0: more than any search comes to
    #[arg(long)]
    flap_limit: Option<u8>,
    /// For how many failure times a unit that is never ready waits for that
    #[arg(long)]
    readiness: Option<u8>,
    /// Search so many steps from each beginning, or with an f failure times, as in 3f; else until there is
    /// nothing new
    #[arg(long = "for", value_name = "STEPS", value_parser = horizon)]
    horizon: Option<Horizon>,
    /// Give up beyond so many million states
    #[arg(long, default_value_t = 150)]
    most: u64,
    /// Put this deliberate fault into the machines, to see it caught
    #[arg(long = "break", value_name = "NAME", value_parser = broken_by_name)]
    broken: Option<&'static Broken>,
    /// See that the bound for `--break` shows nothing in machines that are not broken
    #[arg(long, requires = "broken")]
    mended: bool,
}

/// What else can be searched.
#[derive(Debug, clap::Subcommand)]
enum Other {
    Cluster(cluster::Options),
}

/// How long is searched.
#[derive(Clone, Copy, Debug)]
enum Horizon {
    Steps(u16),
    FailureTimes(u16),
}

fn horizon(text: &str) -> Result<Horizon, std::num::ParseIntError> {
    match text.strip_suffix('f') {
        Some(number) => number.parse().map(Horizon::FailureTimes),
        None => text.parse().map(Horizon::Steps),
    }
}

fn broken_by_name(name: &str) -> Result<&'static Broken, String> {
    let broken = broken(name).ok_or("no such fault; `sim --list-breaks` lists them")?;
    if !broken.is_searched() {
        return Err("the search monitors nothing; `sim --break` shows that fault".into());
    }
    Ok(broken)
}

impl Options {
    fn bound(&self) -> Bound {
        let default = match self.broken {
            _ if self.whole => Bound::WHOLE,
            Some(broken) => broken.bound,
            None => Bound { losses: 1, crashes: 1, pauses: 1, orders: 1, ..Bound::NOTHING },
        };
        let mut bound = Bound {
            level: self.level.unwrap_or(default.level),
            resolution: self.resolution.unwrap_or(default.resolution),
            paths: self.paths.unwrap_or(default.paths),
            losses: self.losses.unwrap_or(default.losses),
            duplicates: self.duplicates.unwrap_or(default.duplicates),
            delays: self.delays.unwrap_or(default.delays),
            crashes: self.crashes.unwrap_or(default.crashes),
            pauses: self.pauses.unwrap_or(default.pauses),
            orders: self.orders.unwrap_or(default.orders),
            equal_faults: self.equal_faults.unwrap_or(default.equal_faults),
            demotions: self.demotions.unwrap_or(default.demotions),
            maintenances: self.maintenances.unwrap_or(default.maintenances),
            cuts: self.cuts.unwrap_or(default.cuts),
            failures: self.failures.unwrap_or(default.failures),
            flap_limit: self.flap_limit.unwrap_or(default.flap_limit),
            readiness: self.readiness.unwrap_or(default.readiness),
            steps: default.steps,
        };
        match self.horizon {
            Some(Horizon::Steps(steps)) => bound.steps = steps,
            Some(Horizon::FailureTimes(times)) => {
                bound.steps = times.saturating_mul(bound.failure_time().into());
            }
            None => {}
        }
        bound
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(Other::Cluster(options)) = &options.other {
        return cluster::main(options);
    }
    let bound = options.bound();
    let rules = [0, 1].map(|unit| {
        let builder = config(unit, 1);
        let builder = match options.broken.filter(|_| !options.mended) {
            Some(broken) => (broken.put)(unit, builder),
            None => builder,
        };
        builder.build().map(|config| config.rules())
    });
    let [Ok(primary), Ok(secondary)] = rules else {
        eprintln!("search: the fault makes no valid configuration");
        return ExitCode::from(2);
    };
    let threads = threads();
    let most = options.most.saturating_mul(1_000_000);
    let begin = Instant::now();
    let outcome = search(bound, [primary, secondary], threads, most, |progress| {
        eprint!(
            "\r{:>4} steps, {:>9} states, {:>8} of them new ",
            progress.depth, progress.states, progress.frontier
        );
    });
    eprintln!();
    println!("{bound:?}");
    let is_good = show(&outcome);
    println!("took          {:.1} s on {threads} threads", begin.elapsed().as_secs_f64());
    if let Some(peak) = peak_memory() {
        println!("memory        {peak} at the most");
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Where the system tells.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().into())
}

fn show(outcome: &Outcome) -> bool {
    println!("states        {}", outcome.states);
    println!("transitions   {}", outcome.steps);
    println!("depth         {} steps, {:?} of virtual time", outcome.depth, outcome.virtual_time);
    println!("longest time with two Actives that hear each other: {:?}", outcome.longest_conflict);
    match (&outcome.counterexample, outcome.reach) {
        (Some(found), _) => {
            println!("BROKEN in {} steps: {}: {}", found.steps, found.rule, found.text);
            println!("{}", found.story);
        }
        (None, Reach::All) => println!("all states were visited, and no rule is broken, for ever"),
        (None, Reach::Steps) => {
            println!("all states within that time were visited, and no rule is broken");
        }
        (None, Reach::Some) => println!("NOT COMPLETE: more states than --most allows"),
    }
    outcome.counterexample.is_none() && outcome.reach != Reach::Some
}
