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
//! tested (`alike`). The search of a pair ([`crate::search`]) works in the same way, and with the same stores.
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

use crate::search::visited::Visited;
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

/// Where a state comes from: the one before, and what the adversary chose.
#[derive(Clone, Copy)]
struct Origin {
    before: u32,
    /// A tape in four parts, so that it needs no room for its alignment.
    tape: [u32; 4],
}

impl Origin {
    fn new(before: u32, tape: u128) -> Self {
        Self { before, tape: [96, 64, 32, 0].map(|bits| (tape >> bits) as u32) }
    }

    fn tape(self) -> u128 {
        self.tape.into_iter().fold(0, |tape, part| tape << 32 | u128::from(part))
    }
}

const BEGINNING: u32 = u32::MAX;
/// So many states are expanded before what was found is put together.
const PIECE: usize = 1 << 12;

/// A state whose turn has not come yet.
struct Waiting {
    number: u32,
    fingerprint: u128,
    state: Kept,
}

/// What one thread found from its share of the frontier.
#[derive(Default)]
struct Found {
    new: Vec<(u128, Kept, Origin)>,
    steps: u64,
    calm: u64,
    longest_conflict: u8,
    broken: Option<(Broken, Origin)>,
}

/// What one thread keeps for itself.
#[derive(Default)]
struct Worker {
    memory: Memory,
    /// What it found in this piece.
    new: Visited,
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
    mut progress: impl FnMut(u64, u64, u64),
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
    let (mut layer, first) = match beginning(&setup) {
        Ok(beginning) => beginning,
        Err((rule, text)) => {
            let story = "It breaks before the adversary does anything.\n".into();
            outcome.counterexample = Some(ClusterCounterexample { rule, text, steps: 0, story });
            return outcome;
        }
    };
    let mut visited = Visited::default();
    let mut origins = vec![Origin::new(BEGINNING, 0)];
    // Its fingerprint is never asked for: that of the same state a step later is another one.
    visited.insert(0, first.left());
    let mut frontier = vec![vec![Waiting { number: 0, fingerprint: 0, state: first.keep() }]];
    let mut workers: Vec<Worker> = (0..threads.max(1)).map(|_| Worker::default()).collect();
    let end = if bound.steps == 0 { u64::MAX } else { bound.steps.into() };
    while !frontier.is_empty()
        && outcome.counterexample.is_none()
        && outcome.states < most
        && outcome.depth < end
    {
        let mut next: Vec<Vec<Waiting>> = Vec::new();
        // Piece by piece, so that what is found twice is not kept twice for long.
        for piece in frontier {
            // What was worked out for a piece is of little use for the next, and takes much room.
            workers.iter_mut().for_each(|worker| worker.memory.clear());
            for found in expand_on(&mut workers, &setup, &layer, &visited, &piece) {
                outcome.steps += found.steps;
                outcome.calm += found.calm;
                outcome.longest_conflict = outcome.longest_conflict.max(found.longest_conflict);
                for (fingerprint, state, origin) in found.new {
                    if visited.insert(fingerprint, state.left()) {
                        let number =
                            u32::try_from(origins.len()).expect("memory is not that large");
                        origins.push(origin);
                        let waiting = Waiting { number, fingerprint, state };
                        match next.last_mut().filter(|piece| piece.len() < PIECE) {
                            Some(piece) => piece.push(waiting),
                            None => next.push(vec![waiting]),
                        }
                    }
                }
                if let (None, Some((broken, last))) = (&outcome.counterexample, found.broken) {
                    outcome.counterexample = Some(story::tell(&setup, &origins, last, broken));
                }
            }
        }
        frontier = next;
        layer = layer.next();
        outcome.states = origins.len() as u64;
        outcome.depth += 1;
        let waiting = frontier.iter().map(|piece| piece.len() as u64).sum();
        progress(outcome.depth, outcome.states, waiting);
    }
    let is_at_end = frontier.is_empty() || outcome.depth >= end;
    outcome.is_complete = outcome.counterexample.is_none() && is_at_end;
    outcome
}

fn expand_on(
    workers: &mut [Worker],
    setup: &Setup,
    layer: &Layer,
    visited: &Visited,
    piece: &[Waiting],
) -> Vec<Found> {
    let share = piece.len().div_ceil(workers.len());
    std::thread::scope(|scope| {
        let work: Vec<_> = workers
            .iter_mut()
            .zip(piece.chunks(share))
            .map(|(worker, share)| {
                scope.spawn(move || expand(worker, setup, layer, visited, share))
            })
            .collect();
        work.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    })
}

fn expand(
    worker: &mut Worker,
    setup: &Setup,
    layer: &Layer,
    visited: &Visited,
    share: &[Waiting],
) -> Found {
    let mut found = Found::default();
    let Worker { memory, new } = worker;
    new.clear();
    let mut stage = Stage { setup, layer, memory };
    for Waiting { number, fingerprint: before, state } in share {
        // The same state was found with more left meanwhile.
        if !visited.is_present(*before, state.left()) {
            continue;
        }
        let mut tape = Choices::default();
        let mut is_harmless = true;
        loop {
            let mut after = state.unpack();
            let mut result = after.step(&mut stage, &mut tape);
            found.steps += 1;
            let fingerprint = if result.is_ok() { after.fingerprint(&mut stage) } else { 0 };
            // The first tape does nothing: if nothing changes by that, nothing ever will.
            if is_harmless && result.is_ok() && fingerprint == *before {
                found.calm += 1;
                result = after.rests(layer);
            }
            is_harmless = false;
            let origin = Origin::new(*number, tape.pack());
            if let Err(broken) = result {
                found.broken = Some((broken, origin));
                return found;
            }
            found.longest_conflict = found.longest_conflict.max(after.watch().conflict());
            let left = after.left();
            if !visited.covers(fingerprint, left) && new.insert(fingerprint, left) {
                found.new.push((fingerprint, after.keep(), origin));
            }
            if !tape.next() {
                break;
            }
        }
    }
    found
}

/// A time in steps.
#[must_use]
pub fn time_of(steps: u64) -> Duration {
    setup::INTERVAL * u32::try_from(steps).unwrap_or(u32::MAX)
}
