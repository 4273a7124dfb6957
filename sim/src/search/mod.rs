//! Exhaustive search: *all* states that two real role machines can reach against an adversary who may lose,
//! repeat and delay heartbeats, crash, restart and pause units, and order hand-overs: each so often.
//!
//! Time goes in steps of a heartbeat interval, or of a part of it. In each step both units act, the Primary
//! first. A heartbeat arrives before its receiver acts the next time, or a step later with a finer
//! resolution, if the adversary does nothing to it. Actions are carried out at once, clocks go alike, there
//! is one path.
//!
//! The states are visited breadth first, so the first counterexample is a shortest one. Two states that
//! differ only in what time it is are the same state ([`Pair::fingerprint`](ha_core::pair::Pair)): so the
//! search ends by itself once nothing new is found, and what it shows holds for ever, not for some seconds.
//! A state is not visited again with less left to the adversary than before: whatever can follow then could
//! follow already.

mod state;
mod tape;
mod watch;

use crate::harness::config;
use crate::oracle::Rule;
use core::fmt::Write as _;
use core::time::Duration;
use ha_core::pair::{PairConfig, Rules};
use state::{Left, State};
use tape::Tape;
use watch::{Broken, Limits};

/// What the adversary may do, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The failover trigger level of both units.
    pub level: u8,
    /// How many steps a heartbeat interval has.
    pub resolution: u8,
    /// How many heartbeats are lost.
    pub losses: u8,
    /// How many come twice.
    pub duplicates: u8,
    /// How many are late, by up to a failure time.
    pub delays: u8,
    /// How many crashes of a unit, which may start again at any time.
    pub crashes: u8,
    /// How many pauses of a unit, of up to a failure time and an interval.
    pub pauses: u8,
    /// How many hand-overs are ordered, at either unit.
    pub orders: u8,
    /// How often each unit becomes less fit.
    pub equal_faults: u8,
}

impl Bound {
    /// What the role machine has to stand: 2 losses, 1 duplicate, 1 delay, 1 crash with restart, 1 pause, 1
    /// hand-over.
    pub const WHOLE: Self = Self {
        level: 2,
        resolution: 1,
        losses: 2,
        duplicates: 1,
        delays: 1,
        crashes: 1,
        pauses: 1,
        orders: 1,
        equal_faults: 0,
    };
    /// The same fault on both units, at any two moments, on a network with faults (L2).
    pub const FAULTS: Self = Self { crashes: 0, pauses: 0, equal_faults: 1, ..Self::WHOLE };
}

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
    /// All states were visited; else a rule was broken before, or there are too many.
    pub is_complete: bool,
    /// What is broken, if anything is.
    pub counterexample: Option<Counterexample>,
}

/// A shortest way to break a rule.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// Which rule.
    pub rule: Rule,
    /// How it is broken.
    pub text: String,
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
    configure: Box<dyn Fn(usize, u64) -> PairConfig + Sync>,
}

const INTERVAL: Duration = Duration::from_millis(10);

impl Setup {
    fn new(bound: Bound, rules: [Rules; 2]) -> Self {
        let failure_time = bound.level * bound.resolution;
        let configure = move |unit: usize, seed| {
            config(unit, seed)
                .heartbeat_interval(INTERVAL)
                .trigger_level(bound.level)
                // Nothing else is to happen later.
                .announcements(1, INTERVAL)
                .route_hold(Duration::ZERO)
                .flap_limit(100, Duration::from_secs(3600))
                .rules(rules[unit])
                .build()
                .expect("a valid configuration")
        };
        Self {
            bound,
            step: INTERVAL / u32::from(bound.resolution),
            limits: Limits {
                failure_time: failure_time.into(),
                delays: [1, 1 + u16::from(failure_time)],
            },
            longest_pause: failure_time + bound.resolution,
            longest_delay: failure_time,
            flight: bound.resolution - 1,
            configure: Box::new(configure),
        }
    }

    /// Where the search begins: both units started together or half an interval apart, and the same once
    /// they have settled.
    fn beginnings(&self) -> Vec<State> {
        let left = Left::new(&self.bound);
        let nothing = Left::new(&Bound {
            losses: 0,
            duplicates: 0,
            delays: 0,
            crashes: 0,
            pauses: 0,
            orders: 0,
            equal_faults: 0,
            ..self.bound
        });
        let mut all = Vec::new();
        for apart in 0..u64::from(self.bound.resolution) {
            let mut state = State::new(self.limits, nothing, self.bound.equal_faults.into());
            let mut tape = Tape::default();
            let mut go = |state: &mut State, steps: u64| {
                for _ in 0..steps {
                    state.step(self, &mut tape).expect("nothing happens yet");
                }
            };
            state.start(self, &mut Tape::default(), 0).expect("it starts");
            go(&mut state, apart);
            state.start(self, &mut Tape::default(), 1).expect("it starts");
            let mut booting = state.clone();
            booting.set_left(left);
            all.push(booting);
            go(&mut state, 6 * u64::from(self.limits.failure_time));
            state.set_left(left);
            all.push(state);
        }
        all
    }
}

/// Where a state comes from: the one before, and what the adversary chose.
#[derive(Clone, Copy)]
struct Origin {
    before: u32,
    tape: u64,
}

