//! The platform of a unit: answers actions at once, late, with a failure, or never.

use crate::random::nanos;
use core::fmt;
use core::time::Duration;
use ha_core::machine::{ActionError, ActionId};
use std::collections::BTreeMap;

/// How a platform answers one kind of action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How long it takes.
    pub after: Duration,
    /// `None`: it never answers.
    pub outcome: Option<Result<(), ActionError>>,
}

impl Answer {
    /// Done, at once.
    pub const AT_ONCE: Self = Self { after: Duration::ZERO, outcome: Some(Ok(())) };
    /// Failed, at once.
    pub const FAILS: Self = Self { after: Duration::ZERO, outcome: Some(Err(ActionError::Failed)) };
    /// No answer.
    pub const NEVER: Self = Self { after: Duration::ZERO, outcome: None };

    /// Done, after a while.
    #[must_use]
    pub const fn after(after: Duration) -> Self {
        Self { after, outcome: Some(Ok(())) }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            None => f.write_str("never"),
            Some(Err(error)) => write!(f, "with a failure ({error})"),
            Some(Ok(())) if self.after.is_zero() => f.write_str("at once"),
            Some(Ok(())) => write!(f, "after {:?}", self.after),
        }
    }
}

/// An action that has been carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) id: ActionId,
    pub(crate) action: &'static str,
    pub(crate) outcome: Result<(), ActionError>,
}

/// What one unit's platform does with actions.
#[derive(Debug, Default)]
pub struct Platform {
    /// The unit holds Active: from the first take action until a withdrawal is confirmed.
    pub holds: bool,
    /// The last withdrawal failed, or never ends.
    pub cannot_withdraw: bool,
    answers: BTreeMap<&'static str, Answer>,
    pending: BTreeMap<(u64, u64), Done>,
}

impl Platform {
    /// From now on, actions of this name are answered like that.
    pub(crate) fn answer(&mut self, action: &'static str, answer: Answer) {
        self.answers.insert(action, answer);
    }

    /// From now on, everything is answered at once.
    pub fn repair(&mut self) {
        self.answers.clear();
    }

    /// Every action is answered at once, and none is under way.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.answers.values().all(|answer| *answer == Answer::AT_ONCE) && self.pending.is_empty()
    }

    pub(crate) fn begin(&mut self, now: u64, id: ActionId, action: &'static str) {
        self.holds |= action == "AdoptState";
        if action == "Persist" {
            // A newer one replaces it.
            self.pending.retain(|_, done| done.action != action);
        }
        let answer = self.answers.get(action).copied().unwrap_or(Answer::AT_ONCE);
        self.cannot_withdraw |= action == "Withdraw" && answer.outcome.is_none();
        if let Some(outcome) = answer.outcome {
            let done = Done { id, action, outcome };
            self.pending.insert((now + nanos(answer.after), id.0), done);
        }
    }

    pub(crate) fn next_done(&self) -> Option<u64> {
        self.pending.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next action that has ended.
    pub(crate) fn done(&mut self, now: u64) -> Option<Done> {
        let first = self.pending.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let done = first.remove();
        if done.action == "Withdraw" {
            self.cannot_withdraw = done.outcome.is_err();
            self.holds &= done.outcome.is_err();
        }
        Some(done)
    }

    /// The unit lost its power: it forgets, and holds nothing.
    pub(crate) fn power_off(&mut self) {
        self.pending.clear();
        self.holds = false;
        self.cannot_withdraw = false;
    }
}
