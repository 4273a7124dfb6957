//! One state of the search: three machines, what is on its way between them, and what the adversary may still do.

use super::act::{Act, Effect, MAX_ARRIVALS, Platform, Told};
use super::machine::{Layer, Memory, OFF};
use super::setup::{Boot, NODES, Setup, node};
use super::watch::{Answer, Broken, Watch};
use crate::search::bound::{Kind, Left};
use crate::search::tape::Tape;
use arrayvec::ArrayVec;
use svrrp::cluster::Why;
use svrrp::wire::Message;

/// The choices of a step: one for each datagram, and some for each node.
pub(super) type Choices = Tape<32>;

/// The most datagrams on their way at a time.
const MAX_FLYING: usize = 64;

/// A datagram on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flying {
    pub(super) to: u8,
    /// Steps until its receiver's turn in which it arrives; 1: the next one.
    pub(super) wait: u8,
    pub(super) datagram: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// [`OFF`]: it is off.
    pub(super) machine: u32,
    starts: u8,
    pub(super) link_up: bool,
    /// Which ranks its configuration has.
    pub(super) ranks: u8,
    /// The present start, or the last one, and the number of its last datagram; and the one before.
    pub(super) start: (u64, u64),
    pub(super) former: (u64, u64),
}

/// A state, but for what is on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Core {
    pub(super) nodes: [Node; NODES],
    left: Left,
    pub(super) watch: Watch,
}

/// A state as it is kept until it is its turn.
#[derive(Debug)]
pub(super) struct Kept {
    core: Core,
    flying: Box<[Flying]>,
}

/// A state.
#[derive(Debug)]
pub(super) struct State {
    pub(super) core: Core,
    pub(super) flying: ArrayVec<Flying, MAX_FLYING>,
    /// What happened to whom, if that is wanted.
    pub(super) notes: Option<Vec<(usize, String)>>,
}

/// Where a step happens, and what is known of it.
pub(super) struct Stage<'a> {
    pub(super) setup: &'a Setup,
    pub(super) layer: &'a Layer,
    pub(super) memory: &'a mut Memory,
}

impl Kept {
    pub(super) fn unpack(&self) -> State {
        State { core: self.core, flying: self.flying.iter().copied().collect(), notes: None }
    }

    pub(super) fn left(&self) -> Left {
        self.core.left
    }
}

impl State {
    /// All nodes are off, with their links up; they start in the first step.
    pub(super) fn new(setup: &Setup) -> Self {
        let node = Node {
            machine: OFF,
            starts: 0,
            link_up: true,
            ranks: 0,
            start: (0, 0),
            former: (0, 0),
        };
        let core = Core { nodes: [node; NODES], left: Left::NOTHING, watch: Watch::new(setup) };
        Self { core, flying: ArrayVec::new(), notes: None }
    }

    pub(super) fn keep(&self) -> Kept {
        Kept { core: self.core, flying: self.flying.as_slice().into() }
    }

    pub(super) fn left(&self) -> Left {
        self.core.left
    }

    pub(super) fn set_left(&mut self, left: Left) {
        self.core.left = left;
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.core.watch
    }

    /// One step of time, with the adversary's choices from the tape. The nodes act in the order of their numbers: what
    /// one says can arrive at the next ones within the same step.
    pub(super) fn step(&mut self, stage: &mut Stage<'_>, tape: &mut Choices) -> Result<(), Broken> {
        for at in 0..NODES {
            self.turn(stage, tape, at)?;
        }
        for flying in self.flying.iter_mut().filter(|flying| flying.wait > 1) {
            flying.wait -= 1;
        }
        // What does not arrive at the same node at the same time may have any order.
        self.flying.sort_by_key(|flying| (flying.to, flying.wait));
        self.core.watch.step(stage.setup)?;
        for at in 0..NODES {
            if self.core.nodes[at].machine == OFF
                && !self.is_heard(stage.layer, self.core.nodes[at].start)
            {
                self.core.watch.forget(at, stage.setup);
            }
        }
        Ok(())
    }

    /// It would stay as it is for ever, if the adversary did nothing.
    pub(super) fn rests(&self, layer: &Layer) -> Result<(), Broken> {
        let nodes = self.core.nodes.iter().enumerate();
        let run: Vec<_> = nodes.filter(|(_, it)| it.machine != OFF).collect();
        // All go by the highest version that any of them has (VG-2).
        let known = |it: &Node| layer.machine(it.machine).map_or(0, |it| it.ranks).max(it.ranks);
        let ranks = run.iter().map(|(_, it)| known(it)).max().unwrap_or(0);
        let run: Vec<_> = run.iter().map(|(at, it)| (*at, it.link_up)).collect();
        self.core.watch.rests(&run, ranks)
    }

