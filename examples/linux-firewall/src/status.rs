//! The status of a running unit: what `status` prints, for a person or as JSON.

use ha_core::identity::Designation;
use ha_core::pair::{Health, Maintenance as Mode, Obstacles, PairStatus, Role};
use ha_core::time::Instant;
use serde::{Deserialize, Serialize};
use statesync::{Progress, SyncRole};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// NONE, ELECTION, ACTIVE, STANDBY, SYNC, REBOOT or ERROR.
    pub role: String,
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
    /// How often the role changed since the program started.
    pub role_changes: u64,
    /// How fit it is for the role.
    pub health: Health,
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
    /// What was ignored, refused or lost, by reason; only what occurred.
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
    /// The peer is heard on it.
    pub heard: bool,
    /// The peer hears us on it.
    pub heard_by_peer: bool,
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

/// Puts a status together. `paths` are the names of the paths, in their order.
#[must_use]
pub fn assemble(
    pair: &PairStatus,
    now: Instant,
    sync: Option<&Progress>,
    paths: &[String],
    peer_serial: &str,
    role_changes: u64,
    counters: BTreeMap<String, u64>,
) -> Status {
    Status {
        role: pair.role.to_string(),
        state: pair.state.to_string(),
        since_ms: millis(now.saturating_since(pair.decision.at)),
        why: match (pair.role, pair.mismatch) {
            (Role::Error, Some(mismatch)) => mismatch.to_string(),
            _ => pair.decision.why.to_string(),
        },
        decision: pair.decision.to_string(),
        designation: pair.designation,
        serial: pair.serial.to_string(),
        role_changes,
        health: pair.health,
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
            serial: peer_serial.to_owned(),
            heard: pair.peer.is_some_and(|peer| peer.heard),
            role: pair.peer.map(|peer| peer.stance.to_string()),
            age_ms: pair.peer.map(|peer| millis(peer.age)),
            health: pair.peer.map(|peer| peer.health),
            obstacles: pair.peer.and_then(|peer| named(peer.obstacles)),
            synchronized: pair.peer.is_some_and(|peer| peer.synchronized),
        },
        mismatch: pair.mismatch.map(|mismatch| mismatch.to_string()),
        paths: pair
            .paths
            .iter()
            .zip(paths)
            .map(|(path, name)| Path {
                name: name.clone(),
                heard: path.heard,
                heard_by_peer: path.heard_by_peer,
            })
            .collect(),
        sync: sync.map(Sync::of).unwrap_or_default(),
        longest_stall_us: u64::try_from(pair.longest_stall.as_micros()).unwrap_or(u64::MAX),
        counters,
    }
}

