use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::record::Record;
use crate::record::tests::{intent, line, outcome};
use crate::reference::Reference;

fn name(number: u32) -> Reference {
    Reference::new(1_772_446_500_000, number)
}

fn at(second: u32, number: u32) -> Vec<u8> {
    let mut intent = intent(name(number));
    intent.time = format!("2026-03-02T10:15:{second:02}Z").parse().unwrap();
    line(&Record::Intent(&intent))
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn numbers(mut records: Records) -> Vec<String> {
    let mut numbers = Vec::new();
    while let Some(found) = records.next().unwrap() {
        numbers
            .push(found.seen().map_or("torn".into(), |seen| seen.transaction.unwrap().to_string()));
    }
    let last = |number: String| number.chars().skip(number.len().saturating_sub(4)).collect();
    numbers.into_iter().map(last).collect()
}

#[test]
fn all_records_of_all_files_in_order_torn_ones_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    let closed = |number| Closed::path(&path, number, "2026-03-02T10:15:30Z".parse().unwrap());
    std::fs::write(closed(2).with_extension("gz"), "").unwrap();
    let first = [b"{\"record\":\"file\",\"number\":1}\n".as_slice(), &at(1, 1), &at(2, 2)].concat();
    let mut packed = closed(1).into_os_string();
    packed.push(".gz");
    std::fs::write(packed, gz(&first)).unwrap();
    // Two that came onto one line behind a torn one.
    let glued = [&at(11, 3)[..70], &at(12, 4), &at(13, 5)].concat();
    std::fs::write(closed(2), glued).unwrap();
    std::fs::write(&path, [at(21, 6), b"{\"record\":\"seal\"}\n".to_vec()].concat()).unwrap();
    let records = || Records::open(&path).unwrap();
    assert_eq!(numbers(records()), ["0001", "0002", "torn", "0004", "0005", "0006"]);
    let time = |text: &str| Some(format!("2026-03-02T{text}Z").parse().unwrap());
    assert_eq!(numbers(records().since(time("10:15:12"))), ["0004", "0005", "0006"]);
    assert_eq!(numbers(records().until(time("10:15:12"))), ["0001", "0002", "torn"]);
    assert_eq!(numbers(records().since(time("23:00:00"))), [""; 0]);
}

#[test]
fn a_damaged_packed_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    let packed = gz(&[at(1, 1), at(2, 2)].concat());
    let closed = folder.path().join("evidence.jsonl.000001-20260302T101500Z.gz");
    std::fs::write(&closed, &packed[..packed.len() - 9]).unwrap();
    std::fs::write(&path, outcome_line()).unwrap();
    let mut records = Records::open(&path).unwrap();
    let error = loop {
        match records.next() {
            Ok(found) => assert!(found.is_some(), "the end, and no error"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("evidence.jsonl.000001-20260302T101500Z"), "{error}");
}

fn outcome_line() -> Vec<u8> {
    line(&Record::Outcome(&outcome(name(1))))
}
