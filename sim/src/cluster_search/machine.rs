//! The machines of a search: each is kept once, and what follows from each act of it is worked out once in a step, by the
//! machine itself, with real datagrams.

use super::setup::{Boot, GROUPS, INTERVAL, NODES, Setup, link, member, other_ranks, which};
use crate::search::hash::{Map, Wide};
use crate::search::store::Store;
use arrayvec::ArrayVec;
use ha_core::identity::PathId;
use ha_core::machine::{ActionError, Channel, Machine as _, Origin, Output};
use ha_core::time::Instant;
use svrrp::cluster::{ClusterUnit, Event, Frame, Input, Names, Why};
use svrrp::election::Stance;
use svrrp::virtual_address::{Duty, GroupAction};
use svrrp::wire::{DatagramId, GroupStance, MAX_DATAGRAM_LEN, Message};
use svrrp::{GroupNumber, Member};

/// Stands for a node that is off.
pub(super) const OFF: u32 = u32::MAX;
/// Numbers from here on are of machines that one thread has within a step: see [`Memory::machine`].
const RAW: u32 = 1 << 31;
/// The most datagrams that arrive at a node in one step.
pub(super) const MAX_ARRIVALS: usize = 32;

/// A machine, and what of it a state looks at.
pub(super) struct Machine {
    unit: ClusterUnit,
    pub(super) start: u64,
    pub(super) last_number: u64,
    pub(super) questions: [u64; GROUPS],
    pub(super) echoes: [[Option<DatagramId>; 2]; NODES],
    /// An action that the platform has not answered yet.
    pub(super) is_open: bool,
    /// Which ranks are in force.
    pub(super) ranks: u8,
}

impl Machine {
    fn new(unit: ClusterUnit) -> Self {
        let [one, two, ..] = unit.questions();
        let is_open = unit.running().next().is_some();
        Self {
            start: unit.start(),
            last_number: unit.last_number(),
            questions: [one, two],
            echoes: core::array::from_fn(|at| unit.echoes(member(at))),
            is_open,
            ranks: which(unit.status().version),
            unit,
        }
    }
}

/// The nonces of the questions that a unit asks, by group.
type Questions = [u64; svrrp::identity::MAX_GROUPS];

/// A datagram as it was sent.
pub(super) struct Datagram {
    bytes: Box<[u8]>,
    pub(super) message: Message,
}

impl Datagram {
    pub(super) fn sender(&self) -> usize {
        self.message.header().sender.node.index()
    }

    /// It releases the group in answer to this question.
    fn releases(&self, group: usize, question: u64) -> bool {
        let group = GroupNumber::ALL[group];
        let nonce = match &self.message {
            Message::Release(it) if it.group == group => it.nonce,
            Message::Advertisement(it) => {
                match it.content.as_ref().and_then(|it| it.groups.get(group)).map(|it| it.stance) {
                    Some(GroupStance::Released { nonce, .. }) => Some(nonce),
                    _ => None,
                }
            }
            _ => None,
        };
        nonce.is_some_and(|nonce| nonce.get() == question)
    }
}

/// What an embedder tells its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Link(bool),
    Ranks,
}

impl Told {
    fn input(self) -> Input {
        match self {
            Self::Link(up) => link(up),
            Self::Ranks => other_ranks(),
        }
    }
}

/// What becomes of the first decisive action of an act; all others are carried out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Platform {
    Works,
    /// It is answered in the next step.
    Slow,
    Fails,
}

/// All that happens to a node in its turn of a step, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Act {
    pub(super) machine: u32,
    /// It starts.
    pub(super) boot: Option<Boot>,
    /// The actions that are open are done.
    pub(super) answers: bool,
    pub(super) told: Option<Told>,
    pub(super) arrived: ArrayVec<u32, MAX_ARRIVALS>,
    pub(super) platform: Platform,
}

