//! What must always hold in a cluster, checked from outside after every step: by what the units send and hear, and by
//! what their platforms do.

mod hearing;
mod owners;
mod stall;
mod takes;
mod weights;

use super::setup::{GROUPS, PLACES, Setup, member_of, name};
use super::unit::Unit;
use crate::random::nanos;
use core::fmt;
use core::time::Duration;
use ha_core::time::Instant;
use hearing::Hearing;
use owners::Owners;
use stall::Stalls;
use svrrp::virtual_address::Duty;
use svrrp::{GroupNumber, Message};
pub(super) use takes::Take;
use weights::Weights;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A virtual group has no two owners that hear each other for longer than a failure time and the network's delay;
    /// in a hand-over never.
    S2,
    /// Inside a node: a unit holds groups only while it holds the role; and no two units hold that.
    S1,
    /// A unit that stalled withdraws before it does anything as an owner.
    S3,
    /// No node takes while one that it hears says that it hears an owner (SVRRP-5).
    Svrrp5,
    /// A start, or a unit that has stalled, listens for its failure time before it takes what seems free.
    Listen,
    /// After calm each group has one owner, which is the best by VG-2.
    L1,
    /// A rise of weight is told after the restore hold (VG-4).
    Hold,
    /// A lost owner is replaced in time.
    TakeOver,
    /// Failover inside the node goes first (VG-6).
    Inside,
    /// Whatever a unit sends is well formed, and goes where it should.
    Wire,
    /// Time goes on.
    Progress,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Svrrp5 => "SVRRP-5",
            Self::Hold => "VG-4",
            Self::TakeOver => "take-over",
            Self::Inside => "VG-6",
            Self::Listen => "listening",
            Self::Wire => "wire",
            Self::Progress => "progress",
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::L1 => "L1",
        })
    }
}

/// A rule was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which one.
    pub rule: Rule,
    /// Since the start of the world.
    pub at: Duration,
    /// In words.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {:?}: {}", self.rule, self.at, self.text)
    }
}

pub(super) type Verdict = Result<(), (Rule, String)>;

/// Who watches a cluster.
#[derive(Debug)]
pub struct Oracle {
    pub(super) setup: Setup,
    pub(super) hearing: Hearing,
    pub(super) weights: Weights,
    /// How long groups had two owners, or none.
    pub owners: Owners,
    stalls: Stalls,
    /// By unit: until then its time limits may have been stretched by a clock that was set back.
    unsure_until: [u64; PLACES],
    /// When something happened last that was not the machines' doing.
    pub last_fault: u64,
}

impl Oracle {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            setup: *setup,
            hearing: Hearing::new(nanos(setup.failure_time())),
            weights: Weights::new(setup),
            owners: Owners::default(),
            stalls: Stalls::new(setup.failure_time()),
            unsure_until: [0; PLACES],
            last_fault: 0,
        }
    }

    pub(super) fn disturbed(&mut self, now: u64) {
        self.last_fault = now;
    }

    pub(super) fn clock_was_wrong(&mut self, unit: usize, until: u64) {
        let until = until + 4 * nanos(self.setup.failure_time());
        self.unsure_until[unit] = self.unsure_until[unit].max(until);
    }

    pub(super) fn started(&mut self, now: u64, unit: usize, local: Instant) {
        self.hearing.started(now, unit);
        self.stalls.started(unit, local);
        self.weights.started(unit, local);
    }

    pub(super) fn awake(&mut self, unit: usize, local: Instant, holds: [bool; GROUPS]) {
        self.stalls.awake(unit, local, holds);
    }

    pub(super) fn acts(&mut self, unit: usize, group: GroupNumber, duty: Duty) -> Verdict {
        self.stalls.acts(unit, group, duty)
    }

    pub(super) fn heard(&mut self, now: u64, to: usize, from: usize, bytes: &[u8]) {
        self.hearing.heard(now, to, from, bytes);
    }

    pub(super) fn heard_inside(&mut self, now: u64, to: usize, from: usize) {
        self.hearing.heard_inside(now, to, from);
    }

    /// A unit says something: it must be true, and allowed.
    pub(super) fn sends(
        &mut self,
        _now: u64,
        unit: usize,
        local: Instant,
        holds: [bool; GROUPS],
        message: &Message,
    ) -> Verdict {
        if message.header().sender != member_of(unit) {
            return Err((Rule::Wire, "speaks for another unit".into()));
        }
        let Message::Advertisement(it) = message else { return Ok(()) };
        self.stalls.sends(unit, local, it)?;
        let Some(content) = &it.content else { return Ok(()) };
        for (group, entry) in content.groups.iter() {
            if holds[group.index()] && !entry.stance.holds() {
                let text = format!("says that it is {:?} in {group}, and holds it", entry.stance);
                return Err((Rule::S2, text));
            }
            self.weights.tells(unit, group, local, entry)?;
        }
        Ok(())
    }

    /// A unit hands its role inside the node back to its platform: its groups must be gone.
    pub(super) fn releases_role(&self, unit: usize, holds: [bool; GROUPS]) -> Verdict {
        if holds.contains(&true) {
            let text = format!("{} gives up its role, and holds groups", name(unit));
            return Err((Rule::S1, text));
        }
        Ok(())
    }

    /// After every step. `delay`: the longest of any datagram so far; `lossy`: datagrams may be lost.
    pub(super) fn check(
        &mut self,
        now: u64,
        units: &[Unit],
        delay: Duration,
        lossy: bool,
    ) -> Verdict {
        for (unit, it) in units.iter().enumerate() {
            let holds = it.platform.holds.contains(&true);
            if self.setup.pairs[unit / 2] && holds && !it.platform.holds_role {
                let text = format!("{} holds groups, and not the role in its node", name(unit));
                return Err((Rule::S1, text));
            }
        }
        let allowance = delay + self.setup.answer_delay * 4;
        let bound = nanos(self.setup.failure_time()) / 100 * 101 + nanos(allowance);
        let unsure = self.unsure_until;
        self.owners.check(now, units, &self.hearing, &self.setup, (bound, lossy), &unsure)
    }
}
