//! A pair of role machines without a network: the test carries what it likes from one to the other.

use core::time::Duration;
use ha_core::identity::{Designation, InterfaceId, Label, PathId, ServiceId, UnitId};
use ha_core::machine::{ActionError, ActionId, Channel, Machine as _, Origin, Output};
use ha_core::monitor::{
    FULL_WEIGHT, Ipv4Monitoring, MonitorConfig, MonitorConfigBuilder, MonitoredInterface, Physical,
    Probe, ProbeAnswer, Service, ServiceScope, Zone,
};
use ha_core::pair::{
    Action, Event, Input, MAX_HEARTBEAT_LEN, Pair, PairConfig, PairStatus, Product, Refusal, State,
};
use ha_core::time::Instant;

pub(crate) const LAN: InterfaceId = InterfaceId(0);
pub(crate) const WAN: InterfaceId = InterfaceId(1);
pub(crate) const DHCP: ServiceId = ServiceId(1);
pub(crate) const VPN: ServiceId = ServiceId(2);

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// A WAN with two ports and a target, a LAN with one port.
pub(crate) fn wan() -> MonitoredInterface {
    MonitoredInterface {
        interface: WAN,
        zone: Zone::Wan,
        physical: Some(Physical { ports: 2, weight: 10 }),
        ipv4: Some(Ipv4Monitoring {
            shared: "192.0.2.1/24".parse().unwrap(),
            addresses: ["192.0.2.2".parse().unwrap(), "192.0.2.3".parse().unwrap()],
            management: true,
            target: Some("192.0.2.254".parse().unwrap()),
            weight: 20,
        }),
        ipv6: None,
    }
}

pub(crate) fn lan() -> MonitoredInterface {
    let physical = Some(Physical { ports: 1, weight: 5 });
    MonitoredInterface { interface: LAN, zone: Zone::X0, physical, ipv4: None, ipv6: None }
}

pub(crate) fn dhcp() -> Service {
    Service {
        id: DHCP,
        name: label("dhcp"),
        deadline: seconds(2),
        weight: 7,
        scope: ServiceScope::Both,
        restarts: 2,
        window: seconds(600),
    }
}

pub(crate) fn vpn() -> Service {
    let scope = ServiceScope::ActiveOnly;
    Service { id: VPN, name: label("vpn"), scope, ..dhcp() }
}

/// The WAN and the LAN; probes each 5 s, two missed ones lose a target.
pub(crate) fn monitors() -> MonitorConfigBuilder {
    MonitorConfig::builder()
        .probe_interval(seconds(5))
        .missed_probes(2)
        .interface(wan())
        .interface(lan())
}

/// One unit, with all that it ever wanted and told.
pub(crate) struct Unit {
    pub(crate) pair: Pair,
    pub(crate) probes: Vec<(ActionId, Probe)>,
    pub(crate) restarts: Vec<(ActionId, ServiceId)>,
    pub(crate) events: Vec<Event>,
    outbox: Vec<Vec<u8>>,
    /// The target answers it.
    pub(crate) reaches: bool,
    /// These services work.
    pub(crate) works: Vec<ServiceId>,
}

/// Two units that hear each other, unless `cut`.
pub(crate) struct Two {
    pub(crate) now: Instant,
    pub(crate) units: [Unit; 2],
    pub(crate) cut: bool,
    monitoring: [MonitorConfig; 2],
}

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

impl Two {
    /// A is Active, B is Standby; links are up, the target answers both.
    pub(crate) fn settled(monitoring: MonitorConfig) -> Self {
        Self::settled_where(monitoring, true)
    }

    /// The same, whether or not the target has ever answered.
    pub(crate) fn settled_where(monitoring: MonitorConfig, reaches: bool) -> Self {
        let mut two = Self::new([monitoring.clone(), monitoring]);
        two.units.iter_mut().for_each(|unit| unit.reaches = reaches);
        two.links_up(A);
        two.links_up(B);
        two.run(seconds(2));
        assert_eq!(two.states(), [State::Active, State::Standby]);
        two.units.iter_mut().for_each(|unit| unit.events.clear());
        two
    }

    /// Both have just started, and were told nothing.
    pub(crate) fn new(monitoring: [MonitorConfig; 2]) -> Self {
        let now = Instant::from_millis(1_000_000);
        let units = [A, B].map(|unit| Unit::new(unit, 7, monitoring[unit].clone(), true, now));
        Self { now, units, cut: false, monitoring }
    }

    /// A unit restarts at once: it knows nothing, and bears another start's number. What it told and wanted
    /// before is forgotten.
    pub(crate) fn restart(&mut self, unit: usize) {
        self.restart_untold(unit);
        self.links_up(unit);
    }

    /// The same, and it is not told how its links are.
    pub(crate) fn restart_untold(&mut self, unit: usize) {
        let reaches = self.units[unit].reaches;
        self.units[unit] = Unit::new(unit, 70, self.monitoring[unit].clone(), reaches, self.now);
    }

    pub(crate) fn links_up(&mut self, unit: usize) {
        for it in self.monitoring[unit].clone().interfaces() {
            for port in 0..it.physical.map_or(0, |link| link.ports) {
                self.input(unit, Input::Link { interface: it.interface, port, up: true }).unwrap();
            }
        }
    }

