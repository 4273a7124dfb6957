use super::*;
use ha_core::identity::{InterfaceId, PathId, ServiceId};
use ha_core::monitor::{Reach, ServiceScope};
use ha_core::pair::{Tally, Why};
use ha_core::reject::{Reject, RejectCounters};

/// A Standby that became it a minute and a half ago, seen by the clock of its unit.
fn status() -> Status {
    let path = |name: &str, number, heard, heard_by_peer| Path {
        name: name.into(),
        status: PathStatus { path: PathId(number), heard, heard_by_peer, age: None },
    };
    let failover = Failover {
        at: Instant::from_millis(1_000),
        from: Role::Active,
        to: Role::Standby,
        why: Why::PeerIsFitter,
        term: 3,
    };
    let mut rejects = RejectCounters::default();
    (0..3).for_each(|_| rejects.count(&Reject::Stale));
    Status {
        role: Role::Standby,
        state: "Standby".into(),
        since_ms: 61_500,
        why: "the peer is Active".into(),
        decision: "the peer is Active; health 2; no peer had been heard".into(),
        designation: Designation::Secondary,
        serial: "FW-0002".into(),
        now: Instant::from_millis(91_000),
        active: Some(ActiveUnit {
            designation: Designation::Primary,
            serial: "FW-0001".parse().unwrap(),
            since: Instant::from_millis(2_000),
        }),
        last_failover: Some(failover),
        role_changes: 1,
        counted: Counters {
            serial: "FW-0002".parse().unwrap(),
            designation: Designation::Secondary,
            tally: Tally { takes: 7, peer_losses: 2, ..Tally::default() },
            backward_steps: 0,
            rejects,
        },
        deductions: Vec::new(),
        links: Vec::new(),
        targets: Vec::new(),
        services: Vec::new(),
        health: Health { fit: true, weight: 2 },
        demotions: Vec::new(),
        obstacles: None,
        maintenance: Maintenance::default(),
        flap_hold: false,
        synchronized: true,
        peer: Peer {
            serial: "FW-0001".into(),
            heard: true,
            role: Some("ACTIVE".into()),
            age_ms: Some(4),
            health: Some(Health { fit: true, weight: 1 }),
            deductions: Vec::new(),
            obstacles: None,
            synchronized: false,
        },
        mismatch: None,
        paths: vec![
            path("ha", 0, true, true),
            path("lan", 1, true, false),
            path("wan", 2, false, true),
        ],
        sync: Sync {
            enabled: true,
            role: "replica".into(),
            records: 50_000,
            in_sync: true,
            ..Sync::default()
        },
        longest_stall_us: 1_250,
        counters: [("event overruns".into(), 4)].into(),
    }
}

/// STA-1, COS-7: what a person reads.
#[test]
fn a_person_reads_who_what_and_why() {
    let wanted = "\
Secondary FW-0002 is STANDBY for 1m 1s 500ms
  why      the peer is Active; health 2; no peer had been heard
  active   Primary FW-0001 for 1m 29s
  failover from ACTIVE to STANDBY, 1m 30s ago: the peer is fitter than this unit; term 3
  health   2
  peer     FW-0001 is ACTIVE, health 1
  path     ha         heard in both directions
  path     lan        the peer does not hear us
  path     wan        nothing is heard
  sync     replica, 50000 connections, in sync
  table    complete
  stall    1.25ms at the most
  counter  3 heartbeats ignored: stale
  counter  4 event overruns
";
    let mut status = status();
    assert_eq!(status.to_string(), wanted);
    (status.active, status.last_failover) = (None, None);
    let text = status.to_string();
    assert!(text.contains("\n  active   none is known\n") && !text.contains("failover"), "{text}");
}

/// BEY-7, BEY-8, STA-1: everything that holds a unit back has a line, and a name.
#[test]
fn what_holds_a_unit_back_is_told() {
    let demotion = |reason: &str, expires_in_ms| Demotion {
        owner: "ha-core".into(),
        reason: reason.into(),
        expires_in_ms,
    };
    let mut status = status();
    status.health.fit = false;
    status.demotions = vec![demotion("take-failed", None), demotion("test", Some(2_000))];
    status.obstacles = Some("in maintenance, isolated".into());
    status.maintenance = Maintenance { on: true, lasts_ms: Some(60_000) };
    status.flap_hold = true;
    status.synchronized = false;
    status.peer.obstacles = Some("not ready".into());
    let text = status.to_string();
    for line in [
        "  health   2 (demoted)",
        "  demoted  take-failed (ha-core)",
        "  demoted  test (ha-core), for 2s",
        "  obstacle in maintenance, isolated",
        "  ends     maintenance: 1m after its begin or the last start",
        "  flaps    voluntary changes of the role are held back",
        "  peer     cannot take over: not ready",
        "  table    not complete",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in:\n{text}");
    }
}

