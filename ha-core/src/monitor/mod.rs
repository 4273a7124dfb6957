//! Monitoring: what decides a failover before a unit is lost. Links (MON-1, MON-2), probe targets (MON-3 to
//! MON-8), services (CRASH-1 to CRASH-3).
//!
//! The [role machine](crate::pair::Pair) drives it; an embedder meets it in three places:
//! - the [configuration](MonitorConfig), handed to
//!   [`PairConfigBuilder::monitoring`](crate::pair::PairConfigBuilder::monitoring);
//! - inputs and actions: [`Input::Link`](crate::pair::Input::Link),
//!   [`Input::ProbeAnswered`](crate::pair::Input::ProbeAnswered),
//!   [`Input::ServiceAlive`](crate::pair::Input::ServiceAlive), [`Action::Probe`](crate::pair::Action::Probe),
//!   [`Action::RestartService`](crate::pair::Action::RestartService);
//! - the [status](crate::pair::PairStatus), and events.
//!
//! # What it comes to
//! Each monitor has a weight. The health weight of a unit is [`FULL_WEIGHT`], without the weights of
//! - links that are down;
//! - targets that are lost on this unit alone: the peer has reached them by a probe that it sent after it had
//!   heard of this loss (MON-4);
//! - services that run on both units and have failed;
//!
//! and, on a unit that does not hold the role, of links and services of which it does not know yet that they work:
//! a port of each link has to be reported, and each service; a link that was down has to be up for ten seconds, and a
//! service that had failed has to report still after ten. A Standby has to show that it is fitter (MON-2), and one that has just started, with the same fault as its Active,
//! is not.
//!
//! So the same fault on both units leaves both weights alike, and moves nothing (CRASH-3, L2), and a monitor that only
//! one of them has configured yet makes neither fitter by being there. Both units know each other's weight and what
//! it lacks, by the heartbeats.
//!
//! # No clock, no sockets
//! Probes are actions, answers are inputs. A probe has time until the next one is due.

mod address;
mod config;
mod link;
pub(crate) mod report;
mod service;
mod status;
mod target;

pub use config::{
    DEADLINE_RANGE, Family, Ipv4Monitoring, Ipv6Monitoring, MAX_MONITORED, MAX_PORTS, MAX_SERVICES,
    MAX_TARGETS, MISSED_PROBES_RANGE, MonitorConfig, MonitorConfigBuilder, MonitorError,
    MonitoredInterface, PROBE_INTERVAL_RANGE, Physical, Service, ServiceScope, Zone,
};
pub use link::Ports;
pub use report::{Deduction, MAX_DEDUCTIONS, MonitorRef, Report, TargetReport};
pub use status::{LinkStatus, ServiceStatus, TargetStatus};
pub use target::{AnswerError, Probe, ProbeAnswer, Reach};

use crate::identity::{Designation, InterfaceId, ServiceId};
use crate::machine::ActionId;
use crate::pair::{Event, MonitoredLinks, Refusal, Rules, ServiceFailure};
use crate::time::Instant;
use alloc::vec::Vec;
use core::net::IpAddr;
use link::Link;
use service::{Change, Watched};
use target::Target;

/// The health weight of a unit that lacks nothing, without what its embedder adds
/// ([`Input::HealthWeight`](crate::pair::Input::HealthWeight)). All monitors together weigh less.
pub const FULL_WEIGHT: u16 = 10_000;

/// On a unit that is not Active, what was down or had failed counts again after so long: what repairs it must not
/// bring the role back, to be lost by the same fault of the peer (CRASH-3).
const RESTORE_HOLD: core::time::Duration = core::time::Duration::from_secs(10);

/// All that a unit monitors.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    probe_interval: core::time::Duration,
    missed_probes: u8,
    links: Vec<Link>,
    targets: Vec<Target>,
    services: Vec<Watched>,
    events: Vec<Event>,
    /// Something of what the peer is told has changed.
    has_news: bool,
    /// The unit holds the role.
    is_active: bool,
    rules: Rules,
}

