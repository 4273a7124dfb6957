//! What a unit knows of one other unit: by which start it speaks, on which paths it is heard, and what it said last.

use super::rules::Rules;
use crate::wire::{Advertisement, Condition, Datagram, DatagramId, HeardEntry, Paths};
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

/// One other unit of the cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    pub(super) start: Option<NonZeroU64>,
    pub(super) newest: u64,
    pub(super) paths: [Heard; PATHS],
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
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    pub(super) at: Option<Instant>,
    pub(super) newest: u64,
}

/// What came of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receipt {
    /// It is the newest: what it says counts.
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

    /// When it was last heard, on any path.
    fn heard_at(&self) -> Option<Instant> {
        self.paths.iter().filter_map(|path| path.at).max()
    }

    /// When it counts as lost, if nothing is heard of it until then.
    pub(super) fn lost_at(&self) -> Option<Instant> {
        Some(self.heard_at()?.max(self.since) + self.failure_time())
    }

    pub(super) fn is_alive(&self, now: Instant, rules: &Rules) -> bool {
        let Some(heard) = self.heard_at() else { return false };
        let silence = now.saturating_since(heard.max(self.since));
        self.last.is_some() && !(rules.is_lost)(silence, self.failure_time())
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
        for (path, it) in (0..).zip(&self.paths) {
            let silence = it.at.map(|at| now.saturating_since(at.max(self.since)));
            if silence.is_some_and(|silence| !(rules.is_lost)(silence, failure_time)) {
                heard.insert(PathId(path));
            }
        }
        heard
    }

    /// What this unit tells of it in its advertisements.
    pub(super) fn heard_entry(&self, now: Instant, rules: &Rules) -> Option<HeardEntry> {
        let paths = self.paths_heard(now, rules);
        let known = self.start.and_then(|start| DatagramId::new(start.get(), self.newest));
        // While the known start is quiet, the other one is echoed.
        let echo = if paths.is_empty() { self.stranger.or(known) } else { known.or(self.stranger) };
        Some(HeardEntry { paths, echo: echo? })
    }

    /// Notes a datagram of it. `is_proof`: it echoes what this unit said a moment ago.
    pub(super) fn note(
        &mut self,
        now: Instant,
        path: PathId,
        datagram: &Datagram<'_>,
        is_proof: bool,
        rules: &Rules,
    ) -> Result<Receipt, Reject> {
        let id = datagram.header().id;
        let mut is_new_start = false;
        if self.start != Some(id.start) {
            if self.former.contains(&id.start) {
                return Err(Reject::Stale);
            }
            if self.start.is_some() && !is_proof && self.is_alive(now, rules) {
                self.stranger = Some(id);
                return Err(Reject::UnprovenStart);
            }
            self.displace(id.start);
            is_new_start = true;
        }
        let number = id.number.get();
        let level = self.last.as_ref().map_or(0, |last| last.unit.level);
        let window = u64::from(level).saturating_mul(STALE_LEVELS).max(1);
        let place = self.paths.get_mut(usize::from(path.0)).ok_or(Reject::UnknownPath)?;
        if number <= place.newest || self.newest.saturating_sub(number) >= window {
            return Err(Reject::Stale);
        }
        *place = Heard { at: Some(now), newest: number };
        if number <= self.newest {
            return Ok(Receipt::Copy);
        }
        self.newest = number;
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
        self.stranger = None;
        self.last = None;
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
