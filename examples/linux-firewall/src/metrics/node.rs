//! The status of a cluster node as metrics: who owns which group, how heavy each node is for it, and who is heard.

use super::text::{PREFIX, Page, flag};
use crate::status::NodeStatus;
use prometheus_client::registry::Registry;
use svrrp::identity::NodeNumber;

/// The metrics of a cluster node; each bears the unit's serial number.
#[must_use]
pub fn write_node(status: &NodeStatus) -> String {
    let unit = ("unit".into(), status.serial.clone().into());
    let mut page = Page(Registry::with_prefix_and_labels(PREFIX, [unit].into_iter()));
    let nodes = NodeNumber::ALL.map(|node| (node, node.get().to_string()));
    let groups: Vec<_> = status.groups.iter().map(|it| (it, it.group.get().to_string())).collect();
    let places = || {
        let of = |(it, group)| nodes.iter().map(move |(node, name)| (it, group, *node, name));
        groups.iter().map(|(it, group)| (*it, group)).flat_map(of)
    };
    let labels = |group, node| vec![("group", group), ("node", node)];
    let owners = places().map(|(it, group, node, name)| {
        (labels(group.as_str(), name.as_str()), flag(it.owner == Some(node)))
    });
    page.gauges("group_owner", "1 for the node that owns the group, as this one sees it", owners);
    let weights = places().filter_map(|(it, group, node, name)| {
        let weight = (*it.weights.get(node.index())?)?;
        Some((labels(group.as_str(), name.as_str()), f64::from(weight.0)))
    });
    page.gauges("group_weight", "How many interfaces of the group are up on the node", weights);
    let owned = groups
        .iter()
        .map(|(it, group)| (vec![("group", group.as_str())], flag(status.owns(it.group))));
    page.gauges("group_owned", "1 if this node owns the group, as it knows itself", owned);
    let terms = groups.iter().map(|(it, group)| (vec![("group", group.as_str())], it.term));
    page.counters("group_term", "The term of this node's present or last ownership", terms);
    let units: Vec<_> = status.units.iter().map(|it| (it, it.member.to_string())).collect();
    let heard = units.iter().map(|(it, name)| (vec![("peer", name.as_str())], flag(it.heard)));
    page.gauges("peer_heard", "1 if the other unit is heard", heard);
    let paths = units.iter().flat_map(|(it, name)| {
        let labels = move |path| vec![("peer", name.as_str()), ("path", path)];
        it.paths.iter().map(move |(path, heard)| (labels(path.as_str()), flag(*heard)))
    });
    page.gauges("path_heard", "1 if the other unit is heard on the path", paths);
    page.counted(&status.counters);
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::super::text::parse;
    use super::*;

    /// COS-5, STA-1: what a program reads of a cluster node: owners, weights, peers.
    #[test]
    fn metrics_of_a_node_can_be_parsed() {
        let samples = parse(&write_node(&crate::status::a_node()));
        let unit = "unit=\"FW-0001\"";
        for (name, labels, value) in [
            ("group_owner", ",group=\"1\",node=\"1\"", 1.0),
            ("group_owner", ",group=\"1\",node=\"2\"", 0.0),
            ("group_owner", ",group=\"2\",node=\"2\"", 1.0),
            ("group_weight", ",group=\"1\",node=\"1\"", 2.0),
            ("group_weight", ",group=\"2\",node=\"2\"", 1.0),
            ("group_owned", ",group=\"1\"", 1.0),
            ("group_owned", ",group=\"2\"", 0.0),
            ("group_term_total", ",group=\"1\"", 3.0),
            ("peer_heard", ",peer=\"node 2 Primary\"", 1.0),
            ("peer_heard", ",peer=\"node 3 Primary\"", 0.0),
            ("path_heard", ",peer=\"node 2 Primary\",path=\"ha\"", 1.0),
            ("path_heard", ",peer=\"node 2 Primary\",path=\"x0\"", 0.0),
            ("counted_total", ",what=\"events lost\"", 4.0),
        ] {
            let name = format!("linux_firewall_{name}{{{unit}{labels}}}");
            assert_eq!(samples.get(&name), Some(&value), "{name} in {samples:#?}");
        }
        assert!(!samples.keys().any(|it| it.contains("weight") && it.contains("node=\"3\"")));
    }
}
