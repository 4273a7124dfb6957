//! A transport over UDP: one socket for each path and channel.

use super::Transport;
use async_trait::async_trait;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Destination, Origin};
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

/// One path of one channel: a bound socket, and where the peer listens.
#[derive(Debug)]
pub struct UdpPath {
    /// The path.
    pub path: PathId,
    /// The channel.
    pub channel: Channel,
    /// The socket, bound to our own address (and device, if that matters).
    pub socket: UdpSocket,
    /// The peer's address. Datagrams from another one are dropped and counted.
    pub peer: SocketAddr,
}

/// UDP sockets to one peer.
#[derive(Debug)]
pub struct UdpTransport {
    peer: UnitId,
    /// Heartbeats first.
    paths: Vec<(UdpPath, tokio::net::UdpSocket)>,
    drops: Arc<UdpDrops>,
}

/// What a transport dropped.
#[derive(Debug, Default)]
pub struct UdpDrops {
    foreign: AtomicU64,
    unsent: AtomicU64,
}

impl UdpDrops {
    /// Datagrams that came from another address than the peer's.
    pub fn foreign(&self) -> u64 {
        self.foreign.load(Ordering::Relaxed)
    }

    /// Datagrams that could not be sent at once.
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }
}

impl UdpTransport {
    /// A transport over these sockets. Call it inside the runtime that will drive it.
    ///
    /// # Errors
    /// A socket cannot be made non-blocking, or the runtime has no I/O driver.
    pub fn new(peer: UnitId, paths: Vec<UdpPath>) -> io::Result<Self> {
        let mut ready = Vec::with_capacity(paths.len());
        for path in paths {
            path.socket.set_nonblocking(true)?;
            let socket = tokio::net::UdpSocket::from_std(path.socket.try_clone()?)?;
            ready.push((path, socket));
        }
        ready.sort_by_key(|(path, _)| path.channel != Channel::Pair);
        Ok(Self { peer, paths: ready, drops: Arc::default() })
    }

    /// What is dropped; readable while the driver runs.
    #[must_use]
    pub fn drops(&self) -> Arc<UdpDrops> {
        Arc::clone(&self.drops)
    }
}

/// Reads what is there. The runtime knows a datagram only after it has waited since that arrived, and
/// silence must not be judged without it; but the runtime has to hear that there is none.
fn recv_from(
    path: &UdpPath,
    socket: &tokio::net::UdpSocket,
    buf: &mut [u8],
) -> io::Result<(usize, SocketAddr)> {
    match path.socket.recv_from(buf) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.try_recv_from(buf),
        result => result,
    }
}

#[async_trait]
impl Transport for UdpTransport {
    async fn readable(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            for (_, socket) in &self.paths {
                if let Poll::Ready(result) = socket.poll_recv_ready(context) {
                    return Poll::Ready(result);
                }
            }
            Poll::Pending
        })
        .await
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> Option<(Origin, usize)> {
        for (path, socket) in &self.paths {
            // Any error but "nothing there" is about a datagram that we sent; the next read clears it.
            while let Ok((len, from)) = recv_from(path, socket, buf) {
                // Not the scope of a link-local address: the socket belongs to one device.
                if (from.ip(), from.port()) != (path.peer.ip(), path.peer.port()) {
                    self.drops.foreign.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let origin = Origin { peer: self.peer, path: path.path, channel: path.channel };
                return Some((origin, len));
            }
        }
        None
    }

    fn try_send(&mut self, to: Destination, datagram: &[u8]) {
        let sent = self
            .paths
            .iter()
            .find(|(path, _)| path.path == to.path && path.channel == to.channel)
            .is_some_and(|(path, socket)| socket.try_send_to(datagram, path.peer).is_ok());
        if !sent {
            self.drops.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }
}
