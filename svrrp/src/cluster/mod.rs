//! One unit of a cluster: whom it hears, and what its node has to do with each virtual group.
//!
//! The machine is [`ClusterUnit`]; every unit runs one, and the active one of a node speaks for it (NODE-4). It is driven as
//! [`Machine`](ha_core::machine::Machine) says.
//!
//! - **Membership.** Every unit advertises itself to every other one, on all cluster links; over X0 to those that it does
//!   not hear on any of these, or that do not hear it (SVRRP-2). A unit is lost when it was silent on every path for the
//!   failure time that it states. A unit of another model, firmware or protocol is heard, and kept out (NODE-2).
//! - **The word of a node** is that of its active unit. When that one falls silent, or stops to be active, it counts for
//!   two failure times more if another unit of the node is heard that can become active: failover inside the node goes
//!   first (VG-6). That unit inherits the groups.
//! - **Groups.** What to do is decided by [`decide`](crate::election::decide); this machine adds the time limits of a
//!   hand-over (PAIR-20): a claim is answered within the failure time of who asks, by a release that names its nonce and
//!   follows the confirmed withdrawal; what is released and not taken is free again after two.
//! - **Duties** are handed out one at a time for each group, as [`GroupAction`](crate::virtual_address::GroupAction)s.
//!
//! # Our decisions, where the requirements are silent
//! - Two tables of ranks in one version are a mistake, and told as [`Event::RanksDiffer`]. All go by the higher table: so
//!   they agree, whoever was started first.
//! - An owner that is kept out, of another model or with other firmware, keeps its groups until it is lost or withdraws
//!   them. It is not asked for them: it keeps the asker out as well, and would never grant.
//! - A start listens for its failure time before it takes anything.
//! - A group whose take failed has weight 0 at this node for ten failure times. A withdrawal that fails is tried again for
//!   ever, once an interval, and the group is not released meanwhile.
//! - A question that was not answered in time is not asked again for two failure times.
//! - In a conflict of owners what this unit tells of its weight and its license stands still while the other one hears
//!   it, and only words count that echo something said since: else both could give way. An owner that does not hear this
//!   unit cannot judge; so nothing stands still for that, and a better node gets the group all the same.
//! - After a stall longer than the failure time it withdraws all groups before it says anything, and then listens like
//!   a start (CRASH-4).
//! - Once a minute an advertisement goes over X0 though nobody needs it there. It shows that X0 hears every unit (NODE-7),
//!   is a sign of life like any other, and does not make the other side use X0.
//! - A node without a license tells that it cannot be active: so it is no candidate, and keeps what it owns until another
//!   node asks for it. So does its other unit when that becomes the active one: it inherits without a license (S6). A node
//!   that loses the license while it asks gives that up at once.

mod acting;
mod config;
mod deciding;
#[cfg(feature = "simulation")]
mod fingerprint;
mod history;
mod holding;
mod machine;
mod news;
mod peer;
mod ranking;
mod receiving;
#[cfg_attr(not(feature = "simulation"), allow(unreachable_pub))] // named by simulators alone
mod rules;
mod sending;
mod status;
mod ways;
mod weighing;
mod words;

pub use config::{ACTION_TIMEOUT_RANGE, ClusterConfig, ClusterConfigBuilder, ConfigError};
#[cfg(feature = "simulation")]
pub use fingerprint::{Frame, Names, Start};
pub use machine::{ClusterUnit, MAX_EVENTS};
pub use news::{Event, Input, KeptOut, Refusal, Standing, Why};
#[cfg(feature = "simulation")]
pub use rules::Rules;
pub use status::{ClusterStatus, GroupStatus, UnitStatus};
pub use ways::{MIN_LINK_SPEED, X0_TRIAL};
