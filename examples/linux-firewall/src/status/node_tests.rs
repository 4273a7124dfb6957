use super::*;
use ha_core::identity::Designation;
use svrrp::LinkWeight;
use svrrp::cluster::Standing;
use svrrp::wire::{Paths, X0_PATH};

/// A node that owns VG 1, hears another one on one of two ways, and a third one no more.
pub(crate) fn a_node() -> NodeStatus {
    let member = |node| Member { node, designation: Designation::Primary };
    let weights = [Some(LinkWeight(2)), Some(LinkWeight(1)), None, None];
    let group = |group, stance, owner, term| GroupStatus {
        group,
        stance,
        owner: Some(owner),
        weight: LinkWeight(2),
        weights,
        term,
    };
    let unit = |node, heard, bits| UnitStatus {
        member: member(node),
        heard,
        paths: Paths::from_bits(bits),
        silent_on_x0: heard,
        condition: Some(Condition::Active),
        kept_out: None,
    };
    let cluster = ClusterStatus {
        own: member(NodeNumber::One),
        standing: Standing::ACTIVE,
        licensed: true,
        listening: false,
        master: Some(NodeNumber::One),
        version: 7,
        slow_links: Paths::from_bits(1),
        groups: vec![
            group(GroupNumber::One, Stance::Owner, NodeNumber::One, 3),
            group(GroupNumber::Two, Stance::Idle, NodeNumber::Two, 0),
        ],
        units: vec![unit(NodeNumber::Two, true, 1), unit(NodeNumber::Three, false, 0)],
    };
    let paths = [(PathId(0), "ha".to_owned()), (X0_PATH, "x0".to_owned())];
    let counters = BTreeMap::from([("events lost".to_owned(), 4)]);
    NodeStatus::new("FW-0001".to_owned(), &cluster, &paths, counters)
}

/// VG-1, NODE-7, STA-1: who owns which group, what each node weighs for it, and who is heard by which way.
#[test]
fn a_person_reads_who_owns_what() {
    let expected = "node 1 Primary FW-0001 is the Master
  master   node 1, settings of version 7
  path     ha         is slower than 1000 Mbit/s
  VG 1     belongs to node 1; here owner, last term 3
  VG 1     weight 2, node 2 1
  VG 2     belongs to node 2; here idle, last term 0
  VG 2     weight 2, node 2 1
  unit     node 2 Primary: active
  path     ha         node 2 Primary is heard
  path     x0         node 2 Primary is not heard
  x0       node 2 Primary is not heard when X0 is tried
  unit     node 3 Primary: not heard
  path     ha         node 3 Primary is not heard
  path     x0         node 3 Primary is not heard
  counter  4 events lost
";
    assert_eq!(a_node().to_string(), expected);
}

#[test]
fn a_program_reads_what_was_written() {
    let status = a_node();
    assert!(status.owns(GroupNumber::One) && !status.owns(GroupNumber::Two));
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["groups"][1]["owner"], 2);
    assert_eq!(serde_json::from_value::<NodeStatus>(json).unwrap(), status);
}