/// What a node does in its turn, in that order.
pub(super) enum Effect {
    /// A datagram was taken in.
    Hears {
        datagram: u32,
    },
    /// It begins to take a group, for this reason; a datagram of `by` moved it to that, which releases the group in
    /// answer to what it asked, or does not.
    Begins {
        group: usize,
        by: Option<usize>,
        is_answer: bool,
        why: Why,
    },
    /// From now on it holds addresses of the group; from now on it does not any more.
    Takes {
        group: usize,
    },
    Gone {
        group: usize,
    },
    Sends {
        to: usize,
        datagram: u32,
    },
    /// It asks for a group: with a question that is new in this turn.
    Asks {
        group: usize,
    },
    /// It does not ask for a group.
    AsksNothing {
        group: usize,
    },
    /// For a person.
    Acts {
        action: Duty,
        group: GroupNumber,
        how: Platform,
    },
    Tells(Event),
}

/// What follows from an act.
pub(super) struct Consequence {
    pub(super) machine: u32,
    pub(super) effects: Vec<Effect>,
    /// The platform was asked for something that can be slow, or fail.
    pub(super) is_decisive: bool,
}

/// All that is the same for the states of a step: the time, and the machines that they are made of.
pub(super) struct Layer {
    pub(super) now: Instant,
    datagrams: Store<Datagram>,
    /// The machines as they were, and as they are after the step.
    before: Store<Box<Machine>>,
    after: Store<Box<Machine>>,
}

impl Layer {
    pub(super) fn new(now: Instant) -> Self {
        Self { now, datagrams: Store::new(0), before: Store::new(0), after: Store::new(0) }
    }

    /// A step is over.
    pub(super) fn next(self) -> Self {
        let after = Store::new(self.after.end());
        Self { now: self.now + INTERVAL, before: self.after, after, ..self }
    }

    pub(super) fn machine(&self, number: u32) -> Option<&Machine> {
        if number == OFF {
            return None;
        }
        self.after.get(number).or_else(|| self.before.get(number)).map(|it| &**it)
    }

    pub(super) fn datagram(&self, number: u32) -> &Datagram {
        self.datagrams.get(number).expect("who has its number has put it there")
    }

    /// Says whether two machines are the same now.
    fn absolute(&self, unit: &ClusterUnit) -> u128 {
        let mut hasher = Wide::new();
        unit.fingerprint(&Frame { now: self.now, names: None }, &mut hasher);
        hasher.finish_wide()
    }

    fn keep(&self, unit: ClusterUnit) -> u32 {
        self.after.put(self.absolute(&unit), || Box::new(Machine::new(unit)))
    }

    fn send(&self, bytes: &[u8]) -> u32 {
        self.datagrams.put(Wide::of(&bytes), || Datagram {
            bytes: bytes.into(),
            message: Message::parse(bytes).expect("what a unit sends is a message"),
        })
    }
}

/// What fingerprints are relative to: what is common to all nodes, and a short form of it.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    starts: &'a [(u64, u64)],
    questions: &'a [u64],
    fingerprint: u128,
}

impl<'a> Common<'a> {
    pub(super) fn new(starts: &'a [(u64, u64)], questions: &'a [u64]) -> Self {
        Self { starts, questions, fingerprint: Wide::of(&(starts, questions)) }
    }

    fn frame(&self, now: Instant, oldest_echo: u64) -> Frame<'a> {
        let Self { starts, questions, .. } = *self;
        Frame { now, names: Some(Names { starts, questions, oldest_echo }) }
    }
}

/// What one thread has worked out in a step.
#[derive(Default)]
pub(super) struct Memory {
    acts: Map<Act, usize>,
    consequences: Vec<Consequence>,
    /// The machines as they are after their act: each once.
    raw: Vec<Machine>,
    known: Map<u128, u32>,
    relative: Map<(u32, u64, u128), (u128, u32)>,
    datagrams: Map<(u32, u8, u128), u128>,
}

impl Memory {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The machine of this number: one of a state, or as it is after its act in this step.
    pub(super) fn machine<'a>(&'a self, layer: &'a Layer, number: u32) -> Option<&'a Machine> {
        if number == OFF {
            return None;
        }
        match number.checked_sub(RAW) {
            Some(at) => self.raw.get(at as usize),
            None => layer.machine(number),
        }
    }

