//! The kernel's connection table, written, read and followed. Needs root; skipped in the open without.

// Helpers of tests may say plainly what they expect, as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]

mod linux_support;

use linux_firewall::conntrack::{
    ConntrackError, Event, Events, Injector, STANDBY_TIMEOUT, Scope, Table, enable_events,
};
use linux_support::{connection, in_namespace, tcp, to};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, ConntrackMessage, IPTuple, ProtoInfo, ProtoInfoTCP, ProtoTuple, Protocol,
    Tuple,
};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use statesync::connection::{Connection, ConnectionKey, TcpPhase, Transport};
use statesync::records::Change;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// Everything in the table; the time-outs apart, because they run.
fn table() -> (BTreeMap<ConnectionKey, Connection>, Vec<u32>) {
    let mut connections = BTreeMap::new();
    let mut timeouts = Vec::new();
    let visited = Table::open()
        .unwrap()
        .dump(&Scope::default(), |mut connection| {
            timeouts.push(std::mem::take(&mut connection.state.timeout));
            connections.insert(connection.key, connection);
        })
        .unwrap();
    assert_eq!(visited, timeouts.len());
    (connections, timeouts)
}

fn install(injector: &mut Injector, changes: &[Change]) -> usize {
    let installed = injector.install(changes).unwrap();
    assert!(installed.failed.is_empty(), "{:?}", installed.failed);
    assert_eq!(installed.applied, changes.len());
    installed.repaired
}

/// One connection of each kind that the record can hold.
fn samples() -> Vec<Connection> {
    let v4 = |transport| {
        connection("10.1.0.5".parse().unwrap(), "192.0.2.1".parse().unwrap(), transport)
    };
    let v6 = |transport| {
        connection("2001:db8:1::5".parse().unwrap(), "2001:db8:2::1".parse().unwrap(), transport)
    };
    let ports = |source| Transport::Tcp { source, destination: 443 };
    let mut samples = vec![
        v4(ports(1000)),
        v4(Transport::Udp { source: 1000, destination: 53 }),
        v4(Transport::Icmp { id: 77, kind: 8, code: 0 }),
        v4(Transport::Other { protocol: 47, source: 3, destination: 4 }),
        v4(Transport::Other { protocol: 132, source: 5, destination: 6 }),
        v4(Transport::Other { protocol: 50, source: 0, destination: 0 }),
        v6(ports(1000)),
        v6(Transport::Udp { source: 1000, destination: 53 }),
        v6(Transport::Icmpv6 { id: 78, kind: 128, code: 0 }),
        v6(Transport::Other { protocol: 50, source: 0, destination: 0 }),
    ];
    for (number, phase) in
        [TcpPhase::SynSent, TcpPhase::SynReceived, TcpPhase::FinWait, TcpPhase::CloseWait]
            .into_iter()
            .chain([TcpPhase::LastAck, TcpPhase::TimeWait, TcpPhase::Close, TcpPhase::SynSent2])
            .enumerate()
    {
        let mut sample = v4(ports(1100 + number as u16));
        sample.state.tcp.as_mut().unwrap().phase = phase;
        samples.push(sample);
    }
    let mut marked = v4(ports(1001));
    marked.state.mark = 0xfeed_0001;
    let mut source = v4(ports(1002));
    source.state.source_nat = to("198.51.100.1", 40_000);
    let mut same_port = v4(ports(1003));
    same_port.state.source_nat = to("198.51.100.1", 1003);
    let mut destination = v4(ports(1004));
    destination.state.destination_nat = to("172.16.0.9", 8443);
    let mut both = v4(Transport::Udp { source: 1005, destination: 53 });
    both.state.source_nat = to("198.51.100.1", 40_001);
    both.state.destination_nat = to("172.16.0.9", 5353);
    both.state.mark = 7;
    let mut ping = v4(Transport::Icmp { id: 100, kind: 8, code: 0 });
    ping.state.source_nat = to("198.51.100.1", 200);
    let mut forwarded_ping = v4(Transport::Icmp { id: 101, kind: 8, code: 0 });
    forwarded_ping.state.destination_nat = to("172.16.0.9", 101);
    let mut tunnel = v4(Transport::Other { protocol: 51, source: 0, destination: 0 });
    tunnel.state.source_nat = to("198.51.100.1", 0);
    let mut v6_source = v6(ports(1006));
    v6_source.state.source_nat = to("2001:db8:ffff::1", 40_002);
    let mut v6_ping = v6(Transport::Icmpv6 { id: 102, kind: 128, code: 0 });
    v6_ping.state.destination_nat = to("2001:db8:3::1", 102);
    let mut one_way = v4(Transport::Udp { source: 1007, destination: 514 });
    one_way.state.seen_reply = false;
    one_way.state.assured = false;
    let mut answered = v4(Transport::Udp { source: 1008, destination: 514 });
    answered.state.assured = false;
    samples.extend([marked, source, same_port, destination, both, ping, forwarded_ping, tunnel]);
    samples.extend([v6_source, v6_ping, one_way, answered]);
    samples
}

