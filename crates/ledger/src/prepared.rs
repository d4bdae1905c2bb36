//! A batch of entries made ready to be written: what can be computed before the write lock is
//! taken and without the ledger. An import does this in a thread of its own while another one
//! writes the batch before.

use std::collections::HashMap;

use suppression::{Kind, NewEntry, Origin, Timestamp};

use crate::appended::Appended;
use crate::chain::{self, Hash, first_word, identity, origin_bytes};
use crate::entropy::random;
use crate::error::LedgerError;
use crate::origins::{form_of, origin_of};
use crate::row::FeedRow;
use crate::unfit::unfit;

/// Entries ready to be recorded.
#[derive(Debug)]
pub struct Prepared {
    entries: Vec<NewEntry>,
    ready: Ready,
}

/// What was computed of some entries; each belongs to the entry at its place.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Each once.
    pub(crate) origins: Vec<Origin>,
    pub(crate) rows: Vec<ReadyRow>,
    /// The places of the entries by person and fact, so that the look-ups go in key order. Of
    /// equal facts only the first one given is in it.
    pub(crate) order: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct ReadyRow {
    /// Its place among the origins.
    pub(crate) origin: u32,
    /// First 64 bits of the person digest.
    pub(crate) person: i64,
    pub(crate) identity: i64,
    pub(crate) evidence: Option<String>,
    /// Digest and salt of the personal free fields.
    pub(crate) personal: Option<(Hash, [u8; 16])>,
    /// An undated bounce: a list that still names the address after it has lapsed says so anew.
    /// No consent renews itself by standing in a file.
    pub(crate) renews: bool,
}

impl Prepared {
    /// Makes a batch ready.
    ///
    /// # Errors
    /// [`LedgerError::Unfit`] for an entry that [`unfit`] would have told of.
    pub fn new(entries: Vec<NewEntry>) -> Result<Self, LedgerError> {
        let ready = Ready::new(&entries)?;
        Ok(Self { entries, ready })
    }

    /// The entries as given.
    #[must_use]
    pub fn entries(&self) -> &[NewEntry] {
        &self.entries
    }

    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The rows that [`append_prepared`](crate::Ledger::append_prepared) has added, as
    /// [`for_each_since`](crate::Ledger::for_each_since) would give them: whoever had followed the
    /// ledger up to [`Appended::before`] need not read them. `recorded` is its `now`.
    pub fn rows<'a>(
        &'a self,
        appended: &'a Appended,
        recorded: Timestamp,
    ) -> impl Iterator<Item = FeedRow<'a>> {
        appended.added.iter().filter_map(move |(position, place)| {
            let entry = self.entries.get(*place)?;
            let origin = usize::try_from(self.ready.rows.get(*place)?.origin).ok()?;
            Some(FeedRow {
                position: *position,
                origin: self.ready.origins.get(origin)?,
                kind: entry.kind,
                key_id: entry.key_id,
                keys: entry.keys,
                subject: &entry.subject,
                stated: entry.stated.filter(|_| appended.back.binary_search(place).is_err()),
                recorded,
                expires: entry.expires,
                refers_to: None,
                refers_import: None,
            })
        })
    }
}

impl Ready {
    pub(crate) fn new(entries: &[NewEntry]) -> Result<Self, LedgerError> {
        let seed = random()?;
        let mut origins = Origins::default();
        let mut buffer = Vec::with_capacity(256);
        let mut rows = Vec::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            if let Some(what) = unfit(entry) {
                return Err(LedgerError::Unfit { place, what });
            }
            let (origin, bytes) = origins.intern(entry);
            let stated = entry.stated.map(Timestamp::micros);
            let expires = entry.expires.map(Timestamp::micros);
            let (id, keys) = (entry.key_id, &entry.keys);
            let evidence = evidence(entry)?;
            rows.push(ReadyRow {
                origin,
                person: first_word(keys.person.as_bytes()),
                identity: identity(bytes, id, keys, stated, expires, &mut buffer),
                personal: personal(entry, evidence.as_deref(), &seed, place as u64),
                evidence,
                renews: entry.kind == Kind::Undeliverable && stated.is_none() && expires.is_some(),
            });
        }
        let order = order(&rows);
        Ok(Self { origins: origins.list, rows, order })
    }
}

/// What [`ReadyRow::identity`] would be if the list gave no date.
pub(crate) fn undated_identity(entry: &NewEntry) -> i64 {
    let form = form_of(&entry.subject).map(AsRef::as_ref);
    let bytes = origin_bytes(&entry.source, entry.kind, &entry.scope, form);
    identity(&bytes, entry.key_id, &entry.keys, None, None, &mut Vec::new())
}

fn order(rows: &[ReadyRow]) -> Vec<u32> {
    let keys = rows.iter().map(|row| (row.person, row.identity));
    let mut order: Vec<_> = (0_u32..).zip(keys).map(|(place, key)| (key, place)).collect();
    order.sort_unstable();
    order.dedup_by_key(|(key, _)| *key);
    order.into_iter().map(|(_, place)| place).collect()
}

/// Origins of a batch, each once, with their form in the hash chain.
#[derive(Debug, Default)]
struct Origins {
    list: Vec<Origin>,
    bytes: Vec<Vec<u8>>,
    numbers: HashMap<Origin, u32>,
    /// The last one asked for: most batches have only one.
    last: usize,
}

impl Origins {
    fn intern(&mut self, entry: &NewEntry) -> (u32, &[u8]) {
        let is = |origin: &Origin| {
            origin.source == entry.source
                && origin.kind == entry.kind
                && origin.scope == entry.scope
                && form_of(&origin.subject) == form_of(&entry.subject)
        };
        if !self.list.get(self.last).is_some_and(is) {
            let origin = origin_of(&entry.source, entry.kind, &entry.scope, &entry.subject);
            let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry(origin.clone()).or_insert(next);
            if number == next {
                let form = form_of(&origin.subject).map(AsRef::as_ref);
                self.bytes.push(origin_bytes(&origin.source, origin.kind, &origin.scope, form));
                self.list.push(origin);
            }
            self.last = usize::try_from(number).unwrap_or(usize::MAX);
        }
        let bytes = self.bytes.get(self.last).map_or(&[][..], Vec::as_slice);
        (u32::try_from(self.last).unwrap_or(u32::MAX), bytes)
    }
}

fn evidence(entry: &NewEntry) -> Result<Option<String>, LedgerError> {
    if entry.evidence.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(&entry.evidence);
    text.map(Some).map_err(|_| LedgerError::Unaccountable("the evidence cannot be written as JSON"))
}

fn personal(
    entry: &NewEntry,
    evidence: Option<&str>,
    seed: &[u8; 32],
    place: u64,
) -> Option<(Hash, [u8; 16])> {
    let (plain, reason) = (entry.plain.as_deref(), entry.reason.as_deref());
    if plain.is_none() && reason.is_none() && evidence.is_none() {
        return None;
    }
    let salt = chain::salt(seed, place);
    Some((chain::personal_digest(&salt, plain, reason, evidence), salt))
}
