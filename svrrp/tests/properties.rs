//! What holds for every message and all bytes.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::strategies::{advertisement, message};
use common::{emitted, look_at, put_right, vectors};
use proptest::prelude::*;
use std::sync::LazyLock;
use svrrp::wire::{AdvertisementView, Datagram, MAGIC, MAX_DATAGRAM_LEN};
use svrrp::{Advertisement, Claim, Management, Message, Release};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// SVRRP-4: parse after emit is the identity, and emit after parse is, within the bound of the length.
    #[test]
    fn what_is_written_is_read_again(message in message()) {
        let datagram = emitted(&message);
        prop_assert!(datagram.len() <= MAX_DATAGRAM_LEN);
        let read = Message::parse(&datagram);
        prop_assert_eq!(read, Ok(message));
        prop_assert_eq!(emitted(&read.unwrap()), datagram);
    }

    /// SVRRP-4: a message is read as what it is, and as nothing else.
    #[test]
    fn a_message_has_one_type(message in message()) {
        let datagram = emitted(&message);
        let checked = Datagram::check(&datagram).unwrap();
        prop_assert_eq!(checked.kind(), message.kind());
        prop_assert_eq!(checked.header(), message.header());
        let read = [
            Advertisement::parse(&datagram).map(Message::Advertisement),
            Management::parse(&datagram).map(Message::Management),
            Claim::parse(&datagram).map(Message::Claim),
            Release::parse(&datagram).map(Message::Release),
        ];
        prop_assert_eq!(read.into_iter().flatten().collect::<Vec<_>>(), [message]);
    }

    /// SVRRP-4: the view of an advertisement shows what the representation says.
    #[test]
    fn the_view_shows_the_same(advertisement in advertisement()) {
        let datagram = emitted(&Message::Advertisement(advertisement));
        let view = AdvertisementView::check(&Datagram::check(&datagram).unwrap()).unwrap();
        prop_assert_eq!(view.header(), &advertisement.header);
        prop_assert_eq!(view.unit(), &advertisement.unit);
        let content = advertisement.content.as_ref();
        prop_assert_eq!(view.product(), content.and_then(|content| content.product));
        prop_assert_eq!(view.ranks(), content.map(|content| content.ranks));
        let content = content.copied().unwrap_or_default();
        prop_assert!(view.groups().eq(content.groups.iter().map(|(at, entry)| (at, *entry))));
        prop_assert!(view.heard().eq(content.heard.iter().map(|(at, entry)| (at, *entry))));
    }

    /// SVRRP-4: no bytes do more than be refused, or mean something.
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        look_at(&bytes);
    }

    /// SVRRP-4: the same behind a right beginning and with a right check sum.
    #[test]
    fn arbitrary_bytes_made_right_do_no_harm(
        mut bytes in prop::collection::vec(any::<u8>(), 6..=MAX_DATAGRAM_LEN),
        kind in 0..=8_u8,
    ) {
        bytes[..2].copy_from_slice(&MAGIC);
        bytes[2] = 1;
        bytes[3] = kind;
        put_right(&mut bytes);
        look_at(&bytes);
    }

    /// SVRRP-4: the same for messages of which some bytes were changed, taken out or put in.
    #[test]
    fn changed_messages_do_no_harm(
        at_vector in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..5),
    ) {
        static VECTORS: LazyLock<Vec<vectors::Vector>> = LazyLock::new(vectors::all);
        let mut bytes = at_vector.get(&VECTORS).bytes.clone();
        for (at, byte, what) in changes {
            let at = at.index(bytes.len());
            match what {
                0 => bytes.insert(at, byte),
                1 if bytes.len() > 4 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(4)),
                _ => bytes[at] = byte,
            }
        }
        put_right(&mut bytes);
        look_at(&bytes);
    }
}
