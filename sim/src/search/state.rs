//! One state of the search: two role machines, what is on its way between them, and what the adversary may
//! still do.

use super::Setup;
use super::bound::{Kind, Left};
use super::hash::Wide;
use super::machine::{
    Boot, Common, Consequence, Effect, Happening, Layer, Memory, OFF, Platform, Told, seed,
};
use super::tape::Tape;
use super::watch::{Broken, Watch};
use arrayvec::ArrayVec;
use core::hash::Hash as _;

/// The most heartbeats on their way at a time, and the most former starts of a unit.
const MAX_FLYING: usize = 32;
const MAX_FORMER: usize = 3;

/// A heartbeat has arrived, but its receiver pauses.
const ARRIVED: u8 = 0;

/// A heartbeat on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flying {
    to: u8,
    path: u8,
    /// One more than the steps until it arrives; or [`ARRIVED`].
    wait: u8,
    heartbeat: u32,
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    /// [`OFF`]: it is off.
    machine: u32,
    /// It has its power, and so many steps until it starts.
    boots_in: Option<u8>,
    starts: u8,
    weight: u16,
    is_cut_off: bool,
    in_maintenance: bool,
    platform: Platform,
    /// Steps for which it does nothing yet.
    paused: u8,
    /// Its former starts of which anybody can still hear, and the numbers of their last heartbeats.
    former: [(u8, u32); MAX_FORMER],
}

/// A state, but for what is on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Core {
    units: [Unit; 2],
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
    core: Core,
    flying: ArrayVec<Flying, MAX_FLYING>,
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
        let flying = self.flying.iter().copied().collect();
        State { core: self.core, flying, notes: None }
    }

    pub(super) fn left(&self) -> Left {
        self.core.left
    }
}

