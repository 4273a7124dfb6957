//! L1: after calm, exactly one unit is Active, within a bound, and stays so, but for a change that a unit
//! prefers: a Primary that preempts, or a fitter unit once its patience is over.

use core::time::Duration;

/// What follows the last fault, in failure times of the slower unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calm {
    /// What is under way ends: hangs, and a leave.
    pub(crate) ends: Duration,
    /// From then on, until one unit is Active and the other its Standby. The longest obstacle is the hold
    /// after a failed take: ten failure times.
    pub(crate) settles: Duration,
    /// Two whose takes failed may try again within one delay of each other; then one gives way.
    pub(crate) gives_way: Duration,
    /// So long it is watched that it stays so.
    pub(crate) stays: Duration,
    /// A voluntary hand-over that is then under way ends: a question lives one failure time, and a release
    /// two.
    pub(crate) hands_over: Duration,
}

impl Calm {
    pub(crate) fn new(failure_time: Duration, election_delay: Duration) -> Self {
        Self {
            ends: failure_time * 5,
            settles: failure_time * 16 + election_delay,
            gives_way: failure_time * 2,
            stays: failure_time * 4,
            hands_over: failure_time * 4,
        }
    }
}
