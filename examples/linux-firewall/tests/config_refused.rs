//! A configuration that is wrong is refused, with the key and the reason.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test says plainly what it expects

use ha_core::address::MacAddress;
use ha_core::identity::{Designation, InterfaceId};
use ha_core::monitor::Zone;
use ha_core::pair::{Mode, PathKind};
use linux_firewall::config;
use statesync::connection::{ConnectionKey, Transport};
use std::path::Path;
use std::process::Command;

/// A valid configuration, in which each row of the tables below changes one thing.
const GOOD: &str = r#"
[unit]
designation = "primary"
serial = "FW-0001"
model = "lab"
firmware = "1.0"

[peer]
serial = "FW-0002"

[pair]
id = 1
heartbeat-interval = "10ms"
trigger-level = 3
election-delay = "0s"
preempt = false
flap-changes = 3
flap-window = "10m"

[[path]]
name = "ha"
kind = "control"
device = "ha0"
local = "10.99.0.1"
peer = "10.99.0.2"
port = 7770
sync-port = 7771

[[path]]
name = "lan"
kind = "lan"
device = "lan0"
local = "2001:db8::2"
peer = "2001:db8::3"

[[interface]]
id = 1
device = "lan0"
addresses = ["10.1.0.1/24"]
virtual-mac = "derived"
macvlan = "lan0v"
monitor = true
weight = 1

[[interface]]
id = 2
device = "wan0"
addresses = ["10.2.0.1/24"]
virtual-mac = "none"

[[interface]]
id = 3
device = "dmz0"
addresses = ["10.3.0.1/24", "fd00:3::1/64"]
monitoring-ipv4 = ["10.3.0.2", "10.3.0.3"]
probe-ipv4 = "10.3.0.53"
monitoring-ipv6 = ["fd00:3::2", "fd00:3::3"]
probe-ipv6 = "fd00:3::53"

[monitoring]
probe-interval = "20s"
missed-probes = 2

[[service]]
name = "dns"
command = ["/usr/bin/true", "x"]
time-limit = "3s"
every = "1s"
deadline = "11s"
weight = 4
scope = "both"
restart = ["systemctl", "restart", "x"]
restart-time-limit = "31s"
restarts = 4
restart-window = "5m"

[[service]]
name = "routing"
pid-file = "/run/x.pid"

[announcements]
count = 3
interval = "100ms"

[sync]
enabled = true
ignore = ["10.99.0.0/24"]
receive-buffer = "16MiB"

[process]
control-socket = "control.sock"
state-directory = "state"
realtime-priority = 20
metrics = "127.0.0.1:9100"
"#;

const SECOND_PATH: &str = "local = \"2001:db8::2\"\npeer = \"2001:db8::3\"";
const SAME_PORT: &str = "local = \"10.99.0.1\"\npeer = \"10.99.0.3\"";
const SAME_SYNC_PORT: &str = "kind = \"data\"\ndevice = \"lan0\"\nlocal = \"10.99.0.1\"\npeer = \"10.99.0.3\"\nport = 1\nsync-port = 7771";
const SECOND_KIND: &str =
    "kind = \"lan\"\ndevice = \"lan0\"\nlocal = \"2001:db8::2\"\npeer = \"2001:db8::3\"";