/// STATE-1, STATE-15: what the Standby puts into its kernel is what the kernel then holds, for every
/// protocol, with NAT, mark and TCP state, and does not expire soon.
#[test]
fn the_kernel_holds_what_was_injected() {
    in_namespace(|| {
        let samples = samples();
        let mut injector = Injector::open().unwrap();
        let changes: Vec<_> = samples.iter().copied().map(Change::New).collect();
        assert_eq!(install(&mut injector, &changes), 0);
        let (held, timeouts) = table();
        for sample in &samples {
            let mut expected = *sample;
            expected.state.timeout = 0;
            assert_eq!(held.get(&sample.key), Some(&expected));
        }
        assert_eq!(held.len(), samples.len());
        assert!(timeouts.iter().all(|timeout| timeout.abs_diff(STANDBY_TIMEOUT) < 60));
    });
}

/// STATE-7: changes that come again change nothing more; another incarnation replaces the first.
#[test]
fn a_new_connection_replaces_the_entry_under_its_key() {
    in_namespace(|| {
        let mut injector = Injector::open().unwrap();
        let mut first = tcp(1);
        first.state.source_nat = to("198.51.100.1", 40_000);
        let mut second = first;
        second.state.source_nat = to("198.51.100.2", 50_000);
        second.state.mark = 3;
        assert_eq!(install(&mut injector, &[Change::New(first)]), 0);
        assert_eq!(install(&mut injector, &[Change::New(second)]), 1);
        assert_eq!(table().0.get(&first.key), Some(&second));
        assert_eq!(install(&mut injector, &[Change::New(second)]), 1);
        assert_eq!(table().0.len(), 1);
        // A later change of the same key in the same batch wins over the second attempt.
        let changes = [Change::New(first), Change::Delete(first.key)];
        assert_eq!(install(&mut injector, &changes), 0);
        assert!(table().0.is_empty());
        assert_eq!(install(&mut injector, &[Change::New(first)]), 0);
        let mut updated = second;
        updated.state.mark = 4;
        assert_eq!(install(&mut injector, &[Change::New(second), Change::Update(updated)]), 1);
        assert_eq!(table().0.get(&first.key), Some(&updated));
    });
}

