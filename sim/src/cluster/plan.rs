//! What a run consists of: a configuration, and faults with their times. How both are drawn from a seed.

use super::broken::Broken;
use super::fault::{Fault, ranks_of};
use super::mesh::X0;
use super::setup::Setup;
use crate::platform::Answer;
use crate::random::{Random, nanos};
use core::fmt;
use core::time::Duration;

/// A fault, and when it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// Since the start of the world.
    pub at: Duration,
    /// What happens.
    pub fault: Fault,
}

/// All that a run depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the network's chances come from.
    pub seed: u64,
    /// The configuration.
    pub setup: Setup,
    /// In the order of their times.
    pub faults: Vec<Timed>,
    /// When everything is put right again.
    pub calm_at: Duration,
}

/// The actions of which a platform can make a mess.
const DUTIES: [&str; 6] = [
    "OpenForwarding",
    "TakeAddresses",
    "StopForwarding",
    "WithdrawAddresses",
    "RebuildConnections",
    "Announce",
];

impl Plan {
    /// The plan that a seed stands for.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        // Apart from the network's chances: a fault can be taken out and leaves the rest as it was.
        let mut random = Random::new(seed ^ 0x00c1_0575);
        let setup = draw_setup(&mut random);
        let mut plan = Self { seed, setup, faults: Vec::new(), calm_at: Duration::ZERO };
        plan.draw_faults(&mut random);
        plan
    }

    /// The same with this fault in the machines.
    #[must_use]
    pub fn with(mut self, broken: Option<&'static Broken>) -> Self {
        self.setup.broken = broken;
        self
    }

    /// The same with these faults only, by their numbers.
    #[must_use]
    pub fn only(mut self, numbers: &[usize]) -> Self {
        let all = self.faults.iter().enumerate();
        self.faults = all.filter(|(at, _)| numbers.contains(at)).map(|(_, it)| *it).collect();
        self
    }

    fn draw_faults(&mut self, random: &mut Random) {
        let failure_time = self.setup.failure_time();
        let mut at = Duration::ZERO;
        let members: Vec<usize> = self.setup.members().map(svrrp::Member::index).collect();
        // All start within a failure time, or one much later.
        for unit in &members {
            let late = if random.chance(100) { failure_time * 6 } else { failure_time / 2 };
            self.add(random.up_to(late), Fault::Start(*unit));
        }
        let happenings = random.below(12);
        at += failure_time * 2;
        for _ in 0..happenings {
            at += random.up_to(failure_time * 3);
            self.draw_fault(random, at, &members);
        }
        self.faults.sort_by_key(|timed| timed.at);
        self.calm_at = at + random.up_to(failure_time * 4);
        self.faults.retain(|timed| timed.at <= self.calm_at);
    }

    fn add(&mut self, at: Duration, fault: Fault) {
        // In whole microseconds, so that a person can read it.
        let at = Duration::from_micros(nanos(at) / 1000);
        self.faults.push(Timed { at, fault });
    }

    fn draw_fault(&mut self, random: &mut Random, at: Duration, members: &[usize]) {
        let setup = self.setup;
        let failure_time = setup.failure_time();
        let unit = random.pick(members);
        let node = || unit / 2;
        let later = at + random.up_to(failure_time * 4);
        let longest = failure_time * if random.chance(500) { 1 } else { 4 };
        let length = random.up_to(longest);
        let is_pair = setup.pairs[node()];
        match random.below(18) {
            0 | 1 => {
                self.add(at, Fault::Crash(unit));
                let back = if random.chance(500) { random.up_to(failure_time) } else { later - at };
                self.add(at + back, Fault::Start(unit));
            }
            2 | 3 => self.add(at, Fault::Hang(unit, length)),
            4 => {
                let by = random.up_to(failure_time * 2);
                let fault = match random.below(2) {
                    0 => Fault::JumpAhead(unit, by),
                    _ => Fault::SetBack(unit, by / 2),
                };
                self.add(at, fault);
            }
            5..=7 => {
                let other = random.below(setup.nodes.into()) as usize;
                let slots = u64::from(setup.cluster_links) + 1;
                let slot = match random.below(slots + 2) {
                    it if it < setup.cluster_links.into() => Some(it as usize),
                    it if it == setup.cluster_links.into() => Some(X0),
                    _ => None,
                };
                let (from, to) = match random.below(4) {
                    0 => (Some(node()), None),
                    1 => (None, Some(node())),
                    _ => (Some(node()), Some(other)),
                };
                self.add(at, Fault::Cut(from, to, slot, true));
                if random.chance(500) {
                    self.add(at, Fault::Cut(to, from, slot, true));
                }
                let heal = if random.chance(500) {
                    Fault::Heal
                } else {
                    Fault::Cut(from, to, slot, false)
                };
                self.add(later, heal);
            }
            8 => {
                self.add(at, Fault::Split(1 + random.below(14) as u8));
                self.add(later, Fault::Heal);
            }
            9 => {
                self.add(at, Fault::Loss(random.below(400)));
                self.add(later, Fault::Loss(setup.loss));
            }
            10..=12 => {
                let interface = random.below(setup.interfaces.into()) as u8;
                let port = random.below(setup.ports.into()) as u8;
                let mut at = at;
                for _ in 0..=random.below(4) {
                    self.add(at, Fault::Port(unit, interface, port, false));
                    at += random.up_to(setup.restore_hold / 2 + failure_time);
                    self.add(at, Fault::Port(unit, interface, port, true));
                    at += random.up_to(setup.restore_hold / 2 + failure_time);
                }
            }
            13 => {
                let action = random.pick(&DUTIES);
                let answer = match random.below(4) {
                    0 => Answer::FAILS,
                    1 => Answer::NEVER,
                    _ => Answer::after(random.up_to(failure_time * 2)),
                };
                self.add(at, Fault::Answer(unit, action, answer));
                self.add(later, Fault::Repair(unit));
            }
            14 => {
                self.add(at, Fault::License(unit, false));
                self.add(later, Fault::License(unit, true));
            }
            15 if is_pair => {
                self.add(at, Fault::Maintenance(unit, true));
                self.add(later, Fault::Maintenance(unit, false));
            }
            15 => {
                self.add(at, Fault::Bar(unit, true));
                self.add(later, Fault::Bar(unit, false));
            }
            16 if is_pair => {
                if random.chance(600) {
                    self.add(at, Fault::FailOver(unit));
                } else {
                    self.add(at, Fault::CutInside(node(), true));
                    self.add(later, Fault::CutInside(node(), false));
                }
            }
            _ => match random.below(1000) {
                // The others are drawn as ever, so that a seed stands for what it stood for.
                code if code >= 700 => self.add(at, Fault::SameVersion(unit, code)),
                code => self.add(at, Fault::Ranks(unit, code)),
            },
        }
    }
}

