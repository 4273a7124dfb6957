//! What must always hold in a cluster: part of the state that is searched, so it remembers no more than it needs to.
//!
//! It sees the nodes from outside: what their platforms are asked for, and what they were told by the datagrams that
//! they took in.

use super::setup::{GROUPS, NODES, Setup, best, node};
use core::fmt;
use core::hash::Hash;
use svrrp::wire::{Advertisement, GroupStance};
use svrrp::{GroupNumber, NodeNumber};

/// A rule of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterRule {
    /// In a hand-over no group is ever held by two nodes: who takes on a release does so after the withdrawal, and only
    /// if it answers its present question, within a failure time of asking it; and who
    /// released does not take back within a failure time of that, whatever is lost, nor later as long as it hears the
    /// one who took (VG-5, PAIR-20).
    HandOver,
    /// Two nodes that hear each other do not both hold a group for longer than
    /// [`longest_conflict`](super::longest_conflict) says (SVRRP-5).
    Conflict,
    /// But on a release nobody takes while a node that it hears asks, holds, gives up or has released the group, or says
    /// that it hears an owner (SVRRP-5). On a release nobody takes while it hears that another node than the one that
    /// released holds it.
    Take,
    /// When all is calm, each group has exactly one owner: the best node (VG-1, VG-2).
    Rest,
}

impl fmt::Display for ClusterRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::HandOver => "a hand-over by which two nodes can hold a group",
            Self::Conflict => "two holders that hear each other",
            Self::Take => "a take beside an owner",
            Self::Rest => "calm, and not one owner",
        })
    }
}

/// A rule that is broken, and how.
pub(super) type Broken = (ClusterRule, String);

/// What a node was last told by another one of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Said {
    stance: Kind,
    owner: Option<NodeNumber>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Idle,
    Asking,
    Holds { owns: bool },
    Released,
}

/// What a node has heard of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Heard {
    /// Steps since anything was heard, up to the failure time.
    age: u8,
    /// It was heard before it crashed.
    is_former: bool,
    said: Option<[Said; GROUPS]>,
}

/// A group has been taken on a release; until the former owner has heard of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct HandOver {
    from: u8,
    to: u8,
    /// Steps since it was taken, up to one more than the failure time.
    age: u8,
}

impl HandOver {
    fn is_from(&self, at: usize) -> bool {
        usize::from(self.from) == at
    }

    fn is_to(&self, at: usize) -> bool {
        usize::from(self.to) == at
    }
}

/// The release on which a node takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) giver: usize,
    /// It names the present question.
    pub(super) is_ours: bool,
}

/// Watches all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    /// Which nodes may have addresses of a group: from the first action of a take until the withdrawal is confirmed.
    holds: [[bool; NODES]; GROUPS],
    /// By receiver and sender.
    heard: [[Heard; NODES]; NODES],
    handed: [Option<HandOver>; GROUPS],
    /// Steps since a node asked the question that it asks, up to the failure time.
    asks: [[Option<u8>; NODES]; GROUPS],
    /// Steps for which two nodes have held a group and heard each other.
    conflict: [u8; GROUPS],
}

impl Watch {
    pub(super) fn new(setup: &Setup) -> Self {
        let never = Heard { age: setup.failure_time(), ..Heard::default() };
        Self {
            holds: [[false; NODES]; GROUPS],
            heard: [[never; NODES]; NODES],
            handed: [None; GROUPS],
            asks: [[None; NODES]; GROUPS],
            conflict: [0; GROUPS],
        }
    }

    pub(super) fn conflict(&self) -> u8 {
        self.conflict.into_iter().max().unwrap_or(0)
    }

    pub(super) fn crashes(&mut self, at: usize, setup: &Setup) {
        for group in 0..GROUPS {
            self.gone(at, group);
            self.asks[group][at] = None;
            if self.handed[group].is_some_and(|it| it.is_from(at)) {
                self.handed[group] = None;
            }
        }
        self.heard[at] = Self::new(setup).heard[at];
        for receiver in &mut self.heard {
            receiver[at].is_former = receiver[at].said.is_some();
        }
    }

    /// A node has taken a datagram in; `is_current`: of the sender's present start.
    pub(super) fn hears(
        &mut self,
        at: usize,
        from: usize,
        is_current: bool,
        says: Option<&Advertisement>,
    ) {
        let heard = &mut self.heard[at][from];
        heard.age = 0;
        if is_current && heard.is_former {
            (heard.is_former, heard.said) = (false, None);
        }
        let Some(content) = says.and_then(|it| it.content.as_ref()) else { return };
        let mut said = [Said { stance: Kind::Idle, owner: None }; GROUPS];
        for (group, entry) in content.groups.iter() {
            let stance = match entry.stance {
                GroupStance::Idle => Kind::Idle,
                GroupStance::Asking { .. } => Kind::Asking,
                GroupStance::Taking | GroupStance::Owner => Kind::Holds { owns: true },
                GroupStance::Withdrawing { .. } => Kind::Holds { owns: false },
                GroupStance::Released { .. } => Kind::Released,
            };
            said[group.index()] = Said { stance, owner: entry.owner_seen };
        }
        heard.said = Some(said);
        for (group, said) in said.into_iter().enumerate() {
            let has_claimed = said.stance == Kind::Holds { owns: true };
            let handed = self.handed[group];
            if has_claimed && handed.is_some_and(|it| it.is_from(at) && it.is_to(from)) {
                self.handed[group] = None;
            }
        }
    }