/// STATE-5: an update changes state and mark of an entry with NAT, and creates what is missing.
#[test]
fn an_update_changes_what_can_change_and_creates_what_is_missing() {
    in_namespace(|| {
        let mut injector = Injector::open().unwrap();
        let mut open = tcp(1);
        open.state.source_nat = to("198.51.100.1", 40_000);
        install(&mut injector, &[Change::New(open)]);
        let mut closing = open;
        closing.state.mark = 9;
        closing.state.tcp.as_mut().unwrap().phase = TcpPhase::FinWait;
        closing.state.tcp.as_mut().unwrap().original.flags = 7;
        assert_eq!(install(&mut injector, &[Change::Update(closing)]), 0);
        assert_eq!(table().0.get(&open.key), Some(&closing));
        // Without TCP state: the kernel keeps what it knows.
        let mut unmarked = closing;
        unmarked.state.tcp = None;
        unmarked.state.mark = 0;
        assert_eq!(install(&mut injector, &[Change::Update(unmarked)]), 0);
        let held = table().0[&open.key];
        assert_eq!((held.state.mark, held.state.tcp), (0, closing.state.tcp));
        // A record that has seen less than the entry does not take it back, and is no failure.
        let mut half_open = tcp(2);
        install(&mut injector, &[Change::New(half_open)]);
        half_open.state.tcp.as_mut().unwrap().phase = TcpPhase::SynReceived;
        half_open.state.assured = false;
        assert_eq!(install(&mut injector, &[Change::Update(half_open)]), 1);
        assert!(table().0[&half_open.key].state.assured);
        // Missing: created, NAT included.
        let mut missing = tcp(3);
        missing.state.source_nat = to("198.51.100.1", 40_003);
        assert_eq!(install(&mut injector, &[Change::Update(missing)]), 1);
        assert_eq!(table().0.get(&missing.key), Some(&missing));
    });
}

/// STATE-7: a deletion removes one entry and no other; without an entry it is done already.
#[test]
fn a_deletion_removes_one_entry() {
    in_namespace(|| {
        let mut injector = Injector::open().unwrap();
        let changes: Vec<_> = (0..500).map(tcp).map(Change::New).collect();
        install(&mut injector, &changes);
        let gone: Vec<_> = (100..200).map(|number| Change::Delete(tcp(number).key)).collect();
        assert_eq!(install(&mut injector, &gone), 0);
        assert_eq!(install(&mut injector, &gone), 0);
        let (held, _) = table();
        assert_eq!(held.len(), 400);
        assert!(!held.contains_key(&tcp(150).key) && held.contains_key(&tcp(200).key));
    });
}

/// VG-7: the connections of a group are forgotten by their mark, and no others.
#[test]
fn connections_with_a_mark_are_forgotten() {
    in_namespace(|| {
        let mut injector = Injector::open().unwrap();
        let changes: Vec<_> = samples().into_iter().map(Change::New).collect();
        install(&mut injector, &changes);
        let (before, _) = table();
        let marked = |it: &&Connection| it.state.mark == 7;
        let count = before.values().filter(marked).count();
        assert!(count > 0);
        injector.forget_marked(NonZeroU32::new(7).unwrap()).unwrap();
        let (after, _) = table();
        assert_eq!(after.len(), before.len() - count);
        assert_eq!(after.values().filter(marked).count(), 0);
        injector.forget_marked(NonZeroU32::new(8).unwrap()).unwrap();
        assert_eq!(table().0, after, "nothing has that mark");
    });
}

/// A change that the kernel refuses is named, and the others of its batch are in force.
#[test]
fn a_refused_change_is_named() {
    in_namespace(|| {
        let mut injector = Injector::open().unwrap();
        let mut odd = tcp(1);
        // No query: nothing answers a destination that is unreachable.
        odd.key.transport = Transport::Icmp { id: 1, kind: 3, code: 0 };
        odd.state.tcp = None;
        let installed = injector
            .install(&[Change::New(tcp(0)), Change::New(odd), Change::New(tcp(2))])
            .unwrap();
        assert_eq!((installed.applied, installed.repaired), (2, 0));
        assert_eq!(installed.failed.len(), 1);
        assert_eq!(installed.failed[0].key, odd.key);
        assert_eq!(table().0.len(), 2);
    });
}

/// STATE-15: entries get their own time-outs back at take-over.
#[test]
fn timeouts_are_given_back() {
    in_namespace(|| {
        let mut injector = Injector::open().unwrap();
        let changes: Vec<_> = (0..300).map(tcp).map(Change::New).collect();
        install(&mut injector, &changes);
        let before = table().0;
        let gone = (tcp(1000).key, 100);
        let timeouts = (0..300).map(|number| (tcp(number).key, 3600)).chain([gone]);
        assert_eq!(injector.set_timeouts(timeouts).unwrap(), 300);
        assert!(table().1.iter().all(|timeout| (3590..=3600).contains(timeout)));
        assert_eq!(table().0, before, "nothing else changes");
    });
}

