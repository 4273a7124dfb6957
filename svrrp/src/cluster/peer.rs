//! What a unit knows of one other unit: by which start it speaks, on which paths it is heard, and what it said last.

use super::rules::Rules;
use super::ways::{MISSED_TRIALS, X0_TRIAL};
use crate::wire::{
    Advertisement, Condition, Datagram, DatagramId, HeardEntry, MessageType, Paths, X0_PATH,
};
use arrayvec::ArrayVec;
use core::num::NonZeroU64;
use core::time::Duration;
use ha_core::identity::PathId;
use ha_core::reject::Reject;
use ha_core::time::Instant;

/// So many starts of a unit that were displaced are remembered: they are never believed again.
const FORMER_STARTS: usize = 8;
/// A copy that is so many trigger levels behind the newest datagram proves nothing of its path any more.
const STALE_LEVELS: u64 = 4;
/// Places for paths 0 to 15.
const PATHS: usize = 16;
/// Places for types of messages: they are 1 to 4.
const KINDS: usize = 5;

/// One other unit of the cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    pub(super) start: Option<NonZeroU64>,
    pub(super) newest: u64,
    pub(super) paths: [Heard; PATHS],
    /// When it was last heard, on any path.
    pub(super) heard_at: Option<Instant>,
    /// The same on cluster links only; and since when it is heard on X0 without a break.
    pub(super) linked_at: Option<Instant>,
    pub(super) on_x0_since: Option<Instant>,
    /// Its silence counts from then at the earliest: this unit's start, or the end of its last stall.
    pub(super) since: Instant,
    pub(super) last: Option<Advertisement>,
    pub(super) former: ArrayVec<NonZeroU64, FORMER_STARTS>,
    /// A start that is not proven yet, and the last that was heard of it: it is echoed, so that it can prove itself.
    pub(super) stranger: Option<DatagramId>,
    /// It was told as heard, and not as lost since.
    pub(super) is_told: bool,
    /// The paths that were told as heard.
    pub(super) told_paths: Paths,
    /// X0 was needed when that was judged last.
    pub(super) needed_x0: bool,
    /// When it was heard by a trial of X0: that is a sign of life, and X0 is not in use for that (NODE-7).
    pub(super) trial_at: Option<Instant>,
    /// Its silence on X0 counts from then: it was heard there, or began to be heard at all (NODE-7).
    pub(super) x0_at: Instant,
    /// That it is not heard on X0 was told.
    pub(super) is_x0_silent: bool,
    /// That it has other ranks was told of this version.
    pub(super) differs: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    pub(super) at: Option<Instant>,
    /// By the type of message: a path on which datagrams overtake each other brings them all the same.
    pub(super) newest: [u64; KINDS],
}

pub(super) fn half(duration: Duration) -> Duration {
    duration.checked_div(2).unwrap_or_default()
}

/// What came of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receipt {
    /// It is newer than the last advertisement: what it says counts.
    News {
        /// It is the first of a start that displaced another one.
        is_new_start: bool,
    },
    /// Another path's copy, or one that was overtaken: the path was heard.
    Copy,
}

