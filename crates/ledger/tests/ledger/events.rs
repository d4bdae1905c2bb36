//! What was done with the ledger: recorded, chained, and erasures that leave the chain whole.

use std::path::Path;

use ledger::{Event, LedgerError, Verification};
use rusqlite::Connection;
use suppression::NewEntry;

use crate::support::{Fixture, at, entry, keys};

fn record(f: &mut Fixture, what: &str) -> u64 {
    f.ledger.record_event(at(5), &Event { what, by: "ann", details: r#"{"rows":3}"# }).unwrap()
}

fn filled() -> Fixture {
    let mut f = Fixture::new();
    record(&mut f, "before any row");
    f.ledger.append(at(1), None, &[entry("a"), entry("b")]).unwrap();
    record(&mut f, "export");
    record(&mut f, "export");
    f.ledger.append(at(2), None, &[entry("c")]).unwrap();
    record(&mut f, "checkpoint");
    f.ledger.append(at(2), None, &[entry("d")]).unwrap();
    f
}

#[test]
fn events_are_recorded_in_order() {
    let mut f = filled();
    f.reopen();
    let events = f.ledger.events().unwrap();
    let told: Vec<_> = events.iter().map(|e| (e.number, e.what.as_str(), e.entries)).collect();
    let expected =
        [(1, "before any row", 0), (2, "export", 2), (3, "export", 2), (4, "checkpoint", 3)];
    assert_eq!(told, expected);
    assert_eq!((events[3].by.as_str(), events[3].details.as_str()), ("ann", r#"{"rows":3}"#));
    assert_eq!(events[3].recorded, at(5));
    let Verification::Intact { events: head, .. } = f.ledger.verify(|_| ()).unwrap() else {
        panic!("intact")
    };
    assert_eq!((head.position, head.hash), (4, events[3].hash));
}

#[test]
fn an_event_without_author_or_details_is_refused() {
    let mut f = Fixture::new();
    for (what, by, details) in
        [("", "ann", "{}"), ("export", " ", "{}"), ("export", "ann", ""), ("export", "ann", "[1]")]
    {
        let error = f.ledger.record_event(at(1), &Event { what, by, details }).unwrap_err();
        assert!(matches!(error, LedgerError::Unaccountable(_)), "{error}");
    }
    assert!(f.ledger.events().unwrap().is_empty());
}

#[test]
fn every_change_to_the_events_is_found() {
    for (sql, number) in [
        ("UPDATE event SET what = 'x' WHERE number = 2", 2),
        ("UPDATE event SET by = 'x' WHERE number = 2", 2),
        ("UPDATE event SET details = '{}' WHERE number = 2", 2),
        ("UPDATE event SET recorded = 1 WHERE number = 2", 2),
        ("UPDATE event SET entries = 1 WHERE number = 2", 2),
        ("UPDATE event SET entries_hash = zeroblob(32) WHERE number = 2", 2),
        ("UPDATE event SET hash = zeroblob(32) WHERE number = 2", 2),
        ("UPDATE event SET hash = x'00' WHERE number = 2", 2),
        ("DELETE FROM event WHERE number = 3", 3),
        ("DELETE FROM event WHERE number = 4", 4),
        ("DELETE FROM event", 1),
        ("UPDATE meta SET value = 3 WHERE name = 'events'", 4),
        ("UPDATE meta SET value = zeroblob(32) WHERE name = 'events_hash'", 5),
    ] {
        let f = filled();
        Connection::open(f.path()).unwrap().execute_batch(sql).unwrap();
        match f.ledger.verify(|_| ()).unwrap() {
            Verification::BrokenEvent { number: found, .. } => assert_eq!(found, number, "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[test]
fn events_hold_the_rows_they_cover() {
    // The rows of another ledger with the same id, whole in themselves, under these events.
    let f = filled();
    let tool = Connection::open(f.path()).unwrap();
    let at_two = f.ledger.entry(2).unwrap().unwrap().hash;
    tool.execute_batch(
        "DELETE FROM entry WHERE position > 2; UPDATE meta SET value = 2 WHERE name = 'head'",
    )
    .unwrap();
    tool.execute("UPDATE meta SET value = ?1 WHERE name = 'head_hash'", [&at_two[..]]).unwrap();
    let Verification::BrokenEvent { number: 4, what } = f.ledger.verify(|_| ()).unwrap() else {
        panic!("the last event covers a row that is gone")
    };
    assert!(what.contains("rows that are not there"), "{what}");
}

fn personal(name: &str, secret: &str) -> NewEntry {
    NewEntry {
        plain: Some(format!("{name}@{secret}.example")),
        reason: Some(format!("asked by {secret}")),
        evidence: [("ip".to_owned(), secret.to_owned())].into(),
        ..entry(name)
    }
}

/// Whether the bytes stand anywhere in the files of the folder.
fn is_on_disk(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn what_is_erased_is_gone_from_the_files_and_the_chain_holds() {
    let mut f = Fixture::new();
    let rows: Vec<_> = (0..300)
        .flat_map(|n| [personal("a", &format!("qq7first{n}")), personal(&n.to_string(), "kept")])
        .enumerate()
        .map(|(n, entry)| NewEntry { stated: Some(at(n as i64)), ..entry })
        .collect();
    f.ledger.append(at(1), Some("i"), &rows).unwrap();
    f.ledger.withdraw(at(2), "ann", "qq7second", &[1]).unwrap();
    assert!(is_on_disk(f.folder.path(), "qq7first") && is_on_disk(f.folder.path(), "qq7second"));

    let erased = f.ledger.erase(at(3), "ann", "Art. 17", &[keys("a"), keys("nobody")]).unwrap();
    assert_eq!((erased.positions.len(), erased.nothing_to_do), (301, 0));
    assert!(erased.swept);
    assert!(!is_on_disk(f.folder.path(), "qq7"), "the old bytes are overwritten");
    assert!(is_on_disk(f.folder.path(), "kept.example"));

    let entries = f.entries_of("a");
    assert_eq!(entries.len(), 301);
    assert!(entries.iter().all(|e| e.erased && e.plain.is_none() && e.reason.is_none()));
    assert!(entries.iter().all(|e| e.evidence.is_empty()));
    assert!(!f.entries_of("7")[0].erased);
    let Verification::Intact { erased: 301, .. } = f.ledger.verify(|_| ()).unwrap() else {
        panic!("erasing is allowed")
    };
    let event = f.ledger.events().unwrap().pop().unwrap();
    assert_eq!(
        (event.number, event.what.as_str(), event.by.as_str()),
        (erased.event.unwrap(), "erase", "ann")
    );
    assert!(event.details.starts_with(r#"{"reason":"Art. 17","rows":[1,3,"#), "{}", event.details);
    let tool = Connection::open(f.path()).unwrap();
    let shown: i64 =
        tool.query_row("SELECT sum(erased) FROM entries", (), |row| row.get(0)).unwrap();
    assert_eq!(shown, 301, "the view shows it");

    // Once more there is nothing left to blank, and that is recorded too.
    let again = f.ledger.erase(at(4), "ann", "Art. 17", &[keys("a")]).unwrap();
    assert_eq!((again.positions.len(), again.nothing_to_do), (0, 301));
    // About nobody there is nothing to record.
    let nobody = f.ledger.erase(at(4), "ann", "Art. 17", &[keys("nobody")]).unwrap();
    assert_eq!((nobody.positions.len(), nobody.nothing_to_do, nobody.event), (0, 0, None));
    assert_eq!(f.ledger.events().unwrap().last().unwrap().number, again.event.unwrap());
    // The fact stands: the same list says nothing new.
    let same: Vec<_> = rows.into_iter().skip(1).collect();
    assert_eq!(f.ledger.append(at(5), None, &same).unwrap().seen, same.len());
}

#[test]
fn an_erasure_beside_a_reader_says_that_old_bytes_are_left() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &[personal("a", "qq7first")]).unwrap();
    let reader = Connection::open(f.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM entry").unwrap();
    reader.query_row("SELECT reason FROM entry", (), |_| Ok(())).unwrap();
    let erased = f.ledger.erase(at(3), "ann", "Art. 17", &[keys("a")]).unwrap();
    assert!(!erased.swept && erased.positions == [1]);
    reader.execute_batch("COMMIT").unwrap();
    assert!(f.ledger.erase(at(4), "ann", "Art. 17", &[keys("a")]).unwrap().swept);
    assert!(!is_on_disk(f.folder.path(), "qq7"));
}

/// What outlives an erasure names nobody.
#[test]
fn a_reason_that_is_kept_for_ever_names_no_address() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), Some("i"), &[personal("a", "x")]).unwrap();
    let (reason, key) = ("file held pat@example.com", f.key_path());
    let refused = [
        f.ledger.erase(at(2), "ann", reason, &[keys("a")]).map(|_| ()),
        f.ledger.withdraw(at(2), "ann", reason, &[1]).map(|_| ()),
        f.ledger.undo_import(at(2), "ann", reason, "i").map(|_| ()),
        f.ledger.rekey(at(2), "ann", reason, &key).map(|_| ()),
    ];
    for done in refused {
        let error = done.unwrap_err();
        assert!(matches!(error, LedgerError::NamesAddress { what: "reason" }), "{error}");
        assert!(error.to_string().contains("kept for ever"), "{error}");
    }
    assert_eq!((f.ledger.head().unwrap().position, f.ledger.events().unwrap().len()), (1, 0));
}
