//! What happened, in the order in which it became known.

use crate::addresses::TakeOver;
use crate::naming;
use ha_core::time::{Clock, Instant};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use svrrp::Member;

/// So many are kept.
const KEPT: usize = 500;

/// What kind of news it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A unit tells.
    Told,
    /// A unit takes something.
    Good,
    /// Something that should not be.
    Bad,
    /// Whoever sits before the screen, or the script, did something.
    Done,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    pub(crate) who: Option<Member>,
    pub(crate) tone: Tone,
    pub(crate) what: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.who.map_or_else(|| "-".to_owned(), naming::unit);
        write!(f, "{:>7.3} s  {who:<2}  {}", self.at.since_epoch().as_secs_f64(), self.what)
    }
}

/// All lines.
#[derive(Debug)]
pub(crate) struct Timeline {
    clock: Clock,
    /// Each line is printed at once.
    printed: bool,
    /// What a take-over may take.
    bound: Duration,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    entries: Vec<Entry>,
    take_overs: Vec<TakeOver>,
}

impl Timeline {
    pub(crate) fn new(clock: Clock, printed: bool, bound: Duration) -> Self {
        Self { clock, printed, bound, noted: Mutex::default() }
    }

    pub(crate) fn tell(&self, at: Instant, who: Member, tone: Tone, what: String) {
        self.note(Entry { at, who: Some(who), tone, what });
    }

    pub(crate) fn done(&self, what: String) {
        self.note(Entry { at: self.clock.now(), who: None, tone: Tone::Done, what });
    }

    /// Prints something that is no event.
    pub(crate) fn remark(&self, what: String) {
        let entry = Entry { at: self.clock.now(), who: None, tone: Tone::Told, what };
        self.with(|_| println!("{entry}"));
    }

    pub(crate) fn take_over(&self, at: Instant, it: TakeOver) {
        let TakeOver { group, from, to, took } = it;
        let from = naming::unit(from);
        let what = format!(
            "{group}: taken {} after the crash of {from} ({} at the most)",
            milliseconds(took),
            milliseconds(self.bound)
        );
        let tone = if took <= self.bound { Tone::Good } else { Tone::Bad };
        self.tell(at, to, tone, what);
        self.with(|noted| noted.take_overs.push(it));
    }

    /// The latest ones, the oldest first.
    pub(crate) fn latest(&self, count: usize) -> Vec<Entry> {
        self.with(|noted| {
            let from = noted.entries.len().saturating_sub(count);
            noted.entries.get(from..).unwrap_or_default().to_vec()
        })
    }

    pub(crate) fn take_overs(&self) -> Vec<TakeOver> {
        self.with(|noted| noted.take_overs.clone())
    }

    fn note(&self, entry: Entry) {
        self.with(|noted| {
            // Under the lock, so that lines are printed in the order in which they are kept.
            if self.printed {
                println!("{entry}");
            }
            if noted.entries.len() >= KEPT {
                noted.entries.remove(0);
            }
            noted.entries.push(entry);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Noted) -> T) -> T {
        act(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
