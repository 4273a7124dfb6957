//! The contract of a machine: how everything enters, and how everything leaves.
//!
//! Every protocol of the family is a [`Machine`]. It does no I/O and has no clock; the embedder
//! 1. tells it what happened (`handle_*`), with the present time,
//! 2. then calls [`Machine::poll_output`] until it returns `None`, and does what it is told,
//! 3. then asks [`Machine::poll_timeout`] for the next deadline, and sleeps until that or until
//!    something happens.
//!
//! Several inputs may be handed in before outputs are polled. Whoever wakes after a pause hands in the
//! datagrams that queued meanwhile *before* [`Machine::handle_timeout`], so that silence is judged by
//! what was really heard (CRASH-4).
//!
//! **Order.** Outputs come in one ordered stream, but an embedder may carry actions out side by side:
//! what must follow the *completion* of an action waits inside the machine for
//! [`Machine::handle_done`], never for stream order alone.
//!
//! **Errors.** An `Err` from `handle_datagram` means that only a counter changed (and, for two kinds of
//! [`Reject`], what their documentation names); from `handle_input` that nothing did.
//!
//! **Time.** A machine believes the latest time that it was ever told, and counts each call that bears an
//! earlier one: time that runs backwards stands still until it has caught up. Time that jumps ahead is a
//! stall of this unit (CRASH-4). Time that stands still makes nothing due twice, however often the machine
//! is called. At [`Instant::FAR_FUTURE`] nothing is due any more: a machine whose clock was there once stands
//! still for good, and has to be started anew.
//!
//! **Bounds.** Superseded heartbeats coalesce; events drop the oldest beyond a bound and count them;
//! actions are never dropped, and bounded by what is configured.

use crate::identity::{PathId, UnitId};
use crate::reject::Reject;
use crate::time::Instant;
use core::fmt;

/// A protocol machine. See the [module](self) for the contract.
pub trait Machine {
    /// What the embedder tells: links, commands, changed records.
    type Input;
    /// Why an input was refused. The state is unchanged.
    type Refusal;
    /// A duty of the embedder. Exhaustive: a new duty must break the build of whoever forgets it.
    type Action;
    /// News for a log, an alert or a screen.
    type Event;

    /// Tells the machine something that the embedder knows.
    ///
    /// # Errors
    /// The input was refused; nothing changed.
    fn handle_input(&mut self, now: Instant, input: Self::Input) -> Result<(), Self::Refusal>;

    /// Hands in a datagram. `from` was established below (by the socket, later by the seal).
    ///
    /// # Errors
    /// The datagram was ignored; only a counter changed, but for what [`Reject`] names.
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject>;

    /// Answers an action: done, or failed. An unknown or answered `id` is ignored.
    fn handle_done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>);

    /// Lets time pass. Called early it does nothing; called late it catches up once.
    fn handle_timeout(&mut self, now: Instant);

    /// The next output, or `None` if there is none at present. `buf` is at least
    /// [`Machine::max_datagram`] bytes long; a [`Output::Transmit`] has its bytes in `buf[..len]`.
    fn poll_output(
        &mut self,
        now: Instant,
        buf: &mut [u8],
    ) -> Option<Output<Self::Action, Self::Event>>;

    /// When [`Machine::handle_timeout`] is to be called next, and why. Pure, and O(1).
    fn poll_timeout(&self) -> Option<Deadline>;

    /// The length of the longest datagram that this machine sends, in bytes.
    fn max_datagram(&self) -> usize;
}

/// One thing that a machine wants done or known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<A, E> {
    /// Send the first `len` bytes of the buffer. It may be lost on the way; never wait for it.
    Transmit {
        /// Where to.
        to: Destination,
        /// How many bytes of the buffer.
        len: usize,
    },
    /// Carry this out and answer with [`Machine::handle_done`].
    Action {
        /// What the answer must name.
        id: ActionId,
        /// The duty.
        action: A,
    },
    /// Something happened that a person may want to know.
    Event(E),
}

/// Where a datagram came from: the peer as it was authenticated below, the path and the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The sender.
    pub peer: UnitId,
    /// The path on which it arrived.
    pub path: PathId,
    /// The protocol that it belongs to.
    pub channel: Channel,
}

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The receiver.
    pub peer: UnitId,
    /// The path that it takes.
    pub path: PathId,
    /// The protocol that it belongs to.
    pub channel: Channel,
}

/// Tells the protocols apart; the driver maps channels to sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Channel {
    /// Heartbeats of a pair.
    Pair,
    /// State synchronization.
    StateSync,
    /// The protocol of a cluster.
    Svrrp,
}

/// The number of an action, minted by the outermost machine. Never reused while the machine lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionId(pub u64);

impl ActionId {
    /// Returns this number and moves on to the next.
    pub fn mint(&mut self) -> Self {
        let minted = *self;
        self.0 = self.0.saturating_add(1);
        minted
    }
}

/// How an action failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// The system refused it. The embedder has logged the details.
    #[error("the system refused it")]
    Failed,
    /// It did not end in time.
    #[error("it did not end in time")]
    TimedOut,
    /// The means for it are missing: no such interface, no permission.
    #[error("the means for it are missing")]
    Unavailable,
}

/// When a machine wants to be woken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// The timer that is due then, for a log or a debugger.
    pub why: &'static str,
}

impl Deadline {
    /// The earlier of two deadlines that may be absent.
    #[must_use]
    pub fn earlier(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pair => "pair",
            Self::StateSync => "state-sync",
            Self::Svrrp => "SVRRP",
        })
    }
}
