//! Cluster nodes that run: who bears the addresses of which group, and what is left of them at the end.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use run_support::{Place, Site, Unit, program, start, status, tool, until};
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;

/// VG-1, NODE-1: a node that hears no other one takes all groups, and SIGTERM leaves nothing of it on the system; nor are
/// addresses left over when a restart follows a crash.
#[test]
fn a_lone_node_has_all_groups_and_leaves_nothing_behind() {
    let Some(site) = Site::new() else { return };
    let before = site.unit.snapshot();
    let node = Node::start(&site, 1);
    node.until_owners([1, 1]);
    assert!(node.bears("lan0g1", "10.1.0.101") && node.bears("wan0g2", "10.2.0.102"));
    let mac = site.unit.ip("-j link show dev wan0g2");
    assert!(mac.contains("00:17:c5:6a:02:01"), "{mac}");
    let output = node.unit.terminate();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(!log.contains("could not be handed over"), "{log}");
    before.assert_same(&site.unit.snapshot(), "SIGTERM");

    let addresses = site.unit.ip("-j addr");
    let node = Node::start(&site, 1);
    node.until_owners([1, 1]);
    node.unit.signal(Signal::KILL);
    node.unit.end();
    assert!(site.unit.ip("-j addr").contains("10.1.0.101"), "the crash left it");
    let node = Node::start(&site, 1);
    node.until_owners([1, 1]);
    node.unit.terminate();
    assert_eq!(site.unit.ip("-j addr"), addresses);
}

/// VG-1, VG-2, VG-5: each group is where its rank is best; a node whose link fails loses its group to the other one, and
/// a node that leaves hands it over.
#[test]
fn groups_follow_ranks_links_and_departures() {
    let Some(site) = Site::new() else { return };
    let (first, second) = (Node::start(&site, 1), Node::start(&site, 2));
    for node in [&first, &second] {
        node.until_owners([1, 2]);
    }
    assert!(first.bears("lan0g1", "10.1.0.101") && !first.bears("lan0g2", "10.1.0.102"));
    assert!(second.bears("lan0g2", "10.1.0.102") && !second.bears("lan0g1", "10.1.0.101"));

    // The port of its interface to the server.
    site.unit.ip("link set far0 down");
    first.until_owners([2, 2]);
    assert!(!first.bears("lan0g1", "10.1.0.101") && second.bears("lan0g1", "10.1.0.101"));
    site.unit.ip("link set far0 up");
    first.until_owners([1, 2]);
    second.until_owners([1, 2]);

    let output = first.unit.terminate();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    second.until_owners([2, 2]);
    assert!(second.bears("wan0g1", "10.2.0.101"));
}

/// STA-1: what a node says to a person; the orders of a pair are refused.
#[test]
fn a_node_says_who_owns_what() {
    let Some(site) = Site::new() else { return };
    let node = Node::start(&site, 1);
    node.until_owners([1, 1]);
    let text = String::from_utf8(tool("status", &node.file).stdout).unwrap();
    assert!(text.starts_with("node 1 Primary FW-0001 is the Master\n"), "{text}");
    assert!(text.contains("VG 2     belongs to node 1; here owner"), "{text}");
    assert!(text.contains("unit     node 2 Primary: not heard"), "{text}");
    let text = String::from_utf8(tool("check", &node.file).stdout).unwrap();
    assert!(text.contains("valid (node 1 FW-0001, nodes: 2, virtual groups: 2)"), "{text}");
    for order in ["take-over", "fail-over", "maintenance", "retry-service x"] {
        let output = tool(order, &node.file);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(message.contains("for a unit of a pair"), "{message}");
    }
}

/// A running node of the cluster; the second one runs where the peer of a pair would be.
struct Node<'a> {
    place: &'a Place,
    file: PathBuf,
    unit: Unit,
}

impl<'a> Node<'a> {
    fn start(site: &'a Site, number: u8) -> Self {
        let place = if number == 1 { &site.unit } else { &site.peer };
        if number == 2 {
            place.ip("link add wan0 type veth peer name far0");
            for link in ["wan0", "far0"] {
                place.ip(format!("link set {link} up"));
            }
        }
        let file = site.directory.path().join(format!("node{number}.toml"));
        let socket = site.directory.path().join(format!("node{number}.sock"));
        let text = CONFIGURATION
            .replace("NODE", &number.to_string())
            .replace("SOCKET", &socket.display().to_string());
        std::fs::write(&file, text).unwrap();
        let unit = start(place, &file, program());
        Self { place, file, unit }
    }

    /// Waits until the node sees these owners of the groups, and is one itself where it is named.
    fn until_owners(&self, owners: [u8; 2]) {
        let own = |status: &Value| status["own"]["node"].as_u64();
        until(&format!("{} with the owners {owners:?}", self.file.display()), || {
            let status = status(&self.file)?;
            let as_wanted = (0..2).all(|at| {
                let group = &status["groups"][at];
                let is_ours = own(&status) == Some(owners[at].into());
                group["owner"] == owners[at] && (group["stance"] == "Owner") == is_ours
            });
            as_wanted.then_some(())
        });
    }

    fn bears(&self, device: &str, address: &str) -> bool {
        let addresses = self.place.ip(format!("-j addr show dev {device}"));
        addresses.contains(&format!("\"{address}\""))
    }
}

const CONFIGURATION: &str = r#"
[unit]
designation = "primary"
serial = "FW-000NODE"
model = "lab"
firmware = "1.0"

[cluster]
node = NODE
interval = "100ms"
trigger-level = 3
restore-hold = "300ms"
x0 = "lan0"

[[cluster.link]]
name = "ha"
device = "ha0"

[[cluster.member]]
node = 1
serial = "FW-0001"
addresses = ["10.99.0.1"]
x0 = "10.1.0.2"

[[cluster.member]]
node = 2
serial = "FW-0002"
addresses = ["10.99.0.2"]
x0 = "10.1.0.3"

[[cluster.interface]]
id = 1
device = "lan0"

[[cluster.interface]]
id = 2
device = "wan0"

[[cluster.group]]
ranks = [1, 2]
addresses = { lan0 = ["10.1.0.101/24"], wan0 = ["10.2.0.101/24"] }

[[cluster.group]]
ranks = [2, 1]
addresses = { lan0 = ["10.1.0.102/24"], wan0 = ["10.2.0.102/24"] }

[process]
control-socket = "SOCKET"
"#;