/// PAIR-4, PAIR-6, PAIR-18, PAIR-19, VMAC-1: values that are not allowed. Each row: what is replaced, by what, and the key
/// and the reason that the message names.
#[test]
fn a_value_that_is_not_allowed_is_named_with_the_reason() {
    for (from, to, key, reason) in [
        ("serial = \"FW-0001\"", "serial = \"\"", "unit.serial", "empty"),
        ("serial = \"FW-0001\"", "serial = \"A B\"", "unit.serial", "visible ASCII"),
        ("model = \"lab\"", "model = \"\"", "unit.model", "empty"),
        ("firmware = \"1.0\"", "firmware = \"1 0\"", "unit.firmware", "visible ASCII"),
        ("serial = \"FW-0002\"", "serial = \"\"", "peer.serial", "empty"),
        ("serial = \"FW-0002\"", "serial = \"FW-0001\"", "peer.serial", "our own"),
        ("\"10ms\"", "\"9ms\"", "pair.heartbeat-interval", "from 10 ms to 300 s"),
        ("\"10ms\"", "\"10500us\"", "pair.heartbeat-interval", "whole number of milliseconds"),
        ("\"10ms\"", "\"301s\"", "pair.heartbeat-interval", "from 10 ms to 300 s"),
        ("trigger-level = 3", "trigger-level = 1", "pair.trigger-level", "from 2 to 99"),
        ("trigger-level = 3", "trigger-level = 100", "pair.trigger-level", "from 2 to 99"),
        ("\"0s\"", "\"301s\"", "pair.election-delay", "300 s"),
        ("flap-changes = 3", "flap-changes = 0", "pair.flap-changes", "from 1 to 100"),
        ("flap-changes = 3", "flap-changes = 101", "pair.flap-changes", "from 1 to 100"),
        ("\"10m\"", "\"999ms\"", "pair.flap-window", "from 1 s to 24 h"),
        ("\"10m\"", "\"25h\"", "pair.flap-window", "from 1 s to 24 h"),
        ("kind = \"lan\"", "kind = \"lan\"\nsync-port = 1", "path 2 (lan): sync-port", "never"),
        ("kind = \"control\"", "kind = \"data\"", "path.kind", "a control link"),
        ("peer = \"10.99.0.2\"", "peer = \"::1\"", "path 1 (ha): peer", "family"),
        ("peer = \"10.99.0.2\"", "peer = \"10.99.0.1\"", "path 1 (ha): peer", "our own"),
        ("\"10.99.0.2\"", "\"0.0.0.0\"", "path 1 (ha): peer", "one host"),
        ("\"10.99.0.1\"", "\"224.0.0.1\"", "path 1 (ha): local", "one host"),
        ("\"2001:db8::2\"", "\"::\"", "path 2 (lan): local", "one host"),
        ("\nport = 7770", "\nport = 0", "path 1 (ha): port", "zero"),
        ("sync-port = 7771", "sync-port = 0", "path 1 (ha): sync-port", "zero"),
        ("sync-port = 7771", "sync-port = 7770", "path 1 (ha): sync-port", "heartbeats"),
        ("sync-port = 7771", "", "path", "sync-port"),
        ("name = \"lan\"", "name = \"ha\"", "path 2 (ha): name", "another path"),
        (SECOND_PATH, SAME_PORT, "path 2 (lan): port", "another path"),
        (SECOND_KIND, SAME_SYNC_PORT, "path 2 (lan): sync-port", "another path"),
        ("id = 2", "id = 1", "interface.id", "twice"),
        ("[\"10.1.0.1/24\"]", "[]", "interface 1 (lan0): addresses", "none"),
        ("10.1.0.1/24", "10.1.0.1/33", "interface 1 (lan0): addresses", "10.1.0.1/33"),
        ("10.1.0.1/24", "10.1.0.1", "interface 1 (lan0): addresses", "10.1.0.1"),
        ("10.1.0.1/24", "10.2.0.1/16", "interface.addresses", "twice"),
        ("\"derived\"", "\"random\"", "interface 1 (lan0): virtual-mac", "neither"),
        ("\"derived\"", "\"01:00:5e:00:00:01\"", "interface 1 (lan0): virtual-mac", "multicast"),
        ("\"derived\"", "\"00:00:00:00:00:00\"", "interface 1 (lan0): virtual-mac", "zero"),
        ("\"lan0v\"", "\"\"", "interface 1 (lan0): macvlan", "1 to 15"),
        ("\"lan0v\"", "\"a-name-too-long-\"", "interface 1 (lan0): macvlan", "1 to 15"),
        ("\"lan0v\"", "\"wan0\"", "interface 1 (lan0): macvlan", "another interface"),
        (
            "\"none\"",
            "\"derived\"
macvlan = \"lan0v\"",
            "interface 2 (wan0): macvlan",
            "another",
        ),
        ("count = 3", "count = 0", "announcements.count", "from 1 to 60"),
        ("count = 3", "count = 61", "announcements.count", "from 1 to 60"),
        ("interval = \"100ms\"", "interval = \"0s\"", "announcements.interval", "longer than 0"),
        ("count = 3", "burst = 0", "announcements.burst", "from 1 to 1024"),
        ("count = 3", "gap = \"99us\"", "announcements.gap", "from 100 us to 1 s"),
        ("\"16MiB\"", "\"1KiB\"", "sync.receive-buffer", "64 KiB"),
        ("\"16MiB\"", "\"2GiB\"", "sync.receive-buffer", "1 GiB"),
        ("realtime-priority = 20", "realtime-priority = 0", "process.realtime-priority", "1 to 99"),
        (
            "realtime-priority = 20",
            "realtime-priority = 100",
            "process.realtime-priority",
            "1 to 99",
        ),
    ] {
        let message = refused(&changed(from, to));
        assert!(message.starts_with(&format!("{key}: ")), "{to:?} gives: {message}");
        assert!(message.contains(reason), "{to:?} gives: {message}");
    }
}

