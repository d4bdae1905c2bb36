//! How a CSV file is laid out, found from its first records: delimiter and header.
//!
//! The delimiter is the one under which most of the first records have the same number of cells;
//! where none splits them, every line is one cell, so that `Last, First <a@b>` stays whole. Then
//! the first record is a header when it has no `@` in it and its cells look like names.

use std::io::Read;

use crate::cell::{is_domain, looks_like_address, looks_like_digest, may_be_digest};
use crate::columns::{Sample, has_known_name, is_email_name};
use crate::records::{Next, Record, Records};
use crate::spec::{CsvSpec, Delimiter};

/// Bytes of text that are looked at.
pub(crate) const SAMPLE_BYTES: usize = 64 * 1024;
const SAMPLE_ROWS: usize = 200;

/// How a file is laid out.
#[derive(Debug, Clone)]
pub(crate) struct CsvLayout {
    pub(crate) delimiter: Delimiter,
    /// Records before the first row: the header, a line `sep=;`.
    pub(crate) skip: usize,
    pub(crate) header: bool,
}

impl CsvLayout {
    /// Whether a record is a comment: only in a list of one address a line, where nothing but an
    /// address has a place, and then only what is none.
    pub(crate) fn is_comment(&self, record: &Record<'_>) -> bool {
        self.delimiter == Delimiter::NONE
            && record.raw(0).and_then(|cell| str::from_utf8(cell).ok()).is_some_and(is_comment)
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#') && !looks_like_address(line)
}

/// Looks at the beginning of a file. `whole` says that `start` is all of it.
pub(crate) fn sniff(start: &[u8], whole: bool, spec: &CsvSpec) -> (CsvLayout, Sample) {
    let named = named_delimiter(start);
    let delimiter = spec.delimiter.or(named).unwrap_or_else(|| guess_delimiter(start, whole));
    let mut rows = records(start, whole, delimiter);
    let delimiter = match spec.delimiter.is_none() && is_pasted(&rows) {
        true => Delimiter::NONE,
        false => delimiter,
    };
    if delimiter == Delimiter::NONE {
        rows = records(start, whole, delimiter);
        rows.retain(|row| !row.first().is_some_and(|line| is_comment(line)));
    }
    let skipped = usize::from(named.is_some() && !rows.is_empty());
    rows.drain(..skipped);
    let with_header = match (spec.header, rows.first()) {
        (_, None) => false,
        (Some(set), Some(_)) => set,
        (None, Some(first)) => is_header(first, rows.get(1..).unwrap_or_default()),
    };
    let header = with_header.then(|| rows.remove(0));
    let skip = skipped + usize::from(with_header);
    (CsvLayout { delimiter, skip, header: with_header }, Sample { header, rows })
}

/// The line `sep=;` that spreadsheets write and read.
fn named_delimiter(start: &[u8]) -> Option<Delimiter> {
    match start {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', byte, b'\r' | b'\n', ..] => {
            char::from(*byte).to_string().parse().ok()
        }
        _ => None,
    }
}

/// Addresses and nothing else, several a line: what a mail program has in its To field.
fn is_pasted(rows: &[Vec<String>]) -> bool {
    let several = rows.iter().any(|row| row.iter().filter(|cell| cell.contains('@')).count() > 1);
    let mut cells = rows.iter().flatten().filter(|cell| !cell.trim().is_empty());
    several && cells.all(|cell| looks_like_address(cell))
}

/// The first records, without the one that the end of the sample cuts.
fn records(start: &[u8], whole: bool, delimiter: Delimiter) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut scratch = Vec::new();
    let mut records = Records::new(start.chain(std::io::empty()), delimiter);
    // Reading from memory gives no error.
    while let Ok(Next::Record(record)) = records.next() {
        if record.is_blank() {
            continue;
        }
        let cells = (0..record.len()).map(|at| {
            let bytes = record.cell(at, &mut scratch).unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        });
        rows.push(cells.collect());
        if rows.len() > SAMPLE_ROWS {
            break;
        }
    }
    if !whole && rows.len() > 1 {
        rows.pop();
    }
    rows
}

