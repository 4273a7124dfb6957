//! What happened in a cluster, in order; off, it costs nothing. As a person reads it: a line each, with the unit.

use super::platform::About;
use super::setup::name;
use core::fmt::{self, Write as _};
use core::time::Duration;
use svrrp::Message;
use svrrp::cluster::Event;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Since the start of the world.
    pub at: Duration,
    /// To which unit.
    pub unit: usize,
    /// What.
    pub what: What,
}

/// What happened to a unit.
#[derive(Clone, Debug)]
pub enum What {
    /// Its cluster machine told some news.
    Event(Event),
    /// Its pair told some news.
    OfPair(String),
    /// It asked for an action.
    Action(About),
    /// Its platform answered: done, or failed.
    Done(About, bool),
    /// It sent a message to a unit on a path.
    Sent {
        /// To which unit.
        to: usize,
        /// On which path.
        path: u8,
        /// What it says.
        message: Box<Message>,
    },
    /// What a test or a fault did.
    Fault(String),
}

impl What {
    /// It is no message, which there are many of.
    #[must_use]
    pub fn is_rare(&self) -> bool {
        !matches!(self, Self::Sent { .. } | Self::Event(Event::Path { .. }))
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |about: &About| match about {
            About::Group(group, _) => format!(" of {group}"),
            About::Pair(_) => String::new(),
        };
        match self {
            Self::Event(event) => write!(f, "{event}"),
            Self::OfPair(event) => write!(f, "pair: {event}"),
            Self::Action(about) => write!(f, "asks for {}{}", about.name(), group(about)),
            Self::Done(about, true) => write!(f, "{}{} is done", about.name(), group(about)),
            Self::Done(about, false) => write!(f, "{}{} FAILED", about.name(), group(about)),
            Self::Sent { to, path, message } => {
                let to = name(*to);
                write!(f, "sends {to} on path {path} {} ", message.header().id.number)?;
                match message.as_ref() {
                    Message::Advertisement(it) => {
                        let content = it.content.as_ref();
                        write!(f, "{}:", it.unit.condition)?;
                        for (group, entry) in content.into_iter().flat_map(|it| it.groups.iter()) {
                            write!(f, " {group} {:?} {}", entry.stance, entry.link_weight)?;
                            if let Some(owner) = entry.owner_seen {
                                write!(f, " sees {owner}")?;
                            }
                        }
                        for (member, entry) in content.into_iter().flat_map(|it| it.heard.iter()) {
                            let unit = name(member.index());
                            write!(f, ", {unit}@{}/{:x}", entry.echo.number, entry.paths.bits())?;
                        }
                        Ok(())
                    }
                    other => write!(f, "{}", other.kind()),
                }
            }
            Self::Fault(text) => write!(f, "! {text}"),
        }
    }
}

/// The entries, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    is_on: bool,
    /// What happened so far.
    pub entries: Vec<Entry>,
}

impl Trace {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { is_on, entries: Vec::new() }
    }

    pub(crate) fn note(&mut self, at: u64, unit: usize, what: impl FnOnce() -> What) {
        if self.is_on {
            self.entries.push(Entry { at: Duration::from_nanos(at), unit, what: what() });
        }
    }
}

/// The last so many entries as text; messages only if they are asked for.
#[must_use]
pub fn timeline(entries: &[Entry], messages: bool, lines: usize) -> String {
    let shown: Vec<_> = entries.iter().filter(|it| messages || it.what.is_rare()).collect();
    let mut text = String::new();
    for entry in &shown[shown.len().saturating_sub(lines)..] {
        let at = entry.at.as_secs_f64();
        let _ = writeln!(text, "{at:>12.6}  {}  {}", name(entry.unit), entry.what);
    }
    text
}
