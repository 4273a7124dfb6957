//! What the role machine wants done, and what it tells: actions, inputs, refusals, events and causes.

use super::comparison::Health;
use super::demotion::Demotion;
use super::heartbeat::{Product, ProtocolRange};
use super::maintenance::Maintenance;
use super::obstacle::Obstacles;
use super::role::{Role, Stance, State};
use crate::announcement::Announcement;
use crate::identity::{InterfaceId, Label, PathId, SerialNumber, ServiceId};
use crate::machine::ActionError;
use crate::monitor::{AnswerError, Deduction, Probe, ProbeAnswer, Reach};
use crate::time::Instant;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use thiserror::Error;

/// What the embedder tells the role machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// What the embedder finds of this unit's health by itself (PAIR-5, CRASH-3): more is better; 0 until it is
    /// told, 55,535 at the most. It is added to what the [monitors](crate::monitor) come to. A
    /// Standby that is strictly better than its Active takes over.
    HealthWeight(u16),
    /// For an embedder that monitors links itself: how many of them are up (BEY-3); none are monitored until
    /// it is told. Refused where the configuration has [links](crate::monitor::Physical): those count.
    MonitoredLinks(MonitoredLinks),
    /// A port of a monitored interface is up or down (MON-1). Tell each port once at the start; until then its
    /// link is neither.
    Link {
        /// Of which interface.
        interface: InterfaceId,
        /// Which of its redundant ports, from 0.
        port: u8,
        /// It is up.
        up: bool,
    },
    /// The target of an [`Action::Probe`] has answered (MON-3).
    ProbeAnswered(ProbeAnswer),
    /// A service reports that it works (CRASH-1). It may do so as often as it likes.
    ServiceAlive(ServiceId),
    /// A service is known to have failed; its deadline need not be waited for.
    ServiceFailed(ServiceId),
    /// An administrator wants another try of a service that has failed.
    RetryService(ServiceId),
    /// To a Standby: take the role over from the Active peer, by the rules of PAIR-20 (PAIR-11).
    TakeOver,
    /// To an Active: have the peer take the role over, by the same rules (PAIR-11). The unit does not want
    /// it back as long as the health of both stays what it was (our decision).
    FailOver,
    /// This unit will be restarted or stopped: hand the role over (PAIR-10). The answer is
    /// [`Event::MayStop`], or, if the withdrawal fails before the peer was told anything,
    /// [`Event::HandOverAborted`]: then the unit takes the role back and stays Active, and no `MayStop`
    /// comes. Ask again, or stop it all the same: the peer then takes over by the silence.
    Leave(Departure),
    /// Something makes this unit less fit for the role (BEY-7). Said again, its end is set anew.
    Demote {
        /// What, and who says so.
        demotion: Demotion,
        /// How long; without end if `None`.
        lasts: Option<Duration>,
    },
    /// A demotion is over.
    Lift(Demotion),
    /// Maintenance mode on or off (BEY-8). It acts once it is persisted: see [`Action::Persist`].
    Maintenance(Maintenance),
    /// The embedder is ready for this unit to be Active, or is not (BEY-9). Of no meaning without a
    /// [`readiness_limit`](super::PairConfigBuilder::readiness_limit); not ready until it is told.
    Ready(bool),
    /// This unit's table is complete, as a Standby's of a stateful pair has to be (PAIR-9).
    Synchronized(bool),
    /// An upgrade of the pair has begun, or has ended: meanwhile other firmware is no mismatch (PAIR-14).
    Upgrade(bool),
}

impl Input {
    /// The input's name, for a log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HealthWeight(_) => "HealthWeight",
            Self::MonitoredLinks(_) => "MonitoredLinks",
            Self::Link { .. } => "Link",
            Self::ProbeAnswered(_) => "ProbeAnswered",
            Self::ServiceAlive(_) => "ServiceAlive",
            Self::ServiceFailed(_) => "ServiceFailed",
            Self::RetryService(_) => "RetryService",
            Self::TakeOver => "TakeOver",
            Self::FailOver => "FailOver",
            Self::Leave(_) => "Leave",
            Self::Demote { .. } => "Demote",
            Self::Lift(_) => "Lift",
            Self::Maintenance(_) => "Maintenance",
            Self::Ready(_) => "Ready",
            Self::Synchronized(_) => "Synchronized",
            Self::Upgrade(_) => "Upgrade",
        }
    }
}

