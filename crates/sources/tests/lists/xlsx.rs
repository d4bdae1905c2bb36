//! Workbooks, made here member by member.

use std::fmt::Write as _;

use sources::{Columns, Fault, Format, Spec, XlsxSpec};

use crate::packed::{gzip, zip};
use crate::support::{Outcome, read_as};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const MAIN: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
                    xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";

/// A cell as it stands in a sheet.
enum Cell {
    /// A text of the table of texts.
    Text(&'static str),
    /// A text that stands in the cell.
    Inline(&'static str),
    /// A number; with the style of that number.
    Number(&'static str, u8),
    Nothing,
}
use Cell::{Inline, Nothing, Number, Text};

/// Style 1 is a date, 2 a date with a time.
const STYLES: &str = "<numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd hh:mm:ss\"/></numFmts>\
    <fonts count=\"1\"><font/></fonts><fills count=\"1\"><fill/></fills><borders count=\"1\"><border/></borders>\
    <cellStyleXfs count=\"1\"><xf/></cellStyleXfs>\
    <cellXfs count=\"3\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"164\" applyNumberFormat=\"1\"/></cellXfs>";

struct Book {
    sheets: Vec<(&'static str, &'static str, String)>,
    texts: Vec<&'static str>,
    announced: Option<u64>,
}

impl Book {
    fn new() -> Self {
        Self { sheets: Vec::new(), texts: Vec::new(), announced: None }
    }

    /// Rows with their numbers; `state` is "visible" or "hidden".
    fn sheet(mut self, name: &'static str, state: &'static str, rows: &[(u32, Vec<Cell>)]) -> Self {
        let mut xml = String::new();
        for (number, cells) in rows {
            write!(xml, "<row r=\"{number}\">").unwrap();
            for (at, cell) in (b'A'..).zip(cells) {
                let place = format!("{}{number}", char::from(at));
                match cell {
                    Text(text) => {
                        let at = self.texts.len();
                        self.texts.push(text);
                        write!(xml, "<c r=\"{place}\" t=\"s\"><v>{at}</v></c>").unwrap();
                    }
                    Inline(text) => {
                        write!(xml, "<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
                            .unwrap();
                    }
                    Number(number, style) => {
                        write!(xml, "<c r=\"{place}\" s=\"{style}\"><v>{number}</v></c>").unwrap();
                    }
                    Nothing => write!(xml, "<c r=\"{place}\"/>").unwrap(),
                }
            }
            xml.push_str("</row>");
        }
        let xml = format!(
            "{HEAD}<worksheet {MAIN}><dimension ref=\"A1:C9\"/><sheetData>{xml}</sheetData></worksheet>"
        );
        self.sheets.push((name, state, xml));
        self
    }

    fn build(&self) -> Vec<u8> {
        let (mut types, mut list, mut relations) = (String::new(), String::new(), String::new());
        for (at, (name, state, _)) in self.sheets.iter().enumerate() {
            let at = at + 1;
            write!(types, "<Override PartName=\"/xl/worksheets/sheet{at}.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>").unwrap();
            write!(
                list,
                "<sheet name=\"{name}\" sheetId=\"{at}\" state=\"{state}\" r:id=\"rId{at}\"/>"
            )
            .unwrap();
            write!(relations, "<Relationship Id=\"rId{at}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet{at}.xml\"/>").unwrap();
        }
        let package = "http://schemas.openxmlformats.org/package/2006";
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let texts: String =
            self.texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
        let count = self.announced.unwrap_or(self.texts.len() as u64);
        let files = [
            (
                "[Content_Types].xml",
                format!(
                    "{HEAD}<Types xmlns=\"{package}/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>{types}</Types>"
                ),
            ),
            (
                "_rels/.rels",
                format!(
                    "{HEAD}<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"rId1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml",
                format!("{HEAD}<workbook {MAIN}><sheets>{list}</sheets></workbook>"),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "{HEAD}<Relationships xmlns=\"{package}/relationships\">{relations}<Relationship Id=\"rId98\" Type=\"{office}/styles\" Target=\"styles.xml\"/><Relationship Id=\"rId99\" Type=\"{office}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
                ),
            ),
            ("xl/styles.xml", format!("{HEAD}<styleSheet {MAIN}>{STYLES}</styleSheet>")),
            (
                "xl/sharedStrings.xml",
                format!(
                    "{HEAD}<sst {MAIN} count=\"{count}\" uniqueCount=\"{count}\">{texts}</sst>"
                ),
            ),
        ];
        let sheets: Vec<_> = (1..)
            .zip(&self.sheets)
            .map(|(at, (_, _, xml))| (format!("xl/worksheets/sheet{at}.xml"), xml))
            .collect();
        let mut members: Vec<_> =
            files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        members.extend(sheets.iter().map(|(name, text)| (name.as_str(), text.as_bytes())));
        zip(&members)
    }
}

/// A workbook with one address.
pub(crate) fn small() -> Vec<u8> {
    Book::new().sheet("S", "visible", &[(1, vec![Text("a@x.example")])]).build()
}

fn rows() -> Vec<(u32, Vec<Cell>)> {
    vec![
        (1, vec![Text("Opt-outs of the shop")]),
        (3, vec![Text("E-Mail"), Text("Opted out on"), Text("Reason")]),
        (4, vec![Text("a@x.example"), Number("42277", 1), Text("no &amp; thanks")]),
        (5, vec![Inline("b@x.example"), Number("42277.5", 2), Nothing]),
        (6, vec![Nothing, Nothing, Nothing]),
        (8, vec![Text("8/27/2015"), Number("1443651125", 0)]),
        (9, vec![Text("c@x.example"), Number("1.443651125E9", 0)]),
        (12, vec![Nothing, Number("42277", 1)]),
    ]
}

fn spec(sheet: Option<&str>) -> Spec {
    let xlsx = XlsxSpec { sheet: sheet.map(str::to_owned), ..XlsxSpec::default() };
    Spec::new("book", Format::Xlsx(xlsx))
}

fn read(bytes: &[u8]) -> Outcome {
    read_as(bytes, &spec(None)).unwrap()
}

fn error(bytes: &[u8]) -> String {
    read_as(bytes, &spec(None)).unwrap_err().to_string()
}

#[test]
fn a_workbook_is_a_list() {
    let outcome = read(&Book::new().sheet("People", "visible", &rows()).build());
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example", "c@x.example"]);
    assert_eq!(
        outcome.times(),
        [Some("2015-09-30T00:00:00Z"), Some("2015-09-30T12:00:00Z"), Some("2015-09-30T22:12:05Z")]
    );
    assert_eq!(outcome.reasons(), [Some("no & thanks"), None, None]);
    let lines: Vec<_> = outcome.rows.iter().map(|row| row.0).collect();
    assert_eq!(lines, [4, 5, 9]);
    assert_eq!((outcome.report.bad_rows[0].line, outcome.report.without_address), (8, 1));
    assert!(
        outcome.describe.starts_with("XLSX, sheet \"People\", a header"),
        "{}",
        outcome.describe
    );
    assert!(outcome.report.warnings.is_empty(), "{:?}", outcome.report.warnings);
}

#[test]
fn a_sheet_is_named_and_a_wrong_name_lists_them() {
    let bytes = Book::new()
        .sheet("Secret", "hidden", &[(1, vec![Text("z@x.example")])])
        .sheet("One", "visible", &[(1, vec![Text("a@x.example")])])
        .sheet("Two", "visible", &[(1, vec![Text("b@x.example")])])
        .build();
    let outcome = read(&bytes);
    assert_eq!(outcome.addresses(), ["a@x.example"]);
    let told = outcome.report.warnings.iter().any(|w| w.contains("\"One\" is read, not \"Two\""));
    assert!(told, "{:?}", outcome.report.warnings);
    for name in ["Two", " two"] {
        let outcome = read_as(&bytes, &spec(Some(name))).unwrap();
        assert_eq!(outcome.addresses(), ["b@x.example"]);
        assert!(!outcome.report.warnings.iter().any(|w| w.contains("sheet")));
    }
    let error = read_as(&bytes, &spec(Some("Three"))).unwrap_err().to_string();
    assert!(
        error.contains("no sheet \"Three\"; the sheets are \"Secret\", \"One\", \"Two\""),
        "{error}"
    );
}

#[test]
fn settings_go_before_what_is_seen() {
    let bytes = Book::new()
        .sheet("S", "visible", &[(1, vec![Text("a@x.example"), Text("b@x.example")])])
        .build();
    assert!(error(&bytes).contains("could both hold the address"));
    let columns = Columns { email: Some("2".parse().unwrap()), ..Columns::default() };
    let xlsx = XlsxSpec { columns, header: Some(false), sheet: None };
    let outcome = read_as(&bytes, &Spec::new("s", Format::Xlsx(xlsx))).unwrap();
    assert_eq!(outcome.addresses(), ["b@x.example"]);
}

#[test]
fn what_is_no_workbook_is_refused() {
    for (bytes, part) in [
        (b"email\na@x.example\n".to_vec(), "this is no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "encrypted ones"),
        (zip(&[("a.csv", b"a@x.example")]), "a workbook inside of an archive"),
        (gzip(Book::new().sheet("S", "visible", &rows()).build()), "archive"),
        (zip(&[("[Content_Types].xml", b"<Types/>")]), "damaged"),
    ] {
        let error = error(&bytes);
        assert!(error.starts_with("list") && error.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_workbook_that_would_take_the_memory_is_refused() {
    let announced = Book { announced: Some(u64::MAX / 64), ..Book::new() };
    let bytes = announced.sheet("S", "visible", &rows()).build();
    let error = error(&bytes);
    assert!(error.contains("sharedStrings.xml: it announces more texts"), "{error}");
    let mut book = Book::new().sheet("S", "visible", &rows());
    book.sheets[0].2 = book.sheets[0].2.replace("A1:C9", "C9:A1");
    let error = self::error(&book.build());
    assert!(error.contains("the size of a sheet"), "{error}");
    let long: &'static str = "x".repeat(65 << 20).leak();
    let error = self::error(&Book::new().sheet("S", "visible", &[(1, vec![Inline(long)])]).build());
    assert!(error.contains("list/xl/worksheets/sheet1.xml: "), "{error}");
}

#[test]
fn a_damaged_workbook_is_an_error_and_no_more() {
    let bytes = Book::new().sheet("S", "visible", &rows()).build();
    for at in (0..bytes.len()).step_by(11) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        // Whatever it is: an answer.
        let _ = read_as(&damaged, &spec(None));
        let _ = read_as(&bytes[..at], &spec(None));
    }
    let mut book = Book::new().sheet("S", "visible", &rows());
    let sheet = book.sheets[0].2.clone();
    for (from, to) in [
        ("r=\"A4\"", "r=\"AAAAAAAAAAAAAAAA4\""),
        ("r=\"A4\"", "r=\"A99999999999999999999\""),
        ("r=\"A4\"", "r=\"\""),
        ("<row r=\"4\">", "<row r=\"4294967295\">"),
        ("<v>3</v>", "<v>99999</v>"),
        ("<v>3</v>", "<v>x</v>"),
        ("s=\"1\"", "s=\"77\""),
        ("t=\"s\"", "t=\"?\""),
        ("t=\"s\"", "t=\"e\""),
    ] {
        assert!(sheet.contains(from), "{from}");
        book.sheets[0].2 = sheet.replace(from, to);
        let _ = read_as(&book.build(), &spec(None));
    }
}

#[test]
fn cells_far_to_the_right_are_a_bad_row() {
    let mut book = Book::new().sheet("S", "visible", &rows());
    let far = "<c r=\"XFD9\" t=\"str\"><v>x</v></c></row><row r=\"12\">";
    book.sheets[0].2 = book.sheets[0].2.replace("</row><row r=\"12\">", far);
    let outcome = read(&book.build());
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example"]);
    assert_eq!(outcome.report.bad_rows[1].fault, Fault::TooLong);
}
