//! Which units have the addresses of each virtual group, and how long a group was without them after a crash.

use ha_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use svrrp::{GroupNumber, Member};

/// A unit of a certain start: what an earlier one leaves behind in its queues must not touch anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) member: Member,
    pub(crate) number: u64,
}

/// A group was taken after its owner had crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TakeOver {
    pub(crate) group: GroupNumber,
    pub(crate) from: Member,
    pub(crate) to: Member,
    /// From the crash until the addresses were taken.
    pub(crate) took: Duration,
}

/// What a take meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// There is nothing to say about it.
    Plainly,
    /// The owner had crashed.
    Over(TakeOver),
    /// Another unit has the addresses too.
    Twice(Member),
}

/// Who holds what.
#[derive(Debug, Default)]
pub(crate) struct Addresses(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// The start of each unit that runs.
    running: BTreeMap<Member, u64>,
    holders: BTreeMap<GroupNumber, BTreeSet<Member>>,
    /// The groups whose last owner crashed: which unit, and when.
    lost: BTreeMap<GroupNumber, (Member, Instant)>,
}

impl Addresses {
    pub(crate) fn start(&self, start: Start) {
        self.with(|held| held.running.insert(start.member, start.number));
    }

    /// The unit dies: what it held is gone at this moment.
    pub(crate) fn die(&self, at: Instant, member: Member) {
        self.with(|held| {
            held.running.remove(&member);
            for (group, holders) in &mut held.holders {
                if holders.remove(&member) && holders.is_empty() {
                    held.lost.insert(*group, (member, at));
                }
            }
        });
    }

    /// A unit has taken the addresses of a group.
    pub(crate) fn take(&self, at: Instant, by: Start, group: GroupNumber) -> Taken {
        self.with(|held| {
            if held.running.get(&by.member) != Some(&by.number) {
                return Taken::Plainly;
            }
            let holders = held.holders.entry(group).or_default();
            let other = holders.iter().find(|it| **it != by.member).copied();
            holders.insert(by.member);
            let lost = held.lost.remove(&group);
            match (other, lost) {
                (Some(other), _) => Taken::Twice(other),
                (None, Some((from, since))) => {
                    let took = at.saturating_since(since);
                    Taken::Over(TakeOver { group, from, to: by.member, took })
                }
                (None, None) => Taken::Plainly,
            }
        })
    }

    /// A unit has given them up.
    pub(crate) fn withdraw(&self, by: Start, group: GroupNumber) {
        self.with(|held| {
            if held.running.get(&by.member) == Some(&by.number)
                && let Some(holders) = held.holders.get_mut(&group)
            {
                holders.remove(&by.member);
            }
        });
    }

    pub(crate) fn holders(&self, group: GroupNumber) -> Vec<Member> {
        self.with(|held| held.holders.get(&group).into_iter().flatten().copied().collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Held) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
