//! Properties of the election: it is a total order, all nodes agree, and no group ever gets two owners by it from the
//! same knowledge (VG-2, VG-4, VG-5, SVRRP-5).

use proptest::prelude::*;
use std::cmp::Ordering;
use svrrp::election::{
    Candidate, Decision, GroupView, NodeSet, NodeView, Said, Stance, best, compare, decide, grants,
};
use svrrp::identity::{GroupNumber, NodeNumber};
use svrrp::{LinkWeight, Rank, RankTable};

const GROUP: GroupNumber = GroupNumber::Two;

fn node() -> impl Strategy<Value = NodeNumber> {
    prop::sample::select(NodeNumber::ALL.to_vec())
}

/// Few values, so that they are often alike.
fn weight() -> impl Strategy<Value = LinkWeight> {
    (0_u16..4).prop_map(LinkWeight)
}

fn candidate() -> impl Strategy<Value = Candidate> {
    (node(), weight(), 1_u8..4).prop_map(|(node, weight, rank)| Candidate {
        node,
        weight,
        rank: Rank::new(rank).unwrap(),
    })
}

fn ranks() -> impl Strategy<Value = RankTable> {
    prop::array::uniform4(0_u8..4).prop_map(|ranks| {
        let mut table = RankTable::new();
        for (node, rank) in NodeNumber::ALL.into_iter().zip(ranks) {
            table.set(GROUP, node, Rank::new(rank));
        }
        table
    })
}

