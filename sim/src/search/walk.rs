//! Breadth first through all states of a space, on several threads: what the searches of a pair and of a cluster have in
//! common.

use super::bound::Left;
use super::tape::Tape;
use super::visited::Visited;

/// What is searched: its states, and what follows from them. A step has `CHOICES` choices at the most.
pub(crate) trait Space<const CHOICES: usize>: Sync {
    type State;
    /// A state as it is kept until it is its turn.
    type Kept: Send + Sync;
    /// What all states of one depth have in common.
    type Layer: Sync;
    /// What one thread has worked out at that depth.
    type Memory: Default + Send;
    /// How a rule is broken.
    type Broken: Send;

    /// So many states are expanded before what was found is put together.
    const PIECE: usize;
    /// What was worked out for a piece is of little use for the next one, and takes much room.
    const FORGETS_PIECES: bool;

    fn keep(state: &Self::State) -> Self::Kept;
    fn unpack(kept: &Self::Kept) -> Self::State;
    /// What is left to the adversary.
    fn left(state: &Self::State) -> Left;
    fn left_of(kept: &Self::Kept) -> Left;
    /// For how many steps two have been in conflict.
    fn conflict(state: &Self::State) -> u8;

    /// One step of time, with the adversary's choices from the tape.
    fn step(
        &self,
        at: (&Self::Layer, &mut Self::Memory),
        state: &mut Self::State,
        tape: &mut Tape<CHOICES>,
    ) -> Result<(), Self::Broken>;

    /// What is the same for states from which the same follows.
    fn fingerprint(&self, at: (&Self::Layer, &mut Self::Memory), state: &mut Self::State) -> u128;

    /// Nothing will ever change in a state, if the adversary does nothing: what must hold then.
    fn rests(&self, _layer: &Self::Layer, _state: &Self::State) -> Result<(), Self::Broken> {
        Ok(())
    }

    /// A step is over.
    fn next(&self, layer: Self::Layer) -> Self::Layer;
}

/// Where a state comes from: the one before, and what the adversary chose. In words of 32 bits, so that it needs no room
/// for its alignment: there are many.
#[derive(Clone, Copy)]
pub(crate) struct Origin<const WORDS: usize> {
    before: u32,
    tape: [u32; WORDS],
}

const BEGINNING: u32 = u32::MAX;

impl<const WORDS: usize> Origin<WORDS> {
    fn new(before: u32, tape: u128) -> Self {
        Self { before, tape: core::array::from_fn(|word| (tape >> (32 * word)) as u32) }
    }

    fn tape(self) -> u128 {
        self.tape.into_iter().rev().fold(0, |tape, word| tape << 32 | u128::from(word))
    }
}

/// What a walk came to.
pub(crate) struct Walked<B, const WORDS: usize> {
    origins: Vec<Origin<WORDS>>,
    /// How many steps were taken from one state to another.
    pub(crate) steps: u64,
    /// How many steps the state that is the farthest is away.
    pub(crate) depth: u64,
    /// In how many states the adversary could do nothing, and nothing happened any more.
    pub(crate) calm: u64,
    /// The longest conflict, in steps.
    pub(crate) longest_conflict: u8,
    /// There was no state left to go on from.
    pub(crate) is_all: bool,
    /// How a rule is broken, and the way there.
    pub(crate) broken: Option<(B, Way)>,
}

impl<B, const WORDS: usize> Walked<B, WORDS> {
    /// How many states there are.
    pub(crate) fn states(&self) -> u64 {
        self.origins.len() as u64
    }

    fn way(&self, last: Origin<WORDS>) -> Way {
        let mut way = vec![last];
        while let Some(origin) = way.last().filter(|origin| origin.before != BEGINNING) {
            way.push(self.origins[origin.before as usize]);
        }
        let beginning = way.pop().map_or(0, |origin| origin.tape() as usize);
        Way { beginning, tapes: way.into_iter().rev().map(Origin::tape).collect() }
    }
}

/// A way to a state.
pub(crate) struct Way {
    /// From which of the beginnings.
    pub(crate) beginning: usize,
    /// What the adversary chose, step by step.
    pub(crate) tapes: Vec<u128>,
}

/// How far a walk goes at the most.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) threads: usize,
    pub(crate) states: u64,
    pub(crate) steps: u64,
}

