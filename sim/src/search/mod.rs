//! Exhaustive search: *all* states that two real role machines can reach against an adversary who may lose,
//! repeat and delay heartbeats, crash, restart and pause units, and order hand-overs: each so often.
//!
//! Time goes in steps of a heartbeat interval, or of a part of it. In each step both units act, the Primary
//! first. A heartbeat arrives before its receiver acts the next time, or a step later with a finer
//! resolution, if the adversary does nothing to it. Actions are carried out at once, clocks go alike.
//!
//! The states are visited breadth first, so the first counterexample is a shortest one. Two states that
//! differ only in what time it is are the same state ([`Pair::fingerprint`](ha_core::pair::Pair)): so the
//! search ends by itself once nothing new is found, and what it shows holds for ever, not for some seconds.
//! A state is not visited again with less left to the adversary than before: whatever can follow then could
//! follow already. That states with the same fingerprint go on alike is tested (`alike`).
//!
//! States are small: the machines that they have in common are kept once each, and what follows from what
//! happens to a machine is worked out once in a step (`machine`).

#[cfg(test)]
mod alike;
pub(crate) mod bound;
pub(crate) mod hash;
mod machine;
mod state;
pub(crate) mod store;
pub(crate) mod tape;
pub(crate) mod visited;
mod watch;

pub use bound::Bound;

use crate::harness::config;
use crate::oracle::Rule;
use bound::{Kind, Left};
use core::fmt::Write as _;
use core::time::Duration;
use ha_core::pair::{Frame, Maintenance, PairConfig, PathKind, Rules};
use ha_core::time::Instant;
use machine::{Boot, Layer, Memory, seed};
use state::{Kept, Stage, State};
use tape::Tape;
use visited::Visited;
use watch::{Broken, Limits};

/// What a search found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many states there are.
    pub states: u64,
    /// How many steps were taken from one to another.
    pub steps: u64,
    /// How many steps the state that is the farthest is away.
    pub depth: u64,
    /// The same in virtual time.
    pub virtual_time: Duration,
    /// The longest time for which both held the role and heard each other.
    pub longest_conflict: Duration,
    /// Which states were visited.
    pub reach: Reach,
    /// What is broken, if anything is.
    pub counterexample: Option<Counterexample>,
}

/// Which states were visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All that there are: what was found holds for ever.
    All,
    /// All that can be reached within the steps of the bound.
    Steps,
    /// Only some: a rule was broken before, or there are too many.
    Some,
}

/// A shortest way to break a rule.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// Which rule.
    pub rule: Rule,
    /// How it is broken.
    pub text: String,
    /// How many steps it takes.
    pub steps: usize,
    /// What happened, for a person.
    pub story: String,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps from the beginning.
    pub depth: u64,
    /// States so far.
    pub states: u64,
    /// States that are new at this depth.
    pub frontier: u64,
}

/// All that stays the same in a search.
struct Setup {
    bound: Bound,
    step: Duration,
    limits: Limits,
    longest_pause: u8,
    longest_delay: u8,
    /// How many steps a heartbeat takes at the least.
    flight: u8,
    /// All starts that there can be, with 0 for the last number: for fingerprints that are relative to nothing.
    starts: Vec<(u64, u64)>,
    rules: [Rules; 2],
}

const INTERVAL: Duration = Duration::from_millis(10);
/// Far from the epoch, as the clock of a unit is.
const EPOCH: Instant = Instant::from_millis(1_000_000_000);
/// Longer than any search, so that no role change leaves it.
const FLAP_WINDOW: Duration = Duration::from_secs(24 * 3600);

impl Setup {
    fn new(bound: Bound, rules: [Rules; 2]) -> Self {
        let failure_time = bound.level * bound.resolution;
        let starts = (1..=1 + bound.crashes).flat_map(|start| [0, 1].map(|unit| seed(unit, start)));
        Self {
            bound,
            step: INTERVAL / u32::from(bound.resolution),
            limits: Limits::new(&bound),
            longest_pause: failure_time + bound.resolution,
            longest_delay: failure_time,
            flight: bound.resolution - 1,
            starts: starts.map(|start| (start, 0)).collect(),
            rules,
        }
    }

