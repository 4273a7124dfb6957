//! One unit: an appliance, its driver on a thread of its own, and cables that can be cut.

use crate::Options;
use crate::plane::{Holders, Plane};
use crate::story::Story;
use appliance::driver::{Driver, DriverHandle, Transport, UdpPath, UdpTransport};
use appliance::{Appliance, Config};
use async_trait::async_trait;
use ha_core::address::MacAddress;
use ha_core::identity::{Designation, InterfaceId, PathId, UnitId};
use ha_core::machine::{Channel, Destination, Origin};
use ha_core::pair::{Mode, PairConfig, PathKind, Product, SharedInterface};
use ha_core::time::Clock;
use statesync::Table;
use std::error::Error;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

/// The paths between the units.
pub(crate) const PATHS: [PathId; 2] = [PathId(0), PathId(1)];

/// What all units share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) story: Arc<Story>,
    pub(crate) holders: Arc<Holders>,
    pub(crate) cables: Arc<Cables>,
    pub(crate) workers: tokio::runtime::Handle,
}

/// The cables: bit n cuts path n.
#[derive(Debug, Default)]
pub(crate) struct Cables(AtomicU16);

impl Cables {
    pub(crate) fn cut(&self, path: PathId) {
        self.0.fetch_or(1 << path.0, Ordering::SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    fn is_cut(&self, path: PathId) -> bool {
        self.0.load(Ordering::SeqCst) & (1 << path.0) != 0
    }
}

/// A running unit.
pub(crate) struct Unit {
    pub(crate) handle: DriverHandle<Appliance<Table>>,
    pub(crate) plane: Arc<Plane>,
    thread: std::thread::JoinHandle<io::Result<Table>>,
}

impl Unit {
    /// Starts a unit on these sockets.
    pub(crate) fn start(
        world: &World,
        options: &Options,
        who: Designation,
        sockets: Sockets,
        seed: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let config = config(options, who, seed)?;
        sockets.drain()?;
        let plane = Arc::new(Plane {
            who,
            clock: world.clock,
            story: Arc::clone(&world.story),
            holders: Arc::clone(&world.holders),
            holds: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            may_stop: AtomicBool::new(false),
            installed: 0.into(),
        });
        let world = world.clone();
        let (send, receive) = std::sync::mpsc::channel();
        let platform = Arc::clone(&plane);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let _inside = runtime.enter();
            let udp = UdpTransport::new(sockets.0)?;
            let transport = CutTransport { udp, cables: world.cables };
            let machine = Appliance::new(config, Table::new(), world.clock.now());
            let (driver, handle) =
                Driver::new(machine, transport, platform, &world.workers, world.clock);
            // The program waits for the handle: it cannot be gone yet.
            let _ = send.send(handle);
            let unit = runtime.block_on(driver.run())?;
            Ok(unit.sync().map(|sync| sync.records().clone()).unwrap_or_default())
        });
        match receive.recv() {
            Ok(handle) => Ok(Self { handle, plane, thread }),
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error.into()),
                _ => Err("a unit did not start".into()),
            },
        }
    }

    /// Stops the unit without a word to anybody, and gives the table that it had.
    pub(crate) async fn crash(self) -> Result<Table, Box<dyn Error>> {
        self.handle.stop().await?;
        let table = self.thread.join().map_err(|_| "a unit's thread panicked")??;
        self.plane.die();
        Ok(table)
    }
}

fn config(options: &Options, who: Designation, seed: u64) -> Result<Config, Box<dyn Error>> {
    let (ours, peers) = match who {
        Designation::Primary => ("PRI-0001", "SEC-0002"),
        Designation::Secondary => ("SEC-0002", "PRI-0001"),
    };
    let product = Product { model: "Example".parse()?, firmware: "1.0".parse()? };
    let lan = SharedInterface {
        id: InterfaceId(1),
        mac: MacAddress([0x02, 0, 0, 0, 0, 1]),
        addresses: vec!["192.0.2.1/24".parse()?, "2001:db8::1/64".parse()?],
    };
    let pair = PairConfig::builder(who, ours.parse()?, peers.parse()?, product, seed)
        .heartbeat_interval(Duration::from_millis(options.heartbeat))
        .trigger_level(options.trigger_level)
        .paths(PATHS.map(|_| PathKind::Control))
        .mode(Mode::ActiveStandby { stateful: true })
        .interface(lan)
        .build()?;
    let sync = statesync::Config::new(seed, pair.peer(), PATHS.to_vec())?;
    Ok(Config { pair, sync: Some(sync) })
}

/// The sockets of one unit. They outlive a crash, as a network card's address does.
pub(crate) struct Sockets(Vec<UdpPath>);

impl Sockets {
    /// Sockets of two units that are connected with each other.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for path in PATHS {
            for channel in [Channel::Pair, Channel::StateSync] {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let (a, b) = (UdpSocket::bind(any)?, UdpSocket::bind(any)?);
                let (a_at, b_at) = (a.local_addr()?, b.local_addr()?);
                let first = vec![(UnitId::of(Designation::Primary), a_at)];
                let second = vec![(UnitId::of(Designation::Secondary), b_at)];
                ours.push(UdpPath { path, channel, socket: a, peers: second });
                theirs.push(UdpPath { path, channel, socket: b, peers: first });
            }
        }
        Ok((Self(ours), Self(theirs)))
    }

    /// Throws away what arrived while nobody was there to read it.
    fn drain(&self) -> io::Result<()> {
        for path in &self.0 {
            path.socket.set_nonblocking(true)?;
            while path.socket.recv(&mut []).is_ok() {}
        }
        Ok(())
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        let copy = |path: &UdpPath| {
            let socket = path.socket.try_clone()?;
            let UdpPath { path, channel, ref peers, .. } = *path;
            Ok(UdpPath { path, channel, socket, peers: peers.clone() })
        };
        self.0.iter().map(copy).collect::<io::Result<_>>().map(Self)
    }
}

/// UDP over cables that can be cut.
struct CutTransport {
    udp: UdpTransport,
    cables: Arc<Cables>,
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
            if !self.cables.is_cut(from.path) {
                return Some((from, len));
            }
        }
    }

    fn try_send(&mut self, to: Destination, datagram: &[u8]) {
        if !self.cables.is_cut(to.path) {
            self.udp.try_send(to, datagram);
        }
    }
}
