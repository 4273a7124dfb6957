//! What is printed: a table for people, JSON for programs, and the verdict.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::statistics::{Spread, milliseconds};
use super::{Fault, Options};

/// All results of a lab.
pub(super) struct Report {
    options: Options,
    seed: u64,
    pub(super) runs: Vec<Run>,
    pub(super) watch: Option<Watch>,
}

/// What the traffic noticed in one run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Run {
    #[serde(rename = "run")]
    pub(super) number: u32,
    pub(super) measures: Vec<Measure>,
    /// Probe requests without an answer, over the whole run.
    pub(super) unanswered: u64,
    /// Of the connections that were kept.
    #[serde(rename = "stalls_ms", serialize_with = "in_milliseconds")]
    pub(super) stalls: Vec<Duration>,
    /// One reason for each connection that was not.
    pub(super) losses: Vec<String>,
    pub(super) download: Option<DownloadResult>,
    /// Changes of the role of either unit, those in between counted too.
    pub(super) role_changes: u64,
    /// How often a unit became Active.
    pub(super) takes: u64,
}

/// The probe around one event.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measure {
    pub(super) name: &'static str,
    #[serde(rename = "gap_ms", serialize_with = "one_in_milliseconds")]
    pub(super) gap: Duration,
    #[serde(rename = "noise_ms", serialize_with = "one_in_milliseconds")]
    pub(super) noise: Duration,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct DownloadResult {
    pub(super) kept: bool,
    pub(super) reason: Option<String>,
    pub(super) before_mbit_per_s: f64,
    pub(super) after_mbit_per_s: f64,
}

/// A time without a fault.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Watch {
    pub(super) seconds: f64,
    pub(super) role_changes: u64,
    /// Questions for the status that were not answered.
    pub(super) silent_questions: u64,
    #[serde(rename = "largest_gap_ms", serialize_with = "one_in_milliseconds")]
    pub(super) largest_gap: Duration,
    pub(super) connections: usize,
    pub(super) kept: usize,
    pub(super) units: Vec<UnitWatch>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct UnitWatch {
    pub(super) unit: &'static str,
    pub(super) role: String,
    pub(super) cpu_percent_of_a_core: Option<f64>,
    pub(super) longest_stall_us: u64,
}

impl Run {
    fn connections(&self) -> usize {
        self.stalls.len() + self.losses.len()
    }

    /// One line while the lab goes on.
    pub(super) fn progress_line(&self, options: &Options) -> String {
        let mut line = format!("run {:>3}/{}", self.number, options.runs);
        for Measure { name, gap, noise } in &self.measures {
            let _ = write!(
                line,
                "  {name} {:.1} ms (noise {:.1})",
                milliseconds(*gap),
                milliseconds(*noise)
            );
        }
        let _ = write!(line, "  kept {}/{}", self.stalls.len(), self.connections());
        if let Some(stall) = self.stalls.iter().max() {
            let _ = write!(line, "  stall {:.0} ms", milliseconds(*stall));
        }
        if let Some(reason) = self.losses.first() {
            let _ = write!(line, " (lost: {reason})");
        }
        if let Some(download) = &self.download {
            let _ = write!(line, "  download {}", if download.kept { "kept" } else { "lost" });
        }
        let _ = write!(line, "  role changes {}, take-overs {}", self.role_changes, self.takes);
        line
    }
}

impl Report {
    pub(super) fn new(options: &Options, seed: u64) -> Self {
        Self { options: options.clone(), seed, runs: Vec::new(), watch: None }
    }

    pub(super) fn has_results(&self) -> bool {
        !self.runs.is_empty() || self.watch.is_some()
    }

    /// See [`run`](super::run) for what counts as a success.
    pub(super) fn is_success(&self) -> bool {
        if let Some(watch) = &self.watch {
            return watch.role_changes == 0
                && watch.silent_questions == 0
                && watch.kept == watch.connections;
        }
        let kept = self.kept();
        let lost = self.connections() - kept;
        // Losing none of no connections would prove nothing.
        let connections = if self.options.no_sync { kept == 0 && lost > 0 } else { lost == 0 };
        let moved = match self.options.fault.takes() {
            Some(0) => self.runs.iter().all(|run| run.role_changes == 0),
            Some(takes) => self.runs.iter().all(|run| run.takes == takes),
            None => true,
        };
        let quick = self.options.max_gap.is_none_or(|limit| {
            self.measure_names()
                .iter()
                .all(|name| self.gaps(name).is_none_or(|gap| gap.median <= limit))
        });
        self.has_results() && connections && moved && quick
    }

    pub(super) fn print(&self) {
        if self.options.json {
            let summary = Summary::of(self);
            match serde_json::to_string_pretty(&summary) {
                Ok(text) => println!("{text}"),
                Err(error) => eprintln!("the result cannot be written as JSON: {error}"),
            }
        } else {
            print!("{self}");
        }
    }

