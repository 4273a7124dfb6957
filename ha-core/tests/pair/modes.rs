//! Modes of operation, and which settings go together (PAIR-2).

use crate::harness::{A, config};
use core::time::Duration;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{Channel, Machine as _, Origin};
use ha_core::pair::{ConfigError, ConfigWarning, Input, Mode, Pair, PathKind, Refusal, Role};
use ha_core::reject::Reject;
use ha_core::time::Instant;

pub(crate) const MODES: [Mode; 7] = [
    Mode::Disabled,
    Mode::ActiveStandby { stateful: false },
    Mode::ActiveStandby { stateful: true },
    Mode::ActiveActiveDpi,
    Mode::ActiveActiveClustering { stateful: false },
    Mode::ActiveActiveClustering { stateful: true },
    Mode::ActiveActiveDpiClustering,
];

/// PAIR-2: every mode can be configured; those with packet inspection imply state.
#[test]
fn every_mode_can_be_configured() {
    for mode in MODES {
        let built = config(A, 1).mode(mode).build().unwrap();
        assert_eq!(built.mode(), mode);
        assert!(built.warnings().is_empty());
    }
    assert_eq!(MODES.map(Mode::is_stateful), [false, false, true, true, false, true, true]);
}

/// PAIR-2, PAIR-8: preempt is refused in every mode but Active/Standby, and is a warning with state.
#[test]
fn preempt_goes_with_active_standby_only() {
    for mode in MODES {
        let built = config(A, 1).mode(mode).preempt(true).build();
        match mode {
            Mode::ActiveStandby { stateful } => {
                let warnings = built.unwrap().warnings();
                let expected = if stateful { vec![ConfigWarning::PreemptStateful] } else { vec![] };
                assert_eq!(warnings, expected);
            }
            _ => assert_eq!(built.err(), Some(ConfigError::Preempt(mode))),
        }
    }
}

/// PAIR-2, PAIR-15: without high availability the machine says and wants nothing, and a person is told
/// NONE.
#[test]
fn a_disabled_machine_is_idle() {
    let mut pair = Pair::new(config(A, 1).mode(Mode::Disabled).build().unwrap(), Instant::ZERO);
    let now = Instant::from_millis(60_000);
    assert_eq!(pair.poll_timeout(), None);
    pair.handle_timeout(now);
    assert_eq!(pair.poll_output(now, &mut [0; 256]), None);
    assert_eq!(pair.handle_input(now, Input::TakeOver), Err(Refusal::Disabled));
    let from = Origin { peer: UnitId(1), path: PathId(0), channel: Channel::Pair };
    assert_eq!(pair.handle_datagram(now, from, &[0; 120]), Err(Reject::Role));
    assert_eq!(pair.role(), Role::None);
}

/// PAIR-4, PAIR-6, PAIR-17, PAIR-18, PAIR-19, BEY-9: each setting outside its range, and each that does not
/// go with another, is refused by its name.
#[test]
fn settings_outside_their_range_are_refused_by_name() {
    let second = Duration::from_secs;
    let builder = || config(A, 1);
    let too_many = || vec![PathKind::Control; 17];
    for (built, field) in [
        (builder().heartbeat_interval(Duration::from_millis(9)), "heartbeat interval"),
        (builder().heartbeat_interval(second(301)), "heartbeat interval"),
        (builder().heartbeat_interval(Duration::from_micros(10_500)), "heartbeat interval"),
        (builder().trigger_level(1), "trigger level"),
        (builder().trigger_level(100), "trigger level"),
        (builder().election_delay(second(301)), "election delay"),
        (builder().paths([]), "paths"),
        (builder().paths(too_many()), "paths"),
        (builder().paths([PathKind::Data, PathKind::Lan]), "paths"),
        (builder().route_hold(second(1201)), "route hold"),
        (builder().flap_limit(0, second(60)), "flap limit"),
        (builder().flap_limit(101, second(60)), "flap limit"),
        (builder().flap_limit(3, Duration::from_millis(999)), "flap window"),
        (builder().flap_limit(3, second(24 * 3600 + 1)), "flap window"),
        (builder().readiness_limit(second(3601)), "readiness limit"),
        (builder().announcements(0, second(1)), "announcements"),
        (builder().announcements(61, second(1)), "announcements"),
    ] {
        let error = built.build().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{field}:")), "{error}");
    }
    let widest = builder()
        .heartbeat_interval(second(300))
        .trigger_level(99)
        .election_delay(second(300))
        .paths([PathKind::Control; 16])
        .route_hold(second(1200))
        .flap_limit(100, second(24 * 3600))
        .readiness_limit(second(3600));
    assert!(widest.build().is_ok());
}

/// PAIR-19: the state goes by the data link, then by the control link, and never by a LAN.
#[test]
fn the_state_never_takes_a_lan() {
    let kinds = [PathKind::Lan, PathKind::Control, PathKind::Data, PathKind::Control];
    let built = config(A, 1).paths(kinds).build().unwrap();
    assert_eq!(built.state_paths().collect::<Vec<_>>(), [2, 1, 3].map(PathId));
}
