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

fn find(path: &Path, prefix: &str) -> Result<Vec<Value>, EvidenceError> {
    search(path, &prefix.parse().unwrap())
}

#[test]
fn a_decision_is_found_by_its_reference_and_by_enough_of_it() {
    let file = file(&[&evidence()]);
    let reference = name(100_080, 2);
    for length in [9, 13] {
        let found = find(file.path(), &reference.as_str()[..length]).unwrap();
        assert_eq!(found.len(), 1, "{length}");
        assert_eq!(found[0]["ref"], reference.as_str());
    }
    assert_eq!(find(file.path(), &reference.as_str().to_lowercase()).unwrap().len(), 1);
}

#[test]
fn a_transaction_is_found_with_all_that_belongs_to_it() {
    let file = file(&[&evidence()]);
    let found = find(file.path(), name(0, 1).as_str()).unwrap();
    let kinds: Vec<_> = found.iter().map(|record| record["record"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["decision", "decision", "intent", "outcome"]);
}

#[test]
fn a_beginning_that_several_share_is_an_error_that_counts_them() {
    let file = file(&[&evidence()]);
    let error = find(file.path(), "1KJQ").unwrap_err();
    assert!(matches!(error, EvidenceError::Ambiguous { count: 6, more: false, .. }), "{error}");
    assert_eq!(error.to_string(), "6 references begin with 1KJQ; give more of it");

    let many: Vec<u8> =
        (0..1100).flat_map(|number| line(&Record::Intent(&intent(name(0, number))))).collect();
    std::fs::write(file.path(), many).unwrap();
    let error = find(file.path(), "1").unwrap_err();
    assert_eq!(error.to_string(), "1000 or more references begin with 1; give more of it");
}

#[test]
fn nothing_is_found_where_nothing_is() {
    assert!(find(file(&[]).path(), "1").unwrap().is_empty());
    assert!(find(file(&[&evidence()]).path(), "ZZ").unwrap().is_empty());
    let gone = tempfile::tempdir().unwrap().path().join("gone");
    assert!(matches!(find(&gone, "1"), Err(EvidenceError::File { .. })));
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
        assert_eq!(find(content.path(), wanted.as_str()).unwrap().len(), 4);
    }
}

/// The text of a reference elsewhere in a record does not make it that record's.
#[test]
fn only_references_are_searched() {
    let mut other = intent(name(5, 5));
    other.message_id = Some(name(0, 1).to_string());
    let file = file(&[&line(&Record::Intent(&other))]);
    assert!(find(file.path(), name(0, 1).as_str()).unwrap().is_empty());
}
