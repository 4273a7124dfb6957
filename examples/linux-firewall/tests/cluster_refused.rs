//! A configuration of a cluster node that is wrong is refused, with the key and the reason.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test says plainly what it expects

use ha_core::identity::InterfaceId;
use linux_firewall::config::cluster::CheckedNode;
use linux_firewall::config::{self, Either};
use std::path::Path;
use svrrp::wire::X0_PATH;
use svrrp::{GroupNumber, NodeNumber};

/// A valid configuration, in which each row of the tables below changes one thing.
const GOOD: &str = r#"
[unit]
designation = "primary"
serial = "FW-0001"
model = "lab"
firmware = "1.0"

[cluster]
id = 3
node = 1
interval = "10ms"
trigger-level = 3
restore-hold = "1s"
version = 4
virtual-mac-prefix = "00-17-c5-6b"
port = 7000
x0 = "lan0"

[[cluster.link]]
name = "ha"
device = "ha0"

[[cluster.link]]
name = "hb"
device = "hb0"

[[cluster.member]]
node = 1
serial = "FW-0001"
addresses = ["10.99.0.1", "fd00:98::1"]
x0 = "10.1.0.21"

[[cluster.member]]
node = 2
serial = "FW-0002"
addresses = ["10.99.0.2", "fd00:98::2"]
x0 = "10.1.0.22"

[[cluster.interface]]
id = 1
device = "lan0"
ports = ["lan0a", "lan0b"]

[[cluster.interface]]
id = 2
device = "wan0"

[[cluster.group]]
ranks = [1, 2]
mark = 1
addresses = { lan0 = ["10.1.0.1/24"], wan0 = ["10.2.0.1/24", "10.3.0.1/24"] }

[[cluster.group]]
ranks = [0, 1]
mark = 2
addresses = { lan0 = ["10.1.0.2/24"] }

[process]
control-socket = "control.sock"
state-directory = "state"
realtime-priority = 20
metrics = "127.0.0.1:9100"
"#;

