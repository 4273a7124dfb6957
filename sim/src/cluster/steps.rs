//! How time passes: what is due at an instant, in the order of the contract.

use super::oracle::{Rule, Take, Verdict};
use super::platform::About;
use super::setup::{PLACES, name};
use super::trace::What;
use super::world::World;
use crate::network::{Packet, Way};
use crate::random::nanos;
use appliance::node::{Action, Event};
use core::time::Duration;
use ha_core::identity::UnitId;
use ha_core::machine::{Channel, Destination, Machine as _, Origin, Output};
use ha_core::pair;
use svrrp::Message;
use svrrp::cluster;
use svrrp::election::Stance;

/// Outputs that one call can cause, and steps at one instant, at the most: more is a busy loop.
const MAX_AT_ONCE: usize = 4000;

impl World {
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
        let arrival = self.mesh.flying.next_arrival().unwrap_or(u64::MAX);
        let now = self.now;
        let wake = self.units.iter_mut().map(|unit| unit.wake_at(now)).min();
        let next = arrival.min(wake.unwrap_or(u64::MAX));
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
            self.violate(Rule::Progress, "time does not go on".into());
            return false;
        }
        while let Some(packet) = self.mesh.arrived(self.now) {
            let unit = &mut self.units[packet.to];
            if unit.hung_until.is_some() {
                unit.queue(packet);
            } else {
                self.deliver(packet);
            }
        }
        for unit in 0..PLACES {
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
        let Some(machine) = &self.units[unit].machine else { return };
        if machine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.before(unit);
            if let Some(machine) = &mut self.units[unit].machine {
                machine.handle_timeout(now);
            }
            self.observed.calls += 1;
        }
        self.drain(unit);
    }

    fn go_on(&mut self, unit: usize) {
        self.fault(unit, || "goes on".into());
        let it = &mut self.units[unit];
        it.hung_until = None;
        let queue = core::mem::take(&mut it.queue);
        for packet in queue.iter().filter(|packet| packet.channel == Channel::Svrrp) {
            self.oracle.hearing.waits(self.now, unit, packet.from, &packet.bytes);
        }
        for packet in queue {
            self.deliver(packet);
        }
        self.answer_actions(unit);
        self.tell_all(unit);
    }

    fn answer_actions(&mut self, unit: usize) {
        while let Some(done) = self.units[unit].platform.done(self.now) {
            self.trace.note(self.now, unit, || What::Done(done.about, done.outcome.is_ok()));
            let now = self.local(unit);
            if done.about == About::Pair("Persist") && done.outcome.is_ok() {
                let it = &mut self.units[unit];
                it.kept = it.keeping.take();
            }
            self.before(unit);
            if let Some(machine) = &mut self.units[unit].machine {
                machine.handle_done(now, done.id, done.outcome);
                self.observed.calls += 1;
            }
            self.drain(unit);
        }
    }

    /// A machine is about to be told something: it notices a stall.
    pub(super) fn before(&mut self, unit: usize) {
        let local = self.local(unit);
        self.oracle.awake(unit, local, self.units[unit].platform.holds);
    }

    fn deliver(&mut self, packet: Packet) {
        let (from, to) = (packet.from, packet.to);
        self.before(to);
        let now = self.local(to);
        if let Some(machine) = &mut self.units[to].machine {
            let peer = match packet.channel {
                Channel::Svrrp => UnitId(from as u8),
                _ => UnitId((from % 2) as u8),
            };
            let origin = Origin { peer, path: packet.path, channel: packet.channel };
            let result = machine.handle_datagram(now, origin, &packet.bytes);
            self.observed.calls += 1;
            self.units[to].touched = true;
            match packet.channel {
                _ if result.is_err() => {}
                Channel::Svrrp => self.oracle.heard(self.now, to, from, &packet.bytes),
                _ => self.oracle.heard_inside(self.now, to, from),
            }
            if self.setup.poll_each {
                self.drain(to);
            }
        }
        self.mesh.flying.recycle(packet);
    }

    /// Hands a datagram to a unit that runs, as if it came from outside.
    ///
    /// # Errors
    /// It was refused.
    pub fn inject(
        &mut self,
        unit: usize,
        from: Origin,
        bytes: &[u8],
    ) -> Result<(), ha_core::reject::Reject> {
        self.before(unit);
        let now = self.local(unit);
        let Some(machine) = &mut self.units[unit].machine else { return Ok(()) };
        let result = machine.handle_datagram(now, from, bytes);
        self.drain(unit);
        result
    }

    /// Polls and does all that a unit wants.
    pub(super) fn drain(&mut self, unit: usize) {
        let now = self.local(unit);
        self.units[unit].touched = false;
        self.units[unit].is_stale = true;
        let mut takes: Vec<Take> = Vec::new();
        for _ in 0..MAX_AT_ONCE {
            self.before(unit);
            let Some(machine) = &mut self.units[unit].machine else { return };
            let Some(output) = machine.poll_output(now, &mut self.buf) else {
                let verdict = takes.iter().try_for_each(|take| {
                    self.observed.take(take.why);
                    self.oracle.takes(self.now, unit, take, &self.units)
                });
                return self.judge(unit, verdict);
            };
            let verdict = match output {
                Output::Transmit { to, len } => self.transmit(unit, to, len),
                Output::Action { id, action: Action::Group(action) } => {
                    let (group, duty) = (action.group(), action.duty());
                    let about = About::Group(group, duty);
                    let takes = self.stance(unit, group) == Stance::Taking;
                    self.trace.note(self.now, unit, || What::Action(about));
                    self.units[unit].platform.begin(self.now, id, about, takes);
                    self.oracle.acts(unit, group, duty)
                }
                Output::Action { id, action: Action::Unit(action) } => {
                    if let appliance::Action::Pair(pair::Action::Persist { bytes, .. }) = &action {
                        self.units[unit].keeping = Some(bytes.clone());
                    }
                    let about = About::Pair(match &action {
                        appliance::Action::Pair(action) => action.name(),
                        appliance::Action::Sync(_) => "Install",
                    });
                    self.trace.note(self.now, unit, || What::Action(about));
                    self.units[unit].platform.begin(self.now, id, about, false);
                    if about == About::Pair("Withdraw") {
                        self.oracle.releases_role(unit, self.units[unit].platform.holds)
                    } else {
                        Ok(())
                    }
                }
                Output::Event(Event::Cluster(event)) => {
                    if let cluster::Event::Stance { group, to, why, .. } = event {
                        takes.extend((to == Stance::Taking).then_some(Take { group, why }));
                    }
                    self.observed.event(&event);
                    self.trace.note(self.now, unit, || What::Event(event));
                    Ok(())
                }
                Output::Event(Event::Unit(event)) => {
                    self.trace.note(self.now, unit, || {
                        What::OfPair(match event {
                            appliance::Event::Pair(event) => event.to_string(),
                            other => format!("{other:?}"),
                        })
                    });
                    Ok(())
                }
            };
            if verdict.is_err() {
                return self.judge(unit, verdict);
            }
        }
        self.violate(Rule::Progress, format!("the outputs of {} do not end", name(unit)));
    }

    fn transmit(&mut self, unit: usize, to: Destination, len: usize) -> Verdict {
        let bytes = &self.buf[..len];
        let (path, channel) = (to.path, to.channel);
        if channel != Channel::Svrrp {
            let way = Way { from: unit, to: unit ^ 1, path, channel };
            self.mesh.send(self.now, &mut self.random, way, bytes);
            return Ok(());
        }
        let place = usize::from(to.peer.0);
        let is_known = self.setup.members().any(|it| it.index() == place && place != unit);
        if !is_known || !self.setup.paths().any(|it| it == path) {
            return Err((Rule::Wire, format!("sends to {} on {path}", to.peer)));
        }
        let way = Way { from: unit, to: place, path, channel };
        self.mesh.send(self.now, &mut self.random, way, bytes);
        self.observed.datagrams += 1;
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(reject) => return Err((Rule::Wire, format!("sends what is refused: {reject}"))),
        };
        let local = self.local(unit);
        let holds = self.units[unit].platform.holds;
        let verdict = self.oracle.sends(self.now, unit, local, holds, &message);
        self.trace.note(self.now, unit, || What::Sent {
            to: place,
            path: path.0,
            message: Box::new(message),
        });
        verdict
    }

    /// The oracle learns what the machine of a unit is told of its ports.
    pub(super) fn links_told(&mut self, unit: usize) {
        let (local, setup) = (self.local(unit), self.setup);
        let it = &self.units[unit];
        for group in setup.groups() {
            let is_up = |at: &u8| it.told[usize::from(*at)].iter().any(|up| *up);
            let up = (0..setup.interfaces).filter(|at| setup.has(*at, group) && is_up(at));
            self.oracle.weights.is_told(unit, group, local, up.count() as u16);
        }
    }

    fn judge(&mut self, unit: usize, verdict: Verdict) {
        if let Err((rule, text)) = verdict {
            self.violate(rule, format!("{}: {text}", name(unit)));
        }
    }

    fn check(&mut self) {
        let delay = self.mesh.longest_delay;
        let is_lossless = self.mesh.is_lossless();
        if let Err((rule, text)) = self.oracle.check(self.now, &self.units, delay, !is_lossless) {
            self.violate(rule, text);
        }
    }
}
