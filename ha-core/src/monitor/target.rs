//! Logical monitoring: one probe target, as this unit and its peer see it (MON-3, MON-4).
//!
//! A target that one unit has lost proves nothing by itself: it may be dead. So the unit that declares it
//! lost gives that loss a number and tells its peer; the peer probes at once, and if that probe, or a later one,
//! is answered it confirms the loss by its number.
//!
//! By then the target may be back for both. So who hears the confirmation looks once more: it probes, and if
//! there is no answer within a second, the target is lost on one side. A confirmation ends when the peer loses
//! the target too; the next one is looked into again.

use super::config::Family;
use super::report::TargetReport;
use crate::identity::InterfaceId;
use crate::time::Instant;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use thiserror::Error;

/// Whether a probe target is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
#[repr(u8)]
pub enum Reach {
    /// Too little is known yet.
    #[default]
    Unknown = 0,
    /// It answers.
    Reached = 1,
    /// So many probes in a row had no answer that it counts as lost.
    Lost = 2,
}

impl Reach {
    pub(super) const fn from_wire(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::Unknown),
            1 => Some(Self::Reached),
            2 => Some(Self::Lost),
            _ => None,
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unknown => "unknown",
            Self::Reached => "reached",
            Self::Lost => "lost",
        })
    }
}

/// A probe that is to be sent: an ICMP or ICMPv6 echo request, or what else the platform has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// By which interface.
    pub interface: InterfaceId,
    /// From which address: the unit's own monitoring address there.
    pub source: IpAddr,
    /// To which.
    pub target: IpAddr,
    /// Its number; the answer has to bring it back.
    pub sequence: u32,
}

/// The answer to a [`Probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// By which interface the probe went.
    pub interface: InterfaceId,
    /// Who answered.
    pub from: IpAddr,
    /// Which probe.
    pub sequence: u32,
}

/// Why the answer to a probe does not count. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// Nothing is probed there.
    #[error("nothing is probed there")]
    NotProbed,
    /// It is not from the target.
    #[error("it is not from the target {target}")]
    WrongAddress {
        /// What is probed there.
        target: IpAddr,
    },
    /// No such probe was sent.
    #[error("no such probe was sent")]
    NeverSent,
    /// The probe, or a later one, has been answered already.
    #[error("that probe, or a later one, has been answered")]
    Twice,
    /// The next probe was due before it came: the probe counted as missed.
    #[error("it came after the next probe was due")]
    Late,
}

/// So long the probe that follows a confirmation has time for an answer, before the loss counts (our decision).
const SECOND_LOOK: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) interface: InterfaceId,
    pub(super) source: IpAddr,
    pub(super) target: IpAddr,
    pub(super) weight: u16,
    pub(super) reach: Reach,
    /// Probes in a row without an answer.
    pub(super) missed: u8,
    /// The last probe; 0 for none.
    sent: u32,
    /// The last one that was due by itself: only such a one can be missed.
    regular: u32,
    /// The last one that was answered, or is not waited for any more.
    settled: u32,
    /// The last one that was answered.
    answered: u32,
    next: Instant,
    pub(super) pending: bool,
    /// The number of the present or last loss; never 0 once there was one.
    loss: u8,
    /// What the peer last said.
    pub(super) peer: Option<TargetReport>,
    /// Until then a loss that is confirmed does not count.
    doubted: Option<Instant>,
    /// A probe with at least this number, if answered, confirms this loss of the peer.
    asked: Option<(u8, u32)>,
    /// The loss of the peer that is confirmed; 0 for none.
    confirmed: u8,
}

impl Target {
    pub(super) fn new(
        interface: InterfaceId,
        [source, target]: [IpAddr; 2],
        weight: u16,
        now: Instant,
    ) -> Self {
        Self {
            interface,
            source,
            target,
            weight,
            reach: Reach::Unknown,
            missed: 0,
            sent: 0,
            regular: 0,
            settled: 0,
            answered: 0,
            next: now,
            pending: false,
            loss: 0,
            peer: None,
            doubted: None,
            asked: None,
            confirmed: 0,
        }
    }

    pub(super) fn family(&self) -> Family {
        Family::of(self.target)
    }

    pub(super) fn next(&self) -> Instant {
        self.doubted.map_or(self.next, |doubted| doubted.min(self.next))
    }

