//! What the codec costs in instructions, which do not depend on the machine's load. Needs valgrind:
//!
//! ```sh
//! svrrp/benches/instructions.sh
//! ```
//!
//! That counts the instructions of this program twice, with and without 10,000 turns, and divides the difference. (A
//! library for it, gungraun, would cost every run of the lints a minute to build.)

// Benches may say plainly what they expect.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::arithmetic_side_effects, clippy::expect_used)]

#[path = "../tests/common/messages.rs"]
#[allow(dead_code, unreachable_pub)] // the tests need the rest
mod messages;

use core::hint::black_box;
use svrrp::Advertisement;
use svrrp::wire::MAX_DATAGRAM_LEN;

/// `parse` or `emit`, and how many turns; anything else, as from `cargo bench`, does nothing.
fn main() {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let turns: u32 = args.next().and_then(|turns| turns.parse().ok()).unwrap_or(0);
    // Four virtual groups, seven units heard.
    let advertisement = messages::full();
    let mut out = [0; MAX_DATAGRAM_LEN];
    let len = advertisement.emit(&mut out).unwrap();
    let datagram = out[..len].to_vec();
    for _ in 0..turns {
        match what.as_str() {
            "parse" => {
                let _ = black_box(Advertisement::parse(black_box(&datagram)));
            }
            "emit" => {
                let _ = black_box(black_box(&advertisement).emit(black_box(&mut out)));
            }
            _ => return,
        }
    }
}
