//! Two units of the program, each with a kernel's network of its own.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use linux_firewall::conntrack::{Injector, Scope, Table};
use run_support::{Place, Site, Unit, program, start, status, tool, until};
use statesync::connection::{Connection, ConnectionKey, ConnectionState, Transport};
use statesync::records::Change;
use std::path::PathBuf;

/// A time-out in seconds such as the kernel's own for a connection in use.
const OWN_TIMEOUT: u32 = 600;

fn connection() -> Connection {
    let key = ConnectionKey {
        source: [10, 1, 0, 77].into(),
        destination: [192, 0, 2, 7].into(),
        transport: Transport::Udp { source: 4000, destination: 53 },
    };
    let state = ConnectionState {
        source_nat: None,
        destination_nat: None,
        mark: 0,
        tcp: None,
        seen_reply: true,
        assured: true,
        timeout: OWN_TIMEOUT,
    };
    Connection { key, state }
}

/// The time-out that the kernel of a place has for the connection, if it has it.
fn timeout(place: &Place) -> Option<u32> {
    place.run(|| {
        let mut found = None;
        Table::open()
            .unwrap()
            .dump(&Scope::default(), |one| {
                if one.key == connection().key {
                    found = Some(one.state.timeout);
                }
            })
            .unwrap();
        found
    })
}

/// A pair of which the Primary is Active, and both tables are equal.
fn pair(site: &Site) -> (Unit, Unit, PathBuf) {
    let unit = site.start();
    site.until_active();
    let (peer, file) = site.start_peer();
    until("the peer is Standby", || status(&file).filter(|status| status["role"] == "STANDBY"));
    site.status_when("in sync", |status| status["sync"]["in_sync"] == true);
    (unit, peer, file)
}

/// STATE-5, STATE-15: a connection of the Active is in the Standby's kernel, with a long time-out;
/// after a hand-over that is so on the other side, although its table did not change by that.
#[test]
fn what_the_active_has_is_in_the_standbys_kernel_and_stays_there() {
    let Some(site) = Site::new() else { return };
    let (_unit, _peer, file) = pair(&site);
    site.unit.run(|| {
        let mut injector = Injector::open().unwrap();
        let installed = injector.install(&[Change::New(connection())]).unwrap();
        assert_eq!(installed.applied, 1, "{installed:?}");
        injector.set_timeouts([(connection().key, OWN_TIMEOUT)]).unwrap();
    });
    let long = |place: &Place| timeout(place).filter(|timeout| *timeout > 2 * OWN_TIMEOUT);
    until("the Standby's kernel has it", || long(&site.peer));
    site.status_when("in sync", |status| status["sync"]["in_sync"] == true);
    assert!(timeout(&site.unit).unwrap() <= OWN_TIMEOUT);

    assert!(tool("take-over", &file).status.success());
    site.status_when("the hand-over", |status| {
        status["role"] == "STANDBY" && status["sync"]["in_sync"] == true
    });
    until("it does not expire on the new Standby", || long(&site.unit));
}

/// PAIR-10, PAIR-12: SIGTERM hands the role over, and leaves nothing behind; then the unit alone comes back
/// as Standby.
#[test]
fn sigterm_hands_the_role_over() {
    let Some(site) = Site::new() else { return };
    let before = site.unit.snapshot();
    let (unit, _peer, file) = pair(&site);
    site.status_when("all paths work", |status| {
        let heard =
            |path: &serde_json::Value| path["heard"] == true && path["heard_by_peer"] == true;
        status["paths"].as_array().unwrap().iter().all(heard)
    });
    let output = unit.terminate();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let status = status(&file).unwrap();
    assert_eq!((&status["role"], &status["why"]), (&"ACTIVE".into(), &"the peer has left".into()));
    before.assert_same(&site.unit.snapshot(), "SIGTERM");

    let unit = site.start();
    site.status_when("it is Standby", |status| status["role"] == "STANDBY");
    assert_eq!(unit.terminate().status.code(), Some(0));
}

/// PAIR-12: a heartbeat path may use link-local addresses.
#[test]
fn a_path_may_be_link_local() {
    let Some(site) = Site::new() else { return };
    for (place, address) in [(&site.unit, "fe80::1"), (&site.peer, "fe80::2")] {
        place.ip(format!("addr add {address}/64 dev ha0 nodad"));
    }
    let link_local = |configuration: String| {
        configuration.replace("10.99.0.1", "fe80::1").replace("10.99.0.2", "fe80::2")
    };
    let file = site.write(&link_local(site.configuration()));
    let unit = start(&site.unit, &file, program());
    site.until_active();
    let file = site.write_peer(link_local);
    let _peer = start(&site.peer, &file, program());
    let status = site.status_when("in sync", |status| {
        status["paths"][0]["heard"] == true && status["sync"]["in_sync"] == true
    });
    assert_eq!(status["paths"][0]["heard_by_peer"], true);
    assert_eq!(unit.terminate().status.code(), Some(0));
}
