//! The whole transition table of the role logic, for a person to review.

use core::fmt::Write as _;
use ha_core::pair::{Cause, OwnView, PeerView, Stance, State, next};
use std::collections::BTreeSet;

/// What a decision can depend on, in the order in which the table asks: the name, and its values.
const QUESTIONS: [(&str, &[&str]); 8] = [
    (
        "peer",
        &[
            "Silent",
            "Left",
            "Election",
            "Standby",
            "Active",
            "Withdrawing",
            "Released",
            "Recovering",
        ],
    ),
    ("we are eligible", &["no", "yes"]),
    ("we are isolated", &["no", "yes"]),
    ("election is over", &["no", "yes"]),
    ("hears us", &["no", "yes"]),
    ("peer is eligible", &["no", "yes"]),
    ("we are better", &["unknown", "no", "yes"]),
    ("heard for long", &["no", "yes"]),
];

/// One answer to each question, by number; the ones beyond the known are not asked yet.
type Answers = Vec<usize>;

fn decide(state: State, cause: Cause, answers: &Answers) -> State {
    let yes = |at: usize| answers[at] == 1;
    let own = OwnView { eligible: yes(1), isolated: yes(2), election_over: yes(3) };
    let peer = match answers[0] {
        0 => PeerView::Silent,
        stance => PeerView::Heard {
            stance: Stance::ALL[stance - 1],
            hears_us: yes(4),
            eligible: yes(5),
            we_are_better: [None, Some(false), Some(true)][answers[6]],
            for_long: yes(7),
        },
    };
    next(state, cause, own, peer)
}

/// All decisions that follow from these first answers, in a fixed order.
fn decisions(state: State, cause: Cause, answers: &Answers) -> Vec<State> {
    match QUESTIONS.get(answers.len()) {
        None => vec![decide(state, cause, answers)],
        Some((_, values)) => (0..values.len())
            .flat_map(|value| {
                let more = answers.iter().copied().chain([value]).collect();
                decisions(state, cause, &more)
            })
            .collect(),
    }
}

/// Writes one line for each way to another state. Answers that do not matter are left out; those that
/// lead to the same are put together.
fn lines(state: State, cause: Cause, answers: &Answers, said: &[String], out: &mut Vec<String>) {
    let all = decisions(state, cause, answers);
    if all.iter().all(|to| *to == all[0]) {
        if all[0] != state {
            let when = if said.is_empty() { "*".into() } else { said.join(", ") };
            out.push(format!("{} <- {when}", all[0]));
        }
        return;
    }
    let (name, values) = QUESTIONS[answers.len()];
    let more = |value| answers.iter().copied().chain([value]).collect::<Answers>();
    let mut done = BTreeSet::<usize>::new();
    for value in 0..values.len() {
        let to = decisions(state, cause, &more(value));
        let alike: Vec<_> = (value..values.len())
            .filter(|other| !done.contains(other))
            .filter(|other| decisions(state, cause, &more(*other)) == to)
            .collect();
        if done.contains(&value) {
            continue;
        }
        done.extend(&alike);
        let mut said = said.to_vec();
        if alike.len() < values.len() {
            let names: Vec<_> = alike.iter().map(|value| values[*value]).collect();
            said.push(format!("{name}: {}", names.join("/")));
        }
        lines(state, cause, &more(value), &said, out);
    }
}

/// PAIR-3, PAIR-5, PAIR-6, PAIR-10, PAIR-13, PAIR-20, CRASH-4: every change of the role logic shows
/// here. What is not listed leaves the state as it is; an answer that is not listed does not matter.
#[test]
fn the_whole_table() {
    let mut table = String::new();
    for state in State::ALL {
        let _ = writeln!(table, "{state}");
        let mut stays = Vec::new();
        for cause in Cause::ALL {
            let mut out = Vec::new();
            lines(state, cause, &Vec::new(), &[], &mut out);
            if out.is_empty() {
                stays.push(format!("{cause:?}"));
            }
            for (at, line) in out.iter().enumerate() {
                let cause = if at == 0 { format!("{cause:?}") } else { String::new() };
                let _ = writeln!(table, "  {cause:<14} -> {line}");
            }
        }
        let _ = writeln!(table, "  stays on       {}\n", stays.join(", "));
    }
    insta::assert_snapshot!(table);
}
