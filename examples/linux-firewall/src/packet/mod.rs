//! Prepared Ethernet frames, sent out of an interface by AF_PACKET: the announcements of VMAC-3.

use crate::links::Interface;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};
use std::io;
use thiserror::Error;

/// Why frames cannot be sent.
#[derive(Debug, Error)]
pub enum PacketError {
    /// The program may not send raw frames.
    #[error("sending announcements on {device} needs the capability CAP_NET_RAW")]
    Permission {
        /// The interface.
        device: String,
    },
    /// The socket could not be opened.
    #[error("cannot open a packet socket on {device}: {source}")]
    Open {
        /// The interface.
        device: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The interface's queue is full: the frame was not sent, and can be tried again later.
    #[error("the queue of {device} is full")]
    Full {
        /// The interface.
        device: String,
    },
    /// The frame was not sent: the interface is down or gone, or the frame too long.
    #[error("cannot send a frame of {length} bytes on {device}: {source}")]
    Send {
        /// The interface.
        device: String,
        /// The length of the frame, in bytes.
        length: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Sends frames out of one interface. It receives none.
#[derive(Debug)]
pub struct FrameSender {
    socket: Socket,
    device: String,
}

impl FrameSender {
    /// Opens a sender for the interface named `device`, up or not.
    ///
    /// # Errors
    /// [`PacketError::Permission`] or [`PacketError::Open`]; an unknown interface too.
    pub fn open(device: &str) -> Result<Self, PacketError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::PermissionDenied => PacketError::Permission { device: device.into() },
            _ => PacketError::Open { device: device.into(), source },
        };
        let interface =
            Interface::lookup(device).map_err(|error| failed(io::Error::other(error)))?;
        // Protocol 0: no frame is delivered to this socket.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        socket.bind(&link_address(interface.index)).map_err(failed)?;
        Ok(Self { socket, device: device.into() })
    }

    /// Sends one whole Ethernet frame: addresses, type, payload; without the checksum at its end. Never
    /// waits. When it returns, the frame is in the interface's queue.
    ///
    /// # Errors
    /// [`PacketError::Full`] or [`PacketError::Send`]: nothing was sent.
    pub fn send(&self, frame: &[u8]) -> Result<(), PacketError> {
        loop {
            let device = || self.device.clone();
            let Err(source) = self.socket.send(frame) else { return Ok(()) };
            let full = source.raw_os_error() == Some(Errno::NOBUFS.raw_os_error());
            return Err(match source.kind() {
                io::ErrorKind::Interrupted => continue,
                io::ErrorKind::WouldBlock => PacketError::Full { device: device() },
                _ if full => PacketError::Full { device: device() },
                _ => PacketError::Send { device: device(), length: frame.len(), source },
            });
        }
    }
}

/// The address of an interface as a packet socket wants it. Neither `socket2`, `rustix` nor `nix` can
/// make one without unsafe code.
#[allow(unsafe_code)]
fn link_address(index: u32) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is a `repr(C)` structure of integers that begins with the address family,
    // as every structure behind a `sockaddr_storage` does, and it is not larger than that.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_ifindex = index as i32;
    // SAFETY: the storage holds an initialized `sockaddr_ll`, and that is its length.
    unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t) }
}