fn named(obstacles: Obstacles) -> Option<String> {
    (!obstacles.is_empty()).then(|| obstacles.to_string())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = |ms: u64| humantime::format_duration(Duration::from_millis(ms)).to_string();
        let (designation, serial, role) = (self.designation, &self.serial, &self.role);
        writeln!(f, "{designation} {serial} is {role} for {}", ago(self.since_ms))?;
        match &self.mismatch {
            Some(mismatch) if *mismatch == self.why => writeln!(f, "  why      {mismatch}")?,
            Some(mismatch) => {
                writeln!(f, "  why      {}\n  mismatch {mismatch}", self.decision)?;
            }
            None => writeln!(f, "  why      {}", self.decision)?,
        }
        writeln!(f, "  health   {}", self.health)?;
        for demotion in &self.demotions {
            write!(f, "  demoted  {} ({})", demotion.reason, demotion.owner)?;
            match demotion.expires_in_ms {
                Some(ms) => writeln!(f, ", for {}", ago(ms))?,
                None => writeln!(f)?,
            }
        }
        if let Some(obstacles) = &self.obstacles {
            writeln!(f, "  obstacle {obstacles}")?;
        }
        if let Maintenance { on: true, lasts_ms: Some(lasts) } = self.maintenance {
            writeln!(
                f,
                "  ends     maintenance: {} after its begin or the last start",
                ago(lasts)
            )?;
        }
        if self.flap_hold {
            writeln!(f, "  flaps    voluntary changes of the role are held back")?;
        }
        let health = self.peer.health.map(|health| format!(", health {health}"));
        let health = health.unwrap_or_default();
        match (&self.peer.role, self.peer.heard) {
            (Some(role), true) => writeln!(f, "  peer     {} is {role}{health}", self.peer.serial)?,
            (Some(role), false) => writeln!(
                f,
                "  peer     {} was {role}{health}, silent for {}",
                self.peer.serial,
                ago(self.peer.age_ms.unwrap_or(0))
            )?,
            (None, _) => writeln!(f, "  peer     {} was never heard", self.peer.serial)?,
        }
        if let Some(obstacles) = &self.peer.obstacles {
            writeln!(f, "  peer     cannot take over: {obstacles}")?;
        }
        for path in &self.paths {
            let state = match (path.heard, path.heard_by_peer) {
                (true, true) => "heard in both directions",
                (true, false) => "the peer does not hear us",
                (false, _) => "nothing is heard",
            };
            writeln!(f, "  path     {:<10} {state}", path.name)?;
        }
        if self.sync.enabled {
            let state = match &self.sync {
                Sync { in_sync: true, .. } => "in sync".to_owned(),
                Sync { catching_up: true, .. } => "catching up".to_owned(),
                sync => format!("{} changes behind", sync.behind),
            };
            writeln!(
                f,
                "  sync     {}, {} connections, {state}",
                self.sync.role, self.sync.records
            )?;
            if self.sync.role == "replica" {
                let not = if self.synchronized { "" } else { "not " };
                writeln!(f, "  table    {not}complete")?;
            }
        } else {
            writeln!(f, "  sync     off")?;
        }
        let stall = Duration::from_micros(self.longest_stall_us);
        writeln!(f, "  stall    {stall:?} at the most")?;
        for (reason, count) in &self.counters {
            writeln!(f, "  counter  {count} {reason}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            role: "STANDBY".into(),
            state: "Standby".into(),
            since_ms: 61_500,
            why: "the peer is Active".into(),
            decision: "the peer is Active; health 2; no peer had been heard".into(),
            designation: Designation::Secondary,
            serial: "FW-0002".into(),
            role_changes: 1,
            health: Health { fit: true, weight: 2 },
            demotions: Vec::new(),
            obstacles: None,
            maintenance: Maintenance::default(),
            flap_hold: false,
            synchronized: true,
            peer: Peer {
                serial: "FW-0001".into(),
                heard: true,
                role: Some("ACTIVE".into()),
                age_ms: Some(4),
                health: Some(Health { fit: true, weight: 1 }),
                obstacles: None,
                synchronized: false,
            },
            mismatch: None,
            paths: vec![
                Path { name: "ha".into(), heard: true, heard_by_peer: true },
                Path { name: "lan".into(), heard: true, heard_by_peer: false },
                Path { name: "wan".into(), heard: false, heard_by_peer: true },
            ],
            sync: Sync {
                enabled: true,
                role: "replica".into(),
                records: 50_000,
                in_sync: true,
                ..Sync::default()
            },
            longest_stall_us: 1_250,
            counters: [("heartbeats ignored: stale".into(), 3)].into(),
        }
    }

    /// STA-1, COS-7: what a person reads.
    #[test]
    fn a_person_reads_who_what_and_why() {
        let wanted = "\
Secondary FW-0002 is STANDBY for 1m 1s 500ms
  why      the peer is Active; health 2; no peer had been heard
  health   2
  peer     FW-0001 is ACTIVE, health 1
  path     ha         heard in both directions
  path     lan        the peer does not hear us
  path     wan        nothing is heard
  sync     replica, 50000 connections, in sync
  table    complete
  stall    1.25ms at the most
  counter  3 heartbeats ignored: stale
";
        assert_eq!(status().to_string(), wanted);
    }

    /// BEY-7, BEY-8, STA-1: everything that holds a unit back has a line, and a name.
    #[test]
    fn what_holds_a_unit_back_is_told() {
        let demotion = |reason: &str, expires_in_ms| Demotion {
            owner: "ha-core".into(),
            reason: reason.into(),
            expires_in_ms,
        };
        let mut status = status();
        status.health.fit = false;
        status.demotions = vec![demotion("take-failed", None), demotion("test", Some(2_000))];
        status.obstacles = Some("in maintenance, isolated".into());
        status.maintenance = Maintenance { on: true, lasts_ms: Some(60_000) };
        status.flap_hold = true;
        status.synchronized = false;
        status.peer.obstacles = Some("not ready".into());
        let text = status.to_string();
        for line in [
            "  health   2 (demoted)",
            "  demoted  take-failed (ha-core)",
            "  demoted  test (ha-core), for 2s",
            "  obstacle in maintenance, isolated",
            "  ends     maintenance: 1m after its begin or the last start",
            "  flaps    voluntary changes of the role are held back",
            "  peer     cannot take over: not ready",
            "  table    not complete",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn a_silent_peer_and_a_lagging_table_are_told() {
        let mut status = status();
        status.peer.heard = false;
        status.sync = Sync { in_sync: false, behind: 12, ..status.sync };
        let text = status.to_string();
        assert!(text.contains("FW-0001 was ACTIVE, health 1, silent for 4ms\n"), "{text}");
        assert!(text.contains("50000 connections, 12 changes behind\n"), "{text}");
        status.sync.catching_up = true;
        assert!(status.to_string().contains("connections, catching up\n"));
        status.peer.role = None;
        status.sync.enabled = false;
        let text = status.to_string();
        assert!(text.contains("FW-0001 was never heard\n"), "{text}");
        assert!(text.contains("sync     off\n"), "{text}");
    }

    /// STA-1: what a program reads: names that stay.
    #[test]
    fn a_program_reads_these_names() {
        let mut status = status();
        status.demotions = vec![Demotion {
            owner: "vendor".into(),
            reason: "test".into(),
            expires_in_ms: Some(5),
        }];
        status.obstacles = Some("in maintenance".into());
        status.maintenance = Maintenance { on: true, lasts_ms: Some(60_000) };
        let json = serde_json::to_value(&status).unwrap();
        for (pointer, value) in [
            ("/role", "STANDBY".into()),
            ("/state", "Standby".into()),
            ("/since_ms", 61_500.into()),
            ("/why", "the peer is Active".into()),
            ("/decision", "the peer is Active; health 2; no peer had been heard".into()),
            ("/health/weight", 2.into()),
            ("/health/fit", true.into()),
            ("/demotions/0/owner", "vendor".into()),
            ("/demotions/0/reason", "test".into()),
            ("/demotions/0/expires_in_ms", 5.into()),
            ("/obstacles", "in maintenance".into()),
            ("/maintenance/on", true.into()),
            ("/maintenance/lasts_ms", 60_000.into()),
            ("/flap_hold", false.into()),
            ("/synchronized", true.into()),
            ("/peer/health/weight", 1.into()),
            ("/peer/obstacles", serde_json::Value::Null),
            ("/peer/synchronized", false.into()),
            ("/designation", "secondary".into()),
            ("/serial", "FW-0002".into()),
            ("/role_changes", 1.into()),
            ("/peer/serial", "FW-0001".into()),
            ("/peer/heard", true.into()),
            ("/peer/role", "ACTIVE".into()),
            ("/peer/age_ms", 4.into()),
            ("/mismatch", serde_json::Value::Null),
            ("/paths/1/name", "lan".into()),
            ("/paths/1/heard", true.into()),
            ("/paths/1/heard_by_peer", false.into()),
            ("/sync/enabled", true.into()),
            ("/sync/role", "replica".into()),
            ("/sync/records", 50_000.into()),
            ("/sync/in_sync", true.into()),
            ("/sync/catching_up", false.into()),
            ("/sync/behind", 0.into()),
            ("/longest_stall_us", 1_250.into()),
            ("/counters/heartbeats ignored: stale", 3.into()),
        ] {
            assert_eq!(json.pointer(pointer), Some(&value), "{pointer}");
        }
        assert_eq!(serde_json::from_value::<Status>(json).unwrap(), status);
    }
}