fn guess_delimiter(start: &[u8], whole: bool) -> Delimiter {
    let score = |delimiter: &Delimiter| {
        let rows = records(start, whole, *delimiter);
        let mut widths: Vec<_> = rows.iter().map(Vec::len).collect();
        let first = widths.first().copied().unwrap_or(0);
        let without_header = rows.first().is_some_and(|row| row.iter().any(|c| c.contains('@')));
        widths.sort_unstable();
        let runs = widths.chunk_by(|a, b| a == b);
        let usual = runs.max_by_key(|run| (run.len(), run.len())).unwrap_or_default();
        let width = usual.first().copied().unwrap_or(0);
        // A header of known names is split where it should be, however the rows below look.
        let named = first > 1 && rows.first().is_some_and(|row| has_known_name(row));
        let splits = named || (width > 1 && (first == width || without_header));
        let addresses = rows.iter().flatten().filter(|cell| looks_like_address(cell)).count();
        // Per thousand, so that one odd record more or less does not decide.
        let agreement = usual.len() * 1000 / rows.len().max(1);
        splits.then_some((agreement / 50, addresses, width))
    };
    Delimiter::USUAL
        .iter()
        .filter_map(|delimiter| Some((score(delimiter)?, *delimiter)))
        // Of equals the first: a comma before a semicolon.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map_or(Delimiter::NONE, |(_, delimiter)| delimiter)
}

/// Names have no `@`; and a first record of dates or numbers is dirt rather than a header. A
/// record that is like those below it is the first of them: to take it for names would lose it.
pub(crate) fn is_header(cells: &[String], below: &[Vec<String>]) -> bool {
    if cells.iter().any(|cell| cell.contains('@') || is_digest(cell)) {
        return false;
    }
    let at_once = |is: &dyn Fn(&str) -> bool, first: &dyn Fn(&str) -> bool| {
        cells.iter().enumerate().any(|(at, cell)| first(cell) && mostly(below, at, is))
    };
    let coded = |cell: &str| looks_like_digest(cell).is_some();
    if at_once(&coded, &may_be_digest) {
        return false;
    }
    let named = has_known_name(cells);
    if at_once(&is_domain, &is_domain) && !cells.iter().any(|cell| is_email_name(cell)) {
        return false;
    }
    let like_a_name = |cell: &String| {
        let mut chars = cell.trim_start_matches(['\u{feff}', '"', '\'', ' ']).chars();
        chars.next().is_none_or(|first| first.is_alphabetic() || first == '_')
    };
    let domain = cells.iter().any(|cell| is_domain(cell)) && (below.is_empty() || cells.len() == 1);
    named || (cells.iter().all(like_a_name) && !domain)
}

fn is_digest(cell: &str) -> bool {
    let hex = cell.len() >= 32 && cell.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex || looks_like_digest(cell).is_some()
}