    /// A node has asked a new question for a group; or it asks nothing.
    pub(super) fn asks(&mut self, at: usize, group: usize, is_asking: bool) {
        self.asks[group][at] = is_asking.then_some(0);
    }

    /// A node begins to take a group: on a release, or without one.
    pub(super) fn begins(
        &mut self,
        at: usize,
        group: usize,
        answer: Option<Answer>,
        setup: &Setup,
    ) -> Result<(), Broken> {
        let name = GroupNumber::ALL[group];
        let hears = |other: usize| self.heard[at][other].age < setup.failure_time();
        let giver = answer.map(|answer| answer.giver);
        if answer.is_some_and(|answer| !answer.is_ours) {
            let text = format!("{} takes {name} on a release that does not answer it", node(at));
            return Err((ClusterRule::HandOver, text));
        }
        if giver.is_some() && self.asks[group][at].is_none_or(|age| age >= setup.failure_time()) {
            let text = format!("{} takes {name} on a release that is too late", node(at));
            return Err((ClusterRule::HandOver, text));
        }
        if let Some(giver) = giver
            && self.holds[group][giver]
        {
            let text = format!("{} takes {name}, which {} still holds", node(at), node(giver));
            return Err((ClusterRule::HandOver, text));
        }
        if let Some(handed) = self.handed[group]
            && handed.is_from(at)
            && (handed.age <= setup.failure_time() || hears(handed.to.into()))
        {
            // As long as it is not over, the taker holds it.
            let taker = node(handed.to.into());
            let text = format!("{} takes {name} back, which {taker} has taken", node(at));
            return Err((ClusterRule::HandOver, text));
        }
        for other in (0..NODES).filter(|other| *other != at && hears(*other)) {
            let Some(said) = self.heard[at][other].said else { continue };
            let Said { stance, owner } = said[group];
            let is_free = match giver {
                Some(giver) => giver == other || !matches!(stance, Kind::Holds { .. }),
                None => stance == Kind::Idle && owner.is_none_or(|owner| owner == node(at)),
            };
            if !is_free {
                let (at, other) = (node(at), node(other));
                let text = format!("{at} takes {name}, and {other} said {stance:?}, of {owner:?}");
                return Err((ClusterRule::Take, text));
            }
        }
        if let Some(giver) = giver {
            self.handed[group] = Some(HandOver { from: giver as u8, to: at as u8, age: 0 });
        }
        Ok(())
    }

    pub(super) fn takes(&mut self, at: usize, group: usize) {
        self.holds[group][at] = true;
    }

    pub(super) fn gone(&mut self, at: usize, group: usize) {
        self.holds[group][at] = false;
        if self.handed[group].is_some_and(|it| it.is_to(at)) {
            self.handed[group] = None;
        }
    }

    /// Nothing will ever be heard of what this node said.
    pub(super) fn forget(&mut self, at: usize, setup: &Setup) {
        for receiver in &mut self.heard {
            if receiver[at].age == setup.failure_time() {
                (receiver[at].is_former, receiver[at].said) = (false, None);
            }
        }
    }

    /// A step is over.
    pub(super) fn step(&mut self, setup: &Setup) -> Result<(), Broken> {
        let failure_time = setup.failure_time();
        for group in 0..GROUPS {
            let hear = |a: usize, b: usize| {
                self.heard[a][b].age < failure_time && self.heard[b][a].age < failure_time
            };
            let holds = self.holds[group];
            let pairs = (0..NODES).flat_map(|a| (0..a).map(move |b| (a, b)));
            let conflict = pairs.into_iter().find(|(a, b)| holds[*a] && holds[*b] && hear(*a, *b));
            let Some((a, b)) = conflict else {
                self.conflict[group] = 0;
                continue;
            };
            self.conflict[group] += 1;
            if self.conflict[group] > super::longest_conflict(&setup.bound) {
                let (name, steps) = (GroupNumber::ALL[group], self.conflict[group]);
                let (a, b) = (node(b), node(a));
                let text =
                    format!("{a} and {b} hold {name}, and hear each other, for {steps} steps");
                return Err((ClusterRule::Conflict, text));
            }
        }
        for age in self.asks.iter_mut().flatten().flatten() {
            *age = failure_time.min(*age + 1);
        }
        for handed in self.handed.iter_mut().flatten() {
            handed.age = (failure_time + 1).min(handed.age + 1);
        }
        for heard in self.heard.iter_mut().flatten() {
            heard.age = failure_time.min(heard.age + 1);
        }
        Ok(())
    }

    /// Nothing will ever happen again if the adversary does nothing. `nodes` are those that run, each with whether its
    /// link is up; `ranks` are those of the highest version that one of them has.
    pub(super) fn rests(&self, nodes: &[(usize, bool)], ranks: u8) -> Result<(), Broken> {
        for group in 0..GROUPS {
            let name = GroupNumber::ALL[group];
            let holds = self.holds[group];
            let owners: Vec<_> = (0..NODES).filter(|at| holds[*at]).collect();
            if owners.len() != 1 && !nodes.is_empty() {
                let text = format!("{name} has {} owners for ever", owners.len());
                return Err((ClusterRule::Rest, text));
            }
            let best = best(group, ranks, nodes.iter().copied());
            if let (Some(best), [owner]) = (best, owners.as_slice())
                && best != *owner
            {
                let (best, owner) = (node(best), node(*owner));
                let text = format!("{name} stays with {owner}, and {best} is better");
                return Err((ClusterRule::Rest, text));
            }
        }
        Ok(())
    }
}
