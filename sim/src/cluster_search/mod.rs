//! Exhaustive search over a cluster: *all* states that three real cluster units with two groups can reach, from a cluster
//! that has settled, against an adversary who may lose, repeat and delay datagrams, crash nodes, move links, change
//! ranks, and slow down or fail platforms: each so often ([`ClusterBound`]).
//!
//! # What is searched
//! - Three nodes of one unit each, one cluster link, one interface with an address in both groups. Node 1 owns VG 1,
//!   node 2 owns VG 2. A link that goes down at an owner, or the other ranks, by which node 3 is the best for both
//!   groups, make a hand-over.
//! - Time goes in steps of an interval; clocks go alike. In a step each node has one turn, in the order of their numbers.
//!   In its turn first the adversary acts, then the platform answers what is open, then all that has arrived is handed
//!   in, in the order in which it was sent, and then the node says and does what it wants: an answer within the step is
//!   possible to a node of a lower number in the next step, to one of a higher number in this one. Actions are carried
//!   out at once, if the adversary does nothing.
//! - A loss is that any of what one node sends to another in one turn does not arrive: some of it, or all of it. Where
//!   there is an order in which something can happen beyond that, only this one is searched.
//!
//! # How
//! Breadth first, so the first counterexample is a shortest one. Two states that differ only in what time it is, in the
//! numbers of datagrams, or in what number stands for a start or a question are the same state
//! ([`ClusterUnit::fingerprint`](svrrp::ClusterUnit)): so the search ends by itself, and what it shows holds for ever. A
//! state is not visited again with less left to the adversary. That states with the same fingerprint go on alike is
//! tested (`alike`). The search of a pair ([`crate::search`]) works in the same way, by the same walk (`walk`), and with the same stores.
//!
//! # What must hold
//! The rules are those of [`ClusterRule`].

mod act;
#[cfg(test)]
mod alike;
mod bound;
mod broken;
mod machine;
mod naming;
mod setup;
mod state;
mod story;
mod watch;

pub use bound::ClusterBound;
pub use broken::{BROKEN_CLUSTERS, BrokenCluster, broken_cluster};
pub use watch::ClusterRule;

use crate::search::bound::Left;
use crate::search::walk::{self, Space, Walked, walk};
use core::time::Duration;
use ha_core::time::Instant;
use machine::{Layer, Memory};
use setup::Setup;
use state::{Choices, Kept, Stage, State};
use svrrp::cluster::Rules;
use watch::Broken;

