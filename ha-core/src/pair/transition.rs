//! The role logic: one pure function of (state, own view, peer's view, cause). A test prints the table
//! of all its answers, so that every change of it shows in a review.
//!
//! Every state answers every cause by name. There is no arm for "the rest": whoever adds a cause has to
//! say what it means in each state.

#![deny(clippy::wildcard_enum_match_arm)]

use super::role::{Goal, Stance, State};

/// What a unit knows of itself when it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnView {
    /// Nothing keeps it from taking the role: it has no [obstacles](super::Obstacles).
    pub eligible: bool,
    /// The peer is silent and all monitored links are down (BEY-3).
    pub isolated: bool,
    /// The election time has passed (PAIR-4).
    pub election_over: bool,
}

/// What a unit knows of its peer when it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PeerView {
    /// It was never heard, or not within its failure time on any path.
    Silent,
    /// It is heard.
    Heard {
        /// What it last said of its role.
        stance: Stance,
        /// It says that it hears us, on at least one path; after a stall, that it has heard us since.
        hears_us: bool,
        /// It may take the role.
        eligible: bool,
        /// We are better than it, judged on echoed values; `None` if it has not echoed values yet that
        /// can be compared.
        we_are_better: Option<bool>,
        /// We have heard it for at least one failure time, so that it had time to hear us.
        for_long: bool,
    },
}

/// What makes the unit decide anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A heartbeat with news arrived.
    Heard,
    /// The peer fell silent on every path (PAIR-6).
    PeerLost,
    /// The election time has passed (PAIR-4), or an obstacle to a take has.
    TimeToElect,
    /// This unit stalled past its failure time (CRASH-4).
    Stalled,
    /// A failure time of own running time has passed since a stall (CRASH-4), or another one since the
    /// peer was found to hold the role still.
    RecoveryOver,
    /// The peer is silent and all monitored links are down (BEY-3).
    Isolated,
    /// This unit would be the better Active: by its health, or by preempt (CRASH-3, PAIR-7).
    Preferred,
    /// This unit is to take the role over: its administrator says so, or its peer (PAIR-11, PAIR-20).
    TakeOver,
    /// The peer asks for the role (PAIR-20).
    Asked,
    /// The peer released the role to this unit's own question, in time (PAIR-20).
    Released,
    /// No release came in time (PAIR-20).
    AskExpired,
    /// No claim came in time after our release (PAIR-20).
    ClaimExpired,
    /// The embedder will restart or stop this unit (PAIR-10).
    Leave,
    /// The addresses are taken (PAIR-16).
    Taken,
    /// They could not be.
    TakeFailed,
    /// The withdrawal is confirmed (PAIR-16).
    Withdrawn,
    /// The withdrawal failed.
    WithdrawFailed,
}

impl Cause {
    /// All causes, for tables and tests.
    pub const ALL: [Self; 17] = [
        Self::Heard,
        Self::PeerLost,
        Self::TimeToElect,
        Self::Stalled,
        Self::RecoveryOver,
        Self::Isolated,
        Self::Preferred,
        Self::TakeOver,
        Self::Asked,
        Self::Released,
        Self::AskExpired,
        Self::ClaimExpired,
        Self::Leave,
        Self::Taken,
        Self::TakeFailed,
        Self::Withdrawn,
        Self::WithdrawFailed,
    ];
}

/// The state that follows. The same state means that nothing happens.
#[must_use]
pub fn next(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    match state {
        State::Disabled => State::Disabled,
        State::Election => from_election(cause, own, peer),
        State::Standby => from_standby(cause, own, peer),
        State::Asking => from_asking(cause, own, peer),
        State::Taking | State::Active => from_active(state, cause, peer),
        State::Withdrawing(goal) => from_withdrawing(goal, cause, peer),
        State::Released => from_released(cause, own, peer),
        State::Recovering => from_recovering(cause, own, peer),
        State::Left => State::Left,
    }
}

fn from_election(cause: Cause, own: OwnView, peer: PeerView) -> State {
    let may_take = own.eligible && own.election_over && is_free_for_us(peer);
    match cause {
        Cause::Heard if holds(peer) => State::Standby,
        Cause::Heard | Cause::PeerLost | Cause::TimeToElect if may_take => State::Taking,
        Cause::Leave => State::Left,
        Cause::Heard
        | Cause::PeerLost
        | Cause::TimeToElect
        | Cause::Stalled
        | Cause::RecoveryOver
        | Cause::Isolated
        | Cause::Preferred
        | Cause::TakeOver
        | Cause::Asked
        | Cause::Released
        | Cause::AskExpired
        | Cause::ClaimExpired
        | Cause::Taken
        | Cause::TakeFailed
        | Cause::Withdrawn
        | Cause::WithdrawFailed => State::Election,
    }
}

