//! What arrives from outside changes nothing but counters, and what is said by the wrong unit is reported.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use ha_core::identity::Designation;
use ha_core::pair::{
    Health, Heartbeat, HeartbeatId, OUR_PROTOCOL, Obstacles, Product, ProtocolRange, Stance,
};
use run_support::Site;
use serde_json::Value;
use std::net::UdpSocket;
use std::time::Duration;

const HEARTBEATS: u16 = 7770;
const SYNC: u16 = 7771;
const PEER: &str = "10.99.0.2";
const STRANGER: &str = "10.99.0.3";

/// A socket where the peer is, bound to one of the addresses there.
fn socket(site: &Site, address: &'static str, port: u16) -> UdpSocket {
    site.peer.run(move || {
        let socket = UdpSocket::bind((address, port)).unwrap();
        socket.connect(("10.99.0.1", port)).unwrap();
        socket
    })
}

fn heartbeat() -> Heartbeat {
    let product = Product { model: "lab".parse().unwrap(), firmware: "1.0".parse().unwrap() };
    Heartbeat {
        protocol: OUR_PROTOCOL,
        stance: Stance::Standby,
        designation: Designation::Secondary,
        serial: "FW-0002".parse().unwrap(),
        preempt: false,
        obstacles: Obstacles::NONE,
        warm: true,
        synchronized: true,
        upgrade: false,
        invites: false,
        voluntary: false,
        steady: false,
        // One is enough for the whole test.
        interval: Duration::from_secs(100),
        level: 3,
        health: Health { fit: true, weight: 2 },
        paths_heard: 3,
        id: HeartbeatId { start: 7, number: 1 },
        term: 0,
        echo: None,
        ask: 0,
        release: 0,
        product: Some(product),
    }
}

fn bytes(heartbeat: &Heartbeat) -> Vec<u8> {
    let mut buf = vec![0; heartbeat.wire_len()];
    heartbeat.emit(&mut buf).unwrap();
    buf
}

/// Datagrams that mean nothing on any port, the same at each run.
fn garbage() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(2);
    let mut all = vec![vec![], vec![0], vec![b'H'], vec![0xff; 65_000]];
    all.extend((0..200).map(|_| {
        let len = random.usize(1..2000);
        (0..len).map(|_| random.u8(..)).collect()
    }));
    // The right beginning, and a check sum that is wrong.
    let mut broken = bytes(&heartbeat());
    *broken.last_mut().unwrap() ^= 1;
    all.push(broken);
    let mut batch = vec![0; 64];
    batch[..4].copy_from_slice(&[0x53, 0x53, 1, 1]);
    all.push(batch);
    // Two of these at once would not fit the receiver's buffer.
    all.push(vec![0; 65_000]);
    all
}

/// The role machine counts what it ignores under the bare reason; else the name says of what it is.
fn total(status: &Value, of: &str) -> u64 {
    let (counters, of) = match of.strip_prefix("heartbeats ignored: ") {
        Some(of) => (&status["counted"]["rejects"], of),
        None => (&status["counters"], of),
    };
    let counted = counters.as_object().unwrap().iter().filter(|(name, _)| name.starts_with(of));
    counted.map(|(_, count)| count.as_u64().unwrap()).sum()
}

/// The status without what changes by itself.
fn lasting(mut status: Value) -> Value {
    for passing in ["since_ms", "now", "longest_stall_us", "counted", "counters"] {
        status.as_object_mut().unwrap().remove(passing);
    }
    for path in status["paths"].as_array_mut().unwrap() {
        path.as_object_mut().unwrap().remove("age");
    }
    status
}

/// PAIR-13, PAIR-14, STATE-5: garbage on both ports, from the peer's address and from another one.
#[test]
fn garbage_changes_nothing_but_counters() {
    let Some(site) = Site::new() else { return };
    let unit = site.start();
    let before = site.until_active();
    let counter = |port, from| match (from, port) {
        (STRANGER, _) => "datagrams from other addresses",
        (_, HEARTBEATS) => "heartbeats ignored: ",
        _ => "sync datagrams ignored: ",
    };
    let mut foreign = 0;
    for (port, from) in [(HEARTBEATS, PEER), (HEARTBEATS, STRANGER), (SYNC, PEER), (SYNC, STRANGER)]
    {
        let socket = socket(&site, from, port);
        let mut sent = if from == STRANGER { foreign } else { 0 };
        // In portions that fit the receiver's buffer.
        for portion in garbage().chunks(20) {
            for datagram in portion {
                assert_eq!(socket.send(datagram).unwrap(), datagram.len());
                sent += 1;
            }
            let name = counter(port, from);
            let status = site.status_when("all are counted", |status| total(status, name) >= sent);
            assert_eq!(total(&status, name), sent, "{status}");
            assert_eq!(lasting(status), lasting(before.clone()));
        }
        if from == STRANGER {
            foreign = sent;
        }
    }
    let status = site.status().unwrap();
    for reason in ["truncated", "too-long", "magic", "checksum"] {
        for of in ["heartbeats ignored: ", "sync datagrams ignored: "] {
            assert!(total(&status, &format!("{of}{reason}")) > 0, "{of}{reason}: {status}");
        }
    }
    assert_eq!(unit.terminate().status.code(), Some(0));
}

