use super::*;
use crate::record::Record;
use crate::record::tests::{decision, intent, line, outcome};
use crate::reference::Reference;

fn name(millis: u64, number: u32) -> Reference {
    Reference::new(1_772_446_500_000 + millis, number)
}

fn file(parts: &[&[u8]]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), parts.concat()).unwrap();
    file
}

/// Two transactions, each with two decisions, an intent and an outcome.
fn evidence() -> Vec<u8> {
    let mut all = Vec::new();
    for start in [0, 100_000] {
        let transaction = name(start, 1);
        for number in 1..=2 {
            let decision = decision(name(start + 40 * u64::from(number), number), transaction);
            all.extend(line(&Record::Decision(&decision)));
        }
        all.extend(line(&Record::Intent(&intent(transaction))));
        all.extend(line(&Record::Outcome(&outcome(transaction))));
    }
    all
}

fn by_name(path: &Path, prefix: &str) -> Result<Vec<Value>, EvidenceError> {
    search(path, &prefix.parse().unwrap())
}

#[test]
fn a_decision_is_found_by_its_reference_and_by_enough_of_it() {
    let file = file(&[&evidence()]);
    let reference = name(100_080, 2);
    for length in [9, 13] {
        let found = by_name(file.path(), &reference.as_str()[..length]).unwrap();
        assert_eq!(found.len(), 1, "{length}");
        assert_eq!(found[0]["ref"], reference.as_str());
    }
    assert_eq!(by_name(file.path(), &reference.as_str().to_lowercase()).unwrap().len(), 1);
}

#[test]
fn a_transaction_is_found_with_all_that_belongs_to_it() {
    let file = file(&[&evidence()]);
    let found = by_name(file.path(), name(0, 1).as_str()).unwrap();
    let kinds: Vec<_> = found.iter().map(|record| record["record"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["decision", "decision", "intent", "outcome"]);
}

#[test]
fn a_beginning_that_several_share_is_an_error_that_counts_them() {
    let file = file(&[&evidence()]);
    let error = by_name(file.path(), "1KJQ").unwrap_err();
    assert!(matches!(error, EvidenceError::Ambiguous { count: 6, more: false, .. }), "{error}");
    assert_eq!(error.to_string(), "6 references begin with 1KJQ; give more of it");

    let many: Vec<u8> =
        (0..1100).flat_map(|number| line(&Record::Intent(&intent(name(0, number))))).collect();
    std::fs::write(file.path(), many).unwrap();
    let error = by_name(file.path(), "1").unwrap_err();
    assert_eq!(error.to_string(), "1000 or more references begin with 1; give more of it");
}

#[test]
fn nothing_is_found_where_nothing_is() {
    assert!(by_name(file(&[]).path(), "1").unwrap().is_empty());
    assert!(by_name(file(&[&evidence()]).path(), "ZZ").unwrap().is_empty());
    let gone = tempfile::tempdir().unwrap().path().join("gone");
    assert!(matches!(by_name(&gone, "1"), Err(EvidenceError::File { .. })));
}

#[test]
fn torn_lines_hide_nothing_but_themselves() {
    let evidence = evidence();
    let wanted = name(0, 1);
    let torn = &evidence[..evidence.len() / 9];
    for content in [
        file(&[torn, b"\n", &evidence]),
        file(&[torn, &evidence]),
        file(&[&evidence, torn]),
        file(&[&evidence[..evidence.len() - 1]]),
        file(&[b"\xff\0\n", &evidence, b"\n\n{\"record\":\"decision\",\"ref\":7}\n"]),
    ] {
        assert_eq!(by_name(content.path(), wanted.as_str()).unwrap().len(), 4);
    }
}

/// The text of a reference elsewhere in a record does not make it that record's.
#[test]
fn only_references_are_searched() {
    let mut other = intent(name(5, 5));
    other.message_id = Some(name(0, 1).to_string());
    let file = file(&[&line(&Record::Intent(&other))]);
    assert!(by_name(file.path(), name(0, 1).as_str()).unwrap().is_empty());
}

/// Three messages in three files, one of them packed: to one person under two keys and two
/// spellings, and to somebody else.
fn three_files() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    let mut files = Vec::new();
    for (number, client) in [(0, "10.0.0.1"), (1, "10.0.0.2"), (2, "10.0.0.1")] {
        let transaction = name(number * 86_400_000, 1);
        let time = format!("2026-03-0{}T10:15:00Z", 2 + number).parse().unwrap();
        let client = client.parse().unwrap();
        let mut text = Vec::new();
        for (at, who) in [0x10 + number as u8, 0x99].into_iter().enumerate() {
            let mut decision = decision(name(number * 86_400_000 + 5 + at as u64, 2), transaction);
            let digest = suppression::Digest([who; 32]);
            decision.recipient = Some((&digest).into());
            decision.person = Some((&suppression::Digest([who | 0x80; 32])).into());
            (decision.time, decision.client) = (time, client);
            text.extend(line(&Record::Decision(&decision)));
        }
        let id = Some(format!("<\"{number}\"@corp.example>"));
        let intent = crate::Intent { time, client, message_id: id.clone(), ..intent(transaction) };
        text.extend(line(&Record::Intent(&intent)));
        let outcome = crate::Outcome { time, client, message_id: id, ..outcome(transaction) };
        text.extend(line(&Record::Outcome(&outcome)));
        files.push(String::from_utf8(text).unwrap());
    }
    // As gates wrote it before digests were cut: the whole exact one, and no other.
    let person = format!("\"person\":\"{}\",", "90".repeat(16));
    let old = files[0].replace(&person, "").replace(&"10".repeat(16), &"10".repeat(32));
    assert_ne!(old, files[0]);
    let closed = |number| {
        let time = format!("2026-03-0{}T23:00:00Z", 1 + number).parse().unwrap();
        crate::files::Closed::path(&path, number, time)
    };
    std::fs::write(closed(1), old).unwrap();
    std::fs::write(closed(2), &files[1]).unwrap();
    crate::packing::pack(&closed(1)).unwrap();
    std::fs::write(&path, &files[2]).unwrap();
    (folder, path)
}

