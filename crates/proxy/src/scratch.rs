//! One read buffer for each thread, lent for the length of one read.
//!
//! Sessions come in thousands and are mostly idle: a buffer of their own would be
//! most of what they cost. What a read brought is consumed before the buffer is
//! lent again; what could not be consumed is copied to the session (rare: the other
//! side is slower).

use std::cell::RefCell;

/// Large enough that mail data costs few system calls.
const SIZE: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SIZE].into_boxed_slice());
    static SEALED: RefCell<Box<[u8]>> = RefCell::new(vec![0; SIZE].into_boxed_slice());
}

/// Lends the buffer. Not to be nested: the inner call gets a small one of its own.
pub(crate) fn with<R>(use_it: impl FnOnce(&mut [u8]) -> R) -> R {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => use_it(&mut buffer),
        Err(_) => use_it(&mut [0; 1024]),
    })
}

/// Lends the buffer for what is encrypted; while the other one may be lent. Not to be nested: it
/// has room for all that a channel keeps and for a record behind it, and the inner call gets one
/// of its own.
pub(crate) fn sealed<R>(use_it: impl FnOnce(&mut [u8]) -> R) -> R {
    SEALED.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => use_it(&mut buffer),
        Err(_) => use_it(&mut vec![0; SIZE]),
    })
}
