//! Two role machines in memory, in virtual time, with a network and platforms that have faults.
//!
//! [`World::step`] jumps to the next thing that happens and asks the [oracle](oracle) whether what must
//! always hold still does; if not, it panics with the end of the trace.

mod alone;
mod clock;
mod network;
mod oracle;
mod platform;
mod random;
mod unit;

pub(crate) use alone::{Alone, peer};
pub(crate) use platform::Answer;
pub(crate) use random::Random;

use core::fmt::Write as _;
use core::time::Duration;
use ha_core::identity::{Designation, PathId};
use ha_core::machine::{Channel, Machine as _, Origin, Output};
use ha_core::pair::{
    Action, Event, Heartbeat, Input, Pair, PairConfig, PairConfigBuilder, Product, Refusal, Role,
    Stance, State, Why,
};
use network::Network;
use oracle::Oracle;
use random::nanos;
use unit::Unit;

/// The Primary.
pub(crate) const A: usize = 0;
/// The Secondary.
pub(crate) const B: usize = 1;

/// Outputs that one call can cause, and steps at one instant, at the most: more is a busy loop.
const MAX_AT_ONCE: usize = 2000;
/// So many lines of the trace are printed when something fails.
const TRACE_SHOWN: usize = 120;

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Since the start of the world.
    pub(crate) at: Duration,
    pub(crate) unit: usize,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Event(Event),
    Action(Action),
    Done(&'static str, bool),
    Sent(Stance),
    /// What a test or a fault did.
    Fault(String),
}

pub(crate) struct World {
    now: u64,
    pub(crate) units: [Unit; 2],
    pub(crate) network: Network,
    pub(crate) random: Random,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Vec<Entry>,
    /// Outputs are polled after each call, or once after all that is due at an instant.
    pub(crate) poll_each: bool,
    at_once: usize,
    /// Printed with a failure, so that it can be found again.
    pub(crate) name: String,
}

pub(crate) fn product() -> Product {
    Product { model: "FW-100".parse().unwrap(), firmware: "7.1.2".parse().unwrap() }
}

/// The configuration of a unit with 10 ms × 3 and one path, to begin with.
pub(crate) fn config(unit: usize, seed: u64) -> PairConfigBuilder {
    config_of(unit, seed, product())
}

pub(crate) fn config_of(unit: usize, seed: u64, product: Product) -> PairConfigBuilder {
    let (designation, ours, peers) = match unit {
        A => (Designation::Primary, "SN-A", "SN-B"),
        _ => (Designation::Secondary, "SN-B", "SN-A"),
    };
    let (ours, peers) = (ours.parse().unwrap(), peers.parse().unwrap());
    PairConfig::builder(designation, ours, peers, product, seed)
        .heartbeat_interval(ms(10))
        .trigger_level(3)
        .action_timeout(ms(500))
}

impl World {
    /// Both units start now, with the same settings.
    pub(crate) fn new(adjust: fn(PairConfigBuilder) -> PairConfigBuilder) -> Self {
        Self::with(1, move |_, config| adjust(config))
    }

    /// Both units start now.
    pub(crate) fn with(
        seed: u64,
        adjust: impl Fn(usize, PairConfigBuilder) -> PairConfigBuilder + 'static,
    ) -> Self {
        let mut world = Self::unpowered(seed, adjust);
        world.start(A);
        world.start(B);
        world
    }

    /// Both units are off.
    pub(crate) fn unpowered(
        seed: u64,
        adjust: impl Fn(usize, PairConfigBuilder) -> PairConfigBuilder + 'static,
    ) -> Self {
        let configure = move |unit, seed| adjust(unit, config(unit, seed)).build().unwrap();
        let samples = [configure(A, 1), configure(B, 1)];
        let paths = samples[A].paths().count();
        Self {
            now: 0,
            units: [Unit::new(A), Unit::new(B)],
            network: Network::new(paths),
            random: Random::new(seed),
            oracle: Oracle::new(samples.map(|config| config.failure_time())),
            trace: Vec::new(),
            poll_each: true,
            at_once: 0,
            name: format!("seed {seed}"),
        }
        .configured(configure)
    }