fn ask(path: &Path, sought: Sought) -> Vec<(String, usize)> {
    let query = Query { sought, since: None, until: None, limit: 10 };
    let found = find(path, &query).unwrap();
    assert!(!found.more);
    let told = |message: &Message| {
        assert_eq!(message.seen().count(), message.records.len());
        (message.transaction.clone(), message.records.len())
    };
    found.messages.iter().map(told).collect()
}

fn day(number: u64) -> String {
    name(number * 86_400_000, 1).to_string()
}

#[test]
fn a_person_is_found_under_every_key_and_without_the_other_recipients() {
    let (_folder, path) = three_files();
    let digests = |bytes: &[u8]| {
        Sought::Recipient(bytes.iter().map(|byte| format!("{byte:02x}").repeat(16)).collect())
    };
    // The old record by its exact key, the others by exact and by person key.
    assert_eq!(ask(&path, digests(&[0x10])), [(day(0), 3)]);
    assert_eq!(ask(&path, digests(&[0x10, 0x11, 0x92])), [(day(0), 3), (day(1), 3), (day(2), 3)]);
    assert_eq!(ask(&path, digests(&[0x77])), []);
    // Not a digest somewhere else in the record.
    assert_eq!(ask(&path, Sought::Recipient(vec!["10.0.0.1".into()])), []);
}

#[test]
fn a_message_is_found_by_its_id_its_client_and_its_transaction() {
    let (_folder, path) = three_files();
    for id in ["<\"1\"@corp.example>", "\"1\"@corp.example"] {
        assert_eq!(ask(&path, Sought::MessageId(id.into())), [(day(1), 4)]);
    }
    assert_eq!(ask(&path, Sought::MessageId("1\"@corp.example".into())), []);
    let client = |text: &str| Sought::Client(text.parse().unwrap());
    assert_eq!(ask(&path, client("10.0.0.1")), [(day(0), 4), (day(2), 4)]);
    assert_eq!(ask(&path, client("10.0.0.3")), []);
    assert_eq!(ask(&path, Sought::Transaction(day(1))), [(day(1), 4)]);
}

#[test]
fn the_latest_messages_of_a_time_are_found() {
    let (_folder, path) = three_files();
    let client = Sought::Recipient(vec!["99".repeat(16)]);
    let query = |since: &str, until: &str, limit| {
        let time = |text: &str| text.parse().ok();
        let (since, until) = (time(since), time(until));
        let found = find(&path, &Query { sought: client.clone(), since, until, limit }).unwrap();
        let names: Vec<_> = found.messages.into_iter().map(|message| message.transaction).collect();
        (names, found.more)
    };
    assert_eq!(query("", "", 2), (vec![day(1), day(2)], true));
    assert_eq!(query("2026-03-03", "2026-03-04", 2), (vec![day(1)], false));
    assert_eq!(query("2026-03-05", "", 2), (vec![], false));
}

#[test]
fn a_reference_is_found_in_closed_files() {
    let (_folder, path) = three_files();
    for number in 0..3 {
        assert_eq!(by_name(&path, &day(number)).unwrap().len(), 4);
        let decision = name(number * 86_400_000 + 6, 2);
        assert_eq!(by_name(&path, decision.as_str()).unwrap().len(), 1);
    }
}