/// A state whose turn has not come yet.
struct Waiting<K> {
    number: u32,
    fingerprint: u128,
    state: K,
}

/// What one thread found from its share of the frontier.
struct Found<K, B, const WORDS: usize> {
    new: Vec<(u128, K, Origin<WORDS>)>,
    steps: u64,
    calm: u64,
    longest_conflict: u8,
    broken: Option<(B, Origin<WORDS>)>,
}

/// What one thread keeps for itself.
struct Worker<M> {
    memory: M,
    /// What it found in this piece.
    new: Visited,
}

/// Visits all states from the beginnings on, within the limits, unless a rule breaks. `progress` is told the depth, the
/// states so far, and those that are new.
///
/// # Panics
/// If there are more than four thousand million states, which no memory holds.
pub(crate) fn walk<S: Space<CHOICES>, const CHOICES: usize, const WORDS: usize>(
    space: &S,
    (mut layer, beginnings): (S::Layer, Vec<S::State>),
    limits: Limits,
    mut progress: impl FnMut(u64, u64, u64),
) -> Walked<S::Broken, WORDS> {
    const { assert!(CHOICES == 8 * WORDS, "four bits for each choice") };
    let mut visited = Visited::default();
    let mut walked = Walked {
        origins: Vec::new(),
        steps: 0,
        depth: 0,
        calm: 0,
        longest_conflict: 0,
        is_all: false,
        broken: None,
    };
    let mut first = Vec::new();
    for (number, state) in (0_u32..).zip(beginnings) {
        walked.origins.push(Origin::new(BEGINNING, number.into()));
        // It is a beginning by its place here: no other state is the same at a time that never comes again.
        visited.insert(number.into(), S::left(&state));
        first.push(Waiting { number, fingerprint: number.into(), state: S::keep(&state) });
    }
    let mut frontier = vec![first];
    let worker = |_| Worker { memory: S::Memory::default(), new: Visited::default() };
    let mut workers: Vec<Worker<S::Memory>> = (0..limits.threads.max(1)).map(worker).collect();
    let forget = |workers: &mut [Worker<S::Memory>]| {
        workers.iter_mut().for_each(|worker| worker.memory = S::Memory::default());
    };
    while !frontier.is_empty()
        && walked.broken.is_none()
        && walked.states() < limits.states
        && walked.depth < limits.steps
    {
        let mut next: Vec<Vec<Waiting<S::Kept>>> = Vec::new();
        // Piece by piece, so that what is found twice is not kept twice for long, and what has had its turn is kept no
        // longer.
        for piece in frontier {
            for found in expand_on(space, &mut workers, &layer, &visited, &piece) {
                walked.steps += found.steps;
                walked.calm += found.calm;
                walked.longest_conflict = walked.longest_conflict.max(found.longest_conflict);
                for (fingerprint, state, origin) in found.new {
                    if visited.insert(fingerprint, S::left_of(&state)) {
                        let number =
                            u32::try_from(walked.origins.len()).expect("memory is not that large");
                        walked.origins.push(origin);
                        let waiting = Waiting { number, fingerprint, state };
                        match next.last_mut().filter(|piece| piece.len() < S::PIECE) {
                            Some(piece) => piece.push(waiting),
                            None => next.push(vec![waiting]),
                        }
                    }
                }
                if let (None, Some((broken, last))) = (&walked.broken, found.broken) {
                    walked.broken = Some((broken, walked.way(last)));
                }
            }
            if S::FORGETS_PIECES {
                forget(&mut workers);
            }
        }
        frontier = next;
        layer = space.next(layer);
        forget(&mut workers);
        walked.depth += 1;
        let waiting = frontier.iter().map(|piece| piece.len() as u64).sum();
        progress(walked.depth, walked.states(), waiting);
    }
    walked.is_all = walked.broken.is_none() && frontier.is_empty();
    walked
}

fn expand_on<S: Space<CHOICES>, const CHOICES: usize, const WORDS: usize>(
    space: &S,
    workers: &mut [Worker<S::Memory>],
    layer: &S::Layer,
    visited: &Visited,
    piece: &[Waiting<S::Kept>],
) -> Vec<Found<S::Kept, S::Broken, WORDS>> {
    let share = piece.len().div_ceil(workers.len());
    std::thread::scope(|scope| {
        let work: Vec<_> = workers
            .iter_mut()
            .zip(piece.chunks(share))
            .map(|(worker, share)| {
                scope.spawn(move || expand(space, worker, layer, visited, share))
            })
            .collect();
        work.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    })
}

