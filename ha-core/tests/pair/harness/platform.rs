//! The platform of a unit: answers actions at once, late, with a failure, or never.

use super::random::nanos;
use core::time::Duration;
use ha_core::machine::{ActionError, ActionId};
use ha_core::pair::Action;
use std::collections::BTreeMap;

/// How a platform answers one kind of action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) after: Duration,
    /// `None`: it never answers.
    pub(crate) outcome: Option<Result<(), ActionError>>,
}

impl Answer {
    pub(crate) const AT_ONCE: Self = Self { after: Duration::ZERO, outcome: Some(Ok(())) };
    pub(crate) const FAILS: Self =
        Self { after: Duration::ZERO, outcome: Some(Err(ActionError::Failed)) };
    pub(crate) const NEVER: Self = Self { after: Duration::ZERO, outcome: None };

    pub(crate) const fn after(after: Duration) -> Self {
        Self { after, outcome: Some(Ok(())) }
    }
}

/// An action that is being carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) id: ActionId,
    pub(crate) action: &'static str,
    pub(crate) outcome: Result<(), ActionError>,
}

#[derive(Debug, Default)]
pub(crate) struct Platform {
    /// The unit holds Active: from the first take action until a withdrawal is confirmed.
    pub(crate) holds: bool,
    /// The last withdrawal failed, or never ends.
    pub(crate) cannot_withdraw: bool,
    answers: BTreeMap<&'static str, Answer>,
    pending: BTreeMap<(u64, u64), Pending>,
}

impl Platform {
    /// From now on, actions of this name are answered like that.
    pub(crate) fn answer(&mut self, action: &'static str, answer: Answer) {
        self.answers.insert(action, answer);
    }

    /// From now on, everything is answered at once.
    pub(crate) fn repair(&mut self) {
        self.answers.clear();
    }

    pub(crate) fn begin(&mut self, now: u64, id: ActionId, action: &Action) {
        let name = action.name();
        self.holds |= matches!(action, Action::AdoptState { .. });
        let answer = self.answers.get(name).copied().unwrap_or(Answer::AT_ONCE);
        self.cannot_withdraw |= *action == Action::Withdraw && answer.outcome.is_none();
        if let Some(outcome) = answer.outcome {
            let pending = Pending { id, action: name, outcome };
            self.pending.insert((now + nanos(answer.after), id.0), pending);
        }
    }

    pub(crate) fn next_done(&self) -> Option<u64> {
        self.pending.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next action that has ended.
    pub(crate) fn done(&mut self, now: u64) -> Option<Pending> {
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
