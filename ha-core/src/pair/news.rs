//! What the role machine wants done, and what it tells: actions, inputs, refusals, events and causes.

use super::heartbeat::{Product, ProtocolRange};
use super::role::{Role, Stance, State};
use crate::announcement::Announcement;
use crate::identity::{PathId, SerialNumber};
use crate::machine::ActionError;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use thiserror::Error;

/// What the embedder tells the role machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// How well this unit is connected (PAIR-5): more is better; 0 until it is told.
    HealthWeight(u16),
    /// Take the role over from the Active peer, by the rules of PAIR-20.
    TakeOver,
    /// This unit will be restarted or stopped: hand the role over (PAIR-10). The answer is
    /// [`Event::MayStop`], or, if the withdrawal fails before the peer was told anything,
    /// [`Event::HandOverAborted`]: then the unit takes the role back and stays Active, and no `MayStop`
    /// comes. Ask again, or stop it all the same: the peer then takes over by the silence.
    Leave,
}

/// Why an input was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Only a unit in [`State::Standby`] can ask for the role. It names the state, not the role: some
    /// states on the way are Standby to a person, and have to end first.
    #[error("the unit is in the state {0}, only a Standby can take over")]
    NotStandby(State),
    /// The peer is not Active, or we do not hear each other.
    #[error("there is no Active peer that hears us")]
    NoActivePeer,
    /// The last take failed a moment ago.
    #[error("a take failed a moment ago")]
    NotEligible,
    /// The peer differs from us (PAIR-14).
    #[error("{0}")]
    Mismatch(Mismatch),
    /// The unit has left already.
    #[error("the unit has left already")]
    HasLeft,
}

/// A duty of the platform. Those of a take and of a withdrawal come one at a time: the next one waits
/// for [`handle_done`](crate::machine::Machine::handle_done) (PAIR-16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take, first: put the synchronized state in force.
    AdoptState,
    /// Take, second: let packets through.
    OpenForwarding,
    /// Take, third: take the shared addresses, and the virtual MACs, of all data interfaces together.
    TakeAddresses,
    /// After a take, several times: send these frames (VMAC-3).
    ///
    /// One that has not been handed out yet is superseded by the next, and dropped at a withdrawal. What
    /// was handed out is out of the machine's reach: an embedder that queues actions must drop a queued
    /// `Announce` when [`Action::Withdraw`] comes, or it tells the network of addresses that are gone.
    Announce {
        /// Which repetition this is, from 1.
        round: u8,
        /// The frames, each with its interface.
        frames: Vec<Announcement>,
    },
    /// After a take: bring up the clients that only the Active runs (DHCP, PPPoE).
    ResumeClients,
    /// Withdrawal, first: stop forwarding and take the shared addresses away, in that order. Answer
    /// when both are true: the peer may take then. Doing it again must do no harm.
    ///
    /// Where it fails the unit still holds the role, as far as anyone knows (S1). In a hand-over or a
    /// leave it goes on as Active. In all other cases it stays in [`State::Withdrawing`] and tries again
    /// each failure time, with an [`Event::ActionFailed`] for each try; its peer, as long as it hears it,
    /// does not take. **An embedder whose withdrawals keep failing must stop the unit**: by its power, by
    /// a watchdog, or at least by ending its heartbeats once it is sure that nothing is forwarded. Only
    /// then can the peer take over, by the silence.
    Withdraw,
    /// Withdrawal, the rest, once the peer knows: whatever is slow. A later take drops it if it has not
    /// been handed out yet.
    StandDown,
}

