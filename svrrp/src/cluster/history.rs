//! What this unit said in its last advertisements, so that both sides of a comparison judge the same words.

use crate::election::Said;
use crate::identity::{GroupNumber, MAX_GROUPS};
use alloc::collections::VecDeque;

/// So many of the last advertisements are remembered.
const REMEMBERED: usize = 64;

/// What was said of every group, by [`GroupNumber::index`].
pub(super) type SaidOfAll = [Said; MAX_GROUPS];

/// The last advertisements of this start, by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct History(pub(super) VecDeque<(u64, SaidOfAll)>);

impl History {
    pub(super) fn push(&mut self, number: u64, said: SaidOfAll) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((number, said));
    }

    /// What had been said last when `number` was sent, which may have been a claim or a release; `None` if that is
    /// forgotten, or was never sent.
    pub(super) fn said(&self, number: u64, latest: u64, group: GroupNumber) -> Option<Said> {
        if number > latest {
            return None;
        }
        let (_, said) = self.0.iter().rev().find(|(at, _)| *at <= number)?;
        said.get(group.index()).copied()
    }

    /// What was said last.
    pub(super) fn last(&self) -> Option<&SaidOfAll> {
        self.0.back().map(|(_, said)| said)
    }
}