/// How many links are monitored, and how many of those are up. A unit whose peer is silent and which has
/// none up is isolated, and neither takes nor keeps the role (BEY-3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MonitoredLinks {
    /// How many there are; with 0 a unit is never isolated.
    pub configured: u16,
    /// How many of them are up; not more than there are.
    pub up: u16,
}

/// What a unit leaves for (PAIR-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// It will be stopped: a person is told NONE.
    Stop,
    /// It will be restarted: a person is told REBOOT.
    Restart,
}

/// Why an input was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// High availability is off (PAIR-2).
    #[error("mode: high availability is off")]
    Disabled,
    /// Only a unit in [`State::Standby`] can ask for the role. It names the state, not the role: some
    /// states on the way are Standby to a person, and have to end first.
    #[error("the unit is in the state {0}, only a Standby can take over")]
    NotStandby(State),
    /// Only a unit in [`State::Active`] can have its peer take over.
    #[error("the unit is in the state {0}, only an Active can fail over")]
    NotActive(State),
    /// The peer is not Active, or we do not hear each other.
    #[error("there is no Active peer that hears us")]
    NoActivePeer,
    /// The peer is not Standby, or we do not hear each other.
    #[error("there is no Standby peer that hears us")]
    NoStandbyPeer,
    /// Something keeps this unit from taking the role.
    #[error("this unit cannot take over: {0}")]
    NotEligible(Obstacles),
    /// Something keeps the peer from taking the role (PAIR-11).
    #[error("the peer cannot take over: {0}")]
    PeerNotEligible(Obstacles),
    /// The peer differs from us (PAIR-14).
    #[error("{0}")]
    Mismatch(Mismatch),
    /// More links are up than there are.
    #[error("monitored links: {up} are up of {configured}")]
    MonitoredLinks {
        /// How many there are.
        configured: u16,
        /// How many are up.
        up: u16,
    },
    /// A health weight above 55,535 leaves no room for what the monitors come to.
    #[error("health weight: {0} is above 55535")]
    HealthWeight(u16),
    /// The configuration says which links are monitored: they are told one by one.
    #[error("monitored links: each is told by itself, as Link")]
    LinksAreConfigured,
    /// The link of this interface is not monitored.
    #[error("{0}: its link is not monitored")]
    NotMonitored(InterfaceId),
    /// The interface has no such port.
    #[error("{interface}: it has no port {port}")]
    NoSuchPort {
        /// Which interface.
        interface: InterfaceId,
        /// Which port.
        port: u8,
    },
    /// The answer to a probe does not count.
    #[error("probe answer: {0}")]
    Answer(AnswerError),
    /// There is no such service.
    #[error("{0} is not watched")]
    NoSuchService(ServiceId),
    /// The service has not failed: there is nothing to try again.
    #[error("{0} has not failed")]
    NotFailed(ServiceId),
    /// There are [`MAX_DEMOTIONS`](super::MAX_DEMOTIONS) already.
    #[error("demotions: there are too many already")]
    TooManyDemotions,
    /// There is no such demotion.
    #[error("demotions: {0} is not there")]
    NotDemoted(Demotion),
    /// The unit has left already.
    #[error("the unit has left already")]
    HasLeft,
}