/// For so many steps at the most two nodes that hear each other both hold a group: a failure time and an exchange; twice
/// that where datagrams can be lost or late; and longer by what the platform takes for the withdrawal.
#[must_use]
pub const fn longest_conflict(bound: &ClusterBound) -> u8 {
    let times = if bound.losses + bound.delays > 0 { 2 } else { 1 };
    times * (bound.level + 1) + bound.slow + 2 * bound.failures
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct ClusterOutcome {
    /// How many states there are.
    pub states: u64,
    /// How many steps were taken from one to another.
    pub steps: u64,
    /// How many steps the state that is the farthest is away.
    pub depth: u64,
    /// The longest time for which two nodes held a group and heard each other, in steps.
    pub longest_conflict: u8,
    /// In how many of the states the adversary could do nothing, and nothing happened any more.
    pub calm: u64,
    /// All states of the bound were visited, or all within its steps.
    pub is_complete: bool,
    /// What is broken, if anything is.
    pub counterexample: Option<ClusterCounterexample>,
}

/// A shortest way to break a rule.
#[derive(Clone, Debug)]
pub struct ClusterCounterexample {
    /// Which rule.
    pub rule: ClusterRule,
    /// How it is broken.
    pub text: String,
    /// How many steps it takes.
    pub steps: usize,
    /// What happened, for a person.
    pub story: String,
}

/// Far from the epoch, as the clock of a unit is.
const EPOCH: Instant = Instant::from_millis(1_000_000_000);
/// So many failure times after its start a cluster has settled.
const SETTLED_AFTER: u8 = 12;

/// The settled cluster, and the time.
fn beginning(setup: &Setup) -> Result<(Layer, State), Broken> {
    let mut layer = Layer::new(EPOCH);
    let mut memory = Memory::default();
    let mut state = State::new(setup);
    for _ in 0..SETTLED_AFTER * setup.failure_time() {
        let mut stage = Stage { setup, layer: &layer, memory: &mut memory };
        state.step(&mut stage, &mut Choices::default())?;
        state.fingerprint(&mut stage);
        memory.clear();
        layer = layer.next();
    }
    state.set_left(setup.bound.left());
    Ok((layer, state))
}

/// So many choices has a step at the most.
const CHOICES: usize = 32;

impl Space<CHOICES> for Setup {
    type State = State;
    type Kept = Kept;
    type Layer = Layer;
    type Memory = Memory;
    type Broken = Broken;

    const PIECE: usize = 1 << 12;
    const FORGETS_PIECES: bool = true;

    fn keep(state: &State) -> Kept {
        state.keep()
    }

    fn unpack(kept: &Kept) -> State {
        kept.unpack()
    }

    fn left(state: &State) -> Left {
        state.left()
    }

    fn left_of(kept: &Kept) -> Left {
        kept.left()
    }

    fn conflict(state: &State) -> u8 {
        state.watch().conflict()
    }

    fn step(
        &self,
        (layer, memory): (&Layer, &mut Memory),
        state: &mut State,
        tape: &mut Choices,
    ) -> Result<(), Broken> {
        state.step(&mut Stage { setup: self, layer, memory }, tape)
    }

    fn fingerprint(&self, (layer, memory): (&Layer, &mut Memory), state: &mut State) -> u128 {
        state.fingerprint(&mut Stage { setup: self, layer, memory })
    }

    fn rests(&self, layer: &Layer, state: &State) -> Result<(), Broken> {
        state.rests(layer)
    }

    fn next(&self, layer: Layer) -> Layer {
        layer.next()
    }
}

/// Visits all states that a cluster of these rules can reach within the bound, on `threads` threads, unless a rule breaks
/// before or there are more than `most`. `progress` is told the depth, the states so far, and those that are new.
///
/// # Panics
/// If there are more than four thousand million states, which no memory holds.
pub fn search_cluster(
    bound: ClusterBound,
    rules: Rules,
    threads: usize,
    most: u64,
    progress: impl FnMut(u64, u64, u64),
) -> ClusterOutcome {
    let setup = Setup::new(bound, rules);
    let mut outcome = ClusterOutcome {
        states: 0,
        steps: 0,
        depth: 0,
        longest_conflict: 0,
        calm: 0,
        is_complete: false,
        counterexample: None,
    };
    let (layer, first) = match beginning(&setup) {
        Ok(beginning) => beginning,
        Err((rule, text)) => {
            let story = "It breaks before the adversary does anything.\n".into();
            outcome.counterexample = Some(ClusterCounterexample { rule, text, steps: 0, story });
            return outcome;
        }
    };
    let end = if bound.steps == 0 { u64::MAX } else { bound.steps.into() };
    let limits = walk::Limits { threads, states: most, steps: end };
    let walked: Walked<_, 4> = walk(&setup, (layer, vec![first]), limits, progress);
    let is_complete = walked.broken.is_none() && (walked.is_all || walked.depth >= end);
    ClusterOutcome {
        states: walked.states(),
        steps: walked.steps,
        depth: walked.depth,
        longest_conflict: walked.longest_conflict,
        calm: walked.calm,
        is_complete,
        counterexample: walked.broken.map(|(broken, way)| story::tell(&setup, &way, broken)),
    }
}

/// A time in steps.
#[must_use]
pub fn time_of(steps: u64) -> Duration {
    setup::INTERVAL * u32::try_from(steps).unwrap_or(u32::MAX)
}
