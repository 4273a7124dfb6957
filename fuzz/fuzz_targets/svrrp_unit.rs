//! Any sequence of messages, inputs, answers and times into a unit of a cluster.

#![no_main]

#[path = "../../svrrp/tests/common/look.rs"]
#[allow(dead_code)] // the other target needs the rest
mod look;
#[path = "../../svrrp/tests/common/play.rs"]
mod play;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| {
    play::play(script);
});
