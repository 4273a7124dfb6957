//! `linux-firewall lab`: a pair of firewalls in network namespaces, live traffic through it,
//! faults, and a table of what the traffic noticed.
//!
//! ```text
//!   client ── br-lan ──┬── fw1 ──┬── br-wan ──┬── server
//!                      │    │ha  │            └── target
//!                      └── fw2 ──┘
//! ```
//! Client, server, probe target, both firewalls and the switch (the two bridges) are namespaces of their
//! own, named `hafw-<pid>-*`; the HA link runs directly between the firewalls.
//!
//! # What is measured
//! - *Gap*: a probe sends a numbered UDP request every millisecond and the server echoes it. The
//!   gap is the largest time between two consecutive answers of which the later one falls in the
//!   time of observation that begins with the fault. Nothing is subtracted, so an ideal fail-over
//!   shows one millisecond. Silence at the end counts.
//! - *Noise*: the same number over the equally long time right before the fault; a shorter one where the
//!   fault is one of probes, which are seconds apart.
//! - *Kept*: a TCP connection is kept if, after the time of observation, it begins and completes an
//!   exchange with the right contents, and was neither reset nor given a wrong byte before.
//! - *Stall*: the largest time between two consecutive completed exchanges of a connection, from
//!   the fault on.
//!
//! All traffic stays in the namespaces. Whatever ends the lab (success, failure, panic, Ctrl-C),
//! its processes are ended by their ids, its namespaces deleted, and its directory removed; should
//! the lab itself be killed, the next one removes the leftovers of labs whose process is gone.
#![allow(
    clippy::disallowed_methods,
    reason = "a program that measures: it reads clocks and sleeps"
)]

mod cluster;
mod dummy;
mod environment;
mod fault;
mod firewall;
mod namespace;
mod options;
mod process;
mod report;
mod statistics;
mod tool;
mod topology;
mod traffic;
mod trial;
mod watch;

use std::io;
use std::process::ExitCode;

pub use options::{Fault, Options};

use environment::Interrupt;
use firewall::Pair;
use report::Report;
use topology::Topology;

/// Why a lab ended without a result. Everything that it had built is gone when this is returned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process may not build network namespaces.
    #[error(
        "the lab needs root (or CAP_NET_ADMIN and CAP_SYS_ADMIN, and a writable /var/run/netns) to \
         build network namespaces; it lacks {0}"
    )]
    Privileges(&'static str),
    /// A program that the set-up uses is not installed.
    #[error(
        "the lab needs the program `{0}` for its set-up, and it is not in PATH (packages: iproute2, \
         nftables)"
    )]
    MissingProgram(String),
    /// A program of the set-up failed.
    #[error("`{command}` failed: {message}")]
    Tool {
        /// The command line.
        command: String,
        /// What it printed.
        message: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, with the name of the thing.
        what: String,
        /// The refusal.
        source: io::Error,
    },
    /// A firewall did not do what the lab waits for.
    #[error("{what}\n{evidence}")]
    Firewall {
        /// What was waited for, and how long.
        what: String,
        /// The last status and the end of the logs.
        evidence: String,
    },
    /// This fault is one of a pair.
    #[error(
        "--nodes: the faults of a cluster are crash, links-down, link, planned and ha-link, not {0}"
    )]
    NotInCluster(&'static str),
    /// Traffic could not be set up.
    #[error("traffic: {0}")]
    Traffic(String),
    /// The user or the system asked the lab to end.
    #[error("interrupted; everything is torn down")]
    Interrupted,
}

/// `io::Result` to [`Error`], naming what was attempted.
trait Context<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { what: what(), source })
    }
}

/// Builds the lab, does what `options` ask for, prints the result to standard output (progress goes
/// to standard error), and tears everything down.
///
/// The exit code is a success if all connections were kept in all runs (with `--no-sync`: if all
/// were lost), the role moved as often as it should (not at all with `--watch`, `--fault ha-link` and
/// `--fault probe-both`, once with the other faults of monitoring), and the median gap is within
/// `--max-gap` if that is given.
///
/// # Errors
/// [`Error`], when there is no result: missing privileges or programs, a firewall that does not
/// come up, an interruption.
pub fn run(options: Options) -> Result<ExitCode, Error> {
    environment::check()?;
    let interrupt = Interrupt::install()?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    namespace::remove_stale();

    if let Some(nodes) = options.nodes {
        return cluster::run(&options, nodes, seed, &interrupt);
    }
    let topology = Topology::build(&options)?;
    let mut pair = Pair::start(&topology, &options, &interrupt)?;
    let mut report = Report::new(&options, seed);
    let outcome = if let Some(duration) = options.watch {
        watch::watch(duration, &topology, &mut pair, &options, &interrupt)
            .map(|watch| report.watch = Some(watch))
    } else {
        trial::run_all(&topology, &mut pair, &options, seed, &interrupt, &mut report)
    };
    if outcome.is_ok() || report.has_results() {
        report.print();
    }
    outcome?;
    Ok(if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
