//! Broken cluster machines: each with a bound in which the search finds it, and in which it finds nothing in machines
//! that are not broken.

use super::{ClusterBound, ClusterRule};
use core::time::Duration;
use svrrp::NodeNumber;
use svrrp::cluster::Rules;
use svrrp::election::{Decision, decide};

/// A cluster whose units all have the same fault.
#[derive(Debug)]
pub struct BrokenCluster {
    /// Its name.
    pub name: &'static str,
    /// The rules of all units.
    pub rules: fn() -> Rules,
    /// The rules that catch it.
    pub caught_by: &'static [ClusterRule],
    /// A bound that shows it.
    pub bound: ClusterBound,
}

const NOTHING: ClusterBound = ClusterBound::NOTHING;

fn standard(name: &'static str, change: impl FnOnce(&mut Rules)) -> Rules {
    let mut rules = Rules::STANDARD;
    rules.name = name;
    change(&mut rules);
    rules
}

/// All of them.
pub const BROKEN_CLUSTERS: &[BrokenCluster] = &[
    BrokenCluster {
        name: "releases-early",
        rules: || standard("releases-early", |it| it.releases_early = true),
        caught_by: &[ClusterRule::HandOver],
        bound: ClusterBound { links: 1, ..NOTHING },
    },
    BrokenCluster {
        name: "question-for-ever",
        rules: || {
            standard("question-for-ever", |it| it.question_time = |_| Duration::from_secs(3600))
        },
        caught_by: &[ClusterRule::HandOver],
        bound: ClusterBound { losses: 1, delays: 1, links: 1, between: Some([2, 3]), ..NOTHING },
    },
    BrokenCluster {
        name: "any-release",
        rules: || standard("any-release", |it| it.is_answer = |_, _| true),
        caught_by: &[ClusterRule::HandOver],
        bound: ClusterBound { losses: 1, delays: 1, links: 3, between: Some([2, 3]), ..NOTHING },
    },
    BrokenCluster {
        name: "release-forgotten",
        rules: || standard("release-forgotten", |it| it.release_time = |_| Duration::ZERO),
        caught_by: &[ClusterRule::HandOver, ClusterRule::Take],
        bound: ClusterBound { losses: 2, crashes: 1, links: 2, between: Some([2, 3]), ..NOTHING },
    },
    BrokenCluster {
        name: "takes-instead-of-asking",
        rules: || {
            standard("takes-instead-of-asking", |it| {
                it.decide = |group, ranks, view| match decide(group, ranks, view) {
                    Decision::Ask(_) => Decision::Take,
                    other => other,
                };
            })
        },
        caught_by: &[ClusterRule::Take],
        bound: ClusterBound { links: 1, ..NOTHING },
    },
    BrokenCluster {
        name: "hears-no-third-party",
        rules: || {
            standard("hears-no-third-party", |it| {
                it.decide = |group, ranks, view| {
                    let mut view = *view;
                    for (node, it) in NodeNumber::ALL.into_iter().zip(&mut view.nodes) {
                        if let Some(it) = it.as_mut().filter(|_| node != view.own) {
                            it.owner = None;
                        }
                    }
                    decide(group, ranks, &view)
                };
            })
        },
        caught_by: &[ClusterRule::Take],
        bound: ClusterBound { losses: 2, ..NOTHING },
    },
    BrokenCluster {
        name: "never-yields",
        rules: || {
            standard("never-yields", |it| {
                it.decide = |group, ranks, view| match decide(group, ranks, view) {
                    Decision::Yield(_) => Decision::Keep,
                    other => other,
                };
            })
        },
        caught_by: &[ClusterRule::Conflict],
        bound: ClusterBound { losses: 4, ..NOTHING },
    },
    BrokenCluster {
        name: "lost-at-once",
        rules: || {
            standard("lost-at-once", |it| {
                it.is_lost = |silence, failure_time| silence >= failure_time / 2
            })
        },
        caught_by: &[ClusterRule::Take],
        bound: ClusterBound { losses: 2, ..NOTHING },
    },
];

/// The one of that name.
#[must_use]
pub fn broken_cluster(name: &str) -> Option<&'static BrokenCluster> {
    BROKEN_CLUSTERS.iter().find(|it| it.name == name)
}
