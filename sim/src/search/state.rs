//! One state of the search: two role machines, what is on its way between them, and what the adversary may
//! still do.

use super::tape::Tape;
use super::watch::{Broken, Limits, Watch};
use super::{Bound, Setup};
use crate::oracle::Rule;
use core::hash::{BuildHasher as _, Hash as _, Hasher};
use core::time::Duration;
use foldhash::quality::FixedState;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Machine as _, Origin, Output};
use ha_core::pair::{Event, Frame, Heartbeat, HeartbeatId, Input, MAX_HEARTBEAT_LEN, Pair};
use ha_core::time::Instant;

/// Far from the epoch, as the clock of a unit is.
const EPOCH: Instant = Instant::from_millis(1_000_000_000);

/// What the adversary may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Left {
    losses: u8,
    duplicates: u8,
    delays: u8,
    crashes: u8,
    pauses: u8,
    orders: u8,
    /// Of each unit.
    faults: [u8; 2],
}

impl Left {
    pub(super) fn new(bound: &Bound) -> Self {
        Self {
            losses: bound.losses,
            duplicates: bound.duplicates,
            delays: bound.delays,
            crashes: bound.crashes,
            pauses: bound.pauses,
            orders: bound.orders,
            faults: [bound.equal_faults; 2],
        }
    }

    /// At least as much as the other: whatever can follow from a state with that can follow with this.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.losses >= other.losses
            && self.duplicates >= other.duplicates
            && self.delays >= other.delays
            && self.crashes >= other.crashes
            && self.pauses >= other.pauses
            && self.orders >= other.orders
            && self.faults[0] >= other.faults[0]
            && self.faults[1] >= other.faults[1]
    }

    /// Not every heartbeat arrived in time.
    fn is_lossy(&self, bound: &Bound) -> bool {
        self.losses < bound.losses || self.delays < bound.delays
    }
}

/// A heartbeat on its way.
#[derive(Clone, Debug)]
struct Flying {
    to: usize,
    /// Steps until it arrives.
    wait: u8,
    heartbeat: Heartbeat,
}

#[derive(Clone, Debug)]
struct Unit {
    /// `None`: it is off.
    pair: Option<Pair>,
    starts: u64,
    /// Its former starts of which anybody can still hear, and the numbers of their last heartbeats.
    former: Vec<(u64, u64)>,
    weight: u16,
    /// Steps for which it does nothing yet.
    paused: u8,
    /// What arrived meanwhile.
    queue: Vec<Flying>,
}

/// A state.
#[derive(Clone, Debug)]
pub(super) struct State {
    step: u64,
    units: [Unit; 2],
    wire: Vec<Flying>,
    left: Left,
    pub(super) watch: Watch,
    /// Notes of the last step, if they are wanted.
    pub(super) notes: Option<Vec<(usize, String)>>,
}

impl State {
    /// Both units are off.
    pub(super) fn new(limits: Limits, left: Left, weight: u16) -> Self {
        let (former, queue) = (Vec::new(), Vec::new());
        let unit = Unit { pair: None, starts: 0, former, weight, paused: 0, queue };
        Self {
            step: 0,
            units: [unit.clone(), unit],
            wire: Vec::new(),
            left,
            watch: Watch::new(limits),
            notes: None,
        }
    }

    pub(super) fn left(&self) -> Left {
        self.left
    }

    pub(super) fn set_left(&mut self, left: Left) {
        self.left = left;
    }

    pub(super) fn now(&self, setup: &Setup) -> Instant {
        EPOCH + setup.step.saturating_mul(u32::try_from(self.step).unwrap_or(u32::MAX))
    }

    /// Since the start of the search.
    pub(super) fn elapsed(&self, setup: &Setup) -> Duration {
        self.now(setup).saturating_since(EPOCH)
    }