/// NODE-1, NODE-5, NODE-7, VG-1, VG-2, VG-4, SVRRP-2, VMAC-4: values that are not allowed. Each row: what is replaced, by
/// what, and the key and the reason that the message names.
#[test]
fn a_value_that_is_not_allowed_is_named_with_the_reason() {
    let (one, two) = ("cluster.member 1", "cluster.member 2");
    let (members, interfaces) = (format!("{one}: addresses"), "cluster.interface 1 (lan0)");
    let (first, second) = ("cluster.group 1", "cluster.group 2");
    for (from, to, key, reason) in [
        ("designation = \"primary\"", "designation = \"secondary\"", "unit.designation", "primary"),
        ("model = \"lab\"", "model = \"\"", "unit.model", "empty"),
        ("\nserial = \"FW-0001\"\nmodel", "\nserial = \"X\"\nmodel", "unit.serial", "FW-0001"),
        ("node = 1\ninterval", "node = 0\ninterval", "cluster.node", "1 to 4"),
        ("node = 1\ninterval", "node = 5\ninterval", "cluster.node", "1 to 4"),
        ("node = 1\ninterval", "node = 4\ninterval", "cluster.node", "no member"),
        ("\"10ms\"", "\"9ms\"", "cluster.interval", "10 ms to 300 s"),
        ("\"10ms\"", "\"10500us\"", "cluster.interval", "whole milliseconds"),
        ("trigger-level = 3", "trigger-level = 1", "cluster.trigger-level", "2 to 99"),
        ("trigger-level = 3", "trigger-level = 100", "cluster.trigger-level", "2 to 99"),
        ("\"1s\"", "\"61m\"", "cluster.restore-hold", "longer than 1 h"),
        ("00-17-c5-6b", "00-17-c5", "cluster.virtual-mac-prefix", "four pairs"),
        ("00-17-c5-6b", "01-17-c5-6b", "cluster.virtual-mac-prefix", "multicast"),
        ("00-17-c5-6b", "00-00-00-00", "cluster.virtual-mac-prefix", "zero"),
        ("port = 7000", "port = 0", "cluster.port", "zero"),
        ("name = \"hb\"", "name = \"ha\"", "cluster.link 2: name", "another link"),
        ("node = 2\n", "node = 5\n", &format!("{two}: node"), "1 to 4"),
        ("node = 2\n", "node = 1\n", &format!("{two}: node"), "another member"),
        ("\"FW-0002\"", "\"FW-0001\"", "cluster.member.serial", "same serial"),
        ("\"FW-0002\"", "\"\"", &format!("{two}: serial"), "empty"),
        (", \"fd00:98::1\"]", "]", &members, "there are 1, and 2 cluster links"),
        ("\"fd00:98::2\"", "\"10.98.0.2\"", &format!("{two}: addresses"), "another family"),
        ("\"10.99.0.2\"", "\"10.99.0.1\"", &format!("{two}: addresses"), "another member"),
        ("\"10.99.0.2\"", "\"224.0.0.1\"", &format!("{two}: addresses"), "one host"),
        ("\"10.1.0.22\"", "\"0.0.0.0\"", &format!("{two}: x0"), "one host"),
        ("\"10.1.0.21\"", "\"10.99.0.1\"", "cluster.member", "on two links"),
        ("x0 = \"10.1.0.21\"\n", "", &format!("{one}: x0"), "an X0"),
        ("x0 = \"lan0\"\n", "", &format!("{one}: x0"), "an X0"),
        ("id = 2", "id = 1", "cluster.interface.id", "twice"),
        ("id = 2", "id = 256", "cluster.interface.id", "255"),
        ("\"wan0\"\n", "\"lan0\"\n", "cluster.interface 2 (lan0): device", "another interface"),
        (
            "\"wan0\"\n",
            "\"averylongname0\"\n",
            "cluster.interface 2 (averylongname0): device",
            "no name",
        ),
        ("\"lan0b\"", "\"lan0a\"", &format!("{interfaces}: ports"), "twice"),
        ("[\"lan0a\", \"lan0b\"]", "[]", "cluster.interface.ports", "1 to 8"),
        ("ranks = [1, 2]", "ranks = [1, 2, 3]", &format!("{first}: ranks"), "node 3"),
        ("ranks = [1, 2]", "ranks = [0, 0]", &format!("{first}: ranks"), "no member"),
        ("{ lan0 = [\"10.1.0.2", "{ dmz0 = [\"10.1.0.2", &format!("{second}: addresses"), "dmz0"),
        ("10.1.0.2/24", "10.1.0.2/33", &format!("{second}: addresses"), "10.1.0.2/33"),
        ("10.1.0.2/24", "10.1.0.1/24", &format!("{second}: addresses"), "10.1.0.1 on"),
        ("10.1.0.2/24", "10.1.0.255/24", &format!("{second}: addresses"), "no host"),
        ("10.1.0.2/24", "fd00::1/64", &format!("{second}: addresses"), "IPv6"),
        ("{ lan0 = [\"10.1.0.1/24\"], ", "{ ", &format!("{second}: addresses"), "in VG 1"),
        ("mark = 2", "mark = 1", &format!("{second}: mark"), "another group"),
        ("realtime-priority = 20", "realtime-priority = 0", "process.realtime-priority", "1 to 99"),
        ("127.0.0.1:9100", "0.0.0.0:9100", "process.metrics", "not on loopback"),
    ] {
        let message = refused(&changed(from, to));
        assert!(message.starts_with(&format!("{key}: ")), "{to:?} gives: {message}");
        assert!(message.contains(reason), "{to:?} gives: {message}");
    }
}

/// VG-1: there are one to four groups, and sixteen links are one too many.
#[test]
fn what_there_are_too_many_of_is_named() {
    let group = "[[cluster.group]]\nranks = [1]\n";
    let message = refused(&(GOOD.to_owned() + &group.repeat(3)));
    assert!(message.starts_with("cluster.group: ") && message.contains("there cannot be 5"));
    let (mut links, mut addresses) = (String::new(), String::new());
    for number in 3..=16 {
        links += &format!("[[cluster.link]]\nname = \"h{number}\"\ndevice = \"h{number}\"\n");
        addresses += &format!(", \"10.{number}.0.NODE\"");
    }
    let mut text = GOOD
        .replace("[[cluster.member]]\nnode = 1", &format!("{links}[[cluster.member]]\nnode = 1"));
    for node in ["1", "2"] {
        let own = format!("fd00:98::{node}\"");
        text = text.replace(&own, &(own.clone() + &addresses.replace("NODE", node)));
    }
    assert!(refused(&text).starts_with("cluster.link: 16 cluster links"));
}

