//! Two units, the network between them, and their platforms.

use appliance::{Action, Appliance, Config, Event, Input};
use ha_core::identity::{Designation, PathId, UnitId};
use ha_core::machine::{ActionError, ActionId, Channel, Destination, Machine, Origin, Output};
use ha_core::pair::{self, Mode, PairConfig, PathKind, Product, Role};
use ha_core::time::{Duration, Instant};
use statesync::{
    Change, Connection, ConnectionKey, ConnectionState, Records as _, SyncRole, Table, Transport,
};
use std::collections::{BTreeMap, BTreeSet};

/// Interval × trigger level of all units here.
pub(crate) const FAILURE_TIME: Duration = Duration::from_millis(30);
const STEP: Duration = Duration::from_millis(1);

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

/// How the units are made.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) paths: Vec<PathKind>,
    pub(crate) stateful: bool,
    pub(crate) preempt: bool,
    /// What state synchronization is configured with, if it is.
    pub(crate) sync: Option<Vec<PathId>>,
    pub(crate) models: [&'static str; 2],
    /// Percentage of datagrams that are lost.
    pub(crate) loss: u64,
    /// Paths on which nothing passes at first.
    pub(crate) cut: Vec<PathId>,
    /// Actions wait until the test answers them.
    pub(crate) hold: bool,
    /// Units whose forwarding plane refuses every record.
    pub(crate) refusing: [bool; 2],
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            paths: vec![PathKind::Control; 2],
            stateful: true,
            preempt: false,
            sync: Some(vec![PathId(0), PathId(1)]),
            models: ["FW-100"; 2],
            loss: 0,
            cut: Vec::new(),
            hold: false,
            refusing: [false; 2],
        }
    }
}

