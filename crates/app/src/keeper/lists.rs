//! What the gate asks in the path of a message, answered from memory without a lock.
//!
//! An address that an entry suppresses is refused whatever the state of the lists. Any
//! other one is clear only if everything is known: a source that was never loaded or is
//! older than its `max_age`, or a ledger that cannot be followed, makes it unknown
//! (DESIGN s7), and the client is told to come again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use address::Canonical;
use arc_swap::ArcSwapOption;
use policy::{Inquiry, Lists, LookUp, Lookup};
use suppression::{AddressKeys, Case, Finding, SharedIndex, Terms};

use crate::keys::Keys;

/// What is unknown at present. Written by the keeper and the sources' threads, read
/// for every recipient.
#[derive(Debug, Default)]
pub struct ListStates {
    /// Why each of them is unknown, by name.
    unknown: Mutex<BTreeMap<String, String>>,
    /// The first of them, for the readers.
    first: ArcSwapOption<String>,
}

impl ListStates {
    /// A list is in order.
    pub fn known(&self, list: &str) {
        self.change(|unknown| unknown.remove(list).is_some());
    }

    /// A list cannot be relied on.
    pub fn unknown(&self, list: &str, why: &str) {
        self.change(|unknown| {
            unknown.insert(list.to_owned(), why.to_owned()).as_deref() != Some(why)
        });
    }

    /// Every list that cannot be relied on, with the reason.
    pub fn all_unknown(&self) -> BTreeMap<String, String> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, String>) -> bool) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if change(&mut unknown) {
            let first = unknown.iter().next().map(|(list, why)| format!("list {list}: {why}"));
            self.first.store(first.map(Arc::new));
        }
    }
}

/// The ledger's index as the gate's lists.
#[derive(Clone, Debug)]
pub struct LedgerLists {
    keys: Keys,
    index: Arc<SharedIndex>,
    states: Arc<ListStates>,
}

impl LedgerLists {
    pub(crate) fn new(keys: Keys, index: Arc<SharedIndex>, states: Arc<ListStates>) -> Self {
        Self { keys, index, states }
    }
}

impl Lists for LedgerLists {
    fn keys(&self, address: &Canonical) -> AddressKeys {
        self.keys.load().current().keys(address)
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        let index = self.index.load();
        let mut case = Case::default();
        index.gather(inquiry.keys, &mut case);
        let answer = |stream| {
            let terms = Terms { stream, today: inquiry.today, grace: None };
            match case.decide(&terms) {
                Finding::Suppressed(suppression) => Lookup::Suppressed(suppression),
                Finding::InGrace(suppression, until) => Lookup::InGrace(suppression, until),
                Finding::NoConsent => Lookup::NoConsent,
                Finding::Clear => match self.states.first.load().as_deref() {
                    Some(why) => Lookup::Unknown(why.clone()),
                    None => Lookup::Clear,
                },
            }
        };
        LookUp::Now(inquiry.streams.iter().map(|stream| answer(*stream)).collect())
    }

    fn epoch(&self) -> u64 {
        self.index.load().epoch()
    }
}