/// News of the role machine, with causes (STA-2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The role changed.
    RoleChanged {
        /// What it was.
        from: Role,
        /// What it is.
        to: Role,
        /// Why.
        why: Why,
        /// The term of the reign that begins, if it becomes Active.
        term: u64,
    },
    /// The peer is heard: for the first time, or again.
    PeerHeard {
        /// Its serial number.
        serial: SerialNumber,
        /// What it says of its role.
        stance: Stance,
    },
    /// The peer says another thing of its role than before.
    PeerStance {
        /// What it says now.
        stance: Stance,
    },
    /// The peer was silent for its failure time on every path.
    PeerLost {
        /// How long.
        silence: Duration,
    },
    /// Nothing was heard on this path for the peer's failure time. No role changes by that (PAIR-12).
    PathLost(PathId),
    /// The path is heard, or heard again.
    PathHeard(PathId),
    /// The peer differs from us: no role is handed over and no state synchronized (PAIR-14).
    PeerMismatch(Mismatch),
    /// The difference is gone.
    PeerMatches,
    /// A unit with an unexpected serial number talks to us. It is ignored (PAIR-14). Reported at most
    /// once a minute.
    Stranger {
        /// Its serial number.
        serial: SerialNumber,
        /// The path on which it was heard.
        path: PathId,
    },
    /// Both units are Active (PAIR-13).
    Conflict {
        /// The peer's term.
        peer_term: u64,
        /// Our term.
        our_term: u64,
    },
    /// This unit did nothing for longer than its failure time (CRASH-4).
    Stalled {
        /// How long.
        length: Duration,
    },
    /// An action failed or did not end in time. A withdrawal that is tried again tells of each try: see
    /// [`Action::Withdraw`] for what to do when that goes on.
    ActionFailed {
        /// Its name.
        action: &'static str,
        /// How.
        error: ActionError,
    },
    /// A hand-over or a leave did not come about, and why.
    HandOverAborted(&'static str),
    /// The peer has taken over, or had the time to: this unit may stop (PAIR-10).
    MayStop {
        /// The peer was heard as Active.
        peer_took: bool,
    },
    /// Older events were dropped because nobody polled.
    EventsDropped(u64),
}

/// A difference between the units that keeps them from working together (PAIR-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// No protocol version is spoken by both.
    Protocol {
        /// Those that we speak.
        ours: ProtocolRange,
        /// Those that the peer speaks.
        theirs: ProtocolRange,
    },
    /// The units are not of the same model, or do not run the same firmware.
    Product {
        /// What we are.
        ours: Product,
        /// What the peer is.
        theirs: Product,
    },
    /// Both units have the same designation.
    Designation,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol { ours, theirs } => {
                write!(f, "the peer speaks protocol {theirs}, this unit {ours}")
            }
            Self::Product { ours, theirs } if ours.model != theirs.model => {
                write!(f, "the peer is a {}, this unit a {}", theirs.model, ours.model)
            }
            Self::Product { ours, theirs } => {
                write!(f, "the peer runs firmware {}, this unit {}", theirs.firmware, ours.firmware)
            }
            Self::Designation => f.write_str("both units have the same designation"),
        }
    }
}

/// Why a role changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The unit has just started.
    Started,
    /// No Active peer was found within the election time.
    NoActivePeer,
    /// Of two units without an Active, this is the better one.
    BetterUnit,
    /// An Active peer was found.
    PeerIsActive,
    /// The peer was silent for its failure time on every path.
    PeerSilent,
    /// The peer has left for a restart or shutdown.
    PeerLeft,
    /// The peer handed the role over when asked.
    HandedOver,
    /// The peer asked for the role.
    PeerAsked,
    /// Both were Active, and the peer is the better one.
    LostConflict,
    /// The peer is Active because it does not hear us.
    NotHeard,
    /// This unit stalled past its failure time.
    Stalled,
    /// The peer did not take while this unit stalled.
    PeerDidNotTake,
    /// The peer did not claim what it had asked for.
    NotClaimed,
    /// An action of the take failed.
    TakeFailed,
    /// The withdrawal failed, so the hand-over was aborted.
    WithdrawFailed,
    /// The administrator or the system stops this unit.
    Leaving,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Started => "the unit has started",
            Self::NoActivePeer => "no Active peer was found",
            Self::BetterUnit => "nobody is Active, and this is the better unit",
            Self::PeerIsActive => "the peer is Active",
            Self::PeerSilent => "the peer is silent on every path",
            Self::PeerLeft => "the peer has left",
            Self::HandedOver => "the peer handed the role over",
            Self::PeerAsked => "the peer asked for the role",
            Self::LostConflict => "both were Active and the peer is the better one",
            Self::NotHeard => "the peer took over because it does not hear this unit",
            Self::Stalled => "this unit stalled past its failure time",
            Self::PeerDidNotTake => "the peer did not take while this unit stalled",
            Self::NotClaimed => "the peer did not claim the role that it had asked for",
            Self::TakeFailed => "the take-over failed",
            Self::WithdrawFailed => "the withdrawal failed",
            Self::Leaving => "this unit is leaving",
        })
    }
}
