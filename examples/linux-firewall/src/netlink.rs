//! Synchronous netlink: messages are gathered in one buffer, sent together, and every error that the
//! kernel reports is read back.
//!
//! The kernel works a request off inside the `send`, so all replies are waiting when it returns. That
//! is why no acknowledgement is asked for but one: an empty message at the end of the batch, whose
//! acknowledgement says that everything before it was worked off.

use netlink_packet_core::{
    NLA_ALIGNTO, NLA_F_NESTED, NLM_F_ACK, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
    NetlinkBuffer,
};
use netlink_sys::{Socket, SocketAddr};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Larger than the largest datagram that the kernel makes (32 KiB for a dump).
const RECEIVE_BUFFER: usize = 64 * 1024;
/// How long an answer may take that should already be there.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// Recvmsg's flag, that `netlink-sys` takes as a number: do not wait.
const DO_NOT_WAIT: i32 = 0x40;
/// Recvmsg's flag: say how long the datagram was, even if it did not fit.
const TRUE_LENGTH: i32 = 0x20;

/// A netlink socket with its sequence numbers and its receive buffer.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: Socket,
    port: u32,
    sequence: u32,
    buffer: Vec<u8>,
}

/// An error that the kernel reported for one message of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    /// Which message: counted from 0.
    pub index: usize,
    /// Why.
    pub errno: Errno,
}