fn from_standby(cause: Cause, own: OwnView, peer: PeerView) -> State {
    let may_take = own.eligible && is_free_for_us(peer);
    match cause {
        Cause::Heard | Cause::PeerLost | Cause::TimeToElect if may_take => State::Taking,
        Cause::Preferred | Cause::TakeOver if own.eligible && can_be_asked(peer) => State::Asking,
        Cause::Leave => State::Left,
        Cause::Heard
        | Cause::PeerLost
        | Cause::TimeToElect
        | Cause::Stalled
        | Cause::RecoveryOver
        | Cause::Isolated
        | Cause::Preferred
        | Cause::TakeOver
        | Cause::Asked
        | Cause::Released
        | Cause::AskExpired
        | Cause::ClaimExpired
        | Cause::Taken
        | Cause::TakeFailed
        | Cause::Withdrawn
        | Cause::WithdrawFailed => State::Standby,
    }
}

fn from_asking(cause: Cause, own: OwnView, peer: PeerView) -> State {
    let may_take = own.eligible && is_free_for_us(peer);
    match cause {
        Cause::Heard | Cause::PeerLost | Cause::TimeToElect if may_take => State::Taking,
        Cause::Released if own.eligible => State::Taking,
        Cause::AskExpired => State::Standby,
        Cause::Leave => State::Left,
        Cause::Heard
        | Cause::PeerLost
        | Cause::TimeToElect
        | Cause::Stalled
        | Cause::RecoveryOver
        | Cause::Isolated
        | Cause::Preferred
        | Cause::TakeOver
        | Cause::Asked
        | Cause::Released
        | Cause::ClaimExpired
        | Cause::Taken
        | Cause::TakeFailed
        | Cause::Withdrawn
        | Cause::WithdrawFailed => State::Asking,
    }
}

fn from_active(state: State, cause: Cause, peer: PeerView) -> State {
    match cause {
        Cause::Stalled => State::Withdrawing(Goal::Recover),
        Cause::Isolated => State::Withdrawing(Goal::Isolate),
        Cause::Leave => State::Withdrawing(Goal::Leave),
        Cause::Heard if must_yield(peer) => State::Withdrawing(Goal::Yield),
        Cause::Asked if state == State::Active => State::Withdrawing(Goal::Release),
        Cause::Taken => State::Active,
        Cause::TakeFailed => State::Withdrawing(Goal::Retreat),
        Cause::Heard
        | Cause::PeerLost
        | Cause::TimeToElect
        | Cause::RecoveryOver
        | Cause::Preferred
        | Cause::TakeOver
        | Cause::Asked
        | Cause::Released
        | Cause::AskExpired
        | Cause::ClaimExpired
        | Cause::Withdrawn
        | Cause::WithdrawFailed => state,
    }
}

fn from_withdrawing(goal: Goal, cause: Cause, peer: PeerView) -> State {
    match cause {
        Cause::Withdrawn => match goal {
            // It has taken without waiting for the release: there is nothing to take back.
            Goal::Release if holds_firmly(peer) => State::Standby,
            Goal::Yield | Goal::Retreat | Goal::Isolate => State::Standby,
            Goal::Recover => State::Recovering,
            Goal::Release => State::Released,
            Goal::Leave | Goal::Depart => State::Left,
        },
        Cause::WithdrawFailed => match goal {
            // Nobody else was told yet, so the role is still ours: put back what was half withdrawn.
            Goal::Release | Goal::Leave => State::Taking,
            Goal::Yield | Goal::Recover | Goal::Depart | Goal::Retreat | Goal::Isolate => {
                State::Withdrawing(goal)
            }
        },
        Cause::Leave => match goal {
            Goal::Release | Goal::Leave => State::Withdrawing(Goal::Leave),
            Goal::Yield | Goal::Recover | Goal::Depart | Goal::Retreat | Goal::Isolate => {
                State::Withdrawing(Goal::Depart)
            }
        },
        Cause::Stalled => match goal {
            Goal::Leave => State::Withdrawing(Goal::Depart),
            Goal::Release | Goal::Isolate => State::Withdrawing(Goal::Recover),
            Goal::Yield | Goal::Recover | Goal::Depart | Goal::Retreat => State::Withdrawing(goal),
        },
        // There is no way back to a role that nobody could reach (BEY-3).
        Cause::Isolated => match goal {
            Goal::Release => State::Withdrawing(Goal::Isolate),
            Goal::Leave => State::Withdrawing(Goal::Depart),
            Goal::Yield | Goal::Recover | Goal::Depart | Goal::Retreat | Goal::Isolate => {
                State::Withdrawing(goal)
            }
        },
        Cause::Heard
        | Cause::PeerLost
        | Cause::TimeToElect
        | Cause::RecoveryOver
        | Cause::Preferred
        | Cause::TakeOver
        | Cause::Asked
        | Cause::Released
        | Cause::AskExpired
        | Cause::ClaimExpired
        | Cause::Taken
        | Cause::TakeFailed => State::Withdrawing(goal),
    }
}

