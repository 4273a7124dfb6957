//! What must hold for all bytes. The fuzz target uses it too.

use svrrp::Message;
use svrrp::wire::{AdvertisementView, Datagram, MAX_DATAGRAM_LEN};

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
pub fn emitted(message: &Message) -> Vec<u8> {
    let mut buf = [0; MAX_DATAGRAM_LEN];
    let len = message.emit(&mut buf).expect("a valid message");
    assert_eq!(len, message.wire_len());
    buf[..len].to_vec()
}

/// Bytes that are taken mean something that can be written, and is then the same; and the view shows it.
pub fn look_at(datagram: &[u8]) {
    let parsed = Message::parse(datagram);
    if let Ok(message) = parsed {
        let again = emitted(&message);
        assert!(again.len() <= datagram.len());
        assert_eq!(Message::parse(&again), Ok(message));
    }
    let view = Datagram::check(datagram).and_then(|checked| AdvertisementView::check(&checked));
    match (view, parsed) {
        (Ok(view), Ok(Message::Advertisement(advertisement))) => {
            assert_eq!((view.header(), view.unit()), (&advertisement.header, &advertisement.unit));
            let ranks = advertisement.content.as_ref().map(|content| content.ranks);
            assert_eq!(view.ranks(), ranks);
            let content = advertisement.content.unwrap_or_default();
            assert_eq!(view.product(), content.product);
            assert!(view.groups().eq(content.groups.iter().map(|(at, entry)| (at, *entry))));
            assert!(view.heard().eq(content.heard.iter().map(|(at, entry)| (at, *entry))));
        }
        (Err(_), Ok(Message::Advertisement(_))) | (Ok(_), _) => panic!("{view:?}, {parsed:?}"),
        (Err(_), _) => {}
    }
}
