//! What a unit of a cluster is told, and what it tells.

use super::ways::MIN_LINK_SPEED;
use crate::election::Stance;
use crate::identity::{GroupNumber, Member, NodeNumber};
use crate::link_weight::LinkError;
use crate::rank::RankTable;
use crate::virtual_address::Duty;
use crate::wire::Condition;
use core::fmt;
use core::time::Duration;
use ha_core::identity::{InterfaceId, PathId, SerialNumber};
use ha_core::machine::ActionError;
use ha_core::pair::Product;
use thiserror::Error;

/// What the embedder tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// What this unit is in its node: its pair says so, or, in a single-unit node, the embedder. It is
    /// [`Condition::Starting`] until it is told (VG-6).
    ///
    /// A unit that ceases to be [`Condition::Active`] withdraws all groups at once:
    /// [`holds_any`](super::ClusterUnit::holds_any) says when that is done. The pair must not release its role before.
    Condition(Standing),
    /// A port of an interface with virtual addresses is up or down; down until it is told (VG-2, VG-3).
    Link {
        /// Of which interface.
        interface: InterfaceId,
        /// Which of its redundant ports, from 0.
        port: u8,
        /// It is up.
        up: bool,
    },
    /// How fast a cluster link is; unknown, and not reported, until it is told (NODE-7).
    LinkSpeed {
        /// Which cluster link.
        path: PathId,
        /// In Mbit/s.
        speed: u32,
    },
    /// The license allows clustering, or no longer (LIC-9): allowed until it is told otherwise. A node without it asks
    /// for nothing and takes nothing; what it owns it keeps (S6).
    Licensed(bool),
    /// The settings that all nodes share have a new version, with these ranks.
    ///
    /// It is this unit's own version from then on, also where its ranks do not come into force: because a higher version
    /// was seen, or the same one with a [higher table](RankTable). Then [`Event::Ranks`] says once more what is in force;
    /// [`Event::RanksDiffer`] names this unit wherever it has other ranks in the version that is in force.
    Ranks {
        /// The version: not below that of this unit's present settings.
        version: u64,
        /// The ranks.
        ranks: RankTable,
    },
}

/// What a unit is in its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Standing {
    /// What it is.
    pub condition: Condition,
    /// It can become the active unit.
    pub can_be_active: bool,
    /// The pair is just moving the role from one unit to the other. It is told to the others, and decides nothing there or
    /// here.
    pub settling: bool,
}

impl Standing {
    /// A unit that has just started.
    pub const STARTING: Self =
        Self { condition: Condition::Starting, can_be_active: false, settling: false };
    /// The active unit of its node.
    pub const ACTIVE: Self =
        Self { condition: Condition::Active, can_be_active: true, settling: false };
    /// A unit that stands by and could take over.
    pub const STANDBY: Self =
        Self { condition: Condition::Standby, can_be_active: true, settling: false };
}

/// Why an input was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such port whose link would count.
    #[error(transparent)]
    Link(LinkError),
    /// There is no such cluster link whose speed would count.
    #[error("{0} is no cluster link")]
    NoClusterLink(PathId),
    /// The version of the settings is below that of this unit's own ones.
    #[error("version {version} of the settings is below the present one, {present}")]
    Version {
        /// What was told.
        version: u64,
        /// The version of this unit's own settings. The ranks in force may be of a higher one, which another unit told.
        present: u64,
    },
}

/// Why a unit is kept out of the cluster (NODE-2, NODE-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum KeptOut {
    /// It is another model, or runs other firmware.
    Product {
        /// What it is.
        theirs: Product,
        /// What this unit is.
        ours: Product,
    },
    /// It speaks no version of the protocol that this unit speaks.
    Protocol,
}

impl fmt::Display for KeptOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product { theirs, ours } => write!(
                f,
                "it is a {} with {}, and this unit a {} with {}",
                theirs.model, theirs.firmware, ours.model, ours.firmware
            ),
            Self::Protocol => f.write_str("it speaks no version of the protocol that we speak"),
        }
    }
}

/// Why this unit's stance to a group changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Why {
    /// Nobody owned the group, and this node is the best (VG-5).
    NoOwner,
    /// The other unit of this node owned it, and this one is the active one now (VG-6).
    Inherited,
    /// This node is better than the owner (VG-2, VG-4).
    Better,
    /// The owner released the group to this node (VG-5).
    Granted,
    /// A better node has asked for it (VG-5).
    Asked,
    /// Another node owns it as well, and is better (SVRRP-5).
    Conflict,
    /// This unit is not its node's active one any more.
    Retired,
    /// This unit stalled past its failure time (CRASH-4).
    Stalled,
    /// The platform could not take the group.
    TakeFailed,
    /// What had to be done is done.
    Done,
    /// The question was not answered in time, or there is nothing to ask for any more.
    NotGranted,
    /// The successor has taken the group.
    Claimed,
    /// The successor did not take it in time.
    NotClaimed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoOwner => "it has no owner, and this node is the best",
            Self::Inherited => "the other unit of this node owned it",
            Self::Better => "this node is better than its owner",
            Self::Granted => "its owner has released it",
            Self::Asked => "a better node has asked for it",
            Self::Conflict => "another node owns it as well, and is better",
            Self::Retired => "this unit is not the active one any more",
            Self::Stalled => "this unit stalled past its failure time",
            Self::TakeFailed => "it could not be taken",
            Self::Done => "all that had to be done is done",
            Self::NotGranted => "it was not released in time, or is not wanted any more",
            Self::Claimed => "its successor has taken it",
            Self::NotClaimed => "its successor did not take it in time",
        })
    }
}

