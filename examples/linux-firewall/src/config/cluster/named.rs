//! The rules of `svrrp` name nodes, groups and interfaces by their numbers; a person looks for a key.

use super::super::check::{ConfigError, wrong};
use super::check::reason;
use svrrp::GroupNumber;
use svrrp::cluster::ConfigError as Cluster;
use svrrp::virtual_address::VirtualAddressError as Addresses;

/// A rule that was broken.
pub(super) enum Rule {
    Cluster(Cluster),
    Addresses(Addresses),
}

impl From<Cluster> for Rule {
    fn from(error: Cluster) -> Self {
        Self::Cluster(error)
    }
}

impl From<Addresses> for Rule {
    fn from(error: Addresses) -> Self {
        Self::Addresses(error)
    }
}

/// The same with the key of the file.
pub(super) fn named(rule: impl Into<Rule>) -> ConfigError {
    match rule.into() {
        Rule::Cluster(error) => wrong(cluster(&error), reason(error)),
        // The others name the address or the interface before the reason.
        Rule::Addresses(
            error @ (Addresses::Groups(_)
            | Addresses::TooManyInterfaces(_)
            | Addresses::TooManyAddresses(_)
            | Addresses::InterfaceTwice(_)),
        ) => wrong(addresses(&error), reason(error)),
        Rule::Addresses(error) => wrong(addresses(&error), error),
    }
}

fn cluster(error: &Cluster) -> String {
    let key = match error {
        Cluster::NotAMember(_) => "cluster.node",
        Cluster::NoPrimary(_) => "cluster.member.node",
        Cluster::SameSerial(..) => "cluster.member.serial",
        Cluster::Interval(_) => "cluster.interval",
        Cluster::Level(_) => "cluster.trigger-level",
        Cluster::NoPath | Cluster::ClusterLinks(_) => "cluster.link",
        Cluster::NoRank(group) => return of_group(*group, "ranks"),
        _ => "cluster",
    };
    key.to_owned()
}

fn addresses(error: &Addresses) -> String {
    let key = match error {
        Addresses::Groups(_) => "cluster.group",
        Addresses::TooManyInterfaces(_) => "cluster.interface",
        Addresses::InterfaceTwice(_) | Addresses::VirtualMac(_) => "cluster.interface.id",
        Addresses::Ports { .. } => "cluster.interface.ports",
        Addresses::NoSuchGroup { group, .. }
        | Addresses::NoSuchInterface { group, .. }
        | Addresses::NotAHost { group, .. }
        | Addresses::AddressTwice { group, .. }
        | Addresses::NoFirstGroup { group, .. } => return of_group(*group, "addresses"),
        Addresses::TooManyAddresses(_) => "cluster.group.addresses",
        _ => "cluster",
    };
    key.to_owned()
}

fn of_group(group: GroupNumber, name: &str) -> String {
    format!("cluster.group {}: {name}", group.get())
}