#[test]
fn a_silent_peer_and_a_lagging_table_are_told() {
    let mut status = status();
    status.peer.heard = false;
    status.sync = Sync { in_sync: false, behind: 12, ..status.sync };
    let text = status.to_string();
    assert!(text.contains("FW-0001 was ACTIVE, health 1, silent for 4ms\n"), "{text}");
    assert!(text.contains("50000 connections, 12 changes behind\n"), "{text}");
    status.sync.catching_up = true;
    assert!(status.to_string().contains("connections, catching up\n"));
    status.peer.role = None;
    status.sync.enabled = false;
    let text = status.to_string();
    assert!(text.contains("FW-0001 was never heard\n"), "{text}");
    assert!(text.contains("sync     off\n"), "{text}");
}

/// STA-1: what a program reads: names that stay.
#[test]
fn a_program_reads_these_names() {
    let mut status = status();
    status.demotions =
        vec![Demotion { owner: "vendor".into(), reason: "test".into(), expires_in_ms: Some(5) }];
    status.obstacles = Some("in maintenance".into());
    status.maintenance = Maintenance { on: true, lasts_ms: Some(60_000) };
    let json = serde_json::to_value(&status).unwrap();
    for (pointer, value) in [
        ("/role", "STANDBY".into()),
        ("/state", "Standby".into()),
        ("/since_ms", 61_500.into()),
        ("/why", "the peer is Active".into()),
        ("/decision", "the peer is Active; health 2; no peer had been heard".into()),
        ("/health/weight", 2.into()),
        ("/health/fit", true.into()),
        ("/demotions/0/owner", "vendor".into()),
        ("/demotions/0/reason", "test".into()),
        ("/demotions/0/expires_in_ms", 5.into()),
        ("/obstacles", "in maintenance".into()),
        ("/maintenance/on", true.into()),
        ("/maintenance/lasts_ms", 60_000.into()),
        ("/flap_hold", false.into()),
        ("/synchronized", true.into()),
        ("/peer/health/weight", 1.into()),
        ("/peer/obstacles", serde_json::Value::Null),
        ("/peer/synchronized", false.into()),
        ("/designation", "secondary".into()),
        ("/serial", "FW-0002".into()),
        ("/role_changes", 1.into()),
        ("/peer/serial", "FW-0001".into()),
        ("/peer/heard", true.into()),
        ("/peer/role", "ACTIVE".into()),
        ("/peer/age_ms", 4.into()),
        ("/mismatch", serde_json::Value::Null),
        ("/paths/1/name", "lan".into()),
        ("/paths/1/heard", true.into()),
        ("/paths/1/heard_by_peer", false.into()),
        ("/sync/enabled", true.into()),
        ("/sync/role", "replica".into()),
        ("/sync/records", 50_000.into()),
        ("/sync/in_sync", true.into()),
        ("/sync/catching_up", false.into()),
        ("/sync/behind", 0.into()),
        ("/longest_stall_us", 1_250.into()),
        ("/counters/event overruns", 4.into()),
        ("/counted/rejects/stale", 3.into()),
        ("/counted/tally/peer_losses", 2.into()),
        ("/active/serial", "FW-0001".into()),
        ("/active/designation", "primary".into()),
        ("/last_failover/from", "ACTIVE".into()),
        ("/last_failover/to", "STANDBY".into()),
        ("/last_failover/why", "PeerIsFitter".into()),
        ("/last_failover/term", 3.into()),
    ] {
        assert_eq!(json.pointer(pointer), Some(&value), "{pointer}");
    }
    assert_eq!(serde_json::from_value::<Status>(json).unwrap(), status);
}