/// News for a log, an alert or a screen (STA-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Another unit is heard.
    UnitHeard(Member),
    /// Another unit was silent for its failure time, on every path.
    UnitLost(Member),
    /// Another unit is heard on a path, or no longer.
    Path {
        /// Which unit.
        member: Member,
        /// On which path.
        path: PathId,
        /// It is heard there.
        heard: bool,
    },
    /// What this unit has to do with a group is another thing.
    Stance {
        /// Which group.
        group: GroupNumber,
        /// What it was.
        from: Stance,
        /// What it is.
        to: Stance,
        /// Why.
        why: Why,
    },
    /// Another node owns a group, as far as this unit sees, or none does.
    Owner {
        /// Which group.
        group: GroupNumber,
        /// Who owned it.
        from: Option<NodeNumber>,
        /// Who owns it.
        to: Option<NodeNumber>,
    },
    /// Another node owns a group that this one owns as well (SVRRP-5).
    Conflict {
        /// Which group.
        group: GroupNumber,
        /// Which node.
        with: NodeNumber,
    },
    /// A unit is kept out, and why (NODE-2); `None`: no longer.
    KeptOut {
        /// Which unit.
        member: Member,
        /// Why.
        why: Option<KeptOut>,
    },
    /// Another unit says that it is this one: two units have one node number and designation. Told once a minute at the
    /// most.
    SameNumber {
        /// Its serial number, if it was heard. `None`: it has the serial number of this unit, too, as with a copied
        /// configuration; another unit hears it instead of this one, which is refused there as a former start.
        serial: Option<SerialNumber>,
    },
    /// A unit that is not a member was heard (NODE-7). Told once a minute at the most.
    Stranger {
        /// Its serial number.
        serial: SerialNumber,
        /// What it says it is.
        says: Member,
    },
    /// A cluster link is slower than [`MIN_LINK_SPEED`](super::MIN_LINK_SPEED), or no longer (NODE-7).
    LinkSpeed {
        /// Which cluster link.
        path: PathId,
        /// In Mbit/s.
        speed: u32,
    },
    /// A unit that is heard has not been heard on X0 for three [trials](super::X0_TRIAL), or is heard there again: it may
    /// not be in the same broadcast domain (NODE-7). Not told of a unit that is lost.
    X0 {
        /// Which unit.
        member: Member,
        /// It is heard there.
        heard: bool,
    },
    /// The ranks of a higher version of the settings are in force; or of the same version, if its table is the higher one.
    /// Told again when this unit is given ranks that do not come into force.
    Ranks {
        /// The version.
        version: u64,
    },
    /// Two units have settings of one version with different ranks: a mistake. All go by the [higher table](RankTable).
    /// Told once for each other unit and version, and each time that this unit is given them.
    RanksDiffer {
        /// Whose ranks differ from those in force: another unit's, or this unit's own new ones.
        member: Member,
        /// Which version.
        version: u64,
    },
    /// The platform failed to do its duty, or did not end in time.
    ActionFailed {
        /// For which group.
        group: GroupNumber,
        /// What it was to do.
        duty: Duty,
        /// How it failed.
        error: ActionError,
    },
    /// This unit did nothing for longer than its failure time (CRASH-4).
    Stalled {
        /// For how long.
        length: Duration,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |it: Option<NodeNumber>, f: &mut fmt::Formatter<'_>| match it {
            Some(node) => write!(f, "{node}"),
            None => f.write_str("nobody"),
        };
        match self {
            Self::UnitHeard(member) => write!(f, "hears {member}"),
            Self::UnitLost(member) => write!(f, "{member} has been silent for its failure time"),
            Self::Path { member, path, heard: true } => write!(f, "hears {member} on {path}"),
            Self::Path { member, path, heard: false } => {
                write!(f, "hears nothing of {member} on {path}")
            }
            Self::Stance { group, from, to, why } => write!(f, "{group}: {from} -> {to}: {why}"),
            Self::Owner { group, from, to } => {
                write!(f, "{group} belongs to ")?;
                name(*to, f)?;
                f.write_str(", and belonged to ")?;
                name(*from, f)
            }
            Self::Conflict { group, with } => write!(f, "{group} is owned by {with}, too"),
            Self::KeptOut { member, why: Some(why) } => write!(f, "{member} is kept out: {why}"),
            Self::KeptOut { member, why: None } => write!(f, "{member} is not kept out any more"),
            Self::SameNumber { serial: Some(serial) } => {
                write!(f, "{serial} says that it is this unit")
            }
            Self::SameNumber { serial: None } => f.write_str(
                "another unit with this one's number and serial number is heard by others",
            ),
            Self::Stranger { serial, says } => {
                write!(f, "{serial}, which is no member, says that it is {says}")
            }
            Self::LinkSpeed { path, speed } if *speed < MIN_LINK_SPEED => {
                write!(f, "{path}, a cluster link, has {speed} Mbit/s: less than {MIN_LINK_SPEED}")
            }
            Self::LinkSpeed { path, speed } => {
                write!(f, "{path}, a cluster link, has {speed} Mbit/s: enough")
            }
            Self::X0 { member, heard: false } => {
                write!(f, "X0 does not hear {member}: are both in one broadcast domain?")
            }
            Self::X0 { member, heard: true } => write!(f, "X0 hears {member}"),
            Self::Ranks { version } => {
                write!(f, "the ranks of version {version} of the settings are in force")
            }
            Self::RanksDiffer { member, version } => {
                write!(f, "{member} has other ranks in version {version} of the settings")
            }
            Self::ActionFailed { group, duty, error } => {
                write!(f, "{group}: {duty} failed: {error}")
            }
            Self::Stalled { length } => write!(f, "did nothing for {length:?}"),
        }
    }
}
