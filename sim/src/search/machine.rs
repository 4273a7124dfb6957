//! The role machines of a search. The same machine is part of thousands of states, and the same thing happens
//! to it in most of them: so each machine is kept once, and what follows from each thing that happens to it is
//! worked out once. It is worked out by the machine itself, with real datagrams.

use super::Setup;
use super::hash::{Map, Wide};
use super::store::Store;
use core::hash::Hash as _;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{ActionError, Channel, Machine as _, Origin, Output};
use ha_core::pair::{
    Action, Demotion, Event, Frame, Heartbeat, HeartbeatId, Input, MAX_HEARTBEAT_LEN, Maintenance,
    MonitoredLinks, Pair, Refusal, Why,
};
use ha_core::time::Instant;

/// Stands for a unit that is off.
pub(super) const OFF: u32 = u32::MAX;

/// A machine, and what of it a state looks at.
pub(super) struct Machine {
    pair: Pair,
    pub(super) start: u64,
    pub(super) last_number: u64,
    pub(super) term: u64,
    /// What it asks; 0 for nothing.
    pub(super) question: u64,
    /// The lowest number that it can still echo, of each start that it can.
    echoes: [Option<HeartbeatId>; 2],
}

impl Machine {
    fn new(pair: Pair) -> Self {
        Self {
            start: pair.start(),
            last_number: pair.last_number(),
            term: pair.term(),
            question: pair.question(),
            echoes: pair.echoes(),
            pair,
        }
    }

    /// The lowest number of a heartbeat of this start of its peer that it can still echo.
    pub(super) fn oldest_echo(&self, start: u64) -> Option<u64> {
        let ids = self.echoes.into_iter().flatten();
        ids.filter(|id| id.start == start).map(|id| id.number).min()
    }
}

/// What an embedder tells its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Weight(u16),
    TakeOver,
    FailOver,
    Demote,
    Maintenance,
    CutOff,
}

impl Told {
    pub(super) fn input(self) -> Input {
        match self {
            Self::Weight(weight) => Input::HealthWeight(weight),
            Self::TakeOver => Input::TakeOver,
            Self::FailOver => Input::FailOver,
            Self::Demote => {
                let name = "search".parse().expect("a name");
                Input::Demote { demotion: Demotion { owner: name, reason: name }, lasts: None }
            }
            Self::Maintenance => Input::Maintenance(Maintenance::On { lasts: None }),
            Self::CutOff => Input::MonitoredLinks(MonitoredLinks { configured: 1, up: 0 }),
        }
    }
}

/// What does not work on a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Platform {
    #[default]
    Works,
    /// The next take fails, or the next withdrawal.
    FailsToTake,
    FailsToWithdraw,
}

impl Platform {
    fn carries_out(self, action: &Action) -> bool {
        !matches!(
            (self, action),
            (Self::FailsToTake, Action::OpenForwarding) | (Self::FailsToWithdraw, Action::Withdraw)
        )
    }
}

/// How a unit starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Boot {
    pub(super) unit: u8,
    /// Which start of the unit it is, from 1.
    pub(super) start: u8,
    pub(super) weight: u16,
    /// It went into maintenance before, and that was persisted.
    pub(super) in_maintenance: bool,
    pub(super) is_cut_off: bool,
}

/// The number that stands for a start of a unit, from 1, in heartbeats.
pub(super) fn seed(unit: usize, start: u8) -> u64 {
    u64::from(start) * 2 + unit as u64
}

/// Whose start has this number.
fn unit_of(start: u64) -> u8 {
    (start % 2) as u8
}

/// Something that happens to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Happening {
    /// Time has passed.
    Time,
    /// A heartbeat arrives.
    Heartbeat { path: u8, heartbeat: u32 },
    /// Its embedder tells it something.
    Told(Told),
    /// It starts.
    Boot(Boot),
}

/// What a unit does, in that order.
pub(super) enum Effect {
    Sends {
        path: u8,
        heartbeat: u32,
    },
    /// An action is carried out, for this reason, or fails.
    Acts {
        action: Action,
        why: Why,
        is_done: bool,
    },
    Tells(Event),
}

/// What follows from something that happens.
pub(super) struct Consequence {
    pub(super) machine: u32,
    /// It was taken in: a heartbeat, or what it was told.
    pub(super) is_accepted: bool,
    pub(super) refusal: Option<Refusal>,
    pub(super) effects: Vec<Effect>,
    pub(super) platform: Platform,
    /// Nothing was due.
    pub(super) is_idle: bool,
}