#[test]
fn the_same_device_cannot_bear_two_interfaces_without_a_virtual_mac() {
    let text = changed("\"derived\"\nmacvlan = \"lan0v\"", "\"none\"");
    let message = refused(&text.replace("device = \"wan0\"", "device = \"lan0\""));
    assert!(message.starts_with("interface 2 (lan0): device: "), "{message}");
}

#[test]
fn the_same_virtual_mac_twice_is_refused() {
    let mac = "\"02:00:5e:10:00:01\"";
    let message = refused(&changed("\"derived\"", mac).replace("\"none\"", mac));
    assert!(message.starts_with("interface.virtual-mac: "), "{message}");
}

#[test]
fn too_many_paths_are_refused() {
    let more = |number: u8| {
        format!(
            "[[path]]\nname = \"p{number}\"\ndevice = \"d\"\nlocal = \"10.9.0.{number}\"\n\
             peer = \"10.8.0.1\"\n"
        )
    };
    let text: String = (1..=15).map(more).collect();
    let message = refused(&(GOOD.to_owned() + &text));
    assert!(message.starts_with("path: 17 heartbeat paths"), "{message}");
    let message = refused(&without_tables("path"));
    assert!(message.contains("missing field `path`"), "{message}");
}

#[test]
fn an_unknown_key_is_named() {
    for (section, at) in [
        ("", "[unit]"),
        ("unit", "[peer]"),
        ("peer", "[pair]"),
        ("pair", "[[path]]"),
        ("path", "[[interface]]"),
        ("interface", "[monitoring]"),
        ("monitoring", "[[service]]"),
        ("service", "[announcements]"),
        ("announcements", "[sync]"),
        ("sync", "[process]"),
    ] {
        // In the last line of its section.
        let message = refused(&changed(at, &format!("unheard-of = 1\n{at}")));
        assert!(message.contains("unknown field `unheard-of`"), "[{section}] gives: {message}");
        assert!(message.contains("line "), "[{section}] gives: {message}");
    }
    let message = refused(&format!("{GOOD}unheard-of = 1\n"));
    assert!(message.contains("unknown field `unheard-of`"), "[process] gives: {message}");
    // A key of another section, and an underscore where a hyphen belongs.
    let message = refused(&changed("trigger-level", "trigger_level"));
    assert!(message.contains("unknown field `trigger_level`"), "{message}");
}