/// PAIR-16: no sequence window is checked for what was imported, by a new connection or an update, nor
/// for what was tracked here before a demotion: stale windows would kill the connections.
#[test]
fn windows_are_not_checked() {
    in_namespace(|| {
        let mut injector = Injector::open().unwrap();
        track(2000);
        track(2001);
        let mut tracked = tcp(0);
        tracked.key.transport = Transport::Tcp { source: 2000, destination: 443 };
        assert_eq!(liberal(), 0);
        install(&mut injector, &[Change::Update(tracked)]);
        assert_eq!(liberal(), 1);
        install(&mut injector, &[Change::New(tcp(1))]);
        assert_eq!(liberal(), 2);
        let before = table().0;
        assert_eq!(before.len(), 3);
        assert_eq!(injector.make_liberal(&Scope::default()).unwrap(), 3);
        assert_eq!(liberal(), 3);
        assert_eq!(table().0, before, "nothing else changes");
    });
}

/// Makes an entry as a packet would: without our flags.
fn track(port: u16) {
    let tuple = |source: &str, destination: &str, from, to| {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        vec![
            Tuple::Ip(vec![
                IPTuple::SourceAddress(address(source)),
                IPTuple::DestinationAddress(address(destination)),
            ]),
            Tuple::Proto(vec![
                ProtoTuple::Protocol(Protocol::Tcp),
                ProtoTuple::SourcePort(from),
                ProtoTuple::DestinationPort(to),
            ]),
        ]
    };
    let attributes = vec![
        ConntrackAttribute::CtaTupleOrig(tuple("10.1.0.0", "192.0.2.1", port, 443)),
        ConntrackAttribute::CtaTupleReply(tuple("192.0.2.1", "10.1.0.0", 443, port)),
        ConntrackAttribute::CtaTimeout(600),
        ConntrackAttribute::CtaProtoInfo(vec![ProtoInfo::TCP(vec![ProtoInfoTCP::State(3)])]),
    ];
    let flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
    let answers = ask(ConntrackMessage::New(attributes), flags);
    assert!(matches!(&answers[..], [NetlinkPayload::Error(error)] if error.code.is_none()));
}

/// How many TCP entries do not check windows in either direction, as an independent reader sees it.
fn liberal() -> usize {
    let answers = ask(ConntrackMessage::Get(Vec::new()), NLM_F_REQUEST | NLM_F_DUMP);
    let liberal = |part: &ProtoInfoTCP| match part {
        ProtoInfoTCP::OriginalFlags(flags) | ProtoInfoTCP::ReplyFlags(flags) => {
            flags.flags & 8 != 0
        }
        _ => false,
    };
    let sides = |attribute: &ConntrackAttribute| match attribute {
        ConntrackAttribute::CtaProtoInfo(info) => match &info[..] {
            [ProtoInfo::TCP(parts)] => parts.iter().filter(|part| liberal(part)).count(),
            _ => 0,
        },
        _ => 0,
    };
    let entries = answers.iter().map(|answer| match answer {
        NetlinkPayload::InnerMessage(message) => match &message.inner {
            NetfilterMessageInner::Conntrack(ConntrackMessage::New(attributes)) => {
                attributes.iter().map(sides).sum()
            }
            _ => 0,
        },
        _ => 0,
    });
    entries.filter(|sides| *sides == 2).count()
}

/// One request by other means than ours, and all answers to it.
fn ask(message: ConntrackMessage, flags: u16) -> Vec<NetlinkPayload<NetfilterMessage>> {
    let socket = Socket::new(NETLINK_NETFILTER).unwrap();
    socket.connect(&SocketAddr::new(0, 0)).unwrap();
    let header = NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0);
    let mut message = NetlinkMessage::from(NetfilterMessage::new(header, message));
    message.header.flags = flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0).unwrap();
    let mut answers = Vec::new();
    loop {
        let (datagram, _) = socket.recv_from_full().unwrap();
        let mut rest = &datagram[..];
        while !rest.is_empty() {
            let message = NetlinkMessage::<NetfilterMessage>::deserialize(rest).unwrap();
            rest = &rest[message.header.length as usize..];
            match message.payload {
                NetlinkPayload::Done(_) => return answers,
                NetlinkPayload::Error(_) => {
                    answers.push(message.payload);
                    return answers;
                }
                payload => answers.push(payload),
            }
        }
    }
}

