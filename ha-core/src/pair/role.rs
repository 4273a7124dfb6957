//! Roles, and the states of a unit on the way between them.

use core::fmt;

/// What a unit is at the moment, as a person is told (PAIR-15). Not to be mixed up with its
/// [designation](crate::identity::Designation), which never changes (PAIR-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "UPPERCASE")
)]
#[non_exhaustive]
pub enum Role {
    /// It takes no part: high availability is off, or it has left to be stopped.
    None,
    /// It has started and looks for an Active peer.
    Election,
    /// It holds the addresses and forwards.
    Active,
    /// It is ready to take over.
    Standby,
    /// It is the Standby of a stateful pair, and does not have the whole state yet.
    Sync,
    /// It has left to be restarted.
    Reboot,
    /// Something keeps it from working with its peer; the status says what.
    Error,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "NONE",
            Self::Election => "ELECTION",
            Self::Active => "ACTIVE",
            Self::Standby => "STANDBY",
            Self::Sync => "SYNC",
            Self::Reboot => "REBOOT",
            Self::Error => "ERROR",
        })
    }
}

/// The states of the role machine. A unit *holds* Active in [`State::Taking`], [`State::Active`] and
/// [`State::Withdrawing`]: from the first action of a take until the platform confirms the withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum State {
    /// High availability is off (PAIR-2): the machine says nothing and wants nothing.
    Disabled,
    /// Started; looking for an Active peer (PAIR-3).
    Election,
    /// Ready to take over.
    Standby,
    /// Standby that has asked the Active for a hand-over (PAIR-20).
    Asking,
    /// The actions of a take are under way.
    Taking,
    /// All of them are done.
    Active,
    /// Giving the role up; the platform has not confirmed it yet. Until it has, the unit holds the role
    /// and the peer does not take, however long that lasts (S1): see
    /// [`Action::Withdraw`](super::Action::Withdraw) for a platform that cannot.
    Withdrawing(Goal),
    /// Withdrawn in a hand-over; waiting for the peer to take (PAIR-20).
    Released,
    /// Withdrawn after a stall; waiting to learn whether the peer took (CRASH-4).
    Recovering,
    /// Left for a planned restart or shutdown (PAIR-10). The end.
    Left,
}

/// Why a unit gives the role up, and so what it is afterwards. A withdrawal that fails is tried again each
/// failure time until it works, but for [`Goal::Release`] and [`Goal::Leave`], which are called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Goal {
    /// The peer is Active too, and it stays (PAIR-13).
    Yield,
    /// The unit stalled past the failure time (CRASH-4).
    Recover,
    /// The peer asked for it (PAIR-20). If the withdrawal fails, it stays Active.
    Release,
    /// The unit will be restarted or shut down (PAIR-10). If the withdrawal fails, it stays Active.
    Leave,
    /// The same, but the peer may have the role already: if the withdrawal fails, it is tried again.
    Depart,
    /// An action of the take failed.
    Retreat,
    /// The peer is silent and all monitored links are down (BEY-3).
    Isolate,
}

impl State {
    /// All states, for tables and tests.
    pub const ALL: [Self; 16] = [
        Self::Disabled,
        Self::Election,
        Self::Standby,
        Self::Asking,
        Self::Taking,
        Self::Active,
        Self::Withdrawing(Goal::Yield),
        Self::Withdrawing(Goal::Recover),
        Self::Withdrawing(Goal::Release),
        Self::Withdrawing(Goal::Leave),
        Self::Withdrawing(Goal::Depart),
        Self::Withdrawing(Goal::Retreat),
        Self::Withdrawing(Goal::Isolate),
        Self::Released,
        Self::Recovering,
        Self::Left,
    ];

    /// Whether the unit holds the Active role.
    #[must_use]
    pub const fn holds_active(self) -> bool {
        matches!(self, Self::Taking | Self::Active | Self::Withdrawing(_))
    }

    /// What a person is told.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Election => Role::Election,
            Self::Standby | Self::Asking | Self::Released | Self::Recovering => Role::Standby,
            Self::Taking | Self::Active | Self::Withdrawing(_) => Role::Active,
            Self::Disabled | Self::Left => Role::None,
        }
    }

    /// What the peer is told.
    #[must_use]
    pub const fn stance(self) -> Stance {
        match self {
            Self::Election => Stance::Election,
            Self::Standby | Self::Asking => Stance::Standby,
            Self::Taking | Self::Active => Stance::Active,
            Self::Withdrawing(_) => Stance::Withdrawing,
            Self::Released => Stance::Released,
            Self::Recovering => Stance::Recovering,
            Self::Disabled | Self::Left => Stance::Left,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Disabled => "Disabled",
            Self::Election => "Election",
            Self::Standby => "Standby",
            Self::Asking => "Asking",
            Self::Taking => "Taking",
            Self::Active => "Active",
            Self::Withdrawing(Goal::Yield) => "Withdrawing/Yield",
            Self::Withdrawing(Goal::Recover) => "Withdrawing/Recover",
            Self::Withdrawing(Goal::Release) => "Withdrawing/Release",
            Self::Withdrawing(Goal::Leave) => "Withdrawing/Leave",
            Self::Withdrawing(Goal::Depart) => "Withdrawing/Depart",
            Self::Withdrawing(Goal::Retreat) => "Withdrawing/Retreat",
            Self::Withdrawing(Goal::Isolate) => "Withdrawing/Isolate",
            Self::Released => "Released",
            Self::Recovering => "Recovering",
            Self::Left => "Left",
        };
        f.pad(name)
    }
}

/// What a heartbeat says about its sender's role. The numbers are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Stance {
    /// It has left, or is about to stop.
    Left = 0,
    /// It looks for an Active peer.
    Election = 1,
    /// It is ready to take over.
    Standby = 2,
    /// It holds the role.
    Active = 3,
    /// It still holds the role and is giving it up.
    Withdrawing = 4,
    /// It has given the role up to a peer that asked, and takes it back if that does not take.
    Released = 5,
    /// It has given the role up after a stall, and takes it back if the peer did not take.
    Recovering = 6,
}

impl Stance {
    /// All stances, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Left,
        Self::Election,
        Self::Standby,
        Self::Active,
        Self::Withdrawing,
        Self::Released,
        Self::Recovering,
    ];

    /// The stance with this number on the wire.
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for Stance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Left => "NONE",
            Self::Election => "ELECTION",
            Self::Standby | Self::Released | Self::Recovering => "STANDBY",
            Self::Active | Self::Withdrawing => "ACTIVE",
        })
    }
}
