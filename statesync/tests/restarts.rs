//! STATE-7: what is still on its way from a former start of the replica does not disturb the present one.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pair;

use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Machine, Origin, Output};
use ha_core::reject::{Reject, RejectKind};
use ha_core::time::{Duration, Instant};
use pair::connection;
use statesync::publisher::PEER_SILENCE;
use statesync::{Config, Input, StateSync, SyncRole, Table};

const PUBLISHER: u8 = 0;
const REPLICA: u8 = 1;

fn start(seed: u64, role: SyncRole, records: Table) -> StateSync<Table> {
    let peer = if role == SyncRole::Publisher { REPLICA } else { PUBLISHER };
    let config = Config::new(seed, UnitId(peer), vec![PathId(0)]).unwrap();
    let mut sync = StateSync::new(config, records);
    sync.handle_input(Instant::ZERO, Input::SetRole(role)).unwrap();
    sync
}

fn publisher() -> StateSync<Table> {
    start(1, SyncRole::Publisher, (0..5000).map(|n| connection(n, 1)).collect())
}

fn replica(seed: u64) -> StateSync<Table> {
    start(seed, SyncRole::Replica, Table::new())
}

fn hand_in(
    sync: &mut StateSync<Table>,
    now: Instant,
    peer: u8,
    datagram: &[u8],
) -> Result<(), Reject> {
    let from = Origin { peer: UnitId(peer), path: PathId(0), channel: Channel::StateSync };
    sync.handle_datagram(now, from, datagram)
}

/// All that it sends now; what it wants installed is.
fn sent(sync: &mut StateSync<Table>, now: Instant) -> Vec<Vec<u8>> {
    let mut buf = vec![0; sync.max_datagram()];
    let mut sent = Vec::new();
    sync.handle_timeout(now);
    while let Some(output) = sync.poll_output(now, &mut buf) {
        match output {
            Output::Transmit { len, .. } => sent.push(buf[..len].to_vec()),
            Output::Action { id, .. } => sync.handle_done(now, id, Ok(())),
            Output::Event(_) => {}
        }
    }
    sent
}

/// Lets both talk until neither has anything to say; returns what the replica said.
fn talk(
    publisher: &mut StateSync<Table>,
    replica: &mut StateSync<Table>,
    now: Instant,
) -> Vec<Vec<u8>> {
    let mut acks = Vec::new();
    loop {
        let (batches, more) = (sent(publisher, now), sent(replica, now));
        for datagram in &batches {
            let _ = hand_in(replica, now, PUBLISHER, datagram);
        }
        for datagram in &more {
            let _ = hand_in(publisher, now, REPLICA, datagram);
        }
        if batches.is_empty() && more.is_empty() {
            return acks;
        }
        acks.extend(more);
    }
}

/// STATE-7: the replica restarted and is in sync: late acknowledgements of its former starts are counted,
/// and no session begins anew.
#[test]
fn a_late_acknowledgement_of_a_former_start_is_refused() {
    let now = Instant::ZERO + Duration::from_secs(1);
    let mut publisher = publisher();
    let mut late = Vec::new();
    for seed in 2..6 {
        let mut replica = replica(seed);
        let acks = talk(&mut publisher, &mut replica, now);
        assert!(publisher.progress().in_sync && replica.progress().in_sync);
        late.push(acks.last().unwrap().clone());
    }
    late.pop();
    for datagram in &late {
        assert_eq!(hand_in(&mut publisher, now, REPLICA, datagram), Err(Reject::Session));
        assert!(publisher.progress().in_sync);
        assert_eq!(sent(&mut publisher, now), Vec::<Vec<u8>>::new());
    }
    assert_eq!(publisher.rejects().get(RejectKind::Session), 3);
}

/// STATE-7: a publisher that never heard a former start cannot tell that it is one. The present start is
/// back as soon as it speaks again, and from then on the other one is known.
#[test]
fn the_present_start_is_back_at_once_after_a_late_acknowledgement() {
    let now = Instant::ZERO + Duration::from_secs(1);
    let mut late = talk(&mut publisher(), &mut replica(2), now);
    let (last, before) = (late.pop().unwrap(), late.pop().unwrap());

    let (mut publisher, mut replica) = (publisher(), replica(3));
    talk(&mut publisher, &mut replica, now);
    hand_in(&mut publisher, now, REPLICA, &before).unwrap();
    assert!(!publisher.progress().in_sync);
    let later = now + PEER_SILENCE / 2;
    talk(&mut publisher, &mut replica, later);
    assert!(publisher.progress().in_sync && replica.progress().in_sync);
    assert_eq!(hand_in(&mut publisher, later, REPLICA, &last), Err(Reject::Session));
}

/// STATE-7: a start that was displaced, but is the only one that speaks, gets a session again.
#[test]
fn a_former_start_is_believed_once_the_present_one_is_silent() {
    let now = Instant::ZERO + Duration::from_secs(1);
    let (mut publisher, mut one, mut other) = (publisher(), replica(2), replica(3));
    talk(&mut publisher, &mut one, now);
    talk(&mut publisher, &mut other, now);
    talk(&mut publisher, &mut one, now + PEER_SILENCE / 2);
    assert!(publisher.progress().in_sync, "still with the other one");
    let later = now + PEER_SILENCE;
    talk(&mut publisher, &mut one, later);
    assert!(publisher.progress().in_sync);
    assert_eq!(publisher.progress().last_heard, Some(later));
}