/// All that is the same for the states of a step: the time, and the machines that they are made of.
pub(super) struct Layer {
    pub(super) now: Instant,
    heartbeats: Store<Heartbeat>,
    /// The machines as they were, and as they are after the step.
    before: Store<Machine>,
    after: Store<Machine>,
}

impl Layer {
    pub(super) fn new(now: Instant) -> Self {
        let (heartbeats, before, after) = (Store::new(0), Store::new(0), Store::new(0));
        Self { now, heartbeats, before, after }
    }

    /// A step is over.
    pub(super) fn next(self, setup: &Setup) -> Self {
        let after = Store::new(self.after.end());
        Self { now: self.now + setup.step, before: self.after, after, ..self }
    }

    pub(super) fn machine(&self, number: u32) -> Option<&Machine> {
        if number == OFF {
            return None;
        }
        self.after.get(number).or_else(|| self.before.get(number))
    }

    pub(super) fn heartbeat(&self, number: u32) -> &Heartbeat {
        self.heartbeats.get(number).expect("who has its number has put it there")
    }

    fn keep(&self, setup: &Setup, pair: Pair) -> u32 {
        let mut hasher = Wide::new();
        // What it is a fingerprint of does not depend on what number stands for the start: but that is said.
        pair.start().hash(&mut hasher);
        pair.nonces().hash(&mut hasher);
        pair.fingerprint(&setup.absolute(self.now), &mut hasher);
        self.after.put(hasher.finish_wide(), || Machine::new(pair))
    }
}

/// What fingerprints of machines are relative to: what is common to both units, and a short form of it.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    starts: &'a [(u64, u64)],
    questions: &'a [u64],
    term: u64,
    fingerprint: u128,
}

impl<'a> Common<'a> {
    pub(super) fn new(starts: &'a [(u64, u64)], questions: &'a [u64], term: u64) -> Self {
        Self { starts, questions, term, fingerprint: Wide::of(&(starts, questions, term)) }
    }

    /// What stands for a question, whatever its nonce is.
    pub(super) fn question(&self, nonce: u64) -> Option<Option<usize>> {
        (nonce != 0).then(|| self.questions.iter().position(|known| *known == nonce))
    }

    fn frame(&self, now: Instant, oldest_echo: u64) -> Frame<'a> {
        let Self { starts, questions, term, .. } = *self;
        Frame { now, starts, term, oldest_echo, questions }
    }

    /// What stands for a start, whatever its number is.
    pub(super) fn place(&self, start: u64) -> Option<usize> {
        self.starts.iter().position(|(known, _)| *known == start)
    }

    /// How many heartbeats ago its sender sent this one; all the same for a start that nobody hears again.
    pub(super) fn age(&self, start: u64, number: u64) -> u64 {
        let known = self.starts.iter().find(|(known, _)| *known == start);
        known.map_or(0, |(_, last)| last.wrapping_sub(number))
    }
}

/// What one thread has worked out in a step.
#[derive(Default)]
pub(super) struct Memory {
    numbers: Map<(u32, Platform, Happening), usize>,
    consequences: Vec<Consequence>,
    /// Machines and heartbeats as they are relative to something.
    machines: Map<(u32, u64, u128), (u128, u32)>,
    heartbeats: Map<(u32, u128), u128>,
}

impl Memory {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What follows if this happens to this machine.
    pub(super) fn follow(
        &mut self,
        setup: &Setup,
        layer: &Layer,
        machine: u32,
        platform: Platform,
        happening: Happening,
    ) -> &Consequence {
        let fresh = self.consequences.len();
        let key = (machine, platform, happening);
        let at = *self.numbers.entry(key).or_insert(fresh);
        if at == fresh {
            self.consequences.push(follow(setup, layer, machine, platform, happening));
        }
        &self.consequences[at]
    }

    /// The fingerprint of a machine for a search, and the machine without what nobody will ask for.
    pub(super) fn relative(
        &mut self,
        setup: &Setup,
        layer: &Layer,
        machine: u32,
        common: Common<'_>,
        oldest_echo: u64,
    ) -> (u128, u32) {
        let key = (machine, oldest_echo, common.fingerprint);
        *self.machines.entry(key).or_insert_with(|| {
            let Some(it) = layer.machine(machine) else { return (0, OFF) };
            let mut hasher = Wide::new();
            let frame = common.frame(layer.now + setup.step, oldest_echo);
            it.pair.fingerprint(&frame, &mut hasher);
            let mut pair = it.pair.clone();
            pair.forget_before(oldest_echo);
            (hasher.finish_wide(), layer.keep(setup, pair))
        })
    }

