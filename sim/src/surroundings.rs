//! What is around a unit: the links, the probe targets and the services that its monitors watch.
//!
//! It is there whether the unit runs or not. What of it the unit gets to know is told by the world: see
//! `world/around.rs`.

use crate::random::{Random, nanos};
use core::net::IpAddr;
use core::time::Duration;
use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::machine::ActionId;
use ha_core::monitor::{MonitorConfig, Probe, ProbeAnswer, ServiceScope};
use ha_core::pair::Input;
use std::collections::BTreeMap;

/// A service reports so often within its deadline.
const REPORTS: u32 = 3;
/// A service that was restarted reports so soon.
const RESTARTED: Duration = Duration::from_millis(20);

/// Something that is monitored; counted from 0 as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitored {
    /// A port of a link.
    Port(u8, u8),
    /// A probe target.
    Target(u8),
    /// A service.
    Service(u8),
}

/// How it is with something that is monitored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The port is up, the target answers, the service reports.
    Works,
    /// It does not. A service can be repaired by a restart.
    Fails,
    /// Nor can a restart repair it.
    IsBeyondRepair,
}

/// What each monitor counts: links, then targets, then the services that can move a role.
pub(crate) fn weights(config: &MonitorConfig) -> impl Iterator<Item = u16> + '_ {
    let links = config.interfaces().iter().filter_map(|it| it.physical).map(|link| link.weight);
    let targets = config.interfaces().iter().flat_map(|it| {
        let v4 = it.ipv4.filter(|v4| v4.target.is_some()).map(|v4| v4.weight);
        v4.into_iter().chain(it.ipv6.filter(|v6| v6.target.is_some()).map(|v6| v6.weight))
    });
    let services = config.services().iter().filter(|it| it.scope == ServiceScope::Both);
    links.chain(targets).chain(services.map(|it| it.weight))
}

/// What is around one unit.
#[derive(Debug)]
pub struct Surroundings {
    /// How long the answer to a probe takes at the most.
    pub delay: Duration,
    /// Of 1000 answers, so many are lost.
    pub loss: u64,
    links: Vec<(InterfaceId, Vec<bool>)>,
    targets: Vec<(InterfaceId, IpAddr, bool)>,
    services: Vec<Running>,
    answers: BTreeMap<(u64, u32), ProbeAnswer>,
    restarts: BTreeMap<ActionId, ServiceId>,
    random: Random,
    /// What each counts, in the order of [`Surroundings::fitness`].
    weights: Vec<u16>,
}

#[derive(Debug)]
struct Running {
    id: ServiceId,
    scope: ServiceScope,
    every: Duration,
    condition: Condition,
    /// When it reports next.
    next: u64,
}

impl Surroundings {
    /// All of it works.
    pub(crate) fn new(config: &MonitorConfig, seed: u64) -> Self {
        let mut links = Vec::new();
        let mut targets = Vec::new();
        for it in config.interfaces() {
            links.extend(it.physical.map(|link| (it.interface, vec![true; link.ports.into()])));
            let v4 = it.ipv4.and_then(|v4| v4.target).map(IpAddr::from);
            let v6 = it.ipv6.and_then(|v6| v6.target).map(IpAddr::from);
            let all = v4.into_iter().chain(v6);
            targets.extend(all.map(|target| (it.interface, target, true)));
        }
        let services = config.services().iter().map(|it| Running {
            id: it.id,
            scope: it.scope,
            every: it.deadline / REPORTS,
            condition: Condition::Works,
            next: 0,
        });
        Self {
            delay: Duration::ZERO,
            loss: 0,
            links,
            targets,
            services: services.collect(),
            answers: BTreeMap::new(),
            restarts: BTreeMap::new(),
            random: Random::new(seed),
            weights: weights(config).collect(),
        }
    }

    /// Changes one of them. Says whether there is such a thing.
    pub(crate) fn set(&mut self, now: u64, what: Monitored, to: Condition) -> bool {
        let works = to == Condition::Works;
        match what {
            Monitored::Port(link, port) => {
                let link = self.links.get_mut(usize::from(link));
                let port = link.and_then(|(_, ports)| ports.get_mut(usize::from(port)));
                port.map(|port| *port = works).is_some()
            }
            Monitored::Target(target) => {
                let target = self.targets.get_mut(usize::from(target));
                target.map(|(_, _, reached)| *reached = works).is_some()
            }
            Monitored::Service(service) => {
                let Some(service) = self.services.get_mut(usize::from(service)) else {
                    return false;
                };
                if works && service.condition != Condition::Works {
                    service.next = now + nanos(RESTARTED);
                }
                service.condition = to;
                true
            }
        }
    }

