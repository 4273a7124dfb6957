//! What a unit tells of its monitors is so (MON-1 to MON-4, CRASH-1, CRASH-3). Its weight lacks exactly
//! - the links that it was told are down, on all their ports;
//! - the services that have not reported within their deadline;
//! - unless it says that it is Active, the links of which it was told too little, the services that have not
//!   reported since its start, and those that have not reported [`RESTORE_HOLD`] after they did so again, or that were
//!   down so long ago;
//! - of the targets only such as it has declared lost after so many probes without an answer, and as the peer
//!   has reached by a probe that it sent after that (MON-4). Which of those it has to lack is asked after calm.
//!
//! Excused are
//! - an Active that hears another one: what it tells stands still until that is over (PAIR-13);
//! - a service that is late by less than a failure time: whoever hung so long is not told that time has passed
//!   before all that has arrived is handed in; and by twice as long as its unit was woken late, which that gives;
//! - weights that cannot be told apart: only if each is another power of two does the sum say what is missing.

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;
use crate::surroundings::weights;
use core::net::IpAddr;
use core::time::Duration;
use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::monitor::{MonitorConfig, Probe, ProbeAnswer, Reach, ServiceScope};
use ha_core::pair::{Event, Input, MonitoredLinks, Stance};
use ha_core::time::Instant;

/// So long a service that had failed has to report before it counts again.
pub(crate) const RESTORE_HOLD: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Monitors {
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    links: Vec<Link>,
    targets: Vec<Target>,
    services: Vec<Service>,
    missed_probes: u8,
    all: u16,
    is_legible: bool,
    /// What its weight lacked when it was last told.
    lacks: u16,
    /// What it last heard of its peer's role.
    heard: Option<Stance>,
}

#[derive(Debug)]
struct Link {
    interface: InterfaceId,
    /// `None`: nothing was told of it.
    ports: Vec<Option<bool>>,
    /// It was down, and counts until then.
    returns: Option<Instant>,
    weight: u16,
}

#[derive(Debug)]
struct Target {
    interface: InterfaceId,
    target: IpAddr,
    weight: u16,
    /// The probes that were sent since the last answer, and when.
    sent: Vec<(u32, u64)>,
    /// When the last one that was answered was sent.
    answered: Option<u64>,
    /// When it was declared lost, if it is.
    lost: Option<u64>,
}

#[derive(Debug)]
struct Service {
    id: ServiceId,
    weight: u16,
    deadline: Duration,
    /// By then it has to report.
    due: Instant,
    /// It may be excused for so much longer.
    excuse: Duration,
    has_reported: bool,
    /// It may have failed by now; its unit says so.
    has_failed: bool,
    is_told: bool,
    /// It had failed, and counts until then; for certain, and perhaps.
    returns: [Option<Instant>; 2],
}

impl Monitors {
    pub(super) fn started(&mut self, unit: usize, local: Instant, config: &MonitorConfig) {
        let mut weight = weights(config);
        let mut weight = || weight.next().unwrap_or(0);
        let interfaces = config.interfaces();
        let links = interfaces.iter().filter_map(|it| {
            let ports = vec![None; it.physical?.ports.into()];
            Some(Link { interface: it.interface, ports, returns: None, weight: weight() })
        });
        let links = links.collect();
        let targets = interfaces.iter().flat_map(|it| {
            let v4 = it.ipv4.and_then(|v4| v4.target).map(IpAddr::from);
            let v6 = it.ipv6.and_then(|v6| v6.target).map(IpAddr::from);
            v4.into_iter().chain(v6).map(|target| (it.interface, target))
        });
        // Its peer may not know yet that it has restarted.
        let before = core::mem::take(&mut self.units[unit].targets);
        let before = before.into_iter().map(|it| it.answered).chain(core::iter::repeat(None));
        let targets = targets.zip(before).map(|((interface, target), answered)| Target {
            interface,
            target,
            weight: weight(),
            sent: Vec::new(),
            answered,
            lost: None,
        });
        let targets = targets.collect();
        let services = config.services().iter().filter(|it| it.scope == ServiceScope::Both);
        let services = services.map(|it| Service {
            id: it.id,
            weight: weight(),
            deadline: it.deadline,
            due: local + it.deadline,
            excuse: Duration::ZERO,
            has_reported: false,
            has_failed: false,
            is_told: false,
            returns: [None; 2],
        });
        let services = services.collect();
        let sum = weights(config).fold(0, u16::saturating_add);
        let is_legible = weights(config).all(u16::is_power_of_two)
            && weights(config).count() == sum.count_ones() as usize;
        self.units[unit] = Watched {
            links,
            targets,
            services,
            missed_probes: config.missed_probes(),
            all: sum,
            is_legible,
            lacks: 0,
            heard: None,
        };
    }

