//! Proof that the protocol crates need no standard library: this program has none.
//!
//! It brings its own panic handler, so whatever pulled in `std` would fail the build with a duplicate
//! lang item (E0152). And it calls what it links: two units find their roles, the Active's connection
//! reaches the Standby, the Active falls silent, and the Standby takes over with the connection; two nodes of a
//! cluster share two groups. The
//! exit status says how far that came: 0 is all of it.

#![no_std]
#![no_main]

extern crate alloc;

mod cluster;
mod platform;

use alloc::vec;
use appliance::{Appliance, Config, Input};
use core::ffi::{c_char, c_int};
use core::net::{IpAddr, Ipv4Addr};
use core::ops::Range;
use ha_core::identity::{Designation, InterfaceId, PairId, PathId, UnitId};
use ha_core::machine::{Machine, Origin, Output};
use ha_core::pair::{Mode, PairConfig, Product, Role, SharedInterface};
use ha_core::time::Instant;
use ha_core::virtual_mac::VirtualMac;
use statesync::{Connection, ConnectionKey, ConnectionState, Records, StateSync, Table, Transport};

/// The steps of the proof, and the exit status when one fails. The status 1 is left to the system.
#[derive(Clone, Copy)]
enum Failed {
    Configuration = 2,
    Election = 3,
    Synchronization = 4,
    TakeOver = 5,
    Cluster = 6,
}

#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    match proof() {
        Ok(()) => 0,
        Err(step) => step as c_int,
    }
}

fn proof() -> Result<(), Failed> {
    let primary = unit(Designation::Primary).ok_or(Failed::Configuration)?;
    let secondary = unit(Designation::Secondary).ok_or(Failed::Configuration)?;
    let mut pair = [Some(primary), Some(secondary)];
    run(&mut pair, 0..20_000);
    if !has_role(&pair[0], Role::Active) || !has_role(&pair[1], Role::Standby) {
        return Err(Failed::Election);
    }

    let connection = connection();
    if let Some(primary) = &mut pair[0] {
        let now = Instant::from_millis(20_000);
        let told = primary.handle_input(now, Input::Upsert(vec![connection]));
        told.map_err(|_| Failed::Synchronization)?;
    }
    run(&mut pair, 20_000..25_000);
    if !has(&pair[1], &connection) {
        return Err(Failed::Synchronization);
    }

    pair[0] = None;
    run(&mut pair, 25_000..40_000);
    if !has_role(&pair[1], Role::Active) || !has(&pair[1], &connection) {
        return Err(Failed::TakeOver);
    }
    cluster::proof().ok_or(Failed::Cluster)
}

/// Lets the units run, millisecond by millisecond, on a network that loses nothing.
fn run(pair: &mut [Option<Appliance<Table>>; 2], milliseconds: Range<u64>) {
    for now in milliseconds.map(Instant::from_millis) {
        for designation in [Designation::Primary, Designation::Secondary] {
            let [primary, secondary] = &mut *pair;
            match designation {
                Designation::Primary => step(now, designation, primary, secondary),
                Designation::Secondary => step(now, designation, secondary, primary),
            }
        }
    }
}

fn step(
    now: Instant,
    designation: Designation,
    unit: &mut Option<Appliance<Table>>,
    peer: &mut Option<Appliance<Table>>,
) {
    let Some(unit) = unit else { return };
    let mut buf = vec![0; unit.max_datagram()];
    unit.handle_timeout(now);
    while let Some(output) = unit.poll_output(now, &mut buf) {
        match output {
            Output::Transmit { to, len } => {
                let peer_of_it = UnitId::of(designation);
                let from = Origin { peer: peer_of_it, path: to.path, channel: to.channel };
                if let Some(peer) = peer {
                    // What is refused is counted there; what matters is checked at the end.
                    let _ = peer.handle_datagram(now, from, &buf[..len]);
                }
            }
            Output::Action { id, .. } => unit.handle_done(now, id, Ok(())),
            Output::Event(_) => {}
        }
    }
}

fn has_role(unit: &Option<Appliance<Table>>, role: Role) -> bool {
    unit.as_ref().is_some_and(|unit| unit.pair().role() == role)
}

fn has(unit: &Option<Appliance<Table>>, connection: &Connection) -> bool {
    let records = unit.as_ref().and_then(Appliance::sync).map(StateSync::records);
    records.and_then(|records| records.get(&connection.key)) == Some(connection.state)
}

fn unit(designation: Designation) -> Option<Appliance<Table>> {
    let product = Product { model: "FW-100".parse().ok()?, firmware: "1.0".parse().ok()? };
    let serial = |of| match of {
        Designation::Primary => "A-1".parse().ok(),
        Designation::Secondary => "B-2".parse().ok(),
    };
    let peer = designation.other();
    let seed = 1 + u64::from(UnitId::of(designation).0);
    let lan = InterfaceId(1);
    let virtual_mac = VirtualMac::Derived { pair: PairId(7), prefix: None };
    let interface = SharedInterface {
        id: lan,
        mac: virtual_mac.address(lan).ok()?,
        addresses: vec!["192.0.2.1/24".parse().ok()?, "2001:db8::1/64".parse().ok()?],
    };
    let pair = PairConfig::builder(designation, serial(designation)?, serial(peer)?, product, seed)
        .mode(Mode::ActiveStandby { stateful: true })
        .interface(interface)
        .build()
        .ok()?;
    let sync = statesync::Config::new(seed, UnitId::of(peer), vec![PathId(0)]).ok()?;
    let config = Config { pair, sync: Some(sync) };
    Some(Appliance::new(config, Table::new(), Instant::ZERO))
}

fn connection() -> Connection {
    let host = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    Connection {
        key: ConnectionKey {
            source: host(10),
            destination: host(20),
            transport: Transport::Udp { source: 40_000, destination: 53 },
        },
        state: ConnectionState {
            source_nat: None,
            destination_nat: None,
            mark: 0,
            tcp: None,
            seen_reply: true,
            assured: true,
            timeout: 120,
        },
    }
}
