//! The role machine of a pair: which of two units is Active.
//!
//! Two units, a Primary and a Secondary, send each other heartbeats on all paths all the time. One is
//! Active and holds the shared addresses; the other is Standby and takes over when the Active falls
//! silent on every path, or hands the role over.
//!
//! # How it decides
//! The role logic is one pure function, [`next`], of the state, what the unit knows of itself and of its
//! peer, and the cause. A test prints the table of all its answers. [`compare`] says which of two units
//! is the better one, alike on both sides; [`prefer`] whether a Standby should have the role of an Active
//! that works. [`Pair`] is the [machine](crate::machine::Machine) around them. [`Pair::decision`] answers
//! "why am I Active?" (BEY-12).
//!
//! # What keeps a unit from the role
//! A [`Demotion`] makes it less fit than a peer that has none; alone it takes over all the same (BEY-7). An
//! [obstacle](Obstacles) bars it: maintenance (BEY-8), isolation (BEY-3), an embedder that is not ready
//! (BEY-9), a take that has just failed.
//!
//! # What is persisted
//! Maintenance mode, and nothing else ([`Action::Persist`]). If it is lost the unit starts without it.
//!
//! # What is decided here, where the requirements are silent
//! - A starting unit waits for the longer of election delay and failure time (PAIR-4).
//! - A Standby that hears its peer look for an Active takes over: the peer has restarted, and the
//!   sessions are here.
//! - When two Actives hear each other again after a split, the first heartbeat of each says that it
//!   does not hear the other. It counts only from a peer that had a failure time to hear us; else both
//!   would give way.
//! - The time limit T of a hand-over (PAIR-20) is the failure time of the unit that asks. The release
//!   waits for twice the longer one of both units.
//! - A unit whose take failed holds back for ten failure times, then tries again if the role is free; until
//!   a take succeeds it is demoted, so that no preempt brings the role back to where it cannot be held.
//! - It is always the Standby that asks for a hand-over; an Active that wants one invites it to. What is
//!   asked for without an order is granted only if the Active judges alike.
//! - After an ordered hand-over the former Active does not ask for the role again until the health of either
//!   unit has changed. One that failed is not tried again without an order for ten failure times.
//! - A unit whose withdrawal fails stays Withdrawing, and its peer does not take while it hears that:
//!   nobody forwarding is the lesser evil than two (S1). Only the embedder can end it, by stopping the
//!   unit: see [`Action::Withdraw`].
//! - A unit that recovers from a stall takes after a failure time, but not while its peer is heard to
//!   hold the role or to withdraw: then it waits for another one.
//! - A path counts by the heartbeats that it brings in time: a copy that is a trigger level or more
//!   behind the newest heartbeat is refused, and keeps neither the path nor the peer alive.
//! - A restarted unit bears a new start number; while the old one is still heard, the new one is believed
//!   once it echoes us, and the old one never again.
//!
//! # Two units in memory
//! ```
//! use core::time::Duration;
//! use ha_core::identity::{Designation, PathId, UnitId};
//! use ha_core::machine::{Channel, Machine, Origin, Output};
//! use ha_core::pair::{Pair, PairConfig, Product, Role};
//! use ha_core::time::Instant;
//!
//! let product = Product { model: "FW-100".parse()?, firmware: "1.0".parse()? };
//! let unit = |designation, ours: &str, peers: &str, seed| {
//!     let config =
//!         PairConfig::builder(designation, ours.parse()?, peers.parse()?, product, seed).build()?;
//!     Ok::<_, Box<dyn std::error::Error>>(Pair::new(config, Instant::ZERO))
//! };
//! let mut units = [
//!     unit(Designation::Primary, "A-1", "B-2", 1)?,
//!     unit(Designation::Secondary, "B-2", "A-1", 2)?,
//! ];
//!
//! let mut buf = [0; 256];
//! for millisecond in 0..20_000 {
//!     let now = Instant::from_millis(millisecond);
//!     for sender in [0, 1] {
//!         units[sender].handle_timeout(now);
//!         while let Some(output) = units[sender].poll_output(now, &mut buf) {
//!             match output {
//!                 Output::Transmit { to, len } => {
//!                     let peer = UnitId(sender as u8);
//!                     let from = Origin { peer, path: to.path, channel: Channel::Pair };
//!                     units[1 - sender].handle_datagram(now, from, &buf[..len])?;
//!                 }
//!                 Output::Action { id, .. } => units[sender].handle_done(now, id, Ok(())),
//!                 Output::Event(event) => println!("{now:?} unit {sender}: {event:?}"),
//!             }
//!         }
//!     }
//! }
//! assert_eq!(units[0].role(), Role::Active);
//! assert_eq!(units[1].role(), Role::Standby);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod active;
mod announcer;
mod beat;
pub mod comparison;
mod config;
mod conflict;
mod counters;
mod decision;
mod demotion;
mod duties;
#[cfg(feature = "simulation")]
mod fingerprint;
mod fitness;
mod flaps;
mod hand_over;
pub mod heartbeat;
mod history;
mod machine;
mod maintenance;
mod mode;
mod monitoring;
mod news;
mod obstacle;
mod peer;
mod private_address;
mod reception;
mod role;
mod rules;
mod status;
mod telling;
mod timer;
mod transition;

pub use active::{ActiveUnit, Failover};
pub use comparison::{Claim, Health, Preference, Standing, compare, prefer};
pub use config::{
    ANNOUNCEMENT_GAP_RANGE, ANNOUNCEMENT_RANGE, BURST_RANGE, ConfigError, ConfigWarning,
    FLAP_LIMIT_RANGE, FLAP_WINDOW_RANGE, MAX_ADDRESSES, MAX_ELECTION_DELAY, MAX_INTERFACES,
    MAX_READINESS_LIMIT, MAX_ROUTE_HOLD, PairConfig, PairConfigBuilder, SharedInterface,
};
pub use counters::{Counter, Counters, Tally};
pub use decision::Decision;
pub use demotion::{ActiveDemotion, Demotion, MAX_DEMOTIONS};
#[cfg(feature = "simulation")]
pub use fingerprint::Frame;
pub use heartbeat::{
    Heartbeat, HeartbeatId, INTERVAL_RANGE, LEVEL_RANGE, MAX_HEARTBEAT_LEN, MAX_PATHS,
    OUR_PROTOCOL, Product, ProtocolRange,
};
pub use machine::{MAX_EVENTS, Pair};
pub use maintenance::Maintenance;
pub use mode::{Mode, PathKind};
pub use news::{
    Action, Departure, Event, Input, IsolationEnd, Mismatch, MonitoredLinks, PersistKey, Refusal,
    ServiceFailure, Why,
};
pub use obstacle::Obstacles;
pub use private_address::PrivateAddress;
pub use role::{Goal, Role, Stance, State};
pub use rules::Rules;
pub use status::{PairStatus, PathStatus, PeerStatus};
pub use telling::Severity;
pub use transition::{Cause, OwnView, PeerView, next};
