//! One unit by itself: all the others are played by hand, datagram by datagram.

// Tests say plainly what they expect, and so do their helpers.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic)]

use crate::{VG_1, ms, secs};
use core::num::NonZeroU64;
use core::time::Duration;
use ha_core::identity::{InterfaceId, PathId};
use ha_core::machine::{ActionId, Channel, Machine as _, Origin, Output};
use ha_core::pair::Product;
use ha_core::reject::Reject;
use ha_core::time::Instant;
use sim::cluster::{Setup, member_of, serial};
use svrrp::cluster::{ClusterUnit, Event, Input, Standing};
use svrrp::election::Stance;
use svrrp::wire::{
    Advertisement, ByMember, Claim, Condition, Content, DatagramId, GroupEntry, GroupStance,
    Header, HeardEntry, OUR_PROTOCOL, Paths, Release, UnitReport, X0_PATH,
};
use svrrp::{Member, Message, NodeNumber, RankTable};

/// The unit that is real.
pub(crate) struct Alone {
    pub(crate) unit: ClusterUnit,
    pub(crate) now: Instant,
    pub(crate) said: Vec<Message>,
    pub(crate) events: Vec<Event>,
    /// Its platform answers at once; else its actions wait here.
    pub(crate) answers: bool,
    pub(crate) running: Vec<ActionId>,
}

impl Alone {
    /// It starts as this, with all of its ports up.
    pub(crate) fn start(setup: Setup, own: usize, standing: Standing) -> Self {
        Self::start_of(setup, own, standing, 7)
    }

    /// The same with this seed.
    pub(crate) fn start_of(setup: Setup, own: usize, standing: Standing, seed: u64) -> Self {
        let now = Instant::from_millis(1000);
        let config = setup.cluster_config(member_of(own), seed, setup.settings());
        let unit = ClusterUnit::new(config, now);
        let (said, events, running) = (Vec::new(), Vec::new(), Vec::new());
        let mut it = Self { unit, now, said, events, answers: true, running };
        it.input(Input::Condition(standing));
        (0..setup.interfaces).for_each(|interface| it.port(interface, true));
        it
    }

    /// It starts as the active unit of its node, and nobody else is there: it owns VG 1 soon.
    pub(crate) fn owner(setup: Setup, own: usize) -> Self {
        let mut it = Self::start(setup, own, Standing::ACTIVE);
        it.run_for(secs(2));
        assert_eq!(it.stance(), Stance::Owner);
        it.events.clear();
        it
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.unit.handle_input(self.now, input).unwrap();
        self.pump();
    }

    pub(crate) fn port(&mut self, interface: u8, up: bool) {
        self.input(Input::Link { interface: InterfaceId(interface.into()), port: 0, up });
    }

    pub(crate) fn stance(&self) -> Stance {
        self.unit.stance(VG_1)
    }

    /// Its last advertisement.
    pub(crate) fn last(&self) -> Advertisement {
        let mut said = self.said.iter().rev();
        let last = said.find_map(|it| match it {
            Message::Advertisement(it) => Some(*it),
            _ => None,
        });
        last.unwrap()
    }

    /// What that says of VG 1.
    pub(crate) fn entry(&self) -> GroupEntry {
        *self.last().content.unwrap().groups.get(VG_1).unwrap()
    }

    /// What it asked in its last claim.
    pub(crate) fn nonce(&self) -> NonZeroU64 {
        let GroupStance::Asking { nonce, .. } = self.entry().stance else {
            panic!("{:?}", self.entry())
        };
        nonce
    }

    pub(crate) fn run_for(&mut self, length: Duration) {
        let end = self.now + length;
        while let Some(next) = self.unit.poll_timeout().filter(|next| next.at <= end) {
            self.now = self.now.max(next.at);
            self.unit.handle_timeout(self.now);
            self.pump();
        }
        self.now = end;
    }

    /// What its platform was doing is done.
    pub(crate) fn answer(&mut self) {
        for id in core::mem::take(&mut self.running) {
            self.unit.handle_done(self.now, id, Ok(()));
        }
        self.pump();
    }

    fn pump(&mut self) {
        let mut buf = [0; 512];
        while let Some(output) = self.unit.poll_output(self.now, &mut buf) {
            match output {
                Output::Transmit { len, .. } => {
                    self.said.push(Message::parse(&buf[..len]).unwrap())
                }
                Output::Event(event) => self.events.push(event),
                Output::Action { id, .. } if self.answers => {
                    self.unit.handle_done(self.now, id, Ok(()));
                }
                Output::Action { id, .. } => self.running.push(id),
            }
        }
    }

    /// It hears this on the first cluster link.
    pub(crate) fn hear_on_link(&mut self, message: &Message) -> Result<(), Reject> {
        self.hear(message, PathId(0))
    }

