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
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The most datagrams from elsewhere that are thrown away of one socket in one go: a flood of them must
/// not keep the driver from its work. A socket's buffer holds fewer (212,992 bytes by default, at least
/// 768 for each), so that they hide no heartbeat that had arrived before the look.
const MAX_FOREIGN: usize = 512;

/// One path of one channel: a bound socket, and where the peers listen.
#[derive(Debug)]
pub struct UdpPath {
    /// The path.
    pub path: PathId,
    /// The channel.
    pub channel: Channel,
    /// The socket, bound to our own address (and device, if that matters).
    pub socket: UdpSocket,
    /// The peers and their addresses: one in a pair, all other units in a cluster. Datagrams from another address are
    /// dropped and counted.
    pub peers: Vec<(UnitId, SocketAddr)>,
}

/// UDP sockets to the peers.
#[derive(Debug)]
pub struct UdpTransport {
    sockets: Vec<Socket>,
    /// The socket that is read next.
    next: usize,
    drops: Arc<UdpDrops>,
}

#[derive(Debug)]
struct Socket {
    path: UdpPath,
    /// The same socket, watched for datagrams only: whoever watches for room to send too is woken after
    /// each datagram that it sent.
    watch: AsyncFd<UdpSocket>,
    /// There may be a datagram.
    look: bool,
}

/// What a transport dropped.
#[derive(Debug, Default)]
pub struct UdpDrops {
    foreign: AtomicU64,
    unsent: AtomicU64,
}

impl UdpDrops {
    /// Datagrams that came from another address than a peer's.
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
    pub fn new(paths: Vec<UdpPath>) -> io::Result<Self> {
        let mut sockets = Vec::with_capacity(paths.len());
        for path in paths {
            path.socket.set_nonblocking(true)?;
            // Deprecated because a type could close its descriptor behind tokio's back; this cannot.
            #[allow(deprecated)]
            let watch = AsyncFd::with_interest(path.socket.try_clone()?, Interest::READABLE)?;
            sockets.push(Socket { path, watch, look: true });
        }
        Ok(Self { sockets, next: 0, drops: Arc::default() })
    }

    /// What is dropped; readable while the driver runs.
    #[must_use]
    pub fn drops(&self) -> Arc<UdpDrops> {
        Arc::clone(&self.drops)
    }
}

#[async_trait]
impl Transport for UdpTransport {
    async fn readable(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            let mut readable = self.sockets.iter().any(|socket| socket.look);
            for socket in &mut self.sockets {
                match socket.watch.poll_read_ready(context) {
                    // Cleared before it is read to the end: what arrives later is told anew.
                    Poll::Ready(Ok(mut guard)) => guard.clear_ready(),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => continue,
                }
                socket.look = true;
                readable = true;
            }
            if readable { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    fn look(&mut self) {
        for socket in &mut self.sockets {
            socket.look = true;
        }
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> Option<(Origin, usize)> {
        // One after the other, so that none hides what arrives on another.
        for is_state in [false, true] {
            for _ in 0..self.sockets.len() {
                let count = self.sockets.len();
                let next = self.next;
                self.next = next.saturating_add(1).checked_rem(count).unwrap_or(0);
                let Some(socket) = self.sockets.get_mut(next) else { continue };
                if (socket.path.channel == Channel::StateSync) == is_state
                    && let Some((peer, len)) = socket.recv(buf, &self.drops)
                {
                    let (path, channel) = (socket.path.path, socket.path.channel);
                    return Some((Origin { peer, path, channel }, len));
                }
            }
        }
        None
    }

    fn try_send(&mut self, to: Destination, datagram: &[u8]) {
        let mut paths = self.sockets.iter().map(|socket| &socket.path);
        let path = paths.find(|path| path.path == to.path && path.channel == to.channel);
        let sent = path.is_some_and(|path| {
            let peer = path.peers.iter().find(|(peer, _)| *peer == to.peer);
            peer.is_some_and(|(_, address)| path.socket.send_to(datagram, address).is_ok())
        });
        if !sent {
            self.drops.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Socket {
    /// The next datagram of a peer, if there is one.
    fn recv(&mut self, buf: &mut [u8], drops: &UdpDrops) -> Option<(UnitId, usize)> {
        for _ in 0..MAX_FOREIGN {
            if !self.look {
                return None;
            }
            match self.path.socket.recv_from(buf) {
                Ok((len, from)) => {
                    // Not the scope of a link-local address: the socket belongs to one device.
                    let mut peers = self.path.peers.iter();
                    match peers.find(|(_, address)| same_host(from, *address)) {
                        Some((peer, _)) => return Some((*peer, len)),
                        None => drops.foreign.fetch_add(1, Ordering::Relaxed),
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.look = false,
                // About a datagram that we sent; the next read goes on behind it.
                Err(_) => {}
            }
        }
        None
    }
}

fn same_host(a: SocketAddr, b: SocketAddr) -> bool {
    (a.ip(), a.port()) == (b.ip(), b.port())
}
