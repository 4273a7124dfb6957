//! Links, probe targets and services of running units: what they move, and what a person and a program read
//! of them.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use run_support::{Place, Site, Unit, program, start, status, tool, until};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A pair of which the Primary is Active and the Secondary Standby, with changed configurations.
fn pair(site: &Site, change: impl Fn(String) -> String) -> (Unit, Unit, PathBuf) {
    let unit = start(&site.unit, &site.write(&change(site.configuration())), program());
    site.until_active();
    let file = site.write_peer(&change);
    let peer = start(&site.peer, &file, program());
    until("the peer is Standby", || status(&file).filter(|status| status["role"] == "STANDBY"));
    site.status_when("in sync", |status| status["sync"]["in_sync"] == true);
    (unit, peer, file)
}

fn until_role(file: &Path, role: &str) -> Value {
    until(role, || status(file).filter(|status| status["role"] == role))
}

fn text(file: &Path) -> String {
    String::from_utf8(tool("status", file).stdout).unwrap()
}

/// MON-1, MON-2, CRASH-3, STA-1: the role goes to where the link is up, both units say why, and it stays when
/// the same link goes down there, too.
#[test]
fn the_role_goes_to_where_the_link_is_up() {
    let Some(site) = Site::new() else { return };
    let (_unit, _peer, file) = pair(&site, |configuration| configuration);
    let ours = site.directory.path().join("fw.toml");
    site.unit.ip("link set far0 down");
    until_role(&file, "ACTIVE");
    let here = until_role(&ours, "STANDBY");
    assert_eq!(here["links"][1]["device"], "wan0");
    assert_eq!(here["links"][1]["up"], false);
    assert_eq!(here["deductions"][0]["what"], "link of wan0");
    let text_here = text(&ours);
    assert!(text_here.contains("\n  health   9999\n  lacks    1: link of wan0\n"), "{text_here}");
    assert!(text_here.contains("\n  link     wan0       down\n"), "{text_here}");
    let there = until("the peer's weight", || {
        status(&file).filter(|status| status["peer"]["health"]["weight"] == 9_999)
    });
    assert_eq!(
        (&there["health"]["weight"], &there["counted"]["tally"]["takes"]),
        (&10_000.into(), &1.into())
    );
    assert!(text(&file).contains("\n  peer     lacks 1: link of wan0\n"), "{}", text(&file));

    site.peer.ip("link set far0 down");
    until("both are alike", || status(&ours).filter(|it| it["peer"]["health"]["weight"] == 9_999));
    site.unit.ip("link set far0 up");
    // The other way round, the same.
    until_role(&ours, "ACTIVE");
    until_role(&file, "STANDBY");
}

/// MON-1: an interface of several ports is up as long as one of them is, and the status says how many are.
#[test]
fn redundant_ports_count_as_one_interface() {
    let Some(site) = Site::new() else { return };
    for place in [&site.unit, &site.peer] {
        for (port, far) in [("port1", "far1"), ("port2", "far2")] {
            place.ip(format!("link add {port} type veth peer name {far}"));
            place.ip(format!("link set {far} up"));
            place.ip(format!("link set {port} up"));
        }
    }
    let ports = |text: String| text.replace("id = 2\n", "id = 2\nports = [\"port1\", \"port2\"]\n");
    let (_unit, _peer, file) = pair(&site, ports);
    let ours = site.directory.path().join("fw.toml");
    site.unit.ip("link set far1 down");
    let here = site.status_when("one port is down", |it| it["links"][1]["ports_up"] == 1);
    assert_eq!(
        (&here["links"][1]["up"], &here["health"]["weight"]),
        (&true.into(), &10_000.into())
    );
    let text = text(&ours);
    assert!(text.contains("\n  link     wan0       up, 1 of 2 ports up\n"), "{text}");
    site.unit.ip("link set far2 down");
    until_role(&file, "ACTIVE");
    assert_eq!(until_role(&ours, "STANDBY")["links"][1]["up"], false);
}