impl Monitor {
    pub(crate) fn new(
        config: &MonitorConfig,
        unit: Designation,
        rules: Rules,
        now: Instant,
    ) -> Self {
        let mut links = Vec::new();
        let mut targets = Vec::new();
        for it in &config.interfaces {
            if let Some(physical) = it.physical {
                links.push(Link::new(it.interface, physical.ports, physical.weight));
            }
            let mut probe = |addresses: [IpAddr; 2], target: Option<IpAddr>, weight| {
                let source = *config::of(unit, &addresses);
                targets.extend(
                    target.map(|target| Target::new(it.interface, [source, target], weight, now)),
                );
            };
            if let Some(v4) = it.ipv4 {
                probe(v4.addresses.map(IpAddr::from), v4.target.map(IpAddr::from), v4.weight);
            }
            if let Some(v6) = it.ipv6 {
                probe(v6.addresses.map(IpAddr::from), v6.target.map(IpAddr::from), v6.weight);
            }
        }
        Self {
            probe_interval: config.probe_interval,
            missed_probes: config.missed_probes,
            links,
            targets,
            services: config.services.iter().map(|it| Watched::new(*it, now)).collect(),
            events: Vec::new(),
            has_news: false,
            is_active: false,
            rules,
        }
    }

    /// There is nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.links.is_empty() && self.targets.is_empty() && self.services.is_empty()
    }
}

// What the embedder tells.
impl Monitor {
    pub(crate) fn link(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        port: u8,
        up: bool,
    ) -> Result<(), Refusal> {
        let link = self.links.iter_mut().find(|link| link.interface == interface);
        let link = link.ok_or(Refusal::NotMonitored(interface))?;
        let before = link.is_up();
        if !link.report(now, port, up) {
            return Err(Refusal::NoSuchPort { interface, port });
        }
        if let Some(up) = link.is_up().filter(|_| link.is_up() != before) {
            self.events.push(Event::Link { interface, up });
        }
        Ok(())
    }

    pub(crate) fn answered(&mut self, answer: ProbeAnswer) -> Result<(), Refusal> {
        let ProbeAnswer { interface, from, sequence } = answer;
        let family = Family::of(from);
        let is_it = |it: &&mut Target| it.interface == interface && it.family() == family;
        let target = self.targets.iter_mut().find(is_it);
        let target = target.ok_or(Refusal::Answer(AnswerError::NotProbed))?;
        let before = target.reach;
        let is_news = target.answered(from, sequence).map_err(Refusal::Answer)?;
        self.has_news |= is_news;
        if before != target.reach {
            self.events.push(reach_event(target));
        }
        Ok(())
    }

    fn service(&mut self, id: ServiceId) -> Result<&mut Watched, Refusal> {
        let service = self.services.iter_mut().find(|it| it.service.id == id);
        service.ok_or(Refusal::NoSuchService(id))
    }

    pub(crate) fn alive(&mut self, now: Instant, id: ServiceId) -> Result<(), Refusal> {
        let change = self.service(id)?.alive(now);
        self.tell(id, change);
        Ok(())
    }

    pub(crate) fn failed(
        &mut self,
        now: Instant,
        id: ServiceId,
        why: ServiceFailure,
    ) -> Result<(), Refusal> {
        let may_restart = self.rules.may_restart;
        let change = self.service(id)?.fail(now, why, may_restart);
        self.tell(id, change);
        Ok(())
    }

    pub(crate) fn retry(&mut self, now: Instant, id: ServiceId) -> Result<(), Refusal> {
        let is_tried = self.service(id)?.retry(now);
        is_tried.then_some(()).ok_or(Refusal::NotFailed(id))
    }

    fn tell(&mut self, id: ServiceId, change: Change) {
        let Some(watched) = self.services.iter().find(|it| it.service.id == id) else { return };
        let (service, name) = (id, watched.service.name);
        match change {
            Change::None => {}
            Change::Failed(why) => {
                self.events.push(Event::ServiceFailed { service, name, why });
                if watched.is_given_up {
                    self.events.push(Event::ServiceGivenUp { service, name });
                }
            }
            Change::Recovered => self.events.push(Event::ServiceRecovered { service, name }),
            Change::GivenUp => self.events.push(Event::ServiceGivenUp { service, name }),
        }
    }
}

// Time, the peer, the own role.
impl Monitor {
    pub(crate) fn next(&self) -> Option<Instant> {
        let targets = self.targets.iter().map(Target::next);
        let services = self.services.iter().filter_map(Watched::next);
        let links = self.links.iter().filter_map(Link::next);
        targets.chain(services).chain(links).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for target in &mut self.targets {
            let before = target.reach;
            self.has_news |= target.handle_timeout(now, self.probe_interval, self.missed_probes);
            if before != target.reach {
                self.events.push(reach_event(target));
            }
        }
        self.links.iter_mut().for_each(|link| link.handle_timeout(now));
        let overdue: Vec<_> =
            self.services.iter().filter(|it| it.is_overdue(now)).map(|it| it.service.id).collect();
        for id in overdue {
            // It is there.
            let _ = self.failed(now, id, ServiceFailure::Overdue);
        }
    }

