//! What the fuzzer found worth keeping holds still: `fuzz/corpus/svrrp_wire`.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{look_at, put_right};
use std::path::Path;
use svrrp::Message;

/// SVRRP-4: the fuzz target comes to no harm by any file of its corpus.
#[test]
fn the_corpus_does_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/svrrp_wire");
    let (mut files, mut taken) = (0, 0);
    for file in folder.read_dir().expect("the corpus") {
        let mut bytes = std::fs::read(file.unwrap().path()).unwrap();
        look_at(&bytes);
        put_right(&mut bytes);
        look_at(&bytes);
        files += 1;
        taken += usize::from(Message::parse(&bytes).is_ok());
    }
    assert!(files <= 200, "{files} files are more than anybody wants to replay");
    assert!(taken >= 10 && files - taken >= 10, "{taken} of {files} are taken");
}
