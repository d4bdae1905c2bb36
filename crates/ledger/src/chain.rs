//! The hash chain: what makes a change, a removal or a re-ordering of rows visible.
//!
//! `hash(n) = SHA-256(hash(n-1) || row n)`, with `hash(0)` derived from the random id of the
//! ledger, so that rows cannot be moved between ledgers. The row is written in one unambiguous
//! form: fixed widths, a bit for each field that may be absent, texts behind their length.
//!
//! Personal free fields (plain address, reason, evidence) enter only as
//! `SHA-256(salt || fields)`, so that they and their salt can be blanked later and the chain
//! still holds (DESIGN s7). The form is the file format: it never changes within format 1.

use sha2::{Digest as _, Sha256};
use suppression::{AddressKeys, HashedForm, KeyId, Kind, Scope};

pub(crate) type Hash = [u8; 32];

/// The hash before the first row.
pub(crate) fn genesis(ledger_id: &[u8; 16]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"optgate ledger 1\0");
    hash.update(ledger_id);
    hash.finalize().into()
}

/// The hash before the first event.
pub(crate) fn events_genesis(ledger_id: &[u8; 16]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"optgate events 1\0");
    hash.update(ledger_id);
    hash.finalize().into()
}

/// What the chain of events covers of one: all of it, and where the record of entries stood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventLink<'a> {
    pub(crate) number: u64,
    pub(crate) recorded: i64,
    pub(crate) what: &'a str,
    pub(crate) by: &'a str,
    pub(crate) details: &'a str,
    pub(crate) entries: u64,
    pub(crate) entries_hash: &'a Hash,
}

impl EventLink<'_> {
    /// The hash of this event.
    pub(crate) fn hash(&self, previous: &Hash) -> Hash {
        let mut bytes = previous.to_vec();
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.recorded.to_be_bytes());
        for text in [self.what, self.by, self.details] {
            put_text(&mut bytes, text);
        }
        bytes.extend_from_slice(&self.entries.to_be_bytes());
        bytes.extend_from_slice(self.entries_hash);
        Sha256::digest(&bytes).into()
    }
}

/// What the chain covers of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link<'a> {
    pub(crate) position: u64,
    /// From [`origin_bytes`].
    pub(crate) origin: &'a [u8],
    /// The origin has a form of digests.
    pub(crate) hashed: bool,
    pub(crate) key_id: KeyId,
    pub(crate) keys: &'a AddressKeys,
    pub(crate) recorded: i64,
    pub(crate) stated: Option<i64>,
    pub(crate) import: Option<&'a str>,
    pub(crate) refers_to: Option<u64>,
    pub(crate) refers_import: Option<&'a str>,
    pub(crate) expires: Option<i64>,
    pub(crate) personal: Option<&'a Hash>,
}

impl Link<'_> {
    /// The hash of this row. `buffer` is scratch space kept between rows.
    pub(crate) fn hash(&self, previous: &Hash, buffer: &mut Vec<u8>) -> Hash {
        buffer.clear();
        buffer.extend_from_slice(previous);
        buffer.extend_from_slice(&self.position.to_be_bytes());
        buffer.extend_from_slice(&self.key_id.0.to_be_bytes());
        buffer.extend_from_slice(self.keys.exact.as_bytes());
        buffer.extend_from_slice(self.keys.person.as_bytes());
        buffer.extend_from_slice(&self.recorded.to_be_bytes());
        let present = u8::from(self.stated.is_some())
            | u8::from(self.import.is_some()) << 1
            | u8::from(self.refers_to.is_some()) << 2
            | u8::from(self.refers_import.is_some()) << 3
            | u8::from(self.expires.is_some()) << 4
            | u8::from(self.personal.is_some()) << 5
            | u8::from(self.hashed) << 6;
        buffer.push(present);
        buffer.extend_from_slice(self.origin);
        if let Some(stated) = self.stated {
            buffer.extend_from_slice(&stated.to_be_bytes());
        }
        if let Some(import) = self.import {
            put_text(buffer, import);
        }
        if let Some(refers_to) = self.refers_to {
            buffer.extend_from_slice(&refers_to.to_be_bytes());
        }
        if let Some(refers_import) = self.refers_import {
            put_text(buffer, refers_import);
        }
        if let Some(expires) = self.expires {
            buffer.extend_from_slice(&expires.to_be_bytes());
        }
        if let Some(personal) = self.personal {
            buffer.extend_from_slice(personal);
        }
        Sha256::digest(&*buffer).into()
    }
}

