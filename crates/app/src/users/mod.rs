//! Users of our own, who log in at a listener with `auth = "users"`.
//!
//! A small text file holds them, written by `optgate user` and read again by a running gate when
//! it changes. It holds no password, only what is needed to check one: an argon2id hash for the
//! mechanisms that send the password, keys of SCRAM-SHA-256 for the one that does not. Both can
//! be tried out by whoever has the file, so one that others may read is not used.

mod answers;
mod book;
mod edit;
mod entry;
mod file;
mod throttle;

pub(crate) use answers::OwnUsers;
pub use edit::{Added, Passphrase, add, list, remove};
pub(crate) use file::read;
