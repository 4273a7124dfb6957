//! What can be read of the role machine at any time (STA-1).

use super::comparison::Health;
use super::decision::Decision;
use super::demotion::ActiveDemotion;
use super::machine::Pair;
use super::maintenance::Maintenance;
use super::mode::Mode;
use super::news::Mismatch;
use super::obstacle::Obstacles;
use super::role::{Role, Stance, State};
use crate::identity::{Designation, PathId, SerialNumber};
use crate::monitor::{Deduction, LinkStatus, ServiceStatus, TargetStatus};
use crate::reject::RejectCounters;
use crate::time::{Duration, Instant};
use alloc::vec::Vec;

/// The status of one unit of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairStatus {
    /// What the two units do together.
    pub mode: Mode,
    /// Its fixed designation.
    pub designation: Designation,
    /// Its serial number.
    pub serial: SerialNumber,
    /// Its role.
    pub role: Role,
    /// Its state, finer than the role.
    pub state: State,
    /// Since when and why it has the role (BEY-12).
    pub decision: Decision,
    /// The term of its present or last reign; 0 if it never was Active.
    pub term: u64,
    /// How fit it is for the role.
    pub health: Health,
    /// What its health weight lacks, and why (CRASH-3): the monitors' part of it.
    pub deductions: Vec<Deduction>,
    /// The links that are monitored.
    pub links: Vec<LinkStatus>,
    /// The probe targets.
    pub targets: Vec<TargetStatus>,
    /// The services that are watched.
    pub services: Vec<ServiceStatus>,
    /// What makes it less fit (BEY-7).
    pub demotions: Vec<ActiveDemotion>,
    /// What keeps it from taking the role at all.
    pub obstacles: Obstacles,
    /// Maintenance mode, as it is in force (BEY-8).
    pub maintenance: Maintenance,
    /// Its table is complete (PAIR-9).
    pub synchronized: bool,
    /// It holds back voluntary changes since its role changed too often (PAIR-18).
    pub flap_held: bool,
    /// What is known of the peer; `None` if it was never heard.
    pub peer: Option<PeerStatus>,
    /// What keeps the two from working together (PAIR-14).
    pub mismatch: Option<Mismatch>,
    /// The heartbeat paths, in their order.
    pub paths: Vec<PathStatus>,
    /// The longest time by which a heartbeat of this unit was late.
    pub longest_stall: Duration,
    /// How often the time that was handed in ran backwards.
    pub backward_steps: u64,
    /// The datagrams that were ignored, by reason.
    pub rejects: RejectCounters,
}

/// What is known of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its serial number.
    pub serial: SerialNumber,
    /// What it last said of its role.
    pub stance: Stance,
    /// How fit it last said it was.
    pub health: Health,
    /// What it last said that its health weight lacks, and why.
    pub deductions: Vec<Deduction>,
    /// What it last said that keeps it from taking the role.
    pub obstacles: Obstacles,
    /// It last said that its table is complete.
    pub synchronized: bool,
    /// Whether it is heard at present.
    pub heard: bool,
    /// How long ago it was last heard.
    pub age: Duration,
}

/// What is known of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathStatus {
    /// Which one.
    pub path: PathId,
    /// The peer is heard on it.
    pub heard: bool,
    /// The peer says that it hears us on it.
    pub heard_by_peer: bool,
    /// How long ago the peer was last heard on it.
    pub age: Option<Duration>,
}

impl Pair {
    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: Instant) -> PairStatus {
        let peer = self.peer.last().map(|last| PeerStatus {
            serial: last.heartbeat.serial,
            stance: last.heartbeat.stance,
            health: last.heartbeat.health,
            deductions: self.peer.deductions.clone(),
            obstacles: last.heartbeat.obstacles,
            synchronized: last.heartbeat.synchronized,
            heard: last.alive,
            age: now.saturating_since(last.at),
        });
        PairStatus {
            mode: self.config.mode,
            designation: self.config.designation,
            serial: self.config.serial,
            role: self.role(),
            state: self.state,
            decision: self.decision,
            term: self.term,
            health: self.health(),
            deductions: self.monitor.deductions().collect(),
            links: self.monitor.link_status(),
            targets: self.monitor.target_status(),
            services: self.monitor.service_status(),
            demotions: self.fitness.demotions.all().to_vec(),
            obstacles: self.obstacles(),
            maintenance: self.fitness.maintenance,
            synchronized: self.fitness.synchronized,
            flap_held: self.is_flap_held(now),
            peer,
            mismatch: self.mismatch,
            paths: self.config.paths().map(|path| self.path_status(path, now)).collect(),
            longest_stall: self.beat.longest_delay(),
            backward_steps: self.backward_steps,
            rejects: self.rejects.clone(),
        }
    }

    fn path_status(&self, path: PathId, now: Instant) -> PathStatus {
        PathStatus {
            path,
            heard: self.peer.path_is_up(path),
            heard_by_peer: self.peer.hears_us_on(path),
            age: self.peer.path_heard_at(path).map(|at| now.saturating_since(at)),
        }
    }

    /// Whether the peer is heard on this path.
    #[must_use]
    pub fn path_is_heard(&self, path: PathId) -> bool {
        self.peer.path_is_up(path)
    }

    /// Whether the units hear each other on this path, in both directions.
    #[must_use]
    pub fn path_works(&self, path: PathId) -> bool {
        self.peer.path_is_up(path) && self.peer.hears_us_on(path)
    }

    /// What the peer says of its role, if it is heard.
    #[must_use]
    pub fn peer_stance(&self) -> Option<Stance> {
        self.peer.alive().map(|last| last.heartbeat.stance)
    }

    /// Since when and why the unit has its role (BEY-12).
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The state, finer than [`Pair::role`].
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// What keeps the two units from working together (PAIR-14).
    #[must_use]
    pub fn mismatch(&self) -> Option<Mismatch> {
        self.mismatch
    }
}
