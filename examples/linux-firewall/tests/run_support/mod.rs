//! The program in network namespaces of its own: each belongs to a thread of the test and ends with it.

#![allow(dead_code)] // each test uses a part of it

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// No test waits for anything longer than this.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

type Job = Box<dyn FnOnce() + Send>;

/// A thread with a network namespace of its own.
pub(crate) struct Place {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    id: i32,
}

impl Place {
    /// `None`, with a word about it, without the privilege to make one.
    pub(crate) fn new() -> Option<Self> {
        let (jobs, inbox) = channel::<Job>();
        let (ready, made) = channel();
        let thread = std::thread::spawn(move || {
            let result = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET);
            ready.send(result.map(|()| rustix::thread::gettid().as_raw_nonzero().get())).unwrap();
            for job in inbox {
                job();
            }
        });
        match made.recv().unwrap() {
            Ok(id) => Some(Self { jobs: Some(jobs), thread: Some(thread), id }),
            Err(nix::errno::Errno::EPERM) => {
                println!("skipped: needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)");
                None
            }
            Err(errno) => panic!("no network namespace: {errno}"),
        }
    }

    /// The thread's id, by which others find the namespace.
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// Does something in the namespace.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (result, done) = channel();
        let job = Box::new(move || {
            let _ = result.send(job());
        });
        self.jobs.as_ref().unwrap().send(job).unwrap();
        done.recv().expect("the job panicked")
    }

    /// Runs `ip` with these arguments and returns what it prints.
    pub(crate) fn ip(&self, arguments: impl Into<String>) -> String {
        let arguments = arguments.into();
        self.run(move || {
            let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "ip {arguments}: {errors}");
            String::from_utf8(output.stdout).unwrap()
        })
    }

    /// Everything that the program could leave behind: interfaces, addresses, and settings.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (links, addresses) = (self.ip("-j link"), self.ip("-j addr"));
        let settings = self.run(|| {
            let mut settings = BTreeMap::new();
            for directory in ["ipv4/conf", "ipv6/conf", "netfilter"] {
                read_below(&Path::new("/proc/sys/net").join(directory), &mut settings);
            }
            // Counts what is there at the moment.
            settings.remove(Path::new("/proc/sys/net/netfilter/nf_conntrack_count"));
            settings
        });
        Snapshot { links, addresses, settings }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.jobs.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    links: String,
    addresses: String,
    settings: BTreeMap<PathBuf, String>,
}

impl Snapshot {
    /// Fails with what differs.
    pub(crate) fn assert_same(&self, after: &Self, when: &str) {
        assert_eq!(self.links, after.links, "interfaces after {when}");
        assert_eq!(self.addresses, after.addresses, "addresses after {when}");
        let changed: Vec<_> = self
            .settings
            .iter()
            .filter(|(path, old)| after.settings.get(*path) != Some(old))
            .collect();
        assert!(changed.is_empty(), "settings that were otherwise before {when}: {changed:?}");
        assert_eq!(self.settings.len(), after.settings.len(), "settings after {when}");
    }
}

fn read_below(directory: &Path, settings: &mut BTreeMap<PathBuf, String>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            read_below(&path, settings);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            settings.insert(path, text);
        }
    }
}

/// One firewall, and the place where its peer would be: `ha0` and `lan0` lead there, `wan0` nowhere.
pub(crate) struct Site {
    pub(crate) unit: Place,
    pub(crate) peer: Place,
    pub(crate) directory: TempDir,
}

impl Site {
    pub(crate) fn new() -> Option<Self> {
        let (unit, peer) = (Place::new()?, Place::new()?);
        for link in ["ha0", "lan0", "wan0"] {
            let far = if link == "wan0" {
                "far0".to_owned()
            } else {
                format!("{link} netns {}", peer.id)
            };
            unit.ip(format!("link add {link} type veth peer name {far}"));
            up(&unit, link);
        }
        up(&unit, "far0");
        for link in ["ha0", "lan0"] {
            up(&peer, link);
        }
        unit.ip("addr add 10.99.0.1/24 dev ha0");
        peer.ip("addr add 10.99.0.2/24 dev ha0");
        // Another host on the same wire.
        peer.ip("addr add 10.99.0.3/24 dev ha0");
        unit.ip("addr add 10.1.0.2/24 dev lan0");
        peer.ip("addr add 10.1.0.3/24 dev lan0");
        let directory = tempfile::tempdir().unwrap();
        let site = Self { unit, peer, directory };
        // The carriers come up a little later, and what the kernel says of them later still.
        until("carriers", || {
            let links = site.unit.ip("-j link");
            let up = |what: &str| links.matches(what).count() >= 4;
            (up("\"LOWER_UP\"") && up("\"operstate\":\"UP\"")).then_some(())
        });
        Some(site)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("run/fw.sock")
    }

    /// A valid configuration for the unit here.
    pub(crate) fn configuration(&self) -> String {
        let state = self.directory.path().join("state");
        CONFIGURATION
            .replace("SOCKET", &self.socket().display().to_string())
            .replace("STATE", &state.display().to_string())
    }

