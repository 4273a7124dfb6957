use super::*;

fn status() -> Status {
    Status {
        role: "STANDBY".into(),
        state: "Standby".into(),
        since_ms: 61_500,
        why: "the peer is Active".into(),
        decision: "the peer is Active; health 2; no peer had been heard".into(),
        designation: Designation::Secondary,
        serial: "FW-0002".into(),
        role_changes: 1,
        takes: 0,
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
            Path { name: "ha".into(), heard: true, heard_by_peer: true },
            Path { name: "lan".into(), heard: true, heard_by_peer: false },
            Path { name: "wan".into(), heard: false, heard_by_peer: true },
        ],
        sync: Sync {
            enabled: true,
            role: "replica".into(),
            records: 50_000,
            in_sync: true,
            ..Sync::default()
        },
        longest_stall_us: 1_250,
        counters: [("heartbeats ignored: stale".into(), 3)].into(),
    }
}

/// STA-1, COS-7: what a person reads.
#[test]
fn a_person_reads_who_what_and_why() {
    let wanted = "\
Secondary FW-0002 is STANDBY for 1m 1s 500ms
  why      the peer is Active; health 2; no peer had been heard
  health   2
  peer     FW-0001 is ACTIVE, health 1
  path     ha         heard in both directions
  path     lan        the peer does not hear us
  path     wan        nothing is heard
  sync     replica, 50000 connections, in sync
  table    complete
  stall    1.25ms at the most
  counter  3 heartbeats ignored: stale
";
    assert_eq!(status().to_string(), wanted);
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
        ("/counters/heartbeats ignored: stale", 3.into()),
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
  target   lan0       10.1.0.53 reached here, lost at the peer
  target   wan0       fd00:2::53 lost here, unknown at the peer; the last 3 probes had no answer
  service  dns        failed, given up (restarts: 3)
  service  nat        works
  service  vpn        is to run on the Active only
";
    assert!(text.contains(wanted), "{text}");
    status.role = "ACTIVE".into();
    status.services[2].failed = true;
    status.services[2].restarts = 1;
    assert!(status.to_string().contains("  service  vpn        failed (restarts: 1)\n"));
    let json = serde_json::to_value(&status).unwrap();
    for (pointer, value) in [
        ("/takes", 0.into()),
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
    let link = |device: &str, up| Link {
        device: device.into(),
        up,
        weight: 1,
        deducted: up == Some(false),
    };
    let target = |device: &str, net: &str, reach: &str, peer: &str, missed| Target {
        device: device.into(),
        target: format!("{net}53"),
        source: format!("{net}2"),
        reach: reach.into(),
        peer: peer.into(),
        missed,
        weight: 2,
        deducted: false,
    };
    let service = |name: &str, scope: &str, failed| Service {
        name: name.into(),
        scope: scope.into(),
        failed,
        given_up: failed,
        restarts: if failed { 3 } else { 0 },
        weight: 3,
        deducted: failed,
    };
    let mut status = status();
    status.deductions = vec![deduction("link of wan0", 1), deduction("service dns", 3)];
    status.peer.deductions = vec![deduction("IPv4 target of lan0", 2)];
    status.links = vec![link("lan0", Some(true)), link("wan0", Some(false)), link("dmz0", None)];
    status.targets = vec![
        target("lan0", "10.1.0.", "reached", "lost", 0),
        target("wan0", "fd00:2::", "lost", "unknown", 3),
    ];
    status.services = vec![
        service("dns", "both", true),
        service("nat", "both", false),
        service("vpn", "active-only", false),
    ];
    status
}
