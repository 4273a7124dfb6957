//! Echo requests to probe targets (MON-3): is what lies behind an interface reached from this unit's own
//! address?
//!
//! Each probe has a socket of its own that ends with it, so nothing has to be kept in step with interfaces
//! and addresses that come and go. The sockets are raw: datagram sockets for ICMP depend on a setting
//! (`net.ipv4.ping_group_range`) that nobody is in by default, and the program needs the capability for
//! raw ones anyway, for its announcements.

mod wire;

pub use wire::Echo;

use crate::links::{Interface, LinkError};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Longer than any answer to what is sent here.
const LONGEST_ANSWER: usize = 512;

/// Why a probe was not sent.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Source and target are not of the same family.
    #[error("{from} and {target} are not of the same family")]
    Family {
        /// Our address.
        from: IpAddr,
        /// The target.
        target: IpAddr,
    },
    /// There is no such interface.
    #[error(transparent)]
    Interface(#[from] LinkError),
    /// The system refused it.
    #[error("{target} cannot be probed from {from} on {device}: {source}")]
    Refused {
        /// Our address.
        from: IpAddr,
        /// The target.
        target: IpAddr,
        /// The interface.
        device: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A probe that was sent. Dropping it gives the answer up.
#[derive(Debug)]
pub struct Awaited {
    socket: UdpSocket,
    target: IpAddr,
    echo: Echo,
}

/// Sends an echo request from `from`, which is an address of `device`, to `target`, out of that interface
/// and no other. Waits for nothing; called within a tokio runtime.
///
/// # Errors
/// Nothing was sent.
pub fn send(
    device: &str,
    from: IpAddr,
    target: IpAddr,
    sequence: u32,
) -> Result<Awaited, ProbeError> {
    if from.is_ipv4() != target.is_ipv4() {
        return Err(ProbeError::Family { from, target });
    }
    let interface = Interface::lookup(device)?;
    let sent = || {
        let echo = Echo::new(sequence)?;
        let socket = open(&interface, from, target)?;
        socket.send(&echo.request(target))?;
        // The runtime has no type for raw sockets; this one makes the same system calls.
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Awaited { socket, target, echo })
    };
    sent().map_err(|source| ProbeError::Refused { from, target, device: device.to_owned(), source })
}

impl Awaited {
    /// Whether the answer comes within `patience`. Whatever else comes is passed over.
    pub async fn is_answered(self, patience: Duration) -> bool {
        timeout(patience, self.answer()).await.is_ok()
    }

    async fn answer(&self) {
        let mut buffer = [0; LONGEST_ANSWER];
        loop {
            // An error is an ICMP error on our request, or passes: the answer may come all the same.
            let Ok((length, from)) = self.socket.recv_from(&mut buffer).await else {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            };
            let datagram = buffer.get(..length).unwrap_or_default();
            if from.ip() == self.target && self.echo.is_answered_by(self.target, datagram) {
                return;
            }
        }
    }
}

/// Connected: the kernel hands over only what comes from the target to our address on this interface.
fn open(interface: &Interface, from: IpAddr, target: IpAddr) -> io::Result<Socket> {
    let (domain, protocol) = match target {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(interface.name.as_bytes()))?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    let target = match target {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            SocketAddrV6::new(v6, 0, 0, interface.index).into()
        }
        other => SocketAddr::new(other, 0),
    };
    socket.connect(&target.into())?;
    Ok(socket)
}
