use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    options: Options,
}

/// A report of runs with these gaps in milliseconds; in each run one of two connections is kept if
/// `kept` is 1.
fn report(line: &str, gaps: &[u64], kept: usize) -> Report {
    let options = Program::try_parse_from(["lab"].into_iter().chain(line.split_whitespace()))
        .unwrap()
        .options;
    let run = |(number, gap): (u32, &u64)| Run {
        number,
        measures: vec![Measure {
            name: "fail-over",
            gap: Duration::from_millis(*gap),
            noise: Duration::from_micros(1_280),
        }],
        unanswered: *gap,
        stalls: vec![Duration::from_millis(210); kept],
        losses: vec!["no answer any more".to_owned(); 2 - kept],
        download: None,
        role_changes: 1,
        takes: 1,
    };
    Report { runs: (1..).zip(gaps).map(run).collect(), ..Report::new(&options, 7) }
}

#[test]
fn the_table_is_one_that_a_person_likes_to_read() {
    let text = report("--nat", &[24, 31, 28], 2).to_string();
    let expected = "
3 x crash, heartbeat 10ms x 3, 20 connections, NAT, seed 7

  milliseconds                         min      median         max
  gap, fail-over                      24.0        28.0        31.0
  noise before fail-over               1.3         1.3         1.3
  TCP stall, each connection         210.0       210.0       210.0
  TCP stall, worst of a run          210.0       210.0       210.0

  connections kept            6 of 6
  role changes a run          1
  take-overs a run            1
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with("  passed: all connections kept\n"), "{text}");
}

#[test]
fn one_lost_connection_fails_the_lab() {
    assert!(report("", &[24], 2).is_success());
    assert!(!report("", &[24], 1).is_success());
}

#[test]
fn without_synchronization_one_kept_connection_fails_the_lab() {
    assert!(report("--no-sync", &[24], 0).is_success());
    assert!(!report("--no-sync", &[24], 1).is_success());
}

#[test]
fn a_lost_download_fails_the_lab() {
    let mut report = report("--download", &[24], 2);
    report.runs[0].download = Some(DownloadResult {
        kept: true,
        reason: None,
        before_mbit_per_s: 900.0,
        after_mbit_per_s: 800.0,
    });
    assert!(report.is_success());
    assert!(
        report
            .to_string()
            .contains("downloads kept              1 of 1; 900 Mbit/s before, 800 after")
    );
    report.runs[0].download.as_mut().unwrap().kept = false;
    assert!(!report.is_success());
}

#[test]
fn the_limit_is_on_the_median() {
    assert!(report("--max-gap 30ms", &[20, 30, 99], 2).is_success());
    assert!(!report("--max-gap 29ms", &[20, 30, 99], 2).is_success());
}

#[test]
fn a_cut_ha_link_must_not_change_roles() {
    assert!(!report("--fault ha-link", &[1], 2).is_success());
}

/// MON-2, MON-4, CRASH-2: a fault of monitoring on one side moves the role once, the same on both sides never.
#[test]
fn the_role_must_move_as_often_as_it_should() {
    for fault in ["link", "probe", "service"] {
        let mut report = report(&format!("--fault {fault}"), &[3, 4], 2);
        assert!(report.is_success(), "{fault}");
        assert!(report.to_string().ends_with("  passed: one take-over, all connections kept\n"));
        for takes in [0, 2] {
            report.runs[1].takes = takes;
            assert!(!report.is_success(), "{fault}, {takes}");
        }
    }
    let mut report = report("--fault probe-both", &[3, 4], 2);
    assert!(!report.is_success());
    for run in &mut report.runs {
        (run.takes, run.role_changes) = (0, 0);
    }
    assert!(report.is_success());
}

#[test]
fn no_result_is_no_success() {
    assert!(!report("", &[], 2).is_success());
}

#[test]
fn json_has_the_numbers_in_milliseconds() {
    let report = report("", &[24, 28], 2);
    let json = serde_json::to_value(Summary::of(&report)).unwrap();
    assert_eq!(json["measures"][0]["gap"]["median_ms"], 26.0);
    assert_eq!(json["runs"][0]["measures"][0]["noise_ms"], 1.28);
    assert_eq!((&json["kept"], &json["fault"]), (&4.into(), &"crash".into()));
}