    fn configure(&self, boot: Boot) -> PairConfig {
        let Bound { level, paths, flap_limit, readiness, .. } = self.bound;
        let unit = usize::from(boot.unit);
        let readiness_limit = INTERVAL * u32::from(level) * u32::from(readiness);
        let flap_limit = if flap_limit == 0 { 100 } else { flap_limit };
        let mut builder = config(unit, seed(unit, boot.start))
            .heartbeat_interval(INTERVAL)
            .trigger_level(level)
            .paths(core::iter::repeat_n(PathKind::Control, paths.into()))
            // Nothing else is to happen later.
            .announcements(1, INTERVAL)
            .route_hold(Duration::ZERO)
            .flap_limit(flap_limit, FLAP_WINDOW)
            .readiness_limit(readiness_limit)
            .rules(self.rules[unit]);
        if boot.in_maintenance {
            builder = builder.persisted(&Maintenance::On { lasts: None }.to_bytes());
        }
        builder.build().expect("a valid configuration")
    }

    /// What a fingerprint is relative to that only says whether two machines are the same now.
    fn absolute(&self, now: Instant) -> Frame<'_> {
        Frame { now, starts: &self.starts, term: 0, oldest_echo: 0, questions: &[] }
    }

    /// Not every heartbeat arrived in time.
    fn is_lossy(&self, left: Left) -> bool {
        let all = Left::new(&self.bound);
        [Kind::Loss, Kind::Delay].into_iter().any(|kind| left.count(kind) < all.count(kind))
    }

    /// Where the search begins: both units get their power together or a part of an interval apart; and the
    /// same once they have settled. All begin at the same time.
    fn beginnings(&self) -> (Layer, Vec<(State, String)>) {
        let left = Left::new(&self.bound);
        let steps = 6 * u64::from(self.limits.failure_time);
        let mut layer = Layer::new(EPOCH);
        let mut memory = Memory::default();
        let mut all = Vec::new();
        let mut settling: Vec<_> = (0..self.bound.resolution)
            .map(|apart| State::new(self, Left::NOTHING, [0, apart]))
            .collect();
        for _ in 0..steps {
            let mut stage = Stage { setup: self, layer: &layer, memory: &mut memory };
            settling.retain_mut(|state| {
                let is_good = state.step(&mut stage, &mut Tape::default()).is_ok();
                state.fingerprint(&mut stage);
                // What breaks a rule all by itself is found from the other beginnings.
                is_good
            });
            memory.clear();
            layer = layer.next(self);
        }
        for apart in 0..self.bound.resolution {
            let later = match apart {
                0 => String::new(),
                _ => format!(", the Secondary {:?} later", self.step * u32::from(apart)),
            };
            let story = format!("Both units get their power{later}.\n");
            all.push((State::new(self, left, [0, apart]), story));
        }
        for mut state in settling {
            state.set_left(left);
            all.push((state, "The pair has settled, with the Primary as Active.\n".into()));
        }
        (layer, all)
    }
}

/// Where a state comes from: the one before, and what the adversary chose. Twelve bytes, as there are many.
#[derive(Clone, Copy)]
struct Origin {
    before: u32,
    tape: [u32; 2],
}

impl Origin {
    fn new(before: u32, tape: u128) -> Self {
        let tape = u64::try_from(tape).expect("a tape of sixteen choices");
        Self { before, tape: [(tape >> 32) as u32, tape as u32] }
    }

    fn tape(self) -> u128 {
        u128::from(self.tape[0]) << 32 | u128::from(self.tape[1])
    }
}

const BEGINNING: u32 = u32::MAX;
/// So many states are expanded before what was found is put together.
const PIECE: usize = 1 << 15;

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