    /// One step of time, with the adversary's choices from the tape. The Primary acts first: what it says
    /// can arrive within the same step.
    pub(super) fn step(&mut self, setup: &Setup, tape: &mut Tape) -> Result<(), Broken> {
        for unit in [0, 1] {
            self.disturb(setup, tape, unit)?;
            self.arrive(setup, tape, unit)?;
            let paused = &mut self.units[unit].paused;
            if *paused > 0 {
                *paused -= 1;
                continue;
            }
            for flying in core::mem::take(&mut self.units[unit].queue) {
                self.deliver(setup, tape, &flying)?;
            }
            self.wake(setup, tape, unit)?;
        }
        for flying in &mut self.wire {
            flying.wait = flying.wait.saturating_sub(1);
        }
        self.step += 1;
        let with_losses = self.left.is_lossy(&setup.bound);
        self.watch.step(setup.limits, with_losses)
    }

    /// What the adversary does to a unit.
    fn disturb(&mut self, setup: &Setup, tape: &mut Tape, unit: usize) -> Result<(), Broken> {
        let left = self.left;
        if self.units[unit].pair.is_none() {
            // A crashed unit may start again at any time, or never.
            if self.units[unit].starts > 0 && tape.choose(2) == 1 {
                return self.start(setup, tape, unit);
            }
            return Ok(());
        }
        if self.units[unit].paused > 0 {
            return Ok(());
        }
        let pauses = if left.pauses > 0 { setup.longest_pause } else { 0 };
        let mut chosen = tape.choose(
            1 + u8::from(left.crashes > 0)
                + u8::from(left.orders > 0)
                + u8::from(left.faults[unit] > 0)
                + pauses,
        );
        let mut is = |there: bool| {
            let hit = there && chosen == 1;
            chosen = chosen.saturating_sub(u8::from(there));
            hit
        };
        if is(left.crashes > 0) {
            self.left.crashes -= 1;
            self.note(unit, || "! crashes".into());
            let it = &mut self.units[unit];
            it.former.extend(it.pair.take().map(|pair| (pair.start(), pair.last_number())));
            it.queue.clear();
            self.watch.power(unit, setup.limits);
        } else if is(left.orders > 0) {
            self.left.orders -= 1;
            self.order(setup, tape, unit)?;
        } else if is(left.faults[unit] > 0) {
            self.left.faults[unit] -= 1;
            self.units[unit].weight -= 1;
            self.watch.health_changed();
            let weight = self.units[unit].weight;
            self.input(setup, tape, unit, Input::HealthWeight(weight))?;
        } else if chosen > 0 {
            self.left.pauses -= 1;
            self.units[unit].paused = chosen;
            self.note(unit, || format!("! pauses for {:?}", setup.step * u32::from(chosen)));
        }
        Ok(())
    }

    /// A hand-over is asked for: of a Standby that it takes, of an Active that it has its peer take.
    fn order(&mut self, setup: &Setup, tape: &mut Tape, unit: usize) -> Result<(), Broken> {
        let holds = self.watch.holds(unit);
        let input = if holds { Input::FailOver } else { Input::TakeOver };
        self.input(setup, tape, unit, input)
    }

    fn input(
        &mut self,
        setup: &Setup,
        tape: &mut Tape,
        unit: usize,
        input: Input,
    ) -> Result<(), Broken> {
        let now = self.now(setup);
        self.watch.wakes(unit, setup.limits);
        let Some(pair) = &mut self.units[unit].pair else { return Ok(()) };
        let result = pair.handle_input(now, input);
        self.note(unit, || match result {
            Ok(()) => format!("! is told {input:?}"),
            Err(refusal) => format!("! is told {input:?}, and refuses: {refusal}"),
        });
        self.drain(setup, tape, unit)
    }

    pub(super) fn start(
        &mut self,
        setup: &Setup,
        tape: &mut Tape,
        unit: usize,
    ) -> Result<(), Broken> {
        let now = self.now(setup);
        let it = &mut self.units[unit];
        it.starts += 1;
        let config = (setup.configure)(unit, it.starts * 2 + unit as u64);
        it.pair = Some(Pair::new(config, now));
        let weight = it.weight;
        self.watch.power(unit, setup.limits);
        self.note(unit, || "! starts".into());
        self.input(setup, tape, unit, Input::HealthWeight(weight))
    }

