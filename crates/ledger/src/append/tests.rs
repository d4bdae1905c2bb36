//! What can only be brought about from inside: a disk that is full for this connection.

use std::collections::BTreeMap;

use suppression::{Kind, Scope};

use super::*;
use crate::keyfile::KeyFile;

fn batch(key: &KeyFile, from: u64) -> Vec<NewEntry> {
    let hasher = key.hasher();
    (from..from + 100)
        .map(|at| NewEntry {
            kind: Kind::OptOut,
            scope: Scope::Commercial,
            key_id: key.id(),
            keys: suppression::AddressKeys {
                exact: hasher.digest("exact", &at.to_be_bytes()),
                person: hasher.digest("person", &at.to_be_bytes()),
            },
            subject: suppression::Subject::Address,
            plain: None,
            source: format!("list {}", from / 300),
            stated: None,
            expires: None,
            reason: None,
            evidence: BTreeMap::new(),
        })
        .collect()
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyFile::create(&folder.path().join("key")).unwrap();
    let path = folder.path().join("db");
    let now = Timestamp::EPOCH;
    let mut ledger = Ledger::create(&path, &key, now).unwrap();
    // SQLite answers just as it does when the device has no space left.
    ledger.connection.pragma_update(None, "max_page_count", 60).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match ledger.append(now, Some("i"), &batch(&key, acknowledged)) {
            Ok(appended) => acknowledged = appended.head,
            Err(error) => break error,
        }
        assert!(acknowledged < 100_000);
    };
    assert!(acknowledged > 0);
    assert!(matches!(error, LedgerError::Full { .. }), "{error}");
    assert!(error.is_transient() && error.to_string().contains("make room"), "{error}");
    assert_eq!(ledger.head().unwrap().position, acknowledged);
    assert!(ledger.settle().is_ok_and(|more| !more) || ledger.settle().is_err());
    // Reading goes on as before.
    let first = batch(&key, 0).swap_remove(0);
    assert_eq!(ledger.entries_of(&[first.keys]).unwrap().len(), 1);

    ledger.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    let done = ledger.append(now, Some("i"), &batch(&key, acknowledged)).unwrap();
    assert_eq!(done.added.first(), Some(&(acknowledged + 1, 0)));
    assert_eq!(done.head, acknowledged + 100);
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
}
