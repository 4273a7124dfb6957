//! The actions of takes and withdrawals: one at a time for each group (VG-5, VG-8).

use super::holding::State;
use super::machine::ClusterUnit;
use super::news::{Event, Why};
use crate::identity::GroupNumber;
use crate::virtual_address::{Duty, GroupAction};
use alloc::vec::Vec;
use ha_core::machine::{ActionError, ActionId};
use ha_core::time::Instant;

/// So many frames are announced in one action, so that a slow platform has never more than these to drop.
const BURST: usize = 32;

impl ClusterUnit {
    /// What the present state has to do next, once the platform has done what it is doing.
    pub(super) fn begin_step(&mut self, group: GroupNumber) {
        let Some(holding) = self.holding_mut(group) else { return };
        holding.pending = None;
        if holding.running.is_some() {
            return;
        }
        holding.pending = match holding.state {
            State::Taking { step } => Duty::of_take().nth(step),
            State::Withdrawing { step, .. } => Duty::of_withdrawal().nth(step),
            _ => None,
        };
    }

    pub(super) fn poll_action(&mut self, now: Instant) -> Option<(ActionId, GroupAction)> {
        let until = now + self.config.action_timeout;
        let group = self.groups().find(|group| self.wants_action(*group))?;
        let id = self.ids.mint();
        let holding = self.holdings.get_mut(group.index())?;
        let (duty, action) = match (holding.pending.take(), holding.announce) {
            (Some(duty), _) => (duty, duty.action(&self.config.addresses, group)),
            (None, from) => {
                let frames = self.config.addresses.announcements(group).skip(from?);
                let frames: Vec<_> = frames.take(BURST).collect();
                (Duty::Announce, GroupAction::Announce { group, frames })
            }
        };
        holding.running = Some((id, duty, until));
        Some((id, action))
    }

    fn wants_action(&self, group: GroupNumber) -> bool {
        self.holding(group).is_some_and(|it| {
            it.running.is_none() && (it.pending.is_some() || it.announce.is_some())
        })
    }

    /// The platform has carried something out, or has failed.
    pub(super) fn done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        let is_it = |group: &GroupNumber| {
            let running = self.holding(*group).and_then(|it| it.running);
            running.is_some_and(|(running, _, _)| running == id)
        };
        if let Some(group) = self.groups().find(is_it) {
            self.ended(now, group, outcome);
        }
    }

    pub(super) fn time_out_action(&mut self, now: Instant, group: GroupNumber) {
        let Some(holding) = self.holding_mut(group) else { return };
        if holding.running.is_some_and(|(_, _, until)| until <= now) {
            self.ended(now, group, Err(ActionError::TimedOut));
        }
        let Some(holding) = self.holding_mut(group) else { return };
        if holding.try_again.is_some_and(|at| at <= now) {
            holding.try_again = None;
            self.begin_step(group);
        }
    }

    fn ended(&mut self, now: Instant, group: GroupNumber, outcome: Result<(), ActionError>) {
        let Some(holding) = self.holding_mut(group) else { return };
        let Some((_, duty, _)) = holding.running.take() else { return };
        let state = holding.state;
        if let Err(error) = outcome {
            self.event(Event::ActionFailed { group, duty, error });
        }
        let counts = outcome.is_ok() || !duty.is_decisive();
        match state {
            // It is about what this unit does by now: else the first step of that was waiting for this one.
            State::Taking { step } if Duty::of_take().nth(step) == Some(duty) => {
                if counts {
                    self.took(group, step)
                } else {
                    self.take_failed(now, group)
                }
            }
            State::Withdrawing { goal, step } if Duty::of_withdrawal().nth(step) == Some(duty) => {
                if !counts {
                    // Nobody forwarding is the lesser evil: it is tried for ever, and the group is not released.
                    let again = now + self.config.interval;
                    if let Some(holding) = self.holding_mut(group) {
                        holding.try_again = Some(again);
                    }
                } else if duty == Duty::WithdrawAddresses {
                    self.withdrawn(now, group, goal);
                    if let Some(holding) = self.holding_mut(group) {
                        holding.pending = Some(Duty::RebuildConnections);
                    }
                } else {
                    let step = step.saturating_add(1);
                    self.enter(group, State::Withdrawing { goal, step }, Why::Done);
                    self.begin_step(group);
                }
            }
            State::Owner if duty == Duty::Announce => self.announced(group),
            _ => self.begin_step(group),
        }
    }

    /// A step of a take is done.
    fn took(&mut self, group: GroupNumber, step: usize) {
        let step = step.saturating_add(1);
        if Duty::of_take().nth(step) != Some(Duty::Announce) {
            self.enter(group, State::Taking { step }, Why::Done);
            return self.begin_step(group);
        }
        // The addresses are here; nothing waits for what is told of them.
        self.enter(group, State::Owner, Why::Done);
        if let Some(holding) = self.holding_mut(group) {
            holding.announce = Some(0);
        }
        self.announce_rest(group);
    }

    fn announced(&mut self, group: GroupNumber) {
        if let Some(holding) = self.holding_mut(group) {
            holding.announce = holding.announce.map(|from| from.saturating_add(BURST));
        }
        self.announce_rest(group);
    }

    /// Nothing more is announced once all of it was.
    fn announce_rest(&mut self, group: GroupNumber) {
        let from = self.holding(group).and_then(|it| it.announce);
        let rest = from.and_then(|from| self.config.addresses.announcements(group).nth(from));
        if rest.is_none()
            && let Some(holding) = self.holding_mut(group)
        {
            holding.announce = None;
        }
    }
}
