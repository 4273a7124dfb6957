//! The test vectors mean what they say.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{emitted, messages, vectors};
use std::collections::BTreeSet;
use svrrp::Message;

/// SVRRP-4: every vector comes to what it says; what is taken has the values that are said in Rust, and is
/// written as the bytes that the vector names.
#[test]
fn every_vector_comes_to_what_it_says() {
    for vector in vectors::all() {
        let result = Message::parse(&vector.bytes);
        let told = vectors::told(&result);
        let crc = vector.bytes.split_last_chunk::<4>().map(|(body, _)| crc32fast::hash(body));
        assert_eq!(told, vector.result, "{} (its check sum is {crc:08x?})", vector.name);
        if let Ok(message) = result {
            assert_eq!(message, messages::expected(&vector.emits), "{}", vector.name);
            assert_eq!(emitted(&message), vectors::bytes(&vector.emits), "{}", vector.name);
        }
    }
}

/// SVRRP-4: the vectors are all there, each under a name of its own, and every reason is among them.
#[test]
fn the_vectors_are_all_there() {
    let vectors = vectors::all();
    let names: BTreeSet<_> = vectors.iter().map(|vector| &vector.name).collect();
    assert_eq!(names.len(), vectors.len());
    assert_eq!(vectors.iter().filter(|vector| vector.is_taken()).count(), 15);
    let reasons: BTreeSet<_> =
        vectors.iter().filter_map(|it| it.result.split(' ').next()).collect();
    let expected = ["checksum", "magic", "malformed", "overlong", "taken", "truncated", "version"];
    assert_eq!(reasons, BTreeSet::from(expected));
}
