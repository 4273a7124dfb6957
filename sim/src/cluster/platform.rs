//! The platform of a unit of a cluster: which groups' addresses are there, and how it answers.

use super::setup::GROUPS;
use crate::platform::Answer;
use crate::random::nanos;
use core::time::Duration;
use ha_core::machine::{ActionError, ActionId};
use std::collections::BTreeMap;
use svrrp::GroupNumber;
use svrrp::virtual_address::Duty;

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A virtual group.
    Group(GroupNumber, Duty),
    /// The role inside the node.
    Pair(&'static str),
}

impl About {
    /// The name of the action.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Group(_, duty) => duty.name(),
            Self::Pair(name) => name,
        }
    }
}

/// An action that has been carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) id: ActionId,
    pub(crate) about: About,
    pub(crate) outcome: Result<(), ActionError>,
}

/// What one unit's platform does with actions.
#[derive(Debug)]
pub struct Platform {
    /// By group: the unit holds it, from the first action of a take until the withdrawal is confirmed.
    pub holds: [bool; GROUPS],
    /// The same of the role inside the node.
    pub holds_role: bool,
    /// How long an action takes that no answer is set for.
    pub usual: Duration,
    answers: BTreeMap<&'static str, Answer>,
    pending: BTreeMap<(u64, u64), Done>,
    /// When something of it last went wrong, or was late.
    pub(crate) trouble: Option<u64>,
}

impl Platform {
    pub(crate) fn new() -> Self {
        Self {
            holds: [false; GROUPS],
            holds_role: false,
            usual: Duration::ZERO,
            answers: BTreeMap::new(),
            pending: BTreeMap::new(),
            trouble: None,
        }
    }

    pub(crate) fn answer(&mut self, now: u64, action: &'static str, answer: Answer) {
        self.answers.insert(action, answer);
        self.trouble = Some(now);
    }

    pub(crate) fn repair(&mut self) {
        self.answers.clear();
    }

    /// No answer is out of the ordinary, and none is under way that was.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.answers.is_empty()
    }

    /// It is asked for something; `takes`: by a unit that is taking the group.
    pub(crate) fn begin(&mut self, now: u64, id: ActionId, about: About, takes: bool) {
        match about {
            About::Group(group, _) => self.holds[group.index()] |= takes,
            About::Pair(name) => self.holds_role |= name == "AdoptState",
        }
        let usual = Answer::after(self.usual);
        let answer = self.answers.get(about.name()).copied().unwrap_or(usual);
        if self.answers.contains_key(about.name()) {
            self.trouble = Some(now);
        }
        if let Some(outcome) = answer.outcome {
            let at = now + nanos(answer.after);
            self.pending.insert((at, id.0), Done { id, about, outcome });
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
        if done.outcome.is_err() {
            self.trouble = Some(now);
        }
        match done.about {
            About::Group(group, Duty::WithdrawAddresses) => {
                self.holds[group.index()] &= done.outcome.is_err();
            }
            About::Pair("Withdraw") => self.holds_role &= done.outcome.is_err(),
            _ => {}
        }
        Some(done)
    }

    /// The unit lost its power: nothing is there any more.
    pub(crate) fn power_off(&mut self) {
        self.pending.clear();
        self.holds = [false; GROUPS];
        self.holds_role = false;
    }
}