/// MON-1: a link that is not to be monitored moves nothing, and does not count.
#[test]
fn a_link_that_is_not_monitored_does_not_count() {
    let Some(site) = Site::new() else { return };
    let unmonitored = |text: String| text.replace("id = 2\n", "id = 2\nmonitor = false\n");
    let (_unit, _peer, file) = pair(&site, unmonitored);
    site.unit.ip("link set far0 down");
    site.unit.ip("link set lan0 down");
    // What comes later is known; so the other one would be.
    until_role(&file, "ACTIVE");
    let here = site.status().unwrap();
    assert_eq!(here["links"].as_array().unwrap().len(), 1);
    assert_eq!(here["links"][0]["device"], "lan0");
}

/// MON-3, MON-7, STA-1: a unit probes from its own address, which is there while it runs; nothing is left of
/// it, also after a crash.
#[test]
fn a_unit_probes_from_its_own_address() {
    let Some(site) = Site::new() else { return };
    let before = site.unit.snapshot();
    let file = site.write(&site.configuration().replace(
        "addresses = [\"10.1.0.1/24\"]",
        "addresses = [\"10.1.0.1/24\", \"fd00:1::1/64\"]\n\
         monitoring-ipv4 = [\"10.1.0.7\", \"10.1.0.8\"]\nprobe-ipv4 = \"10.1.0.3\"\n\
         monitoring-ipv6 = [\"fd00:1::7\", \"fd00:1::8\"]\nprobe-ipv6 = \"fd00:1::3\"\n",
    ));
    site.peer.ip("addr add fd00:1::3/64 dev lan0 nodad");
    let probes = |status: &Value| {
        let targets = status["targets"].as_array().unwrap();
        targets.iter().all(|target| target["reach"] == "reached")
    };
    let unit = start(&site.unit, &file, program());
    let status = site.status_when("the targets are reached", probes);
    assert_eq!(status["targets"][0]["source"], "10.1.0.7");
    assert_eq!(status["targets"][1]["target"], "fd00:1::3");
    let text = text(&file);
    let line = "  target   lan0       10.1.0.3 reached here, unknown at the peer\n";
    assert!(text.contains(line), "{text}");
    assert!(site.unit.ip("addr show dev lan0").contains("10.1.0.7/24"));
    assert_eq!(unit.terminate().status.code(), Some(0));
    before.assert_same(&site.unit.snapshot(), "SIGTERM");

    let addresses = site.unit.ip("-j addr");
    let unit = start(&site.unit, &file, program());
    site.until_active();
    unit.signal(Signal::KILL);
    unit.end();
    assert!(site.unit.ip("addr show dev lan0").contains("10.1.0.7/24"), "it crashed");
    let unit = start(&site.unit, &file, program());
    site.status_when("the targets are reached", probes);
    site.until_active();
    // Set down, the interface loses its IPv6 addresses, and an own one comes back with the carrier.
    site.unit.ip("link set lan0 down");
    assert!(!site.unit.ip("addr show dev lan0").contains("fd00:1::7"));
    site.unit.ip("link set lan0 up");
    until("the address is back", || {
        site.unit.ip("addr show dev lan0").contains("fd00:1::7/64").then_some(())
    });
    assert_eq!(unit.terminate().status.code(), Some(0));
    assert_eq!(site.unit.ip("-j addr"), addresses);
}

