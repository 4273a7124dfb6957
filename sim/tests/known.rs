//! What ever failed holds for ever (`known/*.plan`).

// A test says plainly what it expects.
#![allow(clippy::panic, clippy::expect_used)]

use sim::{known, run};

/// S1, S3, L1, L2, PAIR-13, BEY-9: what was broken once and is repaired, or was a mistake of the oracle.
#[test]
fn what_ever_failed_holds() {
    for it in known() {
        let violation = run(&it.plan, false).violation;
        if let Some(violation) = violation {
            let file = format!("sim/known/{}.plan", it.name);
            panic!("{violation}\ncargo run --release -p sim -- --plan {file}");
        }
    }
}

/// No file is forgotten.
#[test]
fn every_file_is_known() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("known");
    let files = folder.read_dir().expect("sim/known").map(|file| file.expect("a file").path());
    let mut files: Vec<_> =
        files.map(|path| path.file_stem().expect("a name").to_owned()).collect();
    files.sort();
    assert_eq!(files, known().iter().map(|it| it.name).collect::<Vec<_>>());
}
