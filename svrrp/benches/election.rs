//! What an election costs, beside adding up the same figures once. The bar: 4 nodes and 4 virtual groups in 1 us.

// A benchmark says plainly what it expects, and does nothing else.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::expect_used)]

use core::hint::black_box;
use criterion::{Criterion, criterion_group, criterion_main};
use svrrp::election::{
    Candidate, Decision, GroupView, NodeSet, NodeView, Said, Stance, best, decide,
};
use svrrp::identity::{GroupNumber, NodeNumber};
use svrrp::{LinkWeight, Rank, RankTable};

const BAR: f64 = 1e-6;

/// Node n is preferred for group n, then the ones behind it; weights differ.
fn input() -> (RankTable, [GroupView; 4]) {
    let mut ranks = RankTable::new();
    for group in GroupNumber::ALL {
        for node in NodeNumber::ALL {
            let rank = (node.get() + 4 - group.get()) % 4 + 1;
            ranks.set(group, node, Rank::new(rank));
        }
    }
    let views = GroupNumber::ALL.map(|group| {
        let nodes = NodeNumber::ALL.map(|node| {
            let weight = LinkWeight(if node.get() == group.get() { 7 } else { 8 });
            let said = Said { fit: true, weight, stance: Stance::Idle };
            Some(NodeView { said, hears: NodeSet::ALL, echo: Some(said), ..NodeView::default() })
        });
        GroupView { own: NodeNumber::Two, nodes }
    });
    (ranks, views)
}

fn sum(ranks: &RankTable, views: &[GroupView; 4]) -> u64 {
    let mut sum = 0;
    for (group, view) in GroupNumber::ALL.into_iter().zip(views) {
        for (node, it) in view.iter() {
            let rank = ranks.get(group, node).map_or(0, |rank| rank.0.get());
            sum += u64::from(it.said.weight.0) + u64::from(rank);
        }
    }
    sum
}

fn elect(ranks: &RankTable, views: &[GroupView; 4]) -> [Option<Candidate>; 4] {
    let mut best_of_all = [None; 4];
    for ((group, view), place) in GroupNumber::ALL.into_iter().zip(views).zip(&mut best_of_all) {
        *place = best(ranks, group, view.iter().map(|(node, it)| (node, it.said.weight)));
    }
    best_of_all
}

fn decide_all(ranks: &RankTable, views: &[GroupView; 4]) -> [Decision; 4] {
    let mut decisions = [Decision::Nothing; 4];
    for ((group, view), place) in GroupNumber::ALL.into_iter().zip(views).zip(&mut decisions) {
        *place = decide(group, ranks, view);
    }
    decisions
}

fn election(criterion: &mut Criterion) {
    let (ranks, views) = input();
    let (ranks, views) = (&ranks, &views);
    let mut floor = || {
        black_box(sum(black_box(ranks), black_box(views)));
    };
    let mut election = || {
        black_box(elect(black_box(ranks), black_box(views)));
    };
    let mut decision = || {
        black_box(decide_all(black_box(ranks), black_box(views)));
    };
    let mut group = criterion.benchmark_group("4 nodes, 4 virtual groups");
    group.bench_function("sum", |bencher| bencher.iter(&mut floor));
    group.bench_function("election", |bencher| bencher.iter(&mut election));
    group.bench_function("decision", |bencher| bencher.iter(&mut decision));
    group.finish();

    // From alternating rounds of the same run: the best of each counts.
    let mut best = [f64::MAX; 3];
    for _ in 0..200 {
        let works: [&mut dyn FnMut(); 3] = [&mut floor, &mut election, &mut decision];
        for (work, best) in works.into_iter().zip(&mut best) {
            *best = best.min(seconds(work));
        }
    }
    let [floor, election, decision] = best;
    println!("ratio to the sum of the same figures:");
    println!("  election {:.1}, decision {:.1}", election / floor, decision / floor);
    println!(
        "  sum {:.0} ns, election {:.0} ns, decision {:.0} ns; the bar is {:.0} ns",
        floor * 1e9,
        election * 1e9,
        decision * 1e9,
        BAR * 1e9
    );
}

/// How long one turn takes.
fn seconds(work: &mut dyn FnMut()) -> f64 {
    const TURNS: u32 = 2000;
    // The only place that needs a clock: this is a measurement.
    #[allow(clippy::disallowed_methods)]
    let begin = std::time::Instant::now();
    for _ in 0..TURNS {
        work();
    }
    begin.elapsed().as_secs_f64() / f64::from(TURNS)
}

criterion_group!(benches, election);
criterion_main!(benches);
