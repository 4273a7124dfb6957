//! Demotions: named reasons why a unit is less fit for the role, each with an owner and possibly an end.
//! Never a bare counter: a person reads who holds the unit back, and for what (BEY-7).

use crate::identity::Label;
use crate::time::Instant;
use alloc::vec::Vec;
use core::fmt;

/// The most demotions of a unit at a time that an embedder can name.
pub const MAX_DEMOTIONS: usize = 32;

/// A reason why a unit is less fit for the role than one without (BEY-7).
///
/// It does not keep a unit from taking over where there is no other: see
/// [`Obstacles`](super::Obstacles) for what does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Demotion {
    /// Who says so: only it should lift the demotion.
    pub owner: Label,
    /// For what.
    pub reason: Label,
}

impl Demotion {
    /// The demotion of a unit whose last take failed. It ends with a take that succeeds, or when the embedder
    /// lifts it.
    #[must_use]
    pub fn take_failed() -> Self {
        Self { owner: Label::known("ha-core"), reason: Label::known("take-failed") }
    }
}

impl fmt::Display for Demotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.owner)
    }
}

/// A demotion in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ActiveDemotion {
    /// Which.
    pub demotion: Demotion,
    /// When it expires.
    pub until: Option<Instant>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Demotions(Vec<ActiveDemotion>);

impl Demotions {
    pub(super) fn all(&self) -> &[ActiveDemotion] {
        &self.0
    }

    /// Adds a demotion, or sets its end anew; says whether it is new.
    pub(super) fn set(&mut self, demotion: Demotion, until: Option<Instant>) -> bool {
        if let Some(known) = self.0.iter_mut().find(|known| known.demotion == demotion) {
            known.until = until;
            return false;
        }
        self.0.push(ActiveDemotion { demotion, until });
        true
    }

    /// Takes a demotion away, and says whether it was there.
    pub(super) fn lift(&mut self, demotion: Demotion) -> bool {
        let before = self.0.len();
        self.0.retain(|known| known.demotion != demotion);
        self.0.len() < before
    }

    /// Takes the first demotion that has expired.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Demotion> {
        let expired = |known: &ActiveDemotion| known.until.is_some_and(|until| until <= now);
        let at = self.0.iter().position(expired)?;
        Some(self.0.remove(at).demotion)
    }

    /// When the next one expires.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.0.iter().filter_map(|known| known.until).min()
    }
}