/// A duty of the platform. Those of a take and of a withdrawal come one at a time: the next one waits
/// for [`handle_done`](crate::machine::Machine::handle_done) (PAIR-16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take, first: put the synchronized state in force, and start the hold-down of the dynamic routes:
    /// those learned as Standby stay in force, and are learned anew meanwhile, until
    /// [`Action::EndRouteHold`] (PAIR-17). Fails or not, the take goes on.
    AdoptState {
        /// How long the hold-down will last, for the embedder's information; with zero there is none.
        route_hold: Duration,
    },
    /// Take, second: let packets through.
    OpenForwarding,
    /// Take, third: take the shared addresses, and the virtual MACs, of all data interfaces together.
    TakeAddresses,
    /// After a take: send these frames (VMAC-3). All addresses of all data interfaces are announced in
    /// several rounds, and each round in bursts of at most so many frames as are configured (BEY-10): the
    /// next burst follows a gap after this one was handed out, and not before this one is answered. One that
    /// fails is told, and the next one follows all the same.
    ///
    /// A withdrawal ends the rounds, and another reason to announce begins them anew. The one burst that is
    /// handed out is out of the machine's reach: an embedder that queues actions must drop a queued
    /// `Announce` when [`Action::Withdraw`] comes, or it tells the network of addresses that are gone.
    Announce {
        /// Which repetition this is, from 1.
        round: u8,
        /// Which burst of the round this is, from 1.
        part: u16,
        /// How many bursts the round has.
        parts: u16,
        /// The frames, each with its interface: at least one.
        frames: Vec<Announcement>,
    },
    /// After a take, behind the first burst of announcements: join the multicast groups that the Active is in
    /// (IGMP, MLD) anew on these interfaces, even if they are joined already, so that the switches hear it and
    /// send their packets here (VMAC-5). Among them are the groups by which neighbours and hosts ask for a
    /// router, so this comes before [`Action::ResumeRouter`]. Fails or not, the role stays.
    RejoinGroups {
        /// All data interfaces, in the order of the configuration.
        interfaces: Vec<InterfaceId>,
    },
    /// After a take, behind [`Action::RejoinGroups`]: be the IPv6 router of these interfaces. Send router
    /// advertisements from the shared link-local address, the first one at once, and answer solicitations
    /// (VMAC-5). To a host it is the same router as before. Fails or not, the role stays.
    ResumeRouter {
        /// The data interfaces with IPv6 addresses, in the order of the configuration.
        interfaces: Vec<InterfaceId>,
    },
    /// After a take, behind those: bring up the clients that only the Active runs (DHCP, PPPoE).
    ResumeClients,
    /// The hold-down of the dynamic routes is over: those learned as Standby are deleted, those learned
    /// since the take are in force (PAIR-17).
    EndRouteHold,
    /// Withdrawal, first: stop forwarding and take the shared addresses away, in that order. Answer
    /// when both are true: the peer may take then. Doing it again must do no harm.
    ///
    /// The link-local addresses go with the others, and the router's role with them (VMAC-5): stop router
    /// advertisements too, without a last one of lifetime 0. It would come from the address that the peer is
    /// about to take, and have the hosts drop their router.
    ///
    /// Where it fails the unit still holds the role, as far as anyone knows (S1). In a hand-over or a
    /// leave it goes on as Active. In all other cases it stays in [`State::Withdrawing`] and tries again
    /// each failure time, with an [`Event::ActionFailed`] for each try; its peer, as long as it hears it,
    /// does not take. **An embedder whose withdrawals keep failing must stop the unit**: by its power, by
    /// a watchdog, or at least by ending its heartbeats once it is sure that nothing is forwarded. Only
    /// then can the peer take over, by the silence.
    Withdraw,
    /// Withdrawal, the rest, once the peer knows: whatever is slow. A later take drops it if it has not
    /// been handed out yet.
    StandDown,
    /// Send a probe, and tell the answer when it comes: [`Input::ProbeAnswered`] (MON-3). Done is that it was
    /// sent; one that could not be sent has no answer. Never more than one waits for each target.
    Probe(Probe),
    /// Restart this service (CRASH-1): it has failed. Done is that it was started, whether it works or not:
    /// that it reports. Never more than one at a time for each service.
    RestartService {
        /// Which one.
        service: ServiceId,
    },
    /// Keep this where a restart finds it, and answer when it is safe there: what follows from it waits for
    /// that. A newer one for the same key replaces it. Give the bytes back to
    /// [`PairConfigBuilder::persisted`](super::PairConfigBuilder::persisted) at the next start; if they
    /// are lost, the unit starts without maintenance mode, and nothing else is different.
    Persist {
        /// What it is.
        key: PersistKey,
        /// What to keep.
        bytes: Vec<u8>,
    },
}