impl Channel {
    /// Opens a socket that is a member of `groups`, and whose receive buffer holds `receive_bytes`
    /// whatever the system's limit for programs without privilege is.
    pub(crate) fn open(protocol: isize, groups: &[u32], receive_bytes: usize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        let port = socket.bind_auto()?.port_number();
        if receive_bytes > 0 {
            rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, receive_bytes)?;
        }
        // An error then comes without the message that caused it; the sequence number tells which.
        socket.set_cap_ack(true)?;
        for group in groups {
            socket.add_membership(*group)?;
        }
        Ok(Self { socket, port, sequence: 0, buffer: vec![0; RECEIVE_BUFFER] })
    }

    /// The number by which the kernel knows this socket. Events name the socket that caused them.
    pub(crate) fn port(&self) -> u32 {
        self.port
    }

    /// For waiting on it.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Starts a batch.
    pub(crate) fn batch(&mut self) -> Batch {
        Batch { bytes: Vec::new(), first: self.sequence, count: 0, open: 0 }
    }

    /// Sends the batch as it is. Answers are read with [`Channel::receive`].
    pub(crate) fn send(&mut self, batch: &Batch) -> io::Result<()> {
        self.sequence = batch.next_sequence();
        let kernel = SocketAddr::new(0, 0);
        let sent = retry(|| self.socket.send_to(&batch.bytes, &kernel, 0))?;
        if sent == batch.bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    /// Sends the batch and reads what the kernel says to it until all of it was worked off: the
    /// refused messages, in the order in which they were written. Everything else that the kernel
    /// answers goes to `answer`.
    pub(crate) fn transact(
        &mut self,
        mut batch: Batch,
        mut answer: impl FnMut(&Message<'_>),
    ) -> io::Result<Vec<Refused>> {
        if batch.count == 0 {
            return Ok(Vec::new());
        }
        let barrier = batch.next_sequence();
        batch.begin(NLMSG_NOOP, NLM_F_ACK, &[]);
        batch.end();
        self.discard_stale()?;
        self.send(&batch)?;
        let first = batch.first;
        let mut refused = Vec::new();
        let mut finished = false;
        while !finished {
            let Some(datagram) = self.receive(ANSWER_TIME)? else {
                return Err(io::ErrorKind::TimedOut.into());
            };
            for message in datagram {
                match message.error() {
                    Some(_) if message.sequence == barrier => finished = true,
                    Some(Some(errno)) => {
                        let index = message.sequence.wrapping_sub(first) as usize;
                        // Without the privilege the kernel refuses the datagram as a whole, once.
                        if errno == Errno::PERM && index == 0 {
                            return Err(errno.into());
                        }
                        refused.push(Refused { index, errno });
                    }
                    Some(None) => {}
                    None => answer(&message),
                }
            }
        }
        Ok(refused)
    }

    /// Reads what an earlier, failed exchange left behind.
    fn discard_stale(&mut self) -> io::Result<()> {
        loop {
            match self.receive(Duration::ZERO) {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => {}
                Err(error) if is_overrun(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The messages of the next datagram; `None` if none came in time. ENOBUFS says that some were
    /// lost before it.
    pub(crate) fn receive(&mut self, wait: Duration) -> io::Result<Option<Messages<'_>>> {
        let mut length = self.receive_now()?;
        if length.is_none() && !wait.is_zero() && wait_readable(&[self.as_fd()], wait)?[0] {
            length = self.receive_now()?;
        }
        Ok(length.map(|length| Messages::new(self.buffer.get(..length).unwrap_or_default())))
    }

    fn receive_now(&mut self) -> io::Result<Option<usize>> {
        let flags = DO_NOT_WAIT | TRUE_LENGTH;
        match retry(|| self.socket.recv(&mut &mut self.buffer[..], flags)) {
            Ok(length) if length > self.buffer.len() => Err(io::ErrorKind::InvalidData.into()),
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether the kernel says by this error that it had to drop messages.
pub(crate) fn is_overrun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error())
}

/// Waits until one of two descriptors at most can be read; says which of them can.
pub(crate) fn wait_readable(fds: &[BorrowedFd<'_>], wait: Duration) -> io::Result<[bool; 2]> {
    let mut polled: Vec<_> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let wait = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
    match poll(&mut polled, Some(&wait)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let ready = |at: usize| polled.get(at).is_some_and(|fd| !fd.revents().is_empty());
    Ok([ready(0), ready(1)])
}

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Messages to be sent together, numbered in the order in which they are written.
#[derive(Debug)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    first: u32,
    count: u32,
    open: usize,
}

impl Batch {
    fn next_sequence(&self) -> u32 {
        self.first.wrapping_add(self.count)
    }

    /// What would be sent.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many messages it holds.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// Starts a message. `header` is what follows netlink's own header, before the attributes.
    pub(crate) fn begin(&mut self, kind: u16, flags: u16, header: &[u8]) {
        self.open = self.bytes.len();
        let sequence = self.next_sequence();
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        self.bytes.extend_from_slice(header);
        self.count += 1;
    }

    /// Ends the message that was started last.
    pub(crate) fn end(&mut self) {
        let length = (self.bytes.len() - self.open) as u32;
        self.bytes[self.open..self.open + 4].copy_from_slice(&length.to_ne_bytes());
    }

    /// An attribute of the message, or of the nest, that is open.
    pub(crate) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.bytes.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        let padding = value.len().wrapping_neg() % NLA_ALIGNTO;
        self.bytes.extend_from_slice(&[0; NLA_ALIGNTO][..padding]);
    }

    /// An attribute that contains attributes.
    pub(crate) fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.attribute(kind | NLA_F_NESTED, &[]);
        inner(self);
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    }
}

/// The messages of one datagram. What is malformed ends it: nothing after it can be trusted.
#[derive(Debug)]
pub(crate) struct Messages<'a> {
    rest: &'a [u8],
}

/// One message from the kernel.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// Its type.
    pub kind: u16,
    /// Its flags.
    pub flags: u16,
    /// The number of the request that it answers.
    pub sequence: u32,
    /// The socket that caused it.
    pub port: u32,
    /// What follows netlink's own header.
    pub payload: &'a [u8],
}

impl<'a> Messages<'a> {
    pub(crate) fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let header = NetlinkBuffer::new_checked(self.rest).ok()?;
        let length = header.length() as usize;
        let message = Message {
            kind: header.message_type(),
            flags: header.flags(),
            sequence: header.sequence_number(),
            port: header.port_number(),
            payload: self.rest.get(16..length)?,
        };
        self.rest = self.rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    }
}

impl Message<'_> {
    /// What the kernel says to a request: `Some(None)` that it was carried out, `Some(Some(errno))`
    /// that it was refused; `None` if this is something else.
    pub(crate) fn error(&self) -> Option<Option<Errno>> {
        if self.kind != NLMSG_ERROR {
            return None;
        }
        Some(self.code())
    }

    /// Whether this ends a dump, and the error that ended it early.
    pub(crate) fn done(&self) -> Option<Option<Errno>> {
        (self.kind == NLMSG_DONE).then(|| self.code())
    }

    fn code(&self) -> Option<Errno> {
        let code = self.payload.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
        (code != 0).then(|| Errno::from_raw_os_error(code.wrapping_neg().clamp(1, 4095)))
    }
}
