//! Two machines in memory, over a seeded bad network, in virtual time; after every step the rules that
//! must always hold are checked.

#![allow(dead_code)] // each test uses a part of it
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs, unreachable_pub)]

use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{ActionError, ActionId, Channel, Machine, Origin, Output};
use ha_core::time::{Duration, Instant};
use statesync::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

pub fn key(n: u32) -> ConnectionKey {
    ConnectionKey {
        source: IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | (n >> 8))),
        destination: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        transport: Transport::Tcp { source: 40_000 + (n & 0xff) as u16, destination: 443 },
    }
}

/// `mark` bears the version: every change of the test makes a higher one.
pub fn connection(n: u32, version: u32) -> Connection {
    let side = TcpSide { window_scale: 7, flags: 3 };
    let tcp = Some(TcpState { phase: TcpPhase::Established, original: side, reply: side });
    Connection {
        key: key(n),
        state: ConnectionState {
            source_nat: None,
            destination_nat: None,
            mark: version,
            tcp,
            seen_reply: true,
            assured: version.is_multiple_of(2),
            timeout: 60,
        },
    }
}

#[derive(Clone, Copy)]
pub struct Weather {
    pub loss: u64,
    pub duplication: u64,
    pub delay: (u64, u64), // milliseconds, the rest is reordering
}

pub const CALM: Weather = Weather { loss: 0, duplication: 0, delay: (1, 1) };
pub const STORM: Weather = Weather { loss: 30, duplication: 20, delay: (1, 80) };

pub struct Unit {
    pub sync: StateSync<Table>,
    /// What the embedder's forwarding plane holds.
    pub plane: BTreeMap<ConnectionKey, ConnectionState>,
    pub events: Vec<Event>,
    /// Percentage of installs that fail half-way.
    pub install_failures: u64,
    /// Actions under way: id, changes, due.
    busy: Vec<(Instant, ActionId, Vec<Change>)>,
    pub updates_in_place: usize,
}

pub struct Pair {
    pub now: Instant,
    pub rng: Rng,
    pub weather: Weather,
    pub units: [Unit; 2],
    wire: Vec<(Instant, usize, Vec<u8>)>,
    pub publisher: usize,
    pub version: u32,
    /// Every state that the present publisher had for a key since it became one, by version of the
    /// change: the deletion is one too.
    history: BTreeMap<ConnectionKey, Vec<(u32, bool)>>,
    /// The position in `history` that the replica was seen to have reached for a key.
    reached: BTreeMap<ConnectionKey, usize>,
    starts: u64,
    max_dirty: Option<usize>,
    pub sent: u64,
    pub check_history: bool,
}

