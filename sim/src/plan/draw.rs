//! How a plan is drawn from its seed.

mod around;

use super::{Fault, Kind, Links, Plan, Setup, Timed, Way};
use crate::platform::Answer;
use crate::random::Random;
use crate::world::{A, B};
use core::time::Duration;
use ha_core::pair::{Departure, Maintenance, Mode};

/// So many times something happens, in all kinds but the clean crash, and where the role may not follow
/// each change.
const HAPPENINGS: usize = 12;
const FLAPPING: usize = 30;
/// What a change of health is put down to, and a demotion.
pub(super) const REASONS: [&str; 7] = [
    "the probe to the provider",
    "the probe to the core",
    "the DHCP service",
    "a monitored link",
    "disk",
    "fan",
    "power",
];
/// How long maintenance that ends by itself lasts at the most, in failure times.
pub(crate) const LONGEST_MAINTENANCE: u32 = 6;
const WEIGHT_REASONS: usize = 4;
/// The actions of which a platform can make a mess.
pub(super) const DUTIES: [&str; 6] =
    ["AdoptState", "OpenForwarding", "TakeAddresses", "Withdraw", "Install", "Persist"];

/// What kinds of faults there are.
#[derive(Clone, Copy)]
struct Faults {
    /// Losses at the most, of 1000 datagrams.
    loss: u64,
    cuts: bool,
    crashes: bool,
    hangs: bool,
    actions: bool,
}

const NONE: Faults = Faults { loss: 0, cuts: false, crashes: false, hangs: false, actions: false };

