//! Two units of the program, each with a kernel's network of its own.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use linux_firewall::conntrack::{Injector, Scope, Table};
use run_support::{Place, Site, Unit, program, start, status, tool, until};
use rustix::process::Signal;
use statesync::connection::{Connection, ConnectionKey, ConnectionState, Transport};
use statesync::records::Change;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

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

/// PAIR-11: `fail-over` at the Active moves the role to its peer, and `fail-over` there moves it back; a
/// Standby refuses it, with the reason, and so does an Active whose peer cannot take over.
#[test]
fn fail_over_moves_the_role_and_back() {
    let Some(site) = Site::new() else { return };
    let (_unit, peer, file) = pair(&site);
    let ours = site.directory.path().join("fw.toml");
    let order = |file: &Path| {
        let output = tool("fail-over", file);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, answer) = order(&file);
    assert_eq!(code, Some(1));
    assert!(answer.starts_with("refused: ") && answer.contains("only an Active"), "{answer}");
    for (from, to) in [(&ours, &file), (&file, &ours)] {
        assert_eq!(order(from), (Some(0), "asked\n".to_owned()));
        until("the peer is Active", || status(to).filter(|status| status["state"] == "Active"));
        let status = until("the other is Standby, with the table", || {
            status(from)
                .filter(|status| status["role"] == "STANDBY" && status["synchronized"] == true)
        });
        assert_eq!(status["why"], "the administrator wanted it");
    }
    // Where nobody is, nobody can take over.
    peer.terminate();
    site.status_when("it is alone", |status| status["peer"]["heard"] == false);
    let (code, answer) = order(&ours);
    assert_eq!(code, Some(1));
    assert!(answer.contains("no Standby peer"), "{answer}");
    assert_eq!(site.status().unwrap()["role"], "ACTIVE");
}

/// COS-7, STA-1: either unit says which one is Active, and when and why it last took the role or gave it up.
#[test]
fn the_status_says_which_unit_is_active_and_the_last_failover() {
    let Some(site) = Site::new() else { return };
    let (_unit, _peer, file) = pair(&site);
    let ours = site.directory.path().join("fw.toml");
    let text = |file: &Path| String::from_utf8(tool("status", file).stdout).unwrap();
    for file in [&ours, &file] {
        assert!(text(file).contains("\n  active   Primary FW-0001 for "), "{}", text(file));
    }
    assert_eq!(status(&file).unwrap()["last_failover"], serde_json::Value::Null);
    assert!(tool("take-over", &file).status.success());
    for (file, from, to, why) in [
        (&ours, "ACTIVE", "STANDBY", "the peer was told to take over"),
        (&file, "STANDBY", "ACTIVE", "the administrator wanted it"),
    ] {
        let is_known = |status: &serde_json::Value| {
            let (active, failover) = (&status["active"]["serial"], &status["last_failover"]);
            active == "FW-0002" && failover["from"] == from && failover["to"] == to
        };
        until("both know it", || status(file).filter(is_known));
        let text = text(file);
        assert!(text.contains("\n  active   Secondary FW-0002 for "), "{text}");
        assert!(text.contains(&format!("\n  failover from {from} to {to}, ")), "{text}");
        assert!(text.contains(&format!(" ago: {why}; term ")), "{text}");
    }
}

/// BEY-8: an Active in maintenance hands the role over; a restart finds the unit in maintenance still, and
/// its peer stays Active; without it the unit can take over again.
#[test]
fn maintenance_outlives_a_restart_and_the_peer_stays_active() {
    let Some(site) = Site::new() else { return };
    let (unit, _peer, file) = pair(&site);
    let order = |command: &str| {
        let output = site.tool(command);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(order("maintenance"), (Some(0), "in maintenance\n".to_owned()));
    until("the peer is Active", || status(&file).filter(|status| status["state"] == "Active"));
    let kept = site.directory.path().join("state/maintenance");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o7777, 0o600);

    // After a crash, and after an orderly end.
    unit.signal(Signal::KILL);
    unit.end();
    let unit = site.start();
    site.status_when("it is Standby", |status| status["role"] == "STANDBY");
    unit.terminate();
    let _unit = site.start();
    let here = site.status_when("it is Standby", |status| status["role"] == "STANDBY");
    assert_eq!(
        (&here["obstacles"], &here["maintenance"]["on"]),
        (&"in maintenance".into(), &true.into())
    );
    let there = status(&file).unwrap();
    assert_eq!(
        (&there["role"], &there["peer"]["obstacles"]),
        (&"ACTIVE".into(), &"in maintenance".into())
    );
    let (code, answer) = order("take-over");
    assert_eq!(code, Some(1));
    assert!(answer.contains("cannot take over: in maintenance"), "{answer}");
    let refused = String::from_utf8(tool("fail-over", &file).stdout).unwrap();
    assert!(refused.contains("the peer cannot take over: in maintenance"), "{refused}");

    assert_eq!(order("maintenance --off"), (Some(0), "not in maintenance\n".to_owned()));
    site.status_when("the table is complete", |status| status["synchronized"] == true);
    assert_eq!(order("take-over"), (Some(0), "asked\n".to_owned()));
    site.until_active();
    // With an end, it ends by itself.
    assert_eq!(order("maintenance --for 1s"), (Some(0), "in maintenance\n".to_owned()));
    until("the peer is Active", || status(&file).filter(|status| status["state"] == "Active"));
    site.status_when("maintenance ends", |status| status["maintenance"]["on"] == false);
}

/// BEY-8: what cannot be kept does not act.
#[test]
fn maintenance_that_cannot_be_kept_does_not_act() {
    let Some(site) = Site::new() else { return };
    std::fs::write(site.directory.path().join("state"), "in the way").unwrap();
    let (_unit, ..) = pair(&site);
    let output = site.tool("maintenance");
    let answer = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(answer.starts_with("failed: it could not be kept"), "{answer}");
    let status = site.status().unwrap();
    assert_eq!((&status["role"], &status["maintenance"]["on"]), (&"ACTIVE".into(), &false.into()));
}

/// CRASH-3: an Active that loses a carrier hands the role to a Standby that has all; when it has it again
/// nothing moves.
#[test]
fn a_standby_with_more_carriers_takes_over() {
    let Some(site) = Site::new() else { return };
    let (_unit, _peer, file) = pair(&site);
    site.unit.ip("link set far0 down");
    let active = |status: &serde_json::Value| status["state"] == "Active";
    let there = until("the peer is Active", || status(&file).filter(active));
    assert_eq!(there["why"], "this unit is fitter than the peer");
    let here = site.status_when("it is Standby", |status| status["role"] == "STANDBY");
    assert_eq!(
        (&here["health"]["weight"], &here["peer"]["health"]["weight"]),
        (&9_999.into(), &10_000.into())
    );
    site.unit.ip("link set far0 up");
    site.status_when("the carrier is back", |status| status["health"]["weight"] == 10_000);
    until("the peer knows", || {
        status(&file).filter(|status| status["peer"]["health"]["weight"] == 10_000)
    });
    assert!(active(&status(&file).unwrap()));
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
