//! "Why am I Active?": the decision that gave a unit its role, as it was made (BEY-12).

use super::comparison::Health;
use super::machine::Pair;
use super::news::Why;
use super::role::{Goal, Role, Stance, State};
use super::transition::{Cause, PeerView};
use crate::time::{Duration, Instant};
use core::fmt;

/// Why a unit has its role: since when, from which cause, over which view of the peer, and how fresh that
/// view was (BEY-12). Its `Display` is the answer for a person; the time is left to whoever knows the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Decision {
    /// Since when.
    pub at: Instant,
    /// The role.
    pub role: Role,
    /// The cause.
    pub why: Why,
    /// The term of the reign, if it is Active; of the last one otherwise.
    pub term: u64,
    /// How fit this unit was.
    pub health: Health,
    /// What was known of the peer.
    pub peer: PeerView,
    /// How fit the peer said it was; `None` if it was never heard.
    pub peer_health: Option<Health>,
    /// How long ago it had been heard; `None` if it never was.
    pub peer_age: Option<Duration>,
}

impl Decision {
    pub(super) fn first(at: Instant, role: Role, why: Why) -> Self {
        let (peer, peer_health, peer_age) = (PeerView::Silent, None, None);
        Self { at, role, why, term: 0, health: Health::default(), peer, peer_health, peer_age }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.why)?;
        if self.role == Role::Active {
            write!(f, "; term {}", self.term)?;
        }
        write!(f, "; health {}", self.health)?;
        match (self.peer, self.peer_health, self.peer_age) {
            (PeerView::Heard { stance, .. }, Some(health), Some(age)) => {
                write!(f, "; the peer, heard {age:?} before, was {stance} with health {health}")
            }
            (_, Some(health), Some(age)) => {
                write!(f, "; the peer, last heard {age:?} before, had health {health}")
            }
            _ => f.write_str("; no peer had been heard"),
        }
    }
}

impl Pair {
    pub(super) fn decide(&self, now: Instant, role: Role, why: Why, peer: PeerView) -> Decision {
        let last = self.peer.last();
        Decision {
            at: now,
            role,
            why,
            term: self.term,
            health: self.health(),
            peer,
            peer_health: last.map(|last| last.heartbeat.health),
            peer_age: last.map(|last| now.saturating_since(last.at)),
        }
    }

    /// Why the role changes; `None` if that was decided when the withdrawal began.
    pub(super) fn reason(&self, to: State, cause: Cause, peer: PeerView) -> Option<Why> {
        Some(match (to, self.state, cause) {
            (State::Left | State::Withdrawing(Goal::Leave | Goal::Depart), ..) => Why::Leaving,
            (State::Withdrawing(Goal::Recover), ..) => Why::Stalled,
            (State::Withdrawing(Goal::Release), ..) => self.hand_over.why_granted(),
            (State::Withdrawing(Goal::Retreat), ..) => Why::TakeFailed,
            (State::Withdrawing(Goal::Isolate), ..) => Why::Isolated,
            (State::Withdrawing(Goal::Yield), ..) => match peer {
                PeerView::Heard { hears_us: false, .. } => Why::NotHeard,
                PeerView::Heard { .. } | PeerView::Silent => Why::LostConflict,
            },
            (_, State::Withdrawing(_), Cause::Withdrawn) => return None,
            (_, State::Withdrawing(_), _) => Why::WithdrawFailed,
            (State::Taking, State::Recovering, _) => Why::PeerDidNotTake,
            (State::Taking, State::Released, _) => Why::NotClaimed,
            (State::Taking, _, Cause::Released) => self.hand_over.why_asked(),
            (State::Taking, State::Election, _) if peer == PeerView::Silent => Why::NoActivePeer,
            (State::Taking, ..) => match peer {
                PeerView::Silent => Why::PeerSilent,
                PeerView::Heard { stance: Stance::Left, .. } => Why::PeerLeft,
                PeerView::Heard { .. } => Why::BetterUnit,
            },
            _ => Why::PeerIsActive,
        })
    }
}