/// PAIR-14: a unit with another serial number is ignored and reported.
#[test]
fn an_unknown_serial_number_is_ignored_and_reported() {
    let Some(site) = Site::new() else { return };
    let unit = site.start();
    let before = site.until_active();
    let other = Heartbeat { serial: "FW-0666".parse().unwrap(), ..heartbeat() };
    socket(&site, PEER, HEARTBEATS).send(&bytes(&other)).unwrap();
    let after = site
        .status_when("it is counted", |status| total(status, "heartbeats ignored: serial") == 1);
    assert_eq!(lasting(after), lasting(before));
    let output = unit.terminate();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("not the peer") && log.contains("FW-0666"), "{log}");
}

/// PAIR-14: beside a unit of another model a running Active keeps running, and says why they do not work
/// together.
#[test]
fn an_active_beside_another_model_keeps_running_and_says_why() {
    let Some(site) = Site::new() else { return };
    let unit = site.start();
    site.until_active();
    let product = Product { model: "other".parse().unwrap(), firmware: "1.0".parse().unwrap() };
    let other = Heartbeat { product: Some(product), ..heartbeat() };
    socket(&site, PEER, HEARTBEATS).send(&bytes(&other)).unwrap();
    let status = site.status_when("the peer is heard", |status| status["peer"]["heard"] == true);
    assert_eq!(status["role"], "ACTIVE");
    assert_eq!(status["peer"]["role"], "STANDBY");
    assert_eq!(status["mismatch"], "the peer is a other, this unit a lab");
    assert_eq!(status["sync"]["role"], "idle");
    assert_eq!(unit.terminate().status.code(), Some(0));
}

/// PAIR-14, PAIR-15: a unit that starts beside an Active one of another model, or of a protocol that it
/// does not speak, takes no role and shows ERROR with the reason.
#[test]
fn a_starting_unit_beside_an_active_that_does_not_match_shows_error() {
    let model = Product { model: "other".parse().unwrap(), firmware: "1.0".parse().unwrap() };
    let firmware = Product { model: "lab".parse().unwrap(), firmware: "2.0".parse().unwrap() };
    let active = Heartbeat { stance: Stance::Active, term: 1, ..heartbeat() };
    let later = ProtocolRange { oldest: 8, newest: 9 };
    for (other, why) in [
        (Heartbeat { product: Some(model), ..active }, "the peer is a other, this unit a lab"),
        (
            Heartbeat { product: Some(firmware), ..active },
            "the peer runs firmware 2.0, this unit 1.0",
        ),
        (
            Heartbeat { protocol: later, product: None, ..active },
            "the peer speaks protocol 8 to 9, this unit 1 to 1",
        ),
    ] {
        let Some(site) = Site::new() else { return };
        let socket = socket(&site, PEER, HEARTBEATS);
        let unit = site.start();
        // It listens before it answers; nobody else is to be heard within the time of election.
        let mut number = 0;
        let status = site.status_when("it is in ERROR", |status| {
            number += 1;
            let id = HeartbeatId { start: 7, number };
            socket.send(&bytes(&Heartbeat { id, ..other })).unwrap();
            status["role"] == "ERROR"
        });
        assert_eq!((&status["why"], &status["mismatch"]), (&why.into(), &why.into()));
        assert_eq!(
            (&status["peer"]["heard"], &status["peer"]["role"]),
            (&true.into(), &"ACTIVE".into())
        );
        assert!(!site.unit.ip("-j addr").contains("\"10.1.0.1\""), "the addresses are the peer's");
        let text = String::from_utf8(site.tool("status").stdout).unwrap();
        assert!(text.contains("is ERROR for") && text.contains(why), "{text}");
        let refused = String::from_utf8(site.tool("take-over").stdout).unwrap();
        assert!(refused.contains(why), "{refused}");
        assert_eq!(unit.terminate().status.code(), Some(0));
    }
}
