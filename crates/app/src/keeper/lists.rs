//! What the gate asks in the path of a message, answered from memory without a lock.
//!
//! An address that an entry suppresses is refused whatever the state of the lists. Any
//! other answer holds only if nothing that is unknown could change it: a source that was
//! never loaded or is older than its `max_age`, or a ledger that cannot be followed
//! (DESIGN s7). Then the client is told to come again.
//!
//! An address is looked up under every key there is, under its domain, and by its digests, but
//! only where there are older keys, entries about whole domains or lists of digests: the usual
//! recipient costs two keys and two probes.

use std::sync::Arc;

use address::Canonical;
use policy::{Inquiry, Lists, LookUp, Lookup};
use suppression::{
    AddressKeys, Case, Day, Finding, Grace, HashedForm, Index, KeyRing, PlainDigest, SharedIndex,
    Stream, Terms,
};

use super::states::{Change, ListStates};
use crate::keys::Keys;

/// Whom an entry about a whole domain does not catch (RFC 5321 s4.5.1, RFC 2142 s4).
const ROLES: [&str; 2] = ["postmaster", "abuse"];

/// The ledger's index as the gate's lists.
#[derive(Clone, Debug)]
pub struct LedgerLists {
    keys: Keys,
    index: Arc<SharedIndex>,
    states: Arc<ListStates>,
    grace: Option<Grace>,
}

impl LedgerLists {
    pub(super) fn new(
        keys: Keys,
        index: Arc<SharedIndex>,
        states: Arc<ListStates>,
        grace: Option<Grace>,
    ) -> Self {
        Self { keys, index, states, grace }
    }

    /// The index that is asked.
    pub fn index(&self) -> &SharedIndex {
        &self.index
    }

    /// How long mail may still be sent after an opt-out.
    pub fn grace(&self) -> Option<Grace> {
        self.grace
    }

    /// Everything that is known about an address, under `keys`, which were those of the
    /// current key when they were made, and all others. `written`: as it was received, or typed.
    pub fn case<'a>(
        &self,
        index: &'a Index,
        (written, address): (&str, &Canonical),
        keys: &AddressKeys,
    ) -> Case<'a> {
        let mut case = Case { role: is_role(address), ..Case::default() };
        let ring = self.keys.load();
        index.gather(keys, &mut case);
        if !ring.older().is_empty() {
            // All of them: a new key may have come since `keys` were made.
            for other in ring.keys(address).filter(|other| other != keys) {
                index.gather(&other, &mut case);
            }
        }
        if index.has_domains() {
            for hasher in ring.all() {
                index.gather(&hasher.domain_keys(address), &mut case);
            }
        }
        for form in index.hashed_forms() {
            let digests = form.digests(written, address);
            for keys in hashed_keys(&ring, form, &digests) {
                index.gather(&keys, &mut case);
            }
        }
        case
    }

    /// Everything that is known about the whole domain of this address.
    pub fn case_of_domain<'a>(&self, index: &'a Index, address: &Canonical) -> Case<'a> {
        let mut case = Case::default();
        for keys in self.keys_of_domain(index, address) {
            index.gather(&keys, &mut case);
        }
        case
    }

    /// Every key under which something may be known about an address or the person behind it:
    /// of the address under each key, the current one first, then of its digests.
    pub fn keys_of(
        &self,
        index: &Index,
        (written, address): (&str, &Canonical),
    ) -> Vec<AddressKeys> {
        let ring = self.keys.load();
        let mut keys: Vec<_> = ring.keys(address).collect();
        for form in index.hashed_forms() {
            keys.extend(hashed_keys(&ring, form, &form.digests_of_person(written, address)));
        }
        keys
    }

    /// Every key under which something may be known about the whole domain of an address.
    pub fn keys_of_domain(&self, index: &Index, address: &Canonical) -> Vec<AddressKeys> {
        let ring = self.keys.load();
        let mut keys: Vec<_> = ring.all().map(|hasher| hasher.domain_keys(address)).collect();
        for form in index.hashed_forms() {
            keys.extend(hashed_keys(&ring, form, &form.digests_of_domain(address)));
        }
        keys
    }

    /// The answer for one stream.
    pub fn answer(&self, case: &Case<'_>, stream: &Stream, today: Day) -> Lookup {
        let (change, answer) = match case.decide(&Terms { stream, today, grace: self.grace }) {
            Finding::Suppressed(suppression) => return Lookup::Suppressed(suppression),
            Finding::NoConsent => (Change::Missing, Lookup::NoConsent),
            Finding::Clear => (Change::Permitted, Lookup::Clear),
            Finding::InGrace(suppression, until) => {
                (Change::Permitted, Lookup::InGrace(suppression, until))
            }
        };
        match self.states.doubt(change, stream, today) {
            Some(why) => Lookup::Unknown(why),
            None => answer,
        }
    }
}

impl Lists for LedgerLists {
    fn keys(&self, address: &Canonical) -> AddressKeys {
        self.keys.load().current().keys(address)
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        let index = self.index.load();
        let case = self.case(&index, (inquiry.written, inquiry.address), inquiry.keys);
        let answers = inquiry.streams.iter();
        LookUp::Now(answers.map(|stream| self.answer(&case, stream, inquiry.today)).collect())
    }

    fn epoch(&self) -> u64 {
        self.index.load().epoch()
    }
}

/// Of digests of a list, under every key there is.
fn hashed_keys<'a>(
    ring: &'a KeyRing,
    form: &'a HashedForm,
    digests: &'a [PlainDigest],
) -> impl Iterator<Item = AddressKeys> + 'a {
    ring.all().flat_map(move |hasher| hasher.hashed_keys(form, digests))
}

/// By the local part of the person form: `Abuse+x@...` is `abuse` too.
fn is_role(address: &Canonical) -> bool {
    let local = address.person().rsplit_once('@').map_or("", |(local, _)| local);
    ROLES.contains(&local)
}

#[cfg(test)]
mod tests;
