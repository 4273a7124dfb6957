//! The cables between the nodes, which can be cut, and the transport that feels it.

use crate::naming;
use appliance::driver::{Transport, UdpTransport};
use async_trait::async_trait;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Destination, Origin};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use svrrp::wire::X0_PATH;
use svrrp::{Member, NodeNumber};

/// The cluster link.
pub(crate) const LINK: PathId = PathId(0);
/// The LAN interface that stands in where the cluster link fails.
pub(crate) const X0: PathId = X0_PATH;

/// A cable between two nodes, with all of their units at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cable {
    /// The lower number first.
    ends: [NodeNumber; 2],
    pub(crate) path: PathId,
}

impl Cable {
    /// `None`: inside a node there is no cable that could be cut.
    pub(crate) fn new(one: NodeNumber, other: NodeNumber, path: PathId) -> Option<Self> {
        (one != other).then(|| Self { ends: [one.min(other), one.max(other)], path })
    }

    /// What it is called: between which nodes it is.
    pub(crate) fn name(self) -> String {
        let [one, other] = self.ends.map(NodeNumber::get);
        format!("{} between nodes {one} and {other}", naming::path(self.path))
    }
}

/// Which cables are cut.
#[derive(Debug, Default)]
pub(crate) struct Cables(Mutex<BTreeSet<Cable>>);

impl Cables {
    pub(crate) fn set(&self, cable: Cable, is_cut: bool) {
        let mut cut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_cut {
            cut.insert(cable);
        } else {
            cut.remove(&cable);
        }
    }

    pub(crate) fn cut(&self) -> BTreeSet<Cable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// UDP over cables that can be cut.
pub(crate) struct CutTransport {
    pub(crate) udp: UdpTransport,
    pub(crate) own: NodeNumber,
    pub(crate) cables: Arc<Cables>,
}

impl CutTransport {
    fn is_cut(&self, peer: UnitId, path: PathId, channel: Channel) -> bool {
        let peer = Member::of_unit_id(peer).filter(|_| channel == Channel::Svrrp);
        let cable = peer.and_then(|peer| Cable::new(self.own, peer.node, path));
        cable.is_some_and(|cable| self.cables.cut().contains(&cable))
    }
}

#[async_trait]
impl Transport for CutTransport {
    async fn readable(&mut self) -> io::Result<()> {
        self.udp.readable().await
    }

    fn look(&mut self) {
        self.udp.look();
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> Option<(Origin, usize)> {
        loop {
            let (from, len) = self.udp.try_recv(buf)?;
            if !self.is_cut(from.peer, from.path, from.channel) {
                return Some((from, len));
            }
        }
    }

    fn try_send(&mut self, to: Destination, datagram: &[u8]) {
        if !self.is_cut(to.peer, to.path, to.channel) {
            self.udp.try_send(to, datagram);
        }
    }
}