impl State {
    /// Both units are off, and get their power so many steps from now.
    pub(super) fn new(setup: &Setup, left: Left, boots_in: [u8; 2]) -> Self {
        let units = boots_in.map(|boots_in| Unit {
            machine: OFF,
            boots_in: Some(boots_in),
            starts: 0,
            weight: setup.bound.equal_faults.into(),
            is_cut_off: false,
            in_maintenance: false,
            platform: Platform::Works,
            paused: 0,
            former: [(0, 0); MAX_FORMER],
        });
        let core = Core { units, left, watch: Watch::new(setup.limits) };
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

    fn unit(&mut self, unit: usize) -> &mut Unit {
        &mut self.core.units[unit]
    }

    /// The adversary does something that it has left.
    fn spend(&mut self, kind: Kind) {
        self.core.left.spend(kind);
        self.core.watch.disturbed();
    }

    /// One step of time, with the adversary's choices from the tape. The Primary acts first: what it says
    /// can arrive within the same step.
    pub(super) fn step(&mut self, stage: &mut Stage<'_>, tape: &mut Tape) -> Result<(), Broken> {
        let setup = stage.setup;
        for unit in [0, 1] {
            self.disturb(stage, tape, unit)?;
            let arrived = self.arrive(unit);
            if self.core.units[unit].paused > 0 {
                self.unit(unit).paused -= 1;
                for flying in arrived {
                    self.flying.push(Flying { wait: ARRIVED, ..flying });
                }
                continue;
            }
            for Flying { path, heartbeat, .. } in arrived {
                self.happens(stage, tape, unit, Happening::Heartbeat { path, heartbeat })?;
            }
            self.happens(stage, tape, unit, Happening::Time)?;
            self.core.watch.rests(unit, setup.limits)?;
        }
        for flying in self.flying.iter_mut().filter(|flying| flying.wait > 1) {
            flying.wait -= 1;
        }
        // What does not arrive at the same unit at the same time may have any order.
        self.flying.sort_by_key(|flying| (flying.to, flying.wait));
        let with_losses = setup.is_lossy(self.core.left);
        self.core.watch.step(setup.limits, with_losses)
    }

    /// Takes what arrives at a unit in this step, in that order, from what is on its way.
    fn arrive(&mut self, unit: usize) -> ArrayVec<Flying, MAX_FLYING> {
        let mut arrived = ArrayVec::<_, MAX_FLYING>::new();
        self.flying.retain(|flying| {
            let is_here = usize::from(flying.to) == unit && flying.wait <= 1;
            if is_here {
                arrived.push(*flying);
            }
            !is_here
        });
        // What waits since its receiver pauses was there before.
        arrived.sort_by_key(|flying| flying.wait);
        arrived
    }

    /// What the adversary does to a unit.
    fn disturb(
        &mut self,
        stage: &mut Stage<'_>,
        tape: &mut Tape,
        unit: usize,
    ) -> Result<(), Broken> {
        let Unit { machine, boots_in, starts, paused, platform, .. } = self.core.units[unit];
        let is_off = machine == OFF;
        match boots_in {
            Some(0) => return self.start(stage, tape, unit),
            Some(steps) => {
                self.unit(unit).boots_in = Some(steps - 1);
                return Ok(());
            }
            // A crashed unit may start again at any time, or never.
            None if is_off && starts > 0 && tape.choose(2) == 1 => {
                return self.start(stage, tape, unit);
            }
            None if is_off || paused > 0 => return Ok(()),
            None => {}
        }
        let setup = stage.setup;
        let left = self.core.left;
        let fault = if unit == 0 { Kind::FaultA } else { Kind::FaultB };
        let has = |kind: Kind| {
            let (is_cut_off, in_maintenance) =
                (self.core.units[unit].is_cut_off, self.core.units[unit].in_maintenance);
            left.has(kind)
                && match kind {
                    Kind::Cut => !is_cut_off,
                    Kind::Maintenance => !in_maintenance,
                    Kind::Failure => platform == Platform::Works,
                    _ => true,
                }
        };
        let all = [
            (Kind::Crash, 1),
            (Kind::Order, 1),
            (fault, 1),
            (Kind::Demotion, 1),
            (Kind::Maintenance, 1),
            (Kind::Cut, 1),
            (Kind::Failure, 2),
            (Kind::Pause, setup.longest_pause),
        ];
        let ways = all.map(|(kind, ways)| (kind, if has(kind) { ways } else { 0 }));
        let mut chosen = tape.choose(1 + ways.iter().map(|(_, ways)| ways).sum::<u8>());
        if chosen == 0 {
            return Ok(());
        }
        for (kind, ways) in ways {
            if chosen <= ways {
                self.spend(kind);
                return self.hurt(stage, tape, unit, kind, chosen);
            }
            chosen -= ways;
        }
        Ok(())
    }

    fn hurt(
        &mut self,
        stage: &mut Stage<'_>,
        tape: &mut Tape,
        unit: usize,
        kind: Kind,
        how: u8,
    ) -> Result<(), Broken> {
        match kind {
            Kind::Crash => self.crash(stage, unit),
            Kind::Pause => {
                self.unit(unit).paused = how;
                self.note(unit, || format!("! pauses for {:?}", stage.setup.step * u32::from(how)));
            }
            Kind::Order => {
                // Of a Standby that it takes, of an Active that it has its peer take.
                let holds = self.core.watch.holds(unit);
                let told = if holds { Told::FailOver } else { Told::TakeOver };
                return self.happens(stage, tape, unit, Happening::Told(told));
            }
            Kind::FaultA | Kind::FaultB => {
                self.unit(unit).weight -= 1;
                let weight = self.core.units[unit].weight;
                self.core.watch.told(unit, |told| told.weight = weight);
                return self.happens(stage, tape, unit, Happening::Told(Told::Weight(weight)));
            }
            Kind::Demotion => {
                self.core.watch.told(unit, |told| told.is_demoted = true);
                return self.happens(stage, tape, unit, Happening::Told(Told::Demote));
            }
            Kind::Maintenance => {
                return self.happens(stage, tape, unit, Happening::Told(Told::Maintenance));
            }
            Kind::Cut => {
                self.unit(unit).is_cut_off = true;
                self.core.watch.cut_off(unit);
                return self.happens(stage, tape, unit, Happening::Told(Told::CutOff));
            }
            Kind::Failure => {
                let (platform, what) = match how {
                    1 => (Platform::FailsToTake, "take"),
                    _ => (Platform::FailsToWithdraw, "withdrawal"),
                };
                self.unit(unit).platform = platform;
                self.note(unit, || format!("! its next {what} will fail"));
            }
            Kind::Loss | Kind::Duplicate | Kind::Delay | Kind::Link | Kind::Ranks | Kind::Slow => {}
        }
        Ok(())
    }

    fn crash(&mut self, stage: &Stage<'_>, unit: usize) {
        self.note(unit, || "! crashes".into());
        let it = &mut self.core.units[unit];
        if let Some(machine) = stage.layer.machine(it.machine) {
            let last = u32::try_from(machine.last_number).expect("few heartbeats");
            let free = it.former.iter_mut().find(|(start, _)| *start == 0);
            *free.expect("there are few crashes") = (it.starts, last);
        }
        it.machine = OFF;
        it.platform = Platform::Works;
        self.flying.retain(|flying| usize::from(flying.to) != unit || flying.wait != ARRIVED);
        self.core.watch.crashes(unit, stage.setup.limits);
    }

    fn start(&mut self, stage: &mut Stage<'_>, tape: &mut Tape, unit: usize) -> Result<(), Broken> {
        self.note(unit, || "! starts".into());
        let it = self.unit(unit);
        it.boots_in = None;
        it.starts += 1;
        let Unit { starts: start, weight, in_maintenance, is_cut_off, .. } = *it;
        let barred = [is_cut_off, in_maintenance];
        self.core.watch.starts(unit, weight, barred, stage.setup.limits);
        let boot = Boot { unit: unit as u8, start, weight, in_maintenance, is_cut_off };
        self.happens(stage, tape, unit, Happening::Boot(boot))
    }

    /// Something happens to a unit, which does what follows from that.
    fn happens(
        &mut self,
        stage: &mut Stage<'_>,
        tape: &mut Tape,
        unit: usize,
        happening: Happening,
    ) -> Result<(), Broken> {
        let Unit { machine, platform, .. } = self.core.units[unit];
        if machine == OFF && !matches!(happening, Happening::Boot(_)) {
            return Ok(());
        }
        let Stage { setup, layer, memory } = stage;
        let limits = setup.limits;
        let consequence = memory.follow(setup, layer, machine, platform, happening);
        if !consequence.is_idle {
            self.core.watch.wakes(unit, limits);
        }
        match happening {
            Happening::Heartbeat { path, heartbeat } if consequence.is_accepted => {
                self.core.watch.hears(unit, path, layer.heartbeat(heartbeat), limits)?;
            }
            Happening::Told(told) => {
                self.note(unit, || match consequence.refusal {
                    None => format!("! is told {:?}", told.input()),
                    Some(refusal) => {
                        format!("! is told {:?}, and refuses: {refusal}", told.input())
                    }
                });
            }
            _ => {}
        }
        let Consequence { machine, platform, effects, .. } = consequence;
        self.unit(unit).machine = *machine;
        self.unit(unit).platform = *platform;
        for effect in effects {
            match effect {
                Effect::Sends { path, heartbeat } => {
                    self.send(setup, layer, tape, unit, *path, *heartbeat)?;
                }
                Effect::Acts { action, why, is_done } => {
                    let failed = if *is_done { "" } else { ", which fails" };
                    self.note(unit, || format!("> {}{failed}", action.name()));
                    self.unit(unit).in_maintenance |= action.name() == "Persist";
                    self.core.watch.acts(unit, action, *why, *is_done, limits)?;
                }
                Effect::Tells(event) => {
                    self.note(unit, || format!("  {event:?}"));
                    self.core.watch.tells(unit, event, limits)?;
                }
            }
        }
        Ok(())
    }

    fn send(
        &mut self,
        setup: &Setup,
        layer: &Layer,
        tape: &mut Tape,
        unit: usize,
        path: u8,
        heartbeat: u32,
    ) -> Result<(), Broken> {
        let said = layer.heartbeat(heartbeat);
        self.core.watch.sends(unit, said, setup.limits)?;
        let left = self.core.left;
        let to = 1 - unit as u8;
        let ways = [(Kind::Loss, 1), (Kind::Duplicate, 1), (Kind::Delay, setup.longest_delay)]
            .map(|(kind, ways)| (kind, if left.has(kind) { ways } else { 0 }));
        let mut fate = tape.choose(1 + ways.iter().map(|(_, ways)| ways).sum::<u8>());
        let mut chosen = None;
        for (kind, ways) in ways {
            if fate > 0 && fate <= ways {
                chosen = Some((kind, fate));
                break;
            }
            fate -= ways.min(fate);
        }
        let mut fly = |wait| {
            self.flying.push(Flying { to, path, wait: 1 + setup.flight + wait, heartbeat });
        };
        let what = match chosen {
            Some((Kind::Loss, _)) => ", which is lost",
            Some((Kind::Duplicate, _)) => {
                fly(0);
                fly(1);
                ", which comes twice"
            }
            Some((_, steps)) => {
                fly(steps);
                ", which is late"
            }
            None => {
                fly(0);
                ""
            }
        };
        if let Some((kind, _)) = chosen {
            self.spend(kind);
        }
        self.note(unit, || {
            let on_path =
                if setup.bound.paths > 1 { format!(" on path {path}") } else { String::new() };
            let number = said.id.number;
            format!("- says {:?} ({number}){on_path}{what}", said.stance)
        });
        Ok(())
    }

    fn note(&mut self, unit: usize, what: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push((unit, what()));
        }
    }

