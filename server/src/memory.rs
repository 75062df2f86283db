//! The allocator of the process, which counts what each thread holds so that scripts can be bounded.

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};

use mimalloc::MiMalloc;

thread_local! {
    static HELD: Cell<u64> = const { Cell::new(0) };
}

/// mimalloc with a count per thread of bytes allocated and not freed.
pub struct Metered;

/// How many bytes this thread has allocated and not freed. It wraps around where a thread frees what
/// another has allocated: only differences within one piece of work mean something.
pub fn held() -> u64 {
    HELD.with(Cell::get)
}

fn count(change: impl FnOnce(u64) -> u64) {
    // A thread that is ending has no count any more, and needs none.
    let _ = HELD.try_with(|held| held.set(change(held.get())));
}

// SAFETY: every call goes to mimalloc with the arguments it came with, so mimalloc's own guarantees hold.
// Counting touches only a constant-initialised thread-local `Cell`, which neither allocates nor unwinds.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(|held| held.wrapping_add(layout.size() as u64));
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is passed on unchanged.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(|held| held.wrapping_add(layout.size() as u64));
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(|held| held.wrapping_sub(layout.size() as u64));
        // SAFETY: the caller hands over a block of this allocator, which is mimalloc's.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(|held| {
            held.wrapping_add(size as u64)
                .wrapping_sub(layout.size() as u64)
        });
        // SAFETY: as for `dealloc`.
        unsafe { MiMalloc.realloc(pointer, layout, size) }
    }
}