    /// There is something that decides on the weight.
    pub(super) fn count(&self, unit: usize) -> bool {
        self.units[unit].all > 0
    }

    /// What the weight of the unit lacked when it was last told.
    pub(super) fn lacks(&self, unit: usize) -> u16 {
        self.units[unit].lacks
    }

    /// As isolation counts them (BEY-3); `None` if none are monitored.
    pub(super) fn links(&self, unit: usize) -> Option<MonitoredLinks> {
        let links = &self.units[unit].links;
        let up = links.iter().filter(|link| !link.is_down()).count() as u16;
        (!links.is_empty()).then_some(MonitoredLinks { configured: links.len() as u16, up })
    }

    /// The unit took this in.
    pub(super) fn told(&mut self, unit: usize, local: Instant, input: Input) {
        let it = &mut self.units[unit];
        match input {
            Input::Link { interface, port, up } => {
                if let Some(link) = it.links.iter_mut().find(|it| it.interface == interface) {
                    let was_down = link.is_down();
                    link.ports[usize::from(port)] = Some(up);
                    if was_down && up {
                        link.returns = Some(local + RESTORE_HOLD);
                    }
                }
            }
            Input::ProbeAnswered(ProbeAnswer { interface, from, sequence }) => {
                if let Some(target) = it.target(interface, from) {
                    let answered = target.sent.iter().find(|(sent, _)| *sent == sequence);
                    target.answered = answered.map(|(_, at)| *at).or(target.answered);
                    target.sent.retain(|(sent, _)| *sent > sequence);
                }
            }
            Input::ServiceAlive(id) => {
                if let Some(service) = it.services.iter_mut().find(|it| it.id == id) {
                    service.reports(local);
                }
            }
            _ => {}
        }
    }

    /// The unit sends a probe.
    pub(super) fn probes(&mut self, unit: usize, now: u64, probe: Probe) {
        if let Some(target) = self.units[unit].target(probe.interface, probe.target) {
            target.sent.push((probe.sequence, now));
        }
    }

    /// The unit did nothing for a while; before that it was last told something at `told_at`.
    pub(super) fn hung(&mut self, unit: usize, told_at: Instant, local: Instant) {
        // The end of a link's time was not noted meanwhile.
        for until in self.units[unit].links.iter_mut().filter_map(|link| link.returns.as_mut()) {
            *until = if *until > told_at { local.max(*until) } else { *until };
        }
        for service in &mut self.units[unit].services {
            service.has_failed |= service.due <= told_at;
            // What was not heard meanwhile is no proof.
            for until in service.returns.iter_mut().flatten() {
                *until = local + RESTORE_HOLD;
            }
            service.due = service.due.max(local + service.deadline);
        }
    }

    /// The unit did nothing for longer than its heartbeats are apart.
    pub(super) fn was_late(&mut self, unit: usize, by: Duration) {
        for service in &mut self.units[unit].services {
            service.excuse += by * 2;
        }
    }

    pub(super) fn hears(&mut self, unit: usize, glimpse: Glimpse) {
        self.units[unit].heard = Some(glimpse.stance);
    }

    pub(super) fn news(&mut self, unit: usize, now: u64, local: Instant, event: &Event) -> Verdict {
        if let Event::PeerLost { .. } = event {
            self.units[unit].heard = None;
        }
        if let Event::ServiceFailed { service, .. } = event
            && let Some(it) = self.units[unit].services.iter_mut().find(|it| it.id == *service)
        {
            return it.fails(local);
        }
        let Event::Target { interface, target, reach } = event else { return Ok(()) };
        let missed_probes = usize::from(self.units[unit].missed_probes);
        let Some(it) = self.units[unit].target(*interface, *target) else { return Ok(()) };
        it.lost = (*reach == Reach::Lost).then_some(now);
        if it.lost.is_some() && it.sent.len() < missed_probes {
            let text = format!("declares {target} lost after {} probes", it.sent.len());
            return Err((Rule::Monitors, text));
        }
        Ok(())
    }

