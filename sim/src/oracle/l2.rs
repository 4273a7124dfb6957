//! L2: equal faults that both sides know of change no role; arriving one after the other, at most one.
//!
//! Seen from outside, a change is *voluntary* if the peer released the role and nobody had ordered that.

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;
use ha_core::pair::{Health, Stance};

#[derive(Debug, Default)]
pub(super) struct L2 {
    units: [Watched; 2],
    /// Voluntary changes since the last change of anybody's health, reachability or process.
    changes: u32,
}

#[derive(Debug, Default)]
struct Watched {
    /// Its weight as the embedder told it, and whether it says that it is demoted.
    health: Health,
    /// What the peer last said of its own.
    peers_health: Health,
    ask: u64,
    /// It asked before the last change: what follows from that is not counted.
    outdated: bool,
    /// When it asked, it was strictly better than the peer was as it last heard.
    was_better: bool,
    preempts: bool,
    /// Somebody ordered it to take, and it has not given up yet.
    is_ordered: bool,
    /// Until when its peer wants it to take.
    invited_until: u64,
}

impl L2 {
    pub(super) fn started(&mut self, unit: usize) {
        self.units[unit] = Watched::default();
    }

    pub(super) fn changed(&mut self) {
        self.changes = 0;
        for watched in &mut self.units {
            watched.outdated = watched.ask != 0;
        }
    }

    /// A unit took since its peer was lost, or whatever else leaves no choice.
    pub(super) fn moved_by_need(&mut self) {
        self.changes = 0;
    }

    pub(super) fn health(&mut self, unit: usize, weight: u16) {
        self.units[unit].health.weight = weight;
    }

    pub(super) fn ordered(&mut self, unit: usize) {
        self.units[unit].is_ordered = true;
    }

    pub(super) fn invited(&mut self, unit: usize, until: u64) {
        self.units[unit].invited_until = until;
    }

    pub(super) fn hears(&mut self, unit: usize, glimpse: Glimpse) {
        self.units[unit].peers_health = glimpse.health;
    }

    pub(super) fn sends(&mut self, unit: usize, glimpse: Glimpse) {
        let watched = &mut self.units[unit];
        watched.preempts = glimpse.preempts;
        watched.health.fit = glimpse.health.fit;
        if watched.ask != glimpse.ask {
            watched.ask = glimpse.ask;
            watched.outdated &= glimpse.ask == 0;
            watched.was_better |= watched.health > watched.peers_health;
        }
        // Who takes asks no longer, but does so because it had asked.
        if glimpse.ask == 0 && glimpse.stance == Stance::Standby {
            watched.was_better = false;
            watched.is_ordered = false;
        }
    }

    /// The unit takes in a hand-over. Says whether that is voluntary.
    pub(super) fn takes_by_release(
        &mut self,
        now: u64,
        unit: usize,
    ) -> Result<bool, super::Broken> {
        let watched = &mut self.units[unit];
        if core::mem::take(&mut watched.is_ordered) || watched.invited_until >= now {
            return Ok(false);
        }
        self.changes += u32::from(!core::mem::take(&mut watched.outdated));
        self.judge(unit)?;
        Ok(true)
    }

    fn judge(&self, unit: usize) -> Verdict {
        let watched = &self.units[unit];
        if !watched.was_better && !watched.preempts {
            let (ours, theirs) = (watched.health, watched.peers_health);
            let text = format!("takes over with health {ours} from a peer with {theirs}");
            return Err((Rule::L2, text));
        }
        if self.changes > 1 {
            return Err((Rule::L2, "a second voluntary change with nothing changed".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(weight: u16, ask: u64) -> Glimpse {
        Glimpse {
            stance: Stance::Standby,
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
        l2.health(1, 5);
        l2.hears(1, says(3, 0));
        l2.sends(1, says(5, 77));
        assert_eq!(l2.takes_by_release(10, 1), Ok(true));
        l2.hears(0, says(5, 0));
        l2.sends(0, says(3, 78));
        assert_eq!(l2.takes_by_release(10, 0).unwrap_err().0, Rule::L2);
        l2.ordered(0);
        assert_eq!(l2.takes_by_release(10, 0), Ok(false));
    }
}
