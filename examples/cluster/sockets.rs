//! The sockets of all units on loopback. They outlive a crash, as a network card's address does.

use crate::cables::{LINK, X0};
use crate::setup::Setup;
use appliance::driver::UdpPath;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::Channel;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;
use svrrp::Member;

/// The path of the heartbeats inside a node.
const HEARTBEATS: PathId = PathId(0);

/// The sockets of one unit.
#[derive(Debug)]
pub(crate) struct Sockets(Vec<UdpPath>);

impl Sockets {
    /// Those of all units: one for the cluster link and one for X0, each to all other units, and in a pair one to the peer.
    pub(crate) fn of_cluster(setup: &Setup) -> io::Result<BTreeMap<Member, Self>> {
        let mut all: BTreeMap<_, _> =
            setup.members().map(|member| (member, Self(Vec::new()))).collect();
        for path in [LINK, X0] {
            connect(&mut all, path, Channel::Svrrp, setup.members(), Member::unit_id)?;
        }
        for node in setup.nodes().filter(|_| setup.has_pairs()) {
            let pair = setup.members().filter(|it| it.node == node);
            connect(&mut all, HEARTBEATS, Channel::Pair, pair, |it| UnitId::of(it.designation))?;
        }
        Ok(all)
    }

    /// The sockets for another start: what arrived while nobody was there to read it is thrown away.
    pub(crate) fn for_a_start(&self) -> io::Result<Vec<UdpPath>> {
        let copy = |it: &UdpPath| {
            it.socket.set_nonblocking(true)?;
            while it.socket.recv(&mut []).is_ok() {}
            let UdpPath { path, channel, ref peers, ref socket } = *it;
            Ok(UdpPath { path, channel, socket: socket.try_clone()?, peers: peers.clone() })
        };
        self.0.iter().map(copy).collect()
    }
}

/// Gives each of the units a socket to all others of them.
fn connect(
    all: &mut BTreeMap<Member, Sockets>,
    path: PathId,
    channel: Channel,
    units: impl Iterator<Item = Member>,
    id: fn(Member) -> UnitId,
) -> io::Result<()> {
    let bound = units.map(|unit| Ok((unit, bind()?))).collect::<io::Result<Vec<_>>>()?;
    let addresses = bound.iter().map(|(unit, socket)| Ok((*unit, socket.local_addr()?)));
    let addresses = addresses.collect::<io::Result<Vec<_>>>()?;
    for (own, socket) in bound {
        let others = addresses.iter().filter(|(unit, _)| *unit != own);
        let peers = others.map(|(unit, address)| (id(*unit), *address)).collect();
        if let Some(sockets) = all.get_mut(&own) {
            sockets.0.push(UdpPath { path, channel, socket, peers });
        }
    }
    Ok(())
}

fn bind() -> io::Result<UdpSocket> {
    UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// How long a datagram takes to another thread and back: the median of some.
#[allow(clippy::disallowed_methods)] // it measures
pub(crate) fn round_trip() -> io::Result<Duration> {
    const TRIES: usize = 51;
    let (here, there) = (bind()?, bind()?);
    here.connect(there.local_addr()?)?;
    there.connect(here.local_addr()?)?;
    for socket in [&here, &there] {
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    }
    let echo = std::thread::spawn(move || -> io::Result<()> {
        let mut buf = [0; 8];
        for _ in 0..TRIES {
            let len = there.recv(&mut buf)?;
            there.send(buf.get(..len).unwrap_or_default())?;
        }
        Ok(())
    });
    let mut took = Vec::new();
    for _ in 0..TRIES {
        let begin = std::time::Instant::now();
        here.send(b"there?")?;
        here.recv(&mut [0; 8])?;
        took.push(begin.elapsed());
    }
    echo.join().map_err(|_| io::Error::other("the echo panicked"))??;
    took.sort_unstable();
    Ok(took.get(TRIES / 2).copied().unwrap_or_default())
}
