//! What the program logs. Each entry bears the unit and the role that it has at that moment (COS-6), so that the logs
//! of both units can be read together.

use ha_core::identity::Designation;
use ha_core::pair::Role;
use std::fmt;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{self, Format, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Whose entries they are. Clones share the role.
#[derive(Clone, Debug)]
pub struct Speaker {
    serial: String,
    designation: Designation,
    role: Arc<Mutex<Role>>,
}

impl Speaker {
    /// A unit that has just started.
    #[must_use]
    pub fn new(serial: String, designation: Designation) -> Self {
        Self { serial, designation, role: Arc::new(Mutex::new(Role::Election)) }
    }

    /// Entries bear this role from now on.
    pub(crate) fn has_role(&self, role: Role) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = role;
    }

    /// Begins to log to standard error what `RUST_LOG` asks for, or what concerns an administrator. Call it once in a
    /// program.
    pub fn begin(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let entries = Entries { speaker: self.clone(), rest: format::format().without_time() };
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .event_format(entries)
            .init();
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = *self.role.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "{} {} {role}", self.serial, self.designation)
    }
}

/// Writes an entry: the time, the speaker, and all else in the library's way.
struct Entries {
    speaker: Speaker,
    rest: Format<format::Full, ()>,
}

impl<S, N> FormatEvent<S, N> for Entries
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {} ", self.speaker)?;
        self.rest.format_event(context, writer, event)
    }
}
