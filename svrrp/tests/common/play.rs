//! One unit of a cluster under any sequence of messages, inputs, answers and times, and what must hold for all of them.
//! The fuzz target uses it too: bytes are a script, read from the front; where they end, it ends.

use core::time::Duration;
use ha_core::address::InterfaceAddress;
use ha_core::identity::{Designation, InterfaceId, PathId, SerialNumber};
use ha_core::machine::{ActionError, ActionId, Channel, Machine as _, Origin, Output};
use ha_core::monitor::Zone;
use ha_core::pair::Product;
use ha_core::time::Instant;
use svrrp::cluster::{ClusterConfig, Input, Standing};
use svrrp::virtual_address::{GroupAction, VirtualAddresses, VirtualInterface};
use svrrp::wire::{
    Advertisement, ByGroup, ByMember, Claim, Condition, Content, DatagramId, GroupEntry,
    GroupStance, Header, HeardEntry, OUR_PROTOCOL, Paths, Release, UnitReport, X0_PATH,
};
use svrrp::{ClusterUnit, GroupNumber, Member, Message, NodeNumber, Rank, RankTable};

/// So many steps of a script are played.
const STEPS: usize = 300;
/// More outputs than this for one input would never end.
const OUTPUTS: usize = 500;
/// The groups that are configured.
const GROUPS: [GroupNumber; 2] = [GroupNumber::One, GroupNumber::Two];
/// Ourselves, the other unit of our node, and the units of two other nodes.
const MEMBERS: [Member; 4] = [
    Member { node: NodeNumber::One, designation: Designation::Primary },
    Member { node: NodeNumber::One, designation: Designation::Secondary },
    Member { node: NodeNumber::Two, designation: Designation::Primary },
    Member { node: NodeNumber::Three, designation: Designation::Primary },
];

/// Plays a script from the start of a unit on. Returns how many takes there were, and how many withdrawals.
pub fn play(script: &[u8]) -> (usize, usize) {
    let mut game = Game::new();
    let mut script = Script(script);
    for _ in 0..STEPS {
        if game.step(&mut script).is_none() {
            break;
        }
        game.outputs();
    }
    game.moves
}

struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = usize::from(self.byte()?).checked_rem(all.len())?;
        all.get(at).copied()
    }
}

/// What another unit has said so far.
#[derive(Clone, Copy)]
struct Other {
    start: u64,
    number: u64,
}

struct Game {
    unit: ClusterUnit,
    now: Instant,
    others: [Other; 4],
    /// What it has sent last, by what number of each type, and what it has asked last.
    last: Option<DatagramId>,
    numbers: [u64; 4],
    asked: Option<Claim>,
    standing: Standing,
    pending: Vec<(ActionId, GroupAction)>,
    /// The addresses of these groups are there.
    holds: [bool; 2],
    moves: (usize, usize),
    version: u64,
}

fn serial(member: Member) -> SerialNumber {
    let letter = if member.designation == Designation::Primary { 'P' } else { 'S' };
    format!("SN-{}{letter}", member.node.get()).parse().expect("a short word")
}

fn product() -> Product {
    Product { model: "FW".parse().expect("a word"), firmware: "1".parse().expect("a word") }
}

fn config() -> ClusterConfig {
    let interface = InterfaceId(0);
    let mut addresses = VirtualAddresses::builder().groups(2).interface(VirtualInterface {
        interface,
        zone: Zone::Other,
        ports: 1,
    });
    for group in GROUPS {
        let address = InterfaceAddress::new([10, 0, 0, group.get()].into(), 24).expect("valid");
        addresses = addresses.address(interface, group, address);
    }
    let config = ClusterConfig::builder(MEMBERS[0], product(), 7)
        .ranks(1, ranks([1, 2, 3, 2, 1, 3]))
        .addresses(addresses.build().expect("valid"))
        .rhythm(Duration::from_millis(100), 3)
        .paths(2, true)
        .action_timeout(Duration::from_secs(1));
    let config = MEMBERS.iter().fold(config, |config, it| config.member(*it, serial(*it)));
    config.build().expect("valid")
}

fn ranks(ranks: [u8; 6]) -> RankTable {
    let mut table = RankTable::new();
    for (at, rank) in ranks.into_iter().enumerate() {
        table.set(GROUPS[at / 3], NodeNumber::ALL[at % 3], Rank::new(rank % 5));
    }
    table
}

impl Game {
    fn new() -> Self {
        let now = Instant::ZERO + Duration::from_secs(1);
        Self {
            unit: ClusterUnit::new(config(), now),
            now,
            others: [Other { start: 1, number: 0 }; 4],
            last: None,
            numbers: [0; 4],
            asked: None,
            standing: Standing::STARTING,
            pending: Vec::new(),
            holds: [false; 2],
            moves: (0, 0),
            version: 1,
        }
    }

