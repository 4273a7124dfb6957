//! Which of two units is the better one: one total order, in one place, computed alike on both sides.
//!
//! Each side compares its own values with the peer's. So that both compare the same data, a heartbeat
//! echoes the number of the last one heard, and a side judges the peer's values against those that it
//! sent itself in the echoed one (PAIR-13).

use crate::identity::Designation;
use crate::monitor::FULL_WEIGHT;
use core::cmp::Ordering;
use core::fmt;

/// How fit a unit is for the role. More is better: a unit that is not demoted is fitter than any that is,
/// whatever their weights (our decision).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Health {
    /// It is not demoted (BEY-7). A unit that is still takes over where no other can.
    pub fit: bool,
    /// How well it is connected, and how healthy its services are (CRASH-3): 0 to 65,535, without a unit.
    pub weight: u16,
}

impl Health {
    /// The health of a unit whose monitors lack nothing, with what its embedder adds to that, as far as 65,535.
    #[must_use]
    pub const fn whole(fit: bool, more: u16) -> Self {
        Self { fit, weight: FULL_WEIGHT.saturating_add(more) }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.weight, if self.fit { "" } else { " (demoted)" })
    }
}

/// What a comparison knows of one unit. It is what a heartbeat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How fit the unit is: more is better (PAIR-5).
    pub health: Health,
    /// The fixed designation.
    pub designation: Designation,
    /// Preempt mode is on (PAIR-7).
    pub preempt: bool,
    /// The number fixed at the take of the role (PAIR-13); of no meaning unless `claim` is `Active`.
    pub term: u64,
    /// What it has to do with the role.
    pub claim: Claim,
}

/// What a unit has to do with the Active role, for a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// It has just started: its tables are empty.
    Cold,
    /// It was Standby, or Active before: its tables are worth keeping.
    Warm,
    /// It is Active.
    Active,
}

impl Standing {
    /// It is the Primary, and preempt is on.
    #[must_use]
    pub fn preempts(&self) -> bool {
        self.designation == Designation::Primary && self.preempt
    }
}

/// Why a Standby wants the role of an Active that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preference {
    /// It is strictly fitter (CRASH-3).
    BetterHealth,
    /// It is the Primary, preempt is on, and it is as fit (PAIR-7).
    Preempt,
}

/// Why `standby` should have the role that `active` has, if it should. Only a strictly better health
/// counts: two units with the same fault do not pass the role back and forth (CRASH-3).
#[must_use]
pub fn prefer(standby: &Standing, active: &Standing) -> Option<Preference> {
    match standby.health.cmp(&active.health) {
        Ordering::Greater => Some(Preference::BetterHealth),
        Ordering::Equal if standby.preempts() => Some(Preference::Preempt),
        Ordering::Equal | Ordering::Less => None,
    }
}

/// Compares two units of a pair; `Greater` means that `a` is the better one.
///
/// The order, our decision: what they have to do with the role (an Active, then one that has something
/// to lose, then one that has just started: the sessions are worth more than a link, PAIR-3); then the
/// health weight (PAIR-5); then between two Actives the Primary if preempt is on, else the lower term
/// (PAIR-13); then the Primary.
///
/// For two units of different designation it is never `Equal`, and `compare(a, b)` is the reverse of
/// `compare(b, a)`.
#[must_use]
pub fn compare(a: &Standing, b: &Standing) -> Ordering {
    let between_actives = || match a.claim {
        Claim::Active => a.preempts().cmp(&b.preempts()).then_with(|| b.term.cmp(&a.term)),
        Claim::Cold | Claim::Warm => Ordering::Equal,
    };
    a.claim
        .cmp(&b.claim)
        .then_with(|| a.health.cmp(&b.health))
        .then_with(between_actives)
        .then_with(|| b.designation.cmp(&a.designation))
}

#[cfg(test)]
mod tests;
