//! A whole cluster that runs: its units, and what is done to them.

use crate::addresses::Start;
use crate::cables::Cables;
use crate::naming;
use crate::order::Order;
use crate::setup::{INTERFACES, Setup};
use crate::sockets::{self, Sockets};
use crate::timeline::Timeline;
use crate::unit::{Unit, World};
use crate::view::{GroupView, UnitView, View};
use appliance::driver::Stopped;
use appliance::node::Input;
use appliance::{ClusterNode, node};
use ha_core::pair::{self, Role};
use ha_core::time::Clock;
use statesync::Table;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use svrrp::cluster::{self, ClusterStatus};
use svrrp::wire::Condition;
use svrrp::{Member, NodeNumber, Rank, RankTable};

/// So many lines of the timeline are seen at a time.
const ENTRIES: usize = 40;

pub(crate) struct Cluster {
    world: World,
    sockets: BTreeMap<Member, Sockets>,
    /// Those that run.
    units: BTreeMap<Member, Unit>,
    ports: BTreeMap<Member, [bool; INTERFACES.len()]>,
    ranks: (u64, RankTable),
    starts: u64,
    bound: Duration,
}

impl Cluster {
    /// All units start. With `printed`, the timeline goes to the standard output as it happens.
    pub(crate) async fn start(
        setup: Setup,
        printed: bool,
        workers: tokio::runtime::Handle,
    ) -> Result<Self, Box<dyn Error>> {
        let clock = Clock::start();
        let bound = setup.failure_time() + setup.interval + sockets::round_trip()?;
        let world = World {
            setup,
            clock,
            timeline: Arc::new(Timeline::new(clock, printed, bound)),
            addresses: Arc::default(),
            cables: Arc::new(Cables::default()),
            workers,
        };
        let mut cluster = Self {
            world,
            sockets: Sockets::of_cluster(&setup)?,
            units: BTreeMap::new(),
            ports: setup.members().map(|it| (it, [true; INTERFACES.len()])).collect(),
            ranks: (1, setup.ranks()),
            starts: 0,
            bound,
        };
        for member in setup.members() {
            cluster.power_on(member).await?;
        }
        Ok(cluster)
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.world.setup
    }

    pub(crate) fn clock(&self) -> Clock {
        self.world.clock
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.world.timeline
    }

    pub(crate) fn runs(&self, member: Member) -> bool {
        self.units.contains_key(&member)
    }

    /// Does it, and says whether that could be: a unit may refuse, and one that is off can do nothing.
    pub(crate) async fn carry_out(&mut self, order: Order) -> Result<bool, Box<dyn Error>> {
        let can_be = match order {
            Order::Crash(member) | Order::TakeOver(member) => self.runs(member),
            Order::Start(member) => !self.runs(member),
            _ => true,
        };
        if !can_be {
            return Ok(false);
        }
        self.world.timeline.done(order.to_string());
        match order {
            Order::Crash(member) => self.crash(member).await?,
            Order::Start(member) => self.power_on(member).await?,
            Order::Cut(cable) => self.world.cables.set(cable, true),
            Order::Mend(cable) => self.world.cables.set(cable, false),
            Order::Port { member, interface, up } => {
                let at = INTERFACES.iter().position(|it| *it == interface);
                if let Some(port) = at.and_then(|at| self.ports.get_mut(&member)?.get_mut(at)) {
                    *port = up;
                }
                return Ok(self.tell(member, Input::Link { interface, port: 0, up }).await?);
            }
            Order::TakeOver(member) => {
                let input = Input::Unit(appliance::Input::Pair(pair::Input::TakeOver));
                return Ok(self.tell(member, input).await?);
            }
            Order::Move { group, to } => {
                let (version, ranks) = &mut self.ranks;
                *version += 1;
                // It comes first, and the others stay in their order.
                let mut nodes: Vec<_> = self.world.setup.nodes().collect();
                nodes.sort_by_key(|node| (*node != to, ranks.get(group, *node)));
                for (rank, node) in (1..).zip(nodes) {
                    ranks.set(group, node, Rank::new(rank));
                }
                let (version, ranks) = self.ranks;
                for member in self.world.setup.members() {
                    let input = cluster::Input::Ranks { version, ranks };
                    self.tell(member, Input::Cluster(input)).await?;
                }
            }
        }
        Ok(true)
    }

    async fn power_on(&mut self, member: Member) -> Result<(), Box<dyn Error>> {
        let sockets = self.sockets.get(&member).ok_or("there is no such unit")?.for_a_start()?;
        let ports = self.ports.get(&member).copied().unwrap_or_default();
        self.starts += 1;
        let start = Start { member, number: self.starts };
        let unit = Unit::start(&self.world, start, self.ranks, ports, sockets).await?;
        self.units.insert(member, unit);
        Ok(())
    }

    async fn crash(&mut self, member: Member) -> Result<(), Box<dyn Error>> {
        if let Some(unit) = self.units.remove(&member) {
            // The time counts from here: what the unit may still say comes later.
            let at = self.world.clock.now();
            unit.crash().await?;
            self.world.addresses.die(at, member);
        }
        Ok(())
    }

    /// Whether the unit takes it; one that does not run is told when it starts.
    async fn tell(&self, member: Member, input: node::Input) -> Result<bool, Stopped> {
        let Some(unit) = self.units.get(&member) else { return Ok(true) };
        let answer = unit.handle.input(input).await?;
        if let Err(refusal) = answer {
            self.world.timeline.done(format!("{} refuses: {refusal}", naming::unit(member)));
        }
        Ok(answer.is_ok())
    }

    /// How it stands now.
    pub(crate) async fn view(&self) -> Result<View, Stopped> {
        let mut units = Vec::new();
        let mut words = BTreeMap::new();
        for member in self.world.setup.members() {
            let mut role = None;
            if let Some(unit) = self.units.get(&member) {
                let (is, status) = unit.handle.query(|node, _| seen(node)).await?;
                role = Some(is);
                if status.standing.condition == Condition::Active {
                    words.insert(member.node, status);
                }
            }
            let ports = self.ports.get(&member).copied().unwrap_or_default();
            units.push(UnitView { member, role, ports });
        }
        let groups = self.world.setup.groups().map(|group| {
            let weight = |node: NodeNumber| {
                let said = words.get(&node)?.groups.iter().find(|it| it.group == group)?;
                Some(said.weight)
            };
            GroupView {
                group,
                holders: self.world.addresses.holders(group),
                weights: NodeNumber::ALL.map(weight),
                ranks: NodeNumber::ALL.map(|node| self.ranks.1.get(group, node)),
            }
        });
        Ok(View {
            setup: self.world.setup,
            now: self.world.clock.now(),
            groups: groups.collect(),
            units,
            cut: self.world.cables.cut(),
            entries: self.world.timeline.latest(ENTRIES),
            bound: self.bound,
        })
    }
}

/// The role of a unit in its node, and what it sees of the cluster.
fn seen(node: &ClusterNode<Table>) -> (Role, ClusterStatus) {
    // The unit of a single-unit node has no other role.
    let role = node.pair().map_or(Role::Active, |unit| unit.pair().role());
    (role, node.cluster().status())
}