    fn turn(&mut self, stage: &mut Stage<'_>, tape: &mut Choices, at: usize) -> Result<(), Broken> {
        let (mut boot, mut told) = (None, None);
        let Node { machine, starts, .. } = self.core.nodes[at];
        if machine == OFF {
            // At the beginning it starts; after a crash at any time, or never.
            if starts == 0 || tape.choose(2) == 1 {
                boot = Some(self.boot(at));
            }
        } else if let Some(kind) = self.disturbance(tape, at) {
            self.core.left.spend(kind);
            told = self.hurt(stage, at, kind);
        }
        let arrived = self.arrive(at);
        let machine = self.core.nodes[at].machine;
        if machine == OFF && boot.is_none() {
            return Ok(());
        }
        let is_open = stage.layer.machine(machine).is_some_and(|it| it.is_open);
        let mut answers = is_open;
        if is_open && self.core.left.has(Kind::Slow) && tape.choose(2) == 1 {
            self.core.left.spend(Kind::Slow);
            answers = false;
        }
        let platform = Platform::Works;
        let mut act = Act { machine, boot, answers, told, arrived, platform };
        let is_decisive = stage.memory.follow(stage.setup, stage.layer, &act).is_decisive;
        if is_decisive {
            act.platform = self.platform(tape);
        }
        self.carry_out(stage, tape, at, &act)
    }

    /// Takes what arrives at a node in its turn, in that order, from what is on its way.
    fn arrive(&mut self, at: usize) -> ArrayVec<u32, MAX_ARRIVALS> {
        let mut arrived = ArrayVec::new();
        self.flying.retain(|flying| {
            let is_here = usize::from(flying.to) == at && flying.wait <= 1;
            if is_here {
                arrived.push(flying.datagram);
            }
            !is_here
        });
        arrived
    }

    /// What the adversary does to a node, if anything.
    fn disturbance(&self, tape: &mut Choices, at: usize) -> Option<Kind> {
        let left = self.core.left;
        let has = |kind| left.has(kind) && (kind != Kind::Ranks || self.core.nodes[at].ranks == 0);
        let mut ways: ArrayVec<Kind, 3> = ArrayVec::new();
        ways.extend([Kind::Crash, Kind::Link, Kind::Ranks].into_iter().filter(|kind| has(*kind)));
        let chosen = tape.choose(1 + ways.len() as u8);
        ways.get(usize::from(chosen).checked_sub(1)?).copied()
    }

    fn hurt(&mut self, stage: &Stage<'_>, at: usize, kind: Kind) -> Option<Told> {
        match kind {
            Kind::Crash => {
                self.note(at, || "! crashes".into());
                self.core.nodes[at].machine = OFF;
                self.core.watch.crashes(at, stage.setup);
                None
            }
            Kind::Link => {
                let up = !self.core.nodes[at].link_up;
                self.note(at, || format!("! its link goes {}", if up { "up" } else { "down" }));
                self.core.nodes[at].link_up = up;
                Some(Told::Link(up))
            }
            _ => {
                self.note(at, || "! is told other ranks".into());
                self.core.nodes[at].ranks = 1;
                Some(Told::Ranks)
            }
        }
    }

    fn boot(&mut self, at: usize) -> Boot {
        self.note(at, || "! starts".into());
        let it = &mut self.core.nodes[at];
        it.starts += 1;
        it.former = it.start;
        Boot { node: at as u8, start: it.starts, link_up: it.link_up, ranks: it.ranks }
    }

    /// What becomes of a decisive action.
    fn platform(&mut self, tape: &mut Choices) -> Platform {
        let left = self.core.left;
        let mut ways: ArrayVec<_, 3> = ArrayVec::new();
        let all = [(Kind::Slow, Platform::Slow), (Kind::Failure, Platform::Fails)];
        ways.extend(all.into_iter().filter(|(kind, _)| left.has(*kind)));
        match usize::from(tape.choose(1 + ways.len() as u8)) {
            0 => Platform::Works,
            chosen => {
                let (kind, platform) = ways[chosen - 1];
                self.core.left.spend(kind);
                platform
            }
        }
    }

