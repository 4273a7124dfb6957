//! How the role machine drives the monitors, and what follows from them.

use super::comparison::Health;
use super::machine::Pair;
use super::news::{Action, Event};
use super::role::State;
use super::timer::Timer;
use crate::machine::ActionId;
use crate::monitor::{Deduction, Monitor, Report};
use crate::time::Instant;
use alloc::vec::Vec;

impl Pair {
    /// Does something with the monitors. If that changes this unit's health, it decides anew; what else the
    /// peer has to know it is told at once (MON-4).
    pub(super) fn monitor<T>(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut Monitor, Instant) -> T,
    ) -> T {
        if self.monitor.is_idle() || matches!(self.state, State::Left | State::Disabled) {
            return act(&mut self.monitor, now);
        }
        let before = self.judgement();
        let result = act(&mut self.monitor, now);
        for event in self.monitor.take_events() {
            self.event(event);
        }
        self.set_monitor_timer();
        self.note_isolation(now);
        let has_news = self.monitor.take_news();
        if !self.note_health(now, before) && has_news {
            self.beat(now);
        }
        result
    }

    /// How fit this unit is, and what its weight lacks.
    pub(super) fn judgement(&self) -> (Health, Vec<Deduction>) {
        (self.health(), self.monitor.deductions().collect())
    }

    /// Decides anew if the health is another one than before; says whether it is.
    pub(super) fn note_health(&mut self, now: Instant, before: (Health, Vec<Deduction>)) -> bool {
        let (before, health) = (self.tell_weight(before), self.health());
        if before != health {
            self.reconsider(now);
        }
        before != health
    }

    /// Tells if the weight is another one than before; gives back the health of then.
    fn tell_weight(&mut self, before: (Health, Vec<Deduction>)) -> Health {
        let ((before, lacked), (health, lacks)) = (before, self.judgement());
        if before.weight != health.weight {
            let without = |all: &[Deduction], those: &[Deduction]| {
                all.iter().filter(|it| !those.contains(it)).copied().collect()
            };
            self.event(Event::WeightChanged {
                from: before.weight,
                to: health.weight,
                deducted: without(&lacks, &lacked),
                restored: without(&lacked, &lacks),
            });
        }
        before
    }

    /// This unit holds the role from now on, or no longer: other monitors count.
    pub(super) fn monitor_as(&mut self, now: Instant, holds_active: bool) {
        let before = self.judgement();
        self.monitor.active(now, holds_active);
        self.tell_weight(before);
        self.set_monitor_timer();
    }

    pub(super) fn set_monitor_timer(&mut self) {
        let works = !matches!(self.state, State::Left | State::Disabled);
        self.timers.set(Timer::Monitor, self.monitor.next().filter(|_| works));
    }

    /// What the peer says of its monitors.
    pub(super) fn hear_monitors(&mut self, now: Instant, anew: bool, report: Report) {
        let echo = self.peer.last().and_then(|last| last.heartbeat.echo);
        let knows_us = echo.is_some_and(|echo| self.history.said(echo).is_some());
        self.monitor(now, |monitor, now| {
            if anew {
                monitor.forget_peer();
            }
            monitor.hear(now, &report, knows_us);
        });
        self.peer.deductions = report.deductions;
    }

    /// A probe that is to be sent, or a service that is to be restarted. They come after all that the role
    /// needs.
    pub(super) fn poll_monitor(&mut self, now: Instant) -> Option<(ActionId, Action)> {
        if let Some(probe) = self.monitor.poll_probe() {
            let action = Action::Probe(probe);
            return Some((self.duties.hand_out(&action), action));
        }
        let service = self.monitor.wants_restart()?;
        let action = Action::RestartService { service };
        let id = self.duties.hand_out(&action);
        self.monitor.restarting(now, service, id);
        Some((id, action))
    }
}
