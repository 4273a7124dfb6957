//! How an event is told: in words for a log, and how urgent it is for an alert (STA-2). With the feature
//! `tracing`, each is logged as it happens, with the unit and its role (COS-6).

use super::news::{Event, PersistKey};
use super::role::{Role, Stance};
use crate::monitor::{Deduction, Reach};
use core::fmt;

/// How urgent an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Severity {
    /// All goes its way.
    Info,
    /// The pair is less safe than it was, or something has to be looked into.
    Warning,
    /// Something does not work, and will not by itself.
    Error,
}

impl Event {
    /// How urgent it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::RoleChanged { .. }
            | Self::RoleShown { .. }
            | Self::PeerHeard { .. }
            | Self::PeerStance { .. }
            | Self::PathHeard(_)
            | Self::PeerMatches
            | Self::DemotionOver { .. }
            | Self::Maintenance(_)
            | Self::IsolationOver { .. }
            | Self::HeldForReadiness { .. }
            | Self::FlapHoldOver
            | Self::Synchronized(_)
            | Self::Upgrade(_)
            | Self::Link { up: true, .. }
            | Self::Target { reach: Reach::Unknown | Reach::Reached, .. }
            | Self::ServiceRecovered { .. }
            | Self::WeightChanged { .. }
            | Self::MayStop { .. } => Severity::Info,
            Self::PeerLost { .. }
            | Self::PathLost(_)
            | Self::Stranger { .. }
            | Self::Conflict { .. }
            | Self::Stalled { .. }
            | Self::HandOverAborted(_)
            | Self::Demoted(_)
            | Self::Isolated
            | Self::ReadinessOverdue
            | Self::FlapHold { .. }
            | Self::Link { up: false, .. }
            | Self::Target { reach: Reach::Lost, .. }
            | Self::ServiceFailed { .. }
            | Self::EventsDropped(_) => Severity::Warning,
            Self::PeerMismatch(_)
            | Self::ActionFailed { .. }
            | Self::MaintenanceNotPersisted(_)
            | Self::ServiceGivenUp { .. }
            | Self::PersistedUnreadable(_) => Severity::Error,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleChanged { from, to, why, term } => {
                write!(f, "role changed from {from} to {to}: {why}")?;
                if *to == Role::Active { write!(f, "; term {term}") } else { Ok(()) }
            }
            Self::RoleShown { from, to, why } => write!(f, "role shown as {to}, was {from}: {why}"),
            Self::PeerHeard { serial, stance } => {
                write!(f, "peer {serial} is heard: it {}", says(*stance))
            }
            Self::PeerStance { from: _, to, health, obstacles } => {
                write!(f, "peer {}; health {health}", says(*to))?;
                if obstacles.is_empty() { Ok(()) } else { write!(f, "; held back: {obstacles}") }
            }
            Self::PeerLost { silence } => {
                write!(f, "peer lost: silent for {silence:?} on every path")
            }
            Self::PathLost(path) => write!(f, "{path} lost: the peer is silent there"),
            Self::PathHeard(path) => write!(f, "{path} heard"),
            Self::PeerMismatch(mismatch) => write!(f, "peer does not match: {mismatch}"),
            Self::PeerMatches => f.write_str("peer matches again"),
            Self::Stranger { serial, path } => {
                write!(f, "{serial} on {path} is not the peer, and is ignored")
            }
            Self::Conflict { peer_term, our_term } => {
                write!(
                    f,
                    "both units are Active: the peer in term {peer_term}, this one in {our_term}"
                )
            }
            Self::Stalled { length } => write!(f, "this unit did nothing for {length:?}"),
            Self::ActionFailed { action, error } => write!(f, "{action} failed: {error}"),
            Self::HandOverAborted(why) => write!(f, "hand-over aborted: {why}"),
            Self::Demoted(demotion) => write!(f, "less fit for the role: {demotion}"),
            Self::DemotionOver { demotion, expired } => {
                let how = if *expired { "expired" } else { "lifted" };
                write!(f, "no longer less fit for the role: {demotion} {how}")
            }
            Self::Maintenance(true) => f.write_str("in maintenance"),
            Self::Maintenance(false) => f.write_str("no longer in maintenance"),
            Self::MaintenanceNotPersisted(error) => {
                write!(f, "maintenance stays as it was: it could not be persisted: {error}")
            }
            Self::PersistedUnreadable(PersistKey::Maintenance) => {
                f.write_str("what was persisted of maintenance mode cannot be read: it is off")
            }
            Self::Link { interface, up: true } => write!(f, "link of {interface} is up"),
            Self::Link { interface, up: false } => write!(f, "link of {interface} is down"),
            Self::Target { interface, target, reach } => {
                write!(f, "probe target {target} of {interface} is {reach}")
            }
            Self::ServiceFailed { name, why, .. } => write!(f, "service {name} has failed: {why}"),
            Self::ServiceRecovered { name, .. } => write!(f, "service {name} works again"),
            Self::ServiceGivenUp { name, .. } => {
                write!(f, "service {name} failed too often: it is not restarted any more")
            }
            Self::WeightChanged { from, to, deducted, restored } => {
                write!(f, "health weight {to}, was {from}")?;
                for Deduction { monitor, weight } in deducted {
                    write!(f, "; {monitor} takes {weight}")?;
                }
                for Deduction { monitor, weight } in restored {
                    write!(f, "; {monitor} gives {weight} back")?;
                }
                if deducted.is_empty() && restored.is_empty() {
                    f.write_str("; the embedder said so")?;
                }
                Ok(())
            }
            Self::Isolated => {
                f.write_str("isolated: the peer is silent, and no monitored link is up")
            }
            Self::IsolationOver { why } => write!(f, "no longer isolated: {why}"),
            Self::HeldForReadiness { limit } => {
                write!(f, "held back until this unit is ready, for {limit:?} at the most")
            }
            Self::ReadinessOverdue => f.write_str("not ready in time: it counts as ready"),
            Self::FlapHold { .. } => {
                f.write_str("the role changed too often: voluntary changes are held back")
            }
            Self::FlapHoldOver => f.write_str("voluntary changes are held back no longer"),
            Self::Synchronized(true) => f.write_str("the table is complete"),
            Self::Synchronized(false) => f.write_str("the table is not complete any more"),
            Self::Upgrade(true) => f.write_str("an upgrade of the pair has begun"),
            Self::Upgrade(false) => f.write_str("the upgrade of the pair has ended"),
            Self::MayStop { peer_took: true } => f.write_str("may stop: the peer has taken over"),
            Self::MayStop { peer_took: false } => f.write_str("may stop: the peer had its time"),
            Self::EventsDropped(count) => write!(f, "{count} older events were dropped"),
        }
    }
}

/// What a peer says of its role: finer than the role that a person is told of a unit.
const fn says(stance: Stance) -> &'static str {
    match stance {
        Stance::Left => "leaves",
        Stance::Election => "looks for an Active",
        Stance::Standby => "is Standby",
        Stance::Active => "is Active",
        Stance::Withdrawing => "is giving the role up",
        Stance::Released => "has released the role",
        Stance::Recovering => "has given the role up after a stall",
    }
}

/// Logs an event as it happens, also if nobody polls it.
#[cfg(feature = "tracing")]
pub(super) fn log(pair: &super::Pair, event: &Event) {
    let (unit, designation, role) = (pair.config.serial, pair.config.designation, pair.role());
    macro_rules! log_as {
        ($level:ident) => {
            tracing::$level!(target: "ha_core", %unit, %designation, %role, "{event}")
        };
    }
    match event.severity() {
        Severity::Info => log_as!(info),
        Severity::Warning => log_as!(warn),
        Severity::Error => log_as!(error),
    }
}
