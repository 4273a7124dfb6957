//! A cluster at one moment, as it is seen from outside: what the screen shows, and what a script expects.

use crate::cables::Cable;
use crate::setup::{INTERFACES, Setup};
use crate::timeline::Entry;
use ha_core::pair::Role;
use ha_core::time::Instant;
use std::collections::BTreeSet;
use std::time::Duration;
use svrrp::link_weight::LinkWeight;
use svrrp::{GroupNumber, Member, Rank};

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) setup: Setup,
    pub(crate) now: Instant,
    pub(crate) units: Vec<UnitView>,
    pub(crate) groups: Vec<GroupView>,
    /// The cables that are cut.
    pub(crate) cut: BTreeSet<Cable>,
    /// The latest last.
    pub(crate) entries: Vec<Entry>,
    /// What a take-over may take.
    pub(crate) bound: Duration,
}

/// A unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitView {
    pub(crate) member: Member,
    /// `None`: it does not run.
    pub(crate) role: Option<Role>,
    pub(crate) ports: [bool; INTERFACES.len()],
}

/// A virtual group.
#[derive(Clone, Debug)]
pub(crate) struct GroupView {
    pub(crate) group: GroupNumber,
    /// The units that have its addresses: one, if all is well.
    pub(crate) holders: Vec<Member>,
    /// By [`svrrp::NodeNumber::index`]: what the node says of itself, if it has an active unit.
    pub(crate) weights: [Option<LinkWeight>; 4],
    /// The same.
    pub(crate) ranks: [Option<Rank>; 4],
}

impl View {
    pub(crate) fn unit(&self, member: Member) -> Option<&UnitView> {
        self.units.iter().find(|unit| unit.member == member)
    }

    pub(crate) fn group(&self, group: GroupNumber) -> Option<&GroupView> {
        self.groups.iter().find(|it| it.group == group)
    }
}
