//! What the tests and the benches of the codec share.

// No test needs all of it.
#![allow(dead_code, unreachable_pub)]

pub mod messages;
pub mod strategies;
pub mod vectors;

use svrrp::wire::MAX_DATAGRAM_LEN;

/// Makes the length and the check sum of a datagram right, so that what lies between them is looked at.
pub fn put_right(datagram: &mut [u8]) {
    let Ok(len) = u16::try_from(datagram.len()) else { return };
    if let Some(place) = datagram.get_mut(4..6) {
        place.copy_from_slice(&len.to_be_bytes());
    }
    if let Some((body, crc)) = datagram.split_last_chunk_mut::<4>() {
        *crc = crc32fast::hash(body).to_be_bytes();
    }
}

/// The bytes of a message.
pub fn emitted(message: &svrrp::Message) -> Vec<u8> {
    let mut buf = [0; MAX_DATAGRAM_LEN];
    let len = message.emit(&mut buf).expect("a valid message");
    assert_eq!(len, message.wire_len());
    buf[..len].to_vec()
}
