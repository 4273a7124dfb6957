//! Crash detection: services that report, are restarted, and are given up (CRASH-1, CRASH-2).

use super::RESTORE_HOLD;
use super::config::{Service, ServiceScope};
use crate::machine::ActionId;
use crate::pair::ServiceFailure;
use crate::time::Instant;
use alloc::collections::VecDeque;
use core::time::Duration;

/// A restart that was not answered for so long counts as carried out: nothing else could end it.
const RESTART_LIMIT: Duration = Duration::from_secs(120);
/// What is known of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has not reported since this unit watches it.
    Unheard,
    Works,
    Failed,
    /// It had failed, and reports again: it counts with the first report from then on.
    Returns {
        until: Instant,
    },
}

/// A service that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) service: Service,
    /// It is not expected to run here.
    pub(super) is_idle: bool,
    pub(super) is_given_up: bool,
    standing: Standing,
    /// By then it has to report.
    due: Instant,
    /// When restarts were asked for, the latest last: within the window, and not more than allowed.
    restarts: VecDeque<Instant>,
    /// A restart is to be asked for.
    pending: bool,
    /// One is under way, and counts as such until then.
    restarting: Option<(ActionId, Instant)>,
}

/// What became of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Failed(ServiceFailure),
    Recovered,
    GivenUp,
}

impl Watched {
    pub(super) fn new(service: Service, now: Instant) -> Self {
        Self {
            service,
            is_idle: service.scope == ServiceScope::ActiveOnly,
            is_given_up: false,
            standing: Standing::Unheard,
            due: now + service.deadline,
            restarts: VecDeque::new(),
            pending: false,
            restarting: None,
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        self.standing == Standing::Failed
    }

    /// It makes the unit less fit. `must_show`: so does one that has not shown that it works.
    pub(super) fn is_deducted(&self, must_show: bool) -> bool {
        self.service.scope == ServiceScope::Both
            && match self.standing {
                Standing::Works => false,
                Standing::Failed => true,
                Standing::Unheard | Standing::Returns { .. } => must_show,
            }
    }

    pub(super) fn restarts(&self) -> usize {
        self.restarts.len()
    }

    /// When it has to be looked at again.
    pub(super) fn next(&self) -> Option<Instant> {
        // One that was given up comes back by itself, or by an administrator.
        (!self.is_idle && !self.is_given_up).then_some(self.due)
    }

    /// It reports. However often it does, that is all there is to it.
    pub(super) fn alive(&mut self, now: Instant) -> Change {
        if self.is_idle {
            return Change::None;
        }
        self.due = now + self.service.deadline;
        self.pending = false;
        self.is_given_up = false;
        match self.standing {
            Standing::Failed => {
                self.standing = Standing::Returns { until: now + RESTORE_HOLD };
                Change::Recovered
            }
            Standing::Unheard => {
                self.standing = Standing::Works;
                Change::None
            }
            Standing::Returns { until } if until <= now => {
                self.standing = Standing::Works;
                Change::None
            }
            Standing::Works | Standing::Returns { .. } => Change::None,
        }
    }

    /// Its deadline has passed, or the embedder knows that it failed.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        why: ServiceFailure,
        may_restart: fn(usize, u8) -> bool,
    ) -> Change {
        if self.is_idle || self.is_given_up {
            return Change::None;
        }
        // A check that finds it not working while it has its deadline says nothing new.
        if self.is_failed() && why == ServiceFailure::Told && now < self.due {
            return Change::None;
        }
        self.due = now + self.service.deadline;
        let is_new = core::mem::replace(&mut self.standing, Standing::Failed) != Standing::Failed;
        let change = if is_new { Change::Failed(why) } else { Change::None };
        // Its last restart is not over yet: it has another deadline.
        if self.pending || self.restarting.is_some_and(|(_, until)| now < until) {
            return change;
        }
        self.restarting = None;
        let begin = now.saturating_sub(self.service.window);
        self.restarts.retain(|at| *at > begin);
        if !may_restart(self.restarts.len(), self.service.restarts) {
            self.is_given_up = true;
            // That it failed is news of its own.
            return if is_new { change } else { Change::GivenUp };
        }
        self.restarts.push_back(now);
        self.pending = true;
        change
    }

    /// Says whether it has to be told that the deadline has passed.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.next().is_some_and(|due| due <= now)
    }

    /// An administrator wants another try. Says whether there is anything to try.
    pub(super) fn retry(&mut self, now: Instant) -> bool {
        if !self.is_failed() || self.is_idle {
            return false;
        }
        self.restarts.clear();
        self.is_given_up = false;
        // One that was never answered must not stand in the way.
        self.restarting = None;
        self.pending = true;
        self.due = now + self.service.deadline;
        true
    }

    pub(super) fn wants_restart(&self) -> bool {
        self.pending
    }

    /// The restart is asked for, by this action.
    pub(super) fn restarting(&mut self, now: Instant, id: ActionId) {
        self.pending = false;
        self.restarting = Some((id, now + RESTART_LIMIT));
    }

    /// The restart was carried out, or not; it has its deadline from now on.
    pub(super) fn restarted(&mut self, now: Instant, id: ActionId) -> bool {
        let is_it = self.restarting.is_some_and(|(restarting, _)| restarting == id);
        if is_it {
            self.restarting = None;
            self.due = now + self.service.deadline;
        }
        is_it
    }

    /// The unit is Active from now on, or no longer.
    pub(super) fn active(&mut self, now: Instant, active: bool) {
        if self.service.scope == ServiceScope::ActiveOnly && self.is_idle == active {
            // It begins anew, but for its restarts: a role that moves must not make them endless.
            *self = Self {
                is_idle: !active,
                restarts: core::mem::take(&mut self.restarts),
                restarting: self.restarting,
                ..Self::new(self.service, now)
            };
        }
    }

    /// This unit did nothing for a while, and reports of that time were not heard (CRASH-4).
    pub(super) fn stalled(&mut self, now: Instant) {
        self.due = self.due.max(now + self.service.deadline);
        if let Standing::Returns { until } = &mut self.standing {
            *until = now + RESTORE_HOLD;
        }
    }

    /// This unit was woken late: for so long nothing may have been heard of it.
    pub(super) fn late(&mut self, by: Duration) {
        self.due = self.due + by;
    }
}
