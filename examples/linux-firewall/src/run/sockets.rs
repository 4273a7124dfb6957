//! The UDP sockets of the heartbeat paths, and of a cluster's links.

use super::RunError;
use crate::config::Checked;
use crate::config::cluster::CheckedNode;
use appliance::driver::UdpPath;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::Channel;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};

/// Network control traffic: the class that switches prefer (RFC 4594, CS6).
const TRAFFIC_CLASS: u32 = 48 << 2;

/// Opens the sockets of all paths, each bound to its device, so that a heartbeat of one path never
/// travels on another.
///
/// # Errors
/// Which path, and why.
pub(super) fn open(config: &Checked) -> Result<Vec<UdpPath>, RunError> {
    let unit = UnitId::of(config.file.unit.designation.other());
    let mut sockets = Vec::new();
    for ((number, path), addresses) in (0..).zip(&config.file.path).zip(&config.paths) {
        let mut add = |channel, (ours, peer): (SocketAddr, SocketAddr)| {
            let socket = bind(&path.name, &path.device, ours)?;
            let peers = vec![(unit, peer)];
            sockets.push(UdpPath { path: PathId(number), channel, socket, peers });
            Ok::<(), RunError>(())
        };
        add(Channel::Pair, addresses.pair)?;
        if let Some(sync) = addresses.sync.filter(|_| config.file.sync.enabled) {
            add(Channel::StateSync, sync)?;
        }
    }
    Ok(sockets)
}

/// Opens the sockets of a cluster node: one for each of its links, to all other units.
///
/// # Errors
/// Which link, and why.
pub(super) fn open_cluster(config: &CheckedNode) -> Result<Vec<UdpPath>, RunError> {
    let open = |path: &crate::config::cluster::Path| {
        let socket = bind(&path.name, &path.device, path.local)?;
        let peers = path.peers.iter().map(|(member, address)| (member.unit_id(), *address));
        Ok(UdpPath { path: path.id, channel: Channel::Svrrp, socket, peers: peers.collect() })
    };
    config.paths.iter().map(open).collect()
}

fn bind(path: &str, device: &str, address: SocketAddr) -> Result<UdpSocket, RunError> {
    let open = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind_device(Some(device.as_bytes()))?;
        if address.is_ipv4() {
            socket.set_tos_v4(TRAFFIC_CLASS)?;
        } else {
            socket.set_tclass_v6(TRAFFIC_CLASS)?;
        }
        socket.bind(&address.into())?;
        Ok(socket.into())
    };
    let (path, device) = (path.to_owned(), device.to_owned());
    open().map_err(|source| RunError::Path { path, device, address, source })
}
