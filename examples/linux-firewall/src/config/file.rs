//! The keys of the configuration file.

use bytesize::ByteSize;
use ha_core::identity::Designation;
use ha_core::monitor::{ServiceScope, Zone};
use ha_core::pair::PathKind;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The whole file. Unknown keys are refused everywhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `[unit]`: who this unit is.
    pub unit: Unit,
    /// `[peer]`: who its peer is.
    pub peer: Peer,
    /// `[pair]`: how the two work together.
    #[serde(default)]
    pub pair: Pair,
    /// `[[path]]`: the heartbeat paths, in the same order on both units; at least one.
    pub path: Vec<Path>,
    /// `[[interface]]`: the interfaces with shared addresses.
    #[serde(default)]
    pub interface: Vec<Interface>,
    /// `[monitoring]`: how targets behind the interfaces are probed.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// `[[service]]`: the services that are watched, in the same order on both units.
    #[serde(default)]
    pub service: Vec<Service>,
    /// `[announcements]`: how a take-over is announced.
    #[serde(default)]
    pub announcements: Announcements,
    /// `[sync]`: what of the connection table goes to the peer.
    #[serde(default)]
    pub sync: Sync,
    /// `[process]`: the program itself.
    #[serde(default)]
    pub process: Process,
}

/// `[unit]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// `primary` or `secondary`. It never changes; which unit is Active is another thing.
    pub designation: Designation,
    /// Its serial number: 1 to 32 visible ASCII characters.
    pub serial: String,
    /// The model; both units need the same.
    #[serde(default = "default_model")]
    pub model: String,
    /// The firmware version; both units need the same. Default: the version of this program.
    #[serde(default = "default_firmware")]
    pub firmware: String,
}

/// `[peer]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The serial number of the other unit. Any other is ignored.
    pub serial: String,
}

/// `[pair]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Pair {
    /// The number of the pair, 0 to 65535. The derived virtual MACs depend on it: two pairs on one LAN
    /// need different ones.
    pub id: u16,
    /// 10 ms to 300 s.
    #[serde(deserialize_with = "duration")]
    pub heartbeat_interval: Duration,
    /// So many missed heartbeats mean that a unit is lost: 2 to 99.
    pub trigger_level: u8,
    /// How long a starting unit looks for an Active peer at the least: 0 to 300 s.
    #[serde(deserialize_with = "duration")]
    pub election_delay: Duration,
    /// Whether a Primary in working order takes the role back.
    pub preempt: bool,
    /// After more role changes than this within the window, 1 to 100, voluntary ones are held back.
    pub flap_changes: u8,
    /// That window: 1 s to 24 h.
    #[serde(deserialize_with = "duration")]
    pub flap_window: Duration,
}

impl Default for Pair {
    fn default() -> Self {
        Self {
            id: 0,
            heartbeat_interval: Duration::from_secs(1),
            trigger_level: 5,
            election_delay: Duration::ZERO,
            preempt: false,
            flap_changes: 3,
            flap_window: Duration::from_secs(600),
        }
    }
}

/// `[[path]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Path {
    /// A name for logs and the status.
    pub name: String,
    /// `control` (the default), `data` or `lan`: what else the path is for.
    #[serde(default)]
    pub kind: PathKind,
    /// The network interface.
    pub device: String,
    /// This unit's own address there.
    pub local: IpAddr,
    /// The peer's own address there, of the same family.
    pub peer: IpAddr,
    /// The UDP port for heartbeats, the same on both units.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The UDP port for state synchronization. Without it, state synchronization never uses this path.
    pub sync_port: Option<u16>,
}

/// `[[interface]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Interface {
    /// Its number, the same on both units, each once.
    pub id: u16,
    /// The network interface.
    pub device: String,
    /// The addresses that the Active has, with prefix length, IPv4 and IPv6.
    pub addresses: Vec<String>,
    /// `derived` (the default), `none`, or a MAC address.
    #[serde(default = "default_virtual_mac")]
    pub virtual_mac: String,
    /// The name of the macvlan that bears the addresses if there is a virtual MAC. Default: the device's
    /// name and a `v`.
    pub macvlan: Option<String>,
    /// Whether its link is monitored.
    #[serde(default = "default_monitor")]
    pub monitor: bool,
    /// The ports of which it is made, up to 8: its link is up as long as one of them is. Default: the device
    /// itself.
    pub ports: Option<Vec<String>>,
    /// How much of the health weight depends on its link, and on each of its targets.
    #[serde(default = "default_weight")]
    pub weight: u16,
    /// `wan`, `x0` (the LAN by which a Standby reaches its license manager) or `other` (the default).
    #[serde(default = "default_zone")]
    pub zone: Zone,
    /// Whether each unit is managed by its own address there. Then it needs one.
    #[serde(default)]
    pub management: bool,
    /// The units' own addresses, of the Primary and of the Secondary, from which they probe.
    pub monitoring_ipv4: Option<[Ipv4Addr; 2]>,
    /// What is probed.
    pub probe_ipv4: Option<Ipv4Addr>,
    /// The same in IPv6.
    pub monitoring_ipv6: Option<[Ipv6Addr; 2]>,
    /// The same in IPv6.
    pub probe_ipv6: Option<Ipv6Addr>,
}