/// What was released and not claimed is taken back, whatever obstacles this unit has by now: the
/// hand-over did not come about, and nobody else is there (our decision). But not by a unit that nobody
/// could reach (BEY-3).
fn from_released(cause: Cause, own: OwnView, peer: PeerView) -> State {
    match cause {
        Cause::Heard if holds(peer) => State::Standby,
        Cause::Heard if has_left(peer) => State::Taking,
        Cause::ClaimExpired if own.isolated => State::Standby,
        Cause::ClaimExpired => State::Taking,
        Cause::Leave => State::Left,
        Cause::Heard
        | Cause::PeerLost
        | Cause::TimeToElect
        | Cause::Stalled
        | Cause::RecoveryOver
        | Cause::Isolated
        | Cause::Preferred
        | Cause::TakeOver
        | Cause::Asked
        | Cause::Released
        | Cause::AskExpired
        | Cause::Taken
        | Cause::TakeFailed
        | Cause::Withdrawn
        | Cause::WithdrawFailed => State::Released,
    }
}

/// A unit with an obstacle does not take the role again: it waits as Standby until that has passed.
fn from_recovering(cause: Cause, own: OwnView, peer: PeerView) -> State {
    let again = if own.eligible { State::Taking } else { State::Standby };
    match cause {
        Cause::Heard if holds_firmly(peer) => State::Standby,
        Cause::Heard if did_not_take(peer) => again,
        // Who has not withdrawn must not be joined (S1).
        Cause::RecoveryOver if !still_holds(peer) => again,
        Cause::Leave => State::Left,
        Cause::Heard
        | Cause::PeerLost
        | Cause::TimeToElect
        | Cause::Stalled
        | Cause::RecoveryOver
        | Cause::Isolated
        | Cause::Preferred
        | Cause::TakeOver
        | Cause::Asked
        | Cause::Released
        | Cause::AskExpired
        | Cause::ClaimExpired
        | Cause::Taken
        | Cause::TakeFailed
        | Cause::Withdrawn
        | Cause::WithdrawFailed => State::Recovering,
    }
}

/// The peer holds the role, or is about to take it back.
fn holds(peer: PeerView) -> bool {
    use Stance::{Active, Recovering, Released, Withdrawing};
    matches!(peer, PeerView::Heard { stance: Active | Withdrawing | Released | Recovering, .. })
}

fn holds_firmly(peer: PeerView) -> bool {
    matches!(peer, PeerView::Heard { stance: Stance::Active, .. })
}

/// The peer has not confirmed a withdrawal since it held the role.
fn still_holds(peer: PeerView) -> bool {
    use Stance::{Active, Withdrawing};
    matches!(peer, PeerView::Heard { stance: Active | Withdrawing, .. })
}

/// The peer has left, and will not take.
fn has_left(peer: PeerView) -> bool {
    matches!(peer, PeerView::Heard { stance: Stance::Left, .. })
}

/// Nobody holds the role, and of the two units this one is to take it.
fn is_free_for_us(peer: PeerView) -> bool {
    match peer {
        PeerView::Silent | PeerView::Heard { stance: Stance::Left, .. } => true,
        PeerView::Heard {
            stance: Stance::Election | Stance::Standby,
            eligible,
            we_are_better,
            ..
        } => !eligible || we_are_better == Some(true),
        PeerView::Heard {
            stance: Stance::Active | Stance::Withdrawing | Stance::Released | Stance::Recovering,
            ..
        } => false,
    }
}

/// Both are Active: this one gives way (PAIR-13).
///
/// A peer that says it does not hear us has taken over because of that, and will not see reason. But
/// when a path has only just healed, each side's first heartbeat says so, and both would give way: so
/// it counts only from a peer that had a failure time to hear us (our decision).
fn must_yield(peer: PeerView) -> bool {
    let PeerView::Heard { stance: Stance::Active, hears_us, we_are_better, for_long, .. } = peer
    else {
        return false;
    };
    if hears_us { we_are_better == Some(false) } else { for_long }
}

/// The peer is in a state from which it hands the role over when asked.
fn can_be_asked(peer: PeerView) -> bool {
    matches!(peer, PeerView::Heard { stance: Stance::Active, hears_us: true, .. })
}

/// A peer that has heard us since we woke says that it did not take (CRASH-4).
fn did_not_take(peer: PeerView) -> bool {
    let PeerView::Heard { stance, hears_us, we_are_better, .. } = peer else { return false };
    match stance {
        Stance::Left => true,
        Stance::Election | Stance::Standby => hears_us,
        // Both stalled: one of them is enough.
        Stance::Recovering => hears_us && we_are_better == Some(true),
        Stance::Active | Stance::Withdrawing | Stance::Released => false,
    }
}
