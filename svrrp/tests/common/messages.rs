//! The messages that the vectors stand for, said in Rust.

use core::num::NonZeroU64;
use core::time::Duration;
use ha_core::identity::Designation::{self, Primary, Secondary};
use ha_core::pair::{Product, ProtocolRange};
use svrrp::wire::{
    Advertisement, Claim, Condition, Content, DatagramId, GroupEntry, GroupStance, Header,
    HeardEntry, Management, OUR_PROTOCOL, Paths, Release, UnitReport,
};
use svrrp::{GroupNumber, Member, Message, NodeNumber, Rank, RankTable};

/// The messages that are taken, by the names of their vectors. Those that are written in another form than they
/// were read stand for what is written.
pub fn expected(name: &str) -> Message {
    match name {
        "advertisement-minimal" => Message::Advertisement(minimal()),
        "advertisement-trial" => Message::Advertisement(trial()),
        "advertisement-full" => Message::Advertisement(full()),
        "advertisement-limits" => Message::Advertisement(limits()),
        "advertisement-foreign-bare" => Message::Advertisement(foreign()),
        "management-full" => Message::Management(eight_members()),
        "management-one-member" => Message::Management(one_member()),
        "claim" => Message::Claim(claim()),
        "release" => Message::Release(release()),
        "release-unasked" => Message::Release(Release { nonce: None, ..release() }),
        other => panic!("nobody said what {other} means"),
    }
}

pub fn node(number: u8) -> NodeNumber {
    NodeNumber::new(number).unwrap()
}

pub fn group(number: u8) -> GroupNumber {
    GroupNumber::new(number).unwrap()
}

pub fn member(number: u8, designation: Designation) -> Member {
    Member { node: node(number), designation }
}

pub fn id(start: u64, number: u64) -> DatagramId {
    DatagramId::new(start, number).unwrap()
}

pub fn nonce(nonce: u64) -> NonZeroU64 {
    NonZeroU64::new(nonce).unwrap()
}

pub fn ranks(table: [[u8; 4]; 4]) -> RankTable {
    let mut ranks = RankTable::new();
    for (group, row) in GroupNumber::ALL.into_iter().zip(table) {
        for (node, rank) in NodeNumber::ALL.into_iter().zip(row) {
            ranks.set(group, node, Rank::new(rank));
        }
    }
    ranks
}

/// Of node 1's Primary, its thousandth datagram.
pub fn header() -> Header {
    Header {
        protocol: OUR_PROTOCOL,
        cluster: 7,
        sender: member(1, Primary),
        config_version: 42,
        id: id(0x1122_3344_5566_7788, 1000),
        serial: "SN-0001".parse().unwrap(),
    }
}

fn unit(condition: Condition) -> UnitReport {
    UnitReport {
        interval: Duration::from_secs(1),
        level: 5,
        condition,
        can_be_active: false,
        settling: false,
        trial: false,
    }
}

/// A unit of a new cluster that just started.
pub fn minimal() -> Advertisement {
    Advertisement {
        header: Header { config_version: 0, id: id(0x1122_3344_5566_7788, 1), ..header() },
        unit: unit(Condition::Starting),
        content: Some(Content::default()),
    }
}

/// A copy of the next one, over X0, which nobody needs there.
pub fn trial() -> Advertisement {
    let minimal = minimal();
    Advertisement {
        header: Header { id: id(0x1122_3344_5566_7788, 2), ..minimal.header },
        unit: UnitReport { trial: true, ..minimal.unit },
        ..minimal
    }
}

