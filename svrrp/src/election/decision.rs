//! What a node has to do about a virtual group: the one place where that is decided.

use super::view::{GroupView, Said, Stance};
use super::{Candidate, best, compare};
use crate::identity::{GroupNumber, NodeNumber};
use crate::link_weight::LinkWeight;
use crate::rank::RankTable;
use core::cmp::Ordering;
use core::fmt;

/// What a node has to do about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing. A node that asks for the group gives that up; one that is giving it up, or has released it, goes on with
    /// that.
    Nothing,
    /// Take the group: it has no owner, and this node is the best (VG-5).
    Take,
    /// Ask the owner for it, or go on asking: this node is better (VG-4).
    Ask(NodeNumber),
    /// Withdraw: that node owns the group too, and is better (SVRRP-5).
    Yield(NodeNumber),
    /// Keep the group.
    Keep,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.pad("nothing"),
            Self::Take => f.pad("take"),
            Self::Ask(owner) => write!(f, "ask {owner}"),
            Self::Yield(owner) => write!(f, "yield to {owner}"),
            Self::Keep => f.pad("keep"),
        }
    }
}

/// What the node that has this view has to do about the group.
///
/// It is the same at any time, since it depends on nothing else; the machine adds the time: a hand-over has its limits
/// (PAIR-20), and a group that was released and not claimed is taken back by its former owner.
///
/// # What is decided here, where the requirements are silent
/// - Only the best of those that the owner hears, and that hear it, asks: a group moves once, and to where it can.
/// - A node does not take while another one asks, takes, withdraws or has released, nor while one that it hears says
///   that it hears an owner, though that word be old: a round trip is the price of never having two owners by a late
///   datagram.
/// - Between two owners a fit one with a rank is better than one without; of two without, the lower node number.
/// - An owner that is no candidate any more keeps the group until another node takes it over.
/// - An owner that is kept out is not asked: it keeps the group until it is lost or withdraws it.
/// - Two owners that do not hear each other are left alone, even if a third node hears both: neither knows the other's
///   values, so none could judge.
#[must_use]
pub fn decide(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    let Some(ours) = view.get(view.own) else { return Decision::Nothing };
    match ours.said.stance {
        Stance::Taking | Stance::Owner => keep_or_yield(group, ranks, view),
        Stance::Idle | Stance::Asking => take_or_ask(group, ranks, view),
        Stance::Withdrawing | Stance::Released { .. } => Decision::Nothing,
    }
}

/// Whether the owner that has this view hands the group over to `asker`, who asks for it: if it judges as the asker must
/// have done. It declines while it is in a conflict with a node that hears it: that is settled first. One that does not
/// hear it settles nothing (our decision).
#[must_use]
pub fn grants(group: GroupNumber, ranks: &RankTable, view: &GroupView, asker: NodeNumber) -> bool {
    let is_owner = view.get(view.own).is_some_and(|ours| ours.said.stance == Stance::Owner);
    let mut rivals = view.others().filter(|(_, it)| it.said.stance.holds());
    let is_alone = rivals.all(|(_, it)| !it.hears.contains(view.own));
    is_owner
        && is_alone
        && asker != view.own
        && best_for_hand_over(group, ranks, view, view.own) == Some(asker)
}

fn take_or_ask(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    let mut owner = None;
    let mut is_anybody_asking = false;
    for (node, it) in view.others() {
        match it.said.stance {
            Stance::Idle => {}
            Stance::Asking => is_anybody_asking = true,
            // Two owners settle that between themselves first.
            Stance::Owner if owner.is_some() => return Decision::Nothing,
            Stance::Owner => owner = Some(node),
            // The group is on its way.
            Stance::Taking | Stance::Withdrawing | Stance::Released { .. } => {
                return Decision::Nothing;
            }
        }
    }
    if let Some(owner) = owner {
        // It keeps this node out, too, and would never grant.
        if view.get(owner).is_some_and(|it| it.kept_out) {
            return Decision::Nothing;
        }
        // Others may ask, too: those that are worse will see it, and give up.
        let is_best = best_for_hand_over(group, ranks, view, owner) == Some(view.own);
        return if is_best { Decision::Ask(owner) } else { Decision::Nothing };
    }
    let is_owned = view.others().any(|(_, it)| it.owner.is_some_and(|owner| owner != view.own));
    let best = best(ranks, group, view.candidates()).map(|it| it.node);
    if is_anybody_asking || is_owned || best != Some(view.own) {
        return Decision::Nothing;
    }
    Decision::Take
}

/// The best of the owner and those that can talk with it in both directions.
fn best_for_hand_over(
    group: GroupNumber,
    ranks: &RankTable,
    view: &GroupView,
    owner: NodeNumber,
) -> Option<NodeNumber> {
    let hears = view.get(owner)?.hears;
    let can_talk = |(node, _): &(NodeNumber, LinkWeight)| {
        let hears_owner = || view.get(*node).is_some_and(|it| it.hears.contains(owner));
        *node == owner || (hears.contains(*node) && hears_owner())
    };
    Some(best(ranks, group, view.candidates().filter(can_talk))?.node)
}

fn keep_or_yield(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    // What the other one has not heard yet it cannot judge: both must go by the same words.
    let rivals = view.others().filter_map(|(node, it)| {
        let ours = it.echo.filter(|said| said.stance.owns())?;
        it.said.stance.owns().then_some((node, it.said, ours))
    });
    let as_owner = |node, said| OwnerView::new(group, ranks, node, said);
    let better = rivals.filter_map(|(node, theirs, ours)| {
        let (theirs, ours) = (as_owner(node, theirs), as_owner(view.own, ours));
        (theirs.compare(&ours) == Ordering::Greater).then_some(theirs)
    });
    let best = better.max_by(OwnerView::compare);
    best.map_or(Decision::Keep, |best| Decision::Yield(best.node))
}

/// An owner beside another one. It may be no candidate.
struct OwnerView {
    node: NodeNumber,
    candidate: Option<Candidate>,
}

impl OwnerView {
    fn new(group: GroupNumber, ranks: &RankTable, node: NodeNumber, said: Said) -> Self {
        let candidate = best(ranks, group, said.fit.then_some((node, said.weight)));
        Self { node, candidate }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (&self.candidate, &other.candidate) {
            (Some(ours), Some(theirs)) => compare(ours, theirs),
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (None, None) => other.node.cmp(&self.node),
        }
    }
}
