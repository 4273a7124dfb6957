//! Nothing keeps the driver from its beats.

use crate::harness::{Act, Entry, Gates, Metronome, Wire, run};
use ha_core::time::{Clock, Duration, Instant};

/// How many inputs come between two looks at the clock: those of one turn, and one more.
const MAX_INPUTS: usize = 5;
/// The same of datagrams: those of the turn in which the beat becomes due, and of the next.
const MAX_DATAGRAMS: usize = 2 * 256;

/// BEY-10: while an action hangs in its lane, beats go on, and so does the other lane.
#[test]
fn an_action_that_hangs_delays_no_beat() {
    let (wire, _, mut sent) = Wire::new();
    let gates = Gates::closed();
    let machine = Metronome::new(Instant::ZERO, Duration::from_millis(1));
    let running = run(machine, wire, gates.clone(), Clock::start());
    running.wait(async {
        running.handle.input(Act { lane: 0, count: 1 }).await.unwrap().unwrap();
        gates.begun.acquire().await.unwrap().forget();
        let before = sent.len();
        for _ in 0..before + 100 {
            sent.recv().await.unwrap();
        }
        // The other lane is not behind it.
        running.handle.input(Act { lane: 1, count: 1 }).await.unwrap().unwrap();
        gates.begun.acquire().await.unwrap().forget();
        gates.lanes[1].add_permits(1);
        while running.handle.query(|machine, _| machine.answers().count()).await.unwrap() == 0 {
            sent.recv().await.unwrap();
        }
        gates.lanes[0].add_permits(1);
        while running.handle.query(|machine, _| machine.answers().count()).await.unwrap() == 1 {
            sent.recv().await.unwrap();
        }
    });
    let machine = running.stop();
    let answers: Vec<_> = machine.answers().map(|(id, outcome)| (id.0, outcome)).collect();
    assert_eq!(answers, [(1, Ok(())), (0, Ok(()))]);
    let beats = |entries: &[Entry]| entries.iter().filter(|entry| **entry == Entry::Beat).count();
    let first = machine.log.iter().position(|entry| matches!(entry, Entry::Done(..))).unwrap();
    assert!(beats(&machine.log[..first]) >= 100, "while the first action hung");
}

/// BEY-10: a beat that is due waits for a handful of inputs at the most, however many stream in.
#[test]
fn ten_thousand_inputs_delay_no_beat() {
    const INPUTS: usize = 10_000;
    let (wire, _, _sent) = Wire::new();
    let machine = Metronome::new(Instant::ZERO, Duration::from_micros(50));
    let running = run(machine, wire, Gates::closed(), Clock::start());
    for _ in 0..INPUTS {
        running.handle.blocking_input(Act { lane: 0, count: 0 }).unwrap();
    }
    let machine = running.stop();
    let inputs = machine.log.iter().filter(|entry| matches!(entry, Entry::Input { .. })).count();
    assert_eq!(inputs, INPUTS, "none is lost");
    assert!(machine.longest_delay() <= MAX_INPUTS, "{} at once", machine.longest_delay());
}

/// BEY-10: nor for more than two turns' datagrams.
#[test]
fn a_flood_of_datagrams_delays_no_beat() {
    let (wire, inbox, mut sent) = Wire::new();
    let machine = Metronome::new(Instant::ZERO, Duration::from_micros(50));
    let running = run(machine, wire, Gates::closed(), Clock::start());
    inbox.flood();
    running.wait(async {
        for _ in 0..200 {
            sent.recv().await.unwrap();
        }
        // Commands get through as well.
        running.handle.input(Act { lane: 0, count: 0 }).await.unwrap().unwrap();
    });
    let machine = running.stop();
    assert!(machine.longest_delay() <= MAX_DATAGRAMS, "{} at once", machine.longest_delay());
}