    fn step(&mut self, script: &mut Script<'_>) -> Option<()> {
        match script.byte()? % 10 {
            0 | 1 => self.run_for(Duration::from_millis(u64::from(script.byte()?) * 4)),
            // It was held up, and time runs backwards.
            2 => {
                self.now = self.now + Duration::from_millis(u64::from(script.byte()?) * 20);
                self.unit.handle_timeout(self.now);
            }
            3 => {
                let back = Duration::from_millis(script.byte()?.into());
                let earlier = Instant::ZERO + self.now.saturating_since(Instant::ZERO + back);
                self.unit.handle_timeout(earlier);
            }
            4 | 5 => self.message(script)?,
            6 => {
                let raw = script.byte()?;
                let len = usize::from(raw).min(script.0.len());
                let mut bytes: Vec<u8> = script.0.iter().take(len).copied().collect();
                super::look::put_right(&mut bytes);
                let _ = self.deliver(script, &bytes);
            }
            7 => self.input(script)?,
            _ => self.answer(script)?,
        }
        Some(())
    }

    /// Nothing is due twice: after each deadline the next one is later.
    fn run_for(&mut self, length: Duration) {
        let end = self.now + length;
        while let Some(due) = self.unit.poll_timeout().filter(|it| it.at <= end) {
            self.now = due.at.max(self.now);
            self.unit.handle_timeout(self.now);
            self.outputs();
            let next = self.unit.poll_timeout();
            assert!(next.is_none_or(|next| next.at > self.now), "{next:?} again at {:?}", self.now);
        }
        self.now = end;
    }

    fn message(&mut self, script: &mut Script<'_>) -> Option<()> {
        let at = usize::from(script.byte()? % 4);
        let (kind, group) = (script.byte()?, script.one_of(&GROUPS)?);
        let other = self.others.get_mut(at)?;
        match kind >> 6 {
            // Another start; the same number again.
            0 => *other = Other { start: u64::from(kind) + 1, number: 1 },
            1 => {}
            _ => other.number += 1,
        }
        let (id, sender) = (DatagramId::new(other.start, other.number.max(1))?, MEMBERS[at]);
        let version = if kind & 8 == 0 { self.version } else { self.version + 1 };
        let header = Header {
            protocol: OUR_PROTOCOL,
            cluster: 0,
            sender,
            config_version: version,
            id,
            serial: serial(sender),
        };
        let echo = self.last.unwrap_or(id);
        let link_weight = u16::from(script.byte()?);
        let nonce = self.asked.filter(|it| it.group == group).map_or(echo.number, |it| it.nonce);
        let node = |byte: u8| NodeNumber::ALL[usize::from(byte % 4)];
        let message = match kind % 8 {
            0 => Message::Claim(Claim {
                header,
                group,
                asked: node(script.byte()?),
                link_weight,
                nonce,
                echo,
            }),
            1 | 2 => Message::Release(Release {
                header,
                group,
                successor: node(script.byte()?),
                nonce: Some(nonce).filter(|_| link_weight > 0),
                term: link_weight.into(),
            }),
            _ => self.advertisement(header, script, (group, link_weight, nonce, echo))?,
        };
        let mut bytes = [0; svrrp::wire::MAX_DATAGRAM_LEN];
        // What cannot be said at all is no message.
        if let Ok(len) = message.emit(&mut bytes) {
            self.deliver_from(script, sender, bytes.get(..len)?)?;
        }
        Some(())
    }

    fn advertisement(
        &self,
        header: Header,
        script: &mut Script<'_>,
        (group, link_weight, nonce, echo): (GroupNumber, u16, core::num::NonZeroU64, DatagramId),
    ) -> Option<Message> {
        let (flags, named) = (script.byte()?, script.byte()?);
        let node = |byte: u8| NodeNumber::ALL[usize::from(byte % 4)];
        let stance = match flags % 6 {
            0 => GroupStance::Idle,
            1 => GroupStance::Asking { owner: node(named), nonce },
            2 => GroupStance::Taking,
            3 => GroupStance::Owner,
            4 => GroupStance::Withdrawing { successor: Some(node(named)).filter(|_| named > 15) },
            _ => GroupStance::Released { successor: node(named), nonce },
        };
        let owner_seen = Some(node(named >> 2)).filter(|_| named & 64 == 0);
        let entry = GroupEntry { link_weight, stance, owner_seen, term: link_weight.into() };
        let groups: ByGroup<GroupEntry> = [(group, entry)].into_iter().collect();
        let mut heard = ByMember::default();
        if named & 128 == 0 {
            let paths = Paths::from_bits(u16::from(named & 3) | u16::from(flags & 64) << 9);
            heard.set(MEMBERS[0], Some(HeardEntry { paths, echo }));
        }
        let conditions =
            [Condition::Active, Condition::Active, Condition::Standby, Condition::Leaving];
        let condition = conditions[usize::from(flags >> 6)];
        Some(Message::Advertisement(Advertisement {
            header,
            unit: UnitReport {
                interval: Duration::from_millis(100),
                level: 3,
                condition,
                can_be_active: flags & 32 == 0,
                settling: flags & 16 != 0,
                trial: flags & 48 == 48,
            },
            content: Some(Content {
                product: Some(product()).filter(|_| flags & 8 == 0),
                ranks: ranks([named % 4, 2, 3, 2, 1, 3]),
                groups,
                heard,
            }),
        }))
    }

