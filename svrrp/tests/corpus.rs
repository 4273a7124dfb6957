//! What the fuzzer found worth keeping holds still: `fuzz/corpus`.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::play::play;
use common::{look_at, put_right};
use proptest::prelude::*;
use std::path::Path;
use svrrp::Message;

/// The files of a target: not more than anybody wants to replay.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = folder.read_dir().expect("the corpus");
    let files: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!((10..=200).contains(&files.len()), "{} files", files.len());
    files
}

/// SVRRP-4: the codec comes to no harm by any file of its corpus.
#[test]
fn the_corpus_of_the_codec_does_no_harm() {
    let (mut files, mut taken) = (0, 0);
    for mut bytes in corpus("svrrp_wire") {
        look_at(&bytes);
        put_right(&mut bytes);
        look_at(&bytes);
        files += 1;
        taken += usize::from(Message::parse(&bytes).is_ok());
    }
    assert!(taken >= 10 && files - taken >= 10, "{taken} of {files} are taken");
}

/// VG-5, NODE-4, SVRRP-4: a unit comes to no harm by any sequence of messages, inputs and times of the corpus.
#[test]
fn the_corpus_of_sequences_does_no_harm() {
    let played: Vec<_> = corpus("svrrp_unit").iter().map(|script| play(script)).collect();
    let moved = played.iter().filter(|(takes, withdrawals)| *takes > 0 && *withdrawals > 0);
    assert!(moved.count() >= 5, "{played:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// VG-5, NODE-4, SVRRP-4: nor by sequences that nobody chose.
    #[test]
    fn sequences_do_no_harm(script in proptest::collection::vec(any::<u8>(), 0..1500)) {
        play(&script);
    }
}
