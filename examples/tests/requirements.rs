//! `docs/requirements.md` says which tests prove which requirement. This test keeps the list true.
//!
//! A test cites what it proves at the beginning of its doc comment, with a colon behind: one ID, or
//! several with commas between. After tests came, went or changed their citations,
//!
//! ```text
//! UPDATE_REQUIREMENTS=1 cargo test -p examples --test requirements
//! ```
//!
//! writes the last column anew; the change shows in the review.

// A failure to read the project's own files is a failed test.
#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = "docs/requirements.md";
const UPDATE: &str = "UPDATE_REQUIREMENTS";
const NOT_YET: &str = "not yet";

/// A row of the list.
struct Requirement {
    id: String,
    title: String,
    proofs: BTreeSet<String>,
}

/// A function of the source code that is a test, or claims to be one by citing a requirement.
struct Test {
    /// `path/of/file.rs::function`
    name: String,
    /// The IDs at the beginning of its doc comment.
    cites: Vec<String>,
    docs: String,
    runs: bool,
}

#[test]
fn the_list_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's root");
    let tests = tests_under(root);
    let list = root.join(LIST);
    let mut text = fs::read_to_string(&list).expect(LIST);
    if std::env::var_os(UPDATE).is_some() {
        text = with_proofs(&text, &tests);
        fs::write(&list, &text).expect(LIST);
    }
    let requirements = requirements_in(&text);
    let proven = requirements.iter().filter(|requirement| !requirement.proofs.is_empty()).count();
    println!("{proven} of {} requirements are proven by tests", requirements.len());
    let problems = problems(&requirements, &tests);
    assert!(
        problems.is_empty(),
        "{LIST} and the tests differ ({UPDATE}=1 rewrites its last column):\n{}",
        problems.join("\n")
    );
}

/// Everything that is wrong with the list or with a citation, one line each.
fn problems(requirements: &[Requirement], tests: &[Test]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut known = BTreeMap::new();
    let mut last: (&str, u32) = ("", 0);
    for requirement in requirements {
        let id = requirement.id.as_str();
        if known.insert(id, &requirement.proofs).is_some() {
            problems.push(format!("{id} is listed twice"));
        }
        // An ID never changes its meaning, so a row never goes.
        let (family, number) = family_and_number(id);
        let expected = if family == last.0 { last.1.saturating_add(1) } else { 1 };
        if number != expected {
            problems.push(format!("{id} stands where {family}{expected} is expected"));
        }
        last = (family, number);
        for proof in &requirement.proofs {
            match tests.iter().find(|test| test.name == *proof) {
                None => problems.push(format!("{id} lists {proof}, which does not exist")),
                Some(test) if !test.cites.contains(&requirement.id) => {
                    problems.push(format!("{id} lists {proof}, which does not cite it"));
                }
                Some(_) => {}
            }
        }
    }
    for Test { name, cites, docs, runs } in tests {
        for id in cites {
            match known.get(id.as_str()) {
                None => problems.push(format!("{name} cites {id}, which is unknown")),
                Some(proofs) if !proofs.contains(name) => {
                    problems.push(format!("{name} cites {id}, which does not list it"));
                }
                Some(_) => {}
            }
        }
        if !cites.is_empty() && !runs {
            problems
                .push(format!("{name} cites {}, but is not a test that runs", cites.join(", ")));
        }
        let mut mentioned = docs.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        if let Some(id) = mentioned.find(|word| known.contains_key(word))
            && cites.is_empty()
        {
            problems
                .push(format!("{name} mentions {id}: a citation begins with the ID and a colon"));
        }
    }
    problems
}

fn requirements_in(list: &str) -> Vec<Requirement> {
    list.lines().filter_map(requirement_in).collect()
}

/// `| ID | title | proofs |`
fn requirement_in(line: &str) -> Option<Requirement> {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let ["", id, title, proofs, ""] = cells.as_slice() else { return None };
    if !is_id(id) {
        return None;
    }
    let proofs = proofs.split("<br>").map(|proof| proof.trim_matches('`').to_owned());
    Some(Requirement {
        id: (*id).to_owned(),
        title: (*title).to_owned(),
        proofs: proofs.filter(|proof| proof != NOT_YET).collect(),
    })
}

