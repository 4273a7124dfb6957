//! Two firewall units on loopback, 10,000 sessions, and a fault.
//!
//! Both units are whole appliances with the real driver, on UDP sockets: only their forwarding planes
//! are tables in memory. The program tells what happens, and at the end what counts.

// A program at the edge: it owns the clock, and its sums are small.
#![allow(clippy::arithmetic_side_effects)]

mod clients;
mod plane;
mod scenario;
mod story;
mod unit;

use clap::{Parser, ValueEnum};
use std::process::ExitCode;
use std::time::Duration;

/// Two units, one fault: what happens to the sessions?
#[derive(Debug, Parser)]
struct Options {
    /// What goes wrong.
    #[arg(long, value_enum, default_value = "crash")]
    fault: Fault,
    /// How many sessions are open.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sessions: u32,
    /// The heartbeat interval in milliseconds.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(10..=1000))]
    heartbeat: u64,
    /// How many missed heartbeats mean that a unit is lost.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=99))]
    trigger_level: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// The Active dies without a word.
    Crash,
    /// The Active is shut down in order.
    Planned,
    /// One of the two heartbeat paths is cut.
    Link,
    /// Both paths are cut, and heal again.
    Split,
}

impl Options {
    fn failure_time(&self) -> Duration {
        Duration::from_millis(self.heartbeat) * u32::from(self.trigger_level)
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    match scenario::run(&options) {
        Ok(balance) => {
            balance.print();
            if balance.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("failover: {error}");
            ExitCode::FAILURE
        }
    }
}
