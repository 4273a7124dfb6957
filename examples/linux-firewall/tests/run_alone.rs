//! A unit that runs alone: its socket, its end, and its return after a crash.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use run_support::{Site, until};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;

/// PAIR-3, PAIR-10: it becomes Active, and SIGTERM ends it although nobody takes over; nothing is left of
/// it on the system.
#[test]
fn a_lone_active_ends_and_leaves_nothing_behind() {
    let Some(site) = Site::new() else { return };
    let before = site.unit.snapshot();
    for signal in [Signal::TERM, Signal::INT] {
        let unit = site.start();
        let status = site.until_active();
        assert_eq!(status["designation"], "primary");
        assert_eq!(status["serial"], "FW-0001");
        assert_eq!(status["peer"]["heard"], false);
        assert_eq!(status["peer"]["serial"], "FW-0002");
        assert!(site.unit.ip("-j addr show dev lan0v").contains("10.1.0.1"));

        unit.signal(signal);
        let output = unit.end();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{log}");
        before.assert_same(&site.unit.snapshot(), "SIGTERM");
        assert!(!site.socket().exists());
        assert!(!site.socket().parent().unwrap().exists(), "its directory was made by the unit");
    }
}

#[test]
fn the_control_socket_is_for_its_owner_alone() {
    let Some(site) = Site::new() else { return };
    let unit = site.start();
    site.until_active();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&site.socket()) & 0o7777, 0o600);
    assert_eq!(mode(site.socket().parent().unwrap()) & 0o7777, 0o700);

    let status = site.tool("status");
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.starts_with("Primary FW-0001 is ACTIVE for "), "{text}");
    assert!(text.contains("no Active peer was found"), "{text}");
    assert!(text.contains("FW-0002 was never heard"), "{text}");

    let refused = site.tool("take-over");
    let answer = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(answer.starts_with("refused: ") && answer.contains("only a Standby"), "{answer}");

    // A second program with the same configuration hurts the first one in nothing.
    let second = site.run_to_the_end(&site.configuration());
    let message = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(message.contains("another program"), "{message}");
    assert_eq!(site.status().unwrap()["role"], "ACTIVE");
    drop(unit);
}

/// BEY-3: a unit whose peer is silent and whose data interfaces have no carrier gives the role up, and takes it
/// again when one has.
#[test]
fn a_unit_that_is_cut_off_gives_the_role_up() {
    let Some(site) = Site::new() else { return };
    let unit = site.start();
    site.until_active();
    site.peer.ip("link set lan0 down");
    site.status_when("one is left", |status| status["health"]["weight"] == 9_999);
    assert_eq!(site.status().unwrap()["role"], "ACTIVE");
    site.unit.ip("link set far0 down");
    let status = site.status_when("it is Standby", |status| status["role"] == "STANDBY");
    assert_eq!(status["obstacles"], "isolated");
    assert_eq!(status["why"], "this unit is cut off: no peer, no link");
    assert!(!site.unit.ip("-j addr").contains("\"10.1.0.1\""));
    site.unit.ip("link set far0 up");
    site.until_active();
    let output = unit.terminate();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("isolated: the peer is silent"), "{log}");
}

#[test]
fn status_without_a_unit_says_so() {
    let Some(site) = Site::new() else { return };
    site.write(&site.configuration());
    for command in
        ["status", "status --json", "take-over", "fail-over", "maintenance", "maintenance --off"]
    {
        let output = site.tool(command);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(message.contains(&site.socket().display().to_string()), "{message}");
        assert!(message.contains("does the unit run?"), "{message}");
    }
}

/// PAIR-3: after a crash a restart takes over what was left, and its end leaves nothing of it.
#[test]
fn a_restart_takes_over_what_a_crash_left() {
    let Some(site) = Site::new() else { return };
    let before = site.unit.ip("-j addr");
    let unit = site.start();
    site.until_active();
    unit.signal(Signal::KILL);
    assert_eq!(unit.end().status.code(), None);
    let left = site.unit.ip("-j addr");
    assert!(left.contains("lan0v") && left.contains("10.1.0.1") && site.socket().exists());

    let unit = site.start();
    // The addresses of the dead are not used before the unit is Active again.
    until("the unit answers", || site.status());
    site.until_active();
    assert!(site.unit.ip("-j addr show dev lan0v").contains("10.1.0.1"));
    let output = unit.terminate();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(site.unit.ip("-j addr"), before);
    assert!(!site.socket().exists());
}
