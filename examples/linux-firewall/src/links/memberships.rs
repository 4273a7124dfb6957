//! Multicast groups that a macvlan stays in while its addresses come and go.
//!
//! With each IPv6 address the kernel leaves the group by which neighbours ask for it, and with
//! forwarding those of the routers; and it tells so (MLD, RFC 3810), some milliseconds later and once
//! more within a second. On the unit that gave the role up these reports would come from the virtual
//! MAC: the switch would send it what is meant for the new Active, until that one announces itself
//! again. While a socket of ours is in the groups too, the kernel leaves none of them.

use super::{LinkError, routes};
use ha_core::address::InterfaceAddress;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr};

/// All routers of the link, and of the site.
const ROUTERS: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2), Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 2)];

/// Joins, on interface number `index`, all groups in which the kernel is for these addresses. The
/// memberships end with the socket.
pub(super) fn hold(
    device: &str,
    index: u32,
    addresses: &[InterfaceAddress],
) -> Result<Socket, LinkError> {
    let refused = |group: Option<Ipv6Addr>| {
        move |source: io::Error| LinkError::Refused {
            doing: group.map_or("opening a socket".into(), |group| format!("joining {group}")),
            device: device.into(),
            source,
        }
    };
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).map_err(refused(None))?;
    // A router also answers for the first address of each network (RFC 4291, 2.6.1).
    let asked = addresses.iter().flat_map(|one| [one.address(), routes::network_of(one)]);
    let mut groups: BTreeSet<_> = asked.filter_map(solicited).collect();
    groups.extend(ROUTERS);
    for group in groups {
        socket.join_multicast_v6(&group, index).map_err(refused(Some(group)))?;
    }
    Ok(socket)
}

/// The group by which neighbours ask for an address (RFC 4291, 2.7.1).
fn solicited(address: IpAddr) -> Option<Ipv6Addr> {
    let IpAddr::V6(v6) = address else { return None };
    const PREFIX: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    Some(Ipv6Addr::from_bits(PREFIX | (v6.to_bits() & 0x00ff_ffff)))
}
