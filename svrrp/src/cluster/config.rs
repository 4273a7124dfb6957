//! The configuration of one unit of a cluster: it exists only if it is valid.

use super::rules::Rules;
use crate::identity::{GroupNumber, Member, NodeNumber};
use crate::link_weight::RestoreHold;
use crate::rank::RankTable;
use crate::virtual_address::VirtualAddresses;
use crate::wire::{ByMember, MAX_CLUSTER_LINKS, X0_PATH};
use core::ops::RangeInclusive;
use core::time::Duration;
use ha_core::identity::{Designation, PathId, SerialNumber};
use ha_core::pair::{INTERVAL_RANGE, LEVEL_RANGE, Product};
use thiserror::Error;

/// The shortest and the longest time that an action may take: 10 ms to 1 h.
pub const ACTION_TIMEOUT_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(3600);

/// Why a configuration is refused: the field, and the rule. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// This unit is not among the members.
    #[error("members: {0}, which is this unit, is not among them")]
    NotAMember(Member),
    /// A node has a Secondary and no Primary: the unit of a single-unit node is its Primary.
    #[error("members: {0} has a Secondary, and no Primary")]
    NoPrimary(NodeNumber),
    /// Two units have the same serial number.
    #[error("members: {0} and {1} have the same serial number")]
    SameSerial(Member, Member),
    /// The interval is outside [`INTERVAL_RANGE`], or not a whole number of milliseconds.
    #[error("interval: {0:?} is not 10 ms to 300 s in whole milliseconds")]
    Interval(Duration),
    /// The level is outside [`LEVEL_RANGE`].
    #[error("trigger level: {0} is not 2 to 99")]
    Level(u8),
    /// There is neither a cluster link nor X0, and there are other members.
    #[error("paths: there are other members, and no path to them")]
    NoPath,
    /// More than [`MAX_CLUSTER_LINKS`].
    #[error("paths: {0} cluster links are more than 15")]
    ClusterLinks(u8),
    /// A group has virtual addresses, and no node has a rank for it: nobody could own it (VG-2).
    #[error("ranks: {0} has addresses, and no member has a rank for it")]
    NoRank(GroupNumber),
    /// An action may take 10 ms to 1 h.
    #[error("action timeout: {0:?} is not 10 ms to 1 h")]
    ActionTimeout(Duration),
}

/// The configuration of one unit of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    pub(super) own: Member,
    pub(super) product: Product,
    pub(super) seed: u64,
    pub(super) cluster: u16,
    pub(super) members: ByMember<SerialNumber>,
    pub(super) version: u64,
    pub(super) ranks: RankTable,
    pub(super) addresses: VirtualAddresses,
    pub(super) interval: Duration,
    pub(super) level: u8,
    pub(super) cluster_links: u8,
    pub(super) x0: bool,
    pub(super) restore_hold: RestoreHold,
    pub(super) is_monitored: bool,
    pub(super) action_timeout: Duration,
    pub(super) rules: Rules,
}

impl ClusterConfig {
    /// Begins with what has no default: which unit this is, what it is, and a seed, another one at every start.
    ///
    /// The rest: cluster 0, no members, configuration version 0, no ranks, no virtual addresses, 1 s × 5, one cluster
    /// link, X0, a restore hold of 10 s, monitoring inside the nodes, 10 s for an action.
    pub fn builder(own: Member, product: Product, seed: u64) -> ClusterConfigBuilder {
        ClusterConfigBuilder(Self {
            own,
            product,
            seed,
            cluster: 0,
            members: ByMember::default(),
            version: 0,
            ranks: RankTable::new(),
            addresses: VirtualAddresses::default(),
            interval: Duration::from_secs(1),
            level: 5,
            cluster_links: 1,
            x0: true,
            restore_hold: RestoreHold::default(),
            is_monitored: true,
            action_timeout: Duration::from_secs(10),
            rules: Rules::STANDARD,
        })
    }

    /// Which unit this is.
    #[must_use]
    pub const fn own(&self) -> Member {
        self.own
    }

    /// Which unit bears which serial number.
    #[must_use]
    pub const fn members(&self) -> &ByMember<SerialNumber> {
        &self.members
    }

    /// The virtual addresses of all groups.
    #[must_use]
    pub const fn addresses(&self) -> &VirtualAddresses {
        &self.addresses
    }

    /// How often this unit advertises itself.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// After so long a silence others take this unit for lost: interval × level.
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.interval.saturating_mul(self.level.into())
    }

    /// The paths to other units: the cluster links, then X0.
    pub fn paths(&self) -> impl Iterator<Item = PathId> + use<> {
        (0..self.cluster_links).map(PathId).chain(self.x0.then_some(X0_PATH))
    }

    /// Whether this unit's node has another unit.
    pub(super) fn partner(&self) -> Option<Member> {
        let designation = self.own.designation.other();
        let partner = Member { designation, ..self.own };
        self.members.get(partner).map(|_| partner)
    }

    /// The `n`th number of this start, spread over 64 bits and never 0 (the finalizer of SplitMix64).
    pub(super) fn mint(&self, n: u64) -> core::num::NonZeroU64 {
        let mut z = self.seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        core::num::NonZeroU64::new(z ^ (z >> 31)).unwrap_or(core::num::NonZeroU64::MIN)
    }
}

