//! What this unit has to do with one virtual group: asking, taking, owning, withdrawing, released (VG-5).

use crate::election::Stance;
use crate::identity::NodeNumber;
use crate::virtual_address::Duty;
use crate::wire::GroupStance;
use core::num::NonZeroU64;
use ha_core::machine::ActionId;
use ha_core::time::Instant;

/// What a withdrawal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Goal {
    /// Another node owns the group, too, and is better; or nobody in particular is to have it.
    Yield,
    /// Another node has asked for it.
    Release { successor: NodeNumber, nonce: NonZeroU64 },
}

/// Where this unit stands with a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum State {
    #[default]
    Idle,
    /// It has asked; the answer counts until then.
    Asking {
        owner: NodeNumber,
        nonce: NonZeroU64,
        until: Instant,
    },
    /// So many steps of the take are done.
    Taking {
        step: usize,
    },
    Owner,
    Withdrawing {
        goal: Goal,
        step: usize,
    },
    /// The successor has until then to take it.
    Released {
        successor: NodeNumber,
        nonce: NonZeroU64,
        until: Instant,
    },
}

impl State {
    /// Whether addresses of the group may be here.
    pub(super) const fn holds(self) -> bool {
        matches!(self, Self::Taking { .. } | Self::Owner | Self::Withdrawing { .. })
    }

    /// What the others are told.
    pub(super) const fn on_the_wire(self) -> GroupStance {
        match self {
            Self::Idle => GroupStance::Idle,
            Self::Asking { owner, nonce, .. } => GroupStance::Asking { owner, nonce },
            Self::Taking { .. } => GroupStance::Taking,
            Self::Owner => GroupStance::Owner,
            Self::Withdrawing { goal: Goal::Yield, .. } => {
                GroupStance::Withdrawing { successor: None }
            }
            Self::Withdrawing { goal: Goal::Release { successor, .. }, .. } => {
                GroupStance::Withdrawing { successor: Some(successor) }
            }
            Self::Released { successor, nonce, .. } => GroupStance::Released { successor, nonce },
        }
    }
}

/// What a node has to do with a group, as the election counts it.
pub(super) const fn stance(said: GroupStance) -> Stance {
    match said {
        GroupStance::Idle => Stance::Idle,
        GroupStance::Asking { .. } => Stance::Asking,
        GroupStance::Taking => Stance::Taking,
        GroupStance::Owner => Stance::Owner,
        GroupStance::Withdrawing { .. } => Stance::Withdrawing,
        GroupStance::Released { successor, .. } => Stance::Released { successor },
    }
}

/// This unit and one group.
#[derive(Clone, Debug, Default)]
pub(super) struct Holding {
    pub(super) state: State,
    /// Fixed at each take: of the present reign, or of the last one.
    pub(super) term: u64,
    /// The step that the platform is carrying out, and how long it may take.
    pub(super) running: Option<(ActionId, Duty, Instant)>,
    /// A step is to be handed out.
    pub(super) pending: Option<Duty>,
    /// A step of the withdrawal failed: it is tried again then.
    pub(super) try_again: Option<Instant>,
    /// The owner announces the addresses from this one on.
    pub(super) announce: Option<usize>,
    /// The take failed: it is not tried again before.
    pub(super) hold_until: Option<Instant>,
    /// A question was not answered: it is not asked again before.
    pub(super) ask_again: Option<Instant>,
    /// Another node owns the group as well; what it says counts if it echoes this number or a later one.
    pub(super) conflict_since: Option<u64>,
    /// What that node said of the conflict was answered.
    pub(super) conflict_answered: bool,
    /// The owner as this node last told it.
    pub(super) owner: Option<NodeNumber>,
}

impl Holding {
    /// When something of it is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let of_state = match self.state {
            State::Asking { until, .. } | State::Released { until, .. } => Some(until),
            _ => None,
        };
        let running = self.running.map(|(_, _, until)| until);
        [of_state, running, self.try_again, self.hold_until, self.ask_again]
            .into_iter()
            .flatten()
            .min()
    }
}
