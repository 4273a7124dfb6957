//! What becomes of the interfaces.

use super::interface::{DELETE_LINK, parse};
use super::{Interface, LinkError};
use crate::netlink::{Channel, is_overrun};
use std::time::Duration;

/// The kernel's multicast group for changes of interfaces.
const LINKS: u32 = 1;
/// Room for some thousand changes.
const RECEIVE_BYTES: usize = 1 << 22;
/// Messages that one `read` takes before it returns to its caller.
const MESSAGES_PER_READ: usize = 256;

/// A change of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// It is new, or it changed: this is how it is now. Other things than carrier and name may have
    /// changed.
    Present(Interface),
    /// It was removed: as it was at the end.
    Gone(Interface),
}

/// Changes of interfaces, as they happen.
#[derive(Debug)]
pub struct LinkWatch {
    channel: Channel,
}

impl LinkWatch {
    /// Begins to follow the changes. Look the interfaces up afterwards, so that none is missed.
    ///
    /// # Errors
    /// [`LinkError::Open`] or [`LinkError::Permission`].
    pub fn open() -> Result<Self, LinkError> {
        Ok(Self { channel: super::open(&[LINKS], RECEIVE_BYTES)? })
    }

    /// Waits up to `wait` for a change, and returns what is there: none if the time is over.
    ///
    /// # Errors
    /// [`LinkError::Overrun`]: changes were lost; look the interfaces up. Others: the exchange failed.
    pub fn read(&mut self, wait: Duration) -> Result<Vec<LinkChange>, LinkError> {
        let mut changes = Vec::new();
        let mut wait = wait;
        for _ in 0..MESSAGES_PER_READ {
            let messages = match self.channel.receive(wait) {
                Ok(Some(messages)) => messages,
                Ok(None) => break,
                Err(error) if is_overrun(&error) => return Err(LinkError::Overrun),
                Err(error) => return Err(error.into()),
            };
            wait = Duration::ZERO;
            changes.extend(messages.filter_map(|message| {
                let gone = message.kind == DELETE_LINK;
                let interface = parse(&message)?;
                Some(if gone {
                    LinkChange::Gone(interface)
                } else {
                    LinkChange::Present(interface)
                })
            }));
        }
        Ok(changes)
    }
}
