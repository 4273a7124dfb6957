//! Many UDP flows for the connection table: one real request and answer each.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::{Workers, probe};
use crate::lab::environment::Interrupt;
use crate::lab::topology::{BACKGROUND_ADDRESSES, Topology};
use crate::lab::{Context, Error};

/// One port of the server for each address of the client: translated to one address, all flows
/// still differ.
const FIRST_SERVER_PORT: u16 = 9_100;
const FIRST_CLIENT_PORT: u16 = 20_000;
const PORTS_PER_ADDRESS: u32 = 40_000;
/// Flows that are begun together, and the pause after each such group: some 25,000 flows a second.
const GROUP: usize = 100;
const PACE: Duration = Duration::from_millis(4);
/// A request is repeated this often before a flow counts as failed.
const TRIES: u32 = 5;

/// Sends a request on each of `count` flows and waits for the answers. The flows stay in the
/// connection table for its UDP time-out.
pub(crate) fn establish(
    topology: &Topology,
    count: u32,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let mut workers = Workers::new();
    let server = topology.addresses.server;
    for index in 0..BACKGROUND_ADDRESSES {
        let address = (server, server_port(index));
        let socket = topology
            .server
            .run(|| UdpSocket::bind(address).context(|| format!("bind UDP {address:?}")))?;
        let stop = workers.stop_flag();
        workers.add(topology.server.spawn("background", move || probe::echo(&socket, stop))?);
    }
    let flows: Vec<_> = (0..count).map(|flow| endpoints(topology, server, flow)).collect();
    topology.client.run(|| {
        for group in flows.chunks(GROUP) {
            interrupt.check()?;
            exchange(group)?;
            thread::sleep(PACE);
        }
        Ok(())
    })
}

/// Client's and server's end of flow number `flow`.
fn endpoints(topology: &Topology, server: IpAddr, flow: u32) -> (SocketAddr, SocketAddr) {
    let index = u8::try_from(flow / PORTS_PER_ADDRESS).unwrap_or(BACKGROUND_ADDRESSES - 1);
    let port = FIRST_CLIENT_PORT + u16::try_from(flow % PORTS_PER_ADDRESS).unwrap_or(0);
    let client = topology.addresses.background(index);
    (SocketAddr::from((client, port)), SocketAddr::from((server, server_port(index))))
}

fn server_port(index: u8) -> u16 {
    FIRST_SERVER_PORT + u16::from(index)
}

fn exchange(flows: &[(SocketAddr, SocketAddr)]) -> Result<(), Error> {
    /// For all flows of the group together.
    const ANSWER_LIMIT: Duration = Duration::from_millis(200);
    let mut open = Vec::with_capacity(flows.len());
    for (client, server) in flows {
        let what = || format!("open background flow {client} to {server}");
        let socket = UdpSocket::bind(client).context(what)?;
        socket.connect(server).context(what)?;
        open.push(socket);
    }
    for _ in 0..TRIES {
        for socket in &open {
            let _ = socket.send(b"background");
        }
        let deadline = Instant::now() + ANSWER_LIMIT;
        open.retain(|socket| !is_answered(socket, deadline));
        if open.is_empty() {
            return Ok(());
        }
    }
    Err(Error::Traffic(format!("{} of {} background flows had no answer", open.len(), flows.len())))
}

fn is_answered(socket: &UdpSocket, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    socket.set_read_timeout(Some(left)).is_ok() && socket.recv(&mut [0; 16]).is_ok()
}
