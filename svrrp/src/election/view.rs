//! What a node knows of all nodes, for one virtual group: the input of a decision.

use crate::identity::{MAX_NODES, NodeNumber};
use crate::link_weight::LinkWeight;
use core::fmt;

/// What a node has to do with a virtual group; it tells the others. The states of a hand-over are states of their own,
/// so that none of them can be mistaken for a free group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Stance {
    /// It neither has the group nor is about to get it.
    #[default]
    Idle,
    /// It has asked the owner for the group.
    Asking,
    /// It is taking the group: some actions of the take are done.
    Taking,
    /// It owns the group.
    Owner,
    /// It is giving the group up, and that is not confirmed yet.
    Withdrawing,
    /// It has given the group up for another node, which has not taken it yet (VG-5).
    Released {
        /// Which node may take it.
        successor: NodeNumber,
    },
}

impl Stance {
    /// Whether its unit may hold addresses of the group: from the first action of a take until the withdrawal is
    /// confirmed.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Taking | Self::Owner | Self::Withdrawing)
    }

    /// Whether it has the group and means to keep it: two nodes like that are a conflict (SVRRP-5).
    #[must_use]
    pub const fn owns(self) -> bool {
        matches!(self, Self::Taking | Self::Owner)
    }
}

impl fmt::Display for Stance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.pad("idle"),
            Self::Asking => f.pad("asking"),
            Self::Taking => f.pad("taking"),
            Self::Owner => f.pad("owner"),
            Self::Withdrawing => f.pad("withdrawing"),
            Self::Released { successor } => write!(f, "released to {successor}"),
        }
    }
}

/// Some of the nodes of a cluster, kept in place.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct NodeSet(u8);

impl NodeSet {
    /// None of them.
    pub const EMPTY: Self = Self(0);
    /// All four.
    pub const ALL: Self = Self(0b1111);

    const fn bit(node: NodeNumber) -> u8 {
        match node {
            NodeNumber::One => 1,
            NodeNumber::Two => 2,
            NodeNumber::Three => 4,
            NodeNumber::Four => 8,
        }
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn contains(self, node: NodeNumber) -> bool {
        self.0 & Self::bit(node) != 0
    }

    /// Adds a node, if it is not one of them already.
    pub fn insert(&mut self, node: NodeNumber) {
        self.0 |= Self::bit(node);
    }

    /// Takes a node away, if it is one of them.
    pub fn remove(&mut self, node: NodeNumber) {
        self.0 &= !Self::bit(node);
    }

    /// All of them, the lowest number first.
    pub fn iter(self) -> impl Iterator<Item = NodeNumber> {
        NodeNumber::ALL.into_iter().filter(move |node| self.contains(*node))
    }
}

impl FromIterator<NodeNumber> for NodeSet {
    fn from_iter<T: IntoIterator<Item = NodeNumber>>(nodes: T) -> Self {
        let mut set = Self::EMPTY;
        nodes.into_iter().for_each(|node| set.insert(node));
        set
    }
}

impl fmt::Debug for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(NodeNumber::get)).finish()
    }
}

/// What a node said of itself and one group, in one advertisement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Said {
    /// It is fit to own groups: one of its units at least can be active, and the license allows it. Without it the node
    /// is no candidate; nor is it without a rank (VG-2).
    pub fit: bool,
    /// How many of the group's interfaces are up there: the weight of its best unit, after the restore hold.
    pub weight: LinkWeight,
    /// What it has to do with the group.
    pub stance: Stance,
}

/// What is known of one node, for one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeView {
    /// What it said last.
    pub said: Said,
    /// It is another model, or runs other firmware (NODE-2): it is no candidate. Between two owners that does not count:
    /// each would take the other for the odd one.
    pub kept_out: bool,
    /// The owner that it hears by itself, or that it is: the node that [holds](Stance::holds) the group as far as it
    /// knows. Never what it was only told of: else two nodes could go on telling each other of an owner that is long
    /// gone. Of several the one that counts for it.
    pub owner: Option<NodeNumber>,
    /// Which other nodes it hears.
    pub hears: NodeSet,
    /// What this node had said in the advertisement that the other one had heard last when it said this. `None`: it
    /// does not hear this node, or has not yet. Of no meaning for the node itself.
    ///
    /// In a conflict of owners both must judge by the same words. So a node that hears of one must not change what it
    /// tells of its fitness and weight until that is over, and must leave this at `None` while the other one echoes
    /// words from before: else a change in between could make both yield.
    pub echo: Option<Said>,
}

/// What a node knows of all nodes, for one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupView {
    /// Who knows it.
    pub own: NodeNumber,
    /// What it knows, by [`NodeNumber::index`]. `None`: not heard, or kept out. Its own place holds what it last told
    /// of itself; without that it decides nothing.
    pub nodes: [Option<NodeView>; MAX_NODES],
}

impl GroupView {
    /// What a node knows that hears nobody, of whom it knows what it has itself told.
    #[must_use]
    pub fn alone(own: NodeNumber, view: NodeView) -> Self {
        let mut nodes = [None; MAX_NODES];
        if let Some(place) = nodes.get_mut(own.index()) {
            *place = Some(view);
        }
        Self { own, nodes }
    }

    /// The nodes that could own the group as far as they are fit, each with its weight.
    pub(super) fn candidates(
        &self,
    ) -> impl Iterator<Item = (NodeNumber, crate::link_weight::LinkWeight)> {
        let fit = self.iter().filter(|(_, it)| it.said.fit && !it.kept_out);
        fit.map(|(node, it)| (node, it.said.weight))
    }

    /// What is known of a node; `None` if it is not heard.
    #[must_use]
    pub fn get(&self, node: NodeNumber) -> Option<&NodeView> {
        self.nodes.get(node.index())?.as_ref()
    }

    /// Whether a node is giving the group up, or has done so for another one.
    #[must_use]
    pub fn is_giving_up(&self, node: NodeNumber) -> bool {
        let stance = self.get(node).map(|it| it.said.stance);
        matches!(stance, Some(Stance::Withdrawing | Stance::Released { .. }))
    }

    /// Whether no other node than that one holds the group, as far as this node hears.
    #[must_use]
    pub fn is_held_by_none_but(&self, node: NodeNumber) -> bool {
        self.others().all(|(other, it)| other == node || !it.said.stance.holds())
    }

    /// All nodes of which something is known, this one too, the lowest number first.
    pub fn iter(&self) -> impl Iterator<Item = (NodeNumber, &NodeView)> {
        NodeNumber::ALL
            .into_iter()
            .zip(&self.nodes)
            .filter_map(|(node, it)| Some((node, it.as_ref()?)))
    }

    /// The other nodes that are heard, the lowest number first.
    pub fn others(&self) -> impl Iterator<Item = (NodeNumber, &NodeView)> {
        self.iter().filter(|(node, _)| *node != self.own)
    }
}
