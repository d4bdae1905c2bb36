//! What a setting says goes before what is recognised.

use sources::{Column, Columns, CsvSpec, Format, Spec};
use suppression::Kind;

use super::{as_format, is_with, read_with};
use crate::support::csv_spec;

fn with_columns() -> Spec {
    let column = |name: &str| Some(Column::Name(name.to_owned()));
    let columns = Columns {
        date: column("asked"),
        kind: column("kind"),
        scope: column("scope"),
        until: column("until"),
        ..Columns::default()
    };
    as_format(Format::Csv(CsvSpec { columns, ..CsvSpec::default() }))
}

#[test]
fn columns_of_kinds_scopes_and_ends() {
    let read = is_with(
        "generic/kinds.csv",
        &with_columns(),
        "",
        &[
            "bob@example.com opt-out news 2019-12-17T00:00:00Z -",
            "tim@example.com undeliverable - 2019-12-17T00:00:00Z 2036-01-01T00:00:00Z",
            "sue@example.com complaint all 2019-12-17T00:00:00Z -",
            "ann@example.com opt-out - 2019-12-17T00:00:00Z -",
            "ian@example.com opt-out news 2019-12-17T00:00:00Z -",
            "joe@example.com manual commercial 2019-12-17T00:00:00Z -",
        ],
    );
    let report = &read.report;
    assert_eq!((report.odd_kinds, report.first_odd_kind), (1, Some(6)));
    assert_eq!(report.dropped_ends, 1);
    assert_eq!(
        report.unselected_because,
        [("says that it may be mailed", 1), ("has come to its end", 1)]
    );
    assert_eq!((report.rows, report.unselected), (6, 2));
}

/// The kind of the source is that of rows that do not say theirs.
#[test]
fn the_kind_of_the_source_is_for_rows_without_one() {
    let spec = Spec { kind: Some(Kind::Manual), ..with_columns() };
    let read = read_with("generic/kinds.csv", &spec).unwrap();
    let kinds: Vec<_> = read.rows.iter().map(|row| row.split(' ').nth(1).unwrap()).collect();
    assert_eq!(kinds, ["opt-out", "undeliverable", "complaint", "manual", "manual", "manual"]);
}

#[test]
fn a_kind_that_is_set_goes_before_the_recognised_one_and_is_told() {
    let spec = Spec { kind: Some(Kind::OptOut), ..csv_spec() };
    let read = is_with(
        "mailgun/bounces.csv",
        &spec,
        "Mailgun's bounces",
        &[
            "bob@example.com opt-out - 2011-10-21T11:02:55Z -",
            "tim@example.com opt-out - 2011-10-21T11:02:56Z -",
        ],
    );
    let warning = &read.report.warnings[0];
    assert!(warning.contains("Mailgun's bounces") && warning.contains("opt-out"), "{warning}");
    let same = Spec { kind: Some(Kind::Undeliverable), ..csv_spec() };
    assert!(read_with("mailgun/bounces.csv", &same).unwrap().report.warnings.is_empty());
}

#[test]
fn a_column_that_is_set_goes_before_the_recognised_one() {
    let columns = Columns { date: Some(Column::Number(6)), ..Columns::default() };
    let spec = as_format(Format::Csv(CsvSpec { columns, ..CsvSpec::default() }));
    let read = read_with("mandrill/rejects.csv", &spec).unwrap();
    assert!(read.rows[0].contains(" 2016-01-15T00:00:00Z "), "{:?}", read.rows);
}

#[test]
fn a_column_that_is_not_there_is_an_error_with_its_setting() {
    for (columns, setting) in [
        (Columns { kind: Some(Column::Name("x".into())), ..Columns::default() }, "kind_column"),
        (Columns { scope: Some(Column::Name("x".into())), ..Columns::default() }, "scope_column"),
        (Columns { until: Some(Column::Name("x".into())), ..Columns::default() }, "until"),
    ] {
        let spec = as_format(Format::Csv(CsvSpec { columns, ..CsvSpec::default() }));
        let error = read_with("generic/kinds.csv", &spec).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(&format!("set `{setting}`")), "{error}");
    }
}