/// What is not of a cluster node of one unit is unknown, with its line.
#[test]
fn a_table_of_a_pair_is_refused() {
    for table in ["[peer]\nserial = \"X\"\n", "[sync]\n", "[cluster.speed]\n"] {
        let message = refused(&(GOOD.to_owned() + table));
        assert!(message.contains("unknown field") && message.contains("line "), "{message}");
    }
    let message = refused(&changed("mark = 1", "mark = 0"));
    assert!(message.contains("nonzero u32") && message.contains("line "), "{message}");
    let message = refused(&changed("trigger-level = 3", "level = 3"));
    assert!(message.contains("unknown field `level`"), "{message}");
}

/// VMAC-4, VG-3, SVRRP-2: what is written is what the node has.
#[test]
fn what_is_written_is_what_the_node_has() {
    let checked = loaded(GOOD).unwrap();
    assert_eq!(checked.own.node, NodeNumber::One);
    let machine = checked.machine(1).unwrap();
    assert_eq!(machine.failure_time().as_millis(), 30);
    let paths: Vec<_> = checked.paths.iter().map(|it| (it.name.as_str(), it.id.0)).collect();
    assert_eq!(paths, [("ha", 0), ("hb", 1), ("x0", X0_PATH.0)]);
    let x0 = &checked.paths[2];
    assert_eq!((x0.device.as_str(), x0.local), ("lan0", "10.1.0.21:7000".parse().unwrap()));
    assert_eq!(x0.peers.len(), 1);
    assert_eq!(x0.peers[0].1, "10.1.0.22:7000".parse().unwrap());
    let shared = checked.shared(GroupNumber::One);
    let [(lan, lan0), (wan, wan0)] = shared.as_slice() else { panic!("{shared:?}") };
    assert_eq!((*lan, *wan), (InterfaceId(1), InterfaceId(2)));
    let (name, mac) = lan0.virtual_mac.as_ref().unwrap();
    assert_eq!((name.as_str(), mac.to_string().as_str()), ("lan0g1", "00:17:c5:6b:01:00"));
    assert_eq!(wan0.addresses.len(), 2);
    let (_, second) = &checked.shared(GroupNumber::Two)[0];
    let (name, mac) = second.virtual_mac.as_ref().unwrap();
    assert_eq!((name.as_str(), mac.to_string().as_str()), ("lan0g2", "00:17:c5:6b:01:01"));
    assert_eq!(checked.shared(GroupNumber::Two).len(), 1);
    let ports: Vec<_> = checked.monitored_ports().collect();
    let (lan, wan) = (InterfaceId(1), InterfaceId(2));
    assert_eq!(ports, [(lan, 0, "lan0a"), (lan, 1, "lan0b"), (wan, 0, "wan0")]);
}

/// The defaults: what may be left out.
#[test]
fn what_may_be_left_out_has_its_default() {
    let text = r#"
        unit = { designation = "primary", serial = "A" }
        [cluster]
        node = 2
        link = [{ name = "ha", device = "ha0" }]
        member = [{ node = 2, serial = "A", addresses = ["10.99.0.2"] }]
        group = [{ ranks = [] }]
    "#;
    let checked = loaded(text).unwrap();
    let cluster = &checked.file.cluster;
    assert_eq!((cluster.id, cluster.version, cluster.port), (0, 0, 7772));
    assert_eq!((cluster.interval.as_secs(), cluster.trigger_level), (1, 5));
    assert_eq!(cluster.restore_hold.as_secs(), 10);
    assert_eq!(cluster.virtual_mac_prefix, "00-17-c5-6a");
    assert_eq!(cluster.x0, None);
    assert_eq!(checked.file.unit.model, "linux");
    assert_eq!(checked.monitored_ports().count(), 0);
}

fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?} should be there once");
    GOOD.replace(from, to)
}

fn loaded(text: &str) -> Result<CheckedNode, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cluster.toml");
    std::fs::write(&file, text).unwrap();
    match load(&file)? {
        Either::Node(checked) => Ok(*checked),
        Either::Pair(_) => panic!("there is a table [cluster]"),
    }
}

fn load(file: &Path) -> Result<Either, String> {
    config::load_either(file).map_err(|error| error.to_string())
}

fn refused(text: &str) -> String {
    loaded(text).expect_err("it should be refused")
}
