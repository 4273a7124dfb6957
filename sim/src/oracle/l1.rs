//! L1: after calm, exactly one unit is Active, within a bound, and stays so; but for a change that a unit
//! may make of its own accord: a Primary that preempts once it is in order, a fitter unit once its patience,
//! or the window of the flap limit, has passed. Where something is monitored, both units know in the end what
//! of it fails, and the fitter one has the role.
//!
//! Excepted are units in maintenance: one of them leaves the role to its peer, and two of them need have
//! none. Units that hear each other are not cut off; and readiness is waited for within a limit, which is
//! part of the bound.

use crate::monitored::monitoring;
use crate::plan::Setup;
use crate::plan::draw::LONGEST_MAINTENANCE;
use core::time::Duration;
use ha_core::pair::Maintenance;

/// What follows the last fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calm {
    /// What is under way ends: hangs, and a leave.
    pub(crate) ends: Duration,
    /// From then on, until one unit is Active and the other its Standby, and no maintenance is left that
    /// ends by itself. That is: an election; then the longest obstacles one after the other, a maintenance
    /// and the ten failure times until its end is persisted in a second try, or the ten after a take or a
    /// hand-over that failed; the limit of readiness; and a few failure times in which it happens.
    pub(crate) settles: Duration,
    /// Two whose takes failed may try again within one delay of each other; then one gives way.
    pub(crate) gives_way: Duration,
    /// So long it is watched that it stays so.
    pub(crate) stays: Duration,
    /// A hand-over that had begun by then has ended.
    pub(crate) hands_over: Duration,
    /// So long it takes until both units know how it is around them.
    pub(crate) learns: Duration,
    /// With state synchronization: from then on, until both tables are equal. It tries again what failed
    /// after some seconds, however short the heartbeat interval is.
    pub(crate) synchronizes: Duration,
}

impl Calm {
    pub(crate) fn new(setup: &Setup) -> Self {
        let failure_time = setup.failure_time();
        let obstacles = failure_time * (LONGEST_MAINTENANCE + 10 + 10);
        Self {
            ends: failure_time * 5,
            settles: obstacles + failure_time * 6 + setup.election_delay + setup.readiness_limit,
            gives_way: failure_time * 2,
            stays: failure_time * 4,
            hands_over: failure_time * 4,
            learns: super::memory(&monitoring(setup), failure_time),
            synchronizes: Duration::from_secs(30),
        }
    }
}

/// Whether who holds the role is as it should be, given maintenance mode as it is in force; `settled` says
/// which unit is Active, if one is, with its peer as Standby.
pub(crate) fn is_right(
    settled: Option<usize>,
    holds: [bool; 2],
    maintenance: [Maintenance; 2],
) -> bool {
    // What ends by itself has to have ended.
    if maintenance.iter().any(|it| matches!(it, Maintenance::On { lasts: Some(_) })) {
        return false;
    }
    match maintenance.map(|it| it != Maintenance::Off) {
        [false, false] => settled.is_some(),
        [true, false] => settled == Some(1),
        [false, true] => settled == Some(0),
        [true, true] => holds != [true, true],
    }
}
