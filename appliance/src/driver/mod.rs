//! Runs any machine on real sockets, with tokio.
//!
//! ```text
//!   datagrams ──► ┌────────────┐ ──► datagrams        the caller's task, best on a thread of its own
//!   commands  ──► │   Driver   │
//!   answers   ──► └────────────┘
//!        ▲            │ actions, events
//!        │      ┌─────┴─────┬──────────┐
//!        └───── │ lane      │ lane     │ ...           tasks on the workers' runtime
//!               └───────────┴──────────┘
//! ```
//!
//! The driver's own loop only moves bytes and asks the machine; it never waits for a socket to take a
//! datagram, nor for the [`Platform`]. Actions are carried out by tasks on another runtime, one for
//! each [lane](Platform::lane): actions of one lane in order, lanes side by side. So neither
//! announcements nor work on a table delay a heartbeat (BEY-10), as long as the driver has a thread of
//! its own: run it on a current-thread runtime, and hand it the handle of another runtime for the work.

mod platform;
mod run;
mod timer;
mod udp;

pub use platform::Platform;
pub use run::{Driver, DriverHandle, Stopped};
pub use udp::{UdpDrops, UdpPath, UdpTransport};

use async_trait::async_trait;
use ha_core::machine::{Destination, Origin};
use std::io;

/// Carries datagrams between this unit and its peers.
#[async_trait]
pub trait Transport: Send {
    /// Waits until a datagram has arrived.
    ///
    /// # Errors
    /// The transport is broken for good; the driver ends.
    async fn readable(&mut self) -> io::Result<()>;

    /// Called before a timeout that is due: whatever has arrived is to be found by the next
    /// [`Transport::try_recv`], also if [`Transport::readable`] did not get to tell of it. Silence is
    /// judged then.
    fn look(&mut self);

    /// Reads a datagram if there is one that [`Transport::readable`] told of; heartbeats before
    /// everything else.
    fn try_recv(&mut self, buf: &mut [u8]) -> Option<(Origin, usize)>;

    /// Sends a datagram if that is possible at once, else drops and counts it: what is late is worth
    /// nothing, and is sent again anyway.
    fn try_send(&mut self, to: Destination, datagram: &[u8]);
}
