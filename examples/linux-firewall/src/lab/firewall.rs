//! The two firewall processes: configuration, start, status, end.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ha_core::monitor::{Reach, TargetStatus};
use ha_core::pair::Role;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::dummy::Dummy;
use super::environment::Interrupt;
use super::namespace::{self, Namespace};
use super::options::{MISSED_PROBES, PROBE_INTERVAL};
use super::topology::{
    Addresses, HA, LAN, Topology, WAN, ha_address, lan_address, monitoring_addresses,
    shared_addresses,
};
use super::{Context, Error, Fault, Options};
use crate::status::Status;

/// How long a pair may take to be one Active and one Standby with equal tables.
const READY_LIMIT: Duration = Duration::from_secs(30);
const STATUS_LIMIT: Duration = Duration::from_secs(2);
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How the lab looks at what a unit says of itself.
impl Status {
    fn is_settled(&self, with_sync: bool) -> bool {
        let both = |it: &TargetStatus| it.reach == Reach::Reached && it.peer == Reach::Reached;
        self.peer.heard
            && self.paths.iter().all(|path| path.status.heard && path.status.heard_by_peer)
            && (self.sync.in_sync || !with_sync)
            && self.links.iter().all(|link| link.status.up == Some(true))
            && self.targets.iter().all(|target| both(&target.status))
            && !self.services.iter().any(|service| service.failed)
            // What came back counts again only after it has lasted for a while: until then the next fault would find a
            // Standby that is no fitter.
            && self.deductions.is_empty()
            && self.peer.deductions.is_empty()
    }

    /// How often the unit took the role since `earlier`.
    pub(super) fn takes_since(&self, earlier: &Self) -> u64 {
        self.counted.tally.takes.saturating_sub(earlier.counted.tally.takes)
    }

    /// Role changes since `earlier`.
    pub(super) fn changes_since(&self, earlier: &Self) -> u64 {
        self.role_changes.saturating_sub(earlier.role_changes)
    }
}

/// One `linux-firewall run` in its namespace. Dropping it kills the process.
pub(super) struct Firewall {
    pub(super) name: &'static str,
    pub(super) namespace: Namespace,
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    child: Option<Child>,
    /// Processes started so far: tells whether two statuses are of the same one.
    pub(super) starts: u32,
}

impl Firewall {
    /// Starts the process, which must not be running.
    pub(super) fn start(&mut self) -> Result<(), Error> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .context(|| format!("open {}", self.log.display()))?;
        let errors = log.try_clone().context(|| format!("open {}", self.log.display()))?;
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--config").arg(&self.config);
        // A group of its own: Ctrl-C is for the lab, which ends the firewalls in order.
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        let child = self
            .namespace
            .run(|| command.spawn().context(|| format!("start {}", self.program.display())))?;
        self.child = Some(child);
        self.starts += 1;
        Ok(())
    }

    /// Sends a signal to the process, if it is running.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Error> {
        let Some(pid) = self.pid() else { return Ok(()) };
        kill_process(pid, signal)
            .map_err(std::io::Error::from)
            .context(|| format!("send signal {} to {}", signal.as_raw(), self.name))
    }

    /// Waits for the end of a process that was told to end.
    pub(super) fn wait_for_end(&mut self, interrupt: &Interrupt) -> Result<(), Error> {
        let ended = interrupt
            .poll(STOP_LIMIT, Duration::from_millis(10), || Ok(self.has_ended().then_some(())))?;
        if ended.is_some() {
            self.child = None;
            return Ok(());
        }
        Err(self.failure(format!("{} did not end within {STOP_LIMIT:?}", self.name)))
    }

    /// `status --json` of the process; `None` if it does not answer in time or not in full.
    pub(super) fn status(&self) -> Option<Status> {
        let mut child = Command::new(&self.program)
            .arg("status")
            .arg("--json")
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .ok()?;
        let deadline = Instant::now() + STATUS_LIMIT;
        while let Ok(None) = child.try_wait() {
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
        let mut text = String::new();
        child.stdout.take()?.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The time that all threads were on a processor, as the scheduler counts it. The user and system
    /// times of `stat` are sampled at clock ticks, with which heartbeats keep step.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid()?)).ok()? {
            // A thread that has ended meanwhile counts no more.
            let Ok(text) = fs::read_to_string(thread.ok()?.path().join("schedstat")) else {
                continue;
            };
            nanoseconds += text.split_whitespace().next()?.parse::<u64>().ok()?;
        }
        Some(Duration::from_nanos(nanoseconds))
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.as_ref()?.id()).ok()?)
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    fn failure(&self, what: String) -> Error {
        Error::Firewall { what, evidence: self.log_end() }
    }

    fn log_end(&self) -> String {
        const LINES: usize = 15;
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
        format!("the end of {}'s log:\n    {}", self.name, end.join("\n    "))
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Both firewalls, and the private directory with their files.
pub(super) struct Pair {
    pub(super) units: [Firewall; 2],
    /// The services that are watched, one on each unit, if a fault needs them.
    pub(super) services: Vec<Dummy>,
    with_sync: bool,
    interrupt: Interrupt,
    /// Declared last: removed when the processes are gone.
    _directory: TempDir,
}

impl Pair {
    /// Writes the configurations and starts both units.
    pub(super) fn start(
        topology: &Topology,
        options: &Options,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        let program =
            std::env::current_exe().context(|| "find the path of this program".to_owned())?;
        let directory = tempfile::Builder::new()
            .prefix(&namespace::prefix())
            .tempdir()
            .context(|| "make a private directory".to_owned())?;
        let logs = options.logs.clone().unwrap_or_else(|| directory.path().to_owned());
        fs::create_dir_all(&logs).context(|| format!("make {}", logs.display()))?;
        let unit = |index: usize, name: &'static str| {
            let config = directory.path().join(format!("{name}.toml"));
            let text = configuration(index, directory.path(), name, topology.addresses, options);
            fs::write(&config, text).context(|| format!("write {}", config.display()))?;
            Ok::<_, Error>(Firewall {
                name,
                namespace: topology.firewalls[index].clone(),
                program: program.clone(),
                config,
                log: logs.join(format!("{name}.log")),
                child: None,
                starts: 0,
            })
        };
        let units = [unit(0, "fw1")?, unit(1, "fw2")?];
        let mut services = Vec::new();
        if options.fault == Fault::Service {
            for unit in &units {
                services.push(Dummy::start(pid_file(directory.path(), unit.name))?);
            }
        }
        let mut pair = Self {
            units,
            services,
            with_sync: !options.no_sync,
            interrupt: interrupt.clone(),
            _directory: directory,
        };
        for unit in &mut pair.units {
            unit.start()?;
        }
        pair.ready()?;
        Ok(pair)
    }

    /// Waits for one Active, one Standby, every path heard both ways and, with synchronization on,
    /// equal tables. Returns the index of the Active.
    pub(super) fn ready(&mut self) -> Result<usize, Error> {
        let interrupt = self.interrupt.clone();
        let mut last = [None, None];
        let ready = interrupt.poll(READY_LIMIT, Duration::from_millis(50), || {
            if let Some(dead) =
                self.units.iter_mut().find_map(|unit| unit.has_ended().then_some(&*unit))
            {
                return Err(dead.failure(format!("{} ended, and it should run", dead.name)));
            }
            last = self.statuses();
            let [Some(first), Some(second)] = &last else { return Ok(None) };
            if !first.is_settled(self.with_sync) || !second.is_settled(self.with_sync) {
                return Ok(None);
            }
            Ok(match (first.role, second.role) {
                (Role::Active, Role::Standby) => Some(0),
                (Role::Standby, Role::Active) => Some(1),
                _ => None,
            })
        })?;
        ready.ok_or_else(|| {
            let mut evidence = String::new();
            for (unit, status) in self.units.iter().zip(&last) {
                evidence += &format!("  {} says: {status:?}\n  {}\n", unit.name, unit.log_end());
            }
            let what = format!(
                "the pair was not one Active and one Standby in sync within {READY_LIMIT:?}"
            );
            Error::Firewall { what, evidence }
        })
    }

    pub(super) fn statuses(&self) -> [Option<Status>; 2] {
        [self.units[0].status(), self.units[1].status()]
    }
}

