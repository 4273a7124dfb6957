//! PAIR-20: a unit takes in a hand-over only on a release of its own question, heard within the failure
//! time of asking by its own clock; and takes back what it released only after twice that.

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;
use core::time::Duration;
use ha_core::pair::Stance;
use ha_core::time::Instant;

#[derive(Debug, Default)]
pub(super) struct HandOver {
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    /// The last question, and when it was first sent.
    asked: (u64, Instant),
    /// The last question that the peer was heard to grant, and when that was first heard.
    granted: (u64, Instant),
    /// What it last said of its role.
    stance: Option<Stance>,
    /// When its last withdrawal was confirmed.
    withdrew: Instant,
    /// The peer was last heard to have left.
    peer_left: bool,
    /// It was heard to hold the role since this unit withdrew.
    was_claimed: bool,
    /// It was last heard to ask for nothing, and not to hold the role.
    gave_up: bool,
}

impl HandOver {
    pub(super) fn started(&mut self, unit: usize) {
        self.units[unit] = Watched::default();
    }

    pub(super) fn sends(&mut self, unit: usize, local: Instant, glimpse: Glimpse) {
        self.units[unit].stance = Some(glimpse.stance);
        // Who takes asks no longer: the last question is the one that counts.
        if glimpse.ask != 0 && glimpse.ask != self.units[unit].asked.0 {
            self.units[unit].asked = (glimpse.ask, local);
        }
    }

    pub(super) fn hears(&mut self, unit: usize, local: Instant, glimpse: Glimpse) {
        let watched = &mut self.units[unit];
        watched.peer_left = glimpse.stance == Stance::Left;
        watched.was_claimed |= glimpse.stance == Stance::Active;
        let is_idle = matches!(glimpse.stance, Stance::Standby | Stance::Election);
        watched.gave_up = is_idle && glimpse.ask == 0;
        if glimpse.release != 0 && glimpse.release != self.units[unit].granted.0 {
            self.units[unit].granted = (glimpse.release, local);
        }
    }

    pub(super) fn withdrew(&mut self, unit: usize, local: Instant) {
        self.units[unit].withdrew = local;
        self.units[unit].was_claimed = false;
    }

    /// A unit begins to take. If it says that it has released the role, it takes that back.
    pub(super) fn takes(&self, unit: usize, local: Instant, failure_time: Duration) -> Verdict {
        let Watched { stance, withdrew, peer_left, was_claimed, gave_up, .. } = self.units[unit];
        let waited = local.saturating_since(withdrew);
        // A peer that left, one that had its turn, and one that asks no longer, will not claim it.
        let may_be_claimed = !peer_left && !was_claimed && !gave_up;
        if stance == Some(Stance::Released) && may_be_claimed && waited < failure_time * 2 {
            let text = format!("takes back what it released {waited:?} before");
            return Err((Rule::HandOver, text));
        }
        Ok(())
    }

    pub(super) fn takes_by_release(&self, unit: usize, failure_time: Duration) -> Verdict {
        let Watched { asked, granted, .. } = self.units[unit];
        if asked.0 != granted.0 {
            return Err((Rule::HandOver, "takes on a release of another question".into()));
        }
        let waited = granted.1.saturating_since(asked.1);
        if waited > failure_time {
            let text = format!("takes on a release that came {waited:?} after it asked");
            return Err((Rule::HandOver, text));
        }
        Ok(())
    }
}
