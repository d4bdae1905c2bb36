//! Lists of several parts, and of rows that are no file.

use std::ops::ControlFlow;
use std::path::Path;

use sources::{Columns, Format, Input, Inputs, List, Progress, SourceError, Spec, SpoolWriter};

use crate::support::{csv_spec, now, outcome, read_inputs};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn at(place: &Path) -> Result<crate::support::Outcome, SourceError> {
    read_inputs(Inputs::at(place)?, &csv_spec())
}

#[test]
fn the_files_of_a_folder_are_one_list() {
    let folder = folder(&[
        ("b.csv", "mail;when\nc@x.example;2019-12-17\nnobody;\n"),
        ("a.csv", "email\na@x.example\nb@x.example\n"),
        ("c.csv.part", "email\nz@x.example\n"),
    ]);
    let outcome = at(folder.path()).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example", "c@x.example"]);
    assert_eq!((outcome.report.rows, outcome.report.bad), (4, 1));
    let bad = outcome.report.bad_rows[0].to_string();
    assert_eq!(bad, "b.csv, line 3: not an e-mail address (xxxxxx)");
    assert_eq!(outcome.report.warnings, ["left out: c.csv.part (not finished)"]);
    assert!(outcome.describe.starts_with("1 file: CSV in UTF-8"), "{}", outcome.describe);
    let same = folder.path().join("*.csv");
    assert_eq!(at(&same).unwrap().rows, outcome.rows);
}

#[test]
fn a_part_that_cannot_be_read_refuses_all_of_it_and_is_named() {
    let folder = folder(&[("a.csv", "email\na@x.example\n"), ("b.csv", "no,address\n1,2\n")]);
    let error = at(folder.path()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}/b.csv:1: ", folder.path().display())), "{error}");
}

#[test]
fn no_file_is_a_list_without_rows_that_the_guards_refuse() {
    let folder = folder(&[]);
    let outcome = at(folder.path()).unwrap();
    assert_eq!((outcome.report.rows, outcome.describe.as_str()), (0, "no file"));
    assert!(outcome.report.warnings[0].ends_with(": there is no file"));
    let judged = sources::judge(&outcome.report, None, &sources::Guards::default());
    assert_eq!(judged, Err(sources::Refusal::Empty));
}

#[test]
fn the_fingerprint_is_of_all_parts_and_of_no_name() {
    let print = |files: &[(&str, &str)]| {
        let folder = folder(files);
        let inputs = Inputs::at(folder.path()).unwrap();
        List::open(inputs, &csv_spec(), &mut |_| ()).unwrap().fingerprint()
    };
    let (one, two) = ("email\na@x.example\n", "email\nb@x.example\n");
    let both = print(&[("a", one), ("b", two)]);
    assert_eq!(both, print(&[("c", one), ("d", two)]));
    assert_ne!(both, print(&[("a", one), ("b", one)]));
    assert_ne!(both, print(&[("a", one)]));
}

#[test]
fn progress_goes_over_all_parts() {
    let folder = folder(&[("a", "email\na@x.example\n"), ("b", "email\nb@x.example\n")]);
    let spec = csv_spec();
    let mut all: Vec<Progress> = Vec::new();
    let mut tell = |at| all.push(at);
    let list = List::open(Inputs::at(folder.path()).unwrap(), &spec, &mut tell).unwrap();
    list.check(now(), &mut tell).unwrap();
    for (one, next) in all.iter().zip(&all[1..]) {
        assert!(one.phase != next.phase || one.done <= next.done, "{one:?} {next:?}");
    }
    assert!(all.iter().all(|at| at.total == 36 && at.done <= 36));
    assert_eq!(all.last().unwrap().done, 36);
}

#[test]
fn a_file_that_is_written_to_between_the_passes_ends_the_read() {
    let folder = folder(&[("a", "email\na@x.example\n"), ("b", "email\nb@x.example\n")]);
    let spec = csv_spec();
    let list = List::open(Inputs::at(folder.path()).unwrap(), &spec, &mut |_| ()).unwrap();
    list.check(now(), &mut |_| ()).unwrap();
    std::fs::write(folder.path().join("b"), "email\nb@x.example\nc@x.example\n").unwrap();
    let read = list.read(now(), &mut |_| (), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(read, Err(SourceError::Changed { .. })), "{read:?}");
}

#[test]
fn a_downloaded_file_needs_no_name() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, b"email\na@x.example\n").unwrap();
    let file = Input::opened(Path::new("https://x.example/list.csv"), file).unwrap();
    let spec = csv_spec();
    let list = List::open(file, &spec, &mut |_| ()).unwrap();
    assert_eq!(outcome(&list).unwrap().addresses(), ["a@x.example"]);
}

#[test]
fn rows_of_a_database_are_a_list() {
    let mut writer = SpoolWriter::new(&std::env::temp_dir()).unwrap();
    writer.columns(&["id", "E-Mail", "opted_out_at", "reason"]).unwrap();
    for row in [
        [Some("1"), Some("a@x.example"), Some("2019-12-17 08:58:33"), None],
        [Some("2"), None, None, None],
        [Some("3"), Some("nobody"), None, Some("x")],
        [Some("4"), Some("b@x.example"), None, Some("said no")],
    ] {
        writer.row(row.into_iter()).unwrap();
    }
    let spool = writer.finish().unwrap();
    let spec = Spec::new("crm", Format::Table(Columns::default()));
    let list = List::open(Inputs::spool("crm", spool), &spec, &mut |_| ()).unwrap();
    let outcome = outcome(&list).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example"]);
    assert_eq!(outcome.times(), [Some("2019-12-17T08:58:33Z"), None]);
    assert_eq!(outcome.reasons(), [None, Some("said no")]);
    assert_eq!((outcome.report.without_address, outcome.report.bad), (1, 1));
    assert_eq!(outcome.report.bad_rows[0].line, 3);
    assert!(outcome.describe.contains("e-mail \"E-Mail\""), "{}", outcome.describe);
}

#[test]
fn a_table_is_no_file() {
    let spec = Spec::new("crm", Format::Table(Columns::default()));
    let error = List::open(Input::bytes("a.csv", &b"email\n"[..]), &spec, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("rows of a database"), "{error}");
}

/// What is no list among others is few rows of all, and all of its own.
#[test]
fn the_bad_rows_of_each_file_are_judged() {
    let good: String = (0..100).map(|n| format!("a{n}@x.example\n")).collect();
    let judged = |other: &str| {
        let folder = folder(&[("a.txt", &good), ("b.txt", other), ("c.txt", "one\nc@x.example\n")]);
        let outcome = at(folder.path()).unwrap();
        sources::judge(&outcome.report, None, &sources::Guards::default())
    };
    let refusal = judged("b@x.example\nread-me@\nif@you@\n#can\n@\n").unwrap_err().to_string();
    assert!(refusal.starts_with("3 of the 4 rows of b.txt (75.0%) are bad"), "{refusal}");
    assert!(judged("b@x.example\nread-me@\n").is_ok(), "a single row never decides");
}
