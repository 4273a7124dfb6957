//! What the adversary may do to a cluster.

use crate::search::bound::{Kind, Left};

/// What the adversary may do to three nodes with two groups. Each number is at most seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterBound {
    /// The trigger level of all units: a step is an interval, so the failure time has so many steps.
    pub level: u8,
    /// How often it loses any of what one node sends to another in one step: all of it, or some of it.
    pub losses: u8,
    /// How many datagrams come twice: in time, and a step later.
    pub duplicates: u8,
    /// How many datagrams are late, by up to the failure time.
    pub delays: u8,
    /// How many crashes of a node, which may start again at any time, or never.
    pub crashes: u8,
    /// How often the link of a node goes down or up.
    pub links: u8,
    /// Whether any one node is told of other ranks: 1, or 0.
    pub ranks: u8,
    /// How often the last step of a take, or the decisive one of a withdrawal, takes a step of time longer.
    pub slow: u8,
    /// How often such a step fails.
    pub failures: u8,
    /// The two nodes between which datagrams are lost, repeated and delayed: of all others every one arrives. `None`:
    /// between all nodes. Nodes count from 1.
    pub between: Option<[u8; 2]>,
    /// So many steps are searched; 0: until nothing new is found.
    pub steps: u16,
}

impl ClusterBound {
    /// An adversary that does nothing, to nodes with the shortest failure time.
    pub const NOTHING: Self = Self {
        level: 2,
        losses: 0,
        duplicates: 0,
        delays: 0,
        crashes: 0,
        links: 0,
        ranks: 0,
        slow: 0,
        failures: 0,
        between: None,
        steps: 0,
    };

    /// What the cluster machine has to stand, in parts that are searched one after the other, each with a hand-over: a
    /// network with all of its faults, and one that loses more, both beside a slow platform; a link that goes down and up
    /// there; other ranks and a link; a crash with a restart, beside a link; beside platforms that are slow, and fail; and
    /// beside other ranks. Less than a minute on two processors: who has more time can search more.
    pub const WHOLE: [Self; 7] = [
        Self { losses: 1, duplicates: 1, delays: 1, links: 1, slow: 1, ..Self::NOTHING },
        Self { losses: 2, delays: 1, links: 1, slow: 1, ..Self::NOTHING },
        Self { losses: 2, links: 2, slow: 1, ..Self::NOTHING },
        Self { losses: 2, links: 1, ranks: 1, ..Self::NOTHING },
        Self { losses: 2, crashes: 1, links: 1, ..Self::NOTHING },
        Self { crashes: 1, links: 1, slow: 1, failures: 1, ..Self::NOTHING },
        Self { losses: 1, crashes: 1, ranks: 1, ..Self::NOTHING },
    ];

    /// Whether the adversary can do something to what one node sends to another; counted from 0.
    pub(super) fn is_between(&self, from: usize, to: usize) -> bool {
        let is_one = |at: usize, it: u8| usize::from(it) == at + 1;
        self.between.is_none_or(|[a, b]| {
            (is_one(from, a) && is_one(to, b)) || (is_one(from, b) && is_one(to, a))
        })
    }

    pub(super) fn left(&self) -> Left {
        assert!(self.ranks <= 1, "there is one other table of ranks");
        Left::of([
            (Kind::Loss, self.losses),
            (Kind::Duplicate, self.duplicates),
            (Kind::Delay, self.delays),
            (Kind::Crash, self.crashes),
            (Kind::Link, self.links),
            (Kind::Ranks, self.ranks),
            (Kind::Slow, self.slow),
            (Kind::Failure, self.failures),
        ])
    }
}
