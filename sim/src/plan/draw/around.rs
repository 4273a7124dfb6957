//! What is monitored, and what happens to it.

use super::{Draw, Links, Way, whole_micros};
use crate::monitored::monitoring;
use crate::oracle::memory;
use crate::plan::{Fault, Setup, Whom};
use crate::random::Random;
use crate::surroundings::{Condition, Monitored};
use core::time::Duration;

/// So many times something happens around the units.
const HAPPENINGS: usize = 12;
/// So far apart at the most the same happens to both units.
const WITHIN: Duration = Duration::from_secs(1);

/// All times are in proportion to those of the heartbeats, so that a run has not too many events.
pub(super) fn setup(random: &mut Random, setup: &mut Setup) {
    let is_slow = setup.interval == Duration::from_secs(1);
    let seconds = random.pick(if is_slow { &[5, 5, 20, 20, 60, 255] } else { &[5, 5, 5, 10] });
    let probe_interval = Duration::from_secs(seconds);
    let is_delayed = random.chance(700);
    let is_lossy = random.chance(300);
    let delay = whole_micros(random.up_to(Duration::from_millis(200)));
    let loss = random.below(100);
    *setup = Setup {
        links: random.below(3) as u8,
        ports: 1 + random.below(2) as u8,
        targets: random.below(3) as u8,
        services: random.below(3) as u8,
        probe_interval,
        missed_probes: 1 + random.below(3) as u8,
        answer_delay: if is_delayed { delay } else { Duration::ZERO },
        answer_loss: if is_lossy { loss } else { 0 },
        deadline: probe_interval / random.pick(&[1, 2, 5]),
        restarts: random.below(4) as u8,
        restart_window: probe_interval * random.pick(&[2, 10, 100]),
        ..*setup
    };
    if !setup.monitors() {
        setup.targets = 1;
    }
}

impl Draw {
    /// So long a unit may count what is no longer so.
    fn memory(&self) -> Duration {
        memory(&monitoring(&self.setup), self.setup.failure_time())
    }

    fn pass(&mut self, at_most: Duration) {
        let span = whole_micros(self.random.up_to(at_most));
        self.at += span;
    }

    fn settle(&mut self) {
        self.at += self.setup.failure_time() * 6 + self.setup.election_delay;
    }

    fn monitored(&mut self) -> Monitored {
        let Setup { links, ports, targets, services, .. } = self.setup;
        let mut all = Vec::new();
        all.extend((0..links).flat_map(|link| (0..ports).map(move |it| Monitored::Port(link, it))));
        all.extend((0..targets).map(Monitored::Target));
        all.extend((0..services).map(Monitored::Service));
        self.random.pick(&all)
    }

    /// The same around both units, within a second, and again when it is over.
    pub(super) fn alike(&mut self) {
        self.settle();
        self.at += self.memory();
        for _ in 0..=self.random.below(3) {
            let what = self.monitored();
            let fails = self.random.pick(&[Condition::Fails, Condition::IsBeyondRepair]);
            for to in [fails, Condition::Works] {
                self.around_both(what, to);
                // Mostly until both know of it, and nothing of what was before is remembered.
                if self.random.chance(800) {
                    self.at += self.memory();
                }
                self.pass(self.memory());
            }
        }
    }

    fn around_both(&mut self, what: Monitored, to: Condition) {
        if self.random.chance(200) {
            return self.around(Whom::Both, what, to);
        }
        let first = self.unit();
        self.around(Whom::One(first), what, to);
        self.pass(WITHIN);
        self.around(Whom::One(1 - first), what, to);
    }

    /// A link fails with all its ports.
    fn around(&mut self, whom: Whom, what: Monitored, to: Condition) {
        match what {
            Monitored::Port(link, _) => {
                for port in 0..self.setup.ports {
                    self.add(Fault::Around(whom, Monitored::Port(link, port), to));
                }
            }
            _ => self.add(Fault::Around(whom, what, to)),
        }
    }

    /// Anything around anybody, and now and then something else that is wrong.
    pub(super) fn monitors(&mut self) {
        let few = self.random.below(4) == 0;
        for _ in 0..if few { 3 } else { HAPPENINGS } {
            self.pass(self.memory() / 2);
            let unit = self.unit();
            match self.random.below(12) {
                0 => {
                    self.add(Fault::Crash(unit));
                    self.start_later(6, unit);
                }
                1 => self.hang(unit),
                2 => self.cut(unit),
                3 => self.cut_off(unit),
                4 => self.again_and_again(unit),
                _ => {
                    let whom = if self.random.chance(200) { Whom::Both } else { Whom::One(unit) };
                    let what = self.monitored();
                    let to = self.random.pick(&[
                        Condition::Fails,
                        Condition::IsBeyondRepair,
                        Condition::Works,
                    ]);
                    self.add(Fault::Around(whom, what, to));
                }
            }
        }
        self.pass(self.memory() / 2);
    }

    /// Paths are cut, for a while. (Nobody orders anything: who is ordered away does not come back by itself.)
    fn cut(&mut self, unit: usize) {
        let path = self.random.below(self.setup.paths.into()) as usize;
        let path = self.random.pick(&[None, Some(path)]);
        let sender = self.random.pick(&[None, Some(unit)]);
        let links = Links { path, sender };
        self.add(Fault::Links(links, Way::Cut));
        self.add_later(6, Fault::Links(links, Way::Heal));
    }

    /// All links of a unit go down, and it does not hear its peer either (BEY-3).
    fn cut_off(&mut self, unit: usize) {
        let all = Links { path: None, sender: None };
        for to in [Condition::Fails, Condition::Works] {
            for link in 0..self.setup.links {
                self.around(Whom::One(unit), Monitored::Port(link, 0), to);
            }
            let way = if to == Condition::Fails { Way::Cut } else { Way::Heal };
            self.add(Fault::Links(all, way));
            self.wait(4);
        }
    }

    /// A service does not last (CRASH-1).
    fn again_and_again(&mut self, unit: usize) {
        if self.setup.services > 0 {
            let service = self.random.below(self.setup.services.into()) as u8;
            for _ in 0..6 {
                let fails = Condition::Fails;
                self.add(Fault::Around(Whom::One(unit), Monitored::Service(service), fails));
                self.pass(self.setup.deadline * 2);
            }
        }
    }
}
