//! The entries of the ledger as the rest of the program speaks of them. How they are stored,
//! chained and erased is for `ledger`; when they count is for `decide`.

use std::collections::BTreeMap;

use crate::hasher::{AddressKeys, Digest, KeyId};
use crate::kind::Kind;
use crate::origin::Subject;
use crate::scope::Scope;
use crate::time::Timestamp;

/// A fact about an address that is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// What it says.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// The key the digests were made under.
    pub key_id: KeyId,
    /// The address, as digests.
    pub keys: AddressKeys,
    /// Whom it is about.
    pub subject: Subject,
    /// The canonical address in plain, where the setting asks for that.
    pub plain: Option<String>,
    /// Name of the source, or of the command.
    pub source: String,
    /// When the person asked; none when the source gives no time.
    pub stated: Option<Timestamp>,
    /// When it lapses; only for bounces and implied consents.
    pub expires: Option<Timestamp>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Proof: address of origin, form or URL, version of the text shown, Message-ID, and any
    /// further field. Sorted by name, so that the same fields are always the same bytes.
    pub evidence: BTreeMap<String, String>,
}

/// A fact as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Row of the ledger, from 1, without gaps.
    pub position: u64,
    /// When it was written.
    pub recorded: Timestamp,
    /// The import that brought it.
    pub import: Option<String>,
    /// Hash of this row over the row before (DESIGN s7).
    pub hash: [u8; 32],
    /// What it says.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// The key the digests were made under.
    pub key_id: KeyId,
    /// The address, as digests.
    pub keys: AddressKeys,
    /// Whom it is about.
    pub subject: Subject,
    /// The canonical address in plain, where the setting asked for that.
    pub plain: Option<String>,
    /// Name of the source, or of the command.
    pub source: String,
    /// When the person asked; none when the source gave no time.
    pub stated: Option<Timestamp>,
    /// When it lapses.
    pub expires: Option<Timestamp>,
    /// The row that it takes back, for [`Kind::Withdrawn`].
    pub refers_to: Option<u64>,
    /// The import of which it takes back every row before its own, for [`Kind::Withdrawn`].
    pub refers_import: Option<String>,
    /// Its personal free fields were blanked.
    pub erased: bool,
    /// Why, in words.
    pub reason: Option<String>,
    /// Proof, see [`NewEntry::evidence`].
    pub evidence: BTreeMap<String, String>,
}

impl Entry {
    /// From when it counts: the stated time, or the recorded one where none was stated or where
    /// the stated one lies after it (DESIGN s4: a time in the future is 'now' for an opt-out).
    #[must_use]
    pub fn effective(&self) -> Timestamp {
        self.stated.map_or(self.recorded, |stated| stated.min(self.recorded))
    }

    /// Days from the one it counts from to the one it lapses on, as
    /// [`Origin::lifetime`](crate::Origin::lifetime).
    #[must_use]
    pub fn lifetime(&self) -> Option<u16> {
        lifetime(self.effective(), self.expires)
    }

    /// The key the index holds it under (DESIGN s6): consents by the address as written,
    /// everything else by the person.
    #[must_use]
    pub fn index_digest(&self) -> &Digest {
        match self.kind {
            Kind::Consent => &self.keys.exact,
            Kind::OptOut
            | Kind::Complaint
            | Kind::Manual
            | Kind::Undeliverable
            | Kind::Withdrawn => &self.keys.person,
        }
    }
}

/// Days from `effective` to the day it lapses on; none if it never does.
#[must_use]
pub fn lifetime(effective: Timestamp, expires: Option<Timestamp>) -> Option<u16> {
    Some(expires?.day().number().saturating_sub(effective.day().number()))
}
