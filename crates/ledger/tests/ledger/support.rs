//! A ledger in a folder of its own, and entries about people called by a short name.

use std::path::PathBuf;
use std::sync::Arc;

use ledger::{IfMissing, KeyFile, Ledger, open_pair};
use suppression::{
    AddressKeys, Entry, HashedForm, Hasher, KeyId, Kind, NewEntry, Scope, Subject, Timestamp,
};

pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) ledger: Ledger,
    pub(crate) key: KeyFile,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A fixed key, so that entries can be made without a fixture at hand.
        std::fs::write(folder.path().join("optgate.key"), KEY).unwrap();
        let key = KeyFile::load(&folder.path().join("optgate.key")).unwrap();
        let ledger = Ledger::create(&folder.path().join("optgate.db"), &key, at(0)).unwrap();
        Self { folder, ledger, key }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("optgate.db")
    }

    pub(crate) fn key_path(&self) -> PathBuf {
        self.folder.path().join("optgate.key")
    }

    /// Closes and opens again, as a restart does.
    pub(crate) fn reopen(&mut self) {
        let (ledger, _) =
            open_pair(&self.path(), &self.key_path(), IfMissing::Refuse, at(0)).unwrap();
        self.ledger = ledger;
    }
}

impl Fixture {
    /// Every entry about somebody, whether it stands or not.
    pub(crate) fn entries_of(&mut self, name: &str) -> Vec<Entry> {
        entries_of(&mut self.ledger, name)
    }
}

pub(crate) fn entries_of(ledger: &mut Ledger, name: &str) -> Vec<Entry> {
    let found = ledger.entries_of(&[keys(name)]).unwrap();
    found.into_iter().map(|found| found.entry).collect()
}

pub(crate) const KEY: &str = "optgate-key-1\nid 00000001\n\
    secret 0101010101010101010101010101010101010101010101010101010101010101\ncheck 86b11091\n";

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_700_000_000 + seconds) * 1_000_000).unwrap()
}

pub(crate) fn keys(name: &str) -> AddressKeys {
    let hasher = Hasher::new(KeyId(1), &[1; 32]);
    AddressKeys {
        exact: hasher.digest("exact", name.as_bytes()),
        person: hasher.digest("person", name.as_bytes()),
    }
}

/// An undated opt-out of the list `crm`.
pub(crate) fn entry(name: &str) -> NewEntry {
    NewEntry {
        kind: Kind::OptOut,
        scope: Scope::Commercial,
        key_id: KeyId(1),
        keys: keys(name),
        subject: Subject::Address,
        plain: None,
        source: "crm".into(),
        stated: None,
        expires: None,
        reason: None,
        evidence: std::collections::BTreeMap::new(),
    }
}

/// An undated opt-out of the list `crm`, which has a digest of that form and not the name.
pub(crate) fn hashed(form: &str, name: &str) -> NewEntry {
    let form: HashedForm = form.parse().unwrap();
    let keys = Hasher::new(KeyId(1), &[1; 32]).hashed_key(&form, &form.digest(name)).unwrap();
    NewEntry { keys, subject: Subject::Hashed(Arc::new(form)), ..entry(name) }
}

pub(crate) fn entry_at(name: &str, seconds: i64) -> NewEntry {
    NewEntry { stated: Some(at(seconds)), ..entry(name) }
}