/// Source, kind and scope as the chain takes them, and behind them the form of a list of digests,
/// where it is one; made once per origin.
pub(crate) fn origin_bytes(
    source: &str,
    kind: Kind,
    scope: &Scope,
    form: Option<&HashedForm>,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24 + source.len() + scope.as_str().len());
    put_text(&mut bytes, source);
    put_text(&mut bytes, kind.as_str());
    put_text(&mut bytes, scope.as_str());
    if let Some(form) = form {
        put_text(&mut bytes, &form.to_string());
    }
    bytes
}

/// The salted digest of the personal free fields; none where there are none.
pub(crate) fn personal_digest(
    salt: &[u8],
    plain: Option<&str>,
    reason: Option<&str>,
    evidence: Option<&str>,
) -> Hash {
    let mut bytes = salt.to_vec();
    for field in [plain, reason, evidence] {
        bytes.push(u8::from(field.is_some()));
        put_text(&mut bytes, field.unwrap_or_default());
    }
    Sha256::digest(&bytes).into()
}

/// Salt for one row, from a random seed of its batch and a number that no other row of it has:
/// one call for random numbers a batch instead of one a row.
pub(crate) fn salt(seed: &[u8; 32], number: u64) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(seed);
    hash.update(number.to_be_bytes());
    let full: Hash = hash.finalize().into();
    let mut salt = [0; 16];
    salt.iter_mut().zip(full).for_each(|(byte, from)| *byte = from);
    salt
}

/// The first 64 bits over what makes two rows the same fact (DESIGN s7): source, kind and scope,
/// the address under its key, the stated time or its absence, and whether it lapses. Both digests
/// enter: where the rules of address equality were changed, an old list brings new rows, and it
/// must. The time it lapses enters only beside a stated one: of an undated row it is counted from
/// the moment of the sync, and would make every sync a new fact. Never 0, which marks rows that
/// take others back.
pub(crate) fn identity(
    origin: &[u8],
    key_id: KeyId,
    keys: &AddressKeys,
    stated: Option<i64>,
    expires: Option<i64>,
    buffer: &mut Vec<u8>,
) -> i64 {
    buffer.clear();
    buffer.extend_from_slice(&key_id.0.to_be_bytes());
    buffer.extend_from_slice(keys.exact.as_bytes());
    buffer.extend_from_slice(keys.person.as_bytes());
    buffer.push(u8::from(stated.is_some()) | u8::from(expires.is_some()) << 1);
    buffer.extend_from_slice(&stated.unwrap_or_default().to_be_bytes());
    if let (Some(_), Some(expires)) = (stated, expires) {
        buffer.extend_from_slice(&expires.to_be_bytes());
    }
    buffer.extend_from_slice(origin);
    let hash: Hash = Sha256::digest(&*buffer).into();
    match first_word(&hash) {
        0 => 1,
        word => word,
    }
}

