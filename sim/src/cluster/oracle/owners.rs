//! S2: a group has no two owners that hear each other for longer than a failure time and the network's delay. With
//! losses twice that: the loser gives way when it hears its own words echoed.

use super::super::setup::{GROUPS, PLACES, Setup, name};
use super::super::unit::Unit;
use super::{Hearing, Rule, Verdict};
use crate::random::nanos;
use core::time::Duration;
use std::collections::BTreeMap;

/// Who holds what, for how long.
#[derive(Debug, Default)]
pub struct Owners {
    /// By group and both units: since when both hold it and could do something about it; and whether anything could be
    /// lost meanwhile.
    conflicts: BTreeMap<(usize, usize, usize), (u64, bool)>,
    /// The same of the role inside a node.
    inside: BTreeMap<usize, u64>,
    free_since: [Option<u64>; GROUPS],
    two_since: [Option<u64>; GROUPS],
    /// The longest time that any group had two owners that hear each other.
    pub longest_two: u64,
    /// The longest time that a group had two owners, whether these heard each other or not.
    pub longest_split: u64,
    /// The longest time that a group had no owner after it had one.
    pub longest_free: u64,
}

impl Owners {
    pub(super) fn check(
        &mut self,
        now: u64,
        units: &[Unit],
        hearing: &Hearing,
        setup: &Setup,
        (bound, lossy): (u64, bool),
        unsure: &[u64; PLACES],
    ) -> Verdict {
        // So long a withdrawal may still be under way that went wrong once.
        let patience = nanos(setup.action_timeout() * 2 + setup.interval);
        let is_sure = |unit: usize| {
            let it = &units[unit];
            let is_well = it.platform.is_well();
            let trouble = it.platform.trouble.is_none_or(|at| at + patience < now);
            it.hung_until.is_none() && is_well && trouble && unsure[unit] < now
        };
        for group in 0..GROUPS {
            let mut holders = [0; PLACES];
            let mut count = 0;
            for (unit, _) in units.iter().enumerate().filter(|(_, it)| it.platform.holds[group]) {
                holders[count] = unit;
                count += 1;
            }
            let holders = &holders[..count];
            self.measure(now, group, count);
            if !self.conflicts.is_empty() {
                self.conflicts.retain(|(at, a, b), _| {
                    *at != group || holders.contains(a) && holders.contains(b)
                });
            }
            if count < 2 {
                continue;
            }
            for (at, a) in holders.iter().enumerate() {
                for b in &holders[at + 1..] {
                    if a / 2 == b / 2 {
                        continue;
                    }
                    let key = (group, *a, *b);
                    let heard = hearing.both(now, *a, *b);
                    let (Some(heard), true) = (heard, is_sure(*a) && is_sure(*b)) else {
                        self.conflicts.remove(&key);
                        continue;
                    };
                    let (since, was_lossy) = self.conflicts.entry(key).or_insert((now, lossy));
                    *was_lossy |= lossy;
                    let length = now - heard.max(*since);
                    self.longest_two = self.longest_two.max(length);
                    let bound = if *was_lossy { 2 * bound } else { bound };
                    // What was under way when it began says nothing of it: a link that works then, and no more, is no
                    // hearing each other.
                    let begin = heard.max(*since) + 2 * nanos(setup.delay + setup.jitter);
                    if length > bound && hearing.both_since(begin, *a, *b) {
                        let (length, bound) =
                            (Duration::from_nanos(length), Duration::from_nanos(bound));
                        let (a, b, group) = (name(*a), name(*b), group + 1);
                        let text = format!(
                            "{a} and {b} both hold VG {group} and hear each other for {length:?}, more than {bound:?}"
                        );
                        return Err((Rule::S2, text));
                    }
                }
            }
        }
        self.check_inside(now, units, hearing, bound, &is_sure)
    }

    /// S1, for the role inside a node.
    fn check_inside(
        &mut self,
        now: u64,
        units: &[Unit],
        hearing: &Hearing,
        bound: u64,
        is_sure: &dyn Fn(usize) -> bool,
    ) -> Verdict {
        for a in (0..PLACES).step_by(2) {
            let b = a + 1;
            let both = units[a].platform.holds_role && units[b].platform.holds_role;
            let heard = hearing.both_inside(now, a, b).filter(|_| both && is_sure(a) && is_sure(b));
            let Some(heard) = heard else {
                self.inside.remove(&a);
                continue;
            };
            let since = *self.inside.entry(a).or_insert(now);
            // Its groups are withdrawn first, then the role.
            if now - heard.max(since) > 2 * bound {
                let text = format!("{} and {} both hold the role in their node", name(a), name(b));
                return Err((Rule::S1, text));
            }
        }
        Ok(())
    }

    fn measure(&mut self, now: u64, group: usize, holders: usize) {
        if holders == 0 {
            if let Some(since) = self.free_since[group] {
                self.longest_free = self.longest_free.max(now - since);
            }
        } else {
            self.free_since[group] = Some(now);
        }
        if holders > 1 {
            let since = *self.two_since[group].get_or_insert(now);
            self.longest_split = self.longest_split.max(now - since);
        } else {
            self.two_since[group] = None;
        }
    }
}