    /// Connections of all runs, a download among them.
    fn connections(&self) -> usize {
        self.runs.iter().map(|run| run.connections() + usize::from(run.download.is_some())).sum()
    }

    fn kept(&self) -> usize {
        let downloads = self
            .runs
            .iter()
            .filter(|run| run.download.as_ref().is_some_and(|download| download.kept));
        self.runs.iter().map(|run| run.stalls.len()).sum::<usize>() + downloads.count()
    }

    fn measure_names(&self) -> Vec<&'static str> {
        self.runs
            .first()
            .map_or_else(Vec::new, |run| run.measures.iter().map(|measure| measure.name).collect())
    }

    fn measures(&self, name: &str) -> impl Iterator<Item = &Measure> {
        self.runs.iter().flat_map(|run| &run.measures).filter(move |measure| measure.name == name)
    }

    fn gaps(&self, name: &str) -> Option<Spread> {
        Spread::of(self.measures(name).map(|measure| measure.gap))
    }

    fn noises(&self, name: &str) -> Option<Spread> {
        Spread::of(self.measures(name).map(|measure| measure.noise))
    }

    fn stalls(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().flat_map(|run| run.stalls.iter().copied()))
    }

    fn worst_stalls(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.stalls.iter().max().copied()))
    }

    fn write_runs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for name in self.measure_names() {
            lines.push((format!("gap, {name}"), self.gaps(name)));
            lines.push((format!("noise before {name}"), self.noises(name)));
        }
        lines.push(("TCP stall, each connection".to_owned(), self.stalls()));
        lines.push(("TCP stall, worst of a run".to_owned(), self.worst_stalls()));
        writeln!(f, "  {:<28}{:>12}{:>12}{:>12}", "milliseconds", "min", "median", "max")?;
        for (label, spread) in lines {
            let Some(Spread { min, median, max }) = spread else { continue };
            let [min, median, max] = [min, median, max].map(milliseconds);
            writeln!(f, "  {label:<28}{min:>12.1}{median:>12.1}{max:>12.1}")?;
        }
        writeln!(f)?;
        let streams: usize = self.runs.iter().map(Run::connections).sum();
        let kept: usize = self.runs.iter().map(|run| run.stalls.len()).sum();
        writeln!(f, "  connections kept            {kept} of {streams}")?;
        self.write_downloads(f)?;
        self.write_range(f, "role changes a run", |run| run.role_changes)?;
        self.write_range(f, "take-overs a run", |run| run.takes)?;
        writeln!(f)?;
        writeln!(
            f,
            "  gap: largest time between two answers to a 1 ms probe, from the fault on;\n  \
             noise: the same over the time before it;"
        )?;
        writeln!(
            f,
            "  kept: right contents, no reset, and goes on afterwards;\n  \
             stall: largest time between two exchanges, from the fault on"
        )
    }

    fn write_range(
        &self,
        f: &mut fmt::Formatter<'_>,
        label: &str,
        count: fn(&Run) -> u64,
    ) -> fmt::Result {
        let least = self.runs.iter().map(count).min().unwrap_or_default();
        let most = self.runs.iter().map(count).max().unwrap_or_default();
        write!(f, "  {label:<28}{least}")?;
        if least != most {
            write!(f, " to {most}")?;
        }
        writeln!(f)
    }

    fn write_downloads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let downloads: Vec<_> = self.runs.iter().filter_map(|run| run.download.as_ref()).collect();
        if downloads.is_empty() {
            return Ok(());
        }
        let kept = downloads.iter().filter(|download| download.kept).count();
        let median = |rate: fn(&DownloadResult) -> f64| {
            let mut rates: Vec<_> = downloads.iter().map(|download| rate(download)).collect();
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        };
        let (before, after) = (
            median(|download| download.before_mbit_per_s),
            median(|download| download.after_mbit_per_s),
        );
        let total = downloads.len();
        writeln!(
            f,
            "  downloads kept              {kept} of {total}; {before} Mbit/s before, {after} after \
             (medians)"
        )
    }

    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_success() { "passed" } else { "FAILED" };
        let rule = match (&self.watch, self.options.no_sync, self.options.fault.takes()) {
            (Some(_), ..) => "no role change, each status answered, all connections kept",
            (None, true, None) => "without synchronization all connections must be lost",
            (None, true, Some(0)) => "no role change, without synchronization all connections lost",
            (None, true, Some(_)) => "one take-over, without synchronization all connections lost",
            (None, false, Some(0)) => "no role change, all connections kept",
            (None, false, Some(_)) => "one take-over, all connections kept",
            (None, false, None) => "all connections kept",
        };
        write!(f, "  {word}: {rule}")?;
        if let Some(limit) = self.options.max_gap {
            write!(f, ", median gap at most {limit:?}")?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\n", headline(&self.options, self.runs.len(), self.seed))?;
        match &self.watch {
            Some(watch) => watch.fmt(f)?,
            None => self.write_runs(f)?,
        }
        writeln!(f)?;
        self.write_verdict(f)
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  watched                     {} s", self.seconds)?;
        writeln!(f, "  role changes                {}", self.role_changes)?;
        if self.silent_questions > 0 {
            writeln!(f, "  status not answered         {} times", self.silent_questions)?;
        }
        writeln!(f, "  connections kept            {} of {}", self.kept, self.connections)?;
        writeln!(f, "  largest gap of the probe    {:.1} ms", milliseconds(self.largest_gap))?;
        for unit in &self.units {
            let cpu = unit
                .cpu_percent_of_a_core
                .map_or_else(|| "ended".to_owned(), |cpu| format!("{cpu:.2} % of a core"));
            #[expect(
                clippy::cast_precision_loss,
                reason = "microseconds of a run are far below 2^53"
            )]
            let stall = unit.longest_stall_us as f64 / 1e3;
            let label = format!("{} ({})", unit.unit, unit.role);
            writeln!(f, "  {label:<28}{cpu}, longest stall {stall:.1} ms")?;
        }
        Ok(())
    }
}

