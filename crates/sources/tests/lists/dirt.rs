//! The dirt of `list-formats.md` §4.2, each kind a test. Points 5, 6, and 8 to 10 are about what
//! rows mean: they are tests of `recognised`, which name them.

use sources::{Fault, Format, Place, SourceError, Spec};

use crate::support::{csv, csv_error, csv_spec, read_as};

/// Point 1: comments and dates among the addresses.
#[test]
fn what_is_no_address_is_counted_and_reported_and_nothing_else_is_lost() {
    let outcome = csv("email,created\na@example.com,1\n#02232014,\n8/27/2015,\nb@example.com,1\n");
    assert_eq!(outcome.addresses(), ["a@example.com", "b@example.com"]);
    let bad: Vec<_> = outcome.report.bad_rows.iter().map(ToString::to_string).collect();
    assert_eq!(
        bad,
        ["line 3: not an e-mail address (#99999999)", "line 4: not an e-mail address (9/99/9999)"]
    );
}

/// Point 2.
#[test]
fn line_ends_and_encodings_make_no_difference() {
    let text = "email,reason\nbob@bücher.example,grün\nmüller@example.com,schön\n";
    let expected = csv(text);
    assert_eq!(expected.addresses(), ["bob@xn--bcher-kva.example", "müller@example.com"]);
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf_16 = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    };
    let marked = format!("\u{feff}{text}");
    for bytes in [
        text.trim_end().as_bytes().to_vec(),
        text.replace('\n', "\r\n").into_bytes(),
        text.replace('\n', "\r\n").trim_end().as_bytes().to_vec(),
        text.replace('\n', "\r").into_bytes(),
        marked.clone().into_bytes(),
        latin,
        utf_16(text, u16::to_le_bytes),
        utf_16(text, u16::to_be_bytes),
        utf_16(&marked, u16::to_le_bytes),
        utf_16(&marked, u16::to_be_bytes),
    ] {
        let outcome = csv(&bytes);
        assert_eq!(outcome.rows, expected.rows, "{}", outcome.describe);
    }
}

/// Point 2: what is not valid in the encoding is an error with its place.
#[test]
fn invalid_bytes_are_an_error_with_line_and_column() {
    let text = "email,reason\nbob@bücher.example,grün\n".as_bytes();
    let error = csv_error([text, b"tim@example.com,sch\xf6n\n"].concat());
    assert!(error.starts_with("list:3:20: this is not UTF-8"), "{error}");
    assert!(error.contains("encoding = \"latin-1\""), "{error}");
    let odd = [&b"\xff\xfe"[..], b"a\0"].concat();
    let error = csv_error([&odd[..], b"\x00\xd8b\0"].concat());
    assert!(error.contains("UTF-16LE"), "{error}");
}

/// Point 3.
#[test]
fn reasons_with_commas_doubled_quotes_and_newlines() {
    let outcome = csv("email,reason,created\nbob@example.com,\"said \"\"no\"\",\r\nand left\",\
                       2019-12-17\ntim@example.com,x,\n");
    assert_eq!(outcome.reasons(), [Some("said \"no\", and left"), Some("x")]);
    assert_eq!(outcome.times(), [Some("2019-12-17T00:00:00Z"), None]);
    let lines: Vec<_> = outcome.rows.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [2, 4]);
}

/// Point 4.
#[test]
fn addresses_in_all_the_ways_people_write_them() {
    let outcome =
        csv("Email\n  Bob@Example.COM \nBob <bob1@example.com>\nmailto:bob2@example.com\n\
                       bob3@example.com.\nbob4@example.com;\n\"\"\"bob 5\"\"@example.com\"\n\
                       \"bob 6\"@example.com\nbob@bücher.example\nbob@xn--bcher-kva.example\n\
                       \"Smith, Bob\" <bob7@example.com>\n");
    assert_eq!(
        outcome.addresses(),
        [
            "Bob@example.com",
            "bob1@example.com",
            "bob2@example.com",
            "bob3@example.com",
            "bob4@example.com",
            "\"bob 5\"@example.com",
            "\"bob 6\"@example.com",
            "bob@xn--bcher-kva.example",
            "bob@xn--bcher-kva.example",
            "bob7@example.com",
        ]
    );
    assert_eq!(outcome.report.bad, 0);
}

/// Point 4: a trailing `;` after every address is no delimiter.
#[test]
fn a_list_pasted_from_a_mail_program() {
    let outcome = csv("Bob S <bob@example.com>;\nTim <tim@example.com>;\nsue@example.com;\n");
    assert_eq!(outcome.addresses(), ["bob@example.com", "tim@example.com", "sue@example.com"]);
    let outcome = csv("Bob S <bob@example.com>; Tim <tim@example.com>; sue@example.com\n");
    assert_eq!(outcome.addresses(), ["bob@example.com", "tim@example.com", "sue@example.com"]);
}

/// Point 7.
#[test]
fn the_damage_of_spreadsheets() {
    let outcome = csv("sep=;\r\nemail;created\r\n'bob@example.com;1.44365E+09\r\n\
                       tim@example.com;1,44365E+09\r\n\u{a0}sue@example.com;42277,5\r\n");
    assert_eq!(outcome.addresses(), ["bob@example.com", "tim@example.com", "sue@example.com"]);
    assert_eq!(
        outcome.times(),
        [Some("2015-09-30T21:53:20Z"), Some("2015-09-30T21:53:20Z"), Some("2015-09-30T12:00:00Z")]
    );
}

