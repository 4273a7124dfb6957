//! The network interfaces of the unit, by rtnetlink: which there are ([`Interface`]), what becomes of
//! them ([`LinkWatch`]), the shared addresses that they bear while the unit is Active
//! ([`SharedAddresses`]), and the unit's own ones ([`MonitoringAddresses`]).
//!
//! All calls are synchronous and work in the network namespace of the calling thread; a handle stays in
//! the one in which it was opened.

mod interface;
mod memberships;
mod monitoring;
mod request;
mod routes;
mod settings;
mod shared;
mod watch;

pub use interface::Interface;
pub use monitoring::{MonitoringAddresses, Own};
pub use shared::{SharedAddresses, SharedInterface, link_local};
pub use watch::{LinkChange, LinkWatch};

use ha_core::address::MacAddress;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why an interface cannot be read or changed.
#[derive(Debug, Error)]
pub enum LinkError {
    /// A socket to the kernel could not be opened. Nothing was changed.
    #[error("cannot open a socket to the kernel's interfaces: {0}")]
    Open(#[source] io::Error),
    /// The program may not do this.
    #[error("changing interfaces and addresses needs the capability CAP_NET_ADMIN")]
    Permission,
    /// There is no interface of this name. Nothing was changed.
    #[error("there is no interface named {device:?}")]
    Missing {
        /// The name.
        device: String,
    },
    /// No interface can have this name. Nothing was changed.
    #[error(
        "{device:?} cannot be the name of an interface: 1 to 15 characters, no slash, no space"
    )]
    Name {
        /// The name.
        device: String,
    },
    /// The interface has no Ethernet address, so it cannot bear shared addresses. Nothing was changed.
    #[error("{device} is not an Ethernet interface")]
    NotEthernet {
        /// The name.
        device: String,
    },
    /// The name that the virtual MAC's device should bear belongs to another. Nothing was changed.
    #[error("the name {name} is in use by {used_by}, which is not a macvlan on {device}")]
    NameInUse {
        /// The name.
        name: String,
        /// The interface on which the device should be.
        device: String,
        /// What bears the name.
        used_by: String,
    },
    /// Another interface of this unit bears the virtual MAC already. Nothing was changed.
    #[error("the virtual MAC {mac} of {device} is in use by {used_by}")]
    MacInUse {
        /// The virtual MAC.
        mac: MacAddress,
        /// The interface that should bear it.
        device: String,
        /// The interface that does.
        used_by: String,
    },
    /// The kernel refused a change.
    #[error("{doing} on {device}: {source}")]
    Refused {
        /// What was to be done, with the address.
        doing: String,
        /// The interface.
        device: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A setting could not be read or written.
    #[error("cannot set {}: {source}", path.display())]
    Setting {
        /// The file of the setting.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The exchange failed. It is not known which part of the request took effect.
    #[error("the exchange with the kernel about its interfaces failed: {0}")]
    Exchange(#[source] io::Error),
    /// Changes were lost, because they came faster than they were read. The caller looks the
    /// interfaces up; changes go on from here.
    #[error("changes of interfaces were lost")]
    Overrun,
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Permission,
            _ => Self::Exchange(error),
        }
    }
}

fn open(groups: &[u32], receive_bytes: usize) -> Result<crate::netlink::Channel, LinkError> {
    crate::netlink::Channel::open(netlink_sys::protocols::NETLINK_ROUTE, groups, receive_bytes)
        .map_err(LinkError::Open)
}