const BEGINNING: u32 = u32::MAX;
/// So many states are expanded before what was found is put together.
const PIECE: usize = 1 << 14;

/// What one thread found from its share of the frontier.
#[derive(Default)]
struct Found {
    new: Vec<(u128, Box<State>, Origin)>,
    steps: u64,
    longest_conflict: u16,
    broken: Option<(Broken, Origin)>,
}

/// The states that were visited, each with what was left to the adversary: more than once only if neither
/// was more than the other.
// Only asked whether a state is there: its order does not matter.
#[allow(clippy::disallowed_types)]
#[derive(Default)]
struct Visited(std::collections::HashMap<u128, Vec<Left>>);

impl Visited {
    fn covers(&self, fingerprint: u128, left: &Left) -> bool {
        let known = self.0.get(&fingerprint);
        known.is_some_and(|known| known.iter().any(|known| known.covers(left)))
    }

    /// Says whether it is new.
    fn insert(&mut self, fingerprint: u128, left: Left) -> bool {
        if self.covers(fingerprint, &left) {
            return false;
        }
        let known = self.0.entry(fingerprint).or_default();
        known.retain(|known| !left.covers(known));
        known.push(left);
        true
    }
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
        is_complete: false,
        counterexample: None,
    };
    let mut frontier: Vec<(u32, Box<State>)> = Vec::new();
    for (at, mut state) in setup.beginnings().into_iter().enumerate() {
        let index = u32::try_from(origins.len()).expect("few");
        if visited.insert(state.fingerprint(&setup), state.left()) {
            origins.push(Origin { before: BEGINNING, tape: at as u64 });
            frontier.push((index, Box::new(state)));
        }
    }
    while !frontier.is_empty() && outcome.counterexample.is_none() && outcome.states < most {
        let mut longest = 0;
        let layer = core::mem::take(&mut frontier);
        // Piece by piece, so that what is found twice is not kept twice for long.
        for piece in layer.chunks(PIECE) {
            for Found { new, steps, longest_conflict, broken } in
                expand_on(threads, &setup, &visited, piece)
            {
                outcome.steps += steps;
                longest = longest.max(longest_conflict);
                for (fingerprint, state, origin) in new {
                    if visited.insert(fingerprint, state.left()) {
                        let index = u32::try_from(origins.len()).expect("memory is not that large");
                        origins.push(origin);
                        frontier.push((index, state));
                    }
                }
                if let (None, Some((broken, origin))) = (&outcome.counterexample, broken) {
                    outcome.counterexample = Some(tell(&setup, &origins, origin, broken));
                }
            }
        }
        outcome.longest_conflict = outcome.longest_conflict.max(setup.step * u32::from(longest));
        outcome.states = origins.len() as u64;
        outcome.depth += 1;
        outcome.virtual_time = setup.step * u32::try_from(outcome.depth).unwrap_or(u32::MAX);
        let (depth, states) = (outcome.depth, outcome.states);
        progress(Progress { depth, states, frontier: frontier.len() as u64 });
    }
    outcome.is_complete = frontier.is_empty() && outcome.counterexample.is_none();
    outcome
}

fn expand_on(
    threads: usize,
    setup: &Setup,
    visited: &Visited,
    piece: &[(u32, Box<State>)],
) -> Vec<Found> {
    let share = piece.len().div_ceil(threads.max(1));
    std::thread::scope(|scope| {
        let work: Vec<_> = piece
            .chunks(share)
            .map(|share| scope.spawn(move || expand(setup, visited, share)))
            .collect();
        work.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    })
}

fn expand(setup: &Setup, visited: &Visited, share: &[(u32, Box<State>)]) -> Found {
    let mut found = Found::default();
    let mut new = Visited::default();
    for (index, state) in share {
        let mut tape = Tape::default();
        loop {
            let mut after = State::clone(state);
            let result = after.step(setup, &mut tape);
            found.steps += 1;
            let origin = Origin { before: *index, tape: tape.pack() };
            if let Err(broken) = result {
                found.broken = Some((broken, origin));
                return found;
            }
            found.longest_conflict = found.longest_conflict.max(after.watch.conflict());
            let fingerprint = after.fingerprint(setup);
            let left = after.left();
            if !visited.covers(fingerprint, &left) && new.insert(fingerprint, left) {
                found.new.push((fingerprint, Box::new(after), origin));
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
    way.reverse();
    let beginning = way.first().map_or(0, |origin| origin.tape as usize);
    let mut state = setup.beginnings().swap_remove(beginning);
    let begin = state.elapsed(setup);
    let mut story = String::new();
    for origin in way.iter().skip(1) {
        let at = state.elapsed(setup).saturating_sub(begin);
        state.notes = Some(Vec::new());
        // The last step breaks the rule.
        let _ = state.step(setup, &mut Tape::unpack(origin.tape));
        for (unit, note) in state.notes.take().unwrap_or_default() {
            let column = if unit == 0 { 0 } else { 44 };
            let _ = writeln!(story, "{:>6} ms  {:column$}{note}", at.as_millis(), "");
        }
    }
    Counterexample { rule, text, story }
}
