//! The transport over UDP, on loopback.

use crate::harness::PEER;
use appliance::driver::{Driver, Platform, Transport, UdpPath, UdpTransport};
use appliance::{Action, Appliance, Config, Event};
use async_trait::async_trait;
use ha_core::identity::{Designation, PathId, UnitId};
use ha_core::machine::{ActionError, Channel, Destination};
use ha_core::pair::{Mode, PairConfig, Product};
use ha_core::reject::RejectKind;
use ha_core::time::{Clock, Instant};
use statesync::Table;
use std::net::UdpSocket;
use std::sync::Arc;
use tokio::runtime::Runtime;

const PATH: PathId = PathId(0);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A path to a socket of the test, and that socket.
fn path(channel: Channel) -> (UdpPath, UdpSocket) {
    let (ours, peers) = (loopback(), loopback());
    let peer = peers.local_addr().unwrap();
    peers.connect(ours.local_addr().unwrap()).unwrap();
    (UdpPath { path: PATH, channel, socket: ours, peers: vec![(PEER, peer)] }, peers)
}

fn loopback() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

/// In a cluster one socket leads to all other units: each is known by its address, and gets what is meant for it.
#[test]
fn one_socket_has_several_peers() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let ((mut path, first), second) = (path(Channel::Svrrp), loopback());
    let ours = path.socket.local_addr().unwrap();
    second.connect(ours).unwrap();
    let other = UnitId(PEER.0 + 1);
    path.peers.push((other, second.local_addr().unwrap()));
    let mut transport = UdpTransport::new(vec![path]).unwrap();
    let mut buf = [0; 64];
    for (peer, socket) in [(other, &second), (PEER, &first)] {
        socket.send(b"advertisement").unwrap();
        transport.look();
        let (origin, len) = transport.try_recv(&mut buf).expect("it has arrived");
        assert_eq!((origin.peer, origin.channel, len), (peer, Channel::Svrrp, 13));
        let to = Destination { peer, path: PATH, channel: Channel::Svrrp };
        transport.try_send(to, &[peer.0]);
        assert_eq!((socket.recv(&mut buf).unwrap(), buf[0]), (1, peer.0));
    }
    let nobody = UnitId(PEER.0 + 2);
    transport.try_send(Destination { peer: nobody, path: PATH, channel: Channel::Svrrp }, b"?");
    assert_eq!(transport.drops().unsent(), 1);
}

/// CRASH-4: what has arrived is read, also if the runtime has not looked since.
#[test]
fn what_has_arrived_is_read_at_once() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (path, peer) = path(Channel::Pair);
    let mut transport = UdpTransport::new(vec![path]).unwrap();
    let mut buf = [0; 64];
    assert!(transport.try_recv(&mut buf).is_none());
    for _ in 0..2 {
        peer.send(b"beat").unwrap();
    }
    transport.look();
    for _ in 0..2 {
        let (origin, len) = transport.try_recv(&mut buf).expect("nobody has waited yet");
        assert_eq!((origin.peer, origin.path, &buf[..len]), (PEER, PATH, &b"beat"[..]));
    }
    assert!(transport.try_recv(&mut buf).is_none());
    // And it does not spin on what it has read.
    let waited = runtime.block_on(async {
        let brief = std::time::Duration::from_millis(20);
        tokio::time::timeout(brief, transport.readable()).await.is_err()
    });
    assert!(waited, "there is nothing to read");
    peer.send(b"beat").unwrap();
    runtime.block_on(transport.readable()).unwrap();
    assert!(transport.try_recv(&mut buf).is_some());
}

#[test]
fn heartbeats_are_read_before_everything_else() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let ((sync, sync_peer), (pair, pair_peer)) = (path(Channel::StateSync), path(Channel::Pair));
    let mut transport = UdpTransport::new(vec![sync, pair]).unwrap();
    sync_peer.send(b"records").unwrap();
    pair_peer.send(b"beat").unwrap();
    let mut buf = [0; 64];
    let (first, _) = transport.try_recv(&mut buf).unwrap();
    let (second, _) = transport.try_recv(&mut buf).unwrap();
    assert_eq!((first.channel, second.channel), (Channel::Pair, Channel::StateSync));
}

/// NODE-1: one socket of a cluster link serves all other units, each known by its address.
#[test]
fn several_peers_on_one_path_are_told_apart() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (mut path, first) = path(Channel::Svrrp);
    let (second, other) = (loopback(), UnitId(6));
    let ours = path.socket.local_addr().unwrap();
    path.peers.push((other, second.local_addr().unwrap()));
    let mut transport = UdpTransport::new(vec![path]).unwrap();
    second.send_to(b"second", ours).unwrap();
    first.send(b"first").unwrap();
    let mut buf = [0; 64];
    let mut from = || transport.try_recv(&mut buf).unwrap().0.peer;
    assert_eq!((from(), from()), (other, PEER));
    let to = |peer| Destination { peer, path: PATH, channel: Channel::Svrrp };
    transport.try_send(to(other), b"hello");
    assert_eq!(second.recv(&mut buf).unwrap(), 5);
    transport.try_send(to(UnitId(7)), b"hello");
    assert_eq!(transport.drops().unsent(), 1, "nobody has this number");
}

