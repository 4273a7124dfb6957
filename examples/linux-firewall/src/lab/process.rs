//! One firewall process: start, status, end.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;

use super::environment::Interrupt;
use super::namespace::Namespace;
use super::{Context, Error};

const STATUS_LIMIT: Duration = Duration::from_secs(2);
const STOP_LIMIT: Duration = Duration::from_secs(10);

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
    /// A firewall with this configuration, which is written into `directory`. Its process is not started yet.
    pub(super) fn new(
        name: &'static str,
        namespace: &Namespace,
        configuration: &str,
        directory: &Path,
        logs: &Path,
    ) -> Result<Self, Error> {
        let config = directory.join(format!("{name}.toml"));
        fs::write(&config, configuration).context(|| format!("write {}", config.display()))?;
        Ok(Self {
            name,
            namespace: namespace.clone(),
            program: std::env::current_exe().context(|| "find this program".to_owned())?,
            config,
            log: logs.join(format!("{name}.log")),
            child: None,
            starts: 0,
        })
    }

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
    pub(super) fn status<S: DeserializeOwned>(&self) -> Option<S> {
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

    pub(super) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    pub(super) fn failure(&self, what: String) -> Error {
        Error::Firewall { what, evidence: self.log_end() }
    }

    pub(super) fn log_end(&self) -> String {
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