impl Peer {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, ..Self::default() }
    }

    /// What it said last, however long ago.
    pub(super) fn last(&self) -> Option<&Advertisement> {
        self.last.as_ref()
    }

    pub(super) fn failure_time(&self) -> Duration {
        self.last.as_ref().map_or(Duration::ZERO, |last| last.unit.failure_time())
    }

    /// When it counts as lost, if nothing is heard of it until then.
    pub(super) fn lost_at(&self) -> Option<Instant> {
        Some(self.heard_at?.max(self.since) + self.failure_time())
    }

    pub(super) fn is_alive(&self, now: Instant, rules: &Rules) -> bool {
        let Some(heard) = self.heard_at else { return false };
        let silence = now.saturating_since(heard.max(self.since));
        self.last.is_some() && !(rules.is_lost)(silence, self.failure_time())
    }

    /// When it is overdue on all cluster links: early enough that X0 can stand in before either side takes the other for
    /// lost, and late enough for one advertisement that is late (SVRRP-2).
    pub(super) fn overdue_at(&self) -> Option<Instant> {
        let unit = self.last.as_ref()?.unit;
        let patience = unit.interval.saturating_add(half(unit.interval));
        let patience = patience.max(half(self.failure_time()));
        let linked = self.linked_at.map_or(self.since, |at| at.max(self.since));
        Some(linked + patience)
    }

    /// It is overdue on all cluster links, or has just begun to use X0: then it does not hear this unit there.
    pub(super) fn needs_x0(&self, now: Instant) -> bool {
        let is_overdue = self.overdue_at().is_none_or(|at| at <= now);
        let has_begun = self.on_x0_since.is_some_and(|since| {
            // Later it says by itself what it hears; and two that answer each other must come to an end.
            now.saturating_since(since) < self.failure_time()
        });
        is_overdue || has_begun
    }

    /// What it says, while it is heard.
    pub(super) fn alive(&self, now: Instant, rules: &Rules) -> Option<&Advertisement> {
        self.last.as_ref().filter(|_| self.is_alive(now, rules))
    }

    /// It speaks for its node (NODE-4).
    pub(super) fn is_speaker(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.unit.condition == Condition::Active)
    }

    /// The paths on which it was heard within its failure time.
    pub(super) fn paths_heard(&self, now: Instant, rules: &Rules) -> Paths {
        let mut heard = Paths::NONE;
        let failure_time = self.failure_time();
        let is_in_time = |at: Option<Instant>| {
            let silence = at.map(|at| now.saturating_since(at.max(self.since)));
            silence.is_some_and(|silence| !(rules.is_lost)(silence, failure_time))
        };
        for (path, _) in (0..).zip(&self.paths).filter(|(_, it)| is_in_time(it.at)) {
            heard.insert(PathId(path));
        }
        if heard.is_empty() && is_in_time(self.trial_at) {
            heard.insert(X0_PATH);
        }
        heard
    }

    /// What this unit tells of it in its advertisements.
    pub(super) fn heard_entry(&self, now: Instant, rules: &Rules) -> Option<HeardEntry> {
        let paths = self.paths_heard(now, rules);
        // The last advertisement, not the last datagram: both sides judge by what it said.
        let known = self.last.as_ref().map(|last| last.header.id);
        // While the known start is quiet, the other one is echoed.
        let echo = if paths.is_empty() { self.stranger.or(known) } else { known.or(self.stranger) };
        Some(HeardEntry { paths, echo: echo? })
    }

    /// Notes a datagram of it. `judged`: until then its silence was judged. `is_proof`: it echoes what this unit said a
    /// moment ago. `is_trial`: it is nothing but a trial of X0.
    pub(super) fn note(
        &mut self,
        (now, judged): (Instant, Instant),
        path: PathId,
        datagram: &Datagram<'_>,
        (is_proof, is_trial): (bool, bool),
        rules: &Rules,
    ) -> Result<Receipt, Reject> {
        let id = datagram.header().id;
        let is_advertisement = datagram.kind() == MessageType::Advertisement;
        let mut is_new_start = false;
        if self.start != Some(id.start) {
            if self.former.contains(&id.start) {
                return Err(Reject::Stale);
            }
            // Whoever only tries X0 is heard elsewhere, by the start that it has; or this is a recording.
            if is_trial {
                return Err(Reject::UnprovenStart);
            }
            if self.start.is_some() && !is_proof && self.is_alive(judged, rules) {
                self.stranger = if is_advertisement { Some(id) } else { self.stranger };
                return Err(Reject::UnprovenStart);
            }
            self.displace(id.start);
            is_new_start = true;
        }
        let number = id.number.get();
        // Before the first advertisement nothing is known of its rhythm.
        let level = self.last.as_ref().map(|last| u64::from(last.unit.level));
        let window = level.map_or(u64::MAX, |level| level.saturating_mul(STALE_LEVELS));
        let place = self.paths.get_mut(usize::from(path.0)).ok_or(Reject::UnknownPath)?;
        let newest = place.newest.get_mut(datagram.kind() as usize).ok_or(Reject::Stale)?;
        if number <= *newest || self.newest.saturating_sub(number) >= window {
            return Err(Reject::Stale);
        }
        if path == X0_PATH {
            self.x0_at = now;
        }
        (*newest, self.heard_at) = (number, Some(now));
        if is_trial {
            self.trial_at = Some(now);
        } else {
            let limit = self.last.as_ref().map_or(Duration::ZERO, |last| last.unit.failure_time());
            let is_fresh = place.at.is_some_and(|at| now.saturating_since(at) < limit);
            place.at = Some(now);
            if path != X0_PATH {
                self.linked_at = Some(now);
            } else if !is_fresh {
                self.on_x0_since = Some(now);
            }
        }
        self.newest = self.newest.max(number);
        // What is older than the last advertisement says nothing new: that said what was so afterwards. An advertisement
        // that was overtaken by another message does.
        let said = self.last.as_ref().map_or(0, |last| last.header.id.number.get());
        if number <= said {
            return Ok(Receipt::Copy);
        }
        Ok(Receipt::News { is_new_start })
    }

    fn displace(&mut self, start: NonZeroU64) {
        if let Some(former) = self.start.replace(start) {
            if self.former.is_full() {
                self.former.remove(0);
            }
            self.former.push(former);
        }
        self.newest = 0;
        self.paths = Default::default();
        (self.heard_at, self.linked_at) = (None, None);
        (self.on_x0_since, self.trial_at) = (None, None);
        self.stranger = None;
        self.last = None;
    }

    /// Whether it is silent on X0 is another thing than before, as [`is_x0_silent`](Self::is_x0_silent) says.
    pub(super) fn note_x0(&mut self, now: Instant) -> bool {
        let interval = self.last.as_ref().map_or(Duration::ZERO, |last| last.unit.interval);
        let patience = X0_TRIAL.saturating_add(interval).saturating_mul(MISSED_TRIALS);
        let silence = now.saturating_since(self.x0_at.max(self.since));
        let is_silent = self.is_told && silence > patience;
        core::mem::replace(&mut self.is_x0_silent, is_silent) != is_silent && self.is_told
    }

    /// What it says of itself from now on.
    pub(super) fn says(&mut self, advertisement: Advertisement) {
        self.last = Some(advertisement);
    }

    /// After a stall of this unit nothing is known of how long the peer was silent (CRASH-4).
    pub(super) fn restart_silence(&mut self, now: Instant) {
        self.since = now;
    }
}
