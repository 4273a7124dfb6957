//! The command line of the lab.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

/// What the lab builds, does and measures.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// What happens to the Active unit
    #[arg(long, value_enum, default_value_t = Fault::Crash)]
    pub fault: Fault,

    /// How many times
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub runs: u32,

    /// Heartbeat interval of both units
    #[arg(long, value_name = "DURATION", default_value = "10ms", value_parser = heartbeat)]
    pub heartbeat: Duration,

    /// Heartbeats that must be missing before the peer counts as lost
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=255))]
    pub trigger_level: u32,

    /// TCP connections that exchange small messages through the firewall
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=2_000))]
    pub connections: u32,

    /// UDP flows in the connection table before the fault
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=200_000))]
    pub background_flows: u32,

    /// Let a TCP download run across the fault, as fast as it goes
    #[arg(long)]
    pub download: bool,

    /// Translate the LAN's addresses to the WAN address (source NAT)
    #[arg(long)]
    pub nat: bool,

    /// Let the traffic use IPv6
    #[arg(long)]
    pub ipv6: bool,

    /// Turn state synchronization off: then all connections must be lost, which shows that the
    /// check can fail
    #[arg(long)]
    pub no_sync: bool,

    /// Run the heartbeat threads of both units with real-time priority
    #[arg(long)]
    pub realtime: bool,

    /// No fault: count role changes and CPU time for this long
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    #[arg(conflicts_with_all = ["fault", "runs", "no_sync", "max_gap"])]
    pub watch: Option<Duration>,

    /// Fail if the median gap is larger
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub max_gap: Option<Duration>,

    /// Seed of the random moments of the faults (default: another one each time; it is printed)
    #[arg(long)]
    pub seed: Option<u64>,

    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,

    /// A cluster of so many nodes with one unit each, and two virtual groups: the fault befalls the owner of each in
    /// turn
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(2..=4))]
    #[arg(conflicts_with_all = [
        "connections", "background_flows", "download", "nat", "ipv6", "no_sync", "watch"
    ])]
    pub nodes: Option<u8>,

    /// Keep the logs of all units in this directory
    #[arg(long, value_name = "DIR")]
    pub logs: Option<PathBuf>,
}

/// What happens to the Active unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is dead at one instant; its switch ports stay up, and the switch keeps its addresses
    Crash,
    /// It is dead at one instant, its ports lose their carrier, and the switch forgets its
    /// addresses
    LinksDown,
    /// Its process is stopped and later continued, while its kernel goes on
    Freeze,
    /// It is asked to stop (hand-over), comes back, and its peer is asked to stop (hand-back)
    Planned,
    /// The HA link is cut and restored: no role may change
    HaLink,
    /// Its monitored interface to the server loses its carrier
    Link,
    /// It alone does not reach its probe target any more
    Probe,
    /// Neither unit reaches the probe target any more: no role may change
    ProbeBoth,
    /// A service that is watched on it ends, and its restart fails
    Service,
}

impl Fault {
    /// How often a unit takes the role in a run, if that is certain.
    pub(super) const fn takes(self) -> Option<u64> {
        match self {
            Self::Link | Self::Probe | Self::Service => Some(1),
            Self::HaLink | Self::ProbeBoth => Some(0),
            Self::Crash | Self::LinksDown | Self::Freeze | Self::Planned => None,
        }
    }

    pub(super) const fn needs_probes(self) -> bool {
        matches!(self, Self::Probe | Self::ProbeBoth)
    }
}

/// How often the units of the lab probe their target, and how many missed probes make it lost.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_secs(5);
pub(super) const MISSED_PROBES: u32 = 2;

impl Options {
    /// How long the probe is observed before each fault: several times as long as a unit is silent
    /// until it is lost.
    pub(super) fn window(&self) -> Duration {
        (self.heartbeat * self.trigger_level * 6).max(Duration::from_secs(2))
    }

    /// How long it is observed after the fault: as long, but not before the fault can have been detected.
    pub(super) fn window_after(&self) -> Duration {
        if self.fault.needs_probes() {
            // The last probe with an answer may have been sent just before the fault.
            PROBE_INTERVAL * (MISSED_PROBES + 1) + self.window()
        } else {
            self.window()
        }
    }
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (Duration::from_millis(1)..=Duration::from_secs(10)).contains(&interval) {
        Ok(interval)
    } else {
        Err("must lie between 1ms and 10s".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &str) -> Result<Options, String> {
        Program::try_parse_from(["lab"].into_iter().chain(line.split_whitespace()))
            .map(|program| program.options)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let options = parse("").unwrap();
        assert_eq!(
            (options.fault, options.heartbeat, options.trigger_level, options.connections),
            (Fault::Crash, Duration::from_millis(10), 3, 20)
        );
        assert_eq!(options.window(), Duration::from_secs(2));
        assert_eq!(options.window_after(), Duration::from_secs(2));
        assert_eq!(parse("--fault probe").unwrap().window_after(), Duration::from_secs(17));
    }

    #[test]
    fn window_covers_a_slow_detection() {
        assert_eq!(
            parse("--heartbeat 200ms --trigger-level 5").unwrap().window(),
            Duration::from_secs(6)
        );
    }

    #[test]
    fn faults_have_kebab_case_names() {
        for (name, fault) in [
            ("links-down", Fault::LinksDown),
            ("ha-link", Fault::HaLink),
            ("freeze", Fault::Freeze),
            ("link", Fault::Link),
            ("probe", Fault::Probe),
            ("probe-both", Fault::ProbeBoth),
            ("service", Fault::Service),
        ] {
            assert_eq!(parse(&format!("--fault {name}")).unwrap().fault, fault);
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        assert!(parse("--heartbeat 0ms").unwrap_err().contains("between 1ms and 10s"));
        assert!(parse("--runs 0").unwrap_err().contains("0 is not in 1..=10000"));
        assert!(parse("--watch 1min --fault crash").unwrap_err().contains("cannot be used with"));
        assert!(parse("--fault meteor").unwrap_err().contains("links-down"));
    }
}
