//! Ranks: which node is preferred for which virtual group, where their links are alike (VG-2).

use crate::identity::{GroupNumber, MAX_GROUPS, MAX_NODES, NodeNumber};
use core::fmt;
use core::num::NonZeroU8;

/// A node's rank for a virtual group: 1 is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Rank(pub NonZeroU8);

impl Rank {
    /// 1 to 255; `None` for 0.
    #[must_use]
    pub const fn new(rank: u8) -> Option<Self> {
        match NonZeroU8::new(rank) {
            Some(rank) => Some(Self(rank)),
            None => None,
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {}", self.0)
    }
}

/// The ranks of all nodes for all virtual groups. Only ranked nodes are candidates for a group. Two nodes may have
/// the same rank: the lower node number is then preferred (VG-2).
///
/// It is part of the configuration that all nodes share; all go by the one of the highest configuration version. Two
/// tables of one version are a mistake; that all make the same of it, they go by the higher table: the one with the higher
/// number at the first place where they differ, by group and then by node, where no rank is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RankTable([[Option<Rank>; MAX_NODES]; MAX_GROUPS]);

impl RankTable {
    /// A table in which no node has a rank.
    #[must_use]
    pub const fn new() -> Self {
        Self([[None; MAX_NODES]; MAX_GROUPS])
    }

    /// The node's rank for the group; `None` if it is no candidate.
    #[must_use]
    pub fn get(&self, group: GroupNumber, node: NodeNumber) -> Option<Rank> {
        *self.0.get(group.index())?.get(node.index())?
    }

    /// Gives the node a rank for the group, or takes it away.
    pub fn set(&mut self, group: GroupNumber, node: NodeNumber, rank: Option<Rank>) {
        if let Some(place) = self.0.get_mut(group.index()).and_then(|it| it.get_mut(node.index())) {
            *place = rank;
        }
    }
}
