use proptest::prelude::*;

use super::*;

/// Gives at most `step` bytes a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.0.len().min(self.1).min(out.len());
        let (now, later) = self.0.split_at(length);
        out[..length].copy_from_slice(now);
        self.0 = later;
        Ok(length)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: u64,
    cells: Vec<String>,
    broken: bool,
}

fn read_by(text: &[u8], delimiter: u8, step: usize) -> Vec<Row> {
    let mut records = Records::new(Drip(text, step), Delimiter(delimiter));
    let mut rows = Vec::new();
    loop {
        match records.next().unwrap() {
            Next::End => return rows,
            Next::TooLong { line } => rows.push(Row { line, cells: vec![], broken: true }),
            Next::Record(record) => {
                let mut scratch = Vec::new();
                let cell = |at| {
                    let bytes = record.cell(at, &mut scratch).unwrap();
                    String::from_utf8_lossy(bytes).into_owned()
                };
                let cells = (0..record.len()).map(cell).collect();
                rows.push(Row { line: record.line, cells, broken: record.broken_quote });
            }
        }
    }
}

fn read(text: &str) -> Vec<Row> {
    read_by(text.as_bytes(), b',', usize::MAX)
}

fn row(line: u64, cells: &[&str]) -> Row {
    Row { line, cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), broken: false }
}

fn broken(line: u64, cells: &[&str]) -> Row {
    Row { broken: true, ..row(line, cells) }
}

#[test]
fn the_examples_of_rfc_4180() {
    assert_eq!(read("a,b\r\nc,d\r\n"), [row(1, &["a", "b"]), row(2, &["c", "d"])]);
    assert_eq!(read("a,b\r\nc,d"), [row(1, &["a", "b"]), row(2, &["c", "d"])]);
    assert_eq!(
        read("\"a\",\"b\r\nb\",\"c\"\r\nz"),
        [row(1, &["a", "b\r\nb", "c"]), row(3, &["z"])]
    );
    assert_eq!(read("\"a\",\"b\"\"b\""), [row(1, &["a", "b\"b"])]);
    assert_eq!(read(",\n\"\",x\n"), [row(1, &["", ""]), row(2, &["", "x"])]);
}

#[test]
fn every_line_end_counts_as_one_line() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a", "b", "", "", "c"].join(end);
        assert_eq!(read(&text), [row(1, &["a"]), row(2, &["b"]), row(5, &["c"])]);
    }
    assert_eq!(read("a\n\rb"), [row(1, &["a"]), row(3, &["b"])]);
    assert_eq!(read(""), []);
    assert_eq!(read("\n\r\n\r"), []);
}

#[test]
fn spaces_around_quotes_are_no_part_of_a_cell() {
    assert_eq!(read("a, \"b,c\" ,d"), [row(1, &["a", "b,c", "d"])]);
    assert_eq!(read("a , b"), [row(1, &["a ", " b"])]);
    let tabs = read_by(b"a\t\"b\"\t\tc", b'\t', usize::MAX);
    assert_eq!(tabs, [row(1, &["a", "b", "", "c"])]);
}

#[test]
fn a_quote_inside_a_cell_is_a_character() {
    assert_eq!(read("5\" disk,b"), [row(1, &["5\" disk", "b"])]);
    assert_eq!(read("\"Bob S\"@x,b"), [broken(1, &["\"Bob S\"@x", "b"])]);
    assert_eq!(read("\"S, Bob\" <b@x>,c"), [broken(1, &["\"S, Bob\" <b@x>", "c"])]);
}

#[test]
fn a_forgotten_quote_swallows_nothing() {
    // Never closed.
    let text = "a@x,\"oops\nb@x,ok\nc@x,ok\n";
    let expected = [broken(1, &["a@x", "\"oops"]), row(2, &["b@x", "ok"]), row(3, &["c@x", "ok"])];
    assert_eq!(read(text), expected);
    // Closed by the opening quote of a later cell.
    let text = "a@x,\"oops\nb@x,ok\nc@x,\"fine\"\n";
    let expected =
        [broken(1, &["a@x", "\"oops"]), row(2, &["b@x", "ok"]), row(3, &["c@x", "fine"])];
    assert_eq!(read(text), expected);
    // In a file where every cell has quotes.
    let text = "\"a@x\",\"oops\n\"b@x\",\"\"\n\"c@x\",\"k\"\n";
    let expected = [broken(1, &["a@x", "\"oops"]), row(2, &["b@x", ""]), row(3, &["c@x", "k"])];
    assert_eq!(read(text), expected);
    // At the very end.
    assert_eq!(read("a@x\n\""), [row(1, &["a@x"]), broken(2, &["\""])]);
}