    /// A number that stands for all that the future of this state depends on, whatever time it is. Forgets
    /// what it does not depend on.
    pub(super) fn fingerprint(&mut self, stage: &mut Stage<'_>) -> u128 {
        let Stage { setup, layer, memory } = stage;
        self.forget_starts(layer);
        let (starts, questions) = (self.starts(layer), self.questions(layer));
        let common = Common::new(&starts, &questions, self.term(layer));
        let mut hasher = Wide::new();
        self.core.watch.fingerprint(common, &mut hasher);
        for unit in [0, 1] {
            let oldest = self.oldest_echo(layer, unit);
            let it = self.unit(unit);
            let Unit { boots_in, weight, is_cut_off, in_maintenance, platform, paused, .. } = *it;
            let (fingerprint, machine) = memory.relative(setup, layer, it.machine, common, oldest);
            it.machine = machine;
            (boots_in, weight, is_cut_off, in_maintenance).hash(&mut hasher);
            (platform, paused, fingerprint).hash(&mut hasher);
        }
        for Flying { to, path, wait, heartbeat } in &self.flying {
            (to, path, wait).hash(&mut hasher);
            memory.relative_heartbeat(layer, *heartbeat, common).hash(&mut hasher);
        }
        hasher.finish_wide()
    }

    /// Former starts of which nothing is on its way, and which the peer does not know, will never be heard of
    /// again.
    fn forget_starts(&mut self, layer: &Layer) {
        for unit in [0, 1] {
            let former = self.core.units[unit].former;
            if former[0].0 == 0 {
                continue;
            }
            let peer = layer.machine(self.core.units[1 - unit].machine);
            let kept = former.into_iter().filter(|(start, _)| {
                let start = seed(unit, *start);
                let is_heard = self.flying.iter().any(|flying| {
                    let it = layer.heartbeat(flying.heartbeat);
                    it.id.start == start || it.echo.is_some_and(|echo| echo.start == start)
                });
                is_heard || peer.is_some_and(|peer| peer.oldest_echo(start).is_some())
            });
            let mut still = [(0, 0); MAX_FORMER];
            for (slot, former) in still.iter_mut().zip(kept.filter(|(start, _)| *start > 0)) {
                *slot = former;
            }
            self.core.units[unit].former = still;
        }
    }