/// MON-3, CRASH-1, CRASH-3, STA-1: links, targets and services are told with what they take off the health
/// weight, on both units.
#[test]
fn monitors_are_told() {
    let mut status = with_monitors();
    let text = status.to_string();
    let wanted = "  health   2
  lacks    1: link of wan0
  lacks    3: service dns
  peer     FW-0001 is ACTIVE, health 1
  peer     lacks 2: IPv4 target of lan0
  path     ha         heard in both directions
  path     lan        the peer does not hear us
  path     wan        nothing is heard
  link     lan0       up
  link     wan0       down
  link     dmz0       not known yet
  link     ha0        up, 1 of 2 ports up
  target   lan0       10.1.0.53 reached here, lost at the peer
  target   wan0       fd00:2::53 lost here, unknown at the peer; the last 3 probes had no answer
  service  dns        failed, given up (restarts: 3)
  service  nat        works
  service  vpn        is to run on the Active only
";
    assert!(text.contains(wanted), "{text}");
    status.role = Role::Active;
    status.services[2].failed = true;
    status.services[2].restarts = 1;
    assert!(status.to_string().contains("  service  vpn        failed (restarts: 1)\n"));
    let json = serde_json::to_value(&status).unwrap();
    for (pointer, value) in [
        ("/counted/tally/takes", 7.into()),
        ("/deductions/1/what", "service dns".into()),
        ("/deductions/1/weight", 3.into()),
        ("/peer/deductions/0/what", "IPv4 target of lan0".into()),
        ("/links/1/device", "wan0".into()),
        ("/links/1/up", false.into()),
        ("/links/1/weight", 1.into()),
        ("/links/1/deducted", true.into()),
        ("/links/2/up", serde_json::Value::Null),
        ("/targets/1/device", "wan0".into()),
        ("/targets/1/target", "fd00:2::53".into()),
        ("/targets/1/source", "fd00:2::2".into()),
        ("/targets/1/reach", "lost".into()),
        ("/targets/1/peer", "unknown".into()),
        ("/targets/1/missed", 3.into()),
        ("/targets/1/deducted", false.into()),
        ("/services/0/name", "dns".into()),
        ("/services/0/scope", "both".into()),
        ("/services/0/failed", true.into()),
        ("/services/0/given_up", true.into()),
        ("/services/0/restarts", 3.into()),
        ("/services/0/weight", 3.into()),
        ("/services/0/deducted", true.into()),
    ] {
        assert_eq!(json.pointer(pointer), Some(&value), "{pointer}");
    }
    assert_eq!(serde_json::from_value::<Status>(json).unwrap(), status);
}

/// A status in which every kind of monitor has something to say.
pub(crate) fn with_monitors() -> Status {
    let deduction = |what: &str, weight| Deduction { what: what.into(), weight };
    let link = |device: &str, up, ports_up, ports| OnDevice {
        device: device.into(),
        status: LinkStatus {
            interface: InterfaceId(1),
            up,
            ports_up,
            ports,
            weight: 1,
            deducted: up == Some(false),
        },
    };
    let target = |device: &str, net: &str, reach, peer, missed| OnDevice {
        device: device.into(),
        status: TargetStatus {
            interface: InterfaceId(1),
            target: format!("{net}53").parse().unwrap(),
            source: format!("{net}2").parse().unwrap(),
            reach,
            peer,
            missed,
            weight: 2,
            deducted: false,
        },
    };
    let service = |name: &str, scope, failed| ServiceStatus {
        service: ServiceId(1),
        name: name.parse().unwrap(),
        scope,
        failed,
        given_up: failed,
        restarts: if failed { 3 } else { 0 },
        weight: 3,
        deducted: failed,
    };
    let mut status = status();
    status.deductions = vec![deduction("link of wan0", 1), deduction("service dns", 3)];
    status.peer.deductions = vec![deduction("IPv4 target of lan0", 2)];
    status.links = vec![
        link("lan0", Some(true), 1, 1),
        link("wan0", Some(false), 0, 1),
        link("dmz0", None, 0, 1),
        link("ha0", Some(true), 1, 2),
    ];
    status.targets = vec![
        target("lan0", "10.1.0.", Reach::Reached, Reach::Lost, 0),
        target("wan0", "fd00:2::", Reach::Lost, Reach::Unknown, 3),
    ];
    status.services = vec![
        service("dns", ServiceScope::Both, true),
        service("nat", ServiceScope::Both, false),
        service("vpn", ServiceScope::ActiveOnly, false),
    ];
    status
}
