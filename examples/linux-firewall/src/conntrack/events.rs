//! Following the table: what the kernel says of each change.

use super::wire::{self, Entry};
use super::{ConntrackError, Scope};
use crate::netlink::{Channel, is_overrun, wait_readable};
use netlink_sys::protocols::NETLINK_NETFILTER;
use rustix::event::{EventfdFlags, eventfd};
use statesync::connection::{Connection, ConnectionKey};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// The kernel's multicast groups: new, updated, destroyed connections.
const GROUPS: [u32; 3] = [1, 2, 3];
/// Messages that one `read` takes before it returns to its caller.
const MESSAGES_PER_READ: usize = 1024;

/// One change of the kernel's connection table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection is new, or its state changed. An update that does not tell TCP's state has
    /// `tcp: None`: the record keeps what it knows.
    Changed(Connection),
    /// A connection ended.
    Gone(ConnectionKey),
}

/// The changes of the kernel's connection table, as they happen. See
/// [`enable_events`](super::enable_events).
#[derive(Debug)]
pub struct Events {
    channel: Channel,
    scope: Scope,
    stop: Arc<OwnedFd>,
    own_port: Option<u32>,
    /// Events were lost, and those that waited are still to be thrown away.
    lost: bool,
    malformed: u64,
}

/// Ends a [`Events::read`] that waits in another thread.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<OwnedFd>);

impl Stopper {
    /// Makes the current and every later read return at once, with what was there to be read.
    pub fn stop(&self) {
        // It can only fail if the counter is full, and then the reader is awake already.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

impl Events {
    /// Begins to follow the changes to connections in `scope`. The kernel keeps up to `receive_bytes`
    /// of them for us (an event takes about 1 KiB there), whatever the system-wide limit.
    ///
    /// # Errors
    /// [`ConntrackError::Permission`] or [`ConntrackError::Open`].
    pub fn open(receive_bytes: usize, scope: Scope) -> Result<Self, ConntrackError> {
        let channel = Channel::open(NETLINK_NETFILTER, &GROUPS, receive_bytes).map_err(
            |error| match error.kind() {
                io::ErrorKind::PermissionDenied => ConntrackError::Permission,
                _ => ConntrackError::Open(error),
            },
        )?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| ConntrackError::Open(errno.into()))?;
        let stop = Arc::new(stop);
        Ok(Self { channel, scope, stop, own_port: None, lost: false, malformed: 0 })
    }

    /// Leaves out the changes that were made through this [`Injector`](super::Injector).
    pub fn ignore(&mut self, injector: &super::Injector) {
        self.own_port = Some(injector.port());
    }

    /// What ends a read from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    /// Waits up to `wait` for a change, and appends what is there to `events`: at most 1024 of them.
    /// Returns early, with nothing, once it was stopped.
    ///
    /// # Errors
    /// [`ConntrackError::Overrun`]: events were lost. Those that waited were thrown away, too, so that
    /// none that is older than the dump by which the caller answers can follow it. Nothing was
    /// appended. Others: the exchange failed.
    pub fn read(&mut self, events: &mut Vec<Event>, wait: Duration) -> Result<(), ConntrackError> {
        if self.lost {
            return self.drain();
        }
        let start = events.len();
        let [readable, _stopped] = wait_readable(&[self.channel.as_fd(), self.stop.as_fd()], wait)?;
        if !readable {
            return Ok(());
        }
        for _ in 0..MESSAGES_PER_READ {
            let messages = match self.channel.receive(Duration::ZERO) {
                Ok(Some(messages)) => messages,
                Ok(None) => break,
                Err(error) if is_overrun(&error) => {
                    events.truncate(start);
                    return self.drain();
                }
                Err(error) => return Err(error.into()),
            };
            for message in messages {
                if self.own_port == Some(message.port) {
                    continue;
                }
                match wire::parse(&message) {
                    Some(Entry::Present(connection)) if self.scope.includes(&connection.key) => {
                        events.push(Event::Changed(connection));
                    }
                    Some(Entry::Gone(key)) if self.scope.includes(&key) => {
                        events.push(Event::Gone(key));
                    }
                    Some(_) => {}
                    None => self.malformed += 1,
                }
            }
        }
        Ok(())
    }

    /// Throws away what waits. After an overrun the kernel delivers nothing more before the queue is
    /// empty, so this ends; should it not, the next read goes on with it.
    fn drain(&mut self) -> Result<(), ConntrackError> {
        const DATAGRAMS: usize = 1 << 20;
        self.lost = true;
        for _ in 0..DATAGRAMS {
            match self.channel.receive(Duration::ZERO) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.lost = false;
                    break;
                }
                Err(error) if is_overrun(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ConntrackError::Overrun)
    }

    /// How many messages could not be read and were left out.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }
}
