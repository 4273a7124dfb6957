//! The sample configuration is complete, valid, and says of every key what it is.

#![allow(clippy::panic, clippy::unwrap_used)] // a test says plainly what it expects

use ha_core::address::MacAddress;
use ha_core::identity::PathId;
use ha_core::pair::Mode;
use linux_firewall::config::{self, Either};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SAMPLE: &str = include_str!("../firewall.toml");
const KEYS: &str = include_str!("../src/config/file.rs");
const CLUSTER_SAMPLE: &str = include_str!("../cluster.toml");
const CLUSTER_KEYS: &str = include_str!("../src/config/cluster/file.rs");

/// PAIR-6: what the sample says is what a unit is configured with.
#[test]
fn the_sample_is_valid() {
    let sample: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("firewall.toml");
    let checked = config::load(&sample).unwrap();
    let (pair, file) = (checked.pair(1, |_| MacAddress::ZERO, None).unwrap(), &checked.file);
    assert_eq!(pair.failure_time().as_millis(), 300);
    assert_eq!(pair.paths().count(), 2);
    assert_eq!(pair.state_paths().collect::<Vec<_>>(), [PathId(0)], "a LAN is none");
    assert_eq!(pair.mode(), Mode::ActiveStandby { stateful: true });
    assert_eq!(checked.sync_paths().len(), 1, "only the first path has a sync-port");
    assert_eq!(file.path[1].port, 7770, "the default");
    let shared = checked.shared();
    assert_eq!(shared.len(), 2);
    assert_eq!(shared[0].addresses.len(), 3, "and the link-local one of the virtual MAC");
    assert_eq!(checked.monitoring_addresses(file.unit.designation).len(), 2);
    assert_eq!(checked.services.len(), 2);
    assert!(checked.services[0].restart.is_some() && checked.services[1].restart.is_none());
    assert_eq!(shared[1].virtual_mac.as_ref().unwrap().0, "wan0v", "the default");
}

#[test]
fn every_key_is_in_the_sample_and_explained() {
    let keys = keys_of_the_program(KEYS);
    assert!(keys.len() > 20, "{keys:?}");
    assert_eq!(keys, keys_of_the_sample(SAMPLE), "left: the program's, right: the sample's");
}

#[test]
fn every_key_of_a_cluster_is_in_its_sample_and_explained() {
    let mut keys = keys_of_the_program(CLUSTER_KEYS);
    assert!(keys.len() > 15, "{keys:?}");
    let both = keys_of_the_program(KEYS).into_iter();
    keys.extend(both.filter(|key| key.starts_with("unit.") || key.starts_with("process.")));
    // What is a table is no key.
    keys.retain(|key| !CLUSTER_SAMPLE.contains(&format!("[[{key}]]")));
    assert_eq!(
        keys,
        keys_of_the_sample(CLUSTER_SAMPLE),
        "left: the program's, right: the sample's"
    );
}

/// NODE-1, VG-1: what the sample says is what a node is configured with.
#[test]
fn the_sample_of_a_cluster_is_valid() {
    let sample: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster.toml");
    let Either::Node(checked) = config::load_either(&sample).unwrap() else { panic!() };
    let machine = checked.machine(1).unwrap();
    assert_eq!(machine.failure_time().as_millis(), 300);
    assert_eq!(machine.paths().count(), 2, "the cluster link and X0");
    assert_eq!(machine.members().len(), 2);
    assert_eq!(checked.addresses().groups().count(), 2);
}

/// The keys that a `file.rs` defines, as `section.key`.
fn keys_of_the_program(text: &'static str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut section = None;
    let mut kebab = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("/// `[").and_then(|rest| rest.strip_suffix("]`")) {
            section = Some(name.trim_matches(['[', ']']));
        } else if line.starts_with("#[serde(deny_unknown_fields") {
            kebab = line.contains("kebab-case");
        } else if line == "}" {
            section = None;
        } else if let (Some(section), Some(field)) = (section, line.strip_prefix("pub "))
            && let Some((name, _)) = field.split_once(':')
        {
            assert!(kebab || !name.contains('_'), "{section}.{name} would have an underscore");
            keys.insert(format!("{section}.{}", name.replace('_', "-")));
        }
    }
    keys
}

/// The keys of the sample that have a comment above them, where they stand for the first time.
fn keys_of_the_sample(text: &'static str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut section = "";
    let mut above = "";
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#'))
            && keys.insert(format!("{section}.{key}"))
        {
            assert!(above.starts_with("# "), "{section}.{key} is not explained");
        }
        above = line;
    }
    keys
}
