//! The machines of a search: each is kept once, and what follows from each act of it is worked out once in a step, by the
//! machine itself, with real datagrams.

use super::act::{Act, Effect, follow};
use super::setup::{GROUPS, INTERVAL, NODES, Setup, member, which};
use crate::search::hash::{Map, Wide};
use crate::search::store::Store;
use ha_core::time::Instant;
use svrrp::GroupNumber;
use svrrp::cluster::{ClusterUnit, Frame, Names, Start};
use svrrp::wire::{DatagramId, GroupStance, Message};

/// Stands for a node that is off.
pub(super) const OFF: u32 = u32::MAX;
/// Numbers from here on are of machines that one thread has within a step: see [`Memory::machine`].
const RAW: u32 = 1 << 31;

/// A machine, and what of it a state looks at.
pub(super) struct Machine {
    /// In a box, since it is large, and goes from hand to hand.
    pub(super) unit: Box<ClusterUnit>,
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
    fn new(unit: Box<ClusterUnit>) -> Self {
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
pub(super) type Questions = [u64; svrrp::identity::MAX_GROUPS];

/// A datagram as it was sent.
pub(super) struct Datagram {
    pub(super) bytes: Box<[u8]>,
    pub(super) message: Message,
}

impl Datagram {
    pub(super) fn sender(&self) -> usize {
        self.message.header().sender.node.index()
    }

    /// It releases the group in answer to this question.
    pub(super) fn releases(&self, group: usize, question: u64) -> bool {
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
    before: Store<Machine>,
    after: Store<Machine>,
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
        self.after.get(number).or_else(|| self.before.get(number))
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

    fn keep(&self, unit: Box<ClusterUnit>) -> u32 {
        self.after.put(self.absolute(&unit), || Machine::new(unit))
    }

    pub(super) fn send(&self, bytes: &[u8]) -> u32 {
        self.datagrams.put(Wide::of(&bytes), || Datagram {
            bytes: bytes.into(),
            message: Message::parse(bytes).expect("what a unit sends is a message"),
        })
    }
}

/// What fingerprints are relative to: what is common to all nodes, and a short form of it.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    starts: &'a [Start],
    questions: &'a [u64],
    fingerprint: u128,
}

impl<'a> Common<'a> {
    pub(super) fn new(starts: &'a [Start], questions: &'a [u64]) -> Self {
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
    /// The machines without what was said before a number of theirs.
    short: Map<(u32, u64), u32>,
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

    fn keep(&mut self, layer: &Layer, unit: Box<ClusterUnit>) -> u32 {
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
        // What its own words ask for is in its fingerprint already.
        let asked_by_itself = it.unit.lowest_echo(common.starts).unwrap_or(u64::MAX);
        let short = self.shorten(layer, machine, oldest_echo.min(asked_by_itself));
        let relative = (hasher.finish_wide(), short);
        self.relative.insert(key, relative);
        relative
    }

    /// The machine without what nobody will ask for.
    fn shorten(&mut self, layer: &Layer, machine: u32, oldest_echo: u64) -> u32 {
        if let Some(known) = self.short.get(&(machine, oldest_echo)) {
            return *known;
        }
        let mut unit = self.machine(layer, machine).expect("it is not off").unit.clone();
        unit.forget_before(oldest_echo);
        let short = layer.keep(unit);
        self.short.insert((machine, oldest_echo), short);
        short
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