fn headline(options: &Options, runs: usize, seed: u64) -> String {
    let what = match (options.watch, options.fault) {
        (Some(_), _) => "no fault".to_owned(),
        (None, fault) => format!("{} x {}", runs, name(fault)),
    };
    let mut line = format!("{what}, heartbeat {:?} x {}", options.heartbeat, options.trigger_level);
    let _ = write!(line, ", {} connections", options.connections);
    if options.background_flows > 0 {
        let _ = write!(line, ", {} background flows", options.background_flows);
    }
    let switches = [
        (options.download, "download"),
        (options.nat, "NAT"),
        (options.ipv6, "IPv6"),
        (options.realtime, "real-time priority"),
        (options.no_sync, "NO state synchronization"),
    ];
    for (_, word) in switches.iter().filter(|(on, _)| *on) {
        let _ = write!(line, ", {word}");
    }
    let _ = write!(line, ", seed {seed}");
    line
}

pub(super) fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Crash => "crash",
        Fault::LinksDown => "links-down",
        Fault::Freeze => "freeze",
        Fault::Planned => "planned",
        Fault::HaLink => "ha-link",
        Fault::Link => "link",
        Fault::Probe => "probe",
        Fault::ProbeBoth => "probe-both",
        Fault::Service => "service",
    }
}

/// The JSON form.
#[derive(Serialize)]
struct Summary<'a> {
    success: bool,
    fault: Option<Fault>,
    heartbeat_ms: f64,
    trigger_level: u32,
    background_flows: u32,
    nat: bool,
    ipv6: bool,
    sync: bool,
    realtime: bool,
    seed: u64,
    connections: usize,
    kept: usize,
    measures: Vec<MeasureSummary>,
    stall: Option<Spread>,
    worst_stall: Option<Spread>,
    runs: &'a [Run],
    watch: Option<&'a Watch>,
}

#[derive(Serialize)]
struct MeasureSummary {
    name: &'static str,
    gap: Option<Spread>,
    noise: Option<Spread>,
}

impl<'a> Summary<'a> {
    fn of(report: &'a Report) -> Self {
        let options = &report.options;
        let measures = report.measure_names().into_iter();
        Self {
            success: report.is_success(),
            fault: options.watch.is_none().then_some(options.fault),
            heartbeat_ms: milliseconds(options.heartbeat),
            trigger_level: options.trigger_level,
            background_flows: options.background_flows,
            nat: options.nat,
            ipv6: options.ipv6,
            sync: !options.no_sync,
            realtime: options.realtime,
            seed: report.seed,
            connections: report
                .watch
                .as_ref()
                .map_or_else(|| report.connections(), |watch| watch.connections),
            kept: report.watch.as_ref().map_or_else(|| report.kept(), |watch| watch.kept),
            measures: measures
                .map(|name| MeasureSummary {
                    name,
                    gap: report.gaps(name),
                    noise: report.noises(name),
                })
                .collect(),
            stall: report.stalls(),
            worst_stall: report.worst_stalls(),
            runs: &report.runs,
            watch: report.watch.as_ref(),
        }
    }
}

pub(super) fn one_in_milliseconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(milliseconds(*duration))
}

fn in_milliseconds<S: Serializer>(
    durations: &[Duration],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(durations.iter().map(|duration| milliseconds(*duration)))
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
