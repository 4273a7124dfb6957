//! One unit without a peer whose only thread sends heartbeats and announcements: how late does the one make
//! the other (BEY-10)?

use super::{A, config};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use ha_core::address::{InterfaceAddress, MacAddress};
use ha_core::identity::InterfaceId;
use ha_core::machine::{ActionId, Machine as _, Output};
use ha_core::pair::{Action, MAX_HEARTBEAT_LEN, Pair, PairConfigBuilder, SharedInterface};
use ha_core::time::Instant;

/// What a unit did on its one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneThread {
    /// The longest time by which a heartbeat was late.
    pub longest_delay: Duration,
    /// From the first to the last frame of the first round.
    pub first_round: Duration,
    /// How many frames were sent in all.
    pub frames: usize,
}

/// A configuration with so many shared addresses on ten interfaces: IPv4 and IPv6, every other interface
/// with a virtual MAC address. The interval is 10 ms.
#[must_use]
pub fn with_addresses(count: u16) -> PairConfigBuilder {
    let interface = |id: u16| SharedInterface {
        id: InterfaceId(id),
        mac: MacAddress(if id.is_multiple_of(2) {
            [2, 0x48, 0, 7, 0, id as u8]
        } else {
            [0x52, 0x54, 0, 0, 0, 9]
        }),
        addresses: (0..count).filter(|at| at % 10 == id).map(address).collect(),
    };
    (0..10).map(interface).fold(config(A, 1), PairConfigBuilder::interface)
}

fn address(at: u16) -> InterfaceAddress {
    let [high, low] = at.to_be_bytes();
    let address = if at % 20 < 10 {
        InterfaceAddress::new(Ipv4Addr::new(198, 18, high, low).into(), 15)
    } else {
        InterfaceAddress::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, at).into(), 64)
    };
    address.unwrap()
}

/// Runs a unit until all of its announcements are out. Each frame takes `per_frame` on the thread, in which
/// nothing else is done. Its addresses are there `phase` after they were asked for: so the announcements
/// begin at another moment between two heartbeats.
#[must_use]
pub fn run(config: PairConfigBuilder, per_frame: Duration, phase: Duration) -> OneThread {
    let mut pair = Pair::new(config.build().unwrap(), Instant::ZERO);
    let mut now = Instant::ZERO;
    let mut later: Option<(Instant, ActionId)> = None;
    let mut buf = [0; MAX_HEARTBEAT_LEN];
    let (mut frames, mut began, mut first_round) = (0, None, Duration::ZERO);
    while now < Instant::from_millis(1_000) {
        if let Some((_, id)) = later.take_if(|(at, _)| *at <= now) {
            pair.handle_done(now, id, Ok(()));
        }
        pair.handle_timeout(now);
        while let Some(output) = pair.poll_output(now, &mut buf) {
            let Output::Action { id, action } = output else { continue };
            match action {
                Action::TakeAddresses => later = Some((now + phase, id)),
                Action::Announce { round, frames: burst, .. } => {
                    let begin = *began.get_or_insert(now);
                    now = now + per_frame * u32::try_from(burst.len()).unwrap();
                    frames += burst.len();
                    if round == 1 {
                        first_round = now.saturating_since(begin);
                    }
                    pair.handle_done(now, id, Ok(()));
                }
                _ => pair.handle_done(now, id, Ok(())),
            }
        }
        let wakes = pair.poll_timeout().map(|deadline| deadline.at);
        let next = wakes.into_iter().chain(later.map(|(at, _)| at)).min();
        now = now.max(next.unwrap_or(Instant::FAR_FUTURE));
    }
    OneThread { longest_delay: pair.status(now).longest_stall, first_round, frames }
}
