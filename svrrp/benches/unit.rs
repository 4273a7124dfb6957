//! What the protocol costs one unit of the largest cluster: 8 units, 4 groups, two cluster links, an advertisement every
//! 10 ms, each of the 7 others heard on both links. The bar: 1 % of a core, system calls not counted.
//! `cargo bench -p svrrp --bench unit`
//!
//! All eight units are real; only the calls of one are timed, with all that they do to bytes. The ratio is to copying the
//! same datagrams and computing their check sums, in the same run.

// A benchmark says plainly what it expects, and does nothing else.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::disallowed_methods)] // this is a measurement: it needs a clock

use core::hint::black_box;
use core::time::Duration;
use criterion::{Criterion, criterion_group, criterion_main};
use ha_core::address::InterfaceAddress;
use ha_core::identity::{Designation, InterfaceId};
use ha_core::machine::{Machine as _, Origin, Output};
use ha_core::monitor::Zone;
use ha_core::pair::Product;
use ha_core::time::Instant;
use std::time::Instant as Clock;
use svrrp::cluster::{ClusterConfig, Input, Standing};
use svrrp::virtual_address::{VirtualAddresses, VirtualInterface};
use svrrp::wire::MAX_DATAGRAM_LEN;
use svrrp::{ClusterUnit, GroupNumber, Member, NodeNumber, Rank, RankTable};

const BAR: f64 = 0.01;
const INTERFACE: InterfaceId = InterfaceId(0);
/// Whose calls are timed: an owner.
const TIMED: usize = 0;

fn addresses() -> VirtualAddresses {
    let mut all = VirtualAddresses::builder().groups(4).interface(VirtualInterface {
        interface: INTERFACE,
        zone: Zone::Other,
        ports: 1,
    });
    for group in GroupNumber::ALL {
        let address = InterfaceAddress::new([10, 0, 0, group.get()].into(), 24).expect("valid");
        all = all.address(INTERFACE, group, address);
    }
    all.build().expect("valid")
}

fn config(own: Member, seed: u64) -> ClusterConfig {
    let product = Product {
        model: "FW-100".parse().expect("a word"),
        firmware: "7".parse().expect("a word"),
    };
    let mut ranks = RankTable::new();
    for group in GroupNumber::ALL {
        for node in NodeNumber::ALL {
            ranks.set(group, node, Rank::new((node.get() + 4 - group.get()) % 4 + 1));
        }
    }
    let config = ClusterConfig::builder(own, product, seed)
        .ranks(1, ranks)
        .addresses(addresses())
        .rhythm(Duration::from_millis(10), 5)
        .paths(2, false);
    let members = Member::all().fold(config, |config, member| {
        config.member(member, format!("SN-{:04}", member.index()).parse().expect("a word"))
    });
    members.build().expect("valid")
}

/// Eight units on a network without delay.
struct Cluster {
    units: Vec<ClusterUnit>,
    now: Instant,
    spent: Duration,
    /// Datagrams to and from the unit that is timed, and their bytes.
    datagrams: (u64, u64),
}

impl Cluster {
    fn settled() -> Self {
        let now = Instant::ZERO + Duration::from_secs(1);
        let seeds = Member::all().zip(1..);
        let units =
            seeds.map(|(member, seed)| ClusterUnit::new(config(member, seed), now)).collect();
        let mut all = Self { units, now, spent: Duration::ZERO, datagrams: (0, 0) };
        for (place, member) in Member::all().enumerate() {
            let is_active = member.designation == Designation::Primary;
            let standing = if is_active { Standing::ACTIVE } else { Standing::STANDBY };
            let unit = &mut all.units[place];
            let link = Input::Link { interface: INTERFACE, port: 0, up: true };
            unit.handle_input(now, Input::Condition(standing)).expect("valid");
            unit.handle_input(now, link).expect("valid");
        }
        all.run_for(Duration::from_secs(30));
        for group in GroupNumber::ALL {
            let owner = all.units[TIMED].status().groups[group.index()].owner;
            assert_eq!(owner.map(NodeNumber::get), Some(group.get()), "each node owns one group");
        }
        all
    }