    // What it comes to.

    /// Which of what can make a unit less fit works: links, targets and services, in their order. A service
    /// that runs on the Active alone moves no role (CRASH-3).
    fn fitness(&self) -> impl Iterator<Item = bool> + '_ {
        let links = self.links.iter().map(|(_, ports)| ports.contains(&true));
        let targets = self.targets.iter().map(|(_, _, reached)| *reached);
        let services = self.services.iter().filter(|it| it.scope == ServiceScope::Both);
        links.chain(targets).chain(services.map(|it| it.condition == Condition::Works))
    }

    /// As far as a role depends on it, it is the same around both units.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.fitness().eq(other.fitness())
    }

    /// By how much of its weight this unit is less fit than one that has everything: a target counts if the
    /// peer reaches it (MON-4).
    pub(crate) fn lacks(&self, peer: &Self) -> u16 {
        let targets = self.links.len()..self.links.len() + self.targets.len();
        let both = self.fitness().zip(peer.fitness()).enumerate().zip(&self.weights);
        let lacking =
            both.filter(|((at, (ours, theirs)), _)| !ours && (*theirs || !targets.contains(at)));
        lacking.map(|(_, weight)| weight).sum()
    }

    // What a unit hears of it.

    /// What a unit is told of its links: when it starts, and when it has hung.
    pub(crate) fn links(&self) -> Vec<Input> {
        let ports = |(interface, ports): &(InterfaceId, Vec<bool>)| {
            let interface = *interface;
            let told =
                ports.iter().zip(0..).map(|(up, port)| Input::Link { interface, port, up: *up });
            told.collect::<Vec<_>>()
        };
        self.links.iter().flat_map(ports).collect()
    }

    /// A probe is sent. Says whether its answer is lost on the way.
    pub(crate) fn probe(&mut self, now: u64, probe: Probe) -> bool {
        let Probe { interface, target, sequence, .. } = probe;
        let is_it = |it: &&(InterfaceId, IpAddr, bool)| (it.0, it.1) == (interface, target);
        if !self.targets.iter().find(is_it).is_some_and(|(_, _, reached)| *reached) {
            return false;
        }
        if self.loss > 0 && self.random.chance(self.loss) {
            return true;
        }
        let delay = if self.delay.is_zero() { 0 } else { nanos(self.random.up_to(self.delay)) };
        // Two targets may have answers with the same number.
        let mut at = now + delay;
        while self.answers.contains_key(&(at, sequence)) {
            at += 1;
        }
        self.answers.insert((at, sequence), ProbeAnswer { interface, from: target, sequence });
        false
    }

    pub(crate) fn restarting(&mut self, id: ActionId, service: ServiceId) {
        self.restarts.insert(id, service);
    }

    /// A restart has been carried out, or has failed. Says whether it repaired the service.
    pub(crate) fn restarted(&mut self, now: u64, id: ActionId, is_done: bool) -> bool {
        let service = self.restarts.remove(&id).filter(|_| is_done);
        let service = self.services.iter_mut().find(|it| Some(it.id) == service);
        let Some(service) = service.filter(|it| it.condition == Condition::Fails) else {
            return false;
        };
        service.condition = Condition::Works;
        service.next = now + nanos(RESTARTED);
        true
    }

    /// When something is to be told next.
    pub(crate) fn next(&self) -> Option<u64> {
        let works = |it: &&Running| it.condition == Condition::Works;
        let reports = self.services.iter().filter(works).map(|it| it.next);
        reports.chain(self.answers.keys().next().map(|(at, _)| *at)).min()
    }

    /// Takes what is to be told now.
    pub(crate) fn due(&mut self, now: u64) -> Option<Input> {
        if let Some(first) = self.answers.first_entry()
            && first.key().0 <= now
        {
            return Some(Input::ProbeAnswered(first.remove()));
        }
        let is_due = |it: &&mut Running| it.condition == Condition::Works && it.next <= now;
        let service = self.services.iter_mut().find(is_due)?;
        service.next = now + nanos(service.every);
        Some(Input::ServiceAlive(service.id))
    }

    /// The unit starts, or goes on after it hung: what was to be told meanwhile is lost, and its services
    /// report again.
    pub(crate) fn begin(&mut self, now: u64) {
        self.answers.retain(|(at, _), _| *at > now);
        for service in &mut self.services {
            service.next = now + nanos(RESTARTED);
        }
    }

    /// The unit loses its power: nobody waits for answers any more.
    pub(crate) fn power_off(&mut self) {
        self.answers.clear();
        self.restarts.clear();
    }
}
