//! A trace as a person reads it: a column for each unit, role changes stand out.

use crate::trace::{Entry, What};
use core::fmt::{self, Display, Write as _};
use core::time::Duration;
use ha_core::pair::Event;

/// How wide the column of a unit is.
const COLUMN: usize = 58;
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// How a timeline is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// With the colours of a terminal.
    pub colour: bool,
    /// With every heartbeat that was sent.
    pub heartbeats: bool,
}

/// The whole trace without colours, for the message of a test.
pub(crate) fn plain(entries: &[Entry]) -> String {
    timeline(entries, Style { colour: false, heartbeats: true })
}

/// The last so many lines of it.
#[must_use]
pub fn timeline_end(entries: &[Entry], lines: usize, style: Style) -> String {
    let is_shown = |entry: &&Entry| style.heartbeats || !matches!(entry.what, What::Sent(_));
    let shown: Vec<_> = entries.iter().filter(is_shown).cloned().collect();
    timeline(&shown[shown.len().saturating_sub(lines)..], style)
}

/// The trace as text: when, the Primary in the left column, the Secondary in the right one.
#[must_use]
pub fn timeline(entries: &[Entry], style: Style) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{:>12}  {:<COLUMN$}  B, the Secondary", "", "A, the Primary");
    let mut before = None;
    for entry in entries {
        if !style.heartbeats && matches!(entry.what, What::Sent(_)) {
            continue;
        }
        // The same instant is written once: what belongs together stands together.
        let at = if before == Some(entry.at) { String::new() } else { seconds(entry.at) };
        before = Some(entry.at);
        let line = entry.what.to_string();
        let indent = if entry.unit == 0 { 0 } else { COLUMN + 2 };
        let (on, off) = if style.colour { colour(&entry.what) } else { ("", "") };
        let _ = writeln!(text, "{at:>12}  {:indent$}{on}{line}{off}", "");
    }
    text
}

fn colour(what: &What) -> (&'static str, &'static str) {
    match what {
        What::Event(Event::RoleChanged { .. }) => (BOLD, PLAIN),
        What::Fault(_) | What::Done(_, false) => (RED, PLAIN),
        What::Sent(_) | What::Action(_) | What::OtherAction(_) | What::Done(_, true) => {
            (DIM, PLAIN)
        }
        What::Event(_) => ("", ""),
    }
}

/// `12.345678 s`, to the microsecond.
fn seconds(at: Duration) -> String {
    format!("{}.{:06} s", at.as_secs(), at.subsec_micros())
}

impl Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "! {fault}"),
            Self::Sent(stance) => write!(f, "- {stance:?}"),
            Self::Action(action) => write!(f, "> {}", action.name()),
            Self::OtherAction(name) => write!(f, "> {name}"),
            Self::Done(name, true) => write!(f, "< {name}"),
            Self::Done(name, false) => write!(f, "< {name} failed"),
            Self::Event(event @ Event::RoleChanged { .. }) => write!(f, "== {event}"),
            Self::Event(event) => write!(f, "{event}"),
        }
    }
}
