//! The decisions of the role machine, each a pure function that can be named, tested, and shown to matter.
//!
//! [`Pair`](super::Pair) asks these and nothing else what to do. A product always runs
//! [`Rules::STANDARD`]. The simulator replaces one of them by a broken one, and must notice: that is why
//! they are values. Only with the feature `simulation` can a configuration name others.

use super::comparison::{Preference, Standing, compare, prefer};
use super::news::MonitoredLinks;
use super::role::State;
use super::transition::{Cause, OwnView, PeerView, next};
use crate::monitor::Reach;
use core::cmp::Ordering;
use core::time::Duration;

/// The decisions of the role machine.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// Two sets of rules are the same if they have the same name.
    pub name: &'static str,
    /// The state that follows from a cause: see [`next`].
    pub next: fn(State, Cause, OwnView, PeerView) -> State,
    /// Which of two units is the better one: see [`compare`].
    pub compare: fn(&Standing, &Standing) -> Ordering,
    /// Why a Standby should have the role of an Active that works: see [`prefer`].
    pub prefer: fn(&Standing, &Standing) -> Option<Preference>,
    /// How long a start looks for an Active, from the election delay and the failure time (PAIR-4).
    pub election_time: fn(Duration, Duration) -> Duration,
    /// Whether a unit that sent nothing for so long has stalled, given its failure time (CRASH-4).
    pub has_stalled: fn(Duration, Duration) -> bool,
    /// Whether the peer is lost: some path has fallen silent, or all have (PAIR-6, PAIR-12).
    pub is_lost: fn(bool, bool) -> bool,
    /// Whether a copy is too old: its number, the newest on its path, the newest on all, and the level.
    pub is_stale: fn(u64, u64, u64, u8) -> bool,
    /// Whether a release answers our question: the nonces of both (PAIR-20).
    pub is_answer: fn(u64, u64) -> bool,
    /// How long a release waits for its claim, from both failure times (PAIR-20).
    pub claim_time: fn(Duration, Duration) -> Duration,
    /// Whether so many role changes within the window are more than the limit (PAIR-18).
    pub flaps: fn(usize, u8) -> bool,
    /// Whether a unit is cut off: its monitored links, and whether it hears its peer (BEY-3).
    pub is_isolated: fn(MonitoredLinks, bool) -> bool,
    /// Whether a probe target counts as lost on this unit alone: how this unit sees it, how the peer does, and
    /// whether the peer has reached it since it heard of this very loss (MON-4).
    pub is_one_sided: fn(Reach, Reach, bool) -> bool,
    /// Whether a unit has to show that what it monitors works before that counts, or is believed: whether it holds
    /// the role (MON-2).
    pub must_show: fn(bool) -> bool,
    /// Whether a service may be restarted that was restarted so often within its window, given the limit
    /// (CRASH-1).
    pub may_restart: fn(usize, u8) -> bool,
}

impl Rules {
    /// The rules of every product.
    pub const STANDARD: Self = Self {
        name: "standard",
        next,
        compare,
        prefer,
        election_time: |delay, failure_time| {
            if delay > failure_time { delay } else { failure_time }
        },
        has_stalled: |silence, failure_time| silence > failure_time,
        is_lost: |_some_path, every_path| every_path,
        // A path on which copies come so late must not keep a dead peer alive.
        is_stale: |number, on_path, newest, level| {
            number <= on_path || newest.saturating_sub(number) >= level as u64
        },
        is_answer: |release, ask| release == ask,
        // The peer's time limit is its own failure time, and what it claims may be lost for as long again.
        claim_time: |ours, theirs| {
            let longer = if ours > theirs { ours } else { theirs };
            longer.saturating_mul(2)
        },
        flaps: |changes, limit| changes > limit as usize,
        is_isolated: |links, peer_is_heard| links.configured > 0 && links.up == 0 && !peer_is_heard,
        is_one_sided: |ours, theirs, is_confirmed| {
            matches!((ours, theirs), (Reach::Lost, Reach::Reached)) && is_confirmed
        },
        must_show: |holds_active| !holds_active,
        may_restart: |restarts, limit| restarts < limit as usize,
    };
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rules {}
