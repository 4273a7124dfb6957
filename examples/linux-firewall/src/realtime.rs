//! Real-time scheduling for the thread that sends the heartbeats.

use rustix::mm::{MlockAllFlags, mlockall};
use std::io;
use thiserror::Error;

/// Why a thread cannot be scheduled in real time. It runs on as before.
#[derive(Debug, Error)]
pub enum RealtimeError {
    /// The priority is outside of 1 to 99.
    #[error("a real-time priority is 1 to 99, not {0}")]
    Priority(u8),
    /// The kernel refused it.
    #[error("cannot schedule in real time with priority {priority} (needs CAP_SYS_NICE): {source}")]
    Schedule {
        /// The priority.
        priority: u8,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The memory could not be locked. The thread *is* scheduled in real time.
    #[error("cannot lock the memory of the program (needs CAP_IPC_LOCK): {0}")]
    Lock(#[source] io::Error),
}

/// Schedules the calling thread by SCHED_FIFO with this priority, 1 to 99, and keeps the memory of the
/// whole program from being paged out. Threads that it starts are scheduled in the ordinary way again.
///
/// # Errors
/// See [`RealtimeError`]; each says what is in force.
pub fn realtime(priority: u8) -> Result<(), RealtimeError> {
    if !(1..=99).contains(&priority) {
        return Err(RealtimeError::Priority(priority));
    }
    schedule_fifo(priority).map_err(|source| RealtimeError::Schedule { priority, source })?;
    // Only what was touched: stacks of threads need not be in memory from end to end.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    let locked = mlockall(flags);
    locked.map_err(|errno| RealtimeError::Lock(errno.into()))
}

/// Neither the standard library nor `rustix` or `nix` sets a scheduling policy.
#[allow(unsafe_code)]
fn schedule_fifo(priority: u8) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: i32::from(priority) };
    // SAFETY: the kernel only reads `parameters`, which outlives the call; 0 is the calling thread.
    let result = unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
