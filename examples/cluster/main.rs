//! A cluster of two to four nodes on loopback, to look at and to break.
//!
//! Each unit is a whole cluster node's machine with the real driver, on UDP sockets and in real time: only what it would
//! do to a network is a table in memory. On a terminal there is a screen, and keys; without one a script is played, whose
//! language `--help` tells:
//!
//! ```sh
//! cargo run --release --example cluster
//! cargo run --release --example cluster -- --headless --script examples/cluster/scripts/crash.txt
//! ```

// A program at the edge: its sums are small.
#![allow(clippy::arithmetic_side_effects)]

mod addresses;
mod cables;
mod cluster;
mod headless;
mod naming;
mod order;
mod platform;
mod script;
mod setup;
mod sockets;
mod timeline;
mod unit;
mod view;

use clap::Parser;
use cluster::Cluster;
use setup::Setup;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Two to four nodes share the load, and every virtual group has one owner: look at it, and break it.
#[derive(Debug, Parser)]
#[command(after_help = script::LANGUAGE)]
struct Options {
    /// How many nodes there are.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=4))]
    nodes: u8,
    /// How many units each node has: two are a pair.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    units: u8,
    /// How many virtual groups there are.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    groups: u8,
    /// How often a unit advertises itself: 10 ms to 10 s, in whole milliseconds.
    #[arg(long, default_value = "100ms", value_parser = parse_interval)]
    interval: Duration,
    /// After how many missed advertisements a unit is lost.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=99))]
    level: u8,
    /// Play a script and end; the status says whether all that it expects came true.
    #[arg(long, requires = "script")]
    headless: bool,
    /// The script.
    #[arg(long, value_name = "FILE", requires = "headless")]
    script: Option<PathBuf>,
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let is_whole = interval.subsec_nanos().is_multiple_of(1_000_000);
    let range = Duration::from_millis(10)..=Duration::from_secs(10);
    (is_whole && range.contains(&interval))
        .then_some(interval)
        .ok_or_else(|| "it is not 10 ms to 10 s in whole milliseconds".to_owned())
}

impl Options {
    fn setup(&self) -> Setup {
        let &Self { nodes, units, groups, interval, level, .. } = self;
        Setup { nodes, units, groups, interval, level }
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all that was expected came true.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let Some(script) = &options.script else { return Err("no screen yet".into()) };
    let text = std::fs::read_to_string(script)
        .map_err(|error| format!("{}: {error}", script.display()))?;
    let setup = options.setup();
    let steps =
        script::parse(&text, &setup).map_err(|error| format!("{}: {error}", script.display()))?;
    workers.block_on(async {
        let mut cluster = Cluster::start(setup, true, workers.handle().clone()).await?;
        let outcome = headless::play(&mut cluster, &steps).await?;
        Ok(outcome.failed.is_none())
    })
}
