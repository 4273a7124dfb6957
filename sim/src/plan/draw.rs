//! How a plan is drawn from its seed.

use super::{Fault, Kind, Links, Plan, Setup, Timed, Way};
use crate::platform::Answer;
use crate::random::Random;
use crate::world::{A, B};
use core::time::Duration;

/// So many times something happens, in all kinds but the clean crash.
const HAPPENINGS: usize = 12;
/// What a change of health is put down to.
const REASONS: [&str; 4] =
    ["the probe to the provider", "the probe to the core", "the DHCP service", "a monitored link"];

/// What kinds of faults there are.
#[derive(Clone, Copy)]
struct Faults {
    /// Losses at the most, of 1000 datagrams.
    loss: u64,
    cuts: bool,
    crashes: bool,
    hangs: bool,
    actions: bool,
    health: bool,
}

const NONE: Faults =
    Faults { loss: 0, cuts: false, crashes: false, hangs: false, actions: false, health: true };

fn faults_of(kind: Kind) -> Faults {
    match kind {
        Kind::Quiet | Kind::Health | Kind::CleanCrash => NONE,
        Kind::Network => Faults { loss: 250, cuts: true, ..NONE },
        Kind::Hangs => Faults { hangs: true, ..NONE },
        Kind::Crashes => Faults { loss: 250, crashes: true, ..NONE },
        Kind::Actions => Faults { actions: true, crashes: true, ..NONE },
        Kind::Everything => Faults {
            loss: 250,
            cuts: true,
            crashes: true,
            hangs: true,
            actions: true,
            health: true,
        },
    }
}

pub(super) fn plan(seed: u64, kind: Kind) -> Plan {
    // Not the network's generator: a fault that is taken out of the list must not change it.
    let mut random = Random::new(seed ^ 0x5eed_fa11);
    let setup = setup(&mut random, kind);
    let mut draw = Draw { random, setup, at: Duration::ZERO, faults: Vec::new() };
    draw.starts();
    if kind == Kind::CleanCrash {
        draw.clean_crashes();
    } else {
        let few = draw.random.below(4) == 0;
        for _ in 0..if few { 3 } else { HAPPENINGS } {
            draw.wait(2);
            draw.happening(kind, faults_of(kind));
        }
        draw.wait(2);
    }
    let mut faults = draw.faults;
    // Restarts were drawn ahead. Equal times keep the order in which they were drawn.
    faults.sort_by_key(|timed| timed.at);
    let last = faults.last().map_or(Duration::ZERO, |timed| timed.at);
    Plan { seed, kind, broken: None, setup, faults, calm_at: draw.at.max(last) }
}

fn setup(random: &mut Random, kind: Kind) -> Setup {
    let interval = Duration::from_millis(random.pick(&[10, 10, 20, 50, 100, 1000]));
    let level = 2 + random.below(4) as u8;
    let failure_time = interval * u32::from(level);
    let delay = random.up_to(failure_time / 5);
    let is_fast = random.chance(300);
    let drift = random.below(10_000) as i64;
    let has_election_delay = random.chance(100);
    let election_delay = random.up_to(failure_time * 3);
    Setup {
        interval,
        level,
        paths: 1 + random.below(3) as usize,
        preempt: random.chance(200),
        stateful: random.chance(250),
        election_delay: if has_election_delay { election_delay } else { Duration::ZERO },
        rates: [drift / 2, -drift / 2],
        delay: if is_fast { Duration::ZERO } else { delay },
        jitter: random.up_to(failure_time / 5),
        loss: random.below(faults_of(kind).loss + 1),
        duplicates: random.below(200),
        poll_each: random.chance(500),
    }
}

struct Draw {
    random: Random,
    setup: Setup,
    at: Duration,
    faults: Vec<Timed>,
}

impl Draw {
    /// Lets up to so many failure times pass.
    fn wait(&mut self, failure_times: u32) {
        let span = self.span(failure_times);
        self.at += span;
    }

    fn span(&mut self, failure_times: u32) -> Duration {
        self.random.up_to(self.setup.failure_time() * failure_times)
    }

    fn add(&mut self, fault: Fault) {
        self.faults.push(Timed { at: self.at, fault });
    }

    fn add_later(&mut self, failure_times: u32, fault: Fault) {
        let at = self.at + self.span(failure_times);
        self.faults.push(Timed { at, fault });
    }

    fn unit(&mut self) -> usize {
        self.random.pick(&[A, B])
    }

    /// Both units start, one of them perhaps later.
    fn starts(&mut self) {
        let first = self.unit();
        self.add(Fault::Start(first));
        if self.random.chance(500) {
            self.wait(3);
        }
        self.add(Fault::Start(1 - first));
    }

