//! Any bytes into the codec of SVRRP: as they are, and again with the length and the check sum put right, so that what
//! lies behind those is reached.

#![no_main]

#[path = "../../svrrp/tests/common/look.rs"]
mod look;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    look::look_at(data);
    let mut right = data.to_vec();
    look::put_right(&mut right);
    look::look_at(&right);
});