/// Whether at least half of the values of a column are such, and there are any.
fn mostly(rows: &[Vec<String>], at: usize, is: &dyn Fn(&str) -> bool) -> bool {
    let values = || rows.iter().filter_map(|row| row.get(at)).filter(|c| !c.trim().is_empty());
    let fit = values().filter(|cell| is(cell)).count();
    fit > 0 && fit * 2 >= values().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(text: &str) -> CsvLayout {
        sniff(text.as_bytes(), true, &CsvSpec::default()).0
    }

    fn delimiter(text: &str) -> String {
        layout(text).delimiter.to_string()
    }

    #[test]
    fn the_delimiter_is_the_one_that_splits_evenly() {
        assert_eq!(delimiter("email,created\na@x.example,1\n"), ",");
        assert_eq!(delimiter("email;reason\na@x.example;no, no, no\nb@x.example;yes\n"), ";");
        assert_eq!(delimiter("email\treason\na@x.example\tx, y\n"), "tab");
        assert_eq!(delimiter("email|reason\na@x.example|x\n"), "|");
        assert_eq!(delimiter("\"ts\";\"mail\";\"custID\"\n\"1,5\";\"a@x.example\";\"3\"\n"), ";");
        assert_eq!(delimiter("email,reason\na@x.example,\"a;b\nc;d\"\nb@x.example,e\n"), ",");
        assert_eq!(delimiter("email;created\n"), ";");
        assert_eq!(delimiter("a@x.example,BOUNCE\nb@x.example,BOUNCE\n"), ",");
        assert_eq!(delimiter("name,email,n\nBob\nTim,t@x.example\n"), ",");
        assert_eq!(delimiter("sep=;\nemail;a,b\na@x.example;c,d\n"), ";");
    }

    #[test]
    fn a_list_of_addresses_is_not_split() {
        assert_eq!(delimiter("email\na@x.example\nb@x.example\n"), "none");
        assert_eq!(delimiter("a@x.example\nb@x.example\n"), "none");
        assert_eq!(delimiter("a@x.example\nS, Bob <b@x.example>\nc@x.example\n"), "none");
        assert_eq!(delimiter("Email\nS, Bob <b@x.example>\nT, Tim <c@x.example>\n"), "none");
        assert_eq!(delimiter("a@x.example; B <b@x.example>\nc@x.example;\n"), "none");
        assert_eq!(delimiter("a@x.example,b@x.example"), "none");
        assert_eq!(delimiter(""), "none");
    }

    #[test]
    fn a_header_is_known_from_dirt() {
        for (text, skip) in [
            ("email\na@x.example\n", 1),
            ("a@x.example\nb@x.example\n", 0),
            ("#02232014\nb@x.example\n", 0),
            ("8/27/2015\nb@x.example\n", 0),
            ("b@@x.example\nb@x.example\n", 0),
            ("b58996c504c5638798eb6b511e6f49af\n", 0),
            ("S5uAYg8D6zcZ4KBhwUKDPQ==\n", 0),
            ("S5uAYg8D6zcZ4KBhwUKDPQ==,unsubscribed\n", 0),
            // Without padding, and the first without any sign that it is one.
            ("S5uAYgxDazcZHKBhwUKDPQ\nS5uA+g8D6zcZ4KBhwUKDPQ\nS5u/Yg8D6zcZ4KBhwUKDPQ\n", 0),
            ("EmailHash\nS5uA+g8D6zcZ4KBhwUKDPQ\n", 1),
            ("example.com,spam\nexample.net,spam\n", 0),
            ("example.com,spam\n", 0),
            ("example.com,unsubscribed\nexample.net,unsubscribed\n", 0),
            ("Contact.Email,Contact.Site\nb@x.example,example.com\n", 1),
            ("User.Name,User.To\nBob,b@x.example\n", 1),
            ("Kontakt\nb@x.example\n", 1),
            ("2nd,email\n1,b@x.example\n", 1),
            ("sep=,\nemail,b\na@x.example,c\n", 2),
            ("sep=,\na@x.example,c\n", 1),
        ] {
            assert_eq!(layout(text).skip, skip, "{text}");
        }
    }

    #[test]
    fn settings_go_before_what_is_seen() {
        let spec = CsvSpec {
            delimiter: Some(";".parse().unwrap()),
            header: Some(false),
            ..CsvSpec::default()
        };
        let (layout, sample) = sniff(b"email,x;y\na,b;c@x.example\n", true, &spec);
        assert_eq!((layout.skip, sample.rows.len()), (0, 2));
        assert_eq!(layout.delimiter.to_string(), ";");
    }

    #[test]
    fn a_record_cut_by_the_sample_is_not_looked_at() {
        let text = b"email,b\na@x.example,c\nb@x";
        assert_eq!(sniff(text, false, &CsvSpec::default()).1.rows.len(), 1);
        assert_eq!(sniff(text, true, &CsvSpec::default()).1.rows.len(), 2);
    }
}