    fn keep(&mut self, layer: &Layer, unit: ClusterUnit) -> u32 {
        let fresh = RAW + u32::try_from(self.raw.len()).expect("memory is not that large");
        let number = *self.known.entry(layer.absolute(&unit)).or_insert(fresh);
        if number == fresh {
            self.raw.push(Machine::new(unit));
        }
        number
    }

    /// What follows from an act.
    pub(super) fn follow(&mut self, setup: &Setup, layer: &Layer, act: &Act) -> &Consequence {
        let at = match self.acts.get(act) {
            Some(at) => *at,
            None => {
                let (unit, effects, is_decisive) = follow(setup, layer, act);
                let machine = self.keep(layer, unit);
                self.consequences.push(Consequence { machine, effects, is_decisive });
                let at = self.consequences.len() - 1;
                self.acts.insert(act.clone(), at);
                at
            }
        };
        &self.consequences[at]
    }

    /// The fingerprint of a machine for a search, and the machine without what nobody will ask for.
    pub(super) fn relative(
        &mut self,
        layer: &Layer,
        machine: u32,
        common: Common<'_>,
        oldest_echo: u64,
    ) -> (u128, u32) {
        let key = (machine, oldest_echo, common.fingerprint);
        if let Some(known) = self.relative.get(&key) {
            return *known;
        }
        let Some(it) = self.machine(layer, machine) else { return (0, OFF) };
        let mut hasher = Wide::new();
        it.unit.fingerprint(&common.frame(layer.now, oldest_echo), &mut hasher);
        let mut unit = it.unit.clone();
        unit.forget_before(oldest_echo);
        let relative = (hasher.finish_wide(), layer.keep(unit));
        self.relative.insert(key, relative);
        relative
    }

    /// The fingerprint of a datagram on its way, for a search.
    pub(super) fn relative_datagram(
        &mut self,
        layer: &Layer,
        datagram: u32,
        to: usize,
        common: Common<'_>,
    ) -> u128 {
        *self.datagrams.entry((datagram, to as u8, common.fingerprint)).or_insert_with(|| {
            let mut hasher = Wide::new();
            let message = &layer.datagram(datagram).message;
            message.fingerprint(member(to), &common.frame(layer.now, 0), &mut hasher);
            hasher.finish_wide()
        })
    }
}

/// Carries an act out, and notes what can be seen of it.
struct Stage<'a> {
    layer: &'a Layer,
    unit: ClusterUnit,
    stances: [Stance; GROUPS],
    effects: Vec<Effect>,
}

fn follow(setup: &Setup, layer: &Layer, act: &Act) -> (ClusterUnit, Vec<Effect>, bool) {
    let now = layer.now;
    let unit = match act.boot {
        Some(boot) => setup.start(now, boot),
        None => layer.machine(act.machine).expect("it is not off").unit.clone(),
    };
    let (stances, asked) = (stances(&unit), unit.questions());
    let mut stage = Stage { layer, unit, stances, effects: Vec::new() };
    if act.answers {
        stage.answer_open(now);
    }
    if let Some(told) = act.told {
        stage.unit.handle_input(now, told.input()).expect("nothing is wrong with it");
        stage.note(None);
    }
    for number in &act.arrived {
        let datagram = layer.datagram(*number);
        let peer = member(datagram.sender()).unit_id();
        let asked = stage.unit.questions();
        let from = Origin { peer, path: PathId(0), channel: Channel::Svrrp };
        if stage.unit.handle_datagram(now, from, &datagram.bytes).is_ok() {
            stage.effects.push(Effect::Hears { datagram: *number });
        }
        stage.note(Some((datagram, asked)));
    }
    stage.unit.handle_timeout(now);
    stage.note(None);
    let is_decisive = stage.drain(now, act.platform);
    stage.ask(asked);
    stage.explain();
    (stage.unit, stage.effects, is_decisive)
}

fn stances(unit: &ClusterUnit) -> [Stance; GROUPS] {
    let [one, two, ..] = GroupNumber::ALL;
    [one, two].map(|group| unit.stance(group))
}

