//! What the standard library would bring: an allocator, and an end for a panic. Both call the C library,
//! as a vendor's kernel would call its own.

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

struct CLibrary;

// SAFETY: `aligned_alloc` returns null or memory of the size and alignment that were asked for, which
// stays ours until it is freed once.
unsafe impl GlobalAlloc for CLibrary {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // C wants an alignment that a pointer has at least, and a size that is a multiple of it.
        let Ok(layout) = layout.align_to(size_of::<*const ()>()) else {
            return core::ptr::null_mut();
        };
        let layout = layout.pad_to_align();
        // SAFETY: the alignment is a power of two and divides the size.
        unsafe { libc::aligned_alloc(layout.align(), layout.size()) }.cast()
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        // SAFETY: the caller got it from `alloc` and gives it up.
        unsafe { libc::free(pointer.cast()) }
    }
}

#[global_allocator]
static ALLOCATOR: CLibrary = CLibrary;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it has no preconditions.
    unsafe { libc::abort() }
}

/// `alloc` comes compiled for unwinding and names this function in its unwind tables. Nothing here
/// unwinds, so nobody calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
