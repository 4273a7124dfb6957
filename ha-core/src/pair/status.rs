//! What can be read of the role machine at any time (STA-1).

use super::machine::Pair;
use super::news::{Mismatch, Why};
use super::role::{Role, Stance, State};
use crate::identity::{Designation, PathId, SerialNumber};
use crate::reject::RejectCounters;
use crate::time::{Duration, Instant};
use alloc::vec::Vec;

/// The status of one unit of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairStatus {
    /// Its fixed designation.
    pub designation: Designation,
    /// Its serial number.
    pub serial: SerialNumber,
    /// Its role.
    pub role: Role,
    /// Its state, finer than the role.
    pub state: State,
    /// Since when it has the role.
    pub since: Instant,
    /// Why it has it.
    pub why: Why,
    /// The term of its present or last reign; 0 if it never was Active.
    pub term: u64,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its serial number.
    pub serial: SerialNumber,
    /// What it last said of its role.
    pub stance: Stance,
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
            heard: last.alive,
            age: now.saturating_since(last.at),
        });
        PairStatus {
            designation: self.config.designation,
            serial: self.config.serial,
            role: self.role(),
            state: self.state,
            since: self.since,
            why: self.why,
            term: self.term,
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