    /// Each start of a unit, which has its seed, gets its configuration from here.
    pub(crate) fn configured(
        mut self,
        configure: impl Fn(usize, u64) -> PairConfig + 'static,
    ) -> Self {
        let configure: std::rc::Rc<dyn Fn(usize, u64) -> PairConfig> = std::rc::Rc::new(configure);
        for unit in &mut self.units {
            unit.configure = Some(configure.clone());
        }
        self
    }

    // What is seen.

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    pub(crate) fn failure_time(&self) -> Duration {
        self.oracle.failure_time[A].max(self.oracle.failure_time[B])
    }

    /// The machine of a unit that runs.
    pub(crate) fn pair(&self, unit: usize) -> &Pair {
        self.units[unit].pair.as_ref().expect("the unit runs")
    }

    pub(crate) fn runs(&self, unit: usize) -> bool {
        self.units[unit].pair.is_some()
    }

    pub(crate) fn roles(&self) -> [Option<Role>; 2] {
        [A, B].map(|unit| self.units[unit].pair.as_ref().map(Pair::role))
    }

    pub(crate) fn state(&self, unit: usize) -> State {
        self.pair(unit).state()
    }

    pub(crate) fn holds(&self) -> [bool; 2] {
        [A, B].map(|unit| self.units[unit].platform.holds)
    }

    /// One unit is Active, holds the role, and the other is a Standby that does not (L1).
    pub(crate) fn is_settled(&self) -> bool {
        let is = |unit: usize, state, holds| {
            let pair = self.units[unit].pair.as_ref();
            pair.is_some_and(|pair| pair.state() == state) && self.holds()[unit] == holds
        };
        [A, B]
            .into_iter()
            .any(|unit| is(unit, State::Active, true) && is(1 - unit, State::Standby, false))
    }

