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

    /// Keep the logs of both units in this directory
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
}

impl Options {
    /// How long the probe is observed before and after each fault: several times as long as a
    /// detection may take.
    pub(super) fn window(&self) -> Duration {
        (self.heartbeat * self.trigger_level * 6).max(Duration::from_secs(2))
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
