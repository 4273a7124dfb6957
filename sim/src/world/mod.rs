//! Two units in virtual time: [`World::step`] jumps to the next thing that happens, and asks the oracle
//! whether what must always hold still does. A rule that is broken ends the run.

mod around;
mod clocks;
mod steps;
mod verdicts;

use crate::network::Network;
use crate::observed::Observed;
use crate::oracle::{Crash, Oracle, Violation};
use crate::platform::Answer;
use crate::random::Random;
use crate::subject::Subject;
use crate::surroundings::Monitored;
use crate::trace::{Trace, What};
use crate::unit::Unit;
use core::fmt;
use core::time::Duration;
use ha_core::pair::{Input, Pair, Refusal, Role, State};
use ha_core::time::Instant;
use statesync::Change;

/// The Primary.
pub const A: usize = 0;
/// The Secondary.
pub const B: usize = 1;

/// A start of a unit, for whoever makes its configuration.
#[derive(Clone, Copy, Debug)]
pub struct Boot<'a> {
    /// Which unit, 0 the Primary and 1 the Secondary.
    pub unit: usize,
    /// Tells this start from all others.
    pub seed: u64,
    /// What the unit wrote last to keep over a restart.
    pub kept: Option<&'a [u8]>,
}

/// Makes the configuration of a unit's start.
type Configure<S> = Box<dyn Fn(Boot<'_>) -> <S as Subject>::Config>;

/// Two units, the network between them, their platforms, and who watches them.
pub struct World<S: Subject> {
    now: u64,
    /// The Primary and the Secondary.
    pub units: [Unit<S>; 2],
    /// The network between them.
    pub network: Network,
    /// Where the network's chances come from.
    pub random: Random,
    /// What watches the units.
    pub oracle: Oracle,
    /// What happened.
    pub trace: Trace,
    /// What is counted.
    pub observed: Observed,
    /// Outputs are polled after each call, or once after all that is due at an instant.
    pub poll_each: bool,
    configure: Configure<S>,
    intervals: [Duration; 2],
    violation: Option<Violation>,
    /// When around which units what last began to fail.
    last_fault: Option<(u64, Vec<usize>, Monitored)>,
    at_once: usize,
    /// Where units write their datagrams to.
    buf: Vec<u8>,
}

impl<S: Subject> World<S> {
    /// Both units are off. Each start of a unit gets its configuration from `configure`. The network's
    /// chances come from `seed`.
    #[must_use]
    pub fn new(
        seed: u64,
        traced: bool,
        configure: impl Fn(Boot<'_>) -> S::Config + 'static,
    ) -> Self {
        let samples = [A, B].map(|unit| configure(Boot { unit, seed: 1, kept: None }));
        let pairs = samples.each_ref().map(S::pair_config);
        Self {
            now: 0,
            units: [A, B].map(|unit| Unit::new(pairs[unit].monitoring(), seed ^ (unit as u64 + 1))),
            network: Network::new(pairs[A].paths().count()),
            random: Random::new(seed),
            oracle: Oracle::new(pairs),
            trace: Trace::new(traced),
            observed: Observed::default(),
            poll_each: true,
            intervals: pairs.map(|pair| pair.interval()),
            configure: Box::new(configure),
            violation: None,
            last_fault: None,
            at_once: 0,
            buf: Vec::new(),
        }
    }

    /// From now on, starts get their configuration from here.
    pub fn set_configure(&mut self, configure: impl Fn(Boot<'_>) -> S::Config + 'static) {
        self.configure = Box::new(configure);
    }

    // What is seen.

    /// Since the start of the world.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// The rule that was broken: the run is over.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The longer one of both units.
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.oracle.failure_time[A].max(self.oracle.failure_time[B])
    }

    /// The role machine of a unit that runs.
    #[must_use]
    pub fn pair(&self, unit: usize) -> &Pair {
        self.role_machine(unit).expect("the unit runs")
    }

    fn role_machine(&self, unit: usize) -> Option<&Pair> {
        self.units[unit].machine.as_ref().map(S::pair)
    }

    /// Whether a unit has power.
    #[must_use]
    pub fn runs(&self, unit: usize) -> bool {
        self.units[unit].machine.is_some()
    }

    /// Whether a unit hangs.
    #[must_use]
    pub fn hangs(&self, unit: usize) -> bool {
        self.units[unit].hung_until.is_some()
    }

    /// What the units say of their roles; `None` of one that is off.
    #[must_use]
    pub fn roles(&self) -> [Option<Role>; 2] {
        [A, B].map(|unit| self.role_machine(unit).map(Pair::role))
    }

    /// The state of a unit that runs.
    #[must_use]
    pub fn state(&self, unit: usize) -> State {
        self.pair(unit).state()
    }

    fn is_in(&self, unit: usize, state: State) -> bool {
        self.role_machine(unit).is_some_and(|pair| pair.state() == state)
    }

    /// Which units hold the role, as their platforms know it.
    #[must_use]
    pub fn holds(&self) -> [bool; 2] {
        [self.units[A].platform.holds, self.units[B].platform.holds]
    }

    /// One unit is Active, holds the role, and the other is a Standby that does not (L1).
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is = |unit, state, holds| self.is_in(unit, state) && self.holds()[unit] == holds;
        [A, B]
            .into_iter()
            .any(|unit| is(unit, State::Active, true) && is(1 - unit, State::Standby, false))
    }

    /// Both tables hold the same, where units have tables.
    #[must_use]
    pub fn has_equal_tables(&self) -> bool {
        let table = |unit: usize| self.units[unit].machine.as_ref().and_then(S::table);
        table(A) == table(B)
    }

    // What is done.

    /// Powers a unit on. Each start has a seed of its own.
    pub fn start(&mut self, unit: usize) {
        self.fault(unit, || "starts".into());
        let now = self.now;
        let it = &mut self.units[unit];
        it.power_off();
        let seed = it.next_seed(unit);
        let local = it.clock.at(now);
        let config = (self.configure)(Boot { unit, seed, kept: it.kept.as_deref() });
        self.oracle.started(self.now, unit, local, S::pair_config(&config));
        let machine = S::start(config, local);
        let longest = self.buf.len().max(machine.max_datagram());
        self.buf.resize(longest, 0);
        it.machine = Some(machine);
        it.around.begin(now);
        self.drain(unit);
        self.tell_links(unit);
    }

    /// A unit loses its power: it holds nothing, and its state is gone.
    pub fn crash(&mut self, unit: usize) {
        let other = &self.units[1 - unit];
        let can_take = other.hung_until.is_none()
            && other.hang_before_polling.is_none()
            && other.platform.is_well()
            && self.is_in(1 - unit, State::Standby)
            && !other.platform.holds
            && !self.oracle.is_cut_off(1 - unit);
        let was_active = self.is_in(unit, State::Active) && self.units[unit].hung_until.is_none();
        let crash = Crash {
            unit,
            is_clean: was_active && can_take && self.network.is_sure(),
            interval: self.intervals[unit],
            delay: self.network.longest_delay,
        };
        self.note(unit, || What::Fault("crashes".into()));
        self.oracle.crashed(self.now, &crash);
        self.units[unit].power_off();
    }

    /// A unit is stopped, as it was told that it may be.
    pub fn stop(&mut self, unit: usize) {
        self.fault(unit, || "stops".into());
        self.units[unit].power_off();
    }

    /// Tells the role machine of a unit that runs something.
    ///
    /// # Errors
    /// It refused.
    pub fn input(&mut self, unit: usize, input: Input) -> Result<(), Refusal> {
        self.fault(unit, || format!("is told {input:?}"));
        let now = self.local(unit);
        let was_active = self.is_in(unit, State::Active);
        let it = &mut self.units[unit];
        self.oracle.tells(unit, now, it.platform.holds);
        let machine = it.machine.as_mut().expect("the unit runs");
        let result = machine.handle_input(now, S::input(input));
        if result.is_ok() {
            self.oracle.told(self.now, unit, input);
        }
        if input == Input::Synchronized(false) {
            self.judge_sync(unit, was_active, "a table that is not complete");
        }
        self.drain(unit);
        result.map_err(|refusal| S::refusal(refusal).expect("it was told to the role machine"))
    }

    /// A connection is new in the forwarding plane of a unit that runs, or gone from it.
    pub(crate) fn connection(&mut self, unit: usize, change: Change) {
        let now = self.local(unit);
        let was_active = self.is_in(unit, State::Active);
        let it = &mut self.units[unit];
        if let (Some(machine), Some(input)) = (&mut it.machine, S::connection(change)) {
            self.oracle.tells(unit, now, it.platform.holds);
            // What is refused was not taken in: then the tables are equal without it.
            let _ = machine.handle_input(now, input);
            self.judge_sync(unit, was_active, "a changed connection");
            self.drain(unit);
        }
    }

    /// What a unit wrote to keep over a restart is lost.
    pub fn forget(&mut self, unit: usize) {
        self.fault(unit, || "loses what it kept over a restart".into());
        self.units[unit].kept = None;
    }

    /// From now on, a unit's platform answers actions of this name like that.
    pub fn answer(&mut self, unit: usize, action: &'static str, answer: Answer) {
        self.fault(unit, || format!("will answer {action} {answer}"));
        self.units[unit].platform.answer(action, answer);
    }

    /// From now on, a unit's platform answers everything at once.
    pub fn repair(&mut self, unit: usize) {
        self.fault(unit, || "'s platform works".into());
        self.units[unit].platform.repair();
    }

    /// Cuts or heals all links from `sender`.
    pub fn cut_from(&mut self, sender: usize, cut: bool) {
        let what = if cut { "is no longer heard" } else { "can be heard" };
        self.fault(sender, || what.into());
        self.network.links.iter_mut().for_each(|link| link[sender].cut = cut);
    }

    /// Cuts or heals one path, in both directions.
    pub fn cut_path(&mut self, path: usize, cut: bool) {
        let what = if cut { "is no longer heard" } else { "can be heard" };
        for sender in [A, B] {
            self.fault(sender, || format!("{what} on path {path}"));
            self.network.links[path][sender].cut = cut;
        }
    }

    /// Cuts or heals all links.
    pub fn cut_all(&mut self, cut: bool) {
        self.cut_from(A, cut);
        self.cut_from(B, cut);
    }

    /// Something happens that is not the machines' doing.
    pub(crate) fn fault(&mut self, unit: usize, what: impl FnOnce() -> String) {
        self.oracle.disturbed(self.now);
        self.note(unit, || What::Fault(what()));
    }

    fn local(&self, unit: usize) -> Instant {
        self.units[unit].clock.at(self.now)
    }

    fn note(&mut self, unit: usize, what: impl FnOnce() -> What) {
        self.trace.note(self.now, unit, what);
    }
}

/// What the units are called.
pub(crate) const NAMES: [&str; 2] = ["A", "B"];

impl<S: Subject> fmt::Debug for World<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("now", &self.now()).finish_non_exhaustive()
    }
}
