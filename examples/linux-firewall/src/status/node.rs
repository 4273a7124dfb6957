//! The status of a running cluster node: what `status` prints, for a person or as JSON.

use ha_core::identity::PathId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use svrrp::cluster::{ClusterStatus, GroupStatus, MIN_LINK_SPEED, UnitStatus};
use svrrp::election::Stance;
use svrrp::identity::NodeNumber;
use svrrp::wire::Condition;
use svrrp::{GroupNumber, Member};

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Which unit this is.
    pub own: Member,
    /// Its serial number.
    pub serial: String,
    /// What it is in its node.
    pub condition: Condition,
    /// It listens still, and takes nothing.
    pub listening: bool,
    /// The Master: the owner of VG 1; absent if none is known.
    pub master: Option<NodeNumber>,
    /// The version of the settings whose ranks are in force.
    pub version: u64,
    /// The cluster links that are slower than 1 Gbit/s, by name (NODE-7).
    pub slow_links: Vec<String>,
    /// The virtual groups.
    pub groups: Vec<GroupStatus>,
    /// The other units.
    pub units: Vec<Unit>,
    /// What was ignored or lost, by reason; only what occurred.
    pub counters: BTreeMap<String, u64>,
}

/// Another unit, as this one sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Which unit.
    pub member: Member,
    /// It is heard.
    pub heard: bool,
    /// By which ways, each named, and whether it is heard there.
    pub paths: Vec<(String, bool)>,
    /// It is heard, but not on X0, where that is tried once a minute (NODE-7).
    pub silent_on_x0: bool,
    /// What it said last that it is in its node; absent if it was never heard.
    pub condition: Option<Condition>,
    /// Why it is kept out, for a person; absent if it is not.
    pub kept_out: Option<String>,
}

impl NodeStatus {
    /// That of the cluster machine, with the names of the paths.
    pub(crate) fn new(
        serial: String,
        cluster: &ClusterStatus,
        paths: &[(PathId, String)],
        counters: BTreeMap<String, u64>,
    ) -> Self {
        let slow = |(path, _): &&(PathId, String)| cluster.slow_links.contains(*path);
        Self {
            own: cluster.own,
            serial,
            condition: cluster.standing.condition,
            listening: cluster.listening,
            master: cluster.master,
            version: cluster.version,
            slow_links: paths.iter().filter(slow).map(|(_, name)| name.clone()).collect(),
            groups: cluster.groups.clone(),
            units: cluster.units.iter().map(|unit| Unit::new(unit, paths)).collect(),
            counters,
        }
    }

    /// What there is of a group; `None` if there is no such group.
    #[must_use]
    pub fn group(&self, group: GroupNumber) -> Option<&GroupStatus> {
        self.groups.iter().find(|it| it.group == group)
    }

    /// Whether this node is an owner of the group, as it knows itself.
    #[must_use]
    pub fn owns(&self, group: GroupNumber) -> bool {
        self.group(group).is_some_and(|it| it.stance == Stance::Owner)
    }
}

impl Unit {
    fn new(unit: &UnitStatus, paths: &[(PathId, String)]) -> Self {
        let heard = |(id, name): &(PathId, String)| (name.clone(), unit.paths.contains(*id));
        Self {
            member: unit.member,
            heard: unit.heard,
            paths: paths.iter().map(heard).collect(),
            silent_on_x0: unit.silent_on_x0,
            condition: unit.condition,
            kept_out: unit.kept_out.map(|why| why.to_string()),
        }
    }
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = match self.condition {
            _ if self.listening => "listens, and takes nothing yet".to_owned(),
            Condition::Active if self.master == Some(self.own.node) => "is the Master".to_owned(),
            Condition::Active => "takes part".to_owned(),
            other => format!("is {}", word(other)),
        };
        writeln!(f, "{} {} {is}", self.own, self.serial)?;
        match self.master {
            Some(master) => {
                writeln!(f, "  master   {master}, settings of version {}", self.version)?
            }
            None => writeln!(f, "  master   none is known")?,
        }
        for link in &self.slow_links {
            writeln!(f, "  path     {link:<10} is slower than {MIN_LINK_SPEED} Mbit/s")?;
        }
        for GroupStatus { group, stance, owner, weight, weights, term } in &self.groups {
            let owner = owner.map_or_else(|| "nobody".to_owned(), |owner| owner.to_string());
            writeln!(f, "  {group}     belongs to {owner}; here {stance}, last term {term}")?;
            write!(f, "  {group}     weight {weight}")?;
            for (node, weight) in NodeNumber::ALL.into_iter().zip(weights) {
                if let Some(weight) = weight.filter(|_| node != self.own.node) {
                    write!(f, ", {node} {weight}")?;
                }
            }
            writeln!(f)?;
        }
        for unit in &self.units {
            let condition = unit.condition.map_or("never heard", word);
            let heard = if unit.heard { condition.to_owned() } else { "not heard".to_owned() };
            writeln!(f, "  unit     {}: {heard}", unit.member)?;
            for (path, heard) in &unit.paths {
                let not = if *heard { "" } else { "not " };
                writeln!(f, "  path     {path:<10} {} is {not}heard", unit.member)?;
            }
            if unit.silent_on_x0 {
                writeln!(f, "  x0       {} is not heard when X0 is tried", unit.member)?;
            }
            if let Some(why) = &unit.kept_out {
                writeln!(f, "  kept out {}: {why}", unit.member)?;
            }
        }
        for (reason, count) in &self.counters {
            writeln!(f, "  counter  {count} {reason}")?;
        }
        Ok(())
    }
}

const fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Starting => "starting",
        Condition::Standby => "standby",
        Condition::Active => "active",
        Condition::Leaving => "leaving",
        Condition::Barred => "out of service",
    }
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
#[cfg(test)]
pub(crate) use tests::a_node;
