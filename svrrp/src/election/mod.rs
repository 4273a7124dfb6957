//! Which node should own a virtual group, as one total order in one place (VG-2), and what follows from it for
//! one node: pure functions, without state, clock or allocation.
//!
//! - [`compare`] says which of two candidates is the better one, [`best`] which of all.
//! - [`decide`] says what a node has to do about a group, from what it [knows](GroupView) of the others;
//!   [`grants`] whether an owner hands the group over to a node that asks for it.
//!
//! All nodes compute alike. So that they agree, they must compute from the same figures: every node goes by what
//! it last *told* of itself rather than by what it has come to know since, and all by one rank table.
//!
//! The group's number plays no part but to look up ranks: groups are decided independently of each other.

mod decision;
mod view;

pub use decision::{Decision, decide, grants};
pub use view::{GroupView, NodeSet, NodeView, Said, Stance};

use crate::identity::{GroupNumber, NodeNumber};
use crate::link_weight::LinkWeight;
use crate::rank::{Rank, RankTable};
use core::cmp::{Ordering, Reverse};

/// A node that may own a group: it has a rank for it, and is fit for it as far as is known (VG-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Which node.
    pub node: NodeNumber,
    /// How many of the group's interfaces are up there. A node with none is a candidate all the same: a group must
    /// have an owner even before it has addresses (our decision).
    pub weight: LinkWeight,
    /// Its rank for the group.
    pub rank: Rank,
}

/// Compares two candidates for the same group; `Greater` means that `a` is the better one (VG-2).
///
/// The higher link weight wins, then the lower rank, then the lower node number. For two different nodes it is never
/// `Equal`, and `compare(a, b)` is the reverse of `compare(b, a)`.
#[must_use]
pub fn compare(a: &Candidate, b: &Candidate) -> Ordering {
    let key = |it: &Candidate| (it.weight, Reverse(it.rank), Reverse(it.node));
    key(a).cmp(&key(b))
}

/// The best of these nodes for the group; `None` if none has a rank for it. They are the fit ones, each with its link
/// weight, in any order; a node that is there twice counts with its higher weight.
#[must_use]
pub fn best(
    ranks: &RankTable,
    group: GroupNumber,
    fit: impl IntoIterator<Item = (NodeNumber, LinkWeight)>,
) -> Option<Candidate> {
    fit.into_iter()
        .filter_map(|(node, weight)| {
            Some(Candidate { node, weight, rank: ranks.get(group, node)? })
        })
        .max_by(compare)
}
