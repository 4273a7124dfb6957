//! Every message that there can be, for `proptest`.

use core::num::NonZeroU64;
use core::time::Duration;
use ha_core::pair::{Product, ProtocolRange};
use proptest::prelude::*;
use std::collections::BTreeSet;
use svrrp::wire::{
    Advertisement, ByGroup, ByMember, Claim, Condition, Content, DatagramId, GroupEntry,
    GroupStance, Header, HeardEntry, Management, OUR_PROTOCOL, Paths, Release, UnitReport,
};
use svrrp::{GroupNumber, Member, Message, NodeNumber, Rank, RankTable};

fn node() -> impl Strategy<Value = NodeNumber> {
    prop::sample::select(NodeNumber::ALL.as_slice())
}

fn group() -> impl Strategy<Value = GroupNumber> {
    prop::sample::select(GroupNumber::ALL.as_slice())
}

fn member() -> impl Strategy<Value = Member> {
    prop::sample::select(Member::all().collect::<Vec<_>>())
}

/// Another node than this one.
fn other(node: NodeNumber) -> impl Strategy<Value = NodeNumber> {
    let others: Vec<_> = NodeNumber::ALL.into_iter().filter(|it| *it != node).collect();
    prop::sample::select(others)
}

fn non_zero() -> impl Strategy<Value = NonZeroU64> {
    (1..=u64::MAX).prop_filter_map("not zero", NonZeroU64::new)
}

fn id() -> impl Strategy<Value = DatagramId> {
    (non_zero(), non_zero()).prop_map(|(start, number)| DatagramId { start, number })
}

fn name() -> &'static str {
    "[!-~]{1,32}"
}

fn header() -> impl Strategy<Value = Header> {
    (any::<u16>(), member(), any::<u64>(), id(), name()).prop_map(
        |(cluster, sender, config_version, id, serial)| Header {
            protocol: OUR_PROTOCOL,
            cluster,
            sender,
            config_version,
            id,
            serial: serial.parse().unwrap(),
        },
    )
}

fn unit() -> impl Strategy<Value = UnitReport> {
    let condition = prop_oneof![
        Just(Condition::Starting),
        Just(Condition::Standby),
        Just(Condition::Active),
        Just(Condition::Leaving),
        Just(Condition::Barred),
    ];
    (10..=300_000_u64, 2..=99_u8, condition, any::<(bool, bool, bool)>()).prop_map(
        |(interval, level, condition, (can_be_active, settling, trial))| UnitReport {
            interval: Duration::from_millis(interval),
            level,
            condition,
            can_be_active,
            settling,
            trial,
        },
    )
}

fn stance(sender: NodeNumber) -> impl Strategy<Value = GroupStance> {
    prop_oneof![
        Just(GroupStance::Idle),
        (other(sender), non_zero()).prop_map(|(owner, nonce)| GroupStance::Asking { owner, nonce }),
        Just(GroupStance::Taking),
        Just(GroupStance::Owner),
        prop::option::of(other(sender))
            .prop_map(|successor| GroupStance::Withdrawing { successor }),
        (other(sender), non_zero())
            .prop_map(|(successor, nonce)| GroupStance::Released { successor, nonce }),
    ]
}

fn groups(sender: NodeNumber) -> impl Strategy<Value = ByGroup<GroupEntry>> {
    let entry = (any::<u16>(), stance(sender), prop::option::of(node()), any::<u64>()).prop_map(
        |(link_weight, stance, owner_seen, term)| GroupEntry {
            link_weight,
            stance,
            owner_seen,
            term,
        },
    );
    prop::collection::vec((group(), entry), 0..8).prop_map(|list| list.into_iter().collect())
}

fn heard(sender: Member) -> impl Strategy<Value = ByMember<HeardEntry>> {
    let entry = (any::<u16>(), id())
        .prop_map(|(paths, echo)| HeardEntry { paths: Paths::from_bits(paths), echo });
    prop::collection::vec((member(), entry), 0..16).prop_map(move |mut list| {
        list.retain(|(member, _)| *member != sender);
        list.into_iter().collect()
    })
}

fn ranks() -> impl Strategy<Value = RankTable> {
    any::<[[u8; 4]; 4]>().prop_map(|table| {
        let mut ranks = RankTable::new();
        for (group, row) in GroupNumber::ALL.into_iter().zip(table) {
            for (node, rank) in NodeNumber::ALL.into_iter().zip(row) {
                ranks.set(group, node, Rank::new(rank));
            }
        }
        ranks
    })
}

fn product() -> impl Strategy<Value = Product> {
    (name(), name()).prop_map(|(model, firmware)| Product {
        model: model.parse().unwrap(),
        firmware: firmware.parse().unwrap(),
    })
}

/// Every advertisement, a few of them of a protocol that we do not speak.
pub fn advertisement() -> impl Strategy<Value = Advertisement> {
    let foreign = prop::option::weighted(0.1, (2..=255_u8, 2..=255_u8));
    (header(), unit(), foreign).prop_flat_map(|(mut header, unit, foreign)| {
        let content = (
            prop::option::of(product()),
            ranks(),
            groups(header.sender.node),
            heard(header.sender),
        );
        if let Some((one, other)) = foreign {
            header.protocol = ProtocolRange { oldest: one.min(other), newest: one.max(other) };
        }
        content.prop_map(move |(product, ranks, groups, heard)| {
            let content = Content { product, ranks, groups, heard };
            Advertisement { header, unit, content: foreign.is_none().then_some(content) }
        })
    })
}

fn management() -> impl Strategy<Value = Management> {
    let owners = prop::collection::vec((group(), node()), 0..8);
    let members = prop::collection::vec((member(), name()), 0..16);
    (header(), any::<u64>(), owners, members).prop_map(|(header, term, owners, members)| {
        let mut owners: ByGroup<_> = owners.into_iter().collect();
        owners.set(GroupNumber::One, Some(header.sender.node));
        let mut serials = BTreeSet::from([header.serial]);
        let mut known = ByMember::default();
        for (member, serial) in members {
            let serial = serial.parse().unwrap();
            if serials.insert(serial) {
                known.set(member, Some(serial));
            }
        }
        known.set(header.sender, Some(header.serial));
        Management { header, term, owners, members: known }
    })
}

fn claim() -> impl Strategy<Value = Claim> {
    (header(), group(), any::<u16>(), non_zero(), id()).prop_flat_map(
        |(header, group, link_weight, nonce, echo)| {
            other(header.sender.node).prop_map(move |asked| Claim {
                header,
                group,
                asked,
                link_weight,
                nonce,
                echo,
            })
        },
    )
}

fn release() -> impl Strategy<Value = Release> {
    (header(), group(), prop::option::of(non_zero()), any::<u64>()).prop_flat_map(
        |(header, group, nonce, term)| {
            other(header.sender.node).prop_map(move |successor| Release {
                header,
                group,
                successor,
                nonce,
                term,
            })
        },
    )
}

/// Every message.
pub fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        3 => advertisement().prop_map(Message::Advertisement),
        1 => management().prop_map(Message::Management),
        1 => claim().prop_map(Message::Claim),
        1 => release().prop_map(Message::Release),
    ]
}
