//! The record of one connection, as the basic connection cache of a firewall holds it (STATE-1).

use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// What identifies a connection: the tuple of its first packet. The order is that of the fields; it is
/// the order in which a catch-up walks the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionKey {
    /// Who opened it.
    pub source: IpAddr,
    /// Whom it was opened to, before any translation. Of the same family as `source`.
    pub destination: IpAddr,
    /// The protocol above IP, and what tells its connections apart.
    pub transport: Transport,
}

/// The protocol above IP, with what tells two connections between the same addresses apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// TCP.
    Tcp {
        /// Port of the opener.
        source: u16,
        /// Port that it opened.
        destination: u16,
    },
    /// UDP.
    Udp {
        /// Port of the opener.
        source: u16,
        /// Port that it sent to.
        destination: u16,
    },
    /// ICMP for IPv4.
    Icmp {
        /// Identifier of the query.
        id: u16,
        /// Type of the query.
        kind: u8,
        /// Code of the query.
        code: u8,
    },
    /// ICMP for IPv6.
    Icmpv6 {
        /// Identifier of the query.
        id: u16,
        /// Type of the query.
        kind: u8,
        /// Code of the query.
        code: u8,
    },
    /// Any other protocol: with ports (SCTP, DCCP, UDP-Lite), keys (GRE), or neither (both zero).
    Other {
        /// The number of the protocol in the IP header.
        protocol: u8,
        /// Source port or key; zero if the protocol has none.
        source: u16,
        /// Destination port or key; zero if the protocol has none.
        destination: u16,
    },
}

/// One connection: its key, and all of its state that the Standby needs to carry it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// What identifies it.
    pub key: ConnectionKey,
    /// Everything else.
    pub state: ConnectionState,
}

impl Connection {
    /// Checks what the types cannot say: both addresses of one family, translations too, window scales
    /// of at most 14. A record that fails is taken neither from the embedder nor from the wire.
    ///
    /// # Errors
    /// The name of the first field that is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        self.key.check()?;
        let v4 = self.key.source.is_ipv4();
        let foreign = |nat: Option<Translation>| nat.is_some_and(|to| to.address.is_ipv4() != v4);
        if foreign(self.state.source_nat) {
            return Err("source_nat");
        }
        if foreign(self.state.destination_nat) {
            return Err("destination_nat");
        }
        let scale_too_large = |side: TcpSide| side.window_scale > MAX_WINDOW_SCALE;
        if self.state.tcp.is_some_and(|t| scale_too_large(t.original) || scale_too_large(t.reply)) {
            return Err("window_scale");
        }
        Ok(())
    }
}

impl ConnectionKey {
    /// Checks that both addresses are of one family.
    ///
    /// # Errors
    /// The name of the field that is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.source.is_ipv4() == self.destination.is_ipv4() {
            Ok(())
        } else {
            Err("destination")
        }
    }
}

/// The largest window scale that TCP allows (RFC 7323).
pub const MAX_WINDOW_SCALE: u8 = 14;

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    /// To what the opener's address and port were translated, if they were.
    pub source_nat: Option<Translation>,
    /// To what the target's address and port were translated, if they were.
    pub destination_nat: Option<Translation>,
    /// A number that the firewall's rules gave to it; zero if none did.
    pub mark: u32,
    /// TCP's own state; `None` for other protocols, and in an update that does not tell it (the table
    /// then keeps what it knows).
    pub tcp: Option<TcpState>,
    /// An answer was seen.
    pub seen_reply: bool,
    /// It is established, and not to be dropped early when the table is full.
    pub assured: bool,
    /// How long it may stay idle, in seconds, counted from when the record was made. It does not count
    /// as a change: the Standby does not let records expire (STATE-15).
    pub timeout: u32,
}

impl ConnectionState {
    /// Whether the two are equal in all that counts as a change: everything but `timeout` (STATE-15).
    #[must_use]
    pub fn same_but_timeout(&self, other: &Self) -> bool {
        Self { timeout: other.timeout, ..*self } == *other
    }
}

/// The address and the port (or identifier) after a translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Translation {
    /// The address after it.
    pub address: IpAddr,
    /// The port after it, or the identifier of an ICMP query; zero if the protocol has none.
    pub port: u16,
}

/// TCP's state as a firewall tracks it. Sequence windows are left out: they are stale before they
/// arrive, so the new Active takes the connection on without checking them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpState {
    /// How far the connection has come.
    pub phase: TcpPhase,
    /// The opener's side.
    pub original: TcpSide,
    /// The other side.
    pub reply: TcpSide,
}

/// How far a TCP connection has come, as seen from the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TcpPhase {
    /// The opener's SYN was seen.
    SynSent,
    /// The answer to it was seen.
    SynReceived,
    /// The handshake is complete.
    Established,
    /// One side has closed.
    FinWait,
    /// The other side has confirmed that.
    CloseWait,
    /// Both have closed, the last confirmation is missing.
    LastAck,
    /// Both have closed.
    TimeWait,
    /// It was reset, or ended.
    Close,
    /// Both sides sent a SYN.
    SynSent2,
}

/// What a firewall remembers of one side of a TCP connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpSide {
    /// The window scale that this side announced, 0 to 14.
    pub window_scale: u8,
    /// The tracker's flags for this side (selective acknowledgement allowed, scaling allowed, closing).
    pub flags: u8,
}
