//! What this unit said in its last heartbeats, so that the peer's values can be judged against those
//! that it had heard (PAIR-13).

use super::comparison::Standing;
use super::heartbeat::HeartbeatId;
use crate::time::Instant;
use alloc::collections::VecDeque;

/// How many heartbeats are remembered: more than the highest trigger level, so that an echo within the
/// failure time is always found.
const MAX_SENT: usize = 128;

#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) start: u64,
    pub(super) sent: VecDeque<Sent>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) at: Instant,
    pub(super) standing: Standing,
    pub(super) eligible: bool,
}

impl History {
    pub(super) fn new(start: u64) -> Self {
        Self { start, sent: VecDeque::with_capacity(MAX_SENT) }
    }

    pub(super) fn push(&mut self, number: u64, at: Instant, standing: Standing, eligible: bool) {
        if self.sent.len() == MAX_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { number, at, standing, eligible });
    }

    /// What we said in the heartbeat that is echoed, if it is remembered: our standing, and whether we
    /// may take the role.
    pub(super) fn said(&self, echo: HeartbeatId) -> Option<(Standing, bool)> {
        self.find(echo).map(|sent| (sent.standing, sent.eligible))
    }

    /// Whether the echoed heartbeat is ours and was sent at `oldest` or later.
    pub(super) fn was_sent_since(&self, echo: HeartbeatId, oldest: Instant) -> bool {
        self.find(echo).is_some_and(|sent| sent.at >= oldest)
    }

    fn find(&self, echo: HeartbeatId) -> Option<&Sent> {
        if echo.start != self.start {
            return None;
        }
        let at = self.sent.binary_search_by_key(&echo.number, |sent| sent.number).ok()?;
        self.sent.get(at)
    }
}