/// Visits all states that can be reached within the bound, on `threads` threads, unless a rule breaks
/// before or there are more than `most`. `rules` are those of the Primary and of the Secondary.
///
/// # Panics
/// If there are more than four thousand million states, which no memory holds.
pub fn search(
    bound: Bound,
    rules: [Rules; 2],
    threads: usize,
    most: u64,
    mut progress: impl FnMut(Progress),
) -> Outcome {
    let setup = Setup::new(bound, rules);
    let mut visited = Visited::default();
    let mut origins: Vec<Origin> = Vec::new();
    let mut outcome = Outcome {
        states: 0,
        steps: 0,
        depth: 0,
        virtual_time: Duration::ZERO,
        longest_conflict: Duration::ZERO,
        reach: Reach::Some,
        counterexample: None,
    };
    let mut workers: Vec<Worker> = (0..threads.max(1)).map(|_| Worker::default()).collect();
    let (mut layer, beginnings) = setup.beginnings();
    let mut first = Vec::new();
    for (at, (state, _)) in beginnings.into_iter().enumerate() {
        let number = u32::try_from(at).expect("few");
        origins.push(Origin::new(BEGINNING, at as u128));
        // It is a beginning by its place here: no other state is the same at a time that never comes again.
        first.push(Waiting { number, fingerprint: number.into(), state: state.keep() });
        visited.insert(number.into(), state.left());
    }
    let mut frontier = vec![first];
    let end = if bound.steps == 0 { u64::MAX } else { bound.steps.into() };
    while !frontier.is_empty()
        && outcome.counterexample.is_none()
        && outcome.states < most
        && outcome.depth < end
    {
        let mut longest = 0;
        let mut next: Vec<Vec<Waiting>> = Vec::new();
        // Piece by piece, so that what is found twice is not kept twice for long, and what has had its turn is
        // kept no longer.
        for piece in frontier {
            for found in expand_on(&mut workers, &setup, &layer, &visited, &piece) {
                outcome.steps += found.steps;
                longest = longest.max(found.longest_conflict);
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
                if let (None, Some((broken, origin))) = (&outcome.counterexample, found.broken) {
                    outcome.counterexample = Some(tell(&setup, &origins, origin, broken));
                }
            }
        }
        frontier = next;
        layer = layer.next(&setup);
        workers.iter_mut().for_each(|worker| worker.memory.clear());
        outcome.longest_conflict = outcome.longest_conflict.max(setup.step * u32::from(longest));
        outcome.states = origins.len() as u64;
        outcome.depth += 1;
        outcome.virtual_time = setup.step * u32::try_from(outcome.depth).unwrap_or(u32::MAX);
        let (depth, states) = (outcome.depth, outcome.states);
        let waiting = frontier.iter().map(|piece| piece.len() as u64).sum();
        progress(Progress { depth, states, frontier: waiting });
    }
    if outcome.counterexample.is_none() {
        outcome.reach = match frontier.is_empty() {
            true => Reach::All,
            false if outcome.depth >= end => Reach::Steps,
            false => Reach::Some,
        };
    }
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
    for Waiting { number, fingerprint, state } in share {
        // The same state was found with more left meanwhile.
        if !visited.is_present(*fingerprint, state.left()) {
            continue;
        }
        let mut tape = Tape::default();
        loop {
            let mut after = state.unpack();
            let result = after.step(&mut stage, &mut tape);
            found.steps += 1;
            let origin = Origin::new(*number, tape.pack());
            if let Err(broken) = result {
                found.broken = Some((broken, origin));
                return found;
            }
            found.longest_conflict = found.longest_conflict.max(after.watch().conflict());
            let fingerprint = after.fingerprint(&mut stage);
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

/// Goes the way to a broken rule once more, and writes it down.
fn tell(setup: &Setup, origins: &[Origin], last: Origin, (rule, text): Broken) -> Counterexample {
    let mut way = vec![last];
    while let Some(origin) = way.last().filter(|origin| origin.before != BEGINNING) {
        way.push(origins[origin.before as usize]);
    }
    let beginning = way.pop().map_or(0, |origin| origin.tape() as usize);
    way.reverse();
    let (mut layer, mut beginnings) = setup.beginnings();
    let (mut state, mut story) = beginnings.swap_remove(beginning);
    let mut memory = Memory::default();
    let begin = layer.now;
    let _ = writeln!(story, "{:>9}  {:44}Secondary", "", "Primary");
    for origin in &way {
        let at = layer.now.saturating_since(begin);
        state.notes = Some(Vec::new());
        let mut stage = Stage { setup, layer: &layer, memory: &mut memory };
        // The last step breaks the rule.
        if state.step(&mut stage, &mut Tape::unpack(origin.tape())).is_ok() {
            state.fingerprint(&mut stage);
        }
        for (unit, note) in state.notes.take().unwrap_or_default() {
            let column = if unit == 0 { 0 } else { 44 };
            let _ = writeln!(story, "{:>6} ms  {:column$}{note}", at.as_millis(), "");
        }
        memory.clear();
        layer = layer.next(setup);
    }
    Counterexample { rule, text, steps: way.len(), story }
}