/// Names what an embedder keeps for the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersistKey {
    /// Maintenance mode (BEY-8).
    Maintenance,
}

/// News of the role machine, with causes (STA-2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The role changed.
    RoleChanged {
        /// What it was.
        from: Role,
        /// What it is.
        to: Role,
        /// Why.
        why: Why,
        /// The term of the reign that begins, if it becomes Active.
        term: u64,
    },
    /// What a person is told of the role changed, while the role machine decided nothing: a Standby shows SYNC
    /// as long as its state is not complete, and ERROR beside a peer that does not match (PAIR-15).
    RoleShown {
        /// What it was.
        from: Role,
        /// What it is.
        to: Role,
        /// Why.
        why: Why,
    },
    /// The peer is heard: for the first time, or again.
    PeerHeard {
        /// Its serial number.
        serial: SerialNumber,
        /// What it says of its role.
        stance: Stance,
    },
    /// The peer says another thing of its role than before. The cause is told by its own
    /// [`Event::RoleChanged`]; here is what the same heartbeat says of its fitness for the role.
    PeerStance {
        /// What it said.
        from: Stance,
        /// What it says now.
        to: Stance,
        /// How fit it says it is.
        health: Health,
        /// What it says that keeps it from taking the role.
        obstacles: Obstacles,
    },
    /// The peer was silent for its failure time on every path.
    PeerLost {
        /// How long.
        silence: Duration,
    },
    /// Nothing was heard on this path for the peer's failure time. No role changes by that (PAIR-12).
    PathLost(PathId),
    /// The path is heard, or heard again.
    PathHeard(PathId),
    /// The peer differs from us: no role is handed over and no state synchronized (PAIR-14).
    PeerMismatch(Mismatch),
    /// The difference is gone.
    PeerMatches,
    /// A unit with an unexpected serial number talks to us. It is ignored (PAIR-14). Reported at most
    /// once a minute.
    Stranger {
        /// Its serial number.
        serial: SerialNumber,
        /// The path on which it was heard.
        path: PathId,
    },
    /// Both units are Active (PAIR-13).
    Conflict {
        /// The peer's term.
        peer_term: u64,
        /// Our term.
        our_term: u64,
    },
    /// This unit did nothing for longer than its failure time (CRASH-4).
    Stalled {
        /// How long.
        length: Duration,
    },
    /// An action failed or did not end in time. A withdrawal that is tried again tells of each try: see
    /// [`Action::Withdraw`] for what to do when that goes on.
    ActionFailed {
        /// Its name.
        action: &'static str,
        /// How.
        error: ActionError,
    },
    /// A hand-over or a leave did not come about, and why.
    HandOverAborted(&'static str),
    /// This unit is less fit for the role than before (BEY-7).
    Demoted(Demotion),
    /// A demotion is over.
    DemotionOver {
        /// Which.
        demotion: Demotion,
        /// It expired; else it was lifted.
        expired: bool,
    },
    /// Maintenance mode is on, or off (BEY-8).
    Maintenance(bool),
    /// Maintenance mode could not be persisted, so it stays as it was.
    MaintenanceNotPersisted(ActionError),
    /// What was persisted cannot be read. It counts as lost: see [`Action::Persist`].
    PersistedUnreadable(PersistKey),
    /// The link of an interface went up or down (MON-1).
    Link {
        /// Of which interface.
        interface: InterfaceId,
        /// It is up.
        up: bool,
    },
    /// A probe target is reached, or is lost on this unit (MON-3).
    Target {
        /// Of which interface.
        interface: InterfaceId,
        /// What is probed.
        target: IpAddr,
        /// Whether it is reached.
        reach: Reach,
    },
    /// A service has failed (CRASH-1).
    ServiceFailed {
        /// Which one.
        service: ServiceId,
        /// What a person calls it.
        name: Label,
        /// How that is known.
        why: ServiceFailure,
    },
    /// It works again.
    ServiceRecovered {
        /// Which one.
        service: ServiceId,
        /// What a person calls it.
        name: Label,
    },
    /// It failed too often: its restart is not asked for any more.
    ServiceGivenUp {
        /// Which one.
        service: ServiceId,
        /// What a person calls it.
        name: Label,
    },
    /// This unit's health weight is another one (CRASH-3): something happened to a monitor, or this unit holds the role
    /// now, or no longer (a Standby has to show that its monitors work). If nothing is deducted or restored, the
    /// embedder said so: [`Input::HealthWeight`].
    WeightChanged {
        /// What it was.
        from: u16,
        /// What it is.
        to: u16,
        /// What is deducted now, and was not before.
        deducted: Vec<Deduction>,
        /// What was deducted before, and is not now.
        restored: Vec<Deduction>,
    },
    /// This unit is cut off: its peer is silent, and all monitored links are down (BEY-3). Which of the two came
    /// last is told by the event before.
    Isolated,
    /// It is cut off no longer.
    IsolationOver {
        /// What ended it.
        why: IsolationEnd,
    },
    /// The unit would have taken the role, or asked for it, but is not ready (BEY-9).
    HeldForReadiness {
        /// How long it waits at the most.
        limit: Duration,
    },
    /// The time for that is over: it counts as ready.
    ReadinessOverdue,
    /// The role changed so often that voluntary changes are held back until then (PAIR-18).
    FlapHold {
        /// Until when, if it does not change again.
        until: Instant,
    },
    /// They are held back no longer.
    FlapHoldOver,
    /// This unit's table is complete, or no longer (PAIR-9): [`Input::Synchronized`] said so. Why is known to whoever
    /// synchronizes; with `appliance` the events before tell it: a catch-up that ended, a session that began
    /// anew, a path that is lost, or another role.
    Synchronized(bool),
    /// An upgrade of the pair has begun here, or has ended (PAIR-14).
    Upgrade(bool),
    /// The peer has taken over, or had the time to: this unit may stop (PAIR-10).
    MayStop {
        /// The peer was heard as Active.
        peer_took: bool,
    },
    /// Older events were dropped because nobody polled.
    EventsDropped(u64),
}

