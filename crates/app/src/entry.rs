//! From an address as somebody typed it to an entry of the ledger.
//!
//! The address goes through the same parser and the same canonical form as a recipient
//! in the SMTP session (DESIGN s6): what is recorded here is found there.

use std::collections::BTreeMap;
use std::sync::Arc;

use address::{Canonical, Mailbox, PersonRules};
use suppression::{AddressKeys, HashedForm, KeyId, Kind, NewEntry, Scope, Subject, Timestamp};

use crate::config::Store;
use crate::error::AppError;
use crate::keys::Keys;

/// Makes entries under the current key, one set of rules and one way to store addresses.
#[derive(Clone, Debug)]
pub struct EntryMaker {
    keys: Keys,
    rules: PersonRules,
    store: Store,
}

/// What an entry says besides the address.
#[derive(Clone, Debug)]
pub struct EntryFacts {
    /// What it says.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// The name of the source.
    pub source: String,
    /// When the person asked.
    pub stated: Option<Timestamp>,
    /// When it lapses; only for bounces and implied consents.
    pub expires: Option<Timestamp>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Proof.
    pub evidence: BTreeMap<String, String>,
}

impl EntryMaker {
    /// A maker.
    pub fn new(keys: Keys, rules: PersonRules, store: Store) -> Self {
        Self { keys, rules, store }
    }

    /// The canonical form of an address.
    ///
    /// # Errors
    /// [`AppError::Input`] with what is wrong with it, and without it.
    pub fn canonical(&self, address: &str) -> Result<Canonical, AppError> {
        let mailbox = Mailbox::parse(address.trim()).map_err(|e| AppError::Input(e.to_string()))?;
        self.canonical_of(&mailbox)
    }

    /// The canonical form of a mailbox.
    ///
    /// # Errors
    /// [`AppError::Input`] with what is wrong with it.
    pub fn canonical_of(&self, mailbox: &Mailbox) -> Result<Canonical, AppError> {
        mailbox.canonical(&self.rules).map_err(|e| AppError::Input(e.to_string()))
    }

    /// Somebody at a domain, typed as `example.com` or `@example.com`: what stands for
    /// everybody there, in [`domain_entry`](Self::domain_entry) and in look-ups.
    ///
    /// # Errors
    /// [`AppError::Input`] with what is wrong with it.
    pub fn canonical_at(&self, domain: &str) -> Result<Canonical, AppError> {
        let domain = domain.trim();
        let domain = domain.strip_prefix('@').unwrap_or(domain);
        if domain.contains('@') {
            let why = "this is an address; with --domain give the domain alone";
            return Err(AppError::Input(why.to_owned()));
        }
        self.canonical(&format!("postmaster@{domain}"))
    }

    /// The entry about an address.
    pub fn entry(&self, address: &Canonical, facts: EntryFacts) -> NewEntry {
        let keys = self.keys.load();
        let hasher = keys.current();
        let plain = (self.store == Store::Plain).then(|| address.exact().to_owned());
        let whom = (hasher.keys(address), Subject::Address, plain);
        made(hasher.key_id(), whom, facts)
    }

    /// The entry about everybody at the domain of this person.
    pub fn domain_entry(&self, address: &Canonical, facts: EntryFacts) -> NewEntry {
        let keys = self.keys.load();
        let hasher = keys.current();
        let domain = || address.person().rsplit_once('@').map_or("", |(_, domain)| domain);
        let plain = (self.store == Store::Plain).then(|| format!("@{}", domain()));
        let whom = (hasher.domain_keys(address), Subject::Domain, plain);
        made(hasher.key_id(), whom, facts)
    }

    /// The entry about whoever has this digest, on a list of that form. The digest itself is
    /// kept nowhere, however addresses are stored.
    ///
    /// # Errors
    /// [`AppError::Input`] when it is longer or shorter than the digests of such a list.
    pub fn hashed_entry(
        &self,
        form: &Arc<HashedForm>,
        digest: &[u8],
        facts: EntryFacts,
    ) -> Result<NewEntry, AppError> {
        let keys = self.keys.load();
        let hasher = keys.current();
        let found = hasher.hashed_key(form, digest);
        let found = found.map_err(|error| AppError::Input(error.to_string()))?;
        Ok(made(hasher.key_id(), (found, Subject::Hashed(Arc::clone(form)), None), facts))
    }

    /// The rules of person equality.
    pub fn rules(&self) -> &PersonRules {
        &self.rules
    }

    /// What makes keys of addresses.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

/// The address as digests and in plain, and whom it stands for.
type Whom = (AddressKeys, Subject, Option<String>);

fn made(key_id: KeyId, (keys, subject, plain): Whom, facts: EntryFacts) -> NewEntry {
    NewEntry {
        kind: facts.kind,
        scope: facts.scope,
        key_id,
        keys,
        subject,
        plain,
        source: facts.source,
        stated: facts.stated,
        expires: facts.expires,
        reason: facts.reason,
        evidence: facts.evidence,
    }
}
