//! Two units in virtual time: [`World::step`] jumps to the next thing that happens, and asks the oracle
//! whether what must always hold still does. A rule that is broken ends the run.

use crate::glimpse::Glimpse;
use crate::network::{Network, Packet};
use crate::observed::Observed;
use crate::oracle::{Circumstances, Crash, Heard, Oracle, Rule, Verdict, Violation};
use crate::platform::Answer;
use crate::random::{Random, nanos};
use crate::subject::Subject;
use crate::trace::{Trace, What};
use crate::unit::Unit;
use core::fmt;
use core::time::Duration;
use ha_core::identity::UnitId;
use ha_core::machine::{Channel, Origin, Output};
use ha_core::pair::{Event, Input, Maintenance, Pair, Refusal, Role, State, Why};
use ha_core::reject::Reject;
use ha_core::time::Instant;

/// The Primary.
pub const A: usize = 0;
/// The Secondary.
pub const B: usize = 1;

/// Outputs that one call can cause, and steps at one instant, at the most: more is a busy loop.
const MAX_AT_ONCE: usize = 2000;

/// Makes the configuration of a unit's start, which has its seed.
type Configure<S> = Box<dyn Fn(usize, u64) -> <S as Subject>::Config>;

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
    at_once: usize,
    /// Where units write their datagrams to.
    buf: Vec<u8>,
}

impl<S: Subject> World<S> {
    /// Both units are off. Each start of a unit, which has its seed, gets its configuration from
    /// `configure`. The network's chances come from `seed`.
    #[must_use]
    pub fn new(
        seed: u64,
        traced: bool,
        configure: impl Fn(usize, u64) -> S::Config + 'static,
    ) -> Self {
        let samples = [configure(A, 1), configure(B, 1)];
        let pairs = samples.each_ref().map(S::pair_config);
        Self {
            now: 0,
            units: [Unit::new(), Unit::new()],
            network: Network::new(pairs[A].paths().count()),
            random: Random::new(seed),
            oracle: Oracle::new(pairs),
            trace: Trace::new(traced),
            observed: Observed::default(),
            poll_each: true,
            intervals: pairs.map(|pair| pair.interval()),
            configure: Box::new(configure),
            violation: None,
            at_once: 0,
            buf: Vec::new(),
        }
    }

