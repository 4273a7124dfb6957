//! Two Actives that hear each other, and how one of them gives way (PAIR-13).
//!
//! Each judges what its peer said against what it had said itself in the heartbeat that the peer echoes.
//! Both must come to the same result, whatever changes meanwhile. So what an Active tells of its health
//! stands still from the moment that it hears of the conflict until that is over (our decision); and it judges
//! only by words that it said since. A peer that echoes those has heard of the conflict, too: what it says
//! stands still as well.

use super::comparison::{Claim, Health, Standing};
use super::heartbeat::Heartbeat;
use super::machine::Pair;
use super::news::Event;
use super::role::{Stance, State};
use crate::time::Instant;
use core::cmp::Ordering;

/// A conflict, as one of the two Actives knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    /// The health that counts until it is over, whatever happens to this unit meanwhile.
    pub(super) health: Health,
    /// The number of the first heartbeat since this unit knows of it.
    pub(super) first: u64,
    /// The peer has heard that this unit is Active.
    pub(super) is_known: bool,
}

/// What an exchange of words in a conflict still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing but the next regular heartbeat.
    None,
    /// The peer can judge only what it has heard and echoed: let it hear us now.
    AtOnce,
}

impl Pair {
    /// Notes that both hold the role, or that they do so no longer.
    pub(super) fn note_conflict(&mut self, now: Instant, heartbeat: &Heartbeat) -> Reply {
        let we_hold = self.state.stance() == Stance::Active;
        // A peer that wakes from a stall is withdrawing when it is first heard: it held the addresses too.
        let both = we_hold && matches!(heartbeat.stance, Stance::Active | Stance::Withdrawing);
        let is_known = heartbeat.echo.and_then(|echo| self.history.said(echo));
        let is_known = is_known.is_some_and(|(said, _)| said.claim == Claim::Active);
        match self.conflict {
            Some(_) if !both => {
                if self.state == State::Active {
                    self.announce_anew();
                }
                self.end_conflict(now);
                Reply::None
            }
            Some(conflict) if is_known && !conflict.is_known => {
                self.conflict = Some(Conflict { is_known, ..conflict });
                Reply::AtOnce
            }
            None if both => {
                let first = self.beat.next_number();
                self.conflict = Some(Conflict { health: self.health(), first, is_known });
                if heartbeat.stance == Stance::Withdrawing {
                    return Reply::None;
                }
                let (our_term, peer_term) = (self.term, heartbeat.term);
                self.event(Event::Conflict { peer_term, our_term });
                Reply::AtOnce
            }
            Some(_) | None => Reply::None,
        }
    }

    /// It is over: what changed meanwhile counts now.
    pub(super) fn end_conflict(&mut self, now: Instant) {
        let said = self.health_said();
        self.conflict = None;
        if self.health() != said {
            self.beat(now);
        }
    }

    /// The health that this unit's heartbeats tell.
    pub(super) fn health_said(&self) -> Health {
        let counts = |_: &Conflict| self.state.stance() == Stance::Active;
        self.conflict.filter(counts).map_or_else(|| self.health(), |conflict| conflict.health)
    }

    /// Judges the peer's values against those of ours that it had heard when it sent them, if what we
    /// have to do with the role is still the same (PAIR-13): in a conflict those since it began, else those with
    /// which we might have taken the role as well.
    pub(super) fn we_are_better(&self, heartbeat: &Heartbeat) -> Option<bool> {
        let echo = heartbeat.echo?;
        let (ours, eligible) = self.history.said(echo)?;
        let is_valid = match ours.claim {
            Claim::Active => self.conflict.is_some_and(|conflict| echo.number >= conflict.first),
            Claim::Cold | Claim::Warm => eligible == self.eligible(),
        };
        if ours.claim != self.claim() || !is_valid {
            return None;
        }
        Some(match (self.config.rules.compare)(&ours, &heartbeat.standing()) {
            Ordering::Greater => true,
            Ordering::Less => false,
            // Two units of the same designation: a mistake, but one of them must win.
            Ordering::Equal => self.config.serial < heartbeat.serial,
        })
    }

    /// What this unit said of itself in a comparison, were it made now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            health: self.health_said(),
            designation: self.config.designation,
            preempt: self.config.preempt,
            term: self.term,
            claim: self.claim(),
        }
    }

    fn claim(&self) -> Claim {
        match self.state.stance() {
            Stance::Active => Claim::Active,
            _ if self.warm => Claim::Warm,
            _ => Claim::Cold,
        }
    }
}