fn faults_of(kind: Kind) -> Faults {
    match kind {
        Kind::Quiet | Kind::CleanCrash | Kind::Flaps => NONE,
        Kind::Network => Faults { loss: 250, cuts: true, ..NONE },
        Kind::Hangs => Faults { hangs: true, ..NONE },
        Kind::Crashes => Faults { loss: 250, crashes: true, ..NONE },
        Kind::Actions => Faults { actions: true, crashes: true, ..NONE },
        Kind::Health => Faults { cuts: true, ..NONE },
        Kind::Orders => Faults { crashes: true, ..NONE },
        // Losses that a trigger level of 2 bears most of the time.
        Kind::Alike => Faults { loss: 50, ..NONE },
        Kind::Monitors => Faults { loss: 50, cuts: true, crashes: true, hangs: true, ..NONE },
        Kind::Everything => {
            Faults { loss: 250, cuts: true, crashes: true, hangs: true, actions: true }
        }
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
    } else if kind == Kind::Alike {
        draw.alike();
    } else if kind == Kind::Monitors {
        draw.monitors();
    } else {
        let few = draw.random.below(4) == 0;
        let many = if kind == Kind::Flaps { FLAPPING } else { HAPPENINGS };
        for _ in 0..if few { 3 } else { many } {
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
    let mut setup = setup_of_all(random, kind);
    if matches!(kind, Kind::Monitors | Kind::Alike) {
        around::setup(random, &mut setup);
    }
    setup
}

fn setup_of_all(random: &mut Random, kind: Kind) -> Setup {
    let interval = random.pick(match kind {
        // Probes are seconds apart.
        Kind::Monitors | Kind::Alike => &[100, 200, 500, 1000],
        _ => &[10, 10, 20, 50, 100, 1000],
    });
    let interval = Duration::from_millis(interval);
    let level = 2 + random.below(4) as u8;
    let failure_time = interval * u32::from(level);
    let paths = 1 + random.below(3) as u8;
    let mode = mode(random);
    let many = kind == Kind::Everything;
    let is_told = many || matches!(kind, Kind::Health | Kind::Orders);
    let is_slow = many || kind == Kind::Network;
    // Of each, whether it is there is drawn apart from how much of it there is.
    let mut some = |per_mille: u64, failure_times: u32| {
        let is_there = random.chance(per_mille);
        let length = whole_micros(random.up_to(failure_time * failure_times));
        if is_there { length } else { Duration::ZERO }
    };
    let election_delay = some(100, 3);
    let readiness_limit = some(if is_told { 250 } else { 0 }, 5);
    let slow = some(if is_slow && paths > 1 { 250 } else { 0 }, 3);
    let fifth = whole_micros(failure_time / 5);
    let delay = whole_micros(random.up_to(fifth));
    let is_fast = random.chance(300);
    Setup {
        interval,
        level,
        paths,
        data: random.chance(300),
        lan: random.chance(300),
        mode,
        own_sync: mode.is_stateful() && random.chance(700),
        preempt: matches!(mode, Mode::ActiveStandby { .. }) && random.chance(200),
        mixed: is_told && random.chance(50),
        election_delay,
        flap_limit: random.pick(&[1, 2, 3, 3, 10]),
        flap_window: Duration::from_secs(random.pick(&[1, 1, 10, 600])),
        readiness_limit,
        drift: random.below(10_000) as i64,
        delay: if is_fast { Duration::ZERO } else { delay },
        jitter: whole_micros(random.up_to(fifth)),
        slow,
        loss: random.below(faults_of(kind).loss + 1),
        duplicates: random.below(200),
        poll_each: random.chance(500),
        ..Setup::default()
    }
}

fn mode(random: &mut Random) -> Mode {
    let is_stateful = random.chance(250);
    let stateful = random.pick(&[
        Mode::ActiveStandby { stateful: true },
        Mode::ActiveStandby { stateful: true },
        Mode::ActiveActiveDpi,
        Mode::ActiveActiveClustering { stateful: true },
        Mode::ActiveActiveDpiClustering,
    ]);
    let clusters = random.chance(50);
    match (is_stateful, clusters) {
        (true, _) => stateful,
        (false, true) => Mode::ActiveActiveClustering { stateful: false },
        (false, false) => Mode::ActiveStandby { stateful: false },
    }
}

/// So that a person can read it.
fn whole_micros(length: Duration) -> Duration {
    Duration::from_micros(u64::try_from(length.as_micros()).unwrap_or(0))
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
        whole_micros(self.random.up_to(self.setup.failure_time() * failure_times))
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
        for unit in [A, B] {
            self.ready(self.at, unit);
        }
    }

    fn happening(&mut self, kind: Kind, faults: Faults) {
        let unit = self.unit();
        if self.setup.own_sync && self.random.chance(400) {
            self.connections();
        }
        // A kind of its own is mostly about that.
        match (kind, self.random.below(10)) {
            (Kind::Health, 0..=6) => return self.news(unit),
            (Kind::Orders, 0..=6) => return self.order(unit),
            (Kind::Flaps, 0..=7) => return self.weight(unit),
            (Kind::Everything, 0) => return self.news(unit),
            (Kind::Everything, 1) => return self.order(unit),
            _ => {}
        }
        match self.random.below(10) {
            0 | 1 => {
                self.add(Fault::TakeOver(unit));
                // Who is impatient asks again while the first hand-over may be under way.
                if self.random.chance(300) {
                    self.add_later(3, Fault::TakeOver(unit));
                }
            }
            2 => self.weight(unit),
            3 if faults.crashes => self.leave(unit),
            4 | 5 if faults.crashes => {
                self.add(Fault::Crash(unit));
                if self.random.chance(700) {
                    self.start_later(4, unit);
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

    fn weight(&mut self, unit: usize) {
        let weight = self.random.below(3) as u16;
        let reason = self.random.pick(&REASONS[..WEIGHT_REASONS]);
        self.add(Fault::Weight(unit, weight, reason));
    }

    /// What a unit is told of itself.
    fn news(&mut self, unit: usize) {
        let yes = self.random.chance(500);
        match self.random.below(8) {
            0 | 1 => self.cables(unit),
            2 | 3 => {
                let reason = self.random.pick(&REASONS[WEIGHT_REASONS..]);
                let lasts = self.span(4);
                let lasts = self.random.chance(500).then_some(lasts);
                self.add(Fault::Demote(unit, reason, lasts));
                if lasts.is_none() && yes {
                    self.add_later(6, Fault::Lift(unit, reason));
                }
            }
            4 if !self.setup.readiness_limit.is_zero() => self.add(Fault::Ready(unit, yes)),
            4 | 5 if self.setup.told_of_state() => self.add(Fault::Synchronized(unit, yes)),
            4 if self.setup.mixed => self.add(Fault::Upgrade(unit, yes)),
            _ => self.weight(unit),
        }
    }

    /// Cables are pulled: of the monitored links, perhaps together with the paths to the peer.
    fn cables(&mut self, unit: usize) {
        let up = self.random.pick(&[0, 0, 1, 2]);
        self.add(Fault::MonitoredLinks(unit, 2, up));
        let all = Links { path: None, sender: None };
        if self.random.chance(500) {
            self.add(Fault::Links(all, Way::Cut));
            self.add_later(4, Fault::Links(all, Way::Heal));
        }
        if self.random.chance(500) {
            self.add_later(4, Fault::MonitoredLinks(unit, 2, 1));
        }
    }

    /// What an administrator wants.
    fn order(&mut self, unit: usize) {
        let lasts = self.span(LONGEST_MAINTENANCE).max(Duration::from_millis(1));
        let lasts = Duration::from_millis(u64::try_from(lasts.as_millis()).unwrap_or(1));
        match self.random.below(9) {
            0 => self.add(Fault::TakeOver(unit)),
            1 | 2 => self.add(Fault::FailOver(unit)),
            3 => self.maintenance(unit, Some(lasts)),
            4 => {
                self.maintenance(unit, None);
                if self.random.chance(600) {
                    self.add_later(6, Fault::Maintenance(unit, Maintenance::Off));
                }
            }
            5 => self.add(Fault::Maintenance(unit, Maintenance::Off)),
            6 => self.leave(unit),
            7 => {
                let answer = Answer::after(self.span(3));
                let answer = self.random.pick(&[answer, Answer::FAILS, Answer::NEVER]);
                self.add(Fault::Answer(unit, "Persist", answer));
                self.add_later(4, Fault::Repair(unit));
            }
            _ => {
                self.add(Fault::Crash(unit));
                self.start_later(3, unit);
            }
        }
    }

    fn maintenance(&mut self, unit: usize, lasts: Option<Duration>) {
        self.add(Fault::Maintenance(unit, Maintenance::On { lasts }));
        // Whether it still acts as it should shows when its peer is gone.
        if self.random.chance(400) {
            self.wait(1);
            self.add(Fault::Crash(1 - unit));
            self.start_later(6, 1 - unit);
        }
    }

    fn leave(&mut self, unit: usize) {
        let for_what = self.random.pick(&[Departure::Stop, Departure::Restart]);
        self.add(Fault::Leave(unit, for_what));
        self.start_later(6, unit);
    }

    /// With what it kept, or without.
    fn start_later(&mut self, failure_times: u32, unit: usize) {
        let at = self.at + self.span(failure_times);
        if self.random.chance(200) {
            self.faults.push(Timed { at, fault: Fault::Forget(unit) });
        }
        self.faults.push(Timed { at, fault: Fault::Start(unit) });
        self.ready(at, unit);
    }

    fn ready(&mut self, at: Duration, unit: usize) {
        if !self.setup.readiness_limit.is_zero() && self.random.chance(600) {
            let at = at + self.span(4);
            self.faults.push(Timed { at, fault: Fault::Ready(unit, true) });
        }
    }

    fn connections(&mut self) {
        for _ in 0..=self.random.below(3) {
            let number = self.random.below(8) as u8;
            let mark = self.random.below(1000) as u32;
            let ends = self.random.chance(250);
            self.add(if ends { Fault::Ends(number) } else { Fault::Opens(number, mark) });
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
        if self.random.chance(150) {
            return self.impatience(unit);
        }
        let path = self.random.below(self.setup.paths.into()) as usize;
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
        if self.random.chance(150) {
            // Whoever is Active cannot give the role up, and is to.
            self.add(Fault::Answer(unit, "Withdraw", Answer::FAILS));
            return self.add(Fault::FailOver(unit));
        }
        let action = self.random.pick(&DUTIES);
        let slow = Answer::after(self.span(1));
        let answer = self.random.pick(&[slow, Answer::FAILS, Answer::NEVER, Answer::AT_ONCE]);
        if self.random.chance(100) {
            self.add(Fault::Repair(unit));
        } else {
            self.add(Fault::Answer(unit, action, answer));
        }
    }

    /// An administrator orders again what was not done in time: the first question comes through at the last
    /// moment, and is answered when the second one has been asked.
    fn impatience(&mut self, unit: usize) {
        let Setup { interval, .. } = self.setup;
        let failure_time = self.setup.failure_time();
        let links = Links { path: None, sender: Some(unit) };
        self.add(Fault::Links(links, Way::Cut));
        self.add(Fault::TakeOver(unit));
        self.at += failure_time - interval - whole_micros(self.random.up_to(interval / 2));
        self.add(Fault::Links(links, Way::Heal));
        self.at += interval + interval / 2 + whole_micros(self.random.up_to(interval));
        self.add(Fault::TakeOver(unit));
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
                let path = Some(self.random.below(self.setup.paths.into()) as usize);
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

    /// A plan is what its seed says; each kind has seeds of its own, and together they have all.
    #[test]
    fn a_plan_is_a_function_of_its_seed() {
        for seed in 0..200 {
            let plan = Plan::from_seed(seed);
            assert_eq!(plan, Plan::from_seed(seed));
            assert!((0..200).any(|number| plan.kind.seed(number) == seed));
            assert!(plan.faults.is_sorted_by_key(|timed| timed.at));
            assert!(plan.setup.drift <= 10_000);
        }
    }
}
