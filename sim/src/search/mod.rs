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
//! happens to a machine is worked out once in a step (`machine`). The way through them is `walk`.

#[cfg(test)]
mod alike;
pub(crate) mod bound;
pub(crate) mod hash;
mod machine;
mod state;
pub(crate) mod store;
pub(crate) mod tape;
mod visited;
pub(crate) mod walk;
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
use walk::{Space, Walked, Way, walk};
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

/// So many choices has a step at the most.
const CHOICES: usize = 16;

impl Space<CHOICES> for Setup {
    type State = State;
    type Kept = Kept;
    type Layer = Layer;
    type Memory = Memory;
    type Broken = Broken;

    const PIECE: usize = 1 << 15;
    const FORGETS_PIECES: bool = false;

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
        tape: &mut Tape,
    ) -> Result<(), Broken> {
        state.step(&mut Stage { setup: self, layer, memory }, tape)
    }

    fn fingerprint(&self, (layer, memory): (&Layer, &mut Memory), state: &mut State) -> u128 {
        state.fingerprint(&mut Stage { setup: self, layer, memory })
    }

    fn next(&self, layer: Layer) -> Layer {
        layer.next(self)
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
    let (layer, beginnings) = setup.beginnings();
    let beginnings = beginnings.into_iter().map(|(state, _)| state).collect();
    let end = if bound.steps == 0 { u64::MAX } else { bound.steps.into() };
    let limits = walk::Limits { threads, states: most, steps: end };
    let walked: Walked<_, 2> =
        walk(&setup, (layer, beginnings), limits, |depth, states, frontier| {
            progress(Progress { depth, states, frontier });
        });
    let reach = match walked.broken {
        None if walked.is_all => Reach::All,
        None if walked.depth >= end => Reach::Steps,
        _ => Reach::Some,
    };
    Outcome {
        states: walked.states(),
        steps: walked.steps,
        depth: walked.depth,
        virtual_time: setup.step * u32::try_from(walked.depth).unwrap_or(u32::MAX),
        longest_conflict: setup.step * u32::from(walked.longest_conflict),
        reach,
        counterexample: walked.broken.map(|(broken, way)| tell(&setup, &way, broken)),
    }
}

/// Goes the way to a broken rule once more, and writes it down.
fn tell(setup: &Setup, way: &Way, (rule, text): Broken) -> Counterexample {
    let (mut layer, mut beginnings) = setup.beginnings();
    let (mut state, mut story) = beginnings.swap_remove(way.beginning);
    let mut memory = Memory::default();
    let begin = layer.now;
    let _ = writeln!(story, "{:>9}  {:44}Secondary", "", "Primary");
    for tape in &way.tapes {
        let at = layer.now.saturating_since(begin);
        state.notes = Some(Vec::new());
        let mut stage = Stage { setup, layer: &layer, memory: &mut memory };
        // The last step breaks the rule.
        if state.step(&mut stage, &mut Tape::unpack(*tape)).is_ok() {
            state.fingerprint(&mut stage);
        }
        for (unit, note) in state.notes.take().unwrap_or_default() {
            let column = if unit == 0 { 0 } else { 44 };
            let _ = writeln!(story, "{:>6} ms  {:column$}{note}", at.as_millis(), "");
        }
        memory.clear();
        layer = layer.next(setup);
    }
    Counterexample { rule, text, steps: way.tapes.len(), story }
}
