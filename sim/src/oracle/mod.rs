//! What must always hold, checked after each step, from outside: by what the platforms were asked to do,
//! what went over the wire, and what the faults were. One file a rule.

mod gap;
mod l1;
mod l2;
mod l3;
mod s1;
mod s3;
mod s6;
mod take_over;

pub use gap::Gap;
pub(crate) use l1::Calm;
pub(crate) use take_over::Crash;

use crate::glimpse::Glimpse;
use core::fmt;
use core::time::Duration;
use ha_core::pair::{Action, Event, Role, Stance, Why};
use ha_core::time::Instant;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Two units that hear each other do not both hold the role for long; in a hand-over never.
    S1,
    /// A unit that stalled gives the role up before it does anything else.
    S3,
    /// No fault of synchronization takes an Active out of service.
    S6,
    /// After calm exactly one unit is Active.
    L1,
    /// Equal faults change no role, and unequal ones at most once.
    L2,
    /// Voluntary role changes stay within the flap limit.
    L3,
    /// After a crash of the Active the Standby takes over in time (PAIR-6).
    TakeOver,
    /// Time goes on: no unit keeps the world busy at one instant.
    Progress,
    /// What a unit sends can be read by its peer.
    Wire,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::S1 => "S1",
            Self::S3 => "S3",
            Self::S6 => "S6",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::TakeOver => "take-over time",
            Self::Progress => "progress",
            Self::Wire => "wire",
        })
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at {at:?}: {text}")]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Since the start of the world.
    pub at: Duration,
    /// In words.
    pub text: String,
}

/// Which rule, and in words what broke it.
pub(crate) type Broken = (Rule, String);
pub(crate) type Verdict = Result<(), Broken>;

/// Watches both units from outside.
#[derive(Debug)]
pub struct Oracle {
    /// Of each unit, by its own clock.
    pub failure_time: [Duration; 2],
    /// The longest time, in nanoseconds, for which both held the role.
    pub longest_conflict: u64,
    /// How long nobody held the role.
    pub gap: Gap,
    /// The slowest take-over after a crash, of its bound: 1 is just in time.
    pub slowest_take_over: f64,
    s1: s1::S1,
    s3: s3::S3,
    l2: l2::L2,
    l3: l3::L3,
    take_over: take_over::TakeOver,
}

impl Oracle {
    pub(crate) fn new(failure_time: [Duration; 2]) -> Self {
        Self {
            failure_time,
            longest_conflict: 0,
            gap: Gap::default(),
            slowest_take_over: 0.0,
            s1: s1::S1::new(failure_time),
            s3: s3::S3::new(failure_time),
            l2: l2::L2::default(),
            l3: l3::L3::default(),
            take_over: take_over::TakeOver::default(),
        }
    }

    /// Something changed in the world that is not the machines' doing.
    pub(crate) fn disturbed(&mut self, now: u64) {
        self.l2.changed();
        self.take_over.disturbed(now);
    }

    pub(crate) fn started(&mut self, unit: usize, local: Instant) {
        self.s1.started(unit);
        self.s3.started(unit, local);
        self.l2.started(unit);
        self.l3.started(unit);
        self.take_over.started(unit);
    }

    /// The Active crashed, as `crash` describes it.
    pub(crate) fn crashed(&mut self, now: u64, crash: &Crash) {
        let heard_since = self.s1.heard_since(1 - crash.unit);
        self.take_over.crashed(now, crash, heard_since, self.failure_time);
    }

    /// The unit's health, as the embedder tells it.
    pub(crate) fn health(&mut self, unit: usize, weight: u16) {
        self.l2.health(unit, weight);
    }

    /// Somebody ordered that this unit should have the role.
    pub(crate) fn ordered(&mut self, unit: usize) {
        self.l2.ordered(unit);
    }

    /// Until `now` a unit's clock counted less than there was.
    pub(crate) fn clock_was_wrong(&mut self, now: u64) {
        self.s1.clock_was_wrong(now);
    }

    /// The unit does something: did its clock show a stall before?
    pub(crate) fn awake(&mut self, unit: usize, local: Instant, holds: bool) {
        self.s3.awake(unit, local, holds);
    }

    pub(crate) fn acts(&mut self, now: u64, unit: usize, action: &Action) -> Verdict {
        self.s3.acts(unit, action)?;
        if action.name() == "AdoptState"
            && let Some(part) = self.take_over.took(now, unit)
        {
            self.slowest_take_over = self.slowest_take_over.max(part);
        }
        Ok(())
    }

    pub(crate) fn sends(&mut self, unit: usize, local: Instant, glimpse: Glimpse) -> Verdict {
        self.l2.sends(unit, glimpse);
        self.take_over.sends(unit, glimpse);
        self.s3.sends(unit, local, glimpse.stance)
    }

    /// A heartbeat of the peer arrived and was accepted.
    pub(crate) fn hears(&mut self, unit: usize, now: u64, glimpse: Glimpse, peer_holds: bool) {
        self.s1.hears(unit, now, glimpse.stance, peer_holds);
        self.l2.hears(unit, glimpse);
    }

    /// A unit told some news. `local` is what its clock shows.
    pub(crate) fn news(
        &mut self,
        now: u64,
        unit: usize,
        local: Instant,
        peer_holds: bool,
        event: &Event,
    ) -> Verdict {
        let Event::RoleChanged { from, to, why, .. } = event else { return Ok(()) };
        if *to == Role::Active {
            if is_hand_over(*why) {
                self.s1.takes_by_release(now, peer_holds)?;
                if self.l2.takes_by_release(unit)? {
                    self.l3.changes_voluntarily(unit, local)?;
                }
            }
            if *why == Why::NotClaimed {
                self.s1.takes_back(now, unit, peer_holds)?;
            }
        }
        if *from == Role::Active || *to == Role::Active {
            self.l3.changes(unit, local);
        }
        Ok(())
    }

    /// A fault of synchronization happened to a unit: `left` says whether it left Active by that.
    pub(crate) fn sync_fault(&self, unit: usize, left: bool, fault: &str) -> Verdict {
        if left && !self.s3.has_stalled(unit) { s6::left_active(fault) } else { Ok(()) }
    }

    /// After each step. `conflict` is asked for the longest delay of the network and of a withdrawal, and
    /// whether heartbeats can be lost; `None` if the conflict is not the machines' fault.
    pub(crate) fn check(
        &mut self,
        now: u64,
        holds: [bool; 2],
        conflict: impl FnOnce() -> Option<(Duration, bool)>,
    ) -> Verdict {
        let conflict = if holds == [true, true] { conflict() } else { None };
        self.longest_conflict = self.longest_conflict.max(self.s1.check(now, holds, conflict)?);
        self.take_over.check(now)
    }
}

/// The unit took because its peer released the role to it.
fn is_hand_over(why: Why) -> bool {
    why == Why::HandedOver
}

/// By what a unit says, it holds the role.
fn claims(stance: Stance) -> bool {
    stance == Stance::Active
}
