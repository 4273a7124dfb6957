//! The log of a unit (COS-6). A program of its own: whether anybody listens is cached for a whole process, so
//! other tests that log to nobody at the same time could silence it.

#![cfg(feature = "tracing")]
#![allow(missing_docs)] // a test

use sim::harness::{A, World, ms};
use std::io;
use std::sync::{Arc, Mutex};

/// COS-6: both units log, and each entry says which unit it came from, and its role.
#[test]
fn each_entry_of_the_log_names_the_unit_and_its_role() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut world = World::new(|config| config);
        world.settle();
        world.run_for(ms(100));
        world.crash(A);
        world.run_for(ms(100));
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in [
        " INFO ha_core: role changed from ELECTION to ACTIVE: nobody is Active, and this is the better unit; term 1 unit=SN-A designation=Primary role=ACTIVE",
        " WARN ha_core: peer lost: silent for 30ms on every path unit=SN-B designation=Secondary role=STANDBY",
        " INFO ha_core: role changed from STANDBY to ACTIVE: the peer is silent on every path; term 2 unit=SN-B designation=Secondary role=ACTIVE",
    ] {
        assert!(log.lines().any(|it| it == line), "{line} is not in:\n{log}");
    }
    assert!(log.lines().all(|line| line.contains(" unit=SN-") && line.contains(" role=")));
}