fn pid_file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.pid"))
}

/// What the fault needs of monitoring: keys of the WAN interface, and tables.
fn monitoring(
    directory: &Path,
    name: &str,
    addresses: Addresses,
    options: &Options,
) -> [String; 2] {
    let mut keys = String::new();
    let interval = PROBE_INTERVAL.as_secs();
    let mut tables = format!(
        "[monitoring]\nprobe-interval = \"{interval}s\"\nmissed-probes = {MISSED_PROBES}\n"
    );
    if options.fault.needs_probes() {
        let family = if options.ipv6 { "ipv6" } else { "ipv4" };
        let own = monitoring_addresses(options.ipv6).map(|address| address.to_string());
        let target = addresses.target;
        keys = format!("monitoring-{family} = {own:?}\nprobe-{family} = \"{target}\"\n");
    }
    if options.fault == Fault::Service {
        tables += &format!(
            "[[service]]\nname = \"dummy\"\npid-file = {:?}\nevery = \"100ms\"\n\
             restart = [\"false\"]\nrestarts = 1\n",
            pid_file(directory, name)
        );
    }
    [keys, tables]
}

fn configuration(
    index: usize,
    directory: &Path,
    name: &str,
    addresses: Addresses,
    options: &Options,
) -> String {
    let [wan_keys, tables] = monitoring(directory, name, addresses, options);
    let designation = ["primary", "secondary"][index];
    let (serial, peer_serial) = (format!("FW-000{}", index + 1), format!("FW-000{}", 2 - index));
    let (interval, level) = (options.heartbeat.as_micros(), options.trigger_level);
    let (ha, ha_peer) = (ha_address(index), ha_address(1 - index));
    let (lan, lan_peer) = (lan_address(index), lan_address(1 - index));
    let [lan_shared, wan_shared] = shared_addresses(options.ipv6);
    let sync = !options.no_sync;
    let priority = if options.realtime { "realtime-priority = 20\n" } else { "" };
    let directory = directory.display();
    format!(
        r#"[unit]
designation = "{designation}"
serial = "{serial}"
model = "lab"

[peer]
serial = "{peer_serial}"

[pair]
id = 1
heartbeat-interval = "{interval}us"
trigger-level = {level}
election-delay = "0s"
flap-changes = 100
flap-window = "1s"

[[path]]
name = "ha"
device = "{HA}"
local = "{ha}"
peer = "{ha_peer}"
sync-port = 7771

[[path]]
name = "lan"
kind = "lan"
device = "{LAN}"
local = "{lan}"
peer = "{lan_peer}"

[[interface]]
id = 1
device = "{LAN}"
addresses = {lan_shared:?}
virtual-mac = "derived"
macvlan = "{LAN}v"

[[interface]]
id = 2
device = "{WAN}"
addresses = {wan_shared:?}
virtual-mac = "derived"
macvlan = "{WAN}v"
{wan_keys}
{tables}
[sync]
enabled = {sync}
ignore = ["10.99.0.0/24"]

[process]
control-socket = "{directory}/{name}.sock"
state-directory = "{directory}/{name}"
{priority}"#
    )
}
