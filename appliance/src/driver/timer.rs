//! The timer that wakes the driver.
//!
//! On Linux it is a timerfd on the same clock by which the machines are told the time: it runs through
//! suspend, and it is exact, where tokio's own timer counts whole milliseconds: at a failure time of
//! 30 ms one of them matters.

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Timer {
    fd: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Timer {
    /// A timer that is not set. Call it inside the runtime that will wait for it.
    pub(super) fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Boottime, flags)?;
        // Deprecated because a type could close its descriptor behind tokio's back; `OwnedFd` cannot.
        #[allow(deprecated)]
        let fd = tokio::io::unix::AsyncFd::new(fd)?;
        Ok(Self { fd })
    }

    /// Sets it to so long from now, in the place of what it was set to.
    pub(super) fn set(&mut self, wait: Duration) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        // Zero would switch it off.
        let wait = wait.max(Duration::from_nanos(1));
        let value = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let new = Itimerspec { it_interval: never, it_value: value };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &new)?;
        Ok(())
    }

    /// Waits until it has run out.
    pub(super) async fn expired(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.fd.readable().await?;
            let mut count = [0; 8];
            let result = rustix::io::read(ready.get_inner(), &mut count);
            // Read or not: it is not readable again before it runs out again.
            ready.clear_ready();
            match result {
                Ok(_) => return Ok(()),
                // It was set anew meanwhile.
                Err(rustix::io::Errno::AGAIN) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Timer {
    at: tokio::time::Instant,
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps)] // the same signatures as on Linux
impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { at: tokio::time::Instant::now() })
    }

    pub(super) fn set(&mut self, wait: Duration) -> io::Result<()> {
        let now = tokio::time::Instant::now();
        self.at = now.checked_add(wait).unwrap_or(now);
        Ok(())
    }

    pub(super) async fn expired(&mut self) -> io::Result<()> {
        tokio::time::sleep_until(self.at).await;
        Ok(())
    }
}
