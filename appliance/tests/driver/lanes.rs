//! Lanes: in order, bounded.

use crate::harness::{Act, Gates, Metronome, Wire, run};
use ha_core::machine::ActionError;
use ha_core::time::{Clock, Duration, Instant};

/// How many actions of a lane wait.
const ACTIONS: usize = 256;

#[test]
fn a_full_lane_answers_that_time_is_up() {
    const MORE: usize = 44;
    let (wire, _, _sent) = Wire::new();
    let gates = Gates::closed();
    let machine = Metronome::new(Instant::FAR_FUTURE, Duration::MAX);
    let running = run(machine, wire, gates.clone(), Clock::start());
    let answers = |running: &crate::harness::Running| {
        running.wait(running.handle.query(|machine, _| machine.answers().count())).unwrap()
    };
    running.wait(async {
        // One is being carried out, so that exactly the bound of them can wait.
        running.handle.input(Act { lane: 0, count: 1 }).await.unwrap().unwrap();
        gates.begun.acquire().await.unwrap().forget();
        running.handle.input(Act { lane: 0, count: ACTIONS + MORE }).await.unwrap().unwrap();
        running.handle.input(Act { lane: 1, count: 1 }).await.unwrap().unwrap();
        gates.lanes[1].add_permits(1);
    });
    while answers(&running) < MORE + 1 {}
    gates.lanes[0].add_permits(ACTIONS + 1);
    while answers(&running) < 1 + ACTIONS + MORE + 1 {}
    let machine = running.stop();
    let (timed_out, done): (Vec<_>, Vec<_>) =
        machine.answers().partition(|(_, outcome)| *outcome == Err(ActionError::TimedOut));
    let refused: Vec<_> = timed_out.iter().map(|(id, _)| id.0 as usize).collect();
    assert_eq!(refused, (ACTIONS + 1..ACTIONS + 1 + MORE).collect::<Vec<_>>(), "the last ones");
    assert!(done.iter().all(|(_, outcome)| outcome.is_ok()));
    let other_lane = ACTIONS + 1 + MORE;
    let in_lane: Vec<_> =
        done.iter().map(|(id, _)| id.0 as usize).filter(|id| *id != other_lane).collect();
    assert_eq!(in_lane, (0..=ACTIONS).collect::<Vec<_>>(), "in their order");
}