pub(crate) struct Unit {
    pub(crate) machine: Appliance<Table>,
    /// What the forwarding plane has been given or has told.
    pub(crate) plane: BTreeMap<ConnectionKey, ConnectionState>,
    pub(crate) events: Vec<Event>,
    /// Actions that were handed out and not answered.
    pub(crate) held: Vec<(ActionId, Action)>,
    /// All that were ever handed out.
    pub(crate) handed_out: Vec<ActionId>,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) plan: Plan,
    /// `None`: it is dead.
    pub(crate) units: [Option<Unit>; 2],
    /// Paths on which nothing passes.
    pub(crate) cut: BTreeSet<PathId>,
    pub(crate) cut_one: Option<(usize, PathId)>,
    /// Everything that was sent, with its sender.
    pub(crate) sent: Vec<(usize, Destination)>,
    wire: Vec<(Instant, usize, Origin, Vec<u8>)>,
    random: u64,
    starts: u64,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut world = Self {
            now: Instant::from_millis(1000),
            cut: plan.cut.iter().copied().collect(),
            cut_one: None,
            plan,
            units: [None, None],
            sent: Vec::new(),
            wire: Vec::new(),
            random: 0x9e37_79b9_7f4a_7c15,
            starts: 0,
        };
        world.start(A);
        world.start(B);
        world
    }

    /// A world in which A has become Active, and B its Standby.
    pub(crate) fn settled(plan: Plan) -> Self {
        let mut world = Self::new(plan);
        world.run(500);
        assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Standby));
        world
    }

    /// Starts a unit, with an empty table.
    pub(crate) fn start(&mut self, at: usize) {
        self.starts += 1;
        let designation = [Designation::Primary, Designation::Secondary][at];
        let serial = |at: usize| ["A-1", "B-2"][at].parse().unwrap();
        let model = self.plan.models[at].parse().unwrap();
        let product = Product { model, firmware: "1.0".parse().unwrap() };
        let (seed, peer) = (self.starts, UnitId::of(designation.other()));
        let pair = PairConfig::builder(designation, serial(at), serial(1 - at), product, seed)
            .heartbeat_interval(Duration::from_millis(10))
            .trigger_level(3)
            .paths(self.plan.paths.iter().copied())
            .mode(Mode::ActiveStandby { stateful: self.plan.stateful })
            .preempt(self.plan.preempt)
            .build()
            .unwrap();
        let sync = |paths| statesync::Config::new(seed, peer, paths).unwrap();
        let config = Config { pair, sync: self.plan.sync.clone().map(sync) };
        self.units[at] = Some(Unit {
            machine: Appliance::new(config, Table::new(), self.now),
            plane: BTreeMap::new(),
            events: Vec::new(),
            held: Vec::new(),
            handed_out: Vec::new(),
        });
        self.drain(at);
    }

    /// A unit loses its power. What it has sent still arrives.
    pub(crate) fn crash(&mut self, at: usize) {
        self.units[at] = None;
    }

    pub(crate) fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds {
            self.now = self.now + STEP;
            let now = self.now;
            let (due, later): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.wire).into_iter().partition(|(at, ..)| *at <= now);
            self.wire = later;
            for (_, to, from, datagram) in due {
                if let Some(unit) = &mut self.units[to] {
                    // Some are of no use any more; they are counted.
                    let _ = unit.machine.handle_datagram(now, from, &datagram);
                }
            }
            for at in [A, B] {
                if let Some(unit) = &mut self.units[at]
                    && unit.machine.poll_timeout().is_some_and(|deadline| deadline.at <= now)
                {
                    unit.machine.handle_timeout(now);
                }
                self.drain(at);
            }
        }
    }

    /// Runs until it is so, for ten seconds at the most.
    pub(crate) fn run_until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        for _ in 0..10_000 {
            if so(self) {
                return;
            }
            self.run(1);
        }
        panic!("never: {what}");
    }

    pub(crate) fn input(&mut self, at: usize, input: Input) {
        let now = self.now;
        self.unit_mut(at).machine.handle_input(now, input).unwrap();
        self.drain(at);
    }

    /// The forwarding plane of a unit makes or changes connections.
    pub(crate) fn upsert(&mut self, at: usize, numbers: std::ops::Range<u32>, mark: u32) {
        let connections: Vec<_> = numbers.map(|number| connection(number, mark)).collect();
        let plane = &mut self.unit_mut(at).plane;
        plane.extend(connections.iter().map(|connection| (connection.key, connection.state)));
        for slice in connections.chunks(1024) {
            self.input(at, Input::Upsert(slice.to_vec()));
        }
    }

    pub(crate) fn remove(&mut self, at: usize, numbers: std::ops::Range<u32>) {
        let keys: Vec<_> = numbers.map(|number| connection(number, 0).key).collect();
        for key in &keys {
            self.unit_mut(at).plane.remove(key);
        }
        self.input(at, Input::Remove(keys));
    }

    /// Answers an action; what it asks for was done.
    pub(crate) fn answer(&mut self, at: usize, id: ActionId) {
        let now = self.now;
        let unit = self.unit_mut(at);
        if let Some(held) = unit.held.iter().position(|(held, _)| *held == id) {
            let (_, action) = unit.held.remove(held);
            unit.carry_out(&action);
        }
        unit.machine.handle_done(now, id, Ok(()));
        self.drain(at);
    }

    /// Answers an action: the system refused it, and nothing was done.
    pub(crate) fn refuse(&mut self, at: usize, id: ActionId) {
        let now = self.now;
        let unit = self.unit_mut(at);
        unit.held.retain(|(held, _)| *held != id);
        unit.machine.handle_done(now, id, Err(ActionError::Failed));
        self.drain(at);
    }

    fn drain(&mut self, at: usize) {
        let (now, hold, refuses) = (self.now, self.plan.hold, self.plan.refusing[at]);
        let Some(mut unit) = self.units[at].take() else { return };
        let mut buf = vec![0; unit.machine.max_datagram()];
        while let Some(output) = unit.machine.poll_output(now, &mut buf) {
            match output {
                Output::Transmit { to, len } => {
                    assert_eq!(to.peer, UnitId(1 - at as u8));
                    self.transmit(at, to, &buf[..len]);
                }
                Output::Action { id, action } => {
                    unit.handed_out.push(id);
                    if hold {
                        unit.held.push((id, action));
                    } else if refuses && matches!(action, Action::Sync(_)) {
                        unit.machine.handle_done(now, id, Err(ActionError::Failed));
                    } else {
                        unit.carry_out(&action);
                        unit.machine.handle_done(now, id, Ok(()));
                    }
                }
                Output::Event(event) => unit.events.push(event),
            }
        }
        self.units[at] = Some(unit);
    }

    fn transmit(&mut self, from: usize, to: Destination, datagram: &[u8]) {
        self.sent.push((from, to));
        let (lost, delay) = (self.below(100) < self.plan.loss, 1 + self.below(2));
        if lost || self.cut.contains(&to.path) || self.cut_one == Some((from, to.path)) {
            return;
        }
        let origin = Origin { peer: UnitId(from as u8), path: to.path, channel: to.channel };
        let at = self.now + Duration::from_millis(delay);
        self.wire.push((at, 1 - from, origin, datagram.to_vec()));
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % bound
    }

    pub(crate) fn unit(&self, at: usize) -> &Unit {
        self.units[at].as_ref().expect("the unit is alive")
    }

    fn unit_mut(&mut self, at: usize) -> &mut Unit {
        self.units[at].as_mut().expect("the unit is alive")
    }

    pub(crate) fn role(&self, at: usize) -> Role {
        self.unit(at).machine.pair().role()
    }

    pub(crate) fn sync_role(&self, at: usize) -> SyncRole {
        self.unit(at).machine.sync().unwrap().progress().role
    }

    pub(crate) fn records(&self, at: usize) -> usize {
        self.unit(at).machine.sync().unwrap().records().len()
    }

    /// Both tables and both forwarding planes are the same, and the machines say so.
    pub(crate) fn in_sync(&self) -> bool {
        let (a, b) = (self.unit(A), self.unit(B));
        let (a_sync, b_sync) = (a.machine.sync().unwrap(), b.machine.sync().unwrap());
        let equal = a_sync.records() == b_sync.records() && a.plane == b.plane;
        equal && a_sync.progress().in_sync && b_sync.progress().in_sync
    }

    /// The paths on which units have sent datagrams of state synchronization since `sent` was cleared.
    pub(crate) fn sync_paths_used(&self) -> BTreeSet<PathId> {
        let sync = self.sent.iter().filter(|(_, to)| to.channel == Channel::StateSync);
        sync.map(|(_, to)| to.path).collect()
    }

    pub(crate) fn role_changes(&self, at: usize) -> usize {
        let changed =
            |event: &&Event| matches!(event, Event::Pair(pair::Event::RoleChanged { .. }));
        self.unit(at).events.iter().filter(changed).count()
    }
}

impl Unit {
    fn carry_out(&mut self, action: &Action) {
        let Action::Sync(statesync::Action::Install { changes }) = action else { return };
        for change in changes {
            match change {
                Change::New(connection) | Change::Update(connection) => {
                    self.plane.insert(connection.key, connection.state);
                }
                Change::Delete(key) => {
                    self.plane.remove(key);
                }
            }
        }
    }
}

pub(crate) fn connection(number: u32, mark: u32) -> Connection {
    let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 | (number >> 8)).into();
    let transport = Transport::Udp { source: 40_000 + (number & 0xff) as u16, destination: 53 };
    let key = ConnectionKey { source, destination: [192, 0, 2, 1].into(), transport };
    let state = ConnectionState {
        source_nat: None,
        destination_nat: None,
        mark,
        tcp: None,
        seen_reply: true,
        assured: true,
        timeout: 60,
    };
    Connection { key, state }
}