    /// What the peer says of the targets. `knows_us`: it has heard this start of this unit.
    pub(crate) fn hear(&mut self, now: Instant, report: &Report, knows_us: bool) {
        if !knows_us {
            return;
        }
        for target in &mut self.targets {
            let is_it = |it: &&TargetReport| {
                it.interface == target.interface && it.family == target.family()
            };
            if let Some(peer) = report.targets.iter().find(is_it) {
                let before = target.report();
                target.hear(now, *peer);
                self.has_news |= target.report() != before;
            }
        }
    }

    pub(crate) fn forget_peer(&mut self) {
        self.targets.iter_mut().for_each(Target::forget_peer);
    }

    pub(crate) fn stalled(&mut self, now: Instant) {
        self.targets.iter_mut().for_each(|target| target.stalled(now));
        self.services.iter_mut().for_each(|service| service.stalled(now));
    }

    /// The unit was woken later than it wanted to be: for so long nothing was heard of its services. Twice that is given,
    /// since what there was to be heard may come one after the other. Targets need nothing: several probes have to be
    /// missed.
    pub(crate) fn late(&mut self, by: core::time::Duration) {
        let by = by.saturating_mul(2);
        self.services.iter_mut().for_each(|service| service.late(by));
    }

    pub(crate) fn active(&mut self, now: Instant, active: bool) {
        self.is_active = active;
        self.services.iter_mut().for_each(|service| service.active(now, active));
    }
}

// What is to be done and told.
impl Monitor {
    pub(crate) fn poll_probe(&mut self) -> Option<Probe> {
        self.targets.iter_mut().find_map(Target::poll)
    }

    /// A service whose restart is to be asked for.
    pub(crate) fn wants_restart(&self) -> Option<ServiceId> {
        let watched = self.services.iter().find(|it| it.wants_restart())?;
        Some(watched.service.id)
    }

    /// It is asked for, by this action.
    pub(crate) fn restarting(&mut self, now: Instant, service: ServiceId, id: ActionId) {
        if let Some(watched) = self.services.iter_mut().find(|it| it.service.id == service) {
            watched.restarting(now, id);
        }
    }

    /// Says whether the action was a restart.
    pub(crate) fn restarted(&mut self, now: Instant, id: ActionId) -> bool {
        self.services.iter_mut().any(|it| it.restarted(now, id))
    }

    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    pub(crate) fn take_news(&mut self) -> bool {
        core::mem::take(&mut self.has_news)
    }
}

// What it comes to.
impl Monitor {
    /// The whole weight, without what is deducted.
    pub(crate) fn weight(&self) -> u16 {
        self.deductions().fold(FULL_WEIGHT, |rest, it| rest.saturating_sub(it.weight))
    }

    fn is_link_deducted(&self, it: &Link) -> bool {
        it.is_deducted(self.must_show())
    }

    /// Whether what is not known counts against this unit.
    fn must_show(&self) -> bool {
        (self.rules.must_show)(self.is_active)
    }

    fn is_one_sided(&self, it: &Target) -> bool {
        (self.rules.is_one_sided)(it.reach, it.peer_reach(), it.is_confirmed())
    }

    pub(crate) fn deductions(&self) -> impl Iterator<Item = Deduction> + '_ {
        let links = self.links.iter().filter(|it| self.is_link_deducted(it));
        let links = links.map(|it| (MonitorRef::Link(it.interface), it.weight));
        let targets = self.targets.iter().filter(|it| self.is_one_sided(it));
        let targets = targets.map(|it| (MonitorRef::Target(it.interface, it.family()), it.weight));
        let services = self.services.iter().filter(|it| it.is_deducted(self.must_show()));
        let services = services.map(|it| (MonitorRef::Service(it.service.id), it.service.weight));
        let all = links.chain(targets).chain(services);
        all.map(|(monitor, weight)| Deduction { monitor, weight })
    }

    pub(crate) fn report(&self) -> Report {
        Report {
            deductions: Report::shortened(self.deductions().collect()),
            targets: self.targets.iter().map(Target::report).collect(),
        }
    }

    /// For isolation (BEY-3): a link of which nothing is known is not down. `None` if no links are monitored.
    pub(crate) fn links(&self) -> Option<MonitoredLinks> {
        let count = |count| u16::try_from(count).unwrap_or(u16::MAX);
        let up = self.links.iter().filter(|link| link.is_up() != Some(false)).count();
        (!self.links.is_empty())
            .then(|| MonitoredLinks { configured: count(self.links.len()), up: count(up) })
    }
}

fn reach_event(target: &Target) -> Event {
    let Target { interface, target, reach, .. } = *target;
    Event::Target { interface, target, reach }
}
