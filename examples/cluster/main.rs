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
mod screen;
mod script;
mod setup;
mod sockets;
#[cfg(test)]
mod tests;
mod timeline;
mod unit;
mod view;

use clap::Parser;
use setup::Setup;
use std::error::Error;
use std::io::IsTerminal as _;
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
    /// Draw the screen as it is at the end of the script: an SVG.
    #[arg(long, value_name = "FILE", requires = "headless")]
    picture: Option<PathBuf>,
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
    let setup = options.setup();
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(file) = &options.script {
        let named = |error: &dyn Error| format!("{}: {error}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
        let steps = script::parse(&text, &setup).map_err(|error| named(&error))?;
        let outcome = workers.block_on(headless::run(setup, &steps, workers.handle()))?;
        println!("\n{outcome}");
        if let Some(file) = &options.picture {
            let named = |error| format!("{}: {error}", file.display());
            std::fs::write(file, outcome.picture()).map_err(named)?;
        }
        return Ok(outcome.failed.is_none());
    }
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Err("this is no terminal, so there is no screen: --headless --script FILE".into());
    }
    screen::terminal::run(setup, &workers)?;
    Ok(true)
}