#[test]
fn rows_of_people_without_an_address_are_not_bad() {
    let outcome = csv("name,email\nBob,bob@example.com\nTim,\n,\nSue, \n\n   \n");
    assert_eq!(outcome.addresses(), ["bob@example.com"]);
    let report = outcome.report;
    assert_eq!((report.rows, report.without_address, report.bad), (3, 2, 0));
}

#[test]
fn rows_that_are_shorter_or_longer_than_the_header() {
    let outcome = csv("name,email,created\nBob\nTim,tim@example.com\nSue,sue@example.com,1,2,3\n");
    assert_eq!(outcome.addresses(), ["tim@example.com", "sue@example.com"]);
    assert_eq!(outcome.report.without_address, 1);
}

#[test]
fn a_forgotten_quote_costs_nothing() {
    let outcome =
        csv("email,reason\na@example.com,\"oops\nb@example.com,ok\nc@example.com,\"k\"\n");
    assert_eq!(outcome.addresses(), ["a@example.com", "b@example.com", "c@example.com"]);
    assert_eq!(outcome.report.broken_quotes, 1);
}

#[test]
fn times_that_make_no_sense_are_reported_and_cost_no_row() {
    let outcome = csv("email,created\na@example.com,2019-12-17\nb@example.com,soon\n\
                       c@example.com,2030-01-01\nd@example.com,2019-12-18\n");
    assert_eq!(
        outcome.times(),
        [Some("2019-12-17T00:00:00Z"), None, None, Some("2019-12-18T00:00:00Z")]
    );
    let report = outcome.report;
    assert_eq!((report.odd_dates, report.first_odd_date, report.future_dates), (1, Some(3), 1));
}

#[test]
fn no_email_column_is_an_error_that_lists_the_columns() {
    let error = csv_error("name;city\nBob;Bern\n");
    assert!(error.starts_with("list:1: no column with e-mail addresses"), "{error}");
    assert!(error.contains("\"name\", \"city\"") && error.contains("set `email`"), "{error}");
    let Format::Csv(mut spec) = csv_spec().format else { panic!() };
    spec.columns.email = Some("Mail".parse().unwrap());
    let spec = Spec::new("c", Format::Csv(spec));
    let error = read_as(b"name;city\nBob;Bern\n", &spec).unwrap_err().to_string();
    assert!(error.contains("there is no column \"Mail\""), "{error}");
    // Where the "header" is somebody's row, the message does not show it.
    let Format::Csv(mut csv_only) = csv_spec().format else { panic!() };
    csv_only.header = Some(true);
    csv_only.columns.email = Some("Mail".parse().unwrap());
    let spec = Spec::new("c", Format::Csv(csv_only));
    let error = read_as(b"bob@example.com;Bern\n", &spec).unwrap_err().to_string();
    assert!(!error.contains("bob@example.com"), "{error}");
}

#[test]
fn what_is_no_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("list.csv");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&missing, folder.path(), &pipe, std::path::Path::new("/dev/zero")] {
        let error = sources::Input::file(path).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    std::fs::write(&path, "email\na@example.com\n").unwrap();
    let spec = csv_spec();
    let open = || {
        let input = sources::Input::file(&path).unwrap();
        sources::List::open(input, &spec, &mut |_| ()).unwrap()
    };
    let list = open();
    let first = list.fingerprint();
    assert_eq!(list.check(crate::support::now(), &mut |_| ()).unwrap().accepted, 1);
    std::fs::write(&path, "email\na@example.com\nb@example.com\n").unwrap();
    let error = list.check(crate::support::now(), &mut |_| ()).unwrap_err();
    assert!(matches!(error, SourceError::Changed { .. }));
    assert_ne!(open().fingerprint(), first);
    // Replaced by a rename, the file that was opened is read to its end as it was.
    let list = open();
    let other = folder.path().join("new.csv");
    std::fs::write(&other, "email\n").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(list.check(crate::support::now(), &mut |_| ()).unwrap().accepted, 2);
}

#[test]
fn progress_goes_to_the_end_in_every_phase() {
    let text = "email\n".to_owned() + &"somebody@example.com\n".repeat(50_000);
    let spec = csv_spec();
    let mut last = Vec::new();
    let mut tell = |progress: sources::Progress| {
        assert_eq!(progress.total, text.len() as u64);
        match last.last_mut() {
            Some((phase, done)) if *phase == progress.phase => {
                assert!(*done <= progress.done);
                *done = progress.done;
            }
            _ => last.push((progress.phase, progress.done)),
        }
    };
    let input = sources::Input::bytes("l", text.as_bytes());
    let list = sources::List::open(input, &spec, &mut tell).unwrap();
    list.check(crate::support::now(), &mut tell).unwrap();
    let mut go_on = |_: &sources::Row<'_>| std::ops::ControlFlow::Continue(());
    list.read(crate::support::now(), &mut tell, &mut go_on).unwrap();
    let end = text.len() as u64;
    use sources::Phase::{Check, Examine, Read};
    assert_eq!(last, [(Examine, end), (Check, end), (Read, end)]);
}

#[test]
fn a_bad_row_shows_no_personal_data() {
    let outcome = csv("email,created\nbob@@example.com,1\nok@example.com,1\n");
    let [bad] = outcome.report.bad_rows.as_slice() else { panic!() };
    assert!(matches!(bad.fault, Fault::Address(_)));
    assert_eq!(bad.masked, "xxx@@xxxxxxx.xxx");
    assert!(!bad.to_string().contains("bob"));
}

#[test]
fn places_are_counted_from_one() {
    assert_eq!(Place { line: 1, column: 1 }.to_string(), "1:1");
}