/// The first 64 bits of a digest, as SQLite keeps integers.
pub(crate) fn first_word(bytes: &Hash) -> i64 {
    bytes.first_chunk::<8>().map_or(0, |word| i64::from_be_bytes(*word))
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use suppression::Digest;

    use super::*;
    use crate::digits::hex;

    const KEYS: AddressKeys = AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) };

    fn link(origin: &[u8]) -> Link<'_> {
        Link {
            position: 7,
            origin,
            hashed: false,
            key_id: KeyId(9),
            keys: &KEYS,
            recorded: 11,
            stated: None,
            import: None,
            refers_to: None,
            refers_import: None,
            expires: None,
            personal: None,
        }
    }

    /// The form is the file format. Computed independently:
    /// `python3 -c 'import hashlib,struct as s; t=lambda x: s.pack(">Q",len(x))+x; p=hashlib.sha256(b"optgate ledger 1\0"+bytes(16)).digest(); print(hashlib.sha256(p+s.pack(">QI",7,9)+b"\1"*32+b"\2"*32+s.pack(">q",11)+b"\3"+t(b"crm")+t(b"opt-out")+t(b"all")+s.pack(">q",-5)+t(b"i1")).hexdigest())'`
    #[test]
    fn the_form_of_a_row_is_as_it_always_was() {
        let origin = origin_bytes("crm", Kind::OptOut, &Scope::All, None);
        let link = Link { stated: Some(-5), import: Some("i1"), ..link(&origin) };
        let hash = link.hash(&genesis(&[0; 16]), &mut Vec::new());
        assert_eq!(hex(&hash), KNOWN);
    }
    const KNOWN: &str = "f16b2ded978f1aec715ee5b669735796b26f834e0a3323c9e159321b201158d6";

    #[test]
    fn every_field_changes_the_hash() {
        let origin = origin_bytes("crm", Kind::OptOut, &Scope::All, None);
        let other = origin_bytes("crm", Kind::OptOut, &Scope::Commercial, None);
        let form = |text: &str| text.parse::<HashedForm>().unwrap();
        let (md5, sha1) = (form("md5 lower"), form("sha1 lower"));
        let md5 = origin_bytes("crm", Kind::OptOut, &Scope::All, Some(&md5));
        let sha1 = origin_bytes("crm", Kind::OptOut, &Scope::All, Some(&sha1));
        let keys = AddressKeys { exact: Digest([1; 32]), person: Digest([3; 32]) };
        let base = link(&origin);
        let one = [1; 32];
        let variants = [
            base,
            Link { position: 8, ..base },
            Link { origin: &other, ..base },
            Link { origin: &md5, hashed: true, ..base },
            Link { origin: &sha1, hashed: true, ..base },
            Link { origin: &md5, ..base },
            Link { key_id: KeyId(1), ..base },
            Link { keys: &keys, ..base },
            Link { recorded: 12, ..base },
            Link { stated: Some(0), ..base },
            Link { stated: Some(5), ..base },
            Link { expires: Some(5), ..base },
            Link { refers_to: Some(5), ..base },
            Link { import: Some("5"), ..base },
            Link { refers_import: Some("5"), ..base },
            Link { personal: Some(&one), ..base },
        ];
        let mut hashes: Vec<_> =
            variants.iter().map(|link| link.hash(&[0; 32], &mut Vec::new())).collect();
        hashes.push(base.hash(&[1; 32], &mut Vec::new()));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }

    #[test]
    fn salts_differ_by_row_and_by_batch() {
        assert_ne!(salt(&[0; 32], 1), salt(&[0; 32], 2));
        assert_ne!(salt(&[0; 32], 1), salt(&[1; 32], 1));
    }

    proptest! {
        #[test]
        fn fields_cannot_run_into_each_other(
            a in ".{0,4}", b in ".{0,4}", c in ".{0,4}", d in ".{0,4}"
        ) {
            let same = (&a, &b) == (&c, &d);
            let first = personal_digest(b"s", Some(&a), Some(&b), None);
            let second = personal_digest(b"s", Some(&c), Some(&d), None);
            prop_assert_eq!(first == second, same);
            prop_assert_ne!(first, personal_digest(b"s", Some(&a), None, Some(&b)));
        }
    }
}
