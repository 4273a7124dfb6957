//! The kernel's connection table, by ctnetlink: read whole ([`Table`]), followed ([`Events`]) and
//! written ([`Injector`]).
//!
//! All calls are synchronous and need CAP_NET_ADMIN in the network namespace of the calling thread;
//! a handle stays in the namespace in which it was opened. Entries can be written before any rule uses
//! connection tracking; whether packets are *matched* to them, and translated, depends on rules that
//! do (`ct state`, a chain of type `nat`).

mod events;
mod inject;
mod scope;
mod table;
mod wire;

pub use events::{Event, Events, Stopper};
pub use inject::{Failure, Injector, Installed};
pub use scope::Scope;
pub use table::Table;

use std::io;
use thiserror::Error;

/// The time-out of an entry on the Standby, in seconds: 14 days (STATE-15).
///
/// The kernel lets entries expire also where no packet passes, and packets that pass through the Active
/// cause no change that would be sent. So this is longer than the longest time-out in use (5 days for an
/// idle TCP connection by default), and [`Injector::set_timeouts`] renews it for the whole table about
/// once a day. What really ended is deleted by the Active. At take-over each entry gets its own time-out
/// back, at the latest from the first packet that passes.
pub const STANDBY_TIMEOUT: u32 = 14 * 24 * 3600;

/// Why the kernel's connection table cannot be read or written.
#[derive(Debug, Error)]
pub enum ConntrackError {
    /// The socket could not be opened. Nothing was changed.
    #[error("cannot open a socket to the kernel's connection tracking: {0}")]
    Open(#[source] io::Error),
    /// The kernel refused the whole request. Nothing was changed.
    #[error("reading or writing the kernel's connection table needs the capability CAP_NET_ADMIN")]
    Permission,
    /// The exchange failed. It is not known which part of a batch took effect.
    #[error("the exchange with the kernel's connection tracking failed: {0}")]
    Exchange(#[source] io::Error),
    /// Events were lost, because they came faster than they were read, and those that waited were
    /// thrown away. The caller reads the whole table; events go on from here.
    #[error("events of the kernel's connection tracking were lost")]
    Overrun,
    /// The table changed its shape while it was read: entries may be missing. The caller reads again.
    #[error("the kernel's connection table was reorganized while it was read")]
    Interrupted,
    /// A setting could not be written. Nothing was changed.
    #[error("cannot write {path}: {source}")]
    Setting {
        /// The file of the setting.
        path: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<io::Error> for ConntrackError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Permission,
            _ => Self::Exchange(error),
        }
    }
}

/// The file of the setting that makes the kernel record events.
const EVENTS: &str = "/proc/sys/net/netfilter/nf_conntrack_events";

/// Makes the kernel record events for every connection, as long as the returned value lives. By its
/// default it does so only for those that begin while somebody listens: later listeners would never hear
/// of the older ones' end.
///
/// # Errors
/// [`ConntrackError::Setting`]: no permission, or a kernel without connection tracking.
pub fn enable_events() -> Result<EventsEnabled, ConntrackError> {
    let failed = |source| ConntrackError::Setting { path: EVENTS, source };
    let before = std::fs::read_to_string(EVENTS).map_err(failed)?;
    std::fs::write(EVENTS, "1\n").map_err(failed)?;
    Ok(EventsEnabled { before })
}

/// While it lives the kernel records events for every connection; then the setting is as it was.
#[derive(Debug)]
#[must_use = "the setting is changed back when this is dropped"]
pub struct EventsEnabled {
    before: String,
}

impl Drop for EventsEnabled {
    fn drop(&mut self) {
        // Whoever could write it before can do so again.
        let _ = std::fs::write(EVENTS, &self.before);
    }
}