    /// `whole` is the weight of a unit that lacks nothing. Says whether what is lacking has changed.
    pub(super) fn sends(
        &mut self,
        unit: usize,
        local: Instant,
        failure_time: Duration,
        whole: u16,
        glimpse: Glimpse,
    ) -> Result<bool, super::Broken> {
        let peer = 1 - unit;
        let it = &self.units[unit];
        let both = matches!(it.heard, Some(Stance::Active | Stance::Withdrawing));
        let stands_still = glimpse.stance == Stance::Active && both;
        if it.all == 0 || stands_still || glimpse.stance == Stance::Left {
            return Ok(false);
        }
        let Some(lacks) = whole.checked_sub(glimpse.health.weight) else {
            let text = format!("says that its weight is {}, of {whole}", glimpse.health.weight);
            return Err((Rule::Monitors, text));
        };
        if it.is_legible {
            let is_active = matches!(glimpse.stance, Stance::Active | Stance::Withdrawing);
            it.check(lacks, local, failure_time, is_active, &self.units[peer])
                .map_err(|text| (Rule::Monitors, text))?;
        }
        let it = &mut self.units[unit];
        Ok(core::mem::replace(&mut it.lacks, lacks) != lacks)
    }
}

impl Link {
    fn is_down(&self) -> bool {
        self.ports.iter().all(|port| *port == Some(false))
    }

    fn is_up(&self) -> bool {
        self.ports.contains(&Some(true))
    }
}

impl Watched {
    fn target(&mut self, interface: InterfaceId, target: IpAddr) -> Option<&mut Target> {
        self.targets.iter_mut().find(|it| (it.interface, it.target) == (interface, target))
    }

    fn check(
        &self,
        lacks: u16,
        local: Instant,
        late: Duration,
        is_active: bool,
        peer: &Self,
    ) -> Result<(), String> {
        let lacks = |weight| lacks & weight != 0;
        for link in &self.links {
            let returns = link.returns.is_some_and(|until| local < until);
            let counts = link.is_down() || !is_active && (!link.is_up() || returns);
            // The end of its time may not have been noted yet.
            let may = counts || !is_active && link.returns.is_some_and(|it| local < it + late);
            if counts && !lacks(link.weight) || !may && lacks(link.weight) {
                let says = if counts { "does not count" } else { "counts" };
                return Err(format!(
                    "{says} the link {}, of ports {:?}",
                    link.interface, link.ports
                ));
            }
        }
        for (ours, theirs) in self.targets.iter().zip(&peer.targets).filter(|it| lacks(it.0.weight))
        {
            let target = ours.target;
            let Some(lost) = ours.lost else {
                return Err(format!("counts {target}, though it has not declared it lost"));
            };
            if theirs.answered.is_none_or(|sent| sent < lost) {
                return Err(format!("counts {target}, which the peer has not reached since"));
            }
        }
        self.services
            .iter()
            .try_for_each(|service| service.check(lacks(service.weight), local, late, is_active))
    }
}

impl Service {
    fn reports(&mut self, local: Instant) {
        self.has_reported = true;
        let until = Some(local + RESTORE_HOLD);
        self.returns = self.returns.map(|returns| returns.filter(|until| local < *until));
        if self.is_told {
            self.returns = [until; 2];
        } else if self.has_failed || self.due <= local {
            self.returns[1] = until;
        }
        (self.has_failed, self.is_told) = (false, false);
        self.due = local + self.deadline;
        self.excuse = Duration::ZERO;
    }

    fn fails(&mut self, local: Instant) -> Verdict {
        if !self.has_failed && local < self.due {
            let text = format!("says that {} has failed, which reported in time", self.id);
            return Err((Rule::Monitors, text));
        }
        (self.has_failed, self.is_told) = (true, true);
        Ok(())
    }

    fn check(
        &self,
        lacks: bool,
        local: Instant,
        late: Duration,
        is_active: bool,
    ) -> Result<(), String> {
        let Self { id, due, excuse, has_failed, has_reported, .. } = *self;
        let [certain, perhaps] = self.returns.map(|returns| returns.is_some());
        let unproven = !is_active && (!has_reported || perhaps);
        if lacks && !has_failed && local < due && !unproven {
            return Err(format!("counts {id}, which reported in time"));
        }
        if !lacks && due + late + excuse < local {
            return Err(format!("does not count {id}, which is late"));
        }
        if !lacks && !is_active && (!has_reported || certain) {
            return Err(format!("does not count {id}, which has not shown yet that it works"));
        }
        Ok(())
    }
}
