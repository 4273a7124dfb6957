//! The status of a running unit: what `status` prints, for a person or as JSON. It is that of `ha-core`, with the
//! names and words that this program has for what is a number there.

mod names;
mod text;

pub use names::{Deduction, Names, OnDevice};

use ha_core::identity::Designation;
use ha_core::monitor::{LinkStatus, ServiceStatus, TargetStatus};
use ha_core::pair::{
    ActiveUnit, Counters, Failover, Health, Maintenance as Mode, Obstacles, PairStatus, PathStatus,
    Role,
};
use ha_core::time::Instant;
use serde::{Deserialize, Serialize};
use statesync::{Progress, SyncRole};
use std::collections::BTreeMap;
use std::time::Duration;

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// NONE, ELECTION, ACTIVE, STANDBY, SYNC, REBOOT or ERROR.
    pub role: Role,
    /// The state of the role machine, finer than the role.
    pub state: String,
    /// For how long it has the role, in milliseconds.
    pub since_ms: u64,
    /// Why.
    pub why: String,
    /// What was known when that was decided, for a person.
    pub decision: String,
    /// `primary` or `secondary`.
    pub designation: Designation,
    /// This unit's serial number.
    pub serial: String,
    /// When this was read, by the unit's own clock: the instants below are on it.
    pub now: Instant,
    /// Which unit is Active; absent if none is known to be.
    pub active: Option<ActiveUnit>,
    /// When this unit last took the role or gave it up, and why; absent if it never was Active.
    pub last_failover: Option<Failover>,
    /// How often the role changed since the program started.
    pub role_changes: u64,
    /// What the role machine has counted since then.
    pub counted: Counters,
    /// How fit it is for the role.
    pub health: Health,
    /// What its health weight lacks, and why.
    pub deductions: Vec<Deduction>,
    /// The links that are monitored.
    pub links: Vec<OnDevice<LinkStatus>>,
    /// What is probed.
    pub targets: Vec<OnDevice<TargetStatus>>,
    /// The services that are watched.
    pub services: Vec<ServiceStatus>,
    /// What makes it less fit.
    pub demotions: Vec<Demotion>,
    /// What keeps it from taking the role, for a person; absent if nothing does.
    pub obstacles: Option<String>,
    /// Maintenance mode.
    pub maintenance: Maintenance,
    /// The role changed too often: voluntary changes are held back.
    pub flap_hold: bool,
    /// As a Standby it has the whole table of its Active.
    pub synchronized: bool,
    /// The peer.
    pub peer: Peer,
    /// What keeps the two from working together; absent if nothing does.
    pub mismatch: Option<String>,
    /// The heartbeat paths.
    pub paths: Vec<Path>,
    /// State synchronization.
    pub sync: Sync,
    /// The longest time by which a heartbeat was late, in microseconds.
    pub longest_stall_us: u64,
    /// What else was ignored, refused or lost, by reason; only what occurred.
    pub counters: BTreeMap<String, u64>,
}

/// The peer as it is heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its serial number; the configured one if it was never heard.
    pub serial: String,
    /// It is heard at present.
    pub heard: bool,
    /// What it last said of its role.
    pub role: Option<String>,
    /// How long ago that was, in milliseconds.
    pub age_ms: Option<u64>,
    /// How fit it last said it was.
    pub health: Option<Health>,
    /// What it last said that its health weight lacks, and why.
    pub deductions: Vec<Deduction>,
    /// What it last said that keeps it from taking the role, for a person; absent if nothing does.
    pub obstacles: Option<String>,
    /// It last said that as a Standby it has the whole table.
    pub synchronized: bool,
}

/// Why a unit is less fit than it could be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Demotion {
    /// Who says so.
    pub owner: String,
    /// For what.
    pub reason: String,
    /// When it ends by itself, in milliseconds from now.
    pub expires_in_ms: Option<u64>,
}

/// Maintenance mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Maintenance {
    /// It is on.
    pub on: bool,
    /// It ends by itself so long after it began, or after the unit's last start, in milliseconds.
    pub lasts_ms: Option<u64>,
}

/// One heartbeat path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Its name in the configuration.
    pub name: String,
    /// How it is.
    #[serde(flatten)]
    pub status: PathStatus,
}

