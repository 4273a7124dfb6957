//! What this unit does about each group, whenever something has changed.

use super::holding::{Goal, State, stance};
use super::machine::ClusterUnit;
use super::news::{Event, Standing, Why};
use super::peer::half;
use crate::election::Decision;
use crate::identity::{GroupNumber, NodeNumber};
use crate::wire::Condition;
use core::num::NonZeroU64;
use ha_core::time::Instant;

/// So many failure times a node holds back after a take that failed.
const HOLD_IN_FAILURE_TIMES: u32 = 10;
/// So many failure times a node waits before it asks again.
const ASK_AGAIN_IN_FAILURE_TIMES: u32 = 2;

impl ClusterUnit {
    /// Decides anew about every group.
    pub(super) fn reconsider(&mut self, now: Instant) {
        // One license for all groups: it stands still for all while it does for one.
        if self.told_license != self.licensed && !self.groups().any(|group| self.is_frozen(group)) {
            self.told_license = self.licensed;
            self.outgoing.is_due = true;
            self.groups().for_each(|group| self.renew_conflict(group));
        }
        if self.weigh(now) {
            self.outgoing.is_due = true;
        }
        for group in self.groups() {
            if self.is_speaker() {
                self.note_conflict(group);
                self.decide(now, group);
            }
            self.note_owner(group);
        }
    }

    fn decide(&mut self, now: Instant, group: GroupNumber) {
        let Some(holding) = self.holding(group) else { return };
        let state = holding.state;
        let may_take = holding.hold_until.is_none() && self.listening.is_none() && self.licensed;
        let may_ask = may_take && holding.ask_again.is_none();
        let view = self.view(group);
        let decision = (self.config.rules.decide)(group, &self.ranks.1, &view);
        match (state, decision) {
            // Whatever is released to it now is for nobody.
            (State::Asking { .. }, _) if !self.licensed => {
                self.enter(group, State::Idle, Why::NotGranted);
            }
            (State::Taking { .. } | State::Owner, Decision::Yield(_)) => {
                self.withdraw(now, group, Goal::Yield, Why::Conflict);
            }
            (State::Idle | State::Asking { .. }, Decision::Take) if may_take => {
                self.take(group, Why::NoOwner);
            }
            (State::Asking { owner, .. }, Decision::Ask(of)) if owner == of => {}
            (State::Idle | State::Asking { .. }, Decision::Ask(owner)) if may_ask => {
                self.ask(now, group, owner);
            }
            // The answer is on its way.
            (State::Asking { owner, .. }, Decision::Nothing)
                if view.is_giving_up(owner) && view.is_held_by_none_but(owner) => {}
            (State::Asking { .. }, _) => self.enter(group, State::Idle, Why::NotGranted),
            (State::Released { successor, .. }, _) => {
                // Whoever has taken it says so; that it asks still, or again, is no claim.
                let has_taken = view.get(successor).is_some_and(|it| it.said.stance.owns());
                if has_taken {
                    self.enter(group, State::Idle, Why::Claimed);
                }
            }
            _ => {}
        }
    }

    /// Another node owns what this one owns: from now on only words count that were said since.
    fn note_conflict(&mut self, group: GroupNumber) {
        let owns = matches!(
            self.holding(group).map(|it| it.state),
            Some(State::Taking { .. } | State::Owner)
        );
        let view = self.view(group);
        let rivals = || view.others().filter(|(_, it)| owns && it.said.stance.owns());
        let with = rivals().next().map(|(node, _)| node);
        let has_answered = rivals().any(|(_, it)| it.echo.is_some());
        let next = self.outgoing.number.saturating_add(1);
        let Some(holding) = self.holding_mut(group) else { return };
        match (with, holding.conflict_since) {
            (Some(with), None) => {
                (holding.conflict_since, holding.conflict_answered) = (Some(next), false);
                self.outgoing.is_due = true;
                self.event(Event::Conflict { group, with });
            }
            (None, Some(_)) => {
                holding.conflict_since = None;
                // The other one's announcements may have been the last that the switches heard.
                holding.announce = (holding.state == State::Owner).then_some(0);
            }
            // It knows of the conflict by now, and waits for words that echo that: it gets them at once.
            (Some(_), Some(_)) if has_answered && !holding.conflict_answered => {
                holding.conflict_answered = true;
                self.outgoing.is_due = true;
            }
            _ => {}
        }
    }

