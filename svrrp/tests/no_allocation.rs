//! Reading and writing a message allocates nothing.

// Tests may say plainly what they expect.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// An allocator that counts can only be written so; it hands every call on to the system's.
#![allow(unsafe_code)]

mod common;

use common::vectors;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use svrrp::Message;
use svrrp::wire::{AdvertisementView, Datagram, MAX_DATAGRAM_LEN};

struct Counting;

thread_local! {
    // Other threads of the test harness do not count.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    CALLS.with(|calls| calls.set(calls.get() + 1));
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = CALLS.with(Cell::get);
    work();
    CALLS.with(Cell::get) - before
}

/// SVRRP-4: no vector, taken or refused, is worth an allocation; neither is writing it again, nor looking at it
/// where it is.
#[test]
fn nothing_is_allocated() {
    let vectors = vectors::all();
    assert!(allocations(|| drop(black_box(vec![1_u8]))) > 0, "the counter counts");
    let count = allocations(|| {
        let mut buf = [0; MAX_DATAGRAM_LEN];
        for vector in &vectors {
            let parsed = black_box(Message::parse(black_box(&vector.bytes)));
            if let Ok(message) = parsed {
                black_box(message.emit(&mut buf)).unwrap();
            }
            let view = Datagram::check(&vector.bytes).and_then(|it| AdvertisementView::check(&it));
            if let Ok(view) = view {
                black_box((view.ranks(), view.groups().count(), view.heard().count()));
            }
        }
    });
    assert_eq!(count, 0);
}