#[test]
fn a_forgotten_quote_at_the_top_of_a_big_file_swallows_nothing() {
    let mut text = "a@x,\"oops\n".to_owned();
    let rows = 3 * RECORD_MAX / 8;
    for _ in 0..rows {
        text.push_str("b@x,ok\n");
    }
    for step in [usize::MAX, 100_000] {
        let mut records = Records::new(Drip(text.as_bytes(), step), Delimiter(b','));
        let mut count = 0;
        while let Next::Record(record) = records.next().unwrap() {
            count += 1;
            assert_eq!((record.line, record.len()), (count, 2));
        }
        assert_eq!(count, rows as u64 + 1);
        assert!(records.buffer.len() <= RECORD_MAX + BUFFER);
    }
}

#[test]
fn a_line_over_the_limit_is_one_bad_record() {
    for length in [RECORD_MAX - 1, RECORD_MAX, RECORD_MAX + 1, 5 * RECORD_MAX] {
        for end in ["\n", "\r\n"] {
            let text = format!("a{end}{}{end}b{end}", "x".repeat(length));
            for step in [usize::MAX, 65_536] {
                let mut records = Records::new(Drip(text.as_bytes(), step), Delimiter(b','));
                assert!(matches!(records.next().unwrap(), Next::Record(r) if r.line == 1));
                let fits = length + end.len() < RECORD_MAX;
                match records.next().unwrap() {
                    Next::Record(record) => assert!(fits && record.line == 2),
                    Next::TooLong { line } => assert!(!fits && line == 2),
                    Next::End => panic!("the long line vanished"),
                }
                assert!(matches!(records.next().unwrap(), Next::Record(r) if r.line == 3));
                assert!(matches!(records.next().unwrap(), Next::End));
                assert!(records.buffer.len() <= RECORD_MAX + BUFFER);
            }
        }
    }
}

#[test]
fn a_long_line_at_the_end_without_newline_is_one_bad_record() {
    let text = "x".repeat(2 * RECORD_MAX);
    let rows = read(&text);
    assert_eq!(rows, [Row { line: 1, cells: vec![], broken: true }]);
}

#[test]
fn too_many_cells_are_one_bad_record() {
    let text = format!("{}\n{}\nb\n", ",".repeat(CELLS_MAX - 1), ",".repeat(CELLS_MAX));
    let rows = read(&text);
    assert_eq!(rows[0].cells.len(), CELLS_MAX);
    assert_eq!(rows[1], Row { line: 2, cells: vec![], broken: true });
    assert_eq!(rows[2], row(3, &["b"]));
}

#[test]
fn without_a_delimiter_a_line_is_a_cell() {
    let rows = read_by(b"a,b;c\td\n\"x, y\" <z>\n", Delimiter::NONE.0, usize::MAX);
    assert_eq!(rows, [row(1, &["a,b;c\td"]), broken(2, &["\"x, y\" <z>"])]);
}

fn oracle(text: &str) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

proptest! {
    #[test]
    fn what_the_csv_crate_writes_is_read_as_it_reads_it(
        rows in prop::collection::vec(prop::collection::vec("[a\", \r\n;é]{0,6}", 1..5), 0..6)
    ) {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        // A cell that begins with a space and then a quote is the one place where both differ.
        let cells: Vec<_> = read(&text).into_iter().map(|row| row.cells).collect();
        prop_assert_eq!(cells, oracle(&text));
    }

    #[test]
    fn any_split_gives_the_same_records(text in "[ab\",\r\n ]{0,40}", step in 1..7_usize) {
        prop_assert_eq!(read_by(text.as_bytes(), b',', step), read(&text));
    }

    #[test]
    fn no_byte_of_an_address_is_lost(text in "([ab@\",]{0,5}[\r\n]?){0,12}") {
        // Whatever the quotes: each @ of the file is in some cell, or beside a lost one.
        let cells: usize =
            read(&text).iter().flat_map(|row| &row.cells).map(|c| c.matches('@').count()).sum();
        prop_assert_eq!(cells, text.matches('@').count());
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does(text in "[a\",\n]{0,40}") {
        let lines: Vec<_> = text.split('\n').collect();
        for row in read(&text) {
            let line = lines[usize::try_from(row.line).unwrap() - 1];
            prop_assert!(!line.is_empty());
            let start = line.trim_start_matches(['"', ' ']);
            let cell = row.cells[0].trim_start_matches('"').lines().next().unwrap_or_default();
            prop_assert!(start.is_empty() || cell.is_empty() || start.starts_with(&cell[..1]));
        }
    }
}
