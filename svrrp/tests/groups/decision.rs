//! What a node does about a virtual group, case by case (VG-2, VG-4, VG-5, SVRRP-5).

use svrrp::election::{Decision, GroupView, NodeSet, NodeView, Said, Stance, decide, grants};
use svrrp::identity::{GroupNumber, NodeNumber};
use svrrp::{LinkWeight, Rank, RankTable};

use NodeNumber::{Four, One, Three, Two};
use Stance::{Asking, Idle, Owner, Released, Taking, Withdrawing};

const GROUP: GroupNumber = GroupNumber::One;

/// Node 1 is preferred, then node 2, then node 3; node 4 has no rank.
fn ranks() -> RankTable {
    let mut ranks = RankTable::new();
    for (node, rank) in [(One, 1), (Two, 2), (Three, 3)] {
        ranks.set(GROUP, node, Rank::new(rank));
    }
    ranks
}

/// A cluster in which all nodes hear each other, and all that was said was heard.
#[derive(Clone)]
struct Cluster([Option<NodeView>; 4]);

impl Cluster {
    fn new(stances: [Option<Stance>; 4]) -> Self {
        let mut it = Self(stances.map(|stance| {
            let said = Said { fit: true, weight: LinkWeight(3), stance: stance? };
            Some(NodeView { said, ..NodeView::default() })
        }));
        let all = || NodeNumber::ALL.into_iter();
        let hears: NodeSet = all().filter(|node| it.0[node.index()].is_some()).collect();
        let holds = |node: &NodeNumber| stances[node.index()].is_some_and(Stance::holds);
        let owner = all().find(holds);
        it.0.iter_mut().flatten().for_each(|it| (it.hears, it.owner) = (hears, owner));
        it
    }

    fn change(mut self, node: NodeNumber, change: impl FnOnce(&mut NodeView)) -> Self {
        change(self.0[node.index()].as_mut().unwrap());
        self
    }

    fn weight(self, node: NodeNumber, weight: u16) -> Self {
        self.change(node, |it| it.said.weight = LinkWeight(weight))
    }

    fn unfit(self, node: NodeNumber) -> Self {
        self.change(node, |it| it.said.fit = false)
    }

    fn deaf(self, one: NodeNumber, other: NodeNumber) -> Self {
        self.change(one, |it| it.hears.remove(other)).change(other, |it| it.hears.remove(one))
    }

    fn view(&self, own: NodeNumber) -> GroupView {
        let echo = self.0[own.index()].map(|it| it.said);
        let hears = self.0[own.index()].map(|it| it.hears).unwrap_or_default();
        let mut nodes = self.0;
        for (node, place) in NodeNumber::ALL.into_iter().zip(&mut nodes) {
            match place {
                Some(it) if node != own && hears.contains(node) => {
                    it.echo = echo.filter(|_| it.hears.contains(own));
                }
                _ if node != own => *place = None,
                _ => {}
            }
        }
        GroupView { own, nodes }
    }

    fn decide(&self, own: NodeNumber) -> Decision {
        decide(GROUP, &ranks(), &self.view(own))
    }

    fn decisions(&self) -> [Decision; 4] {
        NodeNumber::ALL.map(|node| self.decide(node))
    }
}

fn idle() -> [Option<Stance>; 4] {
    [Some(Idle); 4]
}

fn with(node: NodeNumber, stance: Stance) -> [Option<Stance>; 4] {
    let mut stances = idle();
    stances[node.index()] = Some(stance);
    stances
}

const NOTHING: [Decision; 4] = [Decision::Nothing; 4];

fn only(node: NodeNumber, decision: Decision) -> [Decision; 4] {
    let mut all = NOTHING;
    all[node.index()] = decision;
    all
}

/// VG-2: with equal weights the better rank takes a free group; a higher weight goes before it; a node without a rank
/// never does.
#[test]
fn the_best_takes_a_free_group() {
    let cluster = Cluster::new(idle());
    assert_eq!(cluster.decisions(), only(One, Decision::Take));
    let cluster = cluster.weight(Three, 4).weight(Four, 9);
    assert_eq!(cluster.decisions(), only(Three, Decision::Take));
    let cluster = cluster.unfit(Three).unfit(One).unfit(Two);
    assert_eq!(cluster.decisions(), NOTHING, "node 4 has no rank");
}

