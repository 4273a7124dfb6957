//! What the lab needs of the machine, and how it notices that it should end.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Context, Error, tool};

const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;

/// Privileges and programs, before anything is built.
pub(super) fn check() -> Result<(), Error> {
    let status =
        fs::read_to_string("/proc/self/status").context(|| "read /proc/self/status".to_owned())?;
    for (bit, name) in [(CAP_NET_ADMIN, "CAP_NET_ADMIN"), (CAP_SYS_ADMIN, "CAP_SYS_ADMIN")] {
        if effective_capabilities(&status) & (1 << bit) == 0 {
            return Err(Error::Privileges(name));
        }
    }
    tool::run("ip", &["-V"])?;
    tool::run("nft", &["--version"])
}

fn effective_capabilities(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// Set by SIGINT, SIGTERM and SIGHUP. Every wait of the lab ends with [`Error::Interrupted`] soon
/// after, and the guards on the way out tear everything down.
#[derive(Clone)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(super) fn install() -> Result<Self, Error> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in
            [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
        {
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .context(|| format!("catch signal {signal}"))?;
        }
        Ok(Self(flag))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Sleeps, and returns early with an error when interrupted.
    pub(super) fn pause(&self, duration: Duration) -> Result<(), Error> {
        const SLICE: Duration = Duration::from_millis(50);
        let end = Instant::now() + duration;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(SLICE));
        }
    }

    /// Asks `question` every `interval` until it answers or `limit` is over (`Ok(None)`).
    pub(super) fn poll<T>(
        &self,
        limit: Duration,
        interval: Duration,
        mut question: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let end = Instant::now() + limit;
        loop {
            if let Some(answer) = question()? {
                return Ok(Some(answer));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            self.pause(interval)?;
        }
    }
}

/// Time since the lab began: all measurements of one lab use one epoch.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_the_effective_set() {
        let status = "Name:\tlab\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000201000\n";
        let mask = effective_capabilities(status);
        assert_eq!(mask, (1 << CAP_NET_ADMIN) | (1 << CAP_SYS_ADMIN));
        assert_eq!(effective_capabilities("Name:\tlab\n"), 0);
    }
}