#[test]
fn a_missing_key_is_named() {
    for (line, key) in [
        ("designation = \"primary\"", "designation"),
        ("serial = \"FW-0001\"", "serial"),
        ("serial = \"FW-0002\"", "serial"),
        ("name = \"ha\"", "name"),
        ("device = \"ha0\"", "device"),
        ("local = \"10.99.0.1\"", "local"),
        ("peer = \"10.99.0.2\"", "peer"),
        ("id = 2\n", "id"),
        ("device = \"wan0\"", "device"),
        ("addresses = [\"10.1.0.1/24\"]", "addresses"),
    ] {
        let message = refused(&changed(line, ""));
        assert!(message.contains(&format!("missing field `{key}`")), "{line} gives: {message}");
    }
    for section in ["unit", "peer"] {
        let message = refused(&without_tables(section));
        assert!(message.contains(&format!("missing field `{section}`")), "{message}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    for (from, to) in [
        ("designation = \"primary\"", "designation = \"first\""),
        ("serial = \"FW-0001\"", "serial = 1"),
        ("id = 1", "id = 70000"),
        ("heartbeat-interval = \"10ms\"", "heartbeat-interval = 10"),
        ("heartbeat-interval = \"10ms\"", "heartbeat-interval = \"soon\""),
        ("trigger-level = 3", "trigger-level = \"3\""),
        ("trigger-level = 3", "trigger-level = -1"),
        ("election-delay = \"0s\"", "election-delay = \"-1s\""),
        ("preempt = false", "preempt = 1"),
        ("flap-changes = 3", "flap-changes = 300"),
        ("flap-window = \"10m\"", "flap-window = 10"),
        ("kind = \"lan\"", "kind = \"X0\""),
        ("state-directory = \"state\"", "state-directory = 1"),
        ("local = \"10.99.0.1\"", "local = \"10.99.0\""),
        ("port = 7770", "port = 65536"),
        ("addresses = [\"10.1.0.1/24\"]", "addresses = \"10.1.0.1/24\""),
        ("virtual-mac = \"derived\"", "virtual-mac = true"),
        ("interval = \"100ms\"", "interval = \"100\""),
        ("enabled = true", "enabled = \"yes\""),
        ("ignore = [\"10.99.0.0/24\"]", "ignore = [\"10.99.0.0/33\"]"),
        ("receive-buffer = \"16MiB\"", "receive-buffer = \"much\""),
        ("control-socket = \"control.sock\"", "control-socket = 1"),
        ("realtime-priority = 20", "realtime-priority = \"high\""),
        ("monitor = true", "monitor = 1"),
        ("weight = 1", "weight = -1"),
        ("probe-ipv4 = \"10.3.0.53\"", "probe-ipv4 = \"fd00::1\""),
        ("probe-ipv6 = \"fd00:3::53\"", "probe-ipv6 = \"10.0.0.1\""),
        ("missed-probes = 2", "missed-probes = 300"),
        ("probe-interval = \"20s\"", "probe-interval = 20"),
        ("scope = \"both\"", "scope = \"all\""),
        ("restarts = 4", "restarts = 256"),
        ("deadline = \"11s\"", "deadline = 11"),
        ("metrics = \"127.0.0.1:9100\"", "metrics = \"localhost:9100\""),
    ] {
        let message = refused(&changed(from, to));
        let (key, _) = to.split_once(' ').unwrap();
        assert!(message.contains(key) && message.contains("line "), "{to:?} gives: {message}");
    }
}

/// The defaults: what may be left out.
#[test]
fn what_may_be_left_out_has_its_default() {
    let text = r#"
        unit = { designation = "secondary", serial = "B" }
        peer = { serial = "A" }
        path = [{ name = "ha", device = "ha0", local = "fe80::2", peer = "fe80::1", sync-port = 1 }]
    "#;
    let checked = loaded(text).unwrap();
    let file = &checked.file;
    assert_eq!(file.unit.model, "linux");
    assert_eq!(file.unit.firmware, env!("CARGO_PKG_VERSION"));
    assert_eq!(checked.pair(1, |_| MacAddress::ZERO, None).unwrap().failure_time().as_secs(), 5);
    assert_eq!(file.path[0].port, 7770);
    assert!(file.sync.enabled && file.sync.ignore.is_empty());
    assert_eq!(file.sync.receive_buffer.as_u64(), 16 << 20);
    assert_eq!((file.announcements.count, file.announcements.interval.as_millis()), (5, 100));
    assert_eq!((file.announcements.burst, file.announcements.gap.as_millis()), (32, 2));
    assert_eq!(file.process.control_socket, Path::new("/run/linux-firewall/control.sock"));
    assert_eq!(file.process.realtime_priority, None);
    assert_eq!(file.process.state_directory, Path::new("/var/lib/linux-firewall"));
    assert_eq!(file.path[0].kind, PathKind::Control);
    assert_eq!((file.pair.preempt, file.pair.flap_changes), (false, 3));
    assert_eq!(file.pair.flap_window.as_secs(), 600);
    assert_eq!((file.monitoring.probe_interval.as_secs(), file.monitoring.missed_probes), (20, 3));
    assert!(!file.monitoring.online_licensing);
    assert_eq!(file.process.metrics, None);
    assert!(file.service.is_empty() && checked.services.is_empty());
    assert!(checked.warnings().is_empty());
    assert!(checked.shared().is_empty());
}

/// MON-3, MON-5, MON-6, MON-7, CRASH-1: what is wrong with monitoring is named by its key.
#[test]
fn monitoring_that_is_not_allowed_is_named_with_the_reason() {
    let v4 = "interface 3 (dmz0): monitoring-ipv4";
    let v6 = "interface 3 (dmz0): monitoring-ipv6";
    for (from, to, key, reason) in [
        ("\"20s\"", "\"4s\"", "monitoring.probe-interval", "from 5 s to 255 s"),
        ("\"20s\"", "\"256s\"", "monitoring.probe-interval", "from 5 s to 255 s"),
        ("missed-probes = 2", "missed-probes = 0", "monitoring.missed-probes", "from 1 to 10"),
        ("missed-probes = 2", "missed-probes = 11", "monitoring.missed-probes", "from 1 to 10"),
        ("\"10.3.0.3\"", "\"10.3.0.2\"", v4, "both units have"),
        ("\"10.3.0.3\"", "\"10.3.0.1\"", v4, "the shared address 10.3.0.1"),
        ("\"10.3.0.3\"", "\"0.0.0.0\"", v4, "the Secondary has no IPv4 monitoring address"),
        ("\"10.3.0.2\"", "\"10.4.0.2\"", v4, "not in 10.3.0.0/24"),
        ("\"10.3.0.2\"", "\"10.3.0.255\"", v4, "not that of a host"),
        ("\"fd00:3::3\"", "\"fd00:3::2\"", v6, "both units have"),
        ("\"fd00:3::3\"", "\"fd00:3::1\"", v6, "the shared address"),
        ("\"fd00:3::2\"", "\"::\"", v6, "the Primary has no IPv6 monitoring address"),
        ("\"fd00:3::2\"", "\"fd00:4::2\"", v6, "not in fd00:3::/64"),
        ("\"10.3.0.53\"", "\"0.0.0.0\"", "interface 3 (dmz0): probe-ipv4", "unspecified"),
        ("\"10.3.0.53\"", "\"224.0.0.1\"", "interface 3 (dmz0): probe-ipv4", "not that of a host"),
        ("\"10.3.0.53\"", "\"10.3.0.3\"", "interface 3 (dmz0): probe-ipv4", "own address"),
        ("\"fd00:3::53\"", "\"::\"", "interface 3 (dmz0): probe-ipv6", "unspecified"),
        (
            "addresses = [\"10.2.0.1/24\"]",
            "addresses = [\"10.3.0.9/24\"]\nmonitoring-ipv4 = [\"10.3.0.4\", \"10.3.0.2\"]",
            "interface 3 (dmz0): monitoring-ipv4",
            "is also on",
        ),
        (
            "monitoring-ipv4 = [\"10.3.0.2\", \"10.3.0.3\"]\n",
            "",
            "interface 3 (dmz0): probe-ipv4",
            "needs IPv4 monitoring addresses",
        ),
        (
            "virtual-mac = \"none\"",
            "monitoring-ipv6 = [\"fd00:2::2\", \"fd00:2::3\"]",
            "interface 2 (wan0): monitoring-ipv6",
            "shares no IPv6 address",
        ),
        ("weight = 4", "weight = 65535", "interface.weight and service.weight", "below 10000"),
        ("name = \"dns\"", "name = \"\"", "service 1 (): name", "empty"),
        ("name = \"dns\"", "name = \"routing\"", "service.name", "twice"),
        ("\"11s\"", "\"2h\"", "service 1 (dns): deadline", "from 10 ms to 1 h"),
        ("\"11s\"", "\"1s\"", "service 1 (dns): deadline", "not longer than every"),
        ("every = \"1s\"", "every = \"99ms\"", "service 1 (dns): every", "from 100ms"),
        ("\"3s\"", "\"0s\"", "service 1 (dns): time-limit", "above 0s"),
        ("\"31s\"", "\"2h\"", "service 1 (dns): restart-time-limit", "1h"),
        ("\"5m\"", "\"0s\"", "service 1 (dns): restart-window", "longer than 0"),
        ("command = [\"/usr/bin/true\", \"x\"]", "", "service 1 (dns): command", "none"),
        ("[\"/usr/bin/true\", \"x\"]", "[]", "service 1 (dns): command", "no program"),
        ("[\"systemctl\"", "[\"\"", "service 1 (dns): restart", "no program"),
        ("scope = ", "pid-file = \"x\"\nscope = ", "service 1 (dns): pid-file", "one of them"),
        ("127.0.0.1:9100", "0.0.0.0:9100", "process.metrics", "not on loopback"),
        ("127.0.0.1:9100", "[2001:db8::1]:9100", "process.metrics", "not on loopback"),
    ] {
        let message = refused(&changed(from, to));
        assert!(message.starts_with(&format!("{key}: ")), "{to:?} gives: {message}");
        assert!(message.contains(reason), "{to:?} gives: {message}");
    }
}

/// MON-3, MON-6, MON-7, CRASH-1: what is written is what the units have, each its own; and connections of
/// these addresses stay where they are.
#[test]
fn each_unit_has_its_own_addresses() {
    let checked = loaded(GOOD).unwrap();
    let own = |unit| {
        let own = checked.monitoring_addresses(unit);
        own.iter().map(|(device, address)| format!("{device} {address}")).collect::<Vec<_>>()
    };
    assert_eq!(own(Designation::Primary), ["dmz0 10.3.0.2/24", "dmz0 fd00:3::2/64"]);
    assert_eq!(own(Designation::Secondary), ["dmz0 10.3.0.3/24", "dmz0 fd00:3::3/64"]);
    for address in ["10.3.0.2", "10.3.0.3", "fd00:3::2", "fd00:3::3"] {
        let source = address.parse().unwrap();
        let destination = if address.contains(':') { "fd00:3::53" } else { "10.3.0.53" };
        let destination = destination.parse().unwrap();
        let transport = Transport::Udp { source: 1, destination: 2 };
        assert!(!checked.scope().includes(&ConnectionKey { source, destination, transport }));
    }
    let pair = checked.pair(1, |_| MacAddress([2, 0, 0, 0, 0, 1]), None).unwrap();
    let services = pair.monitoring().services();
    assert_eq!((services[0].restarts, services[1].restarts), (4, 0), "nothing restarts the second");
    let ports: Vec<_> = checked.monitored_ports().map(|(_, port, device)| (port, device)).collect();
    assert_eq!(ports, [(0, "lan0"), (0, "wan0"), (0, "dmz0")]);
    let one = loaded(&changed("monitor = true", "monitor = false")).unwrap();
    assert_eq!(one.monitored_ports().count(), 2);
}

/// MON-1: an interface can be made of several ports: they are told apart, and count as one interface.
#[test]
fn an_interface_can_have_redundant_ports() {
    let text = changed("monitor = true", "ports = [\"eth1\", \"eth2\"]");
    let checked = loaded(&text).unwrap();
    let ports: Vec<_> = checked.monitored_ports().take(3).collect();
    let (lan, wan) = (InterfaceId(1), InterfaceId(2));
    assert_eq!(ports, [(lan, 0, "eth1"), (lan, 1, "eth2"), (wan, 0, "wan0")]);
    let pair = checked.pair(1, |_| MacAddress([2, 0, 0, 0, 0, 1]), None).unwrap();
    let monitored = &pair.monitoring().interfaces()[0];
    assert_eq!(monitored.physical.unwrap().ports, 2);
    let nine: Vec<_> = (1..=9).map(|number| format!("eth{number}")).collect();
    let ports = |ports: &str| refused(&changed("monitor = true", ports));
    for (message, reason) in [
        (ports(&format!("ports = {nine:?}")), "cannot have 9 ports"),
        (ports("ports = []"), "cannot have 0 ports"),
        (ports("ports = [\"eth1\", \"eth1\"]"), "twice"),
        (ports("ports = [\"\"]"), "1 to 15 bytes"),
        (ports("ports = [\"a-name-too-long-\"]"), "1 to 15 bytes"),
        (ports("monitor = false\nports = [\"eth1\"]"), "not monitored"),
    ] {
        assert!(message.starts_with("interface 1 (lan0): ports: "), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

/// MON-8: with online licensing both units need an address of their own on a WAN, or on X0.
#[test]
fn online_licensing_needs_addresses_of_the_units_own() {
    let online = changed("missed-probes = 2", "online-licensing = true");
    let message = refused(&online);
    assert!(message.starts_with("monitoring.online-licensing: X0: "), "{message}");
    let zone = |zone: &str| {
        online.replacen("monitoring-ipv4", &format!("zone = \"{zone}\"\nmonitoring-ipv4"), 1)
    };
    for enough in ["wan", "x0"] {
        let checked = loaded(&zone(enough)).unwrap();
        let pair = checked.pair(1, |_| MacAddress([2, 0, 0, 0, 0, 1]), None).unwrap();
        let zone = pair.monitoring().interfaces()[2].zone;
        assert_eq!(zone, if enough == "wan" { Zone::Wan } else { Zone::X0 });
    }
    assert!(refused(&zone("other")).starts_with("monitoring.online-licensing: "));
    assert!(refused(&zone("lan")).contains("unknown variant `lan`"));
}

/// MON-5, MON-6, MON-7: units that are to be managed by addresses of their own need some, in each family that is
/// written down.
#[test]
fn management_needs_addresses_of_the_units_own() {
    let managed = changed("monitoring-ipv4", "management = true\nmonitoring-ipv4");
    let checked = loaded(&managed).unwrap();
    let pair = checked.pair(1, |_| MacAddress([2, 0, 0, 0, 0, 1]), None).unwrap();
    let dmz = &pair.monitoring().interfaces()[2];
    assert!(dmz.ipv4.unwrap().management && dmz.ipv6.unwrap().management);
    let without = managed
        .replace("\"10.3.0.2\", \"10.3.0.3\"", "\"0.0.0.0\", \"0.0.0.0\"")
        .replace("probe-ipv4 = \"10.3.0.53\"", "");
    let message = refused(&without);
    let key = "interface 3 (dmz0): monitoring-ipv4: ";
    assert!(message.starts_with(key) && message.contains("management needs IPv4"), "{message}");
    let message = refused(&changed("monitor = true", "management = true"));
    assert!(message.starts_with("interface 1 (lan0): management: "), "{message}");
}

/// CRASH-1: a service that works must not miss its deadline because a check takes its time: the time-limit of a
/// command counts, that of a pid file does not.
#[test]
fn a_deadline_has_room_for_a_slow_check() {
    let short = changed("\"11s\"", "\"3999ms\"");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("unit.toml");
    std::fs::write(&file, &short).unwrap();
    let seconds = std::time::Duration::from_secs;
    let error = config::load(&file).unwrap_err();
    let config::ConfigError::Deadline { key, deadline, every, time_limit } = &error else {
        panic!("{error}");
    };
    assert_eq!((key.as_str(), deadline.as_millis()), ("service 1 (dns): deadline", 3999));
    assert_eq!((*every, *time_limit), (seconds(1), seconds(3)));
    assert_eq!(
        error.to_string(),
        "service 1 (dns): deadline: 3.999s is shorter than every and time-limit together (1s and 3s): \
         a slow check would miss it"
    );
    loaded(&changed("\"11s\"", "\"4s\"")).unwrap();
    let command = "command = [\"/usr/bin/true\", \"x\"]";
    loaded(&short.replace(command, "pid-file = \"/run/dns.pid\"")).unwrap();
}

/// PAIR-2: the pair is stateful if connections are synchronized, and only then.
#[test]
fn synchronization_makes_the_pair_stateful() {
    for (text, stateful) in
        [(GOOD.to_owned(), true), (changed("enabled = true", "enabled = false"), false)]
    {
        let checked = loaded(&text).unwrap();
        let pair = checked.pair(1, |_| MacAddress([2, 0, 0, 0, 0, 1]), None).unwrap();
        assert_eq!(pair.mode(), Mode::ActiveStandby { stateful });
        assert_eq!(checked.sync(1).unwrap().is_some(), stateful);
    }
}

/// PAIR-8: preempt in a stateful pair is allowed, and `check` warns of it.
#[test]
fn check_warns_of_preempt_in_a_stateful_pair() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("unit.toml");
    let preempt = changed("preempt = false", "preempt = true");
    std::fs::write(&file, &preempt).unwrap();
    let (code, stdout, stderr) = check(&file);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains(": valid"), "{stdout}");
    let wanted = "pair.preempt: with stateful synchronization it is better off\n";
    assert_eq!(stderr, format!("linux-firewall: warning: {wanted}"));

    std::fs::write(&file, preempt.replace("enabled = true", "enabled = false")).unwrap();
    assert_eq!(check(&file).2, "");
}

#[test]
fn check_tells_a_good_file_from_a_bad_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("unit.toml");
    std::fs::write(&file, GOOD).unwrap();
    let (code, stdout, stderr) = check(&file);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let wanted = ": valid (Primary FW-0001, heartbeat paths: 2, shared interfaces: 3)\n";
    assert_eq!(stdout, format!("{}{wanted}", file.display()));

    std::fs::write(&file, changed("trigger-level = 3", "trigger-level = 1")).unwrap();
    let (code, stdout, stderr) = check(&file);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert_eq!(stderr, "linux-firewall: pair.trigger-level: 1 is not from 2 to 99\n");

    std::fs::write(&file, "[unit\n").unwrap();
    let (code, _, stderr) = check(&file);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&file.display().to_string()) && stderr.contains("line 1"), "{stderr}");

    let missing = directory.path().join("missing.toml");
    let (code, _, stderr) = check(&missing);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&format!("cannot read {}", missing.display())), "{stderr}");
}

fn check(file: &Path) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_linux-firewall");
    let output = Command::new(program).arg("check").arg("--config").arg(file).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The good configuration with the first `from` replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from} is not in the file");
    GOOD.replacen(from, to, 1)
}

/// The good configuration without a table, or without all tables of an array.
fn without_tables(name: &str) -> String {
    let mut within = false;
    let keep = |line: &&str| {
        if line.starts_with('[') {
            within = line.trim_matches(['[', ']']) == name;
        }
        !within
    };
    GOOD.lines().filter(keep).flat_map(|line| [line, "\n"]).collect()
}

fn loaded(text: &str) -> Result<config::Checked, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("unit.toml");
    std::fs::write(&file, text).unwrap();
    config::load(&file).map_err(|error| error.to_string())
}

fn refused(text: &str) -> String {
    loaded(text).expect_err(text)
}
