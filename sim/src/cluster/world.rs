//! A cluster in virtual time: [`World::step`] jumps to the next thing that happens, and asks the oracle whether what
//! must always hold still does. A rule that is broken ends the run.

use super::faults::standing;
use super::figures::Observed;
use super::mesh::Mesh;
use super::oracle::{Oracle, Rule, Violation};
use super::setup::{PLACES, Settings, Setup, member_of, name, node_of};
use super::trace::{Trace, What};
use super::unit::{Machine, Unit};
use crate::network::Link;
use crate::random::Random;
use appliance::{ClusterNode, node};
use core::fmt;
use core::time::Duration;
use ha_core::identity::InterfaceId;
use ha_core::machine::Machine as _;
use ha_core::pair;
use ha_core::time::Instant;
use statesync::Table;
use svrrp::cluster::{Input, Refusal};
use svrrp::election::Stance;
use svrrp::{GroupNumber, NodeNumber};

/// The units of a cluster, the network between them, their platforms, and who watches them.
pub struct World {
    pub(super) now: u64,
    /// What all of it is configured with.
    pub setup: Setup,
    /// By [`Member::index`](svrrp::Member::index); places of units that there are not stay off.
    pub units: Vec<Unit>,
    /// The network between them.
    pub mesh: Mesh,
    /// Where the network's chances come from.
    pub random: Random,
    /// What watches the units.
    pub oracle: Oracle,
    /// What happened.
    pub trace: Trace,
    /// What is counted.
    pub observed: Observed,
    pub(super) violation: Option<Violation>,
    pub(super) at_once: usize,
    pub(super) buf: Vec<u8>,
}

impl World {
    /// All units are off. The network's chances come from `seed`.
    #[must_use]
    pub fn new(setup: Setup, seed: u64, traced: bool) -> Self {
        let unit = |place: usize| {
            let mut unit = Unit::new(setup.interfaces, setup.ports, setup.settings());
            unit.platform.usual = setup.answer_delay;
            // No two of them differ by more than the drift.
            let third = i64::try_from(place % 3).unwrap_or(0);
            unit.clock.set_rate(0, (third - 1) * setup.drift / 2);
            unit
        };
        let mut world = Self {
            now: 0,
            setup,
            units: (0..PLACES).map(unit).collect(),
            mesh: Mesh::new(),
            random: Random::new(seed),
            oracle: Oracle::new(&setup),
            trace: Trace::new(traced),
            observed: Observed::default(),
            violation: None,
            at_once: 0,
            buf: vec![0; 2048],
        };
        let link = Link {
            cut: false,
            delay: setup.delay,
            jitter: setup.jitter,
            loss: setup.loss,
            duplicates: setup.duplicates,
        };
        world.mesh.change(|_, _, _, it| *it = link);
        world
    }

    // What is seen.

    /// Since the start of the world.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// The rule that was broken: the run is over.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The places of the units there are.
    pub fn members(&self) -> impl Iterator<Item = usize> + use<> {
        self.setup.members().map(svrrp::Member::index)
    }

    /// Whether a unit has power.
    #[must_use]
    pub fn runs(&self, unit: usize) -> bool {
        self.units[unit].machine.is_some()
    }

    /// Whether a unit hangs.
    #[must_use]
    pub fn hangs(&self, unit: usize) -> bool {
        self.units[unit].hung_until.is_some()
    }

    /// What a unit says that it has to do with a group.
    #[must_use]
    pub fn stance(&self, unit: usize, group: GroupNumber) -> Stance {
        self.units[unit].cluster().map_or(Stance::Idle, |cluster| cluster.stance(group))
    }

    /// The units that hold a group, as their platforms know it.
    pub fn holders(&self, group: GroupNumber) -> impl Iterator<Item = usize> {
        let at = group.index();
        (0..PLACES).filter(move |unit| self.units[*unit].platform.holds[at])
    }

    /// The one node that owns a group, and says so; `None` if there is none, or two units hold it.
    #[must_use]
    pub fn owner(&self, group: GroupNumber) -> Option<NodeNumber> {
        let mut holders = self.holders(group);
        let first = holders.next().filter(|unit| self.stance(*unit, group) == Stance::Owner)?;
        holders.next().is_none().then(|| node_of(first))
    }

    /// What a unit's clock shows.
    #[must_use]
    pub fn local(&self, unit: usize) -> Instant {
        self.units[unit].clock.at(self.now)
    }

    // What is done.