    fn deliver(&mut self, script: &mut Script<'_>, bytes: &[u8]) -> Option<()> {
        let sender = script.one_of(&MEMBERS)?;
        self.deliver_from(script, sender, bytes)
    }

    fn deliver_from(
        &mut self,
        script: &mut Script<'_>,
        sender: Member,
        bytes: &[u8],
    ) -> Option<()> {
        let path = script.one_of(&[PathId(0), PathId(1), X0_PATH, PathId(5)])?;
        let from = Origin { peer: sender.unit_id(), path, channel: Channel::Svrrp };
        let _ = self.unit.handle_datagram(self.now, from, bytes);
        Some(())
    }

    fn input(&mut self, script: &mut Script<'_>) -> Option<()> {
        let (kind, value) = (script.byte()?, script.byte()?);
        let input = match kind % 8 {
            0 => Input::Link { interface: InterfaceId(0), port: value % 2, up: value > 63 },
            1 => Input::Licensed(value > 63),
            2 => {
                self.version += u64::from(value > 63);
                let version = self.version;
                Input::Ranks { version, ranks: ranks([value, 2, 3, value / 5, 1, 3]) }
            }
            _ => {
                let settling = value & 4 != 0;
                let standings =
                    [Standing::ACTIVE, Standing::ACTIVE, Standing::STANDBY, Standing::STARTING];
                self.standing = Standing { settling, ..standings[usize::from(value % 4)] };
                Input::Condition(self.standing)
            }
        };
        let _ = self.unit.handle_input(self.now, input);
        Some(())
    }

    /// An action ends well or not, in any order. One that nobody asked for is as good as none.
    fn answer(&mut self, script: &mut Script<'_>) -> Option<()> {
        let value = script.byte()?;
        let outcome = if value < 200 { Ok(()) } else { Err(ActionError::Failed) };
        if self.pending.is_empty() {
            self.unit.handle_done(self.now, ActionId(value.into()), outcome);
            return Some(());
        }
        let (id, action) = self.pending.remove(usize::from(value) % self.pending.len());
        if let (GroupAction::WithdrawAddresses { group }, Ok(())) = (&action, outcome) {
            self.holds[group.index()] = false;
            self.moves.1 += 1;
        }
        self.unit.handle_done(self.now, id, outcome);
        Some(())
    }

    /// All outputs, and what must hold for each.
    fn outputs(&mut self) {
        let mut buf = [0; svrrp::wire::MAX_DATAGRAM_LEN];
        for _ in 0..OUTPUTS {
            match self.unit.poll_output(self.now, &mut buf) {
                None => return,
                Some(Output::Transmit { len, .. }) => self.sent(&buf[..len]),
                Some(Output::Action { id, action }) => {
                    if let GroupAction::TakeAddresses { group } = &action {
                        let condition = self.standing.condition;
                        assert_eq!(condition, Condition::Active, "NODE-4: takes {group}");
                        self.holds[group.index()] = true;
                        self.moves.0 += 1;
                    }
                    self.pending.push((id, action));
                }
                Some(Output::Event(event)) => drop(format!("{event}")),
            }
        }
        panic!("outputs without end");
    }

    /// It can be read, is ours, counts up among its type, and never denies addresses that are there.
    fn sent(&mut self, bytes: &[u8]) {
        let message = Message::parse(bytes).expect("what it sends can be read");
        let (id, sender) = (message.header().id, message.header().sender);
        assert_eq!(sender, MEMBERS[0]);
        let kind = match message {
            Message::Advertisement(_) => 0,
            Message::Management(_) => 1,
            Message::Claim(_) => 2,
            Message::Release(_) => 3,
        };
        assert!(self.last.is_none_or(|last| last.start == id.start));
        assert!(self.numbers[kind] <= id.number.get(), "numbers of a type count up");
        self.numbers[kind] = id.number.get();
        self.last = Some(id);
        match message {
            Message::Advertisement(it) => {
                for (group, entry) in it.content.iter().flat_map(|it| it.groups.iter()) {
                    let denied = self.holds[group.index()] && !entry.stance.holds();
                    assert!(!denied, "VG-5: says {:?} of {group}, and has it", entry.stance);
                }
            }
            Message::Release(it) => assert!(!self.holds[it.group.index()], "VG-5: {}", it.group),
            Message::Claim(it) => self.asked = Some(it),
            Message::Management(_) => {}
        }
    }
}
