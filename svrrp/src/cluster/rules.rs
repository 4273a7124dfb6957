//! The decisions of a cluster unit, each a pure function that can be named, tested, and shown to matter.
//!
//! A product always runs [`Rules::STANDARD`]. The simulator replaces one of them by a broken one, and must notice: that
//! is why they are values. Only with the feature `simulation` can a configuration name others.

use crate::election::{Decision, GroupView, decide, grants};
use crate::identity::{GroupNumber, NodeNumber};
use crate::rank::RankTable;
use core::time::Duration;

/// The decisions of a cluster unit.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// Two sets of rules are the same if they have the same name.
    pub name: &'static str,
    /// What a node has to do about a group: see [`decide`].
    pub decide: fn(GroupNumber, &RankTable, &GroupView) -> Decision,
    /// Whether an owner hands a group over: see [`grants`].
    pub grants: fn(GroupNumber, &RankTable, &GroupView, NodeNumber) -> bool,
    /// Whether a release answers our question: the nonces of both (PAIR-20).
    pub is_answer: fn(u64, u64) -> bool,
    /// How long a question can be answered, from the failure time of who asks (PAIR-20).
    pub question_time: fn(Duration) -> Duration,
    /// How long a release waits for its successor, from the longer failure time of both (PAIR-20).
    pub release_time: fn(Duration) -> Duration,
    /// How long a start listens before it takes anything, from its failure time.
    pub listening_time: fn(Duration) -> Duration,
    /// Whether a unit is lost that was not heard for so long, given its failure time.
    pub is_lost: fn(Duration, Duration) -> bool,
    /// Whether a unit that sent nothing for so long has stalled, given its failure time (CRASH-4).
    pub has_stalled: fn(Duration, Duration) -> bool,
    /// How long the word of a node counts whose active unit is silent while another one can become active, from the
    /// failure time (VG-6).
    pub settling_time: fn(Duration) -> Duration,
    /// Whether a group is released before its withdrawal is confirmed. It never is.
    pub releases_early: bool,
}

impl Rules {
    /// The rules of every product.
    pub const STANDARD: Self = Self {
        name: "standard",
        decide,
        grants,
        is_answer: |release, ask| release == ask,
        question_time: |failure_time| failure_time,
        release_time: |failure_time| failure_time.saturating_mul(2),
        listening_time: |failure_time| failure_time,
        is_lost: |silence, failure_time| silence >= failure_time,
        has_stalled: |silence, failure_time| silence > failure_time,
        // One to find that it is silent, one for the pair to do so and to take.
        settling_time: |failure_time| failure_time.saturating_mul(2),
        releases_early: false,
    };
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rules {}