impl Interface {
    /// The ports whose carriers make its link.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &str> {
        let device = self.ports.is_none().then_some(self.device.as_str());
        self.ports.iter().flatten().map(String::as_str).chain(device)
    }
}

/// `[monitoring]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Monitoring {
    /// How far apart the probes of a target are: 5 s to 255 s.
    #[serde(deserialize_with = "duration")]
    pub probe_interval: Duration,
    /// So many probes in a row without an answer mean that a target is lost: 1 to 10.
    pub missed_probes: u8,
    /// Whether both units reach their license manager by themselves. Then they need addresses of their own on a
    /// WAN, or on X0.
    pub online_licensing: bool,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self { probe_interval: Duration::from_secs(20), missed_probes: 3, online_licensing: false }
    }
}

/// `[[service]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// A name for logs and the status.
    pub name: String,
    /// A program and its arguments: its exit status says whether the service works. Either this or
    /// `pid-file`.
    pub command: Option<Vec<String>>,
    /// The file with the process id: the service works while that process runs.
    pub pid_file: Option<PathBuf>,
    /// How often it is checked.
    #[serde(deserialize_with = "duration", default = "default_every")]
    pub every: Duration,
    /// How long `command` may take.
    #[serde(deserialize_with = "duration", default = "default_time_limit")]
    pub time_limit: Duration,
    /// It has failed if no check finds it working for so long: not shorter than `every` and the `time-limit` of
    /// its command together.
    #[serde(deserialize_with = "duration", default = "default_deadline")]
    pub deadline: Duration,
    /// How much of the health weight depends on it.
    #[serde(default = "default_weight")]
    pub weight: u16,
    /// `both` (the default) or `active-only`: on which units it runs.
    #[serde(default = "default_scope")]
    pub scope: ServiceScope,
    /// A program and its arguments that restart it. Without it, nothing does.
    #[serde(default)]
    pub restart: Vec<String>,
    /// How long `restart` may take.
    #[serde(deserialize_with = "duration", default = "default_restart_time_limit")]
    pub restart_time_limit: Duration,
    /// So often it is restarted at the most within the window; then it is given up.
    #[serde(default = "default_restarts")]
    pub restarts: u8,
    /// That window.
    #[serde(deserialize_with = "duration", default = "default_restart_window")]
    pub restart_window: Duration,
}

/// `[announcements]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Announcements {
    /// How often: 1 to 60.
    pub count: u8,
    /// How far apart; longer than 0.
    #[serde(deserialize_with = "duration")]
    pub interval: Duration,
    /// So many frames go at once: 1 to 1024.
    pub burst: u16,
    /// How long after them the next ones follow: 100 us to 1 s.
    #[serde(deserialize_with = "duration")]
    pub gap: Duration,
}

impl Default for Announcements {
    fn default() -> Self {
        Self {
            count: 5,
            interval: Duration::from_millis(100),
            burst: 32,
            gap: Duration::from_millis(2),
        }
    }
}

/// `[sync]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Sync {
    /// Whether connections are synchronized at all.
    pub enabled: bool,
    /// Connections from or to these networks stay on this unit. Those from or to the units' own
    /// addresses on the paths always do.
    pub ignore: Vec<IpNet>,
    /// How much the kernel may keep of its events for us.
    pub receive_buffer: ByteSize,
}

impl Default for Sync {
    fn default() -> Self {
        Self { enabled: true, ignore: Vec::new(), receive_buffer: ByteSize::mib(16) }
    }
}

/// `[process]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Process {
    /// Where `status` and the other commands find the running program. Only its owner can use it.
    pub control_socket: PathBuf,
    /// Where maintenance mode outlives a restart.
    pub state_directory: PathBuf,
    /// Real-time priority of the thread that sends the heartbeats, 1 to 99; without it, none.
    pub realtime_priority: Option<u8>,
    /// Where metrics for Prometheus are told; without it, nowhere. Loopback only.
    pub metrics: Option<SocketAddr>,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            control_socket: "/run/linux-firewall/control.sock".into(),
            state_directory: "/var/lib/linux-firewall".into(),
            realtime_priority: None,
            metrics: None,
        }
    }
}

fn default_model() -> String {
    "linux".to_owned()
}

fn default_firmware() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn default_port() -> u16 {
    7770
}

fn default_virtual_mac() -> String {
    "derived".to_owned()
}

fn default_monitor() -> bool {
    true
}

fn default_weight() -> u16 {
    1
}

fn default_zone() -> Zone {
    Zone::Other
}

fn default_every() -> Duration {
    Duration::from_secs(1)
}

fn default_time_limit() -> Duration {
    Duration::from_secs(5)
}

fn default_deadline() -> Duration {
    Duration::from_secs(10)
}

fn default_scope() -> ServiceScope {
    ServiceScope::Both
}

fn default_restart_time_limit() -> Duration {
    Duration::from_secs(30)
}

fn default_restarts() -> u8 {
    3
}

fn default_restart_window() -> Duration {
    Duration::from_secs(600)
}

/// A duration with its unit: `10ms`, `1s`.
fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(serde::de::Error::custom)
}
