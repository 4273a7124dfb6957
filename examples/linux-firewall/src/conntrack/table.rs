//! Reading the whole table.

use super::wire::{self, Entry};
use super::{ConntrackError, Scope};
use crate::netlink::Channel;
use netlink_packet_core::{NLM_F_DUMP_INTR, NLMSG_ERROR};
use netlink_sys::protocols::NETLINK_NETFILTER;
use statesync::connection::Connection;
use std::io;
use std::time::Duration;

/// How long the kernel may take for the next slice.
const SLICE_TIME: Duration = Duration::from_secs(5);

/// The kernel's connection table, to be read.
#[derive(Debug)]
pub struct Table {
    channel: Channel,
    malformed: u64,
}

impl Table {
    /// Opens the table of the calling thread's network namespace.
    ///
    /// # Errors
    /// [`ConntrackError::Open`].
    pub fn open() -> Result<Self, ConntrackError> {
        let channel = Channel::open(NETLINK_NETFILTER, &[], 0).map_err(ConntrackError::Open)?;
        Ok(Self { channel, malformed: 0 })
    }

    /// Hands every connection in `scope` to `visit`, IPv4 and IPv6, in the kernel's order: slices of
    /// about a hundred are made as they are read, so that a slow `visit` costs no memory. The table
    /// goes on changing meanwhile: an entry may come twice, and one that is made during the dump may
    /// be left out, so the caller listens to [`Events`](super::Events) before it begins.
    ///
    /// Returns how many it handed over.
    ///
    /// # Errors
    /// [`ConntrackError::Interrupted`]: read again; others: the exchange failed. `visit` may have seen
    /// a part of the table.
    pub fn dump(
        &mut self,
        scope: &Scope,
        mut visit: impl FnMut(Connection),
    ) -> Result<usize, ConntrackError> {
        // What an abandoned dump left unread ends with its socket.
        *self = Self { malformed: self.malformed, ..Self::open()? };
        let mut batch = self.channel.batch();
        wire::dump(&mut batch);
        self.channel.send(&batch)?;
        let mut visited = 0;
        let mut interrupted = false;
        loop {
            let Some(messages) = self.channel.receive(SLICE_TIME)? else {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            };
            for message in messages {
                interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
                let end =
                    if message.kind == NLMSG_ERROR { message.error() } else { message.done() };
                match end {
                    Some(Some(errno)) => return Err(io::Error::from(errno).into()),
                    Some(None) if interrupted => return Err(ConntrackError::Interrupted),
                    Some(None) => return Ok(visited),
                    None => {}
                }
                match wire::parse(&message) {
                    Some(Entry::Present(connection)) if scope.includes(&connection.key) => {
                        visited += 1;
                        visit(connection);
                    }
                    Some(_) => {}
                    None => self.malformed += 1,
                }
            }
        }
    }

    /// How many entries could not be read and were left out.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }
}
