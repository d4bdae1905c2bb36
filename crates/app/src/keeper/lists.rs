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
use policy::{ClassRefusal, Inquiry, Lists, LookUp, Lookup};
use suppression::{
    AddressKeys, Case, Day, Digest, Finding, Grace, HashedForm, Index, KeyRing, PlainDigest,
    SharedIndex, Stream, Terms,
};

use super::outside::{Outside, concerned};
use super::states::{Change, ListStates};
use crate::keys::Keys;

/// What keyed hashes of login names are made for: no address has the same one.
const LOGIN: &str = "login";

/// Whom an entry about a whole domain does not catch (RFC 5321 s4.5.1, RFC 2142 s4).
const ROLES: [&str; 2] = ["postmaster", "abuse"];

/// The ledger's index as the gate's lists.
#[derive(Clone, Debug)]
pub struct LedgerLists {
    keys: Keys,
    index: Arc<SharedIndex>,
    states: Arc<ListStates>,
    grace: Option<Grace>,
    /// The lists that are asked live; usually none.
    outside: Arc<[Outside]>,
}

impl LedgerLists {
    pub(crate) fn new(
        keys: Keys,
        index: Arc<SharedIndex>,
        states: Arc<ListStates>,
        grace: Option<Grace>,
    ) -> Self {
        Self { keys, index, states, grace, outside: Arc::default() }
    }

    /// The same, where these lists are asked live as well.
    #[must_use]
    pub fn with_outside(self, outside: Arc<[Outside]>) -> Self {
        Self { outside, ..self }
    }

    /// The index that is asked.
    pub fn index(&self) -> &SharedIndex {
        &self.index
    }

    /// How long mail may still be sent after an opt-out.
    pub fn grace(&self) -> Option<Grace> {
        self.grace
    }

    /// A digest of something else under the current key, in a namespace of its own.
    pub(crate) fn digest(&self, namespace: &str, bytes: &[u8]) -> Digest {
        self.keys.load().current().digest(namespace, bytes)
    }

    /// Asks the index, and once more if another one has come meanwhile. What an index lacks the
    /// states tell, at a later moment: a list that was taken back and read again is unknown while
    /// the index lacks it, and known with the next one, which would have to be asked then.
    pub(crate) fn steadily<T>(&self, ask: impl Fn(&Index) -> T) -> T {
        loop {
            let index = self.index.load();
            let answer = ask(&index);
            // One that answers otherwise has another epoch.
            if self.index.load().epoch() == index.epoch() {
                return answer;
            }
        }
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

    /// The live lists whose answers could change the one of the index, for one stream.
    pub fn asks(
        &self,
        case: &Case<'_>,
        stream: &Stream,
        today: Day,
    ) -> impl Iterator<Item = &Outside> {
        let terms = Terms { stream, today, grace: self.grace };
        let finding = case.decide(&terms);
        concerned(&self.outside, case, &terms, &finding)
    }

    /// The answer for one stream.
    pub fn answer(&self, case: &Case<'_>, stream: &Stream, today: Day) -> Lookup {
        self.answer_despite(case, stream, today, &[])
    }

    /// The same, where some live lists have given no answer: those, and why. They make unknown
    /// what they could have changed.
    pub fn answer_despite(
        &self,
        case: &Case<'_>,
        stream: &Stream,
        today: Day,
        silent: &[(&Outside, &str)],
    ) -> Lookup {
        let terms = Terms { stream, today, grace: self.grace };
        let finding = case.decide(&terms);
        let silent_doubt = || {
            let lists: Vec<_> = silent.iter().map(|(list, _)| *list).collect();
            let first = *concerned(&lists, case, &terms, &finding).next()?;
            let (_, why) = silent.iter().find(|(list, _)| *list == first)?;
            Some(format!("list {}: {why}", first.name))
        };
        let live = if silent.is_empty() { None } else { silent_doubt() };
        let (change, answer) = match finding {
            Finding::Suppressed(suppression) => return Lookup::Suppressed(suppression),
            Finding::NoConsent => (Change::Missing, Lookup::NoConsent),
            Finding::Clear => (Change::Permitted, Lookup::Clear),
            Finding::InGrace(suppression, until) => {
                (Change::Permitted, Lookup::InGrace(suppression, until))
            }
        };
        match self.states.doubt(change, stream, today).or(live) {
            Some(why) => Lookup::Unknown(why),
            None => answer,
        }
    }
}

impl Lists for LedgerLists {
    fn keys(&self, address: &Canonical) -> AddressKeys {
        self.keys.load().current().keys(address)
    }

    fn login_key(&self, name: &str) -> Digest {
        self.keys.load().current().digest(LOGIN, name.as_bytes())
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        self.steadily(|index| {
            let case = self.case(index, (inquiry.written, inquiry.address), inquiry.keys);
            if !self.outside.is_empty() {
                let mut streams = inquiry.streams.iter();
                if streams.any(|stream| self.asks(&case, stream, inquiry.today).next().is_some()) {
                    return LookUp::Later;
                }
            }
            let answers = inquiry.streams.iter();
            LookUp::Now(answers.map(|stream| self.answer(&case, stream, inquiry.today)).collect())
        })
    }

    fn refused_classes(&self, inquiry: &Inquiry<'_>) -> Vec<ClassRefusal> {
        self.steadily(|index| {
            let mut refused = Vec::new();
            if index.has_classes() {
                let case = self.case(index, (inquiry.written, inquiry.address), inquiry.keys);
                let entries = case.refused_classes(inquiry.today, self.grace);
                refused.extend(entries.map(ClassRefusal::Entry));
            }
            // Behind the index: what it lacks is unknown by now, or there is another one.
            let unknown = self.states.unknown_classes().into_iter();
            refused.extend(unknown.map(|(class, why)| ClassRefusal::Unknown(class, why)));
            refused
        })
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