/// VG-1: a group without addresses, of weight 0 everywhere, has an owner too.
#[test]
fn a_group_without_addresses_has_an_owner() {
    let cluster =
        NodeNumber::ALL.into_iter().fold(Cluster::new(idle()), |it, node| it.weight(node, 0));
    assert_eq!(cluster.decisions(), only(One, Decision::Take));
}

/// SVRRP-5: a node that hears nobody elects itself.
#[test]
fn a_node_alone_takes() {
    let said = Said { fit: true, weight: LinkWeight(0), stance: Idle };
    let view = GroupView::alone(Three, NodeView { said, ..NodeView::default() });
    assert_eq!(decide(GROUP, &ranks(), &view), Decision::Take);
    let nothing = GroupView { own: Three, nodes: [None; 4] };
    assert_eq!(decide(GROUP, &ranks(), &nothing), Decision::Nothing, "it has said nothing yet");
}

/// VG-5, SVRRP-5: nobody takes while another one has anything to do with the group.
#[test]
fn a_group_on_its_way_is_not_taken() {
    for stance in [Asking, Taking, Withdrawing, Released { successor: Two }] {
        let cluster = Cluster::new(with(Three, stance));
        assert_eq!(cluster.decide(One), Decision::Nothing, "{stance}");
    }
}

/// SVRRP-5: nobody takes from an owner that a node it hears still hears.
#[test]
fn an_owner_that_a_heard_node_hears_keeps_the_group() {
    let cluster = Cluster::new(with(Two, Owner)).deaf(One, Two).change(One, |it| it.owner = None);
    assert_eq!(cluster.decisions(), only(Two, Decision::Keep));
    let cluster = cluster.deaf(Three, Two).change(Three, |it| it.owner = None);
    assert_eq!(cluster.decide(One), Decision::Nothing, "node 4 still hears it");
    let cluster = cluster.deaf(Four, Two).change(Four, |it| it.owner = None);
    assert_eq!(cluster.decide(One), Decision::Take, "node 2 is on the other side of a split");
    assert_eq!(cluster.decide(Two), Decision::Keep);
}

/// VG-5: a node that others still take for the owner, and is not, may take.
#[test]
fn a_word_about_ourselves_does_not_hold_us_back() {
    let cluster = Cluster::new(idle()).change(Two, |it| it.owner = Some(One));
    assert_eq!(cluster.decide(One), Decision::Take);
    let cluster = cluster.change(Two, |it| it.owner = Some(Three));
    assert_eq!(cluster.decide(One), Decision::Nothing);
}

/// VG-4: between nodes preempt is always on: the best one asks a living owner, others do not; and the owner hands the
/// group over to it alone.
#[test]
fn the_best_asks_the_owner() {
    let cluster = Cluster::new(with(Three, Owner));
    let expected = [Decision::Ask(Three), Decision::Nothing, Decision::Keep, Decision::Nothing];
    assert_eq!(cluster.decisions(), expected);
    let grants = |asker| grants(GROUP, &ranks(), &cluster.view(Three), asker);
    assert_eq!(NodeNumber::ALL.map(grants), [true, false, false, false]);
}

/// VG-2, VG-4: an owner that is as good as any is left alone.
#[test]
fn the_best_owner_is_not_asked() {
    for cluster in [
        Cluster::new(with(One, Owner)),
        Cluster::new(with(Three, Owner)).weight(Three, 4),
        Cluster::new(with(Two, Owner)).unfit(One),
    ] {
        let decisions = cluster.decisions();
        assert_eq!(decisions.iter().filter(|it| **it == Decision::Keep).count(), 1);
        assert_eq!(decisions.iter().filter(|it| **it == Decision::Nothing).count(), 3);
    }
}

/// VG-2: an owner that is no candidate any more keeps the group until a candidate has it: for that one it is enough to
/// be a candidate.
#[test]
fn an_owner_that_is_no_candidate_is_asked_by_any() {
    let cluster = Cluster::new(with(Four, Owner)).weight(Four, 9);
    assert_eq!(cluster.decide(One), Decision::Ask(Four), "it has no rank");
    let cluster = Cluster::new(with(One, Owner)).weight(One, 9).unfit(One);
    assert_eq!(cluster.decide(Two), Decision::Ask(One), "it is not fit");
    assert_eq!(cluster.decide(One), Decision::Keep);
    let alone = cluster.unfit(Two).unfit(Three);
    assert_eq!(alone.decisions(), only(One, Decision::Keep));
}