    /// How the peer sees it, as far as it has said.
    pub(super) fn peer_reach(&self) -> Reach {
        self.peer.map_or(Reach::Unknown, |peer| peer.reach)
    }

    /// The peer has reached it since it heard of this very loss, and this unit has not since then (MON-4).
    pub(super) fn is_confirmed(&self) -> bool {
        self.doubted.is_none() && self.is_confirmed_by_peer()
    }

    fn is_confirmed_by_peer(&self) -> bool {
        let confirms = |peer: TargetReport| peer.confirms == self.loss;
        self.reach == Reach::Lost && self.peer.is_some_and(confirms)
    }

    pub(super) fn report(&self) -> TargetReport {
        TargetReport {
            interface: self.interface,
            family: self.family(),
            reach: self.reach,
            loss: self.loss,
            confirms: self.confirmed,
        }
    }

    /// Does what is due. Says whether anything changed of what the peer is told.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        interval: Duration,
        missed_probes: u8,
    ) -> bool {
        if self.doubted.is_some_and(|doubted| doubted <= now) {
            self.doubted = None;
        }
        if self.next > now {
            return false;
        }
        let before = self.report();
        if self.regular > self.settled {
            self.settled = self.regular;
            self.missed = self.missed.saturating_add(1);
            if self.missed >= missed_probes && self.reach != Reach::Lost {
                self.reach = Reach::Lost;
                self.loss = self.loss.checked_add(1).unwrap_or(1);
                self.confirmed = 0;
            }
        }
        self.probe();
        self.regular = self.sent;
        self.next = now + interval;
        self.report() != before
    }

    fn probe(&mut self) {
        self.sent = self.sent.saturating_add(1);
        self.pending = true;
    }

    /// What is to be sent, once.
    pub(super) fn poll(&mut self) -> Option<Probe> {
        let Self { interface, source, target, sent: sequence, .. } = *self;
        core::mem::take(&mut self.pending).then_some(Probe { interface, source, target, sequence })
    }

    /// Says whether anything changed of what the peer is told.
    pub(super) fn answered(&mut self, from: IpAddr, sequence: u32) -> Result<bool, AnswerError> {
        if from != self.target {
            return Err(AnswerError::WrongAddress { target: self.target });
        }
        if sequence > self.sent || sequence == 0 || (self.pending && sequence == self.sent) {
            return Err(AnswerError::NeverSent);
        }
        if sequence <= self.answered {
            return Err(AnswerError::Twice);
        }
        if sequence <= self.settled {
            return Err(AnswerError::Late);
        }
        let before = self.report();
        self.answered = sequence;
        self.settled = sequence;
        self.missed = 0;
        self.reach = Reach::Reached;
        self.doubted = None;
        if let Some((loss, first)) = self.asked
            && sequence >= first
        {
            self.confirmed = loss;
        }
        Ok(self.report() != before)
    }

    /// What the peer says of the target. If it has just lost it, this unit probes at once (MON-4).
    pub(super) fn hear(&mut self, now: Instant, peer: TargetReport) {
        let was_confirmed = self.is_confirmed_by_peer();
        self.peer = Some(peer);
        if self.is_confirmed_by_peer() && !was_confirmed {
            self.probe();
            self.doubted = Some(now + SECOND_LOOK);
        }
        let is_asked = self.asked.is_some_and(|(loss, _)| loss == peer.loss);
        match peer.reach {
            Reach::Lost if !is_asked => {
                self.probe();
                self.asked = Some((peer.loss, self.sent));
            }
            Reach::Lost => {}
            Reach::Unknown | Reach::Reached => {
                self.asked = None;
                self.confirmed = 0;
            }
        }
    }

    /// The peer is silent, or has restarted: nothing is known of it any more.
    pub(super) fn forget_peer(&mut self) {
        self.peer = None;
        self.asked = None;
        self.confirmed = 0;
    }

    /// This unit did nothing for a while: answers were not heard, and the probes that have none by now do not
    /// count (CRASH-4).
    pub(super) fn stalled(&mut self, now: Instant) {
        self.settled = self.sent;
        self.next = now;
        self.doubted = self.doubted.map(|_| now + SECOND_LOOK);
    }
}
