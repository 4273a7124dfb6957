//! How a driver ends.

use crate::harness::{Act, Gates, Metronome, Running, Wire, run};
use appliance::driver::Stopped;
use ha_core::time::{Clock, Duration, Instant};
use std::io;

fn idle(wire: Wire) -> Running {
    let machine = Metronome::new(Instant::FAR_FUTURE, Duration::MAX);
    run(machine, wire, Gates::closed(), Clock::start())
}

#[test]
fn a_stop_ends_it_and_gives_the_machine_back() {
    let (wire, ..) = Wire::new();
    let running = idle(wire);
    running.wait(running.handle.input(Act { lane: 0, count: 0 })).unwrap().unwrap();
    let handle = running.handle.clone();
    let workers = running.workers.handle().clone();
    assert_eq!(running.stop().log.len(), 1);
    assert_eq!(workers.block_on(handle.stop()), Err(Stopped));
    assert_eq!(workers.block_on(handle.input(Act { lane: 0, count: 0 })).err(), Some(Stopped));
    assert_eq!(workers.block_on(handle.query(|_, _| ())), Err(Stopped));
    assert_eq!(handle.blocking_input(Act { lane: 0, count: 0 }), Err(Stopped));
}

#[test]
fn it_ends_when_all_handles_are_gone() {
    let (wire, ..) = Wire::new();
    let running = idle(wire);
    assert!(running.end().is_ok());
}

#[test]
fn a_flood_of_datagrams_does_not_keep_it_from_ending() {
    let (wire, inbox, _sent) = Wire::new();
    inbox.flood();
    idle(wire).stop();
    let (wire, inbox, _sent) = Wire::new();
    inbox.flood();
    assert!(idle(wire).end().is_ok(), "no handle is left");
}

#[test]
fn a_transport_that_fails_ends_it_with_the_error() {
    let (wire, inbox, _sent) = Wire::new();
    let running = idle(wire);
    let _handle = running.handle.clone();
    inbox.break_down();
    let error = running.end().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
}

#[test]
fn a_hanging_action_does_not_keep_it_from_ending() {
    let (wire, ..) = Wire::new();
    let gates = Gates::closed();
    let machine = Metronome::new(Instant::FAR_FUTURE, Duration::MAX);
    let running = run(machine, wire, gates.clone(), Clock::start());
    running.wait(async {
        running.handle.input(Act { lane: 0, count: 1 }).await.unwrap().unwrap();
        gates.begun.acquire().await.unwrap().forget();
    });
    assert_eq!(running.stop().answers().count(), 0);
}
