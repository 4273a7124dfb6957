//! How time passes: what is due at an instant, in the order of the contract.

use super::{A, B, World};
use crate::glimpse::Glimpse;
use crate::network::Packet;
use crate::oracle::Rule;
use crate::random::nanos;
use crate::subject::Subject;
use crate::trace::What;
use core::time::Duration;
use ha_core::identity::UnitId;
use ha_core::machine::{Channel, Origin, Output};
use ha_core::pair::State;

/// Outputs that one call can cause, and steps at one instant, at the most: more is a busy loop.
const MAX_AT_ONCE: usize = 2000;

impl<S: Subject> World<S> {
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
        self.tell_what_is_due(unit);
        let now = self.local(unit);
        let it = &mut self.units[unit];
        if let Some(machine) = &mut it.machine {
            if machine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                self.oracle.tells(unit, now, it.platform.holds);
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

    /// Hands in the answers of the platform that are due.
    pub(super) fn answer_actions(&mut self, unit: usize) {
        while let Some(done) = self.units[unit].platform.done(self.now) {
            self.note(unit, || What::Done(done.action, done.outcome.is_ok()));
            let now = self.local(unit);
            let was_active = self.is_in(unit, State::Active);
            let it = &mut self.units[unit];
            if let Some(machine) = &mut it.machine {
                self.oracle.tells(unit, now, it.platform.holds);
                machine.handle_done(now, done.id, done.outcome);
                self.observed.calls += 1;
            }
            self.oracle.carried_out(self.now, unit, done.action, done.outcome.is_ok());
            if done.action == "RestartService" {
                let was_alike = self.is_alike();
                let around = &mut self.units[unit].around;
                if around.restarted(self.now, done.id, done.outcome.is_ok()) {
                    self.surroundings_changed(was_alike, false, true);
                }
            }
            if done.action == "Persist" && done.outcome.is_ok() {
                let it = &mut self.units[unit];
                it.kept = it.keeping.take();
            }
            if done.action == "Install" && done.outcome.is_err() {
                self.judge_sync(unit, was_active, "a failed action of synchronization");
            }
            self.drain(unit);
        }
    }

    pub(super) fn deliver(&mut self, packet: Packet) {
        let unit = packet.to;
        let now = self.local(unit);
        let was_active = packet.channel != Channel::Pair && self.is_in(unit, State::Active);
        let it = &mut self.units[unit];
        if let Some(machine) = &mut it.machine {
            let peer = UnitId(1 - unit as u8);
            let from = Origin { peer, path: packet.path, channel: packet.channel };
            self.oracle.tells(unit, now, it.platform.holds);
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

    /// Polls and does all that a unit wants.
    pub(super) fn drain(&mut self, unit: usize) {
        let now = self.local(unit);
        self.units[unit].touched = false;
        self.units[unit].is_stale = true;
        for _ in 0..MAX_AT_ONCE {
            let it = &mut self.units[unit];
            let Some(machine) = &mut it.machine else { return };
            let holds = it.platform.holds;
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
                            self.oracle.sends(self.now, unit, now, holds, glimpse)
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
}
