//! All that can be read of a unit at any time (STA-1).

use crate::Appliance;
use ha_core::identity::PathId;
use ha_core::pair::PairStatus;
use ha_core::reject::RejectCounters;
use ha_core::time::Instant;
use statesync::{Progress, Records};

/// The status of one unit: of its role machine and of its state synchronization.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Status {
    /// The role machine: role, cause, peer, links, weights, which unit is Active, the last failover.
    pub pair: PairStatus,
    /// State synchronization; `None` if there is none.
    pub sync: Option<SyncStatus>,
    /// Datagrams for a machine that this unit does not have, by reason.
    pub rejects: RejectCounters,
}

/// The status of state synchronization.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SyncStatus {
    /// How far it is.
    pub progress: Progress,
    /// The lag in records: so many changes the other unit, or here the forwarding plane, has yet to follow.
    /// Changes in a batch that is under way are not among them: see [`Progress::in_flight`].
    pub behind: usize,
    /// The path that it uses; `None` if no path works in both directions.
    pub path: Option<PathId>,
    /// The datagrams that were ignored, by reason.
    pub rejects: RejectCounters,
}

impl<R: Records> Appliance<R> {
    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        let sync = self.sync().map(|sync| {
            let progress = sync.progress();
            SyncStatus {
                behind: progress.dirty.saturating_add(progress.installing),
                progress,
                path: self.sync_path(),
                rejects: sync.rejects().clone(),
            }
        });
        Status { pair: self.pair().status(now), sync, rejects: self.rejects().clone() }
    }
}