    pub(crate) fn input(&mut self, unit: usize, input: Input) -> Result<(), Refusal> {
        let result = self.units[unit].pair.handle_input(self.now, input);
        self.exchange();
        result
    }

    pub(crate) fn states(&self) -> [State; 2] {
        self.units.each_ref().map(|unit| unit.pair.state())
    }

    pub(crate) fn status(&self, unit: usize) -> PairStatus {
        self.units[unit].pair.status(self.now)
    }

    /// What the weights of the two lack.
    pub(crate) fn lacks(&self) -> [u16; 2] {
        [A, B].map(|unit| FULL_WEIGHT - self.status(unit).health.weight)
    }

    /// How often the role went to a unit since the events were cleared.
    pub(crate) fn takes(&self) -> usize {
        let is_take = |event: &&Event| {
            matches!(event, Event::RoleChanged { to: ha_core::pair::Role::Active, .. })
        };
        self.units.iter().map(|unit| unit.events.iter().filter(is_take).count()).sum()
    }

    /// Answers a probe as the network would.
    pub(crate) fn answer(&mut self, unit: usize, probe: Probe) -> Result<(), Refusal> {
        let Probe { interface, target: from, sequence, .. } = probe;
        self.input(unit, Input::ProbeAnswered(ProbeAnswer { interface, from, sequence }))
    }

    /// Lets time pass: services that work report each second, the target answers at once.
    pub(crate) fn run(&mut self, length: Duration) {
        let end = self.now + length;
        let mut steps = 0_u32;
        while self.now < end {
            self.step();
            steps += 1;
            for unit in [A, B] {
                if steps.is_multiple_of(100) {
                    for service in self.units[unit].works.clone() {
                        self.input(unit, Input::ServiceAlive(service)).unwrap();
                    }
                }
                for (_, probe) in core::mem::take(&mut self.units[unit].probes) {
                    if self.units[unit].reaches {
                        let _ = self.answer(unit, probe);
                    }
                }
            }
        }
    }

    /// Ten milliseconds, in which nothing comes from outside.
    pub(crate) fn step(&mut self) {
        self.wait(Duration::from_millis(10));
    }

    /// A while without anything from outside, at the end of which both look at the clock.
    pub(crate) fn wait(&mut self, length: Duration) {
        self.now = self.now + length;
        for unit in &mut self.units {
            unit.pair.handle_timeout(self.now);
        }
        self.exchange();
    }

    /// Does what both want until neither wants anything.
    fn exchange(&mut self) {
        for _ in 0..100 {
            for unit in [A, B] {
                self.units[unit].poll(self.now);
            }
            let [a, b] = &mut self.units;
            let (from_a, from_b) = (core::mem::take(&mut a.outbox), core::mem::take(&mut b.outbox));
            if from_a.is_empty() && from_b.is_empty() {
                return;
            }
            if self.cut {
                continue;
            }
            for (unit, datagrams) in [(B, from_a), (A, from_b)] {
                let peer = UnitId(1 - unit as u8);
                let from = Origin { peer, path: PathId(0), channel: Channel::Pair };
                for datagram in datagrams {
                    let _ = self.units[unit].pair.handle_datagram(self.now, from, &datagram);
                }
            }
        }
        panic!("they never stop talking");
    }
}

impl Unit {
    /// One that starts now, and has said and heard nothing.
    fn new(unit: usize, seed: u64, monitoring: MonitorConfig, reaches: bool, now: Instant) -> Self {
        let (designation, own, peer) = match unit {
            A => (Designation::Primary, "SN-A", "SN-B"),
            _ => (Designation::Secondary, "SN-B", "SN-A"),
        };
        let product = Product { model: "box".parse().unwrap(), firmware: "1".parse().unwrap() };
        let (own, peer) = (own.parse().unwrap(), peer.parse().unwrap());
        let works = monitoring.services().iter().map(|it| it.id).collect();
        let config = PairConfig::builder(designation, own, peer, product, seed + unit as u64)
            .heartbeat_interval(Duration::from_millis(100))
            .trigger_level(3)
            .flap_limit(100, seconds(600))
            .monitoring(monitoring)
            .build()
            .unwrap();
        Self {
            pair: Pair::new(config, now),
            probes: Vec::new(),
            restarts: Vec::new(),
            events: Vec::new(),
            outbox: Vec::new(),
            reaches,
            works,
        }
    }

    fn poll(&mut self, now: Instant) {
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        while let Some(output) = self.pair.poll_output(now, &mut buf) {
            match output {
                Output::Transmit { len, .. } => self.outbox.push(buf[..len].to_vec()),
                Output::Event(event) => self.events.push(event),
                Output::Action { id, action: Action::Probe(probe) } => {
                    self.probes.push((id, probe));
                    self.pair.handle_done(now, id, Ok(()));
                }
                Output::Action { id, action: Action::RestartService { service } } => {
                    self.restarts.push((id, service));
                }
                Output::Action { id, .. } => self.pair.handle_done(now, id, Ok(())),
            }
        }
    }

    pub(crate) fn restarted(&mut self, now: Instant, outcome: Result<(), ActionError>) {
        let (id, _) = self.restarts.pop().expect("a restart was asked for");
        self.pair.handle_done(now, id, outcome);
    }
}