    pub(crate) fn write(&self, configuration: &str) -> PathBuf {
        let file = self.directory.path().join("fw.toml");
        std::fs::write(&file, configuration).unwrap();
        file
    }

    /// Runs the program with this configuration until it ends by itself.
    pub(crate) fn run_to_the_end(&self, configuration: &str) -> Output {
        let file = self.write(configuration);
        start(&self.unit, &file, program()).end()
    }

    pub(crate) fn start(&self) -> Unit {
        let file = self.write(&self.configuration());
        start(&self.unit, &file, program())
    }

    /// Starts the Secondary where the peer is; returns it with its configuration file.
    pub(crate) fn start_peer(&self) -> (Unit, PathBuf) {
        let file = self.write_peer(|configuration| configuration);
        (start(&self.peer, &file, program()), file)
    }

    /// Writes the configuration of the Secondary, after a last change.
    pub(crate) fn write_peer(&self, change: impl FnOnce(String) -> String) -> PathBuf {
        if !self.peer.ip("-j link").contains("wan0") {
            self.peer.ip("link add wan0 type veth peer name far0");
            up(&self.peer, "far0");
            up(&self.peer, "wan0");
        }
        let mut configuration = self
            .configuration()
            .replace("fw.sock", "peer.sock")
            .replace("/state\"", "/peer-state\"");
        for (ours, peers) in [
            ("\"primary\"", "\"secondary\""),
            ("FW-0001", "FW-0002"),
            ("10.99.0.1\"", "10.99.0.2\""),
            ("10.1.0.2\"", "10.1.0.3\""),
        ] {
            configuration = configuration.replace(ours, "OURS").replace(peers, ours);
            configuration = configuration.replace("OURS", peers);
        }
        let file = self.directory.path().join("peer.toml");
        std::fs::write(&file, change(configuration)).unwrap();
        file
    }

    /// `command --config FILE`, with the file that was written last.
    pub(crate) fn tool(&self, command: &str) -> Output {
        tool(command, &self.directory.path().join("fw.toml"))
    }

    pub(crate) fn status(&self) -> Option<Value> {
        status(&self.directory.path().join("fw.toml"))
    }

    /// Waits until the status is so.
    pub(crate) fn status_when(&self, what: &str, mut so: impl FnMut(&Value) -> bool) -> Value {
        until(what, || self.status().filter(&mut so))
    }

    pub(crate) fn until_active(&self) -> Value {
        self.status_when("the unit is Active", |status| {
            status["role"] == "ACTIVE" && status["state"] == "Active"
        })
    }
}

/// Sets an interface up, without addresses that come by themselves and change for a while.
fn up(place: &Place, link: &str) {
    place.ip(format!("link set {link} addrgenmode none"));
    place.ip(format!("link set {link} up"));
}

pub(crate) fn tool(command: &str, file: &Path) -> Output {
    let mut tool = Command::new(program());
    tool.args(command.split_whitespace()).arg("--config").arg(file).output().unwrap()
}

pub(crate) fn status(file: &Path) -> Option<Value> {
    let output = tool("status --json", file);
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_linux-firewall"))
}

/// A running program; ended at the latest when this is dropped.
pub(crate) struct Unit {
    child: Option<Child>,
}

/// Starts `program run` in a namespace.
pub(crate) fn start(place: &Place, file: &Path, program: &Path) -> Unit {
    let mut command = Command::new(program);
    command.arg("run").arg("--config").arg(file);
    spawn(place, command)
}

pub(crate) fn spawn(place: &Place, mut command: Command) -> Unit {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Unit { child: Some(place.run(move || command.spawn()).unwrap()) }
}

impl Unit {
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits until it ends by itself, and returns what it said.
    pub(crate) fn end(mut self) -> Output {
        until("the program ends", || self.child.as_mut().unwrap().try_wait().unwrap().map(|_| ()));
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    pub(crate) fn terminate(self) -> Output {
        self.signal(rustix::process::Signal::TERM);
        self.end()
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
        if let Some(answer) = ask() {
            return answer;
        }
        #[allow(clippy::disallowed_methods)] // another process has no machine to be told the time
        std::thread::sleep(POLL);
    }
    panic!("never: {what}");
}

const CONFIGURATION: &str = r#"
[unit]
designation = "primary"
serial = "FW-0001"
model = "lab"
firmware = "1.0"

[peer]
serial = "FW-0002"

[pair]
id = 1
heartbeat-interval = "100ms"
trigger-level = 3

[[path]]
name = "ha"
device = "ha0"
local = "10.99.0.1"
peer = "10.99.0.2"
sync-port = 7771

[[path]]
name = "lan"
kind = "lan"
device = "lan0"
local = "10.1.0.2"
peer = "10.1.0.3"

[[interface]]
id = 1
device = "lan0"
addresses = ["10.1.0.1/24"]

[[interface]]
id = 2
device = "wan0"
addresses = ["10.2.0.1/24", "2001:db8:2::1/64"]

[process]
control-socket = "SOCKET"
state-directory = "STATE"
"#;
