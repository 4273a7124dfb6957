//! Broken machines: the same role machine with one deliberate fault. What the oracle can catch is itself
//! tested: each of them must be caught, by a rule that is there for it.

use crate::oracle::Rule;
use crate::search::Bound;
use crate::world::B;
use core::cmp::Ordering;
use core::fmt;
use core::time::Duration;
use ha_core::monitor::Reach;
use ha_core::pair::{
    Cause, Claim, Goal, OwnView, PairConfigBuilder, PeerView, Preference, Rules, Stance, Standing,
    State, compare, next, prefer,
};

/// One deliberate fault.
#[derive(Clone, Copy)]
pub struct Broken {
    /// What it is called, for `--break`.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// The rules that are there to catch it.
    pub caught_by: &'static [Rule],
    /// What the adversary of an exhaustive search needs to show it, if it [can](Broken::is_searched); without it
    /// the machine breaks nothing.
    pub bound: Bound,
    /// Puts the fault into the configuration of a unit, 0 the Primary and 1 the Secondary.
    pub put: fn(usize, PairConfigBuilder) -> PairConfigBuilder,
}

impl Broken {
    /// Whether an exhaustive search can show it: nothing is monitored there.
    #[must_use]
    pub fn is_searched(&self) -> bool {
        !self.caught_by.iter().all(|rule| matches!(rule, Rule::Monitors | Rule::Restarts))
    }
}

/// All of them: name, what is wrong, what catches it, what a search needs for that, and on which units which
/// rule is another one.
macro_rules! broken {
    ($(
        $name:literal, $what:literal, [$($rule:ident),+], { $($field:ident: $most:expr),* }, $on:expr,
        |$rules:ident| $change:expr;
    )*) => {
        /// All of them.
        pub const BROKEN: &[Broken] = &[$(Broken {
            name: $name,
            what: $what,
            caught_by: &[$(Rule::$rule),+],
            bound: Bound { $($field: $most,)* ..Bound::NOTHING },
            put: |unit, builder| {
                let on: fn(usize) -> bool = $on;
                if !on(unit) {
                    return builder;
                }
                let mut $rules = Rules::STANDARD;
                $rules.name = $name;
                $change;
                builder.rules($rules)
            },
        },)*];
    };
}

broken! {
    "reversed-tie-break", "B thinks that where all else is equal it is the better one",
        [Election, S1, Conflict, L1], { level: 4, resolution: 2 },
        |unit| unit == B, |rules| rules.compare = reversed_tie;
    "no-release", "who asks for the role takes it without waiting for the release",
        [Patience, S1], { orders: 1 },
        |_| true, |rules| rules.next = no_release;
    "stale-heartbeats", "a heartbeat is taken in twice, and after later ones",
        [Fresh], { duplicates: 1 },
        |_| true, |rules| rules.is_stale = |_, _, _, _| false;
    "late-copies", "a copy on a slow path counts, however late it is",
        [Fresh], { paths: 2, losses: 2, delays: 1, orders: 1 },
        |_| true, |rules| rules.is_stale = |number, on_path, _, _| number <= on_path;
    "stall-ignored", "a unit that stalled goes on as if nothing had been",
        [S3], { losses: 1, pauses: 1 },
        |_| true, |rules| rules.has_stalled = |_, _| false;
    "equal-is-fitter", "a Standby that is as fit as its Active takes over",
        [L2], {},
        |_| true, |rules| rules.prefer = equal_is_fitter;
    "demoted-preferred", "a demoted unit is preferred to one that is not",
        [L2], { demotions: 1 },
        |_| true, |rules| rules.prefer = demoted_preferred;
    "no-election-delay", "a starting unit does not look for an Active",
        [Patience], {},
        |_| true, |rules| rules.election_time = |_, _| Duration::ZERO;
    "no-flap-hold", "the role may change as often as it likes",
        [L3], { flap_limit: 1, equal_faults: 2, steps: 16 },
        |_| true, |rules| rules.flaps = |_, _| false;
    "path-loss", "a path that falls silent counts as the peer",
        [Patience], { paths: 2, losses: 2 },
        |_| true, |rules| rules.is_lost = |some_path, every_path| some_path || every_path;
    "foreign-nonce", "any release is taken for the answer to the own question",
        [HandOver], { losses: 2, delays: 1, orders: 2 },
        |_| true, |rules| rules.is_answer = |_, _| true;
    "short-claim-time", "a release is taken back after half a failure time",
        [HandOver], { losses: 1, orders: 1 },
        |_| true, |rules| rules.claim_time = |ours, _| ours / 2;
    "taken-back-at-once", "what was released is taken back at the next heartbeat",
        [HandOver], { losses: 1, orders: 1 },
        |_| true, |rules| rules.next = taken_back;
    "isolation-ignored", "a unit that is cut off takes the role, and keeps it",
        [Isolation], { cuts: 1, crashes: 1 },
        |_| true, |rules| rules.is_isolated = |_, _| false;
    "recovers-beside-active", "a unit that stalled takes the role again beside a peer that holds it",
        [Patience], { pauses: 1 },
        |_| true, |rules| rules.next = recovers_anyway;
    "nobody-yields", "no Active gives way to another one",
        [S1], { losses: 2, pauses: 1 },
        |_| true, |rules| rules.next = nobody_yields;
    "both-yield", "each Active gives way to another one",
        [Conflict], { resolution: 2, equal_faults: 1 },
        |_| true, |rules| rules.next = both_yield;
    "obstacles-ignored", "a unit takes the role in maintenance, unready, or after a take that failed",
        [Maintenance, Readiness, FailedTake], { crashes: 1, failures: 1 },
        |_| true, |rules| rules.next = obstacles_ignored;
    "lost-counts", "a target that is lost counts, whatever the peer says of it",
        [Monitors], {}, |_| true, |rules| rules.is_one_sided = |ours, _, _| ours == Reach::Lost;
    "old-news-confirms", "that the peer reached a target before this loss confirms it",
        [Monitors], {}, |_| true, |rules| rules.is_one_sided = |ours, theirs, _| {
            ours == Reach::Lost && theirs == Reach::Reached
        };
    "never-one-sided", "a lost target never counts",
        [Monitors], {}, |_| true, |rules| rules.is_one_sided = |_, _, _| false;
    "unproven-counts", "what has not shown that it works counts as working, whoever holds the role",
        [Monitors], {}, |_| true, |rules| rules.must_show = |_| false;
    "restarts-without-end", "a service is restarted as often as it fails",
        [Restarts], {}, |_| true, |rules| rules.may_restart = |_, _| true;
    "failed-withdrawal", "a unit that could not withdraw gives the role up all the same",
        [S1, Patience, Progress, TakeOver], { orders: 1, failures: 1 },
        |_| true, |rules| rules.next = withdrawal_assumed;
}

