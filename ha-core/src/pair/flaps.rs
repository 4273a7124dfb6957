//! A unit that changes its role too often holds back voluntary changes (PAIR-18). What the peer's loss, an
//! administrator or a stall demands is never held back.

use super::machine::Pair;
use super::news::Event;
use super::timer::Timer;
use crate::time::{Duration, Instant};
use alloc::collections::VecDeque;

/// When the unit took or gave up the Active role, the latest last: at most one more than the limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Flaps(pub(super) VecDeque<Instant>);

impl Flaps {
    fn note(&mut self, now: Instant, limit: u8) {
        self.0.push_back(now);
        if self.0.len() > usize::from(limit).saturating_add(1) {
            self.0.pop_front();
        }
    }

    /// How many of them lie within the window that ends now.
    pub(super) fn within(&self, now: Instant, window: Duration) -> usize {
        self.0.iter().filter(|at| **at + window > now).count()
    }

    pub(super) fn times(&self) -> impl Iterator<Item = Instant> + '_ {
        self.0.iter().copied()
    }
}

impl Pair {
    /// Voluntary changes are held back (PAIR-18).
    #[must_use]
    pub fn is_flap_held(&self, now: Instant) -> bool {
        let changes = self.flaps.within(now, self.config.flap_window);
        (self.config.rules.flaps)(changes, self.config.flap_limit)
    }

    /// The unit took the Active role or gave it up.
    pub(super) fn note_role_change(&mut self, now: Instant) {
        self.flaps.note(now, self.config.flap_limit);
        if self.is_flap_held(now) {
            let was_held = self.timers.get(Timer::Flap).is_some();
            let until = self.flap_hold_end(now);
            self.timers.set(Timer::Flap, Some(until));
            if !was_held {
                self.event(Event::FlapHold { until });
            }
        }
    }

    pub(super) fn flap_hold_over(&mut self, now: Instant) {
        if self.is_flap_held(now) {
            self.timers.set(Timer::Flap, Some(self.flap_hold_end(now)));
        } else {
            self.event(Event::FlapHoldOver);
            self.reconsider(now);
        }
    }

    /// When the earliest of the changes within the window will lie outside of it.
    fn flap_hold_end(&self, now: Instant) -> Instant {
        let window = self.config.flap_window;
        let earliest = self.flaps.times().map(|at| at + window).find(|end| *end > now);
        earliest.unwrap_or(now + window)
    }
}