    /// The events of a unit since `since`.
    pub(crate) fn events(&self, unit: usize, since: Duration) -> Vec<Event> {
        let entries = self.trace.iter().filter(|entry| entry.unit == unit && entry.at >= since);
        entries
            .filter_map(|entry| match &entry.what {
                What::Event(event) => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    /// When a unit became Active for the last time, and why.
    pub(crate) fn last_take(&self, unit: usize) -> Option<(Duration, Why)> {
        self.trace.iter().rev().filter(|entry| entry.unit == unit).find_map(|entry| {
            match entry.what {
                What::Event(Event::RoleChanged { to: Role::Active, why, .. }) => {
                    Some((entry.at, why))
                }
                _ => None,
            }
        })
    }

    /// How often a unit was asked for this action since `since`.
    pub(crate) fn count(&self, unit: usize, action: &str, since: Duration) -> usize {
        let is_it = |entry: &&Entry| {
            entry.unit == unit
                && entry.at >= since
                && matches!(&entry.what, What::Action(it) if it.name() == action)
        };
        self.trace.iter().filter(is_it).count()
    }

    // What is done.

    /// Powers a unit on. Each start has a seed of its own.
    pub(crate) fn start(&mut self, unit: usize) {
        self.fault(unit, "starts");
        let local = self.units[unit].start(self.now);
        self.oracle.started(unit, local);
        self.drain(unit);
    }

    /// A unit loses its power: it holds nothing, and its state is gone.
    pub(crate) fn crash(&mut self, unit: usize) {
        self.fault(unit, "crashes");
        self.units[unit].power_off();
    }

    /// A unit does nothing for a while; its clock runs on.
    pub(crate) fn hang(&mut self, unit: usize, length: Duration) {
        self.fault(unit, &format!("hangs for {length:?}"));
        self.units[unit].hung_until = Some(self.now + nanos(length));
    }

    /// A unit hangs as soon as it is woken the next time, before it polls what it is to do.
    pub(crate) fn hang_before_polling(&mut self, unit: usize, length: Duration) {
        self.units[unit].hang_before_polling = Some(length);
    }

    pub(crate) fn jump_ahead(&mut self, unit: usize, by: Duration) {
        self.fault(unit, &format!("'s clock jumps ahead by {by:?}"));
        self.units[unit].clock.jump_ahead(self.now, by);
    }

    pub(crate) fn step_back(&mut self, unit: usize, by: Duration) {
        self.fault(unit, &format!("'s clock is set back by {by:?}"));
        self.units[unit].clock.step_back(self.now, by);
    }

    pub(crate) fn set_rate(&mut self, unit: usize, parts_per_million: i64) {
        self.units[unit].clock.set_rate(self.now, parts_per_million);
    }

    pub(crate) fn input(&mut self, unit: usize, input: Input) -> Result<(), Refusal> {
        self.fault(unit, &format!("is told {input:?}"));
        let now = self.units[unit].clock.at(self.now);
        let result = self.units[unit].pair.as_mut().expect("runs").handle_input(now, input);
        self.drain(unit);
        result
    }

    pub(crate) fn answer(&mut self, unit: usize, action: &'static str, answer: Answer) {
        self.fault(unit, &format!("answers {action}: {answer:?}"));
        self.units[unit].platform.answer(action, answer);
    }

    /// Cuts or heals all links from `sender`.
    pub(crate) fn cut_from(&mut self, sender: usize, cut: bool) {
        self.fault(sender, if cut { "is no longer heard" } else { "can be heard" });
        self.network.links.iter_mut().for_each(|link| link[sender].cut = cut);
    }

    pub(crate) fn cut_all(&mut self, cut: bool) {
        self.cut_from(A, cut);
        self.cut_from(B, cut);
    }

    /// Runs for a while.
    pub(crate) fn run_for(&mut self, length: Duration) {
        let until = self.now + nanos(length);
        while self.step(until) {}
    }

    /// Runs until something is true and says how long that took; it must not take longer than `limit`.
    pub(crate) fn run_until(
        &mut self,
        limit: Duration,
        is_true: impl Fn(&Self) -> bool,
    ) -> Duration {
        let begin = self.now();
        while !is_true(self) {
            if !self.step(nanos(begin + limit)) && !is_true(self) {
                self.fail(&format!("it did not become true within {limit:?}"));
            }
        }
        self.now() - begin
    }

    /// Runs until one unit is Active and the other Standby.
    pub(crate) fn settle(&mut self) {
        self.run_until(self.failure_time() * 4, Self::is_settled);
    }

    /// Jumps to the next thing that happens, but not beyond `until`: then it returns false.
    pub(crate) fn step(&mut self, until: u64) -> bool {
        let wake_ups = self.units.iter().filter_map(|unit| unit.next_wake_up(self.now));
        let next = wake_ups.chain(self.network.next_arrival()).min();
        let Some(next) = next.filter(|next| *next <= until) else {
            self.now = until;
            self.check();
            return false;
        };
        if next > self.now {
            self.now = next;
            self.at_once = 0;
        }
        self.at_once += 1;
        if self.at_once > MAX_AT_ONCE {
            self.fail("busy loop: time does not go on");
        }
        while let Some(packet) = self.network.arrived(self.now) {
            if self.units[packet.to].hung_until.is_some() {
                self.units[packet.to].queue(packet);
            } else {
                self.deliver(&packet);
            }
        }
        for unit in [A, B] {
            self.wake(unit);
        }
        self.check();
        true
    }

    /// Queued datagrams first, then what was carried out, then the timeout.
    fn wake(&mut self, unit: usize) {
        if let Some(until) = self.units[unit].hung_until {
            if until > self.now {
                return;
            }
            self.units[unit].hung_until = None;
            self.fault(unit, "goes on");
            if core::mem::take(&mut self.units[unit].was_polling) {
                self.drain(unit);
            }
            for packet in core::mem::take(&mut self.units[unit].queue) {
                self.deliver(&packet);
                if self.poll_each {
                    self.answer_actions(unit);
                }
            }
        }
        self.answer_actions(unit);
        let it = &mut self.units[unit];
        let now = it.clock.at(self.now);
        if let Some(pair) = &mut it.pair {
            if pair.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                pair.handle_timeout(now);
                if let Some(length) = it.hang_before_polling.take() {
                    it.was_polling = true;
                    self.hang(unit, length);
                    return;
                }
            }
            self.drain(unit);
        }
    }

    /// Hands in the answers of the platform that are due.
    fn answer_actions(&mut self, unit: usize) {
        while let Some(done) = self.units[unit].platform.done(self.now) {
            self.note(unit, What::Done(done.action, done.outcome.is_ok()));
            let it = &mut self.units[unit];
            let now = it.clock.at(self.now);
            if let Some(pair) = &mut it.pair {
                self.oracle.awake(unit, now, it.platform.holds);
                pair.handle_done(now, done.id, done.outcome);
            }
            self.drain(unit);
        }
    }

    fn deliver(&mut self, packet: &network::Packet) {
        let unit = packet.to;
        let peer_holds = self.units[1 - unit].platform.holds;
        let it = &mut self.units[unit];
        let now = it.clock.at(self.now);
        let Some(pair) = &mut it.pair else { return };
        let peer =
            ha_core::identity::UnitId::of([Designation::Primary, Designation::Secondary][1 - unit]);
        let from = Origin { peer, path: PathId(packet.path), channel: Channel::Pair };
        if pair.handle_datagram(now, from, &packet.bytes).is_ok() {
            let stance = Heartbeat::parse(&packet.bytes).expect("it was accepted").stance;
            self.oracle.hears(unit, self.now, stance, peer_holds);
        }
        if self.poll_each {
            self.drain(unit);
        }
    }

    /// Polls and does all that a unit wants.
    fn drain(&mut self, unit: usize) {
        let mut buf = [0; ha_core::pair::MAX_HEARTBEAT_LEN];
        let now = self.units[unit].clock.at(self.now);
        for _ in 0..MAX_AT_ONCE {
            let it = &mut self.units[unit];
            let Some(pair) = &mut it.pair else { return };
            self.oracle.awake(unit, now, it.platform.holds);
            let Some(output) = pair.poll_output(now, &mut buf) else { return };
            let verdict = match output {
                Output::Transmit { to, len } => {
                    let bytes = &buf[..len];
                    let stance = Heartbeat::parse(bytes).expect("what it sends is valid").stance;
                    self.network.send(self.now, &mut self.random, unit, to.path.0, bytes);
                    self.note(unit, What::Sent(stance));
                    self.oracle.sends(unit, now, stance)
                }
                Output::Action { id, action } => {
                    it.platform.begin(self.now, id, &action);
                    let verdict = self.oracle.acts(unit, &action);
                    self.note(unit, What::Action(action));
                    verdict
                }
                Output::Event(event) => {
                    let peer_holds = self.units[1 - unit].platform.holds;
                    let verdict = match event {
                        Event::RoleChanged { to: Role::Active, why: Why::Ordered, .. } => {
                            self.oracle.takes_by_release(peer_holds)
                        }
                        Event::RoleChanged { to: Role::Active, why: Why::NotClaimed, .. } => {
                            self.oracle.takes_back(unit, peer_holds)
                        }
                        _ => Ok(()),
                    };
                    self.note(unit, What::Event(event));
                    verdict
                }
            };
            if let Err(broken) = verdict {
                self.fail(&broken);
            }
        }
        self.fail("busy loop: outputs do not end");
    }

    fn check(&mut self) {
        // A platform that cannot withdraw keeps both Active; that is not the machine's fault.
        let excused = self.units.iter().any(|unit| unit.platform.cannot_withdraw);
        let holds = if excused { [false; 2] } else { self.holds() };
        let slowest = self.units[A].slowest.max(self.units[B].slowest);
        let allowance = self.network.longest_delay + slowest;
        if let Err(broken) = self.oracle.check(self.now, holds, allowance, self.network.is_lossy())
        {
            self.fail(&broken);
        }
    }

    fn fault(&mut self, unit: usize, what: &str) {
        self.note(unit, What::Fault(what.into()));
    }

    fn note(&mut self, unit: usize, what: What) {
        self.trace.push(Entry { at: self.now(), unit, what });
    }

    /// Panics with the end of the trace.
    pub(crate) fn fail(&self, why: &str) -> ! {
        let mut text = format!("{}: {why}\nat {:?}: {:?}\n", self.name, self.now(), self.roles());
        let shown = self.trace.iter().skip(self.trace.len().saturating_sub(TRACE_SHOWN));
        for Entry { at, unit, what } in shown {
            let name = ["A", "B"][*unit];
            let _ = match what {
                What::Event(event) => writeln!(text, "{at:>12?} {name}   {event:?}"),
                What::Action(action) => writeln!(text, "{at:>12?} {name} > {}", action.name()),
                What::Done(name_of, ok) => {
                    writeln!(
                        text,
                        "{at:>12?} {name} < {name_of} {}",
                        if *ok { "ok" } else { "failed" }
                    )
                }
                What::Sent(stance) => writeln!(text, "{at:>12?} {name} - {stance:?}"),
                What::Fault(fault) => writeln!(text, "{at:>12?} {name} ! {fault}"),
            };
        }
        panic!("{text}");
    }
}