/// The list with its last column made from what the tests cite.
fn with_proofs(list: &str, tests: &[Test]) -> String {
    let mut text = String::new();
    for line in list.lines() {
        match requirement_in(line) {
            Some(Requirement { id, title, .. }) => {
                let proving = tests.iter().filter(|test| test.runs && test.cites.contains(&id));
                let proofs: BTreeSet<_> = proving.map(|test| format!("`{}`", test.name)).collect();
                let proofs = match Vec::from_iter(proofs).join("<br>") {
                    none if none.is_empty() => NOT_YET.to_owned(),
                    proofs => proofs,
                };
                text.push_str(&format!("| {id} | {title} | {proofs} |"));
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// `PAIR-6`, or `S3` for what must always hold.
fn is_id(text: &str) -> bool {
    let (family, number) = family_and_number(text);
    let letters = family.strip_suffix('-').unwrap_or(family);
    number > 0 && !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `PAIR-6` is the sixth of `PAIR-`.
fn family_and_number(id: &str) -> (&str, u32) {
    let family = id.trim_end_matches(|c: char| c.is_ascii_digit());
    (family, id.strip_prefix(family).and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// All tests in the Rust files below `root`, but for build output and hidden directories.
fn tests_under(root: &Path) -> Vec<Test> {
    let mut files = Vec::new();
    rust_files(root, &mut files);
    files.sort();
    let read = |file: &PathBuf| {
        let source = fs::read_to_string(file).expect("a source file");
        let path = file.strip_prefix(root).expect("a path below the root").to_string_lossy();
        tests_in(&path, &source)
    };
    files.iter().flat_map(read).collect()
}

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a directory entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.starts_with("target") {
            continue;
        }
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The tests of one file: functions that bear a test attribute or stand in a `proptest!` block, and
/// functions that cite a requirement without being tests. Lines are enough for this, since the
/// source is formatted.
fn tests_in(path: &str, source: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    let (mut docs, mut attributes) = (String::new(), String::new());
    let mut proptest_indent = None;
    for line in source.lines() {
        let text = line.trim();
        let indent = line.len().saturating_sub(line.trim_start().len());
        let in_attribute = !attributes.is_empty() && !attributes.ends_with(']');
        if text.starts_with("#[") || in_attribute {
            attributes.push_str(text);
            continue;
        }
        if let Some(doc) = text.strip_prefix("///") {
            docs.push_str(doc);
            continue;
        }
        if text.starts_with("//") {
            continue;
        }
        if text == "proptest! {" {
            proptest_indent = Some(indent);
        } else if text == "}" && proptest_indent == Some(indent) {
            proptest_indent = None;
        } else if let Some(function) = function_name(text) {
            let cites = citations(&docs);
            let has_attribute = ["test]", "test("].iter().any(|test| attributes.contains(test));
            let is_test = has_attribute || proptest_indent.is_some();
            if is_test || !cites.is_empty() {
                tests.push(Test {
                    name: format!("{path}::{function}"),
                    cites,
                    docs: docs.clone(),
                    runs: is_test && !attributes.contains("ignore"),
                });
            }
        }
        docs.clear();
        attributes.clear();
    }
    tests
}

fn function_name(text: &str) -> Option<&str> {
    let text = text.strip_prefix("pub ").unwrap_or(text);
    let text = text.strip_prefix("async ").unwrap_or(text);
    text.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// The IDs before the first colon, or in the whole comment, if there is nothing else there.
fn citations(docs: &str) -> Vec<String> {
    let head = docs.split(':').next().unwrap_or_default();
    let ids: Vec<_> = head.split(',').map(|id| id.trim().to_owned()).collect();
    if ids.iter().all(|id| is_id(id)) { ids } else { Vec::new() }
}

/// The checks must be able to fail: each kind of disagreement, in a sample.
mod sample {
    use super::*;

    const LIST: &str = concat!(
        "# Title\n",
        "| ID | behaviour | proof |\n",
        "| --- | --- | --- |\n",
        "| ONE-1 | first | `a.rs::first`<br>`a.rs::random` |\n",
        "| ONE-2 | second | `a.rs::first` |\n",
        "| TWO-1 | third | not yet |\n",
    );
    const SOURCE: &str = concat!(
        "/// ONE-1, ONE-2: both.\n",
        "#[tokio::test(\n",
        "    start_paused = true\n",
        ")]\n",
        "async fn first() {}\n",
        "proptest! {\n",
        "    /// ONE-1: with numbers.\n",
        "    fn random(x: u8) {\n",
        "    }\n",
        "}\n",
        "/// No citation.\n",
        "fn helper() {}\n",
    );

    fn found(list: &str, source: &str) -> Vec<String> {
        problems(&requirements_in(list), &tests_in("a.rs", source))
    }

    #[test]
    fn agreement_is_no_problem() {
        assert_eq!(found(LIST, SOURCE), Vec::<String>::new());
        assert_eq!(with_proofs(LIST, &tests_in("a.rs", SOURCE)), LIST);
    }

    #[test]
    fn a_listed_test_that_is_gone() {
        let source = SOURCE.replace("fn random", "fn renamed");
        let problems = found(LIST, &source);
        assert!(problems.contains(&"ONE-1 lists a.rs::random, which does not exist".to_owned()));
        assert!(problems.contains(&"a.rs::renamed cites ONE-1, which does not list it".to_owned()));
        let updated = with_proofs(LIST, &tests_in("a.rs", &source));
        assert_eq!(found(&updated, &source), Vec::<String>::new());
    }

    #[test]
    fn a_listed_test_that_does_not_cite() {
        let source = SOURCE.replace("ONE-1, ONE-2:", "ONE-1:");
        assert_eq!(found(LIST, &source), ["ONE-2 lists a.rs::first, which does not cite it"]);
    }

    #[test]
    fn a_citation_that_is_not_listed() {
        let source = SOURCE.replace("ONE-1, ONE-2:", "ONE-1, ONE-2, TWO-1:");
        assert_eq!(found(LIST, &source), ["a.rs::first cites TWO-1, which does not list it"]);
    }

    #[test]
    fn an_unknown_id() {
        let source = SOURCE.replace("ONE-1, ONE-2:", "ONE-1, ONE-2, TWO-9:");
        assert_eq!(found(LIST, &source), ["a.rs::first cites TWO-9, which is unknown"]);
    }

    #[test]
    fn an_id_that_is_listed_twice_or_missing() {
        let list = LIST.replace("TWO-1 ", "ONE-2 ");
        assert!(found(&list, SOURCE).contains(&"ONE-2 is listed twice".to_owned()));
        let list = LIST.replace("TWO-1 ", "TWO-2 ");
        assert_eq!(found(&list, SOURCE), ["TWO-2 stands where TWO-1 is expected"]);
    }

    #[test]
    fn a_citation_by_what_does_not_run() {
        let source = SOURCE.replace("proptest! {", "mod tests {");
        assert_eq!(found(LIST, &source), ["a.rs::random cites ONE-1, but is not a test that runs"]);
        let source = SOURCE.replace("#[tokio::test(", "#[ignore]\n#[tokio::test(");
        let problems = found(LIST, &source);
        assert_eq!(problems, ["a.rs::first cites ONE-1, ONE-2, but is not a test that runs"]);
    }

    #[test]
    fn a_citation_in_another_form() {
        let list = LIST.replace("<br>`a.rs::random`", "");
        let source = SOURCE.replace("ONE-1: with numbers.", "With numbers (ONE-1).");
        assert_eq!(
            found(&list, &source),
            ["a.rs::random mentions ONE-1: a citation begins with the ID and a colon"]
        );
    }
}
