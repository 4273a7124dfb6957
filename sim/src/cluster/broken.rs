//! Broken machines: the same cluster machine with one deliberate fault. Each must be caught, by a rule that is there for
//! it.

use super::oracle::Rule;
use core::fmt;
use core::time::Duration;
use svrrp::cluster::Rules;
use svrrp::election::{Decision, GroupView, NodeView, Said, Stance, decide, grants};
use svrrp::{GroupNumber, Member, NodeNumber, RankTable};

/// One deliberate fault.
#[derive(Clone, Copy)]
pub struct Broken {
    /// What it is called, for `--break`.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// The rules that are there to catch it.
    pub caught_by: &'static [Rule],
    put: fn(Member, &mut Parts),
}

/// What can be broken in a unit.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Its decisions.
    pub rules: Rules,
    /// How long it holds back a rise of weight.
    pub restore_hold: Duration,
}

impl Broken {
    /// Puts the fault into a unit.
    pub fn put(&self, member: Member, parts: &mut Parts) {
        parts.rules.name = self.name;
        (self.put)(member, parts);
    }
}

/// The fault of this name.
#[must_use]
pub fn broken(name: &str) -> Option<&'static Broken> {
    BROKEN.iter().find(|it| it.name == name)
}

/// A view with every node's say changed.
fn changed(view: &GroupView, change: impl Fn(NodeNumber, &mut NodeView)) -> GroupView {
    let mut view = *view;
    for (node, it) in NodeNumber::ALL.into_iter().zip(&mut view.nodes) {
        if let Some(it) = it {
            change(node, it);
        }
    }
    view
}

fn takes_without_release(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    match decide(group, ranks, view) {
        Decision::Ask(_) => Decision::Take,
        other => other,
    }
}

fn deaf_to_what_others_hear(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    decide(group, ranks, &changed(view, |_, it| it.owner = None))
}

fn deaf_to_questions(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    let others = changed(view, |node, it| {
        if node != view.own && it.said.stance == Stance::Asking {
            (it.said, it.owner) = (Said { fit: false, ..Said::default() }, None);
        }
    });
    decide(group, ranks, &others)
}

fn never_yields(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    match decide(group, ranks, view) {
        Decision::Yield(_) => Decision::Keep,
        other => other,
    }
}

fn takes_though_another_withdraws(
    group: GroupNumber,
    ranks: &RankTable,
    view: &GroupView,
) -> Decision {
    let others = changed(view, |node, it| {
        let moves = matches!(it.said.stance, Stance::Withdrawing | Stance::Taking);
        if node != view.own && moves {
            (it.said.stance, it.owner) = (Stance::Idle, None);
        }
    });
    decide(group, ranks, &others)
}

/// Of all ranks the order is reversed: so is that of who is better of two alike.
fn reversed(ranks: &RankTable) -> RankTable {
    let mut reversed = *ranks;
    for group in GroupNumber::ALL {
        for node in NodeNumber::ALL {
            let rank = ranks.get(group, node).map(|rank| 100 - rank.0.get().min(99));
            reversed.set(group, node, rank.and_then(svrrp::Rank::new));
        }
    }
    reversed
}

fn ranks_reversed(group: GroupNumber, ranks: &RankTable, view: &GroupView) -> Decision {
    decide(group, &reversed(ranks), view)
}

fn grants_reversed(
    group: GroupNumber,
    ranks: &RankTable,
    view: &GroupView,
    asker: NodeNumber,
) -> bool {
    grants(group, &reversed(ranks), view, asker)
}

/// All of them.
pub const BROKEN: &[Broken] = &[
    Broken {
        name: "releases-early",
        what: "a group is released before its withdrawal is confirmed",
        caught_by: &[Rule::S2],
        put: |_, it| it.rules.releases_early = true,
    },
    Broken {
        name: "takes-without-release",
        what: "whoever is better takes, and does not ask",
        caught_by: &[Rule::S2, Rule::Svrrp5],
        put: |_, it| it.rules.decide = takes_without_release,
    },
    Broken {
        name: "takes-while-withdrawing",
        what: "a group that another node takes or withdraws counts as free",
        caught_by: &[Rule::S2, Rule::Svrrp5],
        put: |_, it| it.rules.decide = takes_though_another_withdraws,
    },
    Broken {
        name: "takes-back-at-once",
        what: "a former owner takes back what it has released, though who asked may be taking it",
        caught_by: &[Rule::S2],
        put: |_, it| {
            it.rules.release_time = |_| Duration::ZERO;
            it.rules.decide = deaf_to_questions;
        },
    },
    Broken {
        name: "no-listening",
        what: "a start takes at once, and so does a unit that has stalled",
        caught_by: &[Rule::Listen],
        put: |_, it| it.rules.listening_time = |_| Duration::ZERO,
    },
    Broken {
        name: "what-others-hear",
        what: "nobody minds that another node hears an owner",
        caught_by: &[Rule::Svrrp5],
        put: |_, it| it.rules.decide = deaf_to_what_others_hear,
    },
    Broken {
        name: "never-yields",
        what: "two owners that hear each other both stay",
        caught_by: &[Rule::S2],
        put: |_, it| it.rules.decide = never_yields,
    },
    Broken {
        name: "reversed-on-one-node",
        what: "one node takes the higher rank for the better one",
        caught_by: &[Rule::L1, Rule::TakeOver],
        put: |member, it| {
            if member.node == NodeNumber::Two {
                it.rules.decide = ranks_reversed;
                it.rules.grants = grants_reversed;
            }
        },
    },
    Broken {
        name: "grants-nothing",
        what: "an owner never hands a group over",
        caught_by: &[Rule::L1],
        put: |_, it| it.rules.grants = |_, _, _, _| false,
    },
    Broken {
        name: "stall-ignored",
        what: "a unit goes on after a stall as if nothing had been",
        caught_by: &[Rule::S3],
        put: |_, it| it.rules.has_stalled = |_, _| false,
    },
    Broken {
        name: "lost-early",
        what: "a unit is lost after half of its failure time",
        caught_by: &[Rule::S2, Rule::Svrrp5],
        put: |_, it| it.rules.is_lost = |silence, limit| silence >= limit / 2,
    },
    Broken {
        name: "no-restore-hold",
        what: "a link that comes back counts at once",
        caught_by: &[Rule::Hold, Rule::L1],
        put: |_, it| it.restore_hold = Duration::ZERO,
    },
    Broken {
        name: "no-settling",
        what: "a node whose active unit fell silent is lost at once, though another one is there",
        caught_by: &[Rule::Inside],
        put: |_, it| it.rules.settling_time = |_| Duration::ZERO,
    },
];

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Broken {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