impl Stage<'_> {
    /// Notes which groups it begins to take.
    fn note(&mut self, by: Option<(&Datagram, Questions)>) {
        let now = stances(&self.unit);
        for group in 0..GROUPS {
            if now[group] == Stance::Taking && self.stances[group] != Stance::Taking {
                let is_answer = by.is_some_and(|(it, asked)| it.releases(group, asked[group]));
                let by = by.map(|(it, _)| it.sender());
                // Why, it tells later.
                self.effects.push(Effect::Begins { group, by, is_answer, why: Why::Done });
            }
        }
        self.stances = now;
    }

    /// Notes what it asks, which is another question than `asked` if it is new.
    fn ask(&mut self, asked: Questions) {
        for (group, (now, before)) in self.unit.questions().into_iter().zip(asked).enumerate() {
            match now {
                _ if group >= GROUPS => {}
                0 => self.effects.push(Effect::AsksNothing { group }),
                _ if now != before => self.effects.push(Effect::Asks { group }),
                _ => {}
            }
        }
    }

    /// Adds to each take why it was begun.
    fn explain(&mut self) {
        let takes = self.effects.iter().filter_map(|effect| match effect {
            Effect::Tells(Event::Stance { group, to: Stance::Taking, why, .. }) => {
                Some((group.index(), *why))
            }
            _ => None,
        });
        let mut takes: Vec<_> = takes.collect();
        for effect in &mut self.effects {
            if let Effect::Begins { group, why, .. } = effect
                && let Some(at) = takes.iter().position(|(of, _)| of == group)
            {
                *why = takes.remove(at).1;
            }
        }
    }

    fn answer_open(&mut self, now: Instant) {
        let open: Vec<_> = self.unit.running().collect();
        for (group, id, duty) in open {
            if duty == Duty::WithdrawAddresses {
                self.effects.push(Effect::Gone { group: group.index() });
            }
            self.effects.push(Effect::Acts { action: duty, group, how: Platform::Works });
            self.unit.handle_done(now, id, Ok(()));
            self.note(None);
        }
    }

    /// Does all that the unit wants.
    fn drain(&mut self, now: Instant, mut platform: Platform) -> bool {
        let mut buf = [0; MAX_DATAGRAM_LEN];
        let mut any_decisive = false;
        while let Some(output) = self.unit.poll_output(now, &mut buf) {
            match output {
                Output::Transmit { to, len } => {
                    let to = Member::of_unit_id(to.peer).expect("a member").node.index();
                    let datagram = self.layer.send(&buf[..len]);
                    self.effects.push(Effect::Sends { to, datagram });
                }
                Output::Action { id, action } => {
                    let (duty, group) = duty(&action);
                    if self.unit.stance(group) == Stance::Taking {
                        self.effects.push(Effect::Takes { group: group.index() });
                    }
                    let is_decisive = matches!(duty, Duty::TakeAddresses | Duty::WithdrawAddresses);
                    any_decisive |= is_decisive;
                    let how = match is_decisive {
                        true => core::mem::replace(&mut platform, Platform::Works),
                        false => Platform::Works,
                    };
                    self.effects.push(Effect::Acts { action: duty, group, how });
                    let outcome = match how {
                        Platform::Works => Ok(()),
                        Platform::Fails => Err(ActionError::Failed),
                        Platform::Slow => continue,
                    };
                    if duty == Duty::WithdrawAddresses && outcome.is_ok() {
                        self.effects.push(Effect::Gone { group: group.index() });
                    }
                    self.unit.handle_done(now, id, outcome);
                    self.note(None);
                }
                Output::Event(event) => self.effects.push(Effect::Tells(event)),
            }
        }
        any_decisive
    }
}

fn duty(action: &GroupAction) -> (Duty, GroupNumber) {
    match action {
        GroupAction::RebuildConnections { group } => (Duty::RebuildConnections, *group),
        GroupAction::OpenForwarding { group } => (Duty::OpenForwarding, *group),
        GroupAction::TakeAddresses { group } => (Duty::TakeAddresses, *group),
        GroupAction::Announce { group, .. } => (Duty::Announce, *group),
        GroupAction::StopForwarding { group } => (Duty::StopForwarding, *group),
        GroupAction::WithdrawAddresses { group } => (Duty::WithdrawAddresses, *group),
    }
}
