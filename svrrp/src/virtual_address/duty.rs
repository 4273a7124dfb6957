//! What a node has to do when it gets a virtual group, and when it loses it: in order, each step waiting for the one
//! before (VG-5, VG-7, VG-8).

use super::VirtualAddresses;
use crate::identity::GroupNumber;
use alloc::vec::Vec;
use core::fmt;
use ha_core::announcement::Announcement;

/// A step of the take of a group, or of its withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Duty {
    /// Forget the connections and tunnels of the group: they must be built anew.
    RebuildConnections,
    /// Let packets of the group through.
    OpenForwarding,
    /// Take the group's addresses.
    TakeAddresses,
    /// Announce them.
    Announce,
    /// Let no packets of the group through any more.
    StopForwarding,
    /// Take the group's addresses away.
    WithdrawAddresses,
}

/// A duty of the platform, for one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupAction {
    /// Take, first; withdrawal, last: forget all connections of the group, and negotiate its VPN tunnels anew when they
    /// are needed. Nothing was synchronized from the other node (VG-7): what is here of an earlier time is out of date
    /// when the group is taken, and of no use when it was lost. Fails or not, what follows goes on.
    RebuildConnections {
        /// Of which group.
        group: GroupNumber,
    },
    /// Take, second: let packets of the group through. What comes in by the group leaves by it (VG-8).
    OpenForwarding {
        /// Of which group.
        group: GroupNumber,
    },
    /// Take, third: take all addresses of the group with their virtual MAC addresses, on all interfaces together:
    /// [`VirtualAddresses::of`] lists them. With IPv6 addresses among them, be the router there: join the multicast
    /// groups anew, and send router advertisements from the group's link-local addresses (VMAC-5).
    TakeAddresses {
        /// Of which group.
        group: GroupNumber,
    },
    /// After a take: send these frames (VG-8, VMAC-3). All addresses are announced, in as many actions as their bursts
    /// need. Fails or not, the group stays. An embedder that queues actions must drop a queued one when the withdrawal
    /// comes, or it tells the network of addresses that are gone.
    Announce {
        /// Of which group.
        group: GroupNumber,
        /// The frames, each with its interface.
        frames: Vec<Announcement>,
    },
    /// Withdrawal, first: let no packets of the group through any more. Fails or not, the addresses are withdrawn.
    StopForwarding {
        /// Of which group.
        group: GroupNumber,
    },
    /// Withdrawal, second: take all addresses of the group away, and the virtual MAC addresses with them. Answer when
    /// that is done: another node may take them then. Doing it again must do no harm. Stop router advertisements too,
    /// without a last one of lifetime 0: hosts would drop the router that the next owner is about to be.
    WithdrawAddresses {
        /// Of which group.
        group: GroupNumber,
    },
}

impl Duty {
    /// What the new owner of a group has to do, in order. From the first one on its unit holds the group.
    pub fn of_take() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        [Self::RebuildConnections, Self::OpenForwarding, Self::TakeAddresses, Self::Announce]
            .into_iter()
    }

    /// What a node that loses a group has to do, in order. Nothing is announced (PAIR-16).
    pub fn of_withdrawal() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        [Self::StopForwarding, Self::WithdrawAddresses, Self::RebuildConnections].into_iter()
    }

    /// Whether the ownership depends on it. If such a step of a take fails, the node does not become the owner; while
    /// one of a withdrawal fails, it still holds the group, as far as anyone knows.
    #[must_use]
    pub const fn is_decisive(self) -> bool {
        matches!(self, Self::OpenForwarding | Self::TakeAddresses | Self::WithdrawAddresses)
    }

    /// The action by which it is asked for, with all addresses announced at once; for bursts take
    /// [`VirtualAddresses::announcements`].
    #[must_use]
    pub fn action(self, addresses: &VirtualAddresses, group: GroupNumber) -> GroupAction {
        match self {
            Self::RebuildConnections => GroupAction::RebuildConnections { group },
            Self::OpenForwarding => GroupAction::OpenForwarding { group },
            Self::TakeAddresses => GroupAction::TakeAddresses { group },
            Self::Announce => {
                GroupAction::Announce { group, frames: addresses.announcements(group).collect() }
            }
            Self::StopForwarding => GroupAction::StopForwarding { group },
            Self::WithdrawAddresses => GroupAction::WithdrawAddresses { group },
        }
    }

    /// Its name, for a log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RebuildConnections => "RebuildConnections",
            Self::OpenForwarding => "OpenForwarding",
            Self::TakeAddresses => "TakeAddresses",
            Self::Announce => "Announce",
            Self::StopForwarding => "StopForwarding",
            Self::WithdrawAddresses => "WithdrawAddresses",
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl GroupAction {
    /// For which group.
    #[must_use]
    pub const fn group(&self) -> GroupNumber {
        match self {
            Self::RebuildConnections { group }
            | Self::OpenForwarding { group }
            | Self::TakeAddresses { group }
            | Self::Announce { group, .. }
            | Self::StopForwarding { group }
            | Self::WithdrawAddresses { group } => *group,
        }
    }

    /// Which duty it is.
    #[must_use]
    pub const fn duty(&self) -> Duty {
        match self {
            Self::RebuildConnections { .. } => Duty::RebuildConnections,
            Self::OpenForwarding { .. } => Duty::OpenForwarding,
            Self::TakeAddresses { .. } => Duty::TakeAddresses,
            Self::Announce { .. } => Duty::Announce,
            Self::StopForwarding { .. } => Duty::StopForwarding,
            Self::WithdrawAddresses { .. } => Duty::WithdrawAddresses,
        }
    }
}