fn reversed_tie(a: &Standing, b: &Standing) -> Ordering {
    let is_tie = a.claim == b.claim && a.claim != Claim::Active && a.health == b.health;
    if is_tie { compare(a, b).reverse() } else { compare(a, b) }
}

fn no_release(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    match next(state, cause, own, peer) {
        State::Asking => State::Taking,
        other => other,
    }
}

fn equal_is_fitter(standby: &Standing, active: &Standing) -> Option<Preference> {
    (standby.health >= active.health).then_some(Preference::BetterHealth)
}

fn demoted_preferred(standby: &Standing, active: &Standing) -> Option<Preference> {
    if !standby.health.fit && active.health.fit {
        return Some(Preference::BetterHealth);
    }
    prefer(standby, active)
}

fn taken_back(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    match (state, cause, peer) {
        (State::Released, Cause::Heard, PeerView::Heard { stance: Stance::Standby, .. }) => {
            State::Taking
        }
        _ => next(state, cause, own, peer),
    }
}

fn recovers_anyway(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    match (state, cause) {
        (State::Recovering, Cause::Heard) => State::Recovering,
        (State::Recovering, Cause::RecoveryOver) => State::Taking,
        _ => next(state, cause, own, peer),
    }
}

fn nobody_yields(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    match next(state, cause, own, peer) {
        State::Withdrawing(Goal::Yield) => state,
        other => other,
    }
}

fn both_yield(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    match (state, cause, peer) {
        (State::Active, Cause::Heard, PeerView::Heard { stance: Stance::Active, .. }) => {
            State::Withdrawing(Goal::Yield)
        }
        _ => next(state, cause, own, peer),
    }
}

fn obstacles_ignored(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    next(state, cause, OwnView { eligible: !own.isolated, ..own }, peer)
}

fn withdrawal_assumed(state: State, cause: Cause, own: OwnView, peer: PeerView) -> State {
    match (state, cause) {
        (State::Withdrawing(_), Cause::WithdrawFailed) => next(state, Cause::Withdrawn, own, peer),
        _ => next(state, cause, own, peer),
    }
}

/// The broken machine of this name.
#[must_use]
pub fn broken(name: &str) -> Option<&'static Broken> {
    BROKEN.iter().find(|broken| broken.name == name)
}

impl PartialEq for Broken {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Broken {}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