/// CRASH-1, CRASH-2: a service that fails on the Active is named and its restart asked for, and the peer takes
/// over; when it works again, the unit is a healthy Standby.
#[test]
fn a_failed_service_moves_the_role_and_is_restarted() {
    let Some(site) = Site::new() else { return };
    let at = |name: &str| site.directory.path().join(name).display().to_string();
    let (works, tried) = (at("works"), at("tried"));
    let watched = |text: String| {
        // The peer's service is another one.
        let works = if text.contains("fw.sock") { works.clone() } else { at("peer-works") };
        text.replace(
            "[process]\n",
            &format!(
                "[[service]]\nname = \"dns\"\ncommand = [\"test\", \"-e\", \"{works}\"]\n\
                 every = \"100ms\"\ndeadline = \"1h\"\nrestart = [\"touch\", \"{tried}\"]\n[process]\n"
            ),
        )
    };
    std::fs::write(&works, "").unwrap();
    std::fs::write(at("peer-works"), "").unwrap();
    let (_unit, _peer, file) = pair(&site, watched);
    let ours = site.directory.path().join("fw.toml");
    assert!(text(&ours).contains("\n  service  dns        works\n"), "{}", text(&ours));
    assert!(!Path::new(&tried).exists());

    std::fs::remove_file(&works).unwrap();
    until_role(&file, "ACTIVE");
    let here = until_role(&ours, "STANDBY");
    assert_eq!(here["deductions"][0]["what"], "service dns");
    assert_eq!(
        (&here["services"][0]["failed"], &here["services"][0]["restarts"]),
        (&true.into(), &1.into())
    );
    until("its restart", || Path::new(&tried).exists().then_some(()));

    let retry = |name: &str| {
        let output = site.tool(&format!("retry-service {name}"));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    std::fs::remove_file(&tried).unwrap();
    assert_eq!(retry("dns"), (Some(0), "asked\n".to_owned()));
    until("another restart", || Path::new(&tried).exists().then_some(()));
    assert_eq!(retry("nat").0, Some(1), "there is no such service");

    std::fs::write(&works, "").unwrap();
    let here =
        site.status_when("it works again", |status| status["services"][0]["failed"] == false);
    assert_eq!((&here["role"], &here["health"]["weight"]), (&"STANDBY".into(), &9_999.into()));
    let (code, answer) = retry("dns");
    assert_eq!(code, Some(1));
    assert!(answer.starts_with("refused: ") && answer.contains("has not failed"), "{answer}");
}

/// COS-5: metrics are told on loopback if that is configured, by each unit of itself, and else nowhere.
#[test]
fn metrics_are_told_on_loopback() {
    let Some(site) = Site::new() else { return };
    site.unit.ip("link set lo up");
    let address = "127.0.0.1:9100";
    let get = |place: &Place| {
        place.run(move || {
            let address: SocketAddr = address.parse().unwrap();
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            Some(answer)
        })
    };
    let unit = site.start();
    site.until_active();
    assert_eq!(get(&site.unit), None, "off by default");
    assert_eq!(unit.terminate().status.code(), Some(0));

    let text = site.configuration();
    let with_metrics =
        text.replace("[process]\n", &format!("[process]\nmetrics = \"{address}\"\n"));
    let unit = start(&site.unit, &site.write(&with_metrics), program());
    site.until_active();
    let answer = get(&site.unit).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    let value = |name: &str| -> Option<f64> {
        let line =
            body.lines().find(|line| line.starts_with(&format!("linux_firewall_{name} ")))?;
        line.rsplit_once(' ')?.1.parse().ok()
    };
    let unit_label = "unit=\"FW-0001\"";
    assert_eq!(value(&format!("role{{{unit_label},role=\"ACTIVE\"}}")), Some(1.0), "{body}");
    assert_eq!(value(&format!("link_up{{{unit_label},interface=\"wan0\"}}")), Some(1.0), "{body}");
    assert_eq!(value(&format!("takes_total{{{unit_label}}}")), Some(1.0), "{body}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    assert!(!body.contains("FW-0002"), "the peer tells its own: {body}");
    drop(unit);

    // Somebody else has the port.
    let other = site.unit.run(move || std::net::TcpListener::bind(address).unwrap());
    let output = site.run_to_the_end(&with_metrics);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("process.metrics: cannot use 127.0.0.1:9100: "), "{message}");
    drop(other);
}