fn read_until(events: &mut Events, count: usize) -> Vec<Event> {
    let mut seen = Vec::new();
    for _ in 0..400 {
        if seen.len() >= count {
            break;
        }
        events.read(&mut seen, Duration::from_millis(50)).unwrap();
    }
    seen
}

/// STATE-5: each change of the kernel's table is told, in order, and one's own can be left out.
#[test]
fn every_change_is_told() {
    in_namespace(|| {
        let _enabled = enable_events().unwrap();
        let ignored = Scope::new(["10.99.0.0/24".parse().unwrap()]);
        let mut events = Events::open(1 << 24, ignored).unwrap();
        let mut injector = Injector::open().unwrap();
        let mut connection = tcp(1);
        connection.state.source_nat = to("198.51.100.1", 40_000);
        install(&mut injector, &[Change::New(connection)]);
        let mut closed = connection;
        closed.state.mark = 5;
        closed.state.tcp.as_mut().unwrap().phase = TcpPhase::Close;
        install(&mut injector, &[Change::Update(closed)]);
        let mut local = tcp(2);
        local.key.source = "10.99.0.1".parse().unwrap();
        install(&mut injector, &[Change::New(local), Change::Delete(local.key)]);
        install(&mut injector, &[Change::Delete(connection.key)]);
        let mut seen = read_until(&mut events, 3);
        for event in &mut seen {
            if let Event::Changed(connection) = event {
                connection.state.timeout = 0;
            }
        }
        let expected =
            [Event::Changed(connection), Event::Changed(closed), Event::Gone(connection.key)];
        assert_eq!(seen, expected);
        events.ignore(&injector);
        install(&mut injector, &[Change::New(tcp(3)), Change::Delete(tcp(3).key)]);
        let mut other = Injector::open().unwrap();
        install(&mut other, &[Change::New(tcp(4)), Change::Delete(tcp(4).key)]);
        let seen = read_until(&mut events, 2);
        assert!(matches!(seen[..], [Event::Changed(_), Event::Gone(key)] if key == tcp(4).key));
        assert_eq!(events.malformed(), 0);
    });
}

/// Lost events are noticed; afterwards none that is older comes, and the newer ones do.
#[test]
fn lost_events_are_noticed() {
    in_namespace(|| {
        let _enabled = enable_events().unwrap();
        let mut events = Events::open(4096, Scope::default()).unwrap();
        let mut injector = Injector::open().unwrap();
        let changes: Vec<_> = (0..20_000).map(tcp).map(Change::New).collect();
        install(&mut injector, &changes);
        let mut seen = Vec::new();
        let outcome = events.read(&mut seen, Duration::from_secs(5));
        assert!(matches!(outcome, Err(ConntrackError::Overrun)), "{outcome:?}");
        assert!(seen.is_empty());
        assert_eq!(table().0.len(), 20_000);
        install(&mut injector, &[Change::Delete(tcp(7).key)]);
        assert_eq!(read_until(&mut events, 1), [Event::Gone(tcp(7).key)]);
        // With room enough none is lost.
        let mut events = Events::open(64 << 20, Scope::default()).unwrap();
        let changes: Vec<_> = (0..20_000).map(tcp).map(|one| Change::Delete(one.key)).collect();
        install(&mut injector, &changes);
        assert_eq!(read_until(&mut events, 19_999).len(), 19_999);
    });
}

/// A reader that waits for events can be stopped.
#[test]
fn a_waiting_reader_can_be_stopped() {
    in_namespace(|| {
        let mut events = Events::open(0, Scope::default()).unwrap();
        let stopper = events.stopper();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| events.read(&mut Vec::new(), Duration::MAX / 4));
            stopper.stop();
            reader.join().unwrap().unwrap();
        });
    });
}
