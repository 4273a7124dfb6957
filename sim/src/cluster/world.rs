//! A cluster in virtual time: [`World::step`] jumps to the next thing that happens, and asks the oracle whether what
//! must always hold still does. A rule that is broken ends the run.

use super::figures::Observed;
use super::mesh::{INSIDE, Mesh, X0};
use super::oracle::{Oracle, Rule, Violation};
use super::setup::{PLACES, Settings, Setup, member_of, name, node_of};
use super::trace::{Trace, What};
use super::unit::{Machine, Unit};
use crate::network::Link;
use crate::platform::Answer;
use crate::random::{Random, nanos};
use appliance::{ClusterNode, node};
use core::fmt;
use core::time::Duration;
use ha_core::identity::InterfaceId;
use ha_core::machine::Machine as _;
use ha_core::pair;
use ha_core::time::Instant;
use statesync::Table;
use svrrp::cluster::{Input, Refusal, Standing};
use svrrp::election::Stance;
use svrrp::wire::Condition;
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

    fn tell_port(&mut self, unit: usize, interface: u8, port: u8, up: bool) {
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

    /// A port of a unit goes up or down.
    pub fn port(&mut self, unit: usize, interface: u8, port: u8, up: bool) {
        self.fault(unit, || {
            let way = if up { "up" } else { "down" };
            format!("port {port} of interface {interface} goes {way}")
        });
        self.units[unit].ports[usize::from(interface)][usize::from(port)] = up;
        if self.runs(unit) && !self.hangs(unit) {
            self.tell_port(unit, interface, port, up);
        }
    }

    /// Takes a single unit out of service, or puts it back.
    pub fn bar(&mut self, unit: usize, barred: bool) {
        let what = if barred { "is taken out of service" } else { "is back in service" };
        self.fault(unit, || what.into());
        self.units[unit].barred = barred;
        if !self.hangs(unit) && !self.setup.pairs[unit / 2] {
            let _ = self.input(unit, Input::Condition(standing(barred)));
        }
    }

    /// The license of a unit allows clustering, or no longer.
    pub fn license(&mut self, unit: usize, licensed: bool) {
        self.fault(unit, || format!("license: {licensed}"));
        self.units[unit].licensed = licensed;
        if !self.hangs(unit) {
            let _ = self.input(unit, Input::Licensed(licensed));
        }
    }

    /// A unit gets newer settings.
    pub fn settings(&mut self, unit: usize, settings: Settings) {
        self.fault(unit, || format!("gets version {} of the settings", settings.version));
        self.units[unit].settings = settings;
        if !self.hangs(unit) {
            let Settings { version, ranks } = settings;
            let _ = self.input(unit, Input::Ranks { version, ranks });
        }
    }

    /// A unit does nothing for a while; its clock runs on.
    pub fn hang(&mut self, unit: usize, length: Duration) {
        self.fault(unit, || format!("hangs for {length:?}"));
        let until = self.now + nanos(length);
        let it = &mut self.units[unit];
        it.hung_until = it.hung_until.max(Some(until));
        it.is_stale = true;
    }

    /// A unit's clock jumps ahead.
    pub fn jump_ahead(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock jumps ahead by {by:?}"));
        self.units[unit].clock.jump_ahead(self.now, by);
        self.units[unit].is_stale = true;
        self.oracle.clock_was_wrong(unit, self.now);
    }

    /// A unit's clock is set back: for the machine it stands still for so long.
    pub fn step_back(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock is set back by {by:?}"));
        self.units[unit].clock.step_back(self.now, by);
        self.units[unit].is_stale = true;
        self.oracle.clock_was_wrong(unit, self.now + nanos(by));
    }

    /// From now on, a unit's platform answers actions of this name like that.
    pub fn answer(&mut self, unit: usize, action: &'static str, answer: Answer) {
        self.fault(unit, || format!("will answer {action} {answer}"));
        let now = self.now;
        self.units[unit].platform.answer(now, action, answer);
    }

    /// From now on, a unit's platform answers everything as usual.
    pub fn repair(&mut self, unit: usize) {
        self.fault(unit, || "'s platform works".into());
        self.units[unit].platform.repair();
    }

    /// Cuts or heals links between nodes, in one direction: from a node (or all) to a node (or all), on a path (or
    /// all): cluster links by their numbers, then [`X0`].
    pub fn cut(&mut self, from: Option<usize>, to: Option<usize>, slot: Option<usize>, cut: bool) {
        self.fault(0, || {
            let node = |it: Option<usize>| it.map_or("all".into(), |it| format!("node {}", it + 1));
            let path = match slot {
                None => "all paths".into(),
                Some(X0) => "X0".into(),
                Some(path) => format!("path {path}"),
            };
            let way = if cut { "cut" } else { "healed" };
            format!("{path} from {} to {} {way}", node(from), node(to))
        });
        let is = |which: Option<usize>, it: usize| which.is_none_or(|which| which == it);
        self.mesh.change(|a, b, at, link| {
            let between = a / 2 != b / 2 && is(from, a / 2) && is(to, b / 2);
            if between && at != INSIDE && is(slot, at) {
                link.cut = cut;
            }
        });
    }

    /// Splits the cluster: nodes whose bits are set, and the others, do not hear each other on any path.
    pub fn split(&mut self, side: u8) {
        self.fault(0, || format!("the cluster splits: {side:04b} and the others"));
        let of = |unit: usize| side >> (unit / 2) & 1;
        self.mesh.change(|a, b, _, link| link.cut |= of(a) != of(b));
    }

    /// Cuts or heals the link inside a node.
    pub fn cut_inside(&mut self, of: usize, cut: bool) {
        self.fault(of * 2, || format!("the link inside the node: cut {cut}"));
        self.mesh.change(|a, b, at, link| {
            if a / 2 == of && b / 2 == of && at == INSIDE {
                link.cut = cut;
            }
        });
    }

    /// Nothing is cut any more.
    pub fn heal(&mut self) {
        self.fault(0, || "all links work".into());
        self.mesh.change(|_, _, _, link| link.cut = false);
    }

    /// Of 1000 datagrams so many are lost from now on.
    pub fn loss(&mut self, per_mille: u64) {
        self.fault(0, || format!("losses: {per_mille} of 1000"));
        self.mesh.change(|_, _, _, link| link.loss = per_mille);
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

    /// The settings that count: those of the highest version that any unit has.
    #[must_use]
    pub fn newest_settings(&self) -> Settings {
        let all = self.members().map(|unit| self.units[unit].settings);
        all.max_by_key(|settings| settings.version).unwrap_or_else(|| self.setup.settings())
    }
}

fn standing(barred: bool) -> Standing {
    if barred {
        Standing { condition: Condition::Barred, can_be_active: false, settling: false }
    } else {
        Standing::ACTIVE
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