    /// Every start of a unit that anybody can still hear of, and the number of its last heartbeat: the present
    /// ones, then the former ones. A unit that is off keeps its place.
    fn starts(&self, layer: &Layer) -> ArrayVec<(u64, u64), { 2 + 2 * MAX_FORMER }> {
        let units = &self.core.units;
        let present = units.iter().map(|unit| {
            let machine = layer.machine(unit.machine);
            machine.map_or((0, 0), |machine| (machine.start, machine.last_number))
        });
        let former = units.iter().enumerate().flat_map(|(unit, it)| {
            let known = it.former.iter().filter(|(start, _)| *start > 0);
            known.map(move |(start, last)| (seed(unit, *start), u64::from(*last)))
        });
        present.chain(former).collect()
    }

    /// The questions that are asked: of both units, and on their way.
    fn questions(&self, layer: &Layer) -> ArrayVec<u64, { 2 + MAX_FLYING }> {
        let present = self
            .core
            .units
            .iter()
            .map(|unit| layer.machine(unit.machine).map_or(0, |machine| machine.question));
        let mut all: ArrayVec<u64, { 2 + MAX_FLYING }> = present.collect();
        for flying in &self.flying {
            let ask = layer.heartbeat(flying.heartbeat).ask;
            if ask != 0 && !all.contains(&ask) {
                all.push(ask);
            }
        }
        all
    }

    /// What terms are relative to: the lower one of both units, unless a unit can still start. That begins at
    /// 0, so how far the other one is above that matters.
    fn term(&self, layer: &Layer) -> u64 {
        let mut machines = self.core.units.iter().map(|unit| layer.machine(unit.machine));
        if self.core.left.has(Kind::Crash) {
            return 0;
        }
        machines.try_fold(u64::MAX, |term, it| Some(term.min(it?.term))).unwrap_or(0)
    }

    /// The lowest number of a heartbeat of this unit that its peer can echo, or that is echoed already, or
    /// will be once it has arrived.
    fn oldest_echo(&self, layer: &Layer, unit: usize) -> u64 {
        let [it, peer] = [unit, 1 - unit].map(|unit| layer.machine(self.core.units[unit].machine));
        let Some(start) = it.map(|it| it.start) else { return u64::MAX };
        let known = peer.and_then(|peer| peer.oldest_echo(start));
        let ids = self.flying.iter().flat_map(|flying| {
            let it = layer.heartbeat(flying.heartbeat);
            [Some(it.id), it.echo]
        });
        let ids = ids.flatten().filter(|id| id.start == start).map(|id| id.number);
        ids.chain(known).min().unwrap_or(u64::MAX)
    }
}