fn stance() -> impl Strategy<Value = Stance> {
    prop_oneof![
        4 => Just(Stance::Idle),
        1 => Just(Stance::Asking),
        1 => Just(Stance::Taking),
        2 => Just(Stance::Owner),
        1 => Just(Stance::Withdrawing),
        1 => node().prop_map(|successor| Stance::Released { successor }),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    (prop::bool::weighted(0.8), weight(), stance()).prop_map(|(fit, weight, stance)| Said {
        fit,
        weight,
        stance,
    })
}

fn nodes(of: impl Strategy<Value = NodeNumber>) -> impl Strategy<Value = NodeSet> {
    prop::collection::vec(of, 0..6).prop_map(|nodes| nodes.into_iter().collect())
}

fn node_view() -> impl Strategy<Value = NodeView> {
    let owner = prop::option::weighted(0.3, node());
    (said(), owner, nodes(node()), prop::option::of(said())).prop_map(
        |(said, owner, hears, echo)| NodeView { said, kept_out: false, owner, hears, echo },
    )
}

/// What is known of all nodes: anything, also what cannot be.
fn views() -> impl Strategy<Value = [Option<NodeView>; 4]> {
    prop::array::uniform4(prop::option::weighted(0.8, node_view()))
}

fn heard(nodes: &[Option<NodeView>; 4]) -> impl Iterator<Item = NodeNumber> {
    NodeNumber::ALL.into_iter().filter(|node| nodes[node.index()].is_some())
}

/// The decisions of all nodes that know the same.
fn decisions(
    ranks: &RankTable,
    nodes: &[Option<NodeView>; 4],
) -> Vec<(NodeNumber, GroupView, Decision)> {
    heard(nodes)
        .map(|own| (own, GroupView { own, nodes: *nodes }))
        .map(|(own, view)| (own, view, decide(GROUP, ranks, &view)))
        .collect()
}

proptest! {
    /// VG-2: it is a total order of nodes: one of two is better, and the other one is not.
    #[test]
    fn of_two_nodes_one_is_better(a in candidate(), b in candidate()) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert_eq!(compare(&a, &b) == Ordering::Equal, a == b);
        if a.node != b.node {
            prop_assert_ne!(compare(&a, &b), Ordering::Equal);
        }
    }

    /// VG-2: whoever is better than a better one is better.
    #[test]
    fn the_order_is_transitive(a in candidate(), b in candidate(), c in candidate()) {
        if compare(&a, &b) != Ordering::Less && compare(&b, &c) != Ordering::Less {
            prop_assert_ne!(compare(&a, &c), Ordering::Less);
        }
    }

    /// VG-2: weight goes before rank, and rank before number.
    #[test]
    fn weight_then_rank_then_number(a in candidate(), b in candidate()) {
        let expected = if a.weight != b.weight {
            a.weight > b.weight
        } else if a.rank != b.rank {
            a.rank < b.rank
        } else {
            a.node < b.node
        };
        prop_assert_eq!(compare(&a, &b) == Ordering::Greater, expected);
    }

    /// VG-2: there is exactly one best as soon as a node has a rank, whatever the order in which they are counted.
    #[test]
    fn there_is_one_best(ranks in ranks(), weights in prop::array::uniform4(prop::option::of(weight()))) {
        let fit = || NodeNumber::ALL.into_iter().zip(weights).filter_map(|(node, it)| Some((node, it?)));
        let found = best(&ranks, GROUP, fit());
        prop_assert_eq!(found, best(&ranks, GROUP, fit().collect::<Vec<_>>().into_iter().rev()));
        let ranked: Vec<_> = fit().filter(|(node, _)| ranks.get(GROUP, *node).is_some()).collect();
        prop_assert_eq!(found.is_some(), !ranked.is_empty());
        if let Some(found) = found {
            prop_assert!(ranked.contains(&(found.node, found.weight)));
            let others = ranked.iter().filter(|(node, _)| *node != found.node);
            for &(node, weight) in others {
                let other = Candidate { node, weight, rank: ranks.get(GROUP, node).unwrap() };
                prop_assert_eq!(compare(&found, &other), Ordering::Greater);
            }
        }
    }

    /// VG-2: the best stays the best when its weight rises, when another's falls, and when another one is lost.
    #[test]
    fn more_weight_never_costs_a_group(
        ranks in ranks(),
        weights in prop::array::uniform4(weight()),
        more in 0_u16..5,
        other in node(),
    ) {
        let fit = |change: &dyn Fn(NodeNumber, u16) -> Option<u16>| {
            let changed = NodeNumber::ALL.into_iter().zip(weights).filter_map(|(node, weight)| {
                Some((node, LinkWeight(change(node, weight.0)?)))
            });
            best(&ranks, GROUP, changed.collect::<Vec<_>>()).map(|it| it.node)
        };
        let first = fit(&|_, weight| Some(weight));
        let risen = fit(&|node, weight| Some(if Some(node) == first { weight + more } else { weight }));
        prop_assert_eq!(risen, first);
        if Some(other) != first {
            let fallen = fit(&|node, weight| {
                Some(if node == other { weight.saturating_sub(more) } else { weight })
            });
            prop_assert_eq!(fallen, first);
            let lost = fit(&|node, weight| (node != other).then_some(weight));
            prop_assert_eq!(lost, first);
        }
    }

    /// VG-1, VG-5: of nodes that know the same at most one takes, or asks, and never one beside the other.
    #[test]
    fn nodes_that_know_the_same_agree(ranks in ranks(), nodes in views()) {
        let all = decisions(&ranks, &nodes);
        let moves = |it: &&(NodeNumber, GroupView, Decision)| {
            matches!(it.2, Decision::Take | Decision::Ask(_))
        };
        prop_assert!(all.iter().filter(moves).count() <= 1, "{:?}", all);
    }

    /// SVRRP-5: nobody takes while a heard node has anything to do with the group, or hears an owner.
    #[test]
    fn nobody_takes_what_a_heard_node_knows_to_be_owned(ranks in ranks(), nodes in views()) {
        for (own, view, decision) in decisions(&ranks, &nodes) {
            if decision != Decision::Take {
                continue;
            }
            for (node, it) in view.others() {
                prop_assert_eq!(it.said.stance, Stance::Idle, "{} takes, {} does not idle", own, node);
                prop_assert!(it.owner.is_none_or(|owner| owner == own), "{} takes, {}", own, node);
            }
            prop_assert!(view.get(own).unwrap().said.fit && ranks.get(GROUP, own).is_some());
        }
    }

    /// VG-1, VG-5: a free group is taken, by the best, if there is a candidate.
    #[test]
    fn a_free_group_is_taken(ranks in ranks(), nodes in views()) {
        let idle = |it: NodeView| NodeView {
            said: Said { stance: Stance::Idle, ..it.said },
            owner: None,
            ..it
        };
        let nodes = nodes.map(|it| it.map(idle));
        let fit = heard(&nodes).map(|node| (node, nodes[node.index()].unwrap().said));
        let fit = fit.filter(|(_, said)| said.fit).map(|(node, said)| (node, said.weight));
        let best = best(&ranks, GROUP, fit).map(|it| it.node);
        for (own, _, decision) in decisions(&ranks, &nodes) {
            let expected = if Some(own) == best { Decision::Take } else { Decision::Nothing };
            prop_assert_eq!(decision, expected);
        }
    }

    /// VG-4: who asks is better than the owner, and the owner that knows the same grants it: a group does not wait for
    /// ever; and it grants it to nobody else.
    #[test]
    fn the_owner_grants_what_is_asked(ranks in ranks(), nodes in views()) {
        let all = decisions(&ranks, &nodes);
        let asks: Vec<_> = all.iter().filter_map(|(node, _, it)| match it {
            Decision::Ask(owner) => Some((*node, *owner)),
            _ => None,
        }).collect();
        for &(asker, owner) in &asks {
            let view = GroupView { own: owner, nodes };
            for node in NodeNumber::ALL {
                prop_assert_eq!(grants(GROUP, &ranks, &view, node), node == asker);
            }
        }
    }

    /// SVRRP-5: of owners that hear each other, and have heard that they do, one keeps the group, the best, and all
    /// others yield to it.
    #[test]
    fn of_several_owners_the_best_keeps_the_group(
        ranks in ranks(),
        saids in prop::array::uniform4((any::<bool>(), weight(), any::<bool>())),
    ) {
        let saids = saids.map(|(fit, weight, taking)| {
            let stance = if taking { Stance::Taking } else { Stance::Owner };
            Said { fit, weight, stance }
        });
        let decide = |own: NodeNumber| {
            let echo = Some(saids[own.index()]);
            let view = |said| Some(NodeView { said, hears: NodeSet::ALL, echo, ..NodeView::default() });
            decide(GROUP, &ranks, &GroupView { own, nodes: saids.map(view) })
        };
        let all = NodeNumber::ALL.map(decide);
        let keeper = NodeNumber::ALL.into_iter().find(|node| all[node.index()] == Decision::Keep);
        let keeper = keeper.unwrap();
        for node in NodeNumber::ALL.into_iter().filter(|node| *node != keeper) {
            prop_assert_eq!(all[node.index()], Decision::Yield(keeper));
        }
        let fit = NodeNumber::ALL.into_iter().zip(saids).filter(|(_, said)| said.fit);
        if let Some(best) = best(&ranks, GROUP, fit.map(|(node, said)| (node, said.weight))) {
            prop_assert_eq!(keeper, best.node);
        }
    }

    /// SVRRP-5: a decision depends on the group's ranks alone, not on those of other groups.
    #[test]
    fn groups_are_independent(ranks in ranks(), other in ranks(), nodes in views(), own in node()) {
        let mut both = ranks;
        for node in NodeNumber::ALL {
            both.set(GroupNumber::One, node, other.get(GROUP, node));
        }
        let view = GroupView { own, nodes };
        prop_assert_eq!(decide(GROUP, &ranks, &view), decide(GROUP, &both, &view));
    }
}