    fn run_for(&mut self, length: Duration) {
        let end = self.now + length;
        loop {
            let due =
                self.units.iter().filter_map(ClusterUnit::poll_timeout).map(|due| due.at).min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.now = due.max(self.now);
            for place in 0..self.units.len() {
                if self.units[place].poll_timeout().is_some_and(|due| due.at <= self.now) {
                    let now = self.now;
                    self.timed(place, |unit| unit.handle_timeout(now));
                    self.outputs(place);
                }
            }
        }
        self.now = end;
    }

    fn timed<T>(&mut self, place: usize, call: impl FnOnce(&mut ClusterUnit) -> T) -> T {
        let unit = &mut self.units[place];
        if place != TIMED {
            return call(unit);
        }
        let begin = Clock::now();
        let result = black_box(call(unit));
        self.spent += begin.elapsed();
        result
    }

    fn count(&mut self, a: usize, b: usize, len: usize) {
        if a == TIMED || b == TIMED {
            self.datagrams.0 += 1;
            self.datagrams.1 += len as u64;
        }
    }

    fn outputs(&mut self, from: usize) {
        let (now, mut buf) = (self.now, [0; MAX_DATAGRAM_LEN]);
        let sender = Member::all().nth(from).expect("a member");
        while let Some(output) = self.timed(from, |unit| unit.poll_output(now, &mut buf)) {
            match output {
                Output::Transmit { to, len } => {
                    let place = Member::all().position(|it| it.unit_id() == to.peer);
                    let place = place.expect("a member");
                    let origin =
                        Origin { peer: sender.unit_id(), path: to.path, channel: to.channel };
                    self.count(from, place, len);
                    let datagram = &buf[..len];
                    self.timed(place, |unit| unit.handle_datagram(now, origin, datagram))
                        .expect("a member's datagram is taken");
                }
                Output::Action { id, .. } => self.timed(from, |it| it.handle_done(now, id, Ok(()))),
                Output::Event(_) => {}
            }
        }
    }
}

/// Copying a datagram and computing its check sum.
fn floor(len: usize) -> f64 {
    const TURNS: u32 = 20_000;
    let (from, mut to) = (vec![7_u8; len], vec![0; len]);
    let begin = Clock::now();
    for _ in 0..TURNS {
        to.copy_from_slice(black_box(&from));
        black_box(crc32fast::hash(black_box(&to)));
    }
    begin.elapsed().as_secs_f64() / f64::from(TURNS)
}

fn unit(criterion: &mut Criterion) {
    let mut cluster = Cluster::settled();
    criterion.bench_function("a second of a unit of 8, 10 ms, two links", |bencher| {
        bencher.iter_custom(|seconds| {
            cluster.spent = Duration::ZERO;
            (0..seconds).for_each(|_| cluster.run_for(Duration::from_secs(1)));
            cluster.spent
        });
    });

    let (mut best, mut best_floor) = (f64::MAX, f64::MAX);
    let (mut datagrams, mut len) = (0, 0);
    for _ in 0..30 {
        (cluster.spent, cluster.datagrams) = (Duration::ZERO, (0, 0));
        cluster.run_for(Duration::from_secs(1));
        best = best.min(cluster.spent.as_secs_f64());
        (datagrams, len) = (cluster.datagrams.0, cluster.datagrams.1 / cluster.datagrams.0.max(1));
        best_floor = best_floor.min(floor(usize::try_from(len).expect("short")));
    }
    #[allow(clippy::cast_precision_loss)] // below 2^53
    let floor = best_floor * datagrams as f64;
    println!(
        "best of 30 seconds: {datagrams} datagrams of {len} bytes in {:.2} ms: {:.2} % of a core, the bar is {:.0} %",
        best * 1e3,
        best * 100.0,
        BAR * 100.0
    );
    println!("ratio to copy and CRC of the same: {:.1}", best / floor);
}

criterion_group!(benches, unit);
criterion_main!(benches);
