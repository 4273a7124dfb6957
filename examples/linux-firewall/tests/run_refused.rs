//! `run` that cannot: it names what is missing, exits with 1, and leaves the system as it was.
//!
//! Needs root for its network namespaces; skipped in the open without.

// A test says plainly what it expects.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod run_support;

use run_support::{Site, program, spawn};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Runs with this configuration, which must fail with a message that has all of `words`.
fn refused(site: &Site, configuration: &str, words: &[&str]) {
    let before = site.unit.snapshot();
    let output = site.run_to_the_end(configuration);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words:?}: {message}");
    let last = message.lines().last().unwrap_or_default();
    assert!(last.starts_with("linux-firewall: "), "{message}");
    for word in words {
        assert!(last.contains(word), "{word:?} is not in: {last}");
    }
    before.assert_same(&site.unit.snapshot(), last);
}

fn changed(site: &Site, from: &str, to: &str) -> String {
    let configuration = site.configuration();
    assert!(configuration.contains(from), "{from}");
    configuration.replacen(from, to, 1)
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let Some(site) = Site::new() else { return };
    let words = ["path ha", "10.99.0.1:7770", "nope0", "No such device"];
    refused(&site, &changed(&site, "device = \"ha0\"", "device = \"nope0\""), &words);
    let words = ["path ha", "10.99.0.9:7770", "ha0", "assign requested address"];
    refused(&site, &changed(&site, "\"10.99.0.1\"", "\"10.99.0.9\""), &words);
    assert!(!site.socket().parent().unwrap().exists(), "its directory was made, and is gone");
}

#[test]
fn a_path_whose_port_is_in_use_is_named() {
    let Some(site) = Site::new() else { return };
    for port in [7770, 7771] {
        let other = site.unit.run(move || UdpSocket::bind(("10.99.0.1", port)).unwrap());
        let address = format!("10.99.0.1:{port}");
        refused(&site, &site.configuration(), &["path ha", &address, "ha0", "in use"]);
        drop(other);
    }
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let Some(site) = Site::new() else { return };
    let missing = ["\"nope0\"", "no interface"];
    // The first, and the second: what was done to the first is undone.
    let first =
        site.configuration().replace("id = 1\ndevice = \"lan0\"", "id = 1\ndevice = \"nope0\"");
    for configuration in [first, changed(&site, "device = \"wan0\"", "device = \"nope0\"")] {
        refused(&site, &configuration, &missing);
    }
    refused(&site, &changed(&site, "device = \"wan0\"", "device = \"lo\""), &["lo", "Ethernet"]);
}

#[test]
fn a_name_that_another_device_bears_is_named() {
    let Some(site) = Site::new() else { return };
    let words = ["far0", "in use", "veth"];
    let configuration =
        changed(&site, "device = \"wan0\"", "device = \"wan0\"\nmacvlan = \"far0\"");
    refused(&site, &configuration, &words);
}

#[test]
fn a_control_socket_that_cannot_be_had_is_named() {
    let Some(site) = Site::new() else { return };
    let path = site.socket();
    let name = path.display().to_string();
    std::fs::create_dir(path.parent().unwrap()).unwrap();

    let other = UnixListener::bind(&path).unwrap();
    refused(&site, &site.configuration(), &["another program", &name]);
    assert!(UnixStream::connect(&path).is_ok(), "the other one still has it");
    drop(other);

    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "a letter").unwrap();
    refused(&site, &site.configuration(), &["control socket", &name, "not a socket"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a letter");

    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refused(&site, &site.configuration(), &["control socket", &name]);
    assert!(path.is_dir());

    let nowhere = "/proc/nowhere/fw.sock";
    refused(&site, &site.configuration().replace(&name, nowhere), &["control socket", nowhere]);
}

#[test]
fn missing_permissions_are_named() {
    const NOBODY: u32 = 65_534;
    let Some(site) = Site::new() else { return };
    // Where everybody may read, and nobody may write but in one directory.
    let directory = site.directory.path();
    let (copy, own) = (directory.join("program"), directory.join("own"));
    std::fs::copy(program(), &copy).unwrap();
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(&own).unwrap();
    std::os::unix::fs::chown(&own, Some(NOBODY), Some(NOBODY)).unwrap();
    let socket = site.socket().display().to_string();
    let own_socket = own.join("fw.sock").display().to_string();
    let plain = "addresses = [\"10.1.0.1/24\"]";
    for (configuration, words) in [
        (site.configuration(), vec![socket.as_str(), "Permission denied"]),
        (site.configuration().replace(&socket, &own_socket), vec!["CAP_NET_ADMIN"]),
        (
            site.configuration()
                .replace(&socket, &own_socket)
                .replace(plain, &format!("{plain}\nvirtual-mac = \"none\"")),
            vec!["Permission denied", "lan0"],
        ),
    ] {
        let before = site.unit.snapshot();
        let mut command = Command::new(&copy);
        command.arg("run").arg("--config").arg(site.write(&configuration));
        command.uid(NOBODY).gid(NOBODY);
        let output = spawn(&site.unit, command).end();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        for word in words {
            assert!(message.contains(word), "{word:?} is not in: {message}");
        }
        before.assert_same(&site.unit.snapshot(), &message);
        assert_eq!(std::fs::read_dir(&own).unwrap().count(), 0, "no socket is left");
    }
}
