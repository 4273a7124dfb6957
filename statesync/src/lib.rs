//! State synchronization: the Active's table of connections, continuously and completely on the Standby,
//! over datagrams that may be lost, doubled and reordered (STATE-5, STATE-7).
//!
//! The machine is [`StateSync`]. The **publisher** remembers which *keys* the replica does not have yet
//! and reads the [records](Records) when it sends, so the newest state goes, once. The **replica** takes
//! whole batches in the order of their sequence, never goes back, and acknowledges a batch when the
//! embedder's forwarding plane has followed it ([`Action::Install`]). What is lost goes back to what
//! waits, and is sent again as it is then. A session begins with a catch-up by ranges of keys: "this is
//! all there is in this range", so that what a range does not name is swept.
//!
//! ```
//! use ha_core::identity::{PathId, UnitId};
//! use ha_core::machine::{Machine, Output};
//! use ha_core::time::Instant;
//! use statesync::{Config, Input, StateSync, SyncRole, Table};
//!
//! let seed = 0x2545_f491_4f6c_dd1d; // another one at every start
//! let config = Config::new(seed, UnitId(1), vec![PathId(0)])?;
//! let mut sync = StateSync::new(config, Table::new());
//! let mut buf = vec![0; sync.max_datagram()];
//!
//! sync.handle_input(Instant::ZERO, Input::SetRole(SyncRole::Replica)).unwrap();
//! // A replica asks for a session until it has one.
//! let output = sync.poll_output(Instant::ZERO, &mut buf);
//! assert!(matches!(output, Some(Output::Transmit { .. })));
//! # Ok::<(), statesync::ConfigError>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod config;
pub mod connection;
pub mod installer;
pub mod machine;
mod marks;
pub mod publisher;
pub mod ranges;
pub mod records;
pub mod replica;
mod snapshot;
pub mod table;
pub mod wire;

pub use config::{Config, ConfigError};
pub use connection::{
    Connection, ConnectionKey, ConnectionState, TcpPhase, TcpSide, TcpState, Translation, Transport,
};
pub use machine::{Action, Event, Input, Progress, Refusal, StateSync, SyncRole};
pub use ranges::KeyRange;
pub use records::{Change, Outcome, Records};
pub use table::Table;