/// State synchronization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sync {
    /// It is turned on.
    pub enabled: bool,
    /// `idle`, `publisher` or `replica`.
    pub role: String,
    /// How many connections are known.
    pub records: usize,
    /// The Standby has all of them, and in its kernel.
    pub in_sync: bool,
    /// The whole table is on its way.
    pub catching_up: bool,
    /// How many changes wait to be sent, acknowledged or put into the kernel.
    pub behind: usize,
    /// How long ago the other side was last heard, in milliseconds.
    pub last_heard_ms: Option<u64>,
}

impl Sync {
    /// What the machine says of itself.
    #[must_use]
    pub fn of(progress: &Progress) -> Self {
        Self {
            enabled: true,
            role: match progress.role {
                SyncRole::Idle => "idle",
                SyncRole::Publisher => "publisher",
                SyncRole::Replica => "replica",
            }
            .to_owned(),
            records: progress.records,
            in_sync: progress.in_sync,
            catching_up: progress.catching_up,
            behind: progress
                .dirty
                .saturating_add(progress.in_flight)
                .saturating_add(progress.installing),
            last_heard_ms: progress.last_ack_age.map(millis),
        }
    }
}

/// Puts a status together, without what the program counts by itself.
#[must_use]
pub fn assemble(
    pair: &PairStatus,
    counted: Counters,
    now: Instant,
    sync: Option<&Progress>,
    names: &Names<'_>,
) -> Status {
    let peer = pair.peer.as_ref();
    Status {
        role: pair.role,
        state: pair.state.to_string(),
        since_ms: millis(now.saturating_since(pair.decision.at)),
        why: match (pair.role, pair.mismatch) {
            (Role::Error, Some(mismatch)) => mismatch.to_string(),
            _ => pair.decision.why.to_string(),
        },
        decision: pair.decision.to_string(),
        designation: pair.designation,
        serial: pair.serial.to_string(),
        now,
        active: pair.active,
        last_failover: pair.last_failover,
        role_changes: 0,
        counted,
        health: pair.health,
        deductions: names.deductions(&pair.deductions),
        links: pair.links.iter().map(|it| names.on_device(it.interface, *it)).collect(),
        targets: pair.targets.iter().map(|it| names.on_device(it.interface, *it)).collect(),
        services: pair.services.clone(),
        demotions: pair
            .demotions
            .iter()
            .map(|active| Demotion {
                owner: active.demotion.owner.to_string(),
                reason: active.demotion.reason.to_string(),
                expires_in_ms: active.until.map(|until| millis(until.saturating_since(now))),
            })
            .collect(),
        obstacles: named(pair.obstacles),
        maintenance: match pair.maintenance {
            Mode::Off => Maintenance::default(),
            Mode::On { lasts } => Maintenance { on: true, lasts_ms: lasts.map(millis) },
        },
        flap_hold: pair.flap_held,
        synchronized: pair.synchronized,
        peer: Peer {
            serial: names.peer_serial.to_owned(),
            heard: peer.is_some_and(|peer| peer.heard),
            role: peer.map(|peer| peer.stance.to_string()),
            age_ms: peer.map(|peer| millis(peer.age)),
            health: peer.map(|peer| peer.health),
            deductions: peer.map(|peer| names.deductions(&peer.deductions)).unwrap_or_default(),
            obstacles: peer.and_then(|peer| named(peer.obstacles)),
            synchronized: peer.is_some_and(|peer| peer.synchronized),
        },
        mismatch: pair.mismatch.map(|mismatch| mismatch.to_string()),
        paths: pair
            .paths
            .iter()
            .zip(names.paths)
            .map(|(status, name)| Path { name: name.clone(), status: *status })
            .collect(),
        sync: sync.map(Sync::of).unwrap_or_default(),
        longest_stall_us: u64::try_from(pair.longest_stall.as_micros()).unwrap_or(u64::MAX),
        counters: BTreeMap::new(),
    }
}

fn named(obstacles: Obstacles) -> Option<String> {
    (!obstacles.is_empty()).then(|| obstacles.to_string())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::with_monitors;
