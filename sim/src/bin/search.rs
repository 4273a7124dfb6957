//! The exhaustive search: `search` visits all states of two role machines within a bound, and prints how many
//! there are, or a shortest way to break a rule.

#![forbid(unsafe_code)]
// A program at the edge: it reads the clock to say how long it took.
#![allow(clippy::disallowed_methods)]

use clap::Parser;
use sim::harness::config;
use sim::search::{Bound, Outcome, search};
use sim::{Broken, broken};
use std::process::ExitCode;
use std::time::Instant;

/// Visits all states that two role machines can reach against an adversary, and checks S1, S3 and L2.
#[derive(Debug, Parser)]
struct Options {
    /// The failover trigger level of both units
    #[arg(long, default_value_t = 2)]
    level: u8,
    /// Steps of time in a heartbeat interval
    #[arg(long, default_value_t = 1)]
    resolution: u8,
    /// Heartbeats that are lost
    #[arg(long, default_value_t = 1)]
    losses: u8,
    /// Heartbeats that come twice
    #[arg(long, default_value_t = 0)]
    duplicates: u8,
    /// Heartbeats that are late, by up to a failure time
    #[arg(long, default_value_t = 0)]
    delays: u8,
    /// Crashes of a unit, which may start again at any time
    #[arg(long, default_value_t = 1)]
    crashes: u8,
    /// Pauses of a unit, of up to a failure time and an interval
    #[arg(long, default_value_t = 1)]
    pauses: u8,
    /// Hand-overs that are ordered, at either unit
    #[arg(long, default_value_t = 1)]
    orders: u8,
    /// How often each unit becomes less fit
    #[arg(long, default_value_t = 0)]
    equal_faults: u8,
    /// Give up beyond so many million states: each needs some five kilobytes while it waits
    #[arg(long, default_value_t = 10)]
    most: u64,
    /// Put this deliberate fault into the machines, to see it caught
    #[arg(long = "break", value_name = "NAME", value_parser = broken_by_name)]
    broken: Option<&'static Broken>,
}

fn broken_by_name(name: &str) -> Result<&'static Broken, String> {
    broken(name).ok_or_else(|| "no such fault; `sim --list-breaks` lists them".into())
}

fn main() -> ExitCode {
    let options = Options::parse();
    let bound = Bound {
        level: options.level,
        resolution: options.resolution,
        losses: options.losses,
        duplicates: options.duplicates,
        delays: options.delays,
        crashes: options.crashes,
        pauses: options.pauses,
        orders: options.orders,
        equal_faults: options.equal_faults,
    };
    let rules = [0, 1].map(|unit| {
        let builder = config(unit, 1);
        let builder = match options.broken {
            Some(broken) => (broken.put)(unit, builder),
            None => builder,
        };
        builder.build().map(|config| config.rules())
    });
    let [Ok(primary), Ok(secondary)] = rules else {
        eprintln!("search: the fault makes no valid configuration");
        return ExitCode::from(2);
    };
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let most = options.most.saturating_mul(1_000_000);
    let begin = Instant::now();
    let outcome = search(bound, [primary, secondary], threads, most, |progress| {
        eprint!(
            "\r{:>4} steps, {:>9} states, {:>8} of them new ",
            progress.depth, progress.states, progress.frontier
        );
    });
    eprintln!();
    let is_good = show(&outcome);
    println!("took          {:.1} s on {threads} threads", begin.elapsed().as_secs_f64());
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(outcome: &Outcome) -> bool {
    println!("states        {}", outcome.states);
    println!("transitions   {}", outcome.steps);
    println!("depth         {} steps, {:?} of virtual time", outcome.depth, outcome.virtual_time);
    println!("longest time with two Actives that hear each other: {:?}", outcome.longest_conflict);
    match &outcome.counterexample {
        None if outcome.is_complete => {
            println!("all states were visited: nothing breaks S1, S3 or L2");
        }
        None => println!("NOT COMPLETE: more states than --most allows"),
        Some(found) => {
            println!("BROKEN: {}: {}\n{}", found.rule, found.text, found.story);
        }
    }
    outcome.counterexample.is_none() && outcome.is_complete
}