    fn arrive(&mut self, setup: &Setup, tape: &mut Tape, unit: usize) -> Result<(), Broken> {
        let is_here = |flying: &mut Flying| flying.to == unit && flying.wait == 0;
        let arrived: Vec<_> = self.wire.extract_if(.., is_here).collect();
        for flying in arrived {
            if self.units[unit].paused > 0 {
                self.units[unit].queue.push(flying);
            } else {
                self.deliver(setup, tape, &flying)?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, setup: &Setup, tape: &mut Tape, flying: &Flying) -> Result<(), Broken> {
        let now = self.now(setup);
        let unit = flying.to;
        self.watch.wakes(unit, setup.limits);
        let Some(pair) = &mut self.units[unit].pair else { return Ok(()) };
        let peer = UnitId(1 - unit as u8);
        let from = Origin { peer, path: PathId(0), channel: Channel::Pair };
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        let len = flying.heartbeat.emit(&mut buf).expect("it fits");
        if pair.handle_datagram(now, from, &buf[..len]).is_ok() {
            self.watch.hears(unit, flying.heartbeat.stance);
        }
        self.drain(setup, tape, unit)
    }

    fn wake(&mut self, setup: &Setup, tape: &mut Tape, unit: usize) -> Result<(), Broken> {
        let now = self.now(setup);
        let Some(pair) = &mut self.units[unit].pair else { return Ok(()) };
        if pair.poll_timeout().is_none_or(|deadline| deadline.at > now) {
            return Ok(());
        }
        self.watch.wakes(unit, setup.limits);
        pair.handle_timeout(now);
        self.drain(setup, tape, unit)
    }

    /// Does all that a unit wants: actions are carried out at once.
    fn drain(&mut self, setup: &Setup, tape: &mut Tape, unit: usize) -> Result<(), Broken> {
        let now = self.now(setup);
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        loop {
            let Some(pair) = &mut self.units[unit].pair else { return Ok(()) };
            let Some(output) = pair.poll_output(now, &mut buf) else { return Ok(()) };
            match output {
                Output::Transmit { len, .. } => self.send(setup, tape, unit, &buf[..len])?,
                Output::Action { id, action } => {
                    let why = pair.decision().why;
                    pair.handle_done(now, id, Ok(()));
                    self.note(unit, || format!("> {}", action.name()));
                    self.watch.acts(unit, &action, why, setup.limits)?;
                }
                Output::Event(Event::FlapHold { .. }) => {
                    let text =
                        "the limit is too low: the fingerprint leaves out when roles changed";
                    return Err((Rule::L3, text.into()));
                }
                Output::Event(event) => self.note(unit, || format!("  {event:?}")),
            }
        }
    }

    fn send(
        &mut self,
        setup: &Setup,
        tape: &mut Tape,
        unit: usize,
        bytes: &[u8],
    ) -> Result<(), Broken> {
        let heartbeat = Heartbeat::parse(bytes).expect("what a unit sends is a heartbeat");
        self.watch.sends(unit, heartbeat.stance)?;
        let left = self.left;
        let delays = if left.delays > 0 { setup.longest_delay } else { 0 };
        let fate =
            tape.choose(1 + u8::from(left.losses > 0) + u8::from(left.duplicates > 0) + delays);
        let mut fly = |wait| {
            self.wire.push(Flying { to: 1 - unit, wait: setup.flight + wait, heartbeat });
        };
        let mut rest = fate;
        let mut is = |there: bool| {
            let hit = there && rest == 1;
            rest = rest.saturating_sub(u8::from(there));
            hit
        };
        let what = if fate == 0 {
            fly(0);
            ""
        } else if is(left.losses > 0) {
            self.left.losses -= 1;
            ", which is lost"
        } else if is(left.duplicates > 0) {
            fly(0);
            fly(1);
            self.left.duplicates -= 1;
            ", which comes twice"
        } else {
            fly(rest);
            self.left.delays -= 1;
            ", which is late"
        };
        let number = heartbeat.id.number;
        self.note(unit, || format!("- {:?} ({number}){what}", heartbeat.stance));
        Ok(())
    }

    fn note(&mut self, unit: usize, what: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push((unit, what()));
        }
    }

    /// A number that stands for all that the future of this state depends on, whatever time it is. Forgets
    /// what it does not depend on.
    pub(super) fn fingerprint(&mut self, setup: &Setup) -> u128 {
        let now = self.now(setup);
        let mut hasher = Wide::new();
        self.watch.hash(&mut hasher);
        self.forget_starts();
        let starts = self.starts();
        let frames = [0, 1].map(|unit| self.frame(now, unit, &starts));
        for (unit, frame) in self.units.iter().zip(&frames) {
            (unit.paused, unit.weight, unit.pair.is_some()).hash(&mut hasher);
            if let Some(pair) = &unit.pair {
                pair.fingerprint(frame, &mut hasher);
            }
            hasher.write_usize(unit.queue.len());
            for flying in &unit.queue {
                flying.heartbeat.fingerprint(frame, &mut hasher);
            }
        }
        for flying in &self.wire {
            (flying.to, flying.wait).hash(&mut hasher);
            flying.heartbeat.fingerprint(&frames[flying.to], &mut hasher);
        }
        for (unit, oldest) in frames.map(|frame| frame.oldest_echo).into_iter().enumerate() {
            if let Some(pair) = &mut self.units[unit].pair {
                pair.forget_before(oldest);
            }
        }
        hasher.finish_wide()
    }

    /// Heartbeats that have been sent and not been heard.
    fn on_the_way(&self) -> impl Iterator<Item = &Heartbeat> {
        let queues = self.units.iter().flat_map(|unit| &unit.queue);
        self.wire.iter().chain(queues).map(|flying| &flying.heartbeat)
    }

    /// Former starts of which nothing is on its way, and which the peer does not know, will never be heard of
    /// again.
    fn forget_starts(&mut self) {
        for unit in [0, 1] {
            let mut former = core::mem::take(&mut self.units[unit].former);
            let peer = self.units[1 - unit].pair.as_ref();
            former.retain(|(start, _)| {
                let is_it = |id: HeartbeatId| id.start == *start;
                self.on_the_way().any(|it| is_it(it.id) || it.echo.is_some_and(is_it))
                    || peer.is_some_and(|peer| peer.oldest_echo(*start).is_some())
            });
            self.units[unit].former = former;
        }
    }

    /// Every start of a unit that anybody can still hear of, and the number of its last heartbeat: the present
    /// ones, then the former ones. A unit that is off keeps its place.
    fn starts(&self) -> Vec<(u64, u64)> {
        let present = self.units.iter().map(|unit| {
            unit.pair.as_ref().map_or((0, 0), |pair| (pair.start(), pair.last_number()))
        });
        present.chain(self.units.iter().flat_map(|unit| unit.former.iter().copied())).collect()
    }

    /// What the fingerprint of a unit is relative to.
    fn frame<'a>(&self, now: Instant, unit: usize, starts: &'a [(u64, u64)]) -> Frame<'a> {
        let pairs = self.units.iter().filter_map(|unit| unit.pair.as_ref());
        let (start, _) = starts[unit];
        // What the peer can echo, and what is echoed already, or will be once it has arrived.
        let known = self.units[1 - unit].pair.as_ref().and_then(|peer| peer.oldest_echo(start));
        let ids = self.on_the_way().flat_map(|it| [Some(it.id), it.echo]).flatten();
        let ids = ids.filter(|id| id.start == start).map(|id| id.number);
        Frame {
            now,
            starts,
            term: pairs.map(Pair::term).min().unwrap_or(0),
            oldest_echo: ids.chain(known).min().unwrap_or(u64::MAX),
        }
    }
}

/// 128 bits: so many that two of a thousand million states hardly ever share a fingerprint (about once in
/// 10^20 searches).
struct Wide([foldhash::quality::FoldHasher<'static>; 2]);

impl Wide {
    fn new() -> Self {
        Self([1, 2].map(|seed| FixedState::with_seed(seed).build_hasher()))
    }

    fn finish_wide(&self) -> u128 {
        let [high, low] = &self.0;
        u128::from(high.finish()) << 64 | u128::from(low.finish())
    }
}

impl Hasher for Wide {
    fn finish(&self) -> u64 {
        self.0[0].finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.iter_mut().for_each(|half| half.write(bytes));
    }

    fn write_u64(&mut self, number: u64) {
        self.0.iter_mut().for_each(|half| half.write_u64(number));
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}
