//! The actions of a take and of a withdrawal, in order, each waiting for the one before (PAIR-16).

use super::news::Action;
use crate::machine::{ActionError, ActionId};
use crate::time::Instant;
use alloc::collections::VecDeque;
use core::time::Duration;

/// The most actions that are handed out and not answered: probes and restarts of all monitors at once. One
/// that is not answered by then counts as forgotten.
const MAX_OPEN: usize = 128;

/// A step of a take or a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    AdoptState,
    OpenForwarding,
    TakeAddresses,
    Withdraw,
}

/// What an answer means for the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Taken,
    TakeFailed(&'static str, ActionError),
    Withdrawn,
    WithdrawFailed(ActionError),
    /// An action on which the role does not depend failed.
    Failed(&'static str, ActionError),
}

#[derive(Clone, Debug)]
pub(super) struct Duties {
    /// What a take says of the dynamic routes (PAIR-17).
    pub(super) route_hold: Duration,
    pub(super) next_id: ActionId,
    pub(super) queue: VecDeque<(ActionId, Action)>,
    /// The step that is handed out or queued. There is never more than one.
    pub(super) step: Option<(ActionId, Step, Instant)>,
    /// A withdrawal waits for the step of a take that is under way.
    pub(super) withdraw_next: bool,
    pub(super) open: VecDeque<(ActionId, &'static str)>,
}

impl Duties {
    pub(super) fn new(route_hold: Duration) -> Self {
        Self {
            route_hold,
            next_id: ActionId::default(),
            queue: VecDeque::new(),
            step: None,
            withdraw_next: false,
            open: VecDeque::new(),
        }
    }

    pub(super) fn take(&mut self, now: Instant, limit: Duration) {
        self.queue.retain(|(_, action)| *action != Action::StandDown);
        self.withdraw_next = false;
        self.begin(Step::AdoptState, now, limit);
    }

    pub(super) fn withdraw(&mut self, now: Instant, limit: Duration) {
        self.queue.retain(|(_, action)| {
            !matches!(
                action,
                Action::Announce { .. } | Action::ResumeClients | Action::EndRouteHold
            )
        });
        match self.step {
            // Not handed out yet: nothing has happened that would have to be waited for.
            Some((id, ..)) if self.is_queued(id) => {
                self.queue.retain(|(queued, _)| *queued != id);
                self.begin(Step::Withdraw, now, limit);
            }
            Some((_, Step::Withdraw, _)) => {}
            Some(_) => self.withdraw_next = true,
            None => self.begin(Step::Withdraw, now, limit),
        }
    }

    /// Queues an action on which no later one waits. It supersedes a queued one of the same kind.
    pub(super) fn add(&mut self, action: Action) -> ActionId {
        let kind = core::mem::discriminant(&action);
        self.queue.retain(|(_, queued)| core::mem::discriminant(queued) != kind);
        let id = self.next_id.mint();
        self.queue.push_back((id, action));
        id
    }

    /// The step that is to be handed out.
    pub(super) fn poll_step(&mut self) -> Option<(ActionId, Action)> {
        let (id, ..) = self.step?;
        // It was queued at the front, and others at the back.
        if self.queue.front().is_some_and(|(queued, _)| *queued == id) {
            self.queue.pop_front()
        } else {
            None
        }
    }

    /// The next action on which no later one waits; for when there is no step to be handed out.
    pub(super) fn poll_rest(&mut self) -> Option<(ActionId, Action)> {
        let (id, action) = self.queue.pop_front()?;
        self.opened(id, action.name());
        Some((id, action))
    }

    /// The number of an action that is handed out at once.
    pub(super) fn hand_out(&mut self, name: &'static str) -> ActionId {
        let id = self.next_id.mint();
        self.opened(id, name);
        id
    }

    fn opened(&mut self, id: ActionId, name: &'static str) {
        if self.open.len() == MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((id, name));
    }

    pub(super) fn done(
        &mut self,
        now: Instant,
        limit: Duration,
        id: ActionId,
        result: Result<(), ActionError>,
    ) -> Option<Outcome> {
        match self.step {
            Some((current, step, _)) if current == id && !self.is_queued(id) => {
                self.step = None;
                self.step_done(now, limit, step, result)
            }
            _ => {
                let at = self.open.iter().position(|(open, _)| *open == id)?;
                let (_, name) = self.open.remove(at)?;
                result.err().map(|error| Outcome::Failed(name, error))
            }
        }
    }

    /// When the step that is under way has lasted too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.step.map(|(.., until)| until)
    }

    /// The step has lasted too long: as if it had failed.
    pub(super) fn time_out(&mut self, now: Instant, limit: Duration) -> Option<Outcome> {
        let (id, step, until) = self.step?;
        if until > now {
            return None;
        }
        self.queue.retain(|(queued, _)| *queued != id);
        self.step = None;
        self.step_done(now, limit, step, Err(ActionError::TimedOut))
    }

    fn step_done(
        &mut self,
        now: Instant,
        limit: Duration,
        step: Step,
        result: Result<(), ActionError>,
    ) -> Option<Outcome> {
        if self.withdraw_next {
            self.withdraw_next = false;
            self.begin(Step::Withdraw, now, limit);
            return None;
        }
        match (step, result) {
            (Step::Withdraw, Ok(())) => Some(Outcome::Withdrawn),
            (Step::Withdraw, Err(error)) => Some(Outcome::WithdrawFailed(error)),
            // An Active without the old sessions is better than none.
            (Step::AdoptState, result) => {
                self.begin(Step::OpenForwarding, now, limit);
                result.err().map(|error| Outcome::Failed("AdoptState", error))
            }
            (Step::OpenForwarding, Ok(())) => {
                self.begin(Step::TakeAddresses, now, limit);
                None
            }
            (Step::TakeAddresses, Ok(())) => Some(Outcome::Taken),
            (Step::OpenForwarding, Err(error)) => {
                Some(Outcome::TakeFailed("OpenForwarding", error))
            }
            (Step::TakeAddresses, Err(error)) => Some(Outcome::TakeFailed("TakeAddresses", error)),
        }
    }

    fn begin(&mut self, step: Step, now: Instant, limit: Duration) {
        let id = self.next_id.mint();
        self.step = Some((id, step, now + limit));
        self.queue.push_front((id, step.action(self.route_hold)));
    }

    fn is_queued(&self, id: ActionId) -> bool {
        self.queue.iter().any(|(queued, _)| *queued == id)
    }
}

impl Step {
    fn action(self, route_hold: Duration) -> Action {
        match self {
            Self::AdoptState => Action::AdoptState { route_hold },
            Self::OpenForwarding => Action::OpenForwarding,
            Self::TakeAddresses => Action::TakeAddresses,
            Self::Withdraw => Action::Withdraw,
        }
    }
}

impl Action {
    /// The action's name, for a log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AdoptState { .. } => "AdoptState",
            Self::OpenForwarding => "OpenForwarding",
            Self::TakeAddresses => "TakeAddresses",
            Self::Announce { .. } => "Announce",
            Self::ResumeClients => "ResumeClients",
            Self::EndRouteHold => "EndRouteHold",
            Self::Withdraw => "Withdraw",
            Self::StandDown => "StandDown",
            Self::Probe(_) => "Probe",
            Self::RestartService { .. } => "RestartService",
            Self::Persist { .. } => "Persist",
        }
    }
}