impl Pair {
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self::with_max_dirty(seed, weather, None)
    }

    pub fn with_max_dirty(seed: u64, weather: Weather, max_dirty: Option<usize>) -> Self {
        let mut pair = Self {
            now: Instant::from_millis(10),
            rng: Rng::new(seed),
            weather,
            units: [unit(0, seed, max_dirty), unit(1, seed ^ 0xffff, max_dirty)],
            wire: Vec::new(),
            publisher: 0,
            version: 1,
            history: BTreeMap::new(),
            reached: BTreeMap::new(),
            starts: seed << 8,
            max_dirty,
            sent: 0,
            check_history: true,
        };
        pair.set_roles(0);
        pair
    }

    pub fn replica(&self) -> usize {
        1 - self.publisher
    }

    /// The publisher's table becomes the truth: history begins anew.
    pub fn set_roles(&mut self, publisher: usize) {
        self.publisher = publisher;
        let replica = 1 - publisher;
        self.input(replica, Input::SetRole(SyncRole::Replica));
        self.input(publisher, Input::SetRole(SyncRole::Publisher));
        self.forget_history();
    }

    fn forget_history(&mut self) {
        self.history.clear();
        self.reached.clear();
        for connection in self.units[self.publisher].sync.records().iter() {
            self.history.insert(connection.key, vec![(connection.state.mark, true)]);
        }
    }

    /// A unit starts again: with its forwarding plane empty, or still there and read back into the table.
    pub fn restart(&mut self, at: usize, keep_plane: bool) {
        self.starts += 1;
        let mut fresh = unit(at, self.starts, self.max_dirty);
        if keep_plane {
            fresh.plane = self.units[at].plane.clone();
            let plane = fresh.plane.iter().map(|(k, s)| Connection { key: *k, state: *s });
            let config = config(at, self.starts, self.max_dirty);
            fresh.sync = StateSync::new(config, plane.collect());
        }
        fresh.install_failures = self.units[at].install_failures;
        self.units[at] = fresh;
        let role = if at == self.publisher { SyncRole::Publisher } else { SyncRole::Replica };
        self.input(at, Input::SetRole(role));
        if at == self.publisher {
            self.forget_history();
        } else {
            self.reached.clear();
        }
    }

    pub fn input(&mut self, at: usize, input: Input) {
        self.units[at].sync.handle_input(self.now, input).unwrap();
        self.drain(at);
    }

    pub fn upsert(&mut self, numbers: impl IntoIterator<Item = u32>) {
        let mut batch = Vec::new();
        for n in numbers {
            self.version += 1;
            let connection = connection(n, self.version);
            self.history.entry(connection.key).or_default().push((self.version, true));
            self.units[self.publisher].plane.insert(connection.key, connection.state);
            batch.push(connection);
        }
        for chunk in batch.chunks(1024) {
            self.input(self.publisher, Input::Upsert(chunk.to_vec()));
        }
    }

    pub fn remove(&mut self, numbers: impl IntoIterator<Item = u32>) {
        let mut keys = Vec::new();
        for n in numbers {
            self.version += 1;
            self.history.entry(key(n)).or_default().push((self.version, false));
            self.units[self.publisher].plane.remove(&key(n));
            keys.push(key(n));
        }
        for chunk in keys.chunks(1024) {
            self.input(self.publisher, Input::Remove(chunk.to_vec()));
        }
    }

    /// A few changes at random among `keys` keys.
    pub fn churn(&mut self, keys: u64) {
        for _ in 0..self.rng.below(6) {
            let n = self.rng.below(keys) as u32;
            match self.rng.below(4) {
                0 => self.remove([n]),
                1 => {
                    self.remove([n]);
                    self.upsert([n]);
                }
                _ => self.upsert([n]),
            }
        }
    }

    fn drain(&mut self, at: usize) {
        let mut buf = [0; 1400];
        while let Some(output) = self.units[at].sync.poll_output(self.now, &mut buf) {
            match output {
                Output::Transmit { len, .. } => self.transmit(1 - at, &buf[..len]),
                Output::Event(event) => self.units[at].events.push(event),
                Output::Action { id, action: Action::Install { changes } } => {
                    let due = self.now + Duration::from_micros(self.rng.below(20_000));
                    self.units[at].busy.push((due, id, changes));
                    assert_eq!(self.units[at].busy.len(), 1, "one action at a time");
                }
            }
        }
    }

    fn transmit(&mut self, to: usize, datagram: &[u8]) {
        self.sent += 1;
        let copies = if self.rng.percent(self.weather.duplication) { 2 } else { 1 };
        for _ in 0..copies {
            if !self.rng.percent(self.weather.loss) {
                let (least, most) = self.weather.delay;
                let delay = least * 1000 + self.rng.below((most - least) * 1000 + 1);
                let due = self.now + Duration::from_micros(delay);
                self.wire.push((due, to, datagram.to_vec()));
            }
        }
    }

    /// Moves to the next thing that happens, at most to `end`; whether there was one.
    pub fn step(&mut self, end: Instant) -> bool {
        let deadlines = self.units.iter().filter_map(|u| u.sync.poll_timeout()).map(|d| d.at);
        let arrivals = self.wire.iter().map(|(due, ..)| *due);
        let actions = self.units.iter().flat_map(|u| u.busy.iter().map(|(due, ..)| *due));
        let next = deadlines.chain(arrivals).chain(actions).min().filter(|at| *at <= end);
        let Some(next) = next else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        while let Some(at) = self.wire.iter().position(|(due, ..)| *due <= self.now) {
            let (_, to, datagram) = self.wire.swap_remove(at);
            let peer = UnitId((1 - to) as u8);
            let from = Origin { peer, path: PathId(0), channel: Channel::StateSync };
            let _ = self.units[to].sync.handle_datagram(self.now, from, &datagram);
            self.drain(to);
        }
        for at in 0..2 {
            while let Some(done) = self.units[at].busy.pop_if(|(due, ..)| *due <= self.now) {
                self.finish_install(at, done.1, done.2);
            }
            self.units[at].sync.handle_timeout(self.now);
            self.drain(at);
        }
        self.check();
        true
    }

    fn finish_install(&mut self, at: usize, id: ActionId, changes: Vec<Change>) {
        let fails = self.rng.percent(self.units[at].install_failures);
        let carried_out = if fails { changes.len() / 2 } else { changes.len() };
        let in_replica = at == self.replica();
        let unit = &mut self.units[at];
        let mut seen = BTreeSet::new();
        for change in &changes[..carried_out] {
            assert!(seen.insert(*change.key()), "one change for each key");
            match change {
                Change::New(c) => drop(unit.plane.insert(c.key, c.state)),
                Change::Update(c) => {
                    unit.updates_in_place += 1;
                    let before = unit.plane.insert(c.key, c.state);
                    if let Some(before) = before.filter(|_| in_replica) {
                        let made_anew = self.history.get(&c.key).is_some_and(|versions| {
                            let between = before.mark..c.state.mark;
                            versions.iter().any(|v| !v.1 && between.contains(&v.0))
                        });
                        assert!(!made_anew, "another incarnation came as an update: {:?}", c.key);
                    }
                }
                Change::Delete(key) => drop(unit.plane.remove(key)),
            }
        }
        let outcome = if fails { Err(ActionError::Failed) } else { Ok(()) };
        unit.sync.handle_done(self.now, id, outcome);
        self.drain(at);
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    /// Per key never an older state after a newer one, and never one that the publisher had not
    /// (STATE-7).
    fn check(&mut self) {
        if !self.check_history || !self.units[self.replica()].sync.progress().session_open {
            return;
        }
        let unit = &self.units[self.replica()];
        let replica = unit.sync.records();
        if self.units[self.publisher].sync.progress().in_sync {
            // An acknowledgement means applied, in the table and in the forwarding plane.
            assert!(*replica == *self.units[self.publisher].sync.records(), "in sync: the table");
            let plane = unit.plane.iter().map(|(k, s)| Connection { key: *k, state: *s });
            assert!(plane.eq(replica.iter()), "in sync: the forwarding plane");
        }
        for (key, versions) in &self.history {
            // Until a key was first reached, the replica may have what was there before.
            let reached = self.reached.get(key).copied();
            let known = match replica.get(key) {
                Some(state) => versions.iter().position(|v| *v == (state.mark, true)),
                None => versions
                    .iter()
                    .enumerate()
                    .position(|(at, v)| !v.1 && reached.is_none_or(|reached| at >= reached)),
            };
            match (known, reached) {
                (Some(at), Some(reached)) if at < reached => {
                    panic!("{key:?} went back from {:?} to {:?}", versions[reached], versions[at])
                }
                (None, Some(reached)) => {
                    let state = replica.get(key).map(|state| state.mark);
                    panic!("{key:?} went from {:?} to {state:?}", versions[reached])
                }
                (Some(at), _) if replica.get(key).is_some() || reached.is_some() => {
                    self.reached.insert(*key, at);
                }
                _ => {}
            }
        }
    }

    /// After calm everything is equal: both tables, both planes, and the machines know it.
    pub fn assert_equal(&self) {
        let [a, b] = &self.units;
        let (left, right) = (a.sync.records(), b.sync.records());
        assert_eq!(left.len(), right.len(), "sizes of the tables");
        for (left, right) in left.iter().zip(right.iter()) {
            assert_eq!(left, right);
        }
        let replica = &self.units[self.replica()];
        let plane: Table =
            replica.plane.iter().map(|(k, s)| Connection { key: *k, state: *s }).collect();
        assert!(plane == *replica.sync.records(), "the replica's plane follows its table");
        for unit in &self.units {
            assert!(unit.sync.progress().in_sync, "{:?}", unit.sync.progress());
        }
    }

    pub fn calm(&mut self) {
        self.weather = CALM;
        for unit in &mut self.units {
            unit.install_failures = 0;
        }
        self.run(Duration::from_secs(15));
    }
}

fn config(at: usize, seed: u64, max_dirty: Option<usize>) -> Config {
    let config = Config::new(seed, UnitId((1 - at) as u8), vec![PathId(0)]).unwrap();
    match max_dirty {
        Some(bound) => config.max_dirty(bound).unwrap(),
        None => config,
    }
}

fn unit(at: usize, seed: u64, max_dirty: Option<usize>) -> Unit {
    Unit {
        sync: StateSync::new(config(at, seed, max_dirty), Table::new()),
        plane: BTreeMap::new(),
        events: Vec::new(),
        install_failures: 0,
        busy: Vec::new(),
        updates_in_place: 0,
    }
}