    fn carry_out(
        &mut self,
        stage: &mut Stage<'_>,
        tape: &mut Choices,
        at: usize,
        act: &Act,
    ) -> Result<(), Broken> {
        let Stage { setup, layer, memory } = stage;
        let machine = memory.follow(setup, layer, act).machine;
        self.core.nodes[at].machine = machine;
        if let Some(it) = memory.machine(layer, machine) {
            self.core.nodes[at].start = (it.start, it.last_number);
        }
        let consequence = memory.follow(setup, layer, act);
        // To whom something was lost already in this turn: more of that is the same loss.
        let mut lossy = [false; NODES];
        let mut result = Ok(());
        for effect in &consequence.effects {
            match effect {
                Effect::Hears { datagram } => {
                    let datagram = layer.datagram(*datagram);
                    let from = datagram.sender();
                    let start = datagram.message.header().id.start.get();
                    let is_current = start == self.core.nodes[from].start.0
                        && self.core.nodes[from].machine != OFF;
                    let says = match &datagram.message {
                        Message::Advertisement(it) => Some(it),
                        _ => None,
                    };
                    self.core.watch.hears(at, from, is_current, says);
                }
                Effect::Begins { group, by, is_answer, why } => {
                    let giver = by.filter(|_| *why == Why::Granted);
                    let answer = giver.map(|giver| Answer { giver, is_ours: *is_answer });
                    // The story is told to the end of the turn.
                    result = result.and(self.core.watch.begins(at, *group, answer, setup));
                }
                Effect::Takes { group } => self.core.watch.takes(at, *group),
                Effect::Gone { group } => self.core.watch.gone(at, *group),
                Effect::Sends { to, datagram } => {
                    self.send(setup, layer, tape, at, *to, *datagram, &mut lossy);
                }
                Effect::Acts { action, group, how } => self.note(at, || {
                    let how = match how {
                        Platform::Works => "",
                        Platform::Slow => ", which takes a step longer",
                        Platform::Fails => ", which fails",
                    };
                    format!("> {group}: {action}{how}")
                }),
                Effect::Asks { group } => self.core.watch.asks(at, *group, true),
                Effect::AsksNothing { group } => self.core.watch.asks(at, *group, false),
                Effect::Tells(event) => self.note(at, || format!("  {event}")),
            }
        }
        result
    }

    #[allow(clippy::too_many_arguments)] // where it happens, and what
    fn send(
        &mut self,
        setup: &Setup,
        layer: &Layer,
        tape: &mut Choices,
        at: usize,
        to: usize,
        datagram: u32,
        lossy: &mut [bool; NODES],
    ) {
        if !setup.bound.is_between(at, to) {
            self.flying.push(Flying { to: to as u8, wait: 1, datagram });
            return;
        }
        let left = self.core.left;
        let can_lose = lossy[to] || left.has(Kind::Loss);
        let ways = [
            (Kind::Loss, u8::from(can_lose)),
            (Kind::Duplicate, u8::from(left.has(Kind::Duplicate))),
            (Kind::Delay, if left.has(Kind::Delay) { setup.failure_time() } else { 0 }),
        ];
        let mut fate = tape.choose(1 + ways.iter().map(|(_, ways)| ways).sum::<u8>());
        let mut chosen = None;
        for (kind, ways) in ways {
            if fate > 0 && fate <= ways {
                chosen = Some((kind, fate));
                break;
            }
            fate -= ways.min(fate);
        }
        if let Some((kind, _)) = chosen
            && !(kind == Kind::Loss && core::mem::replace(&mut lossy[to], true))
        {
            self.core.left.spend(kind);
        }
        let mut fly = |wait| self.flying.push(Flying { to: to as u8, wait: 1 + wait, datagram });
        let what = match chosen {
            Some((Kind::Loss, _)) => "is lost".into(),
            Some((Kind::Duplicate, _)) => {
                fly(0);
                fly(1);
                "comes twice".into()
            }
            Some((_, steps)) => {
                fly(steps);
                format!("is late by {steps}")
            }
            None => {
                fly(0);
                return;
            }
        };
        self.note(at, || {
            let message = &layer.datagram(datagram).message;
            format!("! its {} to {} {what}", message.kind(), node(to))
        });
    }

    fn note(&mut self, at: usize, text: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push((at, text()));
        }
    }
}