    /// Another owner can hear this unit: what both judge by stands still. An owner that does not hear it judges nothing,
    /// and for that nothing stands still.
    pub(super) fn is_frozen(&self, group: GroupNumber) -> bool {
        let is_in_conflict = self.holding(group).is_some_and(|it| it.conflict_since.is_some());
        let hears_us = |node: NodeNumber| {
            let content = self.words_of(node, group).and_then(|it| it.content.as_ref());
            let heard = content.and_then(|it| it.heard.get(self.config.own));
            heard.is_some_and(|entry| !entry.paths.is_empty())
        };
        let view = self.view(group);
        let mut rivals = view.others().filter(|(_, it)| it.said.stance.owns());
        is_in_conflict && rivals.any(|(node, _)| hears_us(node))
    }

    /// What is told has changed in a conflict in which nothing stands still: if the other owner has begun to hear this
    /// unit meanwhile, both must judge by what is told from now on.
    pub(super) fn renew_conflict(&mut self, group: GroupNumber) {
        let next = self.outgoing.number.saturating_add(1);
        let Some(holding) = self.holding_mut(group) else { return };
        if let Some(since) = &mut holding.conflict_since {
            (*since, holding.conflict_answered) = (next, false);
        }
    }

    fn note_owner(&mut self, group: GroupNumber) {
        let to = self.owner_seen(group);
        let Some(holding) = self.holding_mut(group) else { return };
        let from = core::mem::replace(&mut holding.owner, to);
        if from != to {
            self.outgoing.is_due = true;
            self.event(Event::Owner { group, from, to });
        }
    }

    pub(super) fn enter(&mut self, group: GroupNumber, to: State, why: Why) {
        let Some(holding) = self.holding_mut(group) else { return };
        let from = core::mem::replace(&mut holding.state, to);
        if to != State::Owner {
            holding.announce = None;
        }
        if !matches!(to, State::Taking { .. } | State::Owner) {
            holding.conflict_since = None;
        }
        let (from, to) = (stance(from.on_the_wire()), stance(to.on_the_wire()));
        if from != to {
            self.outgoing.is_due = true;
            self.event(Event::Stance { group, from, to, why });
        }
    }

    pub(super) fn take(&mut self, group: GroupNumber, why: Why) {
        let terms = self.words.iter().flatten().filter_map(|it| Some(it.entry(group)?.term));
        let highest = terms.max().unwrap_or(0);
        let Some(holding) = self.holding_mut(group) else { return };
        holding.term = holding.term.max(highest).saturating_add(1);
        holding.ask_again = None;
        self.enter(group, State::Taking { step: 0 }, why);
        self.begin_step(group);
    }

    fn ask(&mut self, now: Instant, group: GroupNumber, owner: NodeNumber) {
        self.nonces = self.nonces.saturating_add(1);
        let nonce = self.config.mint(self.nonces);
        let until = now + (self.config.rules.question_time)(self.config.failure_time());
        self.enter(group, State::Asking { owner, nonce, until }, Why::Better);
    }

    pub(super) fn release_to(
        &mut self,
        now: Instant,
        group: GroupNumber,
        successor: NodeNumber,
        nonce: NonZeroU64,
    ) {
        let goal = Goal::Release { successor, nonce };
        self.withdraw(now, group, goal, Why::Asked);
    }

    pub(super) fn withdraw(&mut self, now: Instant, group: GroupNumber, goal: Goal, why: Why) {
        self.enter(group, State::Withdrawing { goal, step: 0 }, why);
        if self.config.rules.releases_early {
            self.withdrawn(now, group, goal);
        }
        self.begin_step(group);
    }

    /// The withdrawal is confirmed.
    pub(super) fn withdrawn(&mut self, now: Instant, group: GroupNumber, goal: Goal) {
        let to = match goal {
            // Who ceased to speak withdraws for nobody (`give_all_up`). Either is enough.
            Goal::Release { successor, nonce } if self.is_speaker() => {
                let theirs = self.words_of(successor, group).map(|it| it.unit.failure_time());
                let longer = self.config.failure_time().max(theirs.unwrap_or_default());
                let until = now + (self.config.rules.release_time)(longer);
                State::Released { successor, nonce, until }
            }
            Goal::Release { .. } | Goal::Yield => State::Idle,
        };
        self.enter(group, to, Why::Done);
    }