fn expand<S: Space<CHOICES>, const CHOICES: usize, const WORDS: usize>(
    space: &S,
    worker: &mut Worker<S::Memory>,
    layer: &S::Layer,
    visited: &Visited,
    share: &[Waiting<S::Kept>],
) -> Found<S::Kept, S::Broken, WORDS> {
    let mut found = Found { new: Vec::new(), steps: 0, calm: 0, longest_conflict: 0, broken: None };
    let Worker { memory, new } = worker;
    new.clear();
    for Waiting { number, fingerprint: before, state } in share {
        // The same state was found with more left meanwhile.
        if !visited.is_present(*before, S::left_of(state)) {
            continue;
        }
        let mut tape = Tape::default();
        let mut is_harmless = true;
        loop {
            let mut after = S::unpack(state);
            let mut result = space.step((layer, &mut *memory), &mut after, &mut tape);
            found.steps += 1;
            let mut fingerprint = 0;
            if result.is_ok() {
                fingerprint = space.fingerprint((layer, &mut *memory), &mut after);
                // The first tape does nothing: if nothing changes by that, nothing ever will.
                if is_harmless && fingerprint == *before {
                    found.calm += 1;
                    result = space.rests(layer, &after);
                }
            }
            is_harmless = false;
            let origin = Origin::new(*number, tape.pack());
            if let Err(broken) = result {
                found.broken = Some((broken, origin));
                return found;
            }
            found.longest_conflict = found.longest_conflict.max(S::conflict(&after));
            let left = S::left(&after);
            if !visited.covers(fingerprint, left) && new.insert(fingerprint, left) {
                found.new.push((fingerprint, S::keep(&after), origin));
            }
            if !tape.next() {
                break;
            }
        }
    }
    found
}

/// A test of the fingerprints, on which a search stands or falls: whatever is taken for the same state goes on in the same
/// way.
#[cfg(test)]
pub(crate) mod alike {
    use super::Space;
    use crate::search::bound::Left;
    use crate::search::hash::Map;
    use crate::search::tape::Tape;
    use core::fmt::Debug;

    /// What can follow from a state in a step: what the adversary chose, and the state that follows, or the rule that is
    /// broken.
    type Future<R> = Vec<(u128, Result<(u128, Left), R>)>;

    /// Goes through all states as a search does, but also again through those that were visited before, and looks whether
    /// the same follows from them. Returns how many were the same as another one.
    pub(crate) fn compare_all<S, R, T, const CHOICES: usize>(
        space: &S,
        (mut layer, beginnings): (S::Layer, Vec<S::State>),
        bound: impl Debug,
    ) -> u64
    where
        S: Space<CHOICES, Broken = (R, T)>,
        R: Copy + Debug + PartialEq,
    {
        let mut futures: Map<(u128, Left), Future<R>> = Map::default();
        let mut states: Vec<(u128, S::State)> = (0..).zip(beginnings).collect();
        let mut same = 0;
        while !states.is_empty() {
            let mut memory = S::Memory::default();
            let mut next = Vec::new();
            for (fingerprint, state) in states {
                let key = (fingerprint, S::left(&state));
                let mut future = Future::new();
                let mut followers = Vec::new();
                let mut tape = Tape::default();
                loop {
                    let mut after = S::unpack(&S::keep(&state));
                    let result = space.step((&layer, &mut memory), &mut after, &mut tape);
                    let result = result.map_err(|(rule, _)| rule).map(|()| {
                        let print = space.fingerprint((&layer, &mut memory), &mut after);
                        (print, S::left(&after))
                    });
                    future.push((tape.pack(), result));
                    followers.extend(result.ok().map(|(fingerprint, _)| (fingerprint, after)));
                    if !tape.next() {
                        break;
                    }
                }
                match futures.get(&key) {
                    Some(known) => {
                        assert_eq!(
                            known, &future,
                            "{bound:?}: the same state goes on in another way"
                        );
                        same += 1;
                    }
                    None => {
                        futures.insert(key, future);
                        next.extend(followers);
                    }
                }
            }
            states = next;
            layer = space.next(layer);
        }
        same
    }
}
