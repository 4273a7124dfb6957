//! Silence is judged by what was really heard: datagrams that have arrived come before the timeout.

use crate::harness::{Entry, Gates, Metronome, Wire, run};
use ha_core::time::{Clock, Duration, Instant};

/// CRASH-4: after a pause, what queued up meanwhile is handed in first.
#[test]
fn queued_datagrams_come_before_the_timeout() {
    let (wire, inbox, mut sent) = Wire::new();
    inbox.put(10);
    let machine = Metronome::new(Instant::ZERO, Duration::from_secs(3600));
    let running = run(machine, wire, Gates::closed(), Clock::start());
    running.wait(sent.recv()).unwrap();
    let machine = running.stop();
    let late = Entry::Datagram { late: true };
    assert_eq!(machine.log[..10], vec![late; 10]);
    assert_eq!(machine.log[10..], [Entry::Beat]);
}

/// CRASH-4: a driver that is kept from running between its look at the sockets and its look at the clock
/// does not take what arrived meanwhile for silence.
#[test]
fn what_arrived_while_the_driver_was_held_up_comes_before_the_timeout() {
    let (mut wire, _, mut sent) = Wire::new();
    let clock = Clock::start();
    let due = Instant::from_millis(20);
    let mut held_up = false;
    wire.on_empty = Box::new(move |inbox| {
        // The last look at the sockets for now; the datagram comes after it, and the deadline passes.
        if !held_up && clock.now() < due {
            inbox.put(1);
            while clock.now() <= due {}
            held_up = true;
        }
    });
    let running = run(Metronome::new(due, Duration::from_secs(3600)), wire, Gates::closed(), clock);
    running.wait(sent.recv()).unwrap();
    let machine = running.stop();
    assert_eq!(machine.log, [Entry::Datagram { late: true }, Entry::Beat]);
}
