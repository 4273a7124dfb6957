//! Tests that change the kernel run in a thread with a network namespace of its own, that ends with it.

use statesync::connection::{
    Connection, ConnectionKey, ConnectionState, TcpPhase, TcpSide, TcpState, Translation, Transport,
};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

/// Runs `test` in a new network namespace; skips it in the open without the privilege to make one.
pub(crate) fn in_namespace(test: impl FnOnce() + Send) {
    let outcome = std::thread::scope(|scope| {
        let thread =
            scope.spawn(|| match nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
                Ok(()) => test(),
                Err(nix::errno::Errno::EPERM) => {
                    println!("skipped: needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)");
                }
                Err(errno) => panic!("no network namespace: {errno}"),
            });
        thread.join()
    });
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `ip` in the namespace of the calling thread, and returns what it prints.
#[allow(dead_code)]
pub(crate) fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A TCP connection in full swing: the `number`th of many.
#[allow(dead_code)]
pub(crate) fn tcp(number: u32) -> Connection {
    let source = IpAddr::V4(Ipv4Addr::from_bits(0x0a01_0000 | (number >> 14)));
    let transport = Transport::Tcp { source: 1024 + (number % (1 << 14)) as u16, destination: 443 };
    connection(source, "192.0.2.1".parse().unwrap(), transport)
}

/// A connection without NAT and mark; established if it is TCP.
#[allow(dead_code)]
pub(crate) fn connection(source: IpAddr, destination: IpAddr, transport: Transport) -> Connection {
    let tcp = matches!(transport, Transport::Tcp { .. }).then_some(TcpState {
        phase: TcpPhase::Established,
        original: TcpSide { window_scale: 7, flags: 3 },
        reply: TcpSide { window_scale: 9, flags: 3 },
    });
    let state = ConnectionState {
        source_nat: None,
        destination_nat: None,
        mark: 0,
        tcp,
        seen_reply: true,
        assured: true,
        timeout: 0,
    };
    Connection { key: ConnectionKey { source, destination, transport }, state }
}

/// A translation.
#[allow(dead_code)]
pub(crate) fn to(address: &str, port: u16) -> Option<Translation> {
    Some(Translation { address: address.parse().unwrap(), port })
}
