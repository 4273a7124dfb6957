//! `search cluster`: the search of a cluster.

use clap::Args;
use sim::cluster_search::{
    BrokenCluster, ClusterBound, ClusterOutcome, broken_cluster, longest_conflict, search_cluster,
    time_of,
};
use std::process::ExitCode;
use std::time::Instant;
use svrrp::cluster::Rules;

/// Visits all states that three cluster units with two groups can reach against an adversary.
///
/// What is not said is as in the bound that shows the fault of `--break`, or, without that, nothing.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// All that the cluster machine has to stand, in seven parts: 1 or 2 losses with a link that moves, beside a duplicate,
    /// a delay and a slow platform; a link that comes back; other ranks; a crash with restart; that with platforms that
    /// fail; and with other ranks
    #[arg(long, conflicts_with = "broken")]
    whole: bool,
    /// The trigger level of all units
    #[arg(long)]
    level: Option<u8>,
    /// How often any of what one node sends to another in a step is lost
    #[arg(long)]
    losses: Option<u8>,
    /// Datagrams that come twice
    #[arg(long)]
    duplicates: Option<u8>,
    /// Datagrams that are late, by up to a failure time
    #[arg(long)]
    delays: Option<u8>,
    /// Crashes of a node, which may start again at any time
    #[arg(long)]
    crashes: Option<u8>,
    /// How often the link of a node goes down or up
    #[arg(long)]
    links: Option<u8>,
    /// Whether a node is told other ranks: 0 or 1
    #[arg(long)]
    ranks: Option<u8>,
    /// Takes and withdrawals that take a step longer
    #[arg(long)]
    slow: Option<u8>,
    /// Takes and withdrawals that fail
    #[arg(long)]
    failures: Option<u8>,
    /// Search so many steps; else until there is nothing new
    #[arg(long = "for", value_name = "STEPS")]
    steps: Option<u16>,
    /// Give up beyond so many million states
    #[arg(long, default_value_t = 60)]
    most: u64,
    /// Put this deliberate fault into the machines, to see it caught
    #[arg(long = "break", value_name = "NAME", value_parser = broken_by_name)]
    broken: Option<&'static BrokenCluster>,
    /// See that the bound for `--break` shows nothing in machines that are not broken
    #[arg(long, requires = "broken")]
    mended: bool,
}

fn broken_by_name(name: &str) -> Result<&'static BrokenCluster, String> {
    broken_cluster(name).ok_or_else(|| {
        let names: Vec<_> = sim::cluster_search::BROKEN_CLUSTERS.iter().map(|it| it.name).collect();
        format!("no such fault; there are {}", names.join(", "))
    })
}

impl Options {
    fn bound(&self, default: ClusterBound) -> ClusterBound {
        ClusterBound {
            level: self.level.unwrap_or(default.level),
            losses: self.losses.unwrap_or(default.losses),
            duplicates: self.duplicates.unwrap_or(default.duplicates),
            delays: self.delays.unwrap_or(default.delays),
            crashes: self.crashes.unwrap_or(default.crashes),
            links: self.links.unwrap_or(default.links),
            ranks: self.ranks.unwrap_or(default.ranks),
            slow: self.slow.unwrap_or(default.slow),
            failures: self.failures.unwrap_or(default.failures),
            between: default.between,
            steps: self.steps.unwrap_or(default.steps),
        }
    }
}

pub(crate) fn main(options: &Options) -> ExitCode {
    let parts: &[ClusterBound] = match options.broken {
        _ if options.whole => &ClusterBound::WHOLE,
        Some(broken) => core::slice::from_ref(&broken.bound),
        None => &[ClusterBound::NOTHING],
    };
    let broken = options.broken.filter(|_| !options.mended);
    let rules = broken.map_or(Rules::STANDARD, |broken| (broken.rules)());
    let mut are_good = true;
    for part in parts {
        are_good &= run(options.bound(*part), rules, options.most.saturating_mul(1_000_000));
    }
    if let Some(peak) = super::peak_memory() {
        println!("memory        {peak} at the most");
    }
    if are_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(bound: ClusterBound, rules: Rules, most: u64) -> bool {
    let begin = Instant::now();
    let outcome = search_cluster(bound, rules, super::threads(), most, |depth, states, new| {
        eprint!("\r{depth:>4} steps, {states:>9} states, {new:>8} of them new ");
    });
    eprintln!();
    println!("{bound:?}");
    show(&bound, &outcome);
    println!("took          {:.1} s\n", begin.elapsed().as_secs_f64());
    outcome.is_complete
}

fn show(bound: &ClusterBound, outcome: &ClusterOutcome) {
    println!("states        {}, of which {} are calm", outcome.states, outcome.calm);
    println!("transitions   {}", outcome.steps);
    let time = time_of(outcome.depth);
    println!("depth         {} steps, {time:?} of virtual time", outcome.depth);
    println!(
        "longest time with two holders that hear each other: {} steps; allowed are {}",
        outcome.longest_conflict,
        longest_conflict(bound)
    );
    match &outcome.counterexample {
        Some(found) => {
            println!("BROKEN in {} steps: {}: {}", found.steps, found.rule, found.text);
            println!("{}", found.story);
        }
        None if !outcome.is_complete => println!("NOT COMPLETE: more states than --most allows"),
        None if bound.steps == 0 => {
            println!("all states were visited, and no rule is broken, for ever");
        }
        None => println!("all states within that time were visited, and no rule is broken"),
    }
}
