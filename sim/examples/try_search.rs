#![allow(missing_docs, clippy::all, clippy::disallowed_methods)]
use ha_core::pair::Rules;
use sim::search::*;
fn main() {
    let a: Vec<u8> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let bound = Bound {
        level: a[0],
        resolution: a[1],
        losses: a[2],
        duplicates: a[3],
        delays: a[4],
        crashes: a[5],
        pauses: a[6],
        orders: a[7],
        equal_faults: a[8],
    };
    let begin = std::time::Instant::now();
    let o = search(bound, [Rules::STANDARD; 2], 2, 10_000_000, |p| {
        eprintln!("{p:?} {:?}", begin.elapsed())
    });
    println!(
        "{} states {} steps depth {} {:?} conflict {:?} in {:?}",
        o.states,
        o.steps,
        o.depth,
        o.virtual_time,
        o.longest_conflict,
        begin.elapsed()
    );
    if let Some(c) = o.counterexample {
        println!("{:?}: {}\n{}", c.rule, c.text, c.story);
    }
}
