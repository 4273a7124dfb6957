//! What arrives and should not: from ourselves, with wrong numbers, from a unit that is not active, and far too much.

use crate::{NODE_1, UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use core::time::Duration;
use ha_core::identity::{PathId, SerialNumber};
use ha_core::machine::{Channel, Origin};
use ha_core::pair::Product;
use ha_core::reject::Reject;
use sim::cluster::harness::World;
use sim::cluster::{Setup, member_of, serial};
use svrrp::cluster::Event;
use svrrp::wire::{
    Advertisement, ByGroup, ByMember, Condition, Content, DatagramId, GroupEntry, GroupStance,
    Header, OUR_PROTOCOL, UnitReport,
};
use svrrp::{GroupNumber, Message, RankTable};

/// Who an advertisement claims to be from.
#[derive(Clone, Copy)]
pub(crate) struct Sender {
    pub(crate) unit: usize,
    pub(crate) serial: SerialNumber,
    pub(crate) start: u64,
    pub(crate) number: u64,
    pub(crate) condition: Condition,
}

impl Sender {
    /// A start that nobody knows yet.
    pub(crate) fn of(unit: usize) -> Self {
        let condition = Condition::Active;
        Self { unit, serial: serial(member_of(unit)), start: 99, number: 1, condition }
    }
}

/// An owner of VG 1, by what it says.
pub(crate) fn advertisement(sender: &Sender) -> (Origin, Vec<u8>) {
    let entry =
        GroupEntry { link_weight: 9, stance: GroupStance::Owner, owner_seen: None, term: 1 };
    let groups: ByGroup<GroupEntry> = [(GroupNumber::One, entry)].into_iter().collect();
    let product = Product { model: "FW-100".parse().unwrap(), firmware: "7.1.2".parse().unwrap() };
    let message = Message::Advertisement(Advertisement {
        header: Header {
            protocol: OUR_PROTOCOL,
            cluster: 0,
            sender: member_of(sender.unit),
            config_version: 0,
            id: DatagramId::new(sender.start, sender.number).unwrap(),
            serial: sender.serial,
        },
        unit: UnitReport {
            interval: Duration::from_millis(100),
            level: 5,
            condition: sender.condition,
            can_be_active: true,
            settling: false,
            trial: false,
        },
        content: Some(Content {
            product: Some(product),
            ranks: RankTable::new(),
            groups,
            heard: ByMember::default(),
        }),
    });
    let mut bytes = vec![0; 512];
    let len = message.emit(&mut bytes).unwrap();
    bytes.truncate(len);
    let peer = member_of(sender.unit).unit_id();
    (Origin { peer, path: PathId(0), channel: Channel::Svrrp }, bytes)
}

/// NODE-7: what we sent ourselves comes back: refused, and nothing of it is believed.
#[test]
fn from_ourselves() {
    let mut world = World::settled(setup(2, 1));
    let begin = world.now();
    let (from, bytes) = advertisement(&Sender::of(UNIT_1));
    assert_eq!(world.inject(UNIT_1, from, &bytes), Err(Reject::Reflected));
    world.run_for(secs(2));
    assert_eq!(world.takes(VG_1, begin), []);
    assert!(world.events(UNIT_1, begin).is_empty());
}

/// NODE-7: another unit has our number: both report it, once a minute.
#[test]
fn our_number_with_another_serial() {
    let mut world = World::settled(setup(2, 1));
    let begin = world.now();
    let twin: SerialNumber = "SN-TWIN".parse().unwrap();
    for number in 1..=20 {
        let sender = Sender { serial: twin, number, ..Sender::of(UNIT_1) };
        let (from, bytes) = advertisement(&sender);
        assert_eq!(world.inject(UNIT_1, from, &bytes), Err(Reject::Serial));
        world.run_for(ms(100));
    }
    assert_eq!(world.events(UNIT_1, begin), [Event::SameNumber { serial: Some(twin) }]);
    assert_eq!(world.owner(VG_1), Some(NODE_1));
}

/// NODE-7: it says that it is one unit, and comes from another one, or over a path or channel that there is not.
#[test]
fn from_elsewhere_than_it_says() {
    let mut world = World::settled(setup(3, 1));
    let (from, bytes) = advertisement(&Sender::of(UNIT_2));
    let elsewhere = [
        (Origin { peer: member_of(4).unit_id(), ..from }, Reject::UnknownPeer),
        (Origin { path: PathId(9), ..from }, Reject::UnknownPath),
        (Origin { channel: Channel::Pair, ..from }, Reject::UnknownChannel),
    ];
    for (from, reject) in elsewhere {
        assert_eq!(world.inject(UNIT_1, from, &bytes), Err(reject));
    }
}

/// SVRRP-4, CRASH-4: a start that is not proven does not displace one that is heard.
#[test]
fn a_start_that_is_not_proven() {
    let mut world = World::settled(setup(2, 1));
    let begin = world.now();
    let (from, bytes) = advertisement(&Sender::of(UNIT_2));
    assert_eq!(world.inject(UNIT_1, from, &bytes), Err(Reject::UnprovenStart));
    world.run_for(secs(2));
    assert_eq!(world.takes(VG_1, begin), []);
}

/// NODE-4: what a unit says that is not its node's active one counts for monitoring only: it owns nothing.
#[test]
fn from_a_unit_that_is_not_active() {
    let setup = Setup { pairs: [false, true, false, false], ..setup(2, 1) };
    let mut world = World::unpowered(setup);
    world.start(UNIT_1);
    world.until_owned(VG_1, NODE_1, secs(1));
    world.run_for(ms(1));
    let begin = world.now();
    for number in 1..=20 {
        let condition = Condition::Standby;
        let (from, bytes) = advertisement(&Sender { number, condition, ..Sender::of(3) });
        assert_eq!(world.inject(UNIT_1, from, &bytes), Ok(()));
        world.run_for(ms(100));
    }
    assert_eq!(world.takes(VG_1, begin), []);
    assert_eq!(world.owner(VG_1), Some(NODE_1));
}

/// SVRRP-4: floods at 100 times the rate, of garbage, of copies and of strangers, move nothing and hide nothing.
#[test]
fn floods() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    let begin = world.now();
    let stranger = Sender { serial: "SN-77".parse().unwrap(), ..Sender::of(UNIT_2) };
    let (from, copy) = advertisement(&Sender::of(UNIT_2));
    for number in 1..=3000 {
        let (_, bytes) = advertisement(&Sender { number, ..stranger });
        assert!(world.inject(UNIT_1, from, &bytes).is_err());
        assert!(world.inject(UNIT_1, from, &copy).is_err());
        assert!(world.inject(UNIT_1, from, &bytes[..bytes.len() / 2]).is_err());
        world.run_for(ms(1));
    }
    assert_eq!(world.takes(VG_1, begin), []);
    world.port(UNIT_1, 0, 0, false);
    world.until_owned(VG_1, crate::NODE_2, secs(1));
    world.crash(UNIT_2);
    world.until_owned(VG_1, NODE_1, secs(1));
}
