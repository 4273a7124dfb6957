//! A trace as a person reads it: a column for each unit, role changes stand out.

use crate::trace::{Entry, What};
use core::fmt::{self, Display, Write as _};
use core::time::Duration;
use ha_core::pair::{Event, Stance};

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
            Self::Event(event) => news(f, event),
        }
    }
}

fn news(f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
    match event {
        Event::RoleChanged { to, why, .. } => write!(f, "== {to}: {why}"),
        Event::PeerHeard { stance, .. } => write!(f, "hears its peer, which {}", says(*stance)),
        Event::PeerStance { stance } => write!(f, "hears that its peer {}", says(*stance)),
        Event::PeerLost { silence } => write!(f, "its peer has been silent for {silence:?}"),
        Event::PathLost(path) => write!(f, "hears nothing on {path}"),
        Event::PathHeard(path) => write!(f, "hears its peer on {path}"),
        Event::Conflict { our_term, peer_term } => {
            write!(f, "both are Active: its term is {our_term}, its peer's {peer_term}")
        }
        Event::Stalled { length } => write!(f, "finds that it did nothing for {length:?}"),
        Event::ActionFailed { action, error } => write!(f, "{action} failed: {error}"),
        Event::HandOverAborted(why) => write!(f, "the hand-over is off: {why}"),
        Event::MayStop { peer_took: true } => f.write_str("may stop: its peer has taken over"),
        Event::MayStop { peer_took: false } => f.write_str("may stop: nobody waits for it"),
        Event::Demoted(demotion) => write!(f, "is less fit: {demotion}"),
        Event::DemotionOver { demotion, .. } => write!(f, "is no longer less fit: {demotion}"),
        Event::FlapHold { .. } => f.write_str("changed too often: holds voluntary changes back"),
        Event::FlapHoldOver => f.write_str("holds voluntary changes back no longer"),
        Event::Synchronized(true) => f.write_str("its table is complete"),
        Event::Synchronized(false) => f.write_str("its table is no longer complete"),
        Event::HeldForReadiness { limit } => {
            write!(f, "would take the role, and waits up to {limit:?} to be ready for it")
        }
        Event::ReadinessOverdue => f.write_str("waits for its readiness no longer"),
        other => write!(f, "{other:?}"),
    }
}

/// What a peer says of its role.
fn says(stance: Stance) -> &'static str {
    match stance {
        Stance::Left => "leaves",
        Stance::Election => "looks for an Active",
        Stance::Standby => "is Standby",
        Stance::Active => "is Active",
        Stance::Withdrawing => "is giving the role up",
        Stance::Released => "has released the role",
        Stance::Recovering => "has given the role up after a stall",
    }
}