/// VG-5: who asks goes on while it is the best, gives up when it is not any more, and takes when the owner is lost.
#[test]
fn an_asker_goes_on_gives_up_or_takes() {
    let mut stances = with(Three, Owner);
    stances[One.index()] = Some(Asking);
    let cluster = Cluster::new(stances);
    assert_eq!(cluster.decide(One), Decision::Ask(Three));
    assert_eq!(cluster.clone().weight(Two, 4).decide(One), Decision::Nothing);
    assert_eq!(cluster.weight(Two, 4).decide(Two), Decision::Ask(Three), "though node 1 asks");
    stances[Three.index()] = None;
    assert_eq!(Cluster::new(stances).decide(One), Decision::Take);
    assert_eq!(Cluster::new(stances).decide(Two), Decision::Nothing);
}

/// SVRRP-5: in a partial mesh the best of those that can talk with the owner asks.
#[test]
fn only_who_talks_with_the_owner_asks() {
    let cluster = Cluster::new(with(Three, Owner)).deaf(One, Three);
    assert_eq!(cluster.decide(One), Decision::Nothing);
    assert_eq!(cluster.decide(Two), Decision::Ask(Three));
    assert!(grants(GROUP, &ranks(), &cluster.view(Three), Two));
    // One direction is not enough.
    let cluster = Cluster::new(with(Three, Owner)).change(Three, |it| it.hears.remove(One));
    assert_eq!(cluster.decide(One), Decision::Nothing);
    assert_eq!(cluster.decide(Two), Decision::Ask(Three));
}

/// SVRRP-5: of two owners that hear each other the worse withdraws; a third node waits.
#[test]
fn the_worse_of_two_owners_yields() {
    for first in [Owner, Taking] {
        for second in [Owner, Taking] {
            let mut stances = with(Two, first);
            stances[Three.index()] = Some(second);
            let cluster = Cluster::new(stances);
            assert_eq!(cluster.decide(Two), Decision::Keep);
            assert_eq!(cluster.decide(Three), Decision::Yield(Two));
            assert_eq!(cluster.decide(One), Decision::Nothing);
            assert!(!grants(GROUP, &ranks(), &cluster.view(Two), One));
            assert_eq!(cluster.weight(Three, 4).decide(Two), Decision::Yield(Three));
        }
    }
}

/// SVRRP-5: an owner judges by what the other one has heard of it, and not before that has heard that it is one.
#[test]
fn owners_judge_by_echoed_values() {
    let mut stances = with(Two, Owner);
    stances[Three.index()] = Some(Owner);
    let mut view = Cluster::new(stances).view(Three);
    let mut echo = |change: &dyn Fn(&mut Said)| {
        let echo = &mut view.nodes[Two.index()].as_mut().unwrap().echo;
        *echo = Some(Said { fit: true, weight: LinkWeight(3), stance: Owner });
        change(echo.as_mut().unwrap());
        decide(GROUP, &ranks(), &view)
    };
    assert_eq!(echo(&|_| {}), Decision::Yield(Two));
    assert_eq!(echo(&|said| said.weight = LinkWeight(4)), Decision::Keep, "it judges so, too");
    assert_eq!(echo(&|said| said.stance = Idle), Decision::Keep, "it does not know yet");
    view.nodes[Two.index()].as_mut().unwrap().echo = None;
    assert_eq!(decide(GROUP, &ranks(), &view), Decision::Keep, "it does not hear us");
}

/// SVRRP-5: an owner that is withdrawing already is no rival, and one that gives the group up goes on with that.
#[test]
fn a_withdrawal_goes_on() {
    let mut stances = with(Two, Withdrawing);
    stances[Three.index()] = Some(Owner);
    let cluster = Cluster::new(stances);
    assert_eq!(cluster.decide(Two), Decision::Nothing);
    assert_eq!(cluster.decide(Three), Decision::Keep);
    let cluster = Cluster::new(with(Two, Released { successor: One }));
    assert_eq!(cluster.decisions(), NOTHING);
}