/// An active unit with four groups that hears the seven others.
pub fn full() -> Advertisement {
    let entry = |link_weight, stance, owner_seen: u8, term| GroupEntry {
        link_weight,
        stance,
        owner_seen: NodeNumber::new(owner_seen),
        term,
    };
    let asking = GroupStance::Asking { owner: node(2), nonce: nonce(0xa1a2_a3a4_a5a6_a7a8) };
    let withdrawing = GroupStance::Withdrawing { successor: Some(node(3)) };
    let released =
        GroupStance::Released { successor: node(4), nonce: nonce(0xb1b2_b3b4_b5b6_b7b8) };
    let heard = |number: u8, designation: Designation, paths| {
        let unit = u64::from(designation == Secondary);
        let start = (u64::from(number) << 56) + unit + 1;
        let echo = id(start, 1000 * u64::from(number) + unit);
        (member(number, designation), HeardEntry { paths: Paths::from_bits(paths), echo })
    };
    let content = Content {
        product: Some(Product {
            model: "FW-100".parse().unwrap(),
            firmware: "7.1.2".parse().unwrap(),
        }),
        ranks: ranks([[1, 2, 3, 4], [4, 1, 2, 3], [3, 4, 1, 2], [2, 3, 4, 1]]),
        groups: [
            (group(1), entry(5, GroupStance::Owner, 1, 9)),
            (group(2), entry(4, asking, 2, 3)),
            (group(3), entry(3, withdrawing, 1, 6)),
            (group(4), entry(2, released, 0, 8)),
        ]
        .into_iter()
        .collect(),
        heard: [
            heard(1, Secondary, 0b11),
            heard(2, Primary, 0b11),
            heard(2, Secondary, 0b01),
            heard(3, Primary, 0b10),
            heard(3, Secondary, 1 << 15),
            heard(4, Primary, 0),
            heard(4, Secondary, (1 << 14) | 1),
        ]
        .into_iter()
        .collect(),
    };
    let unit = UnitReport { can_be_active: true, ..unit(Condition::Active) };
    Advertisement { header: header(), unit, content: Some(content) }
}

/// Values at their ends, and the stances that the others do not have.
pub fn limits() -> Advertisement {
    let longest = |letter: &str| letter.repeat(32);
    let header = Header {
        cluster: u16::MAX,
        sender: member(4, Secondary),
        config_version: u64::MAX,
        id: id(1, u64::MAX),
        serial: longest("S").parse().unwrap(),
        ..header()
    };
    let unit = UnitReport {
        interval: Duration::from_millis(10),
        level: 99,
        settling: true,
        ..unit(Condition::Leaving)
    };
    let taking = GroupEntry {
        link_weight: u16::MAX,
        stance: GroupStance::Taking,
        owner_seen: Some(node(4)),
        term: u64::MAX,
    };
    let withdrawing = GroupEntry {
        link_weight: 1,
        stance: GroupStance::Withdrawing { successor: None },
        owner_seen: Some(node(3)),
        term: 2,
    };
    let heard = HeardEntry { paths: Paths::from_bits(u16::MAX), echo: id(u64::MAX, u64::MAX) };
    let content = Content {
        product: Some(Product {
            model: longest("M").parse().unwrap(),
            firmware: longest("v").parse().unwrap(),
        }),
        ranks: ranks([[1, 1, 0, 0], [0, 255, 0, 255], [0; 4], [7; 4]]),
        groups: [(group(1), GroupEntry::default()), (group(3), taking), (group(4), withdrawing)]
            .into_iter()
            .collect(),
        heard: [(member(1, Primary), heard)].into_iter().collect(),
    };
    Advertisement { header, unit, content: Some(content) }
}

/// Of a protocol that we do not speak.
pub fn foreign() -> Advertisement {
    Advertisement {
        header: Header { protocol: ProtocolRange { oldest: 2, newest: 3 }, ..header() },
        unit: UnitReport { can_be_active: true, ..unit(Condition::Standby) },
        content: None,
    }
}

/// Each node owns a group.
pub fn eight_members() -> Management {
    let serial = |member: Member| format!("SN-{:04}", member.index() + 1).parse().unwrap();
    Management {
        header: header(),
        term: 9,
        owners: GroupNumber::ALL.into_iter().zip(NodeNumber::ALL).collect(),
        members: Member::all().map(|member| (member, serial(member))).collect(),
    }
}

/// A cluster of one unit.
pub fn one_member() -> Management {
    Management {
        header: header(),
        term: 1,
        owners: [(group(1), node(1))].into_iter().collect(),
        members: [(member(1, Primary), header().serial)].into_iter().collect(),
    }
}

/// Node 2 asks node 1 for VG 2.
pub fn claim() -> Claim {
    Claim {
        header: Header {
            sender: member(2, Primary),
            id: id(0x2122_3344_5566_7788, 77),
            serial: "SN-0003".parse().unwrap(),
            ..header()
        },
        group: group(2),
        asked: node(1),
        link_weight: 3,
        nonce: nonce(0x00ab_cdef),
        echo: header().id,
    }
}

/// Node 1 grants that.
pub fn release() -> Release {
    Release {
        header: header(),
        group: group(2),
        successor: node(2),
        nonce: Some(nonce(0x00ab_cdef)),
        term: 4,
    }
}