    /// From now on, starts get their configuration from here.
    pub fn set_configure(&mut self, configure: impl Fn(usize, u64) -> S::Config + 'static) {
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

    // What is done.

    /// Powers a unit on. Each start has a seed of its own.
    pub fn start(&mut self, unit: usize) {
        self.fault(unit, || "starts".into());
        let now = self.now;
        let it = &mut self.units[unit];
        it.power_off();
        let seed = it.next_seed(unit);
        let local = it.clock.at(now);
        let config = (self.configure)(unit, seed);
        let machine = S::start(config, it.kept.as_deref(), local);
        let longest = self.buf.len().max(machine.max_datagram());
        self.buf.resize(longest, 0);
        it.machine = Some(machine);
        self.oracle.started(unit, local);
        self.drain(unit);
    }

    /// A unit loses its power: it holds nothing, and its state is gone.
    pub fn crash(&mut self, unit: usize) {
        let other = &self.units[1 - unit];
        let can_take = other.hung_until.is_none()
            && other.hang_before_polling.is_none()
            && other.platform.is_well()
            && self.is_in(1 - unit, State::Standby)
            && !other.platform.holds;
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

    /// A unit does nothing for a while; its clock runs on.
    pub fn hang(&mut self, unit: usize, length: Duration) {
        self.fault(unit, || format!("hangs for {length:?}"));
        let until = self.now + nanos(length);
        let it = &mut self.units[unit];
        it.hung_until = it.hung_until.max(Some(until));
        it.is_stale = true;
    }

    /// A unit does nothing for a while, and its clock does not show it.
    pub fn pause(&mut self, unit: usize, length: Duration) {
        if self.units[unit].hung_until.is_none() {
            self.fault(unit, || "is paused, and its clock with it".into());
            self.units[unit].clock_stands = length;
            self.hang(unit, length);
        }
    }

    /// A unit hangs as soon as it is woken the next time, before it polls what it is to do.
    pub fn hang_before_polling(&mut self, unit: usize, length: Duration) {
        self.fault(unit, || format!("hangs for {length:?} when it is woken next"));
        self.units[unit].hang_before_polling = Some(length);
    }

    /// A unit's clock jumps ahead.
    pub fn jump_ahead(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock jumps ahead by {by:?}"));
        self.units[unit].clock.jump_ahead(self.now, by);
        self.units[unit].is_stale = true;
    }

    /// A unit's clock is set back.
    pub fn step_back(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock is set back by {by:?}"));
        self.oracle.clock_was_wrong(self.now + nanos(by));
        self.units[unit].clock.step_back(self.now, by);
        self.units[unit].is_stale = true;
    }

    /// A unit's clock goes so many nanoseconds per millisecond too fast, or too slow.
    pub fn set_rate(&mut self, unit: usize, parts_per_million: i64) {
        self.units[unit].clock.set_rate(self.now, parts_per_million);
        self.units[unit].is_stale = true;
    }

    /// Tells the role machine of a unit that runs something.
    ///
    /// # Errors
    /// It refused.
    pub fn input(&mut self, unit: usize, input: Input) -> Result<(), Refusal> {
        self.fault(unit, || format!("is told {input:?}"));
        let now = self.local(unit);
        let machine = self.units[unit].machine.as_mut().expect("the unit runs");
        let result = machine.handle_input(now, S::input(input));
        if result.is_ok() {
            match input {
                Input::HealthWeight(weight) => self.oracle.health(unit, weight),
                Input::TakeOver => self.oracle.ordered(unit),
                Input::FailOver => self.oracle.invited(self.now, 1 - unit),
                Input::Maintenance(to) => {
                    self.oracle.in_maintenance(unit, to != Maintenance::Off);
                }
                _ => {}
            }
        }
        self.drain(unit);
        result.map_err(|refusal| S::refusal(refusal).expect("it was told to the role machine"))
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

    // How time passes.

    /// Runs for a while.
    pub fn run_for(&mut self, length: Duration) {
        self.run_to(self.now + nanos(length));
    }

    /// Runs until then, in nanoseconds since the start of the world.
    pub fn run_to(&mut self, until: u64) {
        while self.step(until) {}
    }

    /// Jumps to the next thing that happens, but not beyond `until`: then it returns false.
    pub fn step(&mut self, until: u64) -> bool {
        if self.violation.is_some() {
            return false;
        }
        let arrival = self.network.next_arrival().unwrap_or(u64::MAX);
        let [a, b] = &mut self.units;
        let next = arrival.min(a.wake_at(self.now)).min(b.wake_at(self.now));
        if next > until {
            self.now = self.now.max(until);
            self.check();
            return false;
        }
        if next > self.now {
            self.now = next;
            self.at_once = 0;
        }
        self.at_once += 1;
        if self.at_once > MAX_AT_ONCE {
            self.violate(Rule::Progress, "time does not go on");
            return false;
        }
        while let Some(packet) = self.network.arrived(self.now) {
            let unit = &mut self.units[packet.to];
            if unit.hung_until.is_some() {
                unit.queue(packet);
            } else {
                self.deliver(packet);
            }
        }
        for unit in [A, B] {
            let it = &mut self.units[unit];
            if it.touched || it.wake_at(self.now) <= self.now {
                it.is_stale = true;
                self.wake(unit);
            }
        }
        self.check();
        self.violation.is_none()
    }

    /// Queued datagrams first, then what was carried out, then the timeout.
    fn wake(&mut self, unit: usize) {
        if let Some(until) = self.units[unit].hung_until {
            if until > self.now {
                return;
            }
            self.go_on(unit);
        }
        self.answer_actions(unit);
        let now = self.local(unit);
        let it = &mut self.units[unit];
        if let Some(machine) = &mut it.machine {
            if machine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                self.oracle.awake(unit, now, it.platform.holds);
                machine.handle_timeout(now);
                self.observed.calls += 1;
                if let Some(length) = it.hang_before_polling.take() {
                    it.was_polling = true;
                    self.hang(unit, length);
                    return;
                }
            }
            self.drain(unit);
        }
    }

    fn go_on(&mut self, unit: usize) {
        let it = &mut self.units[unit];
        it.hung_until = None;
        let missing = core::mem::take(&mut it.clock_stands);
        it.clock.step_back(self.now, missing);
        let was_polling = core::mem::take(&mut it.was_polling);
        let queue = core::mem::take(&mut it.queue);
        self.fault(unit, || "goes on".into());
        if !missing.is_zero() {
            self.oracle.clock_was_wrong(self.now);
        }
        if was_polling {
            self.drain(unit);
        }
        for packet in queue {
            self.deliver(packet);
            if self.poll_each {
                self.answer_actions(unit);
            }
        }
    }

    /// Hands in the answers of the platform that are due.
    fn answer_actions(&mut self, unit: usize) {
        while let Some(done) = self.units[unit].platform.done(self.now) {
            self.note(unit, || What::Done(done.action, done.outcome.is_ok()));
            let now = self.local(unit);
            let was_active = self.is_in(unit, State::Active);
            let it = &mut self.units[unit];
            if let Some(machine) = &mut it.machine {
                self.oracle.awake(unit, now, it.platform.holds);
                machine.handle_done(now, done.id, done.outcome);
                self.observed.calls += 1;
            }
            if done.action == "Install" && done.outcome.is_err() {
                self.judge_sync(unit, was_active, "a failed action of synchronization");
            }
            self.drain(unit);
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let unit = packet.to;
        let now = self.local(unit);
        let was_active = packet.channel != Channel::Pair && self.is_in(unit, State::Active);
        let it = &mut self.units[unit];
        if let Some(machine) = &mut it.machine {
            let peer = UnitId(1 - unit as u8);
            let from = Origin { peer, path: packet.path, channel: packet.channel };
            self.oracle.awake(unit, now, it.platform.holds);
            let result = machine.handle_datagram(now, from, &packet.bytes);
            it.touched = true;
            self.observed.calls += 1;
            match packet.channel {
                Channel::Pair => self.heard(unit, result, packet.path.0, &packet.bytes),
                _ => self.judge_sync(unit, was_active, "a datagram of synchronization"),
            }
            if self.poll_each {
                self.drain(unit);
            }
        }
        self.network.recycle(packet);
    }

    fn heard(&mut self, unit: usize, result: Result<(), Reject>, path: u8, bytes: &[u8]) {
        match (result, Glimpse::of(bytes)) {
            (Ok(()), Some(glimpse)) => {
                let heard = Heard {
                    now: self.now,
                    local: self.local(unit),
                    path,
                    glimpse,
                    peer_holds: self.units[1 - unit].platform.holds,
                    interval: self.intervals[1 - unit],
                };
                let verdict = self.oracle.hears(unit, &heard);
                self.judge(unit, verdict);
            }
            (Err(reject), _) if is_unreadable(&reject) => {
                self.violate(Rule::Wire, &format!("{} cannot read: {reject}", NAMES[unit]));
            }
            _ => {}
        }
    }

    fn judge_sync(&mut self, unit: usize, was_active: bool, fault: &str) {
        let left = was_active && !self.is_in(unit, State::Active);
        let verdict = self.oracle.sync_fault(unit, left, fault);
        self.judge(unit, verdict);
    }

    /// Polls and does all that a unit wants.
    fn drain(&mut self, unit: usize) {
        let now = self.local(unit);
        self.units[unit].touched = false;
        self.units[unit].is_stale = true;
        for _ in 0..MAX_AT_ONCE {
            let it = &mut self.units[unit];
            let Some(machine) = &mut it.machine else { return };
            self.oracle.awake(unit, now, it.platform.holds);
            let Some(output) = machine.poll_output(now, &mut self.buf) else {
                return;
            };
            let verdict = match output {
                Output::Transmit { to, len } => {
                    let bytes = &self.buf[..len];
                    let way = (to.path, to.channel);
                    self.network.send(self.now, &mut self.random, unit, way, bytes);
                    match (to.channel, Glimpse::of(bytes)) {
                        (Channel::Pair, Some(glimpse)) => {
                            self.trace.note(self.now, unit, || What::Sent(glimpse.stance));
                            self.oracle.sends(unit, now, glimpse)
                        }
                        (Channel::Pair, None) => Err((Rule::Wire, "it sends no heartbeat".into())),
                        _ => Ok(()),
                    }
                }
                Output::Action { id, action } => self.begin(unit, id, action),
                Output::Event(event) => S::news(event).map_or(Ok(()), |it| self.news(unit, it)),
            };
            if verdict.is_err() {
                return self.judge(unit, verdict);
            }
        }
        self.violate(Rule::Progress, "outputs do not end");
    }

    fn begin(&mut self, unit: usize, id: ha_core::machine::ActionId, action: S::Action) -> Verdict {
        let platform = &mut self.units[unit].platform;
        match S::duty(action) {
            Ok(action) => {
                platform.begin(self.now, id, action.name());
                let other = &self.units[1 - unit];
                let verdict = self.oracle.acts(self.now, unit, &action, || Circumstances {
                    delay: self.network.longest_delay,
                    interval: self.intervals[A].max(self.intervals[B]),
                    is_clean_conflict: other.platform.holds
                        && self.network.is_sure()
                        && self.units.iter().all(|unit| unit.slowest.is_zero()),
                });
                self.note(unit, || What::Action(action));
                verdict
            }
            Err(other) => {
                platform.begin(self.now, id, other);
                self.note(unit, || What::OtherAction(other));
                Ok(())
            }
        }
    }

    fn news(&mut self, unit: usize, event: Event) -> Verdict {
        let peer_holds = self.units[1 - unit].platform.holds;
        let local = self.local(unit);
        let verdict = self.oracle.news(self.now, unit, local, peer_holds, &event);
        match event {
            Event::RoleChanged { why, .. } if why != Why::Started => self.observed.role_change(why),
            Event::MayStop { .. } => self.units[unit].may_stop = true,
            _ => {}
        }
        self.note(unit, || What::Event(event));
        verdict
    }

    fn check(&mut self) {
        let holds = self.holds();
        let verdict = self.oracle.check(self.now, holds, || {
            // A platform that cannot withdraw keeps both Active; that is not the machines' fault.
            let excused = self.units.iter().any(|unit| unit.platform.cannot_withdraw);
            let slowest = self.units[A].slowest.max(self.units[B].slowest);
            let allowance = self.network.longest_delay + slowest;
            (!excused).then(|| (allowance, self.network.is_lossy()))
        });
        let is_open = holds == [false; 2] && [A, B].iter().any(|unit| self.could_take(*unit));
        self.oracle.gap.note(self.now, is_open);
        if let Err((rule, text)) = verdict {
            self.violate(rule, &text);
        }
    }

    /// Nothing outside of its machine keeps a unit from being Active.
    fn could_take(&self, unit: usize) -> bool {
        let it = &self.units[unit];
        it.machine.as_ref().is_some_and(|machine| machine.pair().state() != State::Left)
            && it.hung_until.is_none()
            && it.platform.is_well()
    }

    fn judge(&mut self, unit: usize, verdict: Verdict) {
        if let Err((rule, text)) = verdict {
            self.violate(rule, &format!("{} {text}", NAMES[unit]));
        }
    }

    /// Ends the run. The first violation is the one that counts.
    pub(crate) fn violate(&mut self, rule: Rule, text: &str) {
        let at = self.now();
        self.violation.get_or_insert_with(|| Violation { rule, at, text: text.into() });
    }

    /// What happened.
    #[must_use]
    pub fn into_trace(self) -> Vec<crate::Entry> {
        self.trace.into()
    }

    fn local(&self, unit: usize) -> Instant {
        self.units[unit].clock.at(self.now)
    }

    fn note(&mut self, unit: usize, what: impl FnOnce() -> What) {
        self.trace.note(self.now, unit, what);
    }
}

/// The datagram, not what it says, is wrong: the network here changes no bit, so its sender did that.
fn is_unreadable(reject: &Reject) -> bool {
    use Reject::{Serial, Stale, UnknownPeer, UnprovenStart};
    !matches!(reject, Stale | UnprovenStart | Serial | UnknownPeer)
}

/// What the units are called.
pub(crate) const NAMES: [&str; 2] = ["A", "B"];

impl<S: Subject> fmt::Debug for World<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("now", &self.now()).finish_non_exhaustive()
    }
}