    fn happening(&mut self, kind: Kind, faults: Faults) {
        let unit = self.unit();
        // A kind of its own is mostly about that.
        let what = match (kind, self.random.below(10)) {
            (Kind::Health, 0..=6) => 2,
            (_, what) => what,
        };
        match what {
            0 | 1 => {
                self.add(Fault::TakeOver(unit));
                // Who is impatient asks again while the first hand-over may be under way.
                if self.random.chance(300) {
                    self.add_later(3, Fault::TakeOver(unit));
                }
            }
            2 if faults.health => {
                let weight = self.random.below(3) as u16;
                let reason = self.random.pick(&REASONS);
                self.add(Fault::Weight(unit, weight, reason));
            }
            3 if faults.crashes => {
                self.add(Fault::Leave(unit));
                self.add_later(6, Fault::Start(unit));
            }
            4 | 5 if faults.crashes => {
                self.add(Fault::Crash(unit));
                if self.random.chance(700) {
                    self.add_later(4, Fault::Start(unit));
                }
            }
            6 if faults.hangs => self.hang(unit),
            // Where clocks are all that is wrong, there is more of it.
            4 | 5 if kind == Kind::Hangs => self.hang(unit),
            7 | 8 if faults.cuts => self.links(unit),
            9 | 3..=5 if faults.actions => self.action(unit),
            6 if faults.loss > 0 => {
                let loss = self.random.below(faults.loss * 2);
                self.add(Fault::Loss(loss));
            }
            _ => {}
        }
    }

    fn hang(&mut self, unit: usize) {
        let length = self.span(3);
        let fault = match self.random.below(6) {
            0 | 1 => Fault::Hang(unit, length),
            2 => Fault::HangBeforePolling(unit, length),
            3 => Fault::Pause(unit, length),
            4 => Fault::SetBack(unit, length),
            _ => Fault::JumpAhead(unit, length),
        };
        self.add(fault);
    }

    fn links(&mut self, unit: usize) {
        let path = self.random.below(self.setup.paths as u64) as usize;
        let (path, sender, way) = match self.random.below(7) {
            0 => (Some(path), Some(unit), Way::Cut),
            1 => (Some(path), None, Way::Cut),
            2 => (None, Some(unit), Way::Cut),
            3 => (None, None, Way::Cut),
            4 => (Some(path), None, Way::Heal),
            _ => (None, None, Way::Heal),
        };
        self.add(Fault::Links(Links { path, sender }, way));
    }

    fn action(&mut self, unit: usize) {
        let action = self.random.pick(&[
            "AdoptState",
            "OpenForwarding",
            "TakeAddresses",
            "Withdraw",
            "Install",
        ]);
        let slow = Answer::after(self.span(1));
        let answer = self.random.pick(&[slow, Answer::FAILS, Answer::NEVER, Answer::AT_ONCE]);
        if self.random.chance(100) {
            self.add(Fault::Repair(unit));
        } else {
            self.add(Fault::Answer(unit, action, answer));
        }
    }

    /// The Active crashes and comes back as Standby, several times; perhaps with a path lost.
    fn clean_crashes(&mut self) {
        let settled = self.setup.failure_time() * 6 + self.setup.election_delay;
        let unit = self.unit();
        // Who is alone is Active: so it is known who that is.
        self.faults.clear();
        self.at = Duration::ZERO;
        self.add(Fault::Start(unit));
        self.at += settled;
        self.add(Fault::Start(1 - unit));
        for turn in 0..4 {
            if self.setup.paths > 1 && self.random.chance(500) {
                let path = Some(self.random.below(self.setup.paths as u64) as usize);
                let all = Links { path: None, sender: None };
                self.add(Fault::Links(all, Way::Heal));
                self.add(Fault::Links(Links { path, ..all }, Way::Cut));
            }
            self.at += settled;
            self.wait(1);
            let active = if turn % 2 == 0 { unit } else { 1 - unit };
            self.add(Fault::Crash(active));
            self.at += settled;
            self.add(Fault::Start(active));
        }
        self.at += settled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan is what its seed says, and each kind has seeds of its own.
    #[test]
    fn a_plan_is_a_function_of_its_seed() {
        for seed in 0..200 {
            let plan = Plan::from_seed(seed);
            assert_eq!(plan, Plan::from_seed(seed));
            assert_eq!(plan.kind.seed(seed / 8), seed);
            assert!(plan.faults.is_sorted_by_key(|timed| timed.at));
            assert!(plan.setup.rates[0] - plan.setup.rates[1] <= 10_000);
        }
    }
}
