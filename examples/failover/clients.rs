//! The clients behind the firewall: they open, use and close sessions through whichever unit holds the
//! addresses, and know which sessions they have.

use crate::plane::Plane;
use appliance::driver::DriverHandle;
use appliance::{Appliance, Input};
use ha_core::time::{Clock, Instant};
use statesync::{
    Connection, ConnectionKey, ConnectionState, Records, Table, TcpPhase, TcpSide, TcpState,
    Translation, Transport,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A session that was opened so short a time before the crash had not been answered yet: its client
/// opens it again, as after any lost packet.
pub(crate) const YOUNG: Duration = Duration::from_millis(5);

/// Where sessions go: the units, with what tells which of them holds the addresses.
pub(crate) type Routes = Vec<(Arc<Plane>, DriverHandle<Appliance<Table>>)>;

/// All sessions as the clients know them.
#[derive(Debug)]
pub(crate) struct Clients {
    clock: Clock,
    sessions: BTreeMap<ConnectionKey, (u32, Instant)>,
    opened: u32,
    random: u64,
    pub(crate) changes: u64,
}

impl Clients {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            sessions: BTreeMap::new(),
            opened: 0,
            random: 0x9e37_79b9_7f4a_7c15,
            changes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Opens so many sessions.
    pub(crate) fn open(&mut self, count: u32) -> Vec<Connection> {
        let now = self.clock.now();
        let number = self.opened..self.opened + count;
        self.opened += count;
        let open = |number| session(number, 0);
        let connections: Vec<_> = number.map(open).collect();
        self.sessions.extend(connections.iter().map(|c| (c.key, (c.state.mark, now))));
        connections
    }

    /// A little of everything: some sessions are used, some opened, as many closed.
    pub(crate) fn live(&mut self) -> [Input; 2] {
        let mut upserts = self.open(5);
        for _ in 0..10 {
            if let Some(key) = self.any()
                && let Some((mark, _)) = self.sessions.get_mut(&key)
            {
                *mark += 1;
                upserts.push(Connection { key, state: state(&key, *mark) });
            }
        }
        let closed: Vec<_> = (0..5).filter_map(|_| self.any()).collect();
        for key in &closed {
            self.sessions.remove(key);
        }
        // A session can be used and closed in the same moment: then it is closed.
        upserts.retain(|connection| self.sessions.contains_key(&connection.key));
        self.changes += (upserts.len() + closed.len()) as u64;
        [Input::Upsert(upserts), Input::Remove(closed)]
    }

    /// Which of the sessions `table` does not have: those that are lost, and those that were opened
    /// less than [`YOUNG`] before `crash`.
    pub(crate) fn missing(&self, table: &Table, crash: Instant) -> (usize, usize) {
        let missing = self.sessions.iter().filter(|(key, _)| table.get(key).is_none());
        let (young, lost): (Vec<_>, Vec<_>) =
            missing.partition(|(_, (_, opened))| *opened + YOUNG > crash);
        (lost.len(), young.len())
    }

    /// The clients have noticed which of their sessions are gone, and how the others stand.
    pub(crate) fn accept(&mut self, table: &Table) -> usize {
        let before = self.sessions.len();
        self.sessions.retain(|key, (mark, _)| match table.get(key) {
            Some(state) => {
                *mark = state.mark;
                true
            }
            None => false,
        });
        before - self.sessions.len()
    }

    /// Whether every session is in `table` as its client last used it.
    pub(crate) fn agree_with(&self, table: &Table) -> bool {
        let mark = |key| table.get(key).map(|state| state.mark);
        self.sessions.iter().all(|(key, (last, _))| mark(key) == Some(*last))
    }

    /// A session by chance.
    fn any(&mut self) -> Option<ConnectionKey> {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let from = session(u32::try_from(self.random % u64::from(self.opened.max(1))).ok()?, 0).key;
        let next = self.sessions.range(from..).next().or(self.sessions.iter().next());
        next.map(|(key, _)| *key)
    }
}

/// The unit through which sessions go: the one that took the addresses last.
pub(crate) fn route(routes: &Routes) -> Option<&DriverHandle<Appliance<Table>>> {
    let holder = routes.iter().rev().find(|(plane, _)| plane.holds.load(Ordering::SeqCst));
    holder.map(|(_, handle)| handle)
}

/// The session with this number, every fourth over IPv6, every other one translated.
fn session(number: u32, mark: u32) -> Connection {
    let (source, destination) = if number.is_multiple_of(4) {
        let low = u128::from(number) + 0x1000;
        let net = 0x2001_0db8_u128 << 96;
        (Ipv6Addr::from(net | low).into(), Ipv6Addr::from(net | 1 << 64 | 80).into())
    } else {
        let client = Ipv4Addr::from(0x0a00_0000 | (number >> 10));
        (IpAddr::from(client), IpAddr::from([198, 51, 100, 80]))
    };
    let port = u16::try_from(number % 1024).unwrap_or(0) + 20_000;
    let key = ConnectionKey {
        source,
        destination,
        transport: Transport::Tcp { source: port, destination: 443 },
    };
    Connection { key, state: state(&key, mark) }
}

fn state(key: &ConnectionKey, mark: u32) -> ConnectionState {
    let nat = match key.transport {
        Transport::Tcp { source: port, .. } if key.source.is_ipv4() => Some(Translation {
            address: IpAddr::from([203, 0, 113, 1]),
            port: port.wrapping_add(20_000),
        }),
        _ => None,
    };
    let side = TcpSide { window_scale: 7, flags: 0x23 };
    ConnectionState {
        source_nat: nat,
        destination_nat: None,
        mark,
        tcp: Some(TcpState { phase: TcpPhase::Established, original: side, reply: side }),
        seen_reply: true,
        assured: true,
        timeout: 432_000,
    }
}
