//! When two mail addresses are the same person.
//!
//! The one place of the product that reads an address and says what it means:
//! the mailbox grammar (RFC 5321 s4.1.2, RFC 6531 s3.3), domains, paths, and the
//! canonical form under which an opt-out is stored and looked up.
//!
//! The next hop may read an address in another way than we do (`user%dom@relay`,
//! `"user@dom"@relay`, full-width characters). Its readings are not enumerated:
//! a [`ForwardPath`] is accepted only in a grammar that has a single reading, and
//! it is sent on rendered from what was understood, never as the bytes received.
//!
//! Invariants, held by property tests: `parse(render(m)) == m`; the keys of `m` and
//! of `parse(render(m))` are equal; canonicalisation is idempotent; no accepted
//! forward-path carries routing in its local part.

mod canonical;
mod characters;
mod domain;
mod error;
mod fold;
mod local;
mod mailbox;
mod narrow;
mod path;
mod person;

pub use canonical::Canonical;
pub use domain::{DOMAIN_MAX, Domain, LABEL_MAX};
pub use error::{AddressError, AddressFault};
pub use local::LOCAL_PART_MAX;
pub use mailbox::Mailbox;
pub use path::{ForwardPath, PATH_MAX, ReversePath, split_path};
pub use person::{PersonRules, RuleError};

#[cfg(test)]
mod tests;