    /// Powers a unit on. Each start has a seed of its own.
    pub fn start(&mut self, unit: usize) {
        self.fault(unit, || "starts".into());
        let local = self.local(unit);
        let member = member_of(unit);
        let setup = self.setup;
        let it = &mut self.units[unit];
        it.power_off();
        let seed = it.next_seed(unit);
        let cluster = setup.cluster_config(member, seed, it.settings);
        let machine = if setup.pairs[member.node.index()] {
            let pair = setup.pair_config(member, seed, it.kept.as_deref());
            let config = appliance::Config { pair, sync: None };
            Machine::of_pair(config, Table::default(), cluster, local)
        } else {
            Machine::single(cluster, local)
        };
        it.machine = Some(machine);
        self.oracle.started(self.now, unit, local);
        self.drain(unit);
        self.tell_all(unit);
    }

    /// A unit loses its power: it holds nothing, and its state is gone.
    pub fn crash(&mut self, unit: usize) {
        self.fault(unit, || "crashes".into());
        self.units[unit].power_off();
    }

    /// The embedder tells a unit all that it knows, as after a start, and whenever it was away.
    pub(super) fn tell_all(&mut self, unit: usize) {
        if !self.runs(unit) {
            return;
        }
        let it = &self.units[unit];
        let (licensed, barred, settings) = (it.licensed, it.barred, it.settings);
        let ports = it.ports.clone();
        for (interface, ports) in ports.iter().enumerate() {
            for (port, up) in ports.iter().enumerate() {
                self.tell_port(unit, interface as u8, port as u8, *up);
            }
        }
        let _ = self.input(unit, Input::Licensed(licensed));
        let _ = self.input(unit, Input::Ranks { version: settings.version, ranks: settings.ranks });
        if !self.setup.pairs[unit / 2] {
            let _ = self.input(unit, Input::Condition(standing(barred)));
        }
    }

    pub(super) fn tell_port(&mut self, unit: usize, interface: u8, port: u8, up: bool) {
        self.units[unit].told[usize::from(interface)][usize::from(port)] = up;
        self.links_told(unit);
        let input = node::Input::Link { interface: InterfaceId(interface.into()), port, up };
        let _ = self.hand_in(unit, input);
    }

    /// Tells the cluster machine of a unit that runs something.
    ///
    /// # Errors
    /// It refused.
    pub fn input(&mut self, unit: usize, input: Input) -> Result<(), Refusal> {
        match self.hand_in(unit, node::Input::Cluster(input)) {
            Err(node::Refusal::Cluster(refusal)) => Err(refusal),
            _ => Ok(()),
        }
    }

    /// Tells the pair of a unit that runs something; what it refuses is its business.
    pub fn pair_input(&mut self, unit: usize, input: pair::Input) {
        if self.runs(unit) && !self.hangs(unit) {
            self.fault(unit, || format!("is told {input:?}"));
            let _ = self.hand_in(unit, node::Input::Unit(appliance::Input::Pair(input)));
        }
    }

    fn hand_in(&mut self, unit: usize, input: node::Input) -> Result<(), node::Refusal> {
        let local = self.local(unit);
        self.before(unit);
        let Some(machine) = &mut self.units[unit].machine else { return Ok(()) };
        let result = machine.handle_input(local, input);
        self.observed.calls += 1;
        self.drain(unit);
        result
    }

    /// Something happens that is not the machines' doing.
    pub fn fault(&mut self, unit: usize, what: impl FnOnce() -> String) {
        self.oracle.disturbed(self.now);
        self.trace.note(self.now, unit, || What::Fault(what()));
    }

    /// Ends the run.
    pub fn violate(&mut self, rule: Rule, text: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { rule, at: self.now(), text });
        }
    }

    /// The settings that count: those of the highest version that any unit has, and of one version the higher table.
    #[must_use]
    pub fn newest_settings(&self) -> Settings {
        let all = self.members().map(|unit| self.units[unit].settings);
        all.max_by_key(|settings| (settings.version, settings.ranks))
            .unwrap_or_else(|| self.setup.settings())
    }
}

/// The pair inside the node of a unit, if it has one.
#[must_use]
pub fn pair_of(machine: &Machine) -> Option<&pair::Pair> {
    ClusterNode::pair(machine).map(|unit| unit.pair())
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl World {
    /// Where things stand, in one line.
    #[must_use]
    pub fn stances(&self) -> String {
        let of = |unit: usize| {
            let stances = self.setup.groups().map(|group| self.stance(unit, group).to_string());
            format!("{}: {}", name(unit), stances.collect::<Vec<_>>().join(", "))
        };
        let running = self.members().filter(|unit| self.runs(*unit));
        running.map(of).collect::<Vec<_>>().join("; ")
    }
}
