//! The report: a table in Markdown, which a person can read as it is.

use std::fmt::Write as _;

use super::child::Figures;
use super::reader::Reader;

/// What one reader took.
pub(super) struct Measured {
    pub(super) whole: Figures,
    /// A tenth of the people: what memory does not grow with the rows is the same.
    pub(super) tenth: Figures,
}

/// A line of the table.
pub(super) struct Line {
    title: String,
    /// Or what is missing.
    measured: Result<Measured, &'static str>,
}

impl Line {
    pub(super) fn new(reader: &Reader, version: Option<&str>, measured: Measured) -> Self {
        // `15.13 (Debian 15.13-0+deb12u1)` is `15.13`.
        let number = |text: &str| {
            let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
            let word = text.split([' ', '/', '=', '-']).find(is_number).unwrap_or(text);
            word.trim_end_matches(',').to_owned()
        };
        let version = version.map(|text| format!(" {}", number(text))).unwrap_or_default();
        Self { title: format!("{}{version}", reader.title), measured: Ok(measured) }
    }

    pub(super) fn left_out(reader: &Reader, needs: &'static str) -> Self {
        Self { title: reader.title.to_owned(), measured: Err(needs) }
    }
}

/// The table. `empty`: the largest resident set of a run that reads nothing, in KiB.
pub(super) fn render(lines: &[Line], empty: u64) -> String {
    let mut text = String::from(
        "| | rows | MB | fetch s | check s | read s | rows/s | of CSV | CPU µs a row | of CSV | \
         peak MiB | at a tenth |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let csv = lines.iter().find_map(|line| line.measured.as_ref().ok()).map(|it| &it.whole);
    let mut left_out = String::new();
    for line in lines {
        match &line.measured {
            Ok(measured) => row(&mut text, &line.title, measured, csv, empty),
            Err(needs) => {
                // Writing into a text does not fail.
                let _ = writeln!(
                    left_out,
                    "LEFT OUT: {}: {needs} is not here (`cargo xtask test` installs it)",
                    line.title
                );
            }
        }
    }
    if !left_out.is_empty() {
        let _ = write!(text, "\n{left_out}");
    }
    let _ = write!(
        text,
        "\nPeak: above the {:.1} MiB of a run that reads nothing; at a tenth of the rows beside it.",
        mib(empty)
    );
    text
}

fn row(text: &mut String, title: &str, measured: &Measured, csv: Option<&Figures>, empty: u64) {
    let Measured { whole, tenth } = measured;
    let a_row = |seconds: f64, figures: &Figures| seconds * 1e6 / figures.rows.max(1) as f64;
    let (time, cpu) = (a_row(whole.seconds(), whole), a_row(whole.cpu, whole));
    let of = |mine: f64, theirs: Option<f64>| {
        theirs.map_or_else(String::new, |theirs| format!("{:.2}", mine / theirs.max(1e-9)))
    };
    let above = |peak: u64| mib(peak.saturating_sub(empty));
    let fetch = if whole.fetch > 0.0 { format!("{:.2}", whole.fetch) } else { String::new() };
    // Writing into a text does not fail.
    let _ = writeln!(
        text,
        "| {title} | {} | {:.1} | {fetch} | {:.2} | {:.2} | {:.0} | {} | {cpu:.2} | {} | {:.1} | {:.1} |",
        whole.rows,
        whole.bytes as f64 / 1e6,
        whole.check,
        whole.read,
        1e6 / time,
        of(time, csv.map(|csv| a_row(csv.seconds(), csv))),
        of(cpu, csv.map(|csv| a_row(csv.cpu, csv))),
        above(whole.peak),
        above(tenth.peak),
    );
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sources::reader::READERS;

    fn figures(rows: u64, seconds: f64, peak: u64) -> Figures {
        Figures {
            rows,
            bytes: rows * 60,
            fetch: 0.0,
            check: seconds / 2.0,
            read: seconds / 2.0,
            cpu: seconds,
            peak,
        }
    }

    #[test]
    fn a_reader_is_compared_with_csv_by_the_row_and_a_missing_one_is_named() {
        let measured = |rows, seconds| Measured {
            whole: figures(rows, seconds, 5 * 1024),
            tenth: figures(rows / 10, seconds / 10.0, 4 * 1024),
        };
        let lines = [
            Line::new(&READERS[0], None, measured(1000, 0.5)),
            Line::new(&READERS[1], Some("15.13 (Debian 15.13-0)"), measured(500, 0.5)),
            Line::left_out(&READERS[15], "postgresql"),
        ];
        let text = render(&lines, 3 * 1024);
        assert!(text.contains("| CSV | 1000 | 0.1 |  | 0.25 | 0.25 | 2000 | 1.00 |"), "{text}");
        assert!(text.contains("| TSV 15.13 | 500 |"), "{text}");
        assert!(text.contains("| 1000 | 2.00 | 1000.00 | 2.00 | 2.0 | 1.0 |"), "{text}");
        assert!(text.contains("LEFT OUT: PostgreSQL: postgresql is not here"), "{text}");
    }
}
