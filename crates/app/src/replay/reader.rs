//! A file or standard input, whatever it holds, delivery by delivery.

use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use super::detect::{LogFormat, detect};
use super::envelopes::{Delivery, Told};
use super::exim::Exim;
use super::lines::Lines;
use super::postfix::Postfix;
use super::table;
use crate::clock;
use crate::error::AppError;

/// What is looked at to see what a file is.
const BEGINNING: usize = 64 << 10;

/// Reads `path`, or standard input for none, and hands out what it tells until `each` says
/// stop. Without a format it is found by looking.
///
/// # Errors
/// When it cannot be read, or is not of that format.
pub fn read(
    path: Option<&Path>,
    format: Option<LogFormat>,
    column: Option<&str>,
    each: &mut dyn FnMut(Told) -> ControlFlow<()>,
) -> Result<LogFormat, AppError> {
    let shown = path.unwrap_or(Path::new("standard input"));
    let io = |error| AppError::io(shown, error);
    let input: Box<dyn Read> = match path {
        Some(path) => Box::new(std::fs::File::open(path).map_err(|error| match error.kind() {
            // It is the data that is wrong, and nothing of ours.
            std::io::ErrorKind::NotFound => AppError::Input(format!("{}: {error}", path.display())),
            _ => io(error),
        })?),
        None => Box::new(std::io::stdin()),
    };
    let mut input = BufReader::with_capacity(BEGINNING, input);
    let format = match (format, column) {
        (Some(format), _) => format,
        (None, Some(_)) => LogFormat::Csv,
        (None, None) => detect(path, &String::from_utf8_lossy(input.fill_buf().map_err(io)?)),
    };
    if column.is_some() && format != LogFormat::Csv {
        return Err(AppError::Input("--column is for tables: --format csv".to_owned()));
    }
    if format == LogFormat::Csv {
        let Some(path) = path else {
            let help = "a table is read twice, so it cannot be standard input: name a file, or cut the column out";
            return Err(AppError::Input(help.to_owned()));
        };
        return table::read(path, column, clock::now(), each).map(|()| format);
    }
    let (mut postfix, mut exim) = (Postfix::default(), Exim::default());
    let mut lines = Lines::new(input);
    while let Some((number, line)) = lines.next().map_err(io)? {
        let told = match format {
            LogFormat::Postfix => postfix.line(number, &line),
            LogFormat::Exim => exim.line(number, &line),
            LogFormat::List | LogFormat::Csv => address_on(number, &line),
        };
        if let Some(told) = told
            && each(Told::Delivery(told)).is_break()
        {
            break;
        }
    }
    Ok(format)
}

/// One address a line; blank lines and `#` lines are skipped.
fn address_on(line: u64, text: &str) -> Option<Delivery> {
    let text = text.trim();
    let is_one = !text.is_empty() && !text.starts_with('#');
    is_one.then(|| Delivery { line, recipient: text.to_owned(), envelope: None })
}