fn draw_setup(random: &mut Random) -> Setup {
    let interval = Duration::from_millis(random.pick(&[10, 50, 100, 1000]));
    let level = random.pick(&[2, 3, 3, 4, 5, 6]);
    let failure_time = interval * u32::from(level);
    let nodes = random.pick(&[2, 2, 3, 3, 4]);
    let with_pairs = random.chance(500);
    let pairs = [(); 4].map(|()| random.chance(500) && with_pairs);
    let cluster_links = random.pick(&[1, 1, 2, 3]);
    let is_quiet = random.chance(400);
    Setup {
        nodes,
        pairs,
        groups: random.pick(&[1, 1, 2, 4]),
        interfaces: random.pick(&[1, 2, 3]),
        ports: random.pick(&[1, 1, 2]),
        cluster_links,
        x0: random.chance(500),
        interval,
        level,
        restore_hold: match random.below(3) {
            0 => Duration::ZERO,
            1 => failure_time * 2,
            _ => failure_time * 8,
        },
        monitored: random.chance(700),
        ranks: ranks_of(random.below(1000)),
        delay: random.up_to(failure_time / 16),
        jitter: if random.chance(500) { random.up_to(failure_time / 16) } else { Duration::ZERO },
        loss: if is_quiet { 0 } else { random.below(150) },
        duplicates: if random.chance(300) { random.below(200) } else { 0 },
        drift: if random.chance(600) { random.below(10_000) as i64 } else { 0 },
        answer_delay: if random.chance(500) {
            random.up_to(failure_time / 16)
        } else {
            Duration::ZERO
        },
        poll_each: random.chance(500),
        odd: None,
        broken: None,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "{:?}", self.setup)?;
        for timed in &self.faults {
            writeln!(f, "{:>12.6}  {}", timed.at.as_secs_f64(), timed.fault)?;
        }
        write!(f, "{:>12.6}  calm", self.calm_at.as_secs_f64())
    }
}
