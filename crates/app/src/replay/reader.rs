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
    if let Some(what) = no_text(input.fill_buf().map_err(io)?)
        && format != LogFormat::Csv
    {
        return Err(AppError::Input(format!("{}: {what}", shown.display())));
    }
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
    let mut any = false;
    while let Some((number, line)) = lines.next().map_err(io)? {
        let told = match format {
            LogFormat::Postfix => postfix.line(number, &line),
            LogFormat::Exim => exim.line(number, &line),
            LogFormat::List | LogFormat::Csv => address_on(number, &line),
        };
        if let Some(told) = told {
            any = true;
            if each(Told::Delivery(told)).is_break() {
                break;
            }
        }
    }
    match nothing(format) {
        Some(words) if !any => Err(AppError::Input(format!("{}: {words}", shown.display()))),
        _ => Ok(format),
    }
}

/// What to say of a file without a single delivery: to pass it over would be a yes to what
/// was not understood.
fn nothing(format: LogFormat) -> Option<&'static str> {
    match format {
        LogFormat::List => Some("no address found in it; is it a list, one address a line?"),
        LogFormat::Postfix => Some("no delivery found in it; is it a Postfix log?"),
        LogFormat::Exim => Some("no delivery found in it; is it the main log of Exim?"),
        // Its rows were counted, the bad ones too.
        LogFormat::Csv => None,
    }
}

/// What a file is that begins so, if it is no text.
fn no_text(beginning: &[u8]) -> Option<&'static str> {
    if beginning.starts_with(&[0x1f, 0x8b]) {
        Some("this is compressed; unpack it: zcat FILE | optgate replay -")
    } else if beginning.contains(&0) {
        Some("this is not a text file")
    } else {
        None
    }
}

/// One address a line; blank lines and `#` lines are skipped.
fn address_on(line: u64, text: &str) -> Option<Delivery> {
    let text = text.trim();
    let is_one = !text.is_empty() && !text.starts_with('#');
    is_one.then(|| Delivery { line, recipient: text.to_owned(), envelope: None })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_all(bytes: &[u8], format: Option<LogFormat>) -> Result<Vec<String>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut told = Vec::new();
        let read = read(Some(file.path()), format, None, &mut |one| {
            if let Told::Delivery(one) = one {
                told.push(one.recipient);
            }
            ControlFlow::Continue(())
        });
        let shown = file.path().display().to_string();
        read.map(|_| told).map_err(|error| error.to_string().replace(&shown, "FILE"))
    }

    #[test]
    fn what_holds_no_delivery_is_an_error_that_says_what_was_looked_for() {
        let postfix = Some(LogFormat::Postfix);
        assert_eq!(read_all(b"bob@example.com\n", None), Ok(vec!["bob@example.com".to_owned()]));
        for (bytes, format, expected) in [
            (&b"bob@example.com\n"[..], postfix, "is it a Postfix log?"),
            (
                b"Nov 22 08:35:40 mail postfix/smtpd[4]: connect from x[10.0.0.1]\n",
                None,
                "is it a Postfix log?",
            ),
            (b"bob@example.com\n", Some(LogFormat::Exim), "is it the main log of Exim?"),
            (b"# nobody\n\n", None, "one address a line?"),
            (b"", None, "one address a line?"),
            (b"", postfix, "is it a Postfix log?"),
            (b"\x7fELF\x02\0\0", None, "this is not a text file"),
            (b"\x1f\x8b\x08\0", postfix, "this is compressed; unpack it"),
        ] {
            let error = read_all(bytes, format).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
