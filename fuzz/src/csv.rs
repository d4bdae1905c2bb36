//! CSV: no address is lost. Held against two readings written in other ways: the csv crate where
//! the quotes are in order, and a split into lines where there are none.

use address::{Mailbox, PersonRules};
use sources::{Columns, CsvSpec, Format, Spec};

use crate::list::{Lines, read};

/// The first byte says what is configured, the rest is the file.
pub fn csv(data: &[u8]) {
    let Some((choice, file)) = data.split_first() else { return };
    let delimiter = *[",", ";", "tab", "|"].get(usize::from(choice >> 1) % 4).unwrap_or(&",");
    let found_by_itself = choice & 1 == 0;
    let csv = if found_by_itself {
        CsvSpec::default()
    } else {
        CsvSpec {
            columns: Columns { email: "1".parse().ok(), ..Columns::default() },
            delimiter: delimiter.parse().ok(),
            encoding: "utf-8".parse().ok(),
            header: Some(false),
        }
    };
    let spec = Spec::new("list", Format::Csv(csv));
    let Some(lines) = read(file, &spec) else { return };
    let Ok(text) = str::from_utf8(file) else { return };
    // What begins like another encoding is read as that.
    if found_by_itself || file.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    let delimiter = if delimiter == "tab" { '\t' } else { delimiter.chars().next().unwrap_or(',') };
    if !text.contains('"') {
        against_a_split(text, delimiter, &lines);
    } else if lines.report.broken_quotes == 0 {
        against_the_csv_crate(text, delimiter, &lines);
    }
}

fn against_a_split(text: &str, delimiter: char, lines: &Lines) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (at, line) in text.split('\n').enumerate() {
        let cell = line.split(delimiter).next().unwrap_or_default();
        let Some(mailbox) = address(cell) else { continue };
        if plain(cell) {
            let row = (at as u64 + 1, mailbox.to_string());
            assert!(lines.rows.contains(&row), "line {}", at + 1);
        }
    }
}

fn against_the_csv_crate(text: &str, delimiter: char, lines: &Lines) {
    // A quote behind a space opens a cell for us, and is a character for the crate.
    if text.contains(" \"")
        || text.contains("\" ")
        || text.contains("\t\"")
        || text.contains("\"\t")
    {
        return;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .from_reader(text.as_bytes());
    for record in reader.records() {
        let Ok(record) = record else { return };
        let cell = record.get(0).unwrap_or_default();
        let Some(mailbox) = address(cell) else { continue };
        if plain(cell) {
            let address = mailbox.to_string();
            assert!(lines.rows.iter().any(|(_, found)| *found == address), "lost an address");
        }
    }
}

fn address(cell: &str) -> Option<Mailbox> {
    let mailbox = Mailbox::parse(cell).ok()?;
    mailbox.canonical(&PersonRules::default()).ok()?;
    Some(mailbox)
}

/// Nothing around the address that is taken off, and no second one in it.
fn plain(cell: &str) -> bool {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '+' | '_');
    cell.chars().all(ordinary) && !cell.ends_with('.')
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"bob@example.com",
            b"tim@x.example",
            b"\"",
            b"\"\"",
            b"\r\n",
            b"\n",
            b"\r",
            b",",
            b";",
            b"\t",
            b"|",
            b"\"\n",
            b",\"",
            b"email",
            b"created,reason",
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b"\xc3\xbc",
            b"\xfc",
            b"sep=;\n",
            b"<bob@example.com>",
            b"mailto:",
            b"'",
            b"2019-12-17 08:58:33",
            b"1.44365E+09",
        ];
        exercise("csv", super::csv, words);
    }
}