/// How it is known that a service has failed (CRASH-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceFailure {
    /// It did not report within its deadline.
    Overdue,
    /// The embedder knows: [`Input::ServiceFailed`].
    Told,
}

impl fmt::Display for ServiceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Overdue => "it did not report within its deadline",
            Self::Told => "a check found that it does not work",
        })
    }
}

/// What ended the isolation of a unit (BEY-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationEnd {
    /// The peer is heard.
    PeerHeard,
    /// A monitored link is up.
    LinkUp,
    /// No links are monitored any more: [`Input::MonitoredLinks`] said so.
    NotMonitored,
}

impl fmt::Display for IsolationEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PeerHeard => "the peer is heard",
            Self::LinkUp => "a monitored link is up",
            Self::NotMonitored => "no link is monitored any more",
        })
    }
}

/// A difference between the units that keeps them from working together (PAIR-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mismatch {
    /// No protocol version is spoken by both.
    Protocol {
        /// Those that we speak.
        ours: ProtocolRange,
        /// Those that the peer speaks.
        theirs: ProtocolRange,
    },
    /// The units are not of the same model, or do not run the same firmware.
    Product {
        /// What we are.
        ours: Product,
        /// What the peer is.
        theirs: Product,
    },
    /// Both units have the same designation.
    Designation,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol { ours, theirs } => {
                write!(f, "the peer speaks protocol {theirs}, this unit {ours}")
            }
            Self::Product { ours, theirs } if ours.model != theirs.model => {
                write!(f, "the peer is a {}, this unit a {}", theirs.model, ours.model)
            }
            Self::Product { ours, theirs } => {
                write!(f, "the peer runs firmware {}, this unit {}", theirs.firmware, ours.firmware)
            }
            Self::Designation => f.write_str("both units have the same designation"),
        }
    }
}