    /// This unit must not hold anything any more.
    pub(super) fn give_all_up(&mut self, now: Instant, why: Why) {
        for group in self.groups() {
            match self.holding(group).map(|it| it.state) {
                Some(State::Taking { .. } | State::Owner) => {
                    self.withdraw(now, group, Goal::Yield, why);
                }
                Some(State::Asking { .. } | State::Released { .. }) => {
                    self.enter(group, State::Idle, why);
                }
                // What is being withdrawn is released to nobody now: who asked may have given up.
                Some(State::Withdrawing { step, .. }) => {
                    let goal = Goal::Yield;
                    self.enter(group, State::Withdrawing { goal, step }, why);
                }
                Some(State::Idle) | None => {}
            }
        }
    }

    /// The pair, or the embedder, says what this unit is in its node.
    pub(super) fn stands(&mut self, now: Instant, standing: Standing) {
        if standing == self.standing {
            return;
        }
        let was = core::mem::replace(&mut self.standing, standing);
        self.outgoing.is_due = true;
        match (was.condition == Condition::Active, standing.condition == Condition::Active) {
            (false, true) => self.inherit(),
            (true, false) => self.give_all_up(now, Why::Retired),
            _ => {}
        }
    }

    /// The other unit of this node was its active one: what that owned, the node owns still, unless another node has it
    /// by now, or is heard to hear another owner (VG-6). A node that asks for it is answered afterwards. It needs no license
    /// for that: a node keeps what it owns (S6).
    fn inherit(&mut self) {
        let node = self.config.own.node;
        for group in self.groups() {
            let entry = self.entry_of(node, group);
            let owned = entry.is_some_and(|entry| stance(entry.stance).owns());
            let is_free = self.view(group).others().all(|(_, it)| {
                !it.said.stance.holds() && it.owner.is_none_or(|owner| owner == node)
            });
            let is_idle = self.holding(group).is_some_and(|it| it.state == State::Idle);
            if owned && is_idle && is_free {
                self.take(group, Why::Inherited);
            }
        }
    }

    /// What is due by now.
    pub(super) fn time_passes(&mut self, now: Instant) {
        self.note_hearing();
        self.note_x0(now);
        let failure_time = self.config.failure_time();
        for group in self.groups() {
            self.time_out_action(now, group);
            let Some(holding) = self.holding_mut(group) else { continue };
            let is_over = |at: Instant| at <= now;
            if holding.hold_until.is_some_and(is_over) {
                holding.hold_until = None;
            }
            if holding.ask_again.is_some_and(is_over) {
                holding.ask_again = None;
            }
            match holding.state {
                State::Asking { until, .. } if until <= now => {
                    let again = failure_time.saturating_mul(ASK_AGAIN_IN_FAILURE_TIMES);
                    holding.ask_again = Some(now + again);
                    self.enter(group, State::Idle, Why::NotGranted);
                }
                State::Released { until, .. } if until <= now => {
                    self.enter(group, State::Idle, Why::NotClaimed);
                }
                _ => {}
            }
        }
        self.settle(now);
    }

    /// Where nobody owns a group there is nobody whom a higher weight could disturb: what a start is told of its ports counts
    /// at once. It has heard the owner by the first half of its listening if there is one; and the others hear its weight
    /// within the second, before anybody takes by it.
    fn settle(&mut self, now: Instant) {
        let listens = (self.config.rules.listening_time)(self.config.failure_time());
        if self.listening.is_none_or(|until| until > now + half(listens)) {
            return;
        }
        for group in self.groups() {
            let is_free = self.owner_seen(group).is_none();
            if let Some(held) = self.held.get_mut(group.index()).filter(|_| is_free) {
                held.settle();
            }
        }
    }

    /// The take failed: another node should have the group.
    pub(super) fn take_failed(&mut self, now: Instant, group: GroupNumber) {
        let hold = self.config.failure_time().saturating_mul(HOLD_IN_FAILURE_TIMES);
        if let Some(holding) = self.holding_mut(group) {
            holding.hold_until = Some(now + hold);
        }
        self.withdraw(now, group, Goal::Yield, Why::TakeFailed);
    }
}
