use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    options: Options,
}

/// A report of two faults, one of each group, with these gaps in milliseconds: of the group that moved, and of the other.
fn report(line: &str, gaps: [u64; 2]) -> Report {
    let line = format!("lab --nodes 4 {line}");
    let options = Program::try_parse_from(line.split_whitespace()).unwrap().options;
    let [moved, stayed] = gaps.map(|gap| Noticed {
        gap: Duration::from_millis(gap),
        noise: Duration::from_micros(1_280),
    });
    let strike = |group: GroupNumber| Strike {
        run: 1,
        group,
        victim: group.index(),
        moves: true,
        noticed: if group == GroupNumber::One { [moved, stayed] } else { [stayed, moved] },
        back: Duration::from_millis(3),
        faults: Vec::new(),
    };
    Report { strikes: GROUPS.map(strike).to_vec(), ..Report::new(&options, 7) }
}

#[test]
fn the_table_is_one_that_a_person_likes_to_read() {
    let text = report("--runs 1", [31, 2]).to_string();
    let expected = "
2 x crash, 4 nodes, 10ms x 3, seed 7

  milliseconds                         min      median         max
  gap, fault of VG 1's owner          31.0        31.0        31.0
  gap, fault of VG 2's owner          31.0        31.0        31.0
  gap, when it came back               3.0         3.0         3.0
  gap, the other group                 2.0         2.0         2.0
  noise before                         1.3         1.3         1.3

  bound of a lost owner       40.0 ms and one round trip
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("\n  passed: one owner of each group"), "{text}");
}

/// VG-5: what moved, moved as it should, and nothing else did; or the lab fails.
#[test]
fn a_gap_of_the_other_group_fails_the_lab() {
    assert!(report("", [31, 19]).is_success());
    assert!(!report("", [31, 20]).is_success());
    assert!(report("--max-gap 31ms", [31, 2]).is_success());
    assert!(!report("--max-gap 30ms", [31, 2]).is_success());
}

#[test]
fn a_group_in_the_wrong_place_fails_the_lab() {
    let mut report = report("", [31, 2]);
    report.strikes[1].faults.push("VG 1 has 2 owners".to_owned());
    assert!(!report.is_success());
    assert!(report.to_string().contains("  WRONG, run 1: VG 1 has 2 owners\n"));
}

/// SVRRP-2: where X0 stands in, nothing moves; or the lab fails.
#[test]
fn a_gap_where_nothing_moves_fails_the_lab() {
    let mut report = report("--fault ha-link", [19, 2]);
    report.strikes.iter_mut().for_each(|strike| strike.moves = false);
    assert!(report.is_success());
    assert!(
        report.to_string().ends_with("one owner of each group, none has moved, gaps below 20ms\n")
    );
    report.strikes[0].noticed[0].gap = Duration::from_millis(20);
    assert!(!report.is_success());
}

#[test]
fn no_result_is_no_success() {
    let mut report = report("", [31, 2]);
    report.strikes.clear();
    assert!(!report.is_success());
}