/// Why a role changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Why {
    /// High availability is off.
    Disabled,
    /// The unit has just started.
    Started,
    /// No Active peer was found within the election time.
    NoActivePeer,
    /// Of two units without an Active, this is the better one.
    BetterUnit,
    /// An Active peer was found.
    PeerIsActive,
    /// The peer was silent for its failure time on every path.
    PeerSilent,
    /// The peer has left for a restart or shutdown.
    PeerLeft,
    /// The administrator wanted the role here, or not at the peer.
    Ordered,
    /// This unit is fitter than the peer, which worked.
    BetterHealth,
    /// This unit is the Primary, and preempt is on.
    Preempt,
    /// The peer asked for the role, since its administrator said so, or ours.
    PeerAsked,
    /// The peer is fitter than this unit.
    PeerIsFitter,
    /// The peer is the Primary, and preempt is on.
    PeerPreempts,
    /// Both were Active, and the peer is the better one.
    LostConflict,
    /// The peer is Active because it does not hear us.
    NotHeard,
    /// This unit stalled past its failure time.
    Stalled,
    /// The peer did not take while this unit stalled.
    PeerDidNotTake,
    /// The peer did not claim what it had asked for.
    NotClaimed,
    /// An action of the take failed.
    TakeFailed,
    /// The withdrawal failed, so the hand-over was aborted.
    WithdrawFailed,
    /// This unit is cut off from its peer and all its monitored links are down.
    Isolated,
    /// The administrator or the system stops this unit.
    Leaving,
    /// The peer differs from this unit (PAIR-14).
    Mismatch,
    /// It differs no longer.
    MismatchOver,
    /// The unit does not have the whole state of its Active (PAIR-9).
    StateIncomplete,
    /// It has, or its Active is there no longer.
    StateComplete,
}

impl Why {
    /// Whether a unit changed its role of its own accord, though the Active worked: by health or preempt.
    /// These are the changes that the flap limit can hold back (PAIR-18).
    #[must_use]
    pub const fn is_voluntary(self) -> bool {
        matches!(self, Self::BetterHealth | Self::Preempt | Self::PeerIsFitter | Self::PeerPreempts)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Disabled => "high availability is off",
            Self::Started => "the unit has started",
            Self::NoActivePeer => "no Active peer was found",
            Self::BetterUnit => "nobody is Active, and this is the better unit",
            Self::PeerIsActive => "the peer is Active",
            Self::PeerSilent => "the peer is silent on every path",
            Self::PeerLeft => "the peer has left",
            Self::Ordered => "the administrator wanted it",
            Self::BetterHealth => "this unit is fitter than the peer",
            Self::Preempt => "this is the Primary, and preempt is on",
            Self::PeerAsked => "the peer was told to take over",
            Self::PeerIsFitter => "the peer is fitter than this unit",
            Self::PeerPreempts => "the peer is the Primary, and preempt is on",
            Self::LostConflict => "both were Active and the peer is the better one",
            Self::NotHeard => "the peer took over because it does not hear this unit",
            Self::Stalled => "this unit stalled past its failure time",
            Self::PeerDidNotTake => "the peer did not take while this unit stalled",
            Self::NotClaimed => "the peer did not claim the role that it had asked for",
            Self::TakeFailed => "the take-over failed",
            Self::WithdrawFailed => "the withdrawal failed",
            Self::Isolated => "this unit is cut off: no peer, no link",
            Self::Leaving => "this unit is leaving",
            Self::Mismatch => "the peer does not match",
            Self::MismatchOver => "the peer matches, or is gone",
            Self::StateIncomplete => "the state of the Active is not complete here",
            Self::StateComplete => "the state is complete, or the Active is gone",
        })
    }
}
