//! What is printed: a table for people, JSON for programs, and the verdict.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Serialize;
use svrrp::GroupNumber;

use super::super::report::{name, one_in_milliseconds};
use super::super::statistics::{Spread, milliseconds};
use super::super::{Fault, Options};
use super::GROUPS;

/// All results of a cluster's lab.
pub(super) struct Report {
    options: Options,
    seed: u64,
    pub(super) strikes: Vec<Strike>,
}

/// What followed from one fault.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Strike {
    pub(super) run: u32,
    /// The group whose owner it befell.
    pub(super) group: GroupNumber,
    /// That node, counted from 0.
    #[serde(skip)]
    pub(super) victim: usize,
    /// The group is to move by that.
    pub(super) moves: bool,
    /// What the probe of each group noticed.
    pub(super) noticed: [Noticed; GROUPS.len()],
    /// The gap when the node was back and took the group again.
    #[serde(rename = "back_ms", serialize_with = "one_in_milliseconds")]
    pub(super) back: Duration,
    /// What was not as it should be.
    pub(super) faults: Vec<String>,
}

/// A probe around one fault.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Noticed {
    #[serde(rename = "gap_ms", serialize_with = "one_in_milliseconds")]
    pub(super) gap: Duration,
    #[serde(rename = "noise_ms", serialize_with = "one_in_milliseconds")]
    pub(super) noise: Duration,
}

impl Strike {
    /// What the probe of the group noticed whose owner it befell.
    fn struck(&self) -> Noticed {
        self.noticed[self.group.index()]
    }

    /// The same of the other group.
    fn other(&self) -> Noticed {
        self.noticed[1 - self.group.index()]
    }

    /// One line while the lab goes on.
    pub(super) fn progress_line(&self, options: &Options) -> String {
        let [struck, other] = [self.struck(), self.other()];
        let mut line = format!(
            "run {:>3}/{}  node {}, {}: {:.1} ms (noise {:.1})  other group {:.1} ms (noise \
             {:.1})  back in {:.1} ms",
            self.run,
            options.runs,
            self.victim + 1,
            self.group,
            milliseconds(struck.gap),
            milliseconds(struck.noise),
            milliseconds(other.gap),
            milliseconds(other.noise),
            milliseconds(self.back),
        );
        for fault in &self.faults {
            let _ = write!(line, "  WRONG: {fault}");
        }
        line
    }
}

impl Report {
    pub(super) fn new(options: &Options, seed: u64) -> Self {
        Self { options: options.clone(), seed, strikes: Vec::new() }
    }

    /// Within that time the group of a node that is lost must have a new owner, but for one round trip.
    fn bound(&self) -> Duration {
        self.options.heartbeat * (self.options.trigger_level + 1)
    }

    /// A shorter gap is no fail-over: a node that is lost may have advertised itself just before, or one interval ago.
    fn undisturbed(&self) -> Duration {
        self.options.heartbeat * (self.options.trigger_level - 1)
    }

    /// See the [module](super) for what counts as a success.
    pub(super) fn is_success(&self) -> bool {
        let quick = self.options.max_gap.is_none_or(|limit| {
            self.spread(|strike| strike.struck().gap).is_some_and(|gap| gap.median <= limit)
        });
        let as_it_should = |strike: &Strike| {
            let stays = |noticed: Noticed| noticed.gap < self.undisturbed();
            strike.faults.is_empty()
                && stays(strike.other())
                && (strike.moves || stays(strike.struck()))
        };
        !self.strikes.is_empty() && self.strikes.iter().all(as_it_should) && quick
    }

    fn spread(&self, value: impl Fn(&Strike) -> Duration) -> Option<Spread> {
        Spread::of(self.strikes.iter().map(value))
    }

    pub(super) fn print(&self) {
        if !self.options.json {
            return print!("{self}");
        }
        let summary = Summary {
            success: self.is_success(),
            fault: name(self.options.fault),
            nodes: self.options.nodes.unwrap_or_default(),
            interval_ms: milliseconds(self.options.heartbeat),
            trigger_level: self.options.trigger_level,
            seed: self.seed,
            bound_ms: milliseconds(self.bound()),
            gap: self.spread(|strike| strike.struck().gap),
            other_gap: self.spread(|strike| strike.other().gap),
            strikes: &self.strikes,
        };
        match serde_json::to_string_pretty(&summary) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("the result cannot be written as JSON: {error}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        let (nodes, level) = (options.nodes.unwrap_or_default(), options.trigger_level);
        let (count, what) = (self.strikes.len(), name(options.fault));
        let (interval, seed) = (options.heartbeat, self.seed);
        writeln!(f, "\n{count} x {what}, {nodes} nodes, {interval:?} x {level}, seed {seed}\n")?;
        writeln!(f, "  {:<28}{:>12}{:>12}{:>12}", "milliseconds", "min", "median", "max")?;
        for group in GROUPS {
            let moved = self.strikes.iter().filter(|strike| strike.group == group);
            let gaps = Spread::of(moved.map(|strike| strike.struck().gap));
            write_spread(f, &format!("gap, fault of {group}'s owner"), gaps)?;
        }
        write_spread(f, "gap, when it came back", self.spread(|strike| strike.back))?;
        write_spread(f, "gap, the other group", self.spread(|strike| strike.other().gap))?;
        write_spread(f, "noise before", self.spread(|strike| strike.struck().noise))?;
        writeln!(f)?;
        if matches!(options.fault, Fault::Crash | Fault::LinksDown) {
            let bound = milliseconds(self.bound());
            writeln!(f, "  bound of a lost owner       {bound:.1} ms and one round trip")?;
        }
        for strike in self.strikes.iter().filter(|strike| !strike.faults.is_empty()) {
            writeln!(f, "  WRONG, run {}: {}", strike.run, strike.faults.join("; "))?;
        }
        writeln!(
            f,
            "\n  gap: largest time between two answers to a 1 ms probe, from the fault on;\n  \
             noise: the same over the time before it;\n  \
             bound: interval x level and one interval"
        )?;
        let least = self.undisturbed();
        let word = if self.is_success() { "passed" } else { "FAILED" };
        write!(
            f,
            "\n  {word}: one owner of each group, {}",
            if self.strikes.iter().any(|strike| strike.moves) {
                format!(
                    "the next node has the one that lost its own, gap of the other below {least:?}"
                )
            } else {
                format!("none has moved, gaps below {least:?}")
            }
        )?;
        match options.max_gap {
            Some(limit) => writeln!(f, ", median gap at most {limit:?}"),
            None => writeln!(f),
        }
    }
}

fn write_spread(f: &mut fmt::Formatter<'_>, label: &str, spread: Option<Spread>) -> fmt::Result {
    let Some(Spread { min, median, max }) = spread else { return Ok(()) };
    let [min, median, max] = [min, median, max].map(milliseconds);
    writeln!(f, "  {label:<28}{min:>12.1}{median:>12.1}{max:>12.1}")
}

/// The JSON form.
#[derive(Serialize)]
struct Summary<'a> {
    success: bool,
    fault: &'static str,
    nodes: u8,
    interval_ms: f64,
    trigger_level: u32,
    seed: u64,
    bound_ms: f64,
    gap: Option<Spread>,
    other_gap: Option<Spread>,
    strikes: &'a [Strike],
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