    fn hear(&mut self, message: &Message, path: PathId) -> Result<(), Reject> {
        let mut bytes = [0; 512];
        let len = message.emit(&mut bytes).unwrap();
        let peer = message.header().sender.unit_id();
        let from = Origin { peer, path, channel: Channel::Svrrp };
        let result = self.unit.handle_datagram(self.now, from, &bytes[..len]);
        self.pump();
        result
    }
}

/// A unit that is played: what it says next.
#[derive(Clone)]
pub(crate) struct Played {
    pub(crate) member: Member,
    pub(crate) start: u64,
    pub(crate) number: u64,
    pub(crate) unit: UnitReport,
    pub(crate) entry: GroupEntry,
    pub(crate) version: u64,
    pub(crate) ranks: RankTable,
    pub(crate) heard: ByMember<HeardEntry>,
}

impl Played {
    /// An active unit that hears nobody and has no link up.
    pub(crate) fn of(setup: Setup, unit: usize) -> Self {
        let settings = setup.settings();
        let report = UnitReport {
            interval: setup.interval,
            level: setup.level,
            condition: Condition::Active,
            can_be_active: true,
            settling: false,
            trial: false,
        };
        let idle = GroupStance::Idle;
        Self {
            member: member_of(unit),
            start: 1000 + unit as u64,
            number: 0,
            unit: report,
            entry: GroupEntry { link_weight: 0, stance: idle, owner_seen: None, term: 1 },
            version: settings.version,
            ranks: settings.ranks,
            heard: ByMember::default(),
        }
    }

    /// It owns VG 1, with so many links up.
    pub(crate) fn owning(setup: Setup, unit: usize, link_weight: u16) -> Self {
        let mut it = Self::of(setup, unit);
        it.entry.link_weight = link_weight;
        it.stands(GroupStance::Owner);
        it
    }

    /// What it has to do with VG 1.
    pub(crate) fn stands(&mut self, stance: GroupStance) {
        self.entry.stance = stance;
        let holds = matches!(stance, GroupStance::Owner | GroupStance::Taking);
        self.entry.owner_seen = holds.then_some(self.member.node);
    }

    /// From now on it says that it hears this datagram last.
    pub(crate) fn hears(&mut self, member: Member, echo: DatagramId) {
        let mut paths = Paths::NONE;
        paths.insert(PathId(0));
        self.heard.set(member, Some(HeardEntry { paths, echo }));
    }

    /// From now on it says that it has heard all that the unit said.
    pub(crate) fn hears_all(&mut self, of: &Alone) {
        let header = of.last().header;
        self.hears(header.sender, header.id);
    }

    fn header(&mut self) -> Header {
        self.number += 1;
        Header {
            protocol: OUR_PROTOCOL,
            cluster: 0,
            sender: self.member,
            config_version: self.version,
            id: DatagramId::new(self.start, self.number).unwrap(),
            serial: serial(self.member),
        }
    }

    /// It advertises itself to that unit.
    pub(crate) fn says(&mut self, to: &mut Alone) -> Result<(), Reject> {
        let product =
            Product { model: "FW-100".parse().unwrap(), firmware: "7.1.2".parse().unwrap() };
        let content = Content {
            product: Some(product),
            ranks: self.ranks,
            groups: [(VG_1, self.entry)].into_iter().collect(),
            heard: self.heard,
        };
        let (header, unit) = (self.header(), self.unit);
        let message =
            Message::Advertisement(Advertisement { header, unit, content: Some(content) });
        to.hear(&message, if unit.trial { X0_PATH } else { PathId(0) })
    }

    /// It asks that unit for VG 1, and echoes the last that it has heard.
    pub(crate) fn asks(&mut self, to: &mut Alone, nonce: u64) -> Result<(), Reject> {
        let (header, of) = (self.header(), to.last().header);
        let nonce = NonZeroU64::new(nonce).unwrap();
        let (asked, echo) = (of.sender.node, of.id);
        let claim = Claim { header, group: VG_1, asked, link_weight: 0, nonce, echo };
        to.hear(&Message::Claim(claim), PathId(0))
    }

    /// It releases VG 1 to that node.
    pub(crate) fn releases(
        &mut self,
        to: &mut Alone,
        successor: NodeNumber,
        nonce: NonZeroU64,
    ) -> Result<(), Reject> {
        let (header, nonce) = (self.header(), Some(nonce));
        let release = Release { header, group: VG_1, successor, nonce, term: 1 };
        to.hear(&Message::Release(release), PathId(0))
    }
}

/// A new advertisement of the real one after `length`, during which these say again what they say.
pub(crate) fn go_on(alone: &mut Alone, others: &mut [&mut Played], length: Duration) {
    let end = alone.now + length;
    while alone.now < end {
        alone.run_for(ms(50));
        for other in &mut *others {
            other.says(alone).unwrap();
        }
    }
}