/// Collects settings; [`build`](Self::build) checks them.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClusterConfigBuilder(ClusterConfig);

impl ClusterConfigBuilder {
    /// The number of the cluster, chosen by the administrator: it keeps two clusters on one LAN apart.
    pub const fn cluster(mut self, number: u16) -> Self {
        self.0.cluster = number;
        self
    }

    /// A unit of the cluster, this one too, with its serial number: others are not heard (NODE-7).
    pub fn member(mut self, member: Member, serial: SerialNumber) -> Self {
        self.0.members.set(member, Some(serial));
        self
    }

    /// The version of the settings that all nodes share, and the ranks in them. All go by the ranks of the highest
    /// version that they see, and of one version by the [higher table](RankTable) (VG-2).
    pub const fn ranks(mut self, version: u64, ranks: RankTable) -> Self {
        self.0.version = version;
        self.0.ranks = ranks;
        self
    }

    /// The virtual addresses of all groups.
    pub fn addresses(mut self, addresses: VirtualAddresses) -> Self {
        self.0.addresses = addresses;
        self
    }

    /// How often this unit advertises itself, 10 ms to 300 s in whole milliseconds, and after how many missed
    /// advertisements others take it for lost, 2 to 99.
    pub const fn rhythm(mut self, interval: Duration, level: u8) -> Self {
        self.0.interval = interval;
        self.0.level = level;
        self
    }

    /// How many cluster links there are, 0 to 15, paths 0 and up; and whether X0 stands in where all of them fail
    /// (SVRRP-2).
    pub const fn paths(mut self, cluster_links: u8, x0: bool) -> Self {
        self.0.cluster_links = cluster_links;
        self.0.x0 = x0;
        self
    }

    /// How long a higher weight must last before it counts (VG-4).
    pub const fn restore_hold(mut self, hold: RestoreHold) -> Self {
        self.0.restore_hold = hold;
        self
    }

    /// Whether the node's pair monitors links or targets, so that it moves the role inside the node where that helps.
    /// If not, a link that goes down counts for the groups at once (VG-6).
    pub const fn monitored(mut self, is_monitored: bool) -> Self {
        self.0.is_monitored = is_monitored;
        self
    }

    /// How long the platform may take for an action until it counts as failed.
    pub const fn action_timeout(mut self, timeout: Duration) -> Self {
        self.0.action_timeout = timeout;
        self
    }

    /// Other decisions than those of every product: for simulators and model checkers.
    #[cfg(feature = "simulation")]
    pub const fn rules(mut self, rules: Rules) -> Self {
        self.0.rules = rules;
        self
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// The first rule that is broken, with the field.
    pub fn build(self) -> Result<ClusterConfig, ConfigError> {
        let config = self.0;
        if config.members.get(config.own).is_none() {
            return Err(ConfigError::NotAMember(config.own));
        }
        for (member, serial) in config.members.iter() {
            let primary = Member { designation: Designation::Primary, ..member };
            if config.members.get(primary).is_none() {
                return Err(ConfigError::NoPrimary(member.node));
            }
            let mut others = config.members.iter().filter(|(other, _)| *other != member);
            if let Some((other, _)) = others.find(|(_, it)| *it == serial) {
                return Err(ConfigError::SameSerial(member, other));
            }
        }
        let whole = Duration::from_millis(config.interval.as_millis().try_into().unwrap_or(0));
        if !INTERVAL_RANGE.contains(&config.interval) || whole != config.interval {
            return Err(ConfigError::Interval(config.interval));
        }
        if !LEVEL_RANGE.contains(&config.level) {
            return Err(ConfigError::Level(config.level));
        }
        if usize::from(config.cluster_links) > MAX_CLUSTER_LINKS {
            return Err(ConfigError::ClusterLinks(config.cluster_links));
        }
        if config.members.len() > 1 && config.paths().next().is_none() {
            return Err(ConfigError::NoPath);
        }
        for group in config.addresses.groups() {
            let nodes = config.members.iter().map(|(member, _)| member.node);
            let has_rank = nodes.into_iter().any(|node| config.ranks.get(group, node).is_some());
            if config.addresses.of(group).next().is_some() && !has_rank {
                return Err(ConfigError::NoRank(group));
            }
        }
        if !ACTION_TIMEOUT_RANGE.contains(&config.action_timeout) {
            return Err(ConfigError::ActionTimeout(config.action_timeout));
        }
        Ok(config)
    }
}
