//! What the crate promises, from the outside: only its public face is used.

mod document;
mod grammar;
mod limits;
mod next_hop;
mod person;
mod properties;
mod threats;
mod unicode;

use crate::{AddressFault, Canonical, ForwardPath, Mailbox, PersonRules};

/// The canonical form of a mailbox that must have one, under the default rules.
fn canonical(text: &str) -> Canonical {
    let mailbox = Mailbox::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    mailbox.canonical(&PersonRules::default()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The fault of a forward-path that must be refused.
fn fault(path: &str) -> AddressFault {
    match ForwardPath::parse(path) {
        Ok(path) => panic!("accepted as {path}"),
        Err(error) => error.fault,
    }
}