    /// The fingerprint of a heartbeat for a search.
    pub(super) fn relative_heartbeat(
        &mut self,
        layer: &Layer,
        heartbeat: u32,
        common: Common<'_>,
    ) -> u128 {
        *self.heartbeats.entry((heartbeat, common.fingerprint)).or_insert_with(|| {
            let mut hasher = Wide::new();
            let frame = common.frame(layer.now, 0);
            layer.heartbeat(heartbeat).fingerprint(&frame, &mut hasher);
            hasher.finish_wide()
        })
    }
}

fn follow(
    setup: &Setup,
    layer: &Layer,
    machine: u32,
    mut platform: Platform,
    happening: Happening,
) -> Consequence {
    let now = layer.now;
    let before = layer.machine(machine).map(|machine| &machine.pair);
    let (mut is_accepted, mut refusal) = (true, None);
    let pair = match happening {
        Happening::Boot(boot) => Some(start(setup, now, boot)),
        Happening::Time => before.filter(|pair| is_due(pair, now)).cloned().map(|mut pair| {
            pair.handle_timeout(now);
            pair
        }),
        Happening::Told(told) => before.cloned().map(|mut pair| {
            refusal = pair.handle_input(now, told.input()).err();
            is_accepted = refusal.is_none();
            pair
        }),
        Happening::Heartbeat { path, heartbeat } => before.cloned().map(|mut pair| {
            let heartbeat = layer.heartbeat(heartbeat);
            let peer = UnitId(unit_of(heartbeat.id.start));
            let from = Origin { peer, path: PathId(path), channel: Channel::Pair };
            let mut buf = [0; MAX_HEARTBEAT_LEN];
            let len = heartbeat.emit(&mut buf).expect("it fits");
            is_accepted = pair.handle_datagram(now, from, &buf[..len]).is_ok();
            pair
        }),
    };
    let Some(mut pair) = pair else {
        let effects = Vec::new();
        let (is_accepted, is_idle) = (false, true);
        return Consequence { machine, is_accepted, refusal, effects, platform, is_idle };
    };
    let effects = drain(setup, layer, &mut pair, &mut platform);
    let (machine, is_idle) = (layer.keep(setup, pair), false);
    Consequence { machine, is_accepted, refusal, effects, platform, is_idle }
}

fn is_due(pair: &Pair, now: Instant) -> bool {
    pair.poll_timeout().is_some_and(|deadline| deadline.at <= now)
}

fn start(setup: &Setup, now: Instant, boot: Boot) -> Pair {
    let mut pair = Pair::new(setup.configure(boot), now);
    let cut_off = boot.is_cut_off.then_some(Told::CutOff);
    for told in [Some(Told::Weight(boot.weight)), cut_off].into_iter().flatten() {
        pair.handle_input(now, told.input()).expect("nothing is wrong with it");
    }
    pair
}

/// Does all that a unit wants: actions are carried out at once, or fail.
fn drain(setup: &Setup, layer: &Layer, pair: &mut Pair, platform: &mut Platform) -> Vec<Effect> {
    let now = layer.now;
    let mut effects = Vec::new();
    let mut buf = [0; MAX_HEARTBEAT_LEN];
    while let Some(output) = pair.poll_output(now, &mut buf) {
        effects.push(match output {
            Output::Transmit { to, len } => {
                let heartbeat =
                    Heartbeat::parse(&buf[..len]).expect("what a unit sends is a heartbeat");
                let mut hasher = Wide::new();
                (heartbeat.ask, heartbeat.release).hash(&mut hasher);
                heartbeat.fingerprint(&setup.absolute(now), &mut hasher);
                let heartbeat = layer.heartbeats.put(hasher.finish_wide(), || heartbeat);
                Effect::Sends { path: to.path.0, heartbeat }
            }
            Output::Action { id, action } => {
                let why = pair.decision().why;
                let is_done = platform.carries_out(&action);
                if !is_done {
                    *platform = Platform::Works;
                }
                pair.handle_done(now, id, if is_done { Ok(()) } else { Err(ActionError::Failed) });
                Effect::Acts { action, why, is_done }
            }
            Output::Event(event) => Effect::Tells(event),
        });
    }
    effects
}
