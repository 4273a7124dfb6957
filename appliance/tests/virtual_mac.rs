//! A virtual MAC address works with and without state synchronization, and asks for no license.

#![allow(clippy::unwrap_used)] // a test says plainly what it expects

use appliance::{Action, Appliance, Config};
use ha_core::address::InterfaceAddress;
use ha_core::announcement::{Frame, announce};
use ha_core::identity::{Designation, InterfaceId, PairId, PathId, UnitId};
use ha_core::machine::{Machine, Output};
use ha_core::pair::{self, Mode, PairConfig, Product, SharedInterface};
use ha_core::time::Instant;
use ha_core::virtual_mac::VirtualMac;
use statesync::Table;

const LAN: InterfaceId = InterfaceId(1);

/// VMAC-2: a unit that becomes Active announces its virtual MAC address, synchronized or not.
#[test]
fn the_virtual_mac_is_announced_with_and_without_synchronization() {
    let sync = statesync::Config::new(1, UnitId(1), vec![PathId(0)]).unwrap();
    let virtual_mac = VirtualMac::Derived { pair: PairId(7), prefix: None }.address(LAN).unwrap();
    let address = "192.0.2.1/24".parse::<InterfaceAddress>().unwrap();
    for sync in [None, Some(sync)] {
        let interface = SharedInterface { id: LAN, mac: virtual_mac, addresses: vec![address] };
        let config = Config { pair: pair_config(interface, sync.is_some()), sync };
        let frames = announced(&mut Appliance::new(config, Table::new(), Instant::ZERO));
        let frame = announce(address.address(), virtual_mac);
        assert!(!frames.is_empty() && frames.iter().all(|sent| *sent == (LAN, frame)));
    }
}

fn pair_config(interface: SharedInterface, stateful: bool) -> PairConfig {
    let product = Product { model: "FW-100".parse().unwrap(), firmware: "1.0".parse().unwrap() };
    let (ours, peers) = ("A-1".parse().unwrap(), "B-2".parse().unwrap());
    let builder = PairConfig::builder(Designation::Primary, ours, peers, product, 1);
    let builder = builder.mode(Mode::ActiveStandby { stateful });
    builder.interface(interface).build().unwrap()
}

/// The frames that a unit without a peer announces in its first twenty seconds.
fn announced(unit: &mut Appliance<Table>) -> Vec<(InterfaceId, Frame)> {
    let mut frames = Vec::new();
    let mut buf = vec![0; unit.max_datagram()];
    for now in (0..20_000).map(Instant::from_millis) {
        unit.handle_timeout(now);
        while let Some(output) = unit.poll_output(now, &mut buf) {
            let Output::Action { id, action } = output else { continue };
            if let Action::Pair(pair::Action::Announce { frames: sent, .. }) = action {
                frames.extend(sent.into_iter().map(|sent| (sent.interface, sent.frame)));
            }
            unit.handle_done(now, id, Ok(()));
        }
    }
    frames
}