#[test]
fn datagrams_of_other_addresses_are_dropped_and_counted() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (path, peer) = path(Channel::Pair);
    let ours = path.socket.local_addr().unwrap();
    let mut transport = UdpTransport::new(vec![path]).unwrap();
    let (stranger, drops) = (loopback(), transport.drops());
    for datagram in [&b""[..], b"x", &[7; 65_000]] {
        stranger.send_to(datagram, ours).unwrap();
    }
    peer.send(b"beat").unwrap();
    let mut buf = vec![0; 65_536];
    let (_, len) = transport.try_recv(&mut buf).unwrap();
    assert_eq!(&buf[..len], b"beat");
    assert!(transport.try_recv(&mut buf).is_none());
    assert_eq!((drops.foreign(), drops.unsent()), (3, 0));
}

/// CRASH-4: datagrams from elsewhere do not hide a heartbeat that arrived behind them.
#[test]
fn datagrams_of_other_addresses_hide_no_heartbeat() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (path, peer) = path(Channel::Pair);
    let ours = path.socket.local_addr().unwrap();
    let mut transport = UdpTransport::new(vec![path]).unwrap();
    let stranger = loopback();
    for _ in 0..200 {
        stranger.send_to(b"noise", ours).unwrap();
    }
    peer.send(b"beat").unwrap();
    transport.look();
    let mut buf = [0; 64];
    let (_, len) = transport.try_recv(&mut buf).expect("it has arrived");
    assert_eq!(&buf[..len], b"beat");
    assert_eq!(transport.drops().foreign(), 200);
}

#[test]
fn what_cannot_be_sent_is_dropped_and_counted() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (path, peer) = path(Channel::Pair);
    let mut transport = UdpTransport::new(vec![path]).unwrap();
    let drops = transport.drops();
    let to = |path, channel| Destination { peer: PEER, path, channel };
    // The runtime has to see the socket as writable once.
    runtime.block_on(tokio::task::yield_now());
    transport.try_send(to(PATH, Channel::Pair), b"beat");
    let mut buf = [0; 64];
    assert_eq!(peer.recv(&mut buf).unwrap(), 4);
    assert_eq!(drops.unsent(), 0);
    transport.try_send(to(PATH, Channel::StateSync), b"no such socket");
    transport.try_send(to(PathId(9), Channel::Pair), b"no such path");
    transport.try_send(to(PATH, Channel::Pair), &[0; 65_536]);
    assert_eq!(drops.unsent(), 3);
}

/// A platform that does everything at once.
struct Obedient;

#[async_trait]
impl Platform<Appliance<Table>> for Obedient {
    const LANES: usize = 1;

    fn lane(&self, _: &Action) -> usize {
        0
    }

    async fn perform(&self, _: Action) -> Result<(), ActionError> {
        Ok(())
    }

    fn event(&self, _: Instant, _: Event) {}
}

/// PAIR-14, STATE-5: datagrams of any length on both ports change nothing but a counter by reason.
#[test]
fn empty_and_huge_datagrams_are_counted_by_reason() {
    let workers = Runtime::new().unwrap();
    let ((pair, pair_peer), (sync, sync_peer)) = (path(Channel::Pair), path(Channel::StateSync));
    let clock = Clock::start();
    let machine = Appliance::new(config(), Table::new(), clock.now());
    let (driver, handle) = {
        let runtime = workers.enter();
        let transport = UdpTransport::new(vec![pair, sync]).unwrap();
        let parts = Driver::new(machine, transport, Arc::new(Obedient), workers.handle(), clock);
        drop(runtime);
        parts
    };
    let driver = workers.spawn(driver.run());
    for peer in [&pair_peer, &sync_peer] {
        for datagram in [&b""[..], &[0; 65_000], &[0; 65_000]] {
            peer.send(datagram).unwrap();
        }
    }
    let count = |unit: &Appliance<Table>, kind| {
        (
            unit.pair().status(Instant::ZERO).rejects.get(kind),
            unit.sync().unwrap().rejects().get(kind),
        )
    };
    workers.block_on(async {
        let patience = std::time::Duration::from_secs(30);
        let seen = async {
            loop {
                let all = handle.query(move |unit, _| {
                    let long = count(unit, RejectKind::TooLong);
                    (long, count(unit, RejectKind::Truncated), unit.pair().status(Instant::ZERO))
                });
                let (long, short, status) = all.await.unwrap();
                if (long, short) == ((2, 2), (1, 1)) {
                    assert!(status.peer.is_none() && status.paths.iter().all(|path| !path.heard));
                    return;
                }
            }
        };
        tokio::time::timeout(patience, seen).await.expect("all are counted");
        handle.stop().await.unwrap();
        driver.await.unwrap().unwrap();
    });
}

fn config() -> Config {
    let product = Product { model: "FW".parse().unwrap(), firmware: "1".parse().unwrap() };
    let (ours, peers) = ("A".parse().unwrap(), "B".parse().unwrap());
    let pair = PairConfig::builder(Designation::Primary, ours, peers, product, 1)
        .mode(Mode::ActiveStandby { stateful: true })
        .build()
        .unwrap();
    let sync = statesync::Config::new(1, PEER, vec![PATH]).unwrap();
    Config { pair, sync: Some(sync) }
}
