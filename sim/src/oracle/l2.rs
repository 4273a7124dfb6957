//! L2: equal faults that both sides know of change no role; arriving one after the other, at most one.
//!
//! Seen from outside, a change is *voluntary* if the peer released the role and nobody had ordered that.

use super::{Broken, Rule};
use crate::glimpse::Glimpse;
use ha_core::pair::{Health, Stance};

#[derive(Debug, Default)]
pub(super) struct L2 {
    units: [Watched; 2],
    /// Voluntary changes since the last change of anybody's health, reachability or process, and since the
    /// role last moved by need or order.
    changes: u32,
}

#[derive(Debug, Default)]
struct Watched {
    /// The least that the peer has said of its health since this unit last sent a heartbeat, and what it said
    /// last: one that is handed in several heartbeats before it is polled may have asked on any of them.
    least: Health,
    peers_health: Health,
    /// Its present question.
    ask: u64,
    /// It asked before the last change: what follows from that is not counted.
    outdated: bool,
    /// What was wrong with asking of its own accord when it did, if something was.
    objection: Option<Broken>,
    preempts: bool,
    /// Somebody ordered it to take, and it has not given up yet.
    is_ordered: bool,
    /// Until when its peer wants it to take.
    invited_until: u64,
}

/// What of a unit counts when it asks for the role: its health as its embedder knows it, and whether it has
/// the state that a Standby is to have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) health: Health,
    pub(super) is_complete: bool,
}

impl L2 {
    pub(super) fn started(&mut self, unit: usize) {
        let invited_until = self.units[unit].invited_until;
        self.units[unit] = Watched { invited_until, ..Watched::default() };
    }

    pub(super) fn changed(&mut self) {
        self.changes = 0;
        for watched in &mut self.units {
            watched.outdated = watched.ask != 0;
        }
    }

    pub(super) fn ordered(&mut self, unit: usize) {
        self.units[unit].is_ordered = true;
    }

    pub(super) fn invited(&mut self, unit: usize, until: u64) {
        self.units[unit].invited_until = until;
    }

    pub(super) fn hears(&mut self, unit: usize, glimpse: Glimpse) {
        let watched = &mut self.units[unit];
        watched.peers_health = glimpse.health;
        watched.least = watched.least.min(glimpse.health);
    }

    pub(super) fn is_new_question(&self, unit: usize, glimpse: Glimpse) -> bool {
        glimpse.ask != 0 && self.units[unit].ask != glimpse.ask
    }

    pub(super) fn sends(&mut self, unit: usize, glimpse: Glimpse, asker: Asker) {
        let watched = &mut self.units[unit];
        watched.preempts = glimpse.preempts;
        if watched.ask != glimpse.ask {
            watched.ask = glimpse.ask;
            watched.outdated &= glimpse.ask == 0;
            if glimpse.ask != 0 {
                watched.objection = watched.object(asker);
            }
        }
        watched.least = watched.peers_health;
        // Who takes asks no longer, but does so because it had asked.
        if glimpse.ask == 0 && glimpse.stance == Stance::Standby {
            watched.is_ordered = false;
        }
    }

    /// The unit could ask for the role of its own accord.
    pub(super) fn has_ground(&self, unit: usize) -> bool {
        self.units[unit].objection.is_none()
    }

    /// It is the Primary, and preempt is on.
    pub(super) fn preempts(&self, unit: usize) -> bool {
        self.units[unit].preempts
    }

    /// The unit takes without a hand-over: what follows starts anew.
    pub(super) fn takes_by_need(&mut self) {
        self.changes = 0;
    }

    /// The unit takes in a hand-over. Says whether that is voluntary.
    pub(super) fn takes_by_release(&mut self, now: u64, unit: usize) -> Result<bool, Broken> {
        let watched = &mut self.units[unit];
        if core::mem::take(&mut watched.is_ordered) || watched.invited_until >= now {
            self.changes = 0;
            return Ok(false);
        }
        if let Some(objection) = watched.objection.take() {
            return Err(objection);
        }
        self.changes += u32::from(!core::mem::take(&mut watched.outdated));
        if self.changes > 1 {
            return Err((Rule::L2, "a second voluntary change with nothing changed".into()));
        }
        Ok(true)
    }
}

impl Watched {
    /// What is wrong with asking of its own accord: by CRASH-3 a unit has to be strictly fitter, by PAIR-7
    /// the Primary as fit, and by PAIR-9 it has to have the state.
    fn object(&self, asker: Asker) -> Option<Broken> {
        let (ours, theirs) = (asker.health, self.least);
        if ours > theirs {
            return None;
        }
        if !self.preempts || ours < theirs {
            let text = format!("takes over with health {ours} from a peer with {theirs}");
            return Some((Rule::L2, text));
        }
        let text = "preempts without the whole state";
        (!asker.is_complete).then(|| (Rule::L2, text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(weight: u16, ask: u64) -> Glimpse {
        Glimpse {
            stance: Stance::Standby,
            level: 3,
            health: Health { fit: true, weight },
            ask,
            release: 0,
            start: 1,
            number: 1,
            eligible: true,
            preempts: false,
        }
    }

    /// A voluntary change needs a difference, and only one follows from it; an order needs none.
    #[test]
    fn a_voluntary_change_needs_a_difference() {
        let mut l2 = L2::default();
        for unit in [0, 1] {
            l2.hears(unit, says(3, 0));
            l2.sends(unit, says(3, 0), Asker { health: Health::default(), is_complete: true });
        }
        let asker = |weight| Asker { health: Health { fit: true, weight }, is_complete: true };
        l2.hears(1, says(3, 0));
        l2.sends(1, says(5, 77), asker(5));
        assert_eq!(l2.takes_by_release(10, 1), Ok(true));
        l2.hears(0, says(5, 0));
        l2.sends(0, says(3, 78), asker(3));
        assert_eq!(l2.takes_by_release(10, 0).unwrap_err().0, Rule::L2);
        l2.ordered(0);
        assert_eq!(l2.takes_by_release(10, 0), Ok(false));
    }
}
