//! A column of a CSV file, read by the same reader as a `[[source]]`: delimiter, header,
//! encoding and the column are found by looking.

use std::ops::ControlFlow;
use std::path::Path;

use address::PersonRules;
use sources::{Columns, CsvSpec, Format, Input, List, SourceError, Spec, Who};
use suppression::Timestamp;

use super::envelopes::{Delivery, Told};
use crate::error::AppError;

/// The setting of a source that helps is an option here.
fn in_our_words(error: SourceError) -> SourceError {
    match error {
        SourceError::Column { file, what, columns, setting: "email" } => {
            SourceError::Column { file, what, columns, setting: "--column" }
        }
        other => other,
    }
}

/// Hands out the addresses of a column.
pub(super) fn read(
    path: &Path,
    column: Option<&str>,
    now: Timestamp,
    each: &mut dyn FnMut(Told) -> ControlFlow<()>,
) -> Result<(), AppError> {
    let column = column.map(str::parse).transpose();
    let email = column.map_err(|error| AppError::Input(format!("--column: {error}")))?;
    let spec = Spec {
        // Whom a mail goes to is a list of people who may be mailed.
        allow_subscribed: true,
        rules: PersonRules::none(),
        ..Spec::new(
            "replay",
            Format::Csv(CsvSpec {
                columns: Columns { email, ..Columns::default() },
                ..CsvSpec::default()
            }),
        )
    };
    let wrong = |error| AppError::List(in_our_words(error).to_string());
    let list = List::open(Input::file(path).map_err(wrong)?, &spec, &mut |_| ()).map_err(wrong)?;
    let mut row = |row: &sources::Row<'_>| {
        let Who::Address { mailbox, .. } = row.who else { return ControlFlow::Continue(()) };
        let recipient = mailbox.to_string();
        each(Told::Delivery(Delivery { line: row.line, recipient, envelope: None }))
    };
    let report = list.read(now, &mut |_| (), &mut row).map_err(wrong)?;
    let bad = report.bad;
    let first = report.bad_rows.first().map(ToString::to_string);
    if bad > 0 {
        let _ = each(Told::Unusable { rows: bad, first: first.unwrap_or_default() });
    }
    Ok(())
}
