//! What can be read of a cluster at any time (STA-1).

use super::machine::ClusterUnit;
use super::news::{KeptOut, Standing};
use crate::election::Stance;
use crate::identity::{GroupNumber, Member, NodeNumber};
use crate::link_weight::LinkWeight;
use crate::wire::{Condition, Paths};
use alloc::vec::Vec;

/// A cluster, as one of its units sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClusterStatus {
    /// Which unit this is.
    pub own: Member,
    /// What it is in its node.
    pub standing: Standing,
    /// The license allows it (LIC-9).
    pub licensed: bool,
    /// It listens still, and takes nothing.
    pub listening: bool,
    /// The Master: the owner of VG 1 (NODE-3).
    pub master: Option<NodeNumber>,
    /// The version of the settings whose ranks are in force.
    pub version: u64,
    /// The cluster links that are slower than [`MIN_LINK_SPEED`](super::MIN_LINK_SPEED) (NODE-7).
    pub slow_links: Paths,
    /// The groups.
    pub groups: Vec<GroupStatus>,
    /// The other units.
    pub units: Vec<UnitStatus>,
}

/// A group, as one unit sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupStatus {
    /// Which group.
    pub group: GroupNumber,
    /// What this unit has to do with it.
    pub stance: Stance,
    /// The node that owns it, as far as this unit hears.
    pub owner: Option<NodeNumber>,
    /// The weight of this node.
    pub weight: LinkWeight,
    /// What the nodes that are heard say of theirs, by number.
    pub weights: [Option<LinkWeight>; 4],
    /// The term of this node's reign, present or last.
    pub term: u64,
}

/// Another unit, as this one sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnitStatus {
    /// Which unit.
    pub member: Member,
    /// It is heard.
    pub heard: bool,
    /// On which paths.
    pub paths: Paths,
    /// It is heard, and was not heard on X0 for three [trials](super::X0_TRIAL) (NODE-7).
    pub silent_on_x0: bool,
    /// What it said last that it is in its node; `None` if it was never heard.
    pub condition: Option<Condition>,
    /// Why it is kept out, if it is.
    pub kept_out: Option<KeptOut>,
}

impl ClusterUnit {
    /// All that can be read.
    #[must_use]
    pub fn status(&self) -> ClusterStatus {
        ClusterStatus {
            own: self.config.own,
            standing: self.standing,
            licensed: self.licensed,
            listening: self.listening.is_some(),
            master: self.owner_seen(GroupNumber::One),
            version: self.ranks.0,
            slow_links: self.slow_links,
            groups: self.groups().filter_map(|group| self.group_status(group)).collect(),
            units: self.others().filter_map(|member| self.unit_status(member)).collect(),
        }
    }

    /// What this unit has to do with a group; [`Stance::Idle`] for a group that there is not.
    #[must_use]
    pub fn stance(&self, group: GroupNumber) -> Stance {
        let state = self.holding(group).map(|it| it.state).unwrap_or_default();
        super::holding::stance(state.on_the_wire())
    }

    fn group_status(&self, group: GroupNumber) -> Option<GroupStatus> {
        let weight = *self.weights.get(group.index())?;
        let view = self.view(group);
        Some(GroupStatus {
            group,
            stance: self.stance(group),
            owner: self.owner_seen(group),
            weight,
            weights: NodeNumber::ALL.map(|node| view.get(node).map(|it| it.said.weight)),
            term: self.holding(group)?.term,
        })
    }

    fn unit_status(&self, member: Member) -> Option<UnitStatus> {
        let peer = self.peer(member)?;
        let last = peer.last();
        Some(UnitStatus {
            member,
            heard: peer.is_alive(self.judged, &self.config.rules),
            paths: peer.paths_heard(self.judged, &self.config.rules),
            silent_on_x0: peer.is_x0_silent,
            condition: last.map(|last| last.unit.condition),
            kept_out: last.and_then(|last| self.kept_out(last)),
        })
    }
}
