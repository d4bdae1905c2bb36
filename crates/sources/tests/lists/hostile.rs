//! Files made to hurt: huge, deep, endless. Bounded memory, no panic, and an answer in time.

use std::fmt::Write as _;

use proptest::prelude::*;
use sources::{
    AccessMapSpec, Columns, CsvSpec, Fault, Format, Input, JsonSpec, List, Spec, XlsxSpec,
};

use crate::support::{csv, csv_spec, now, read_as, xml, xml_error, xml_spec};

#[test]
fn a_cell_of_many_megabytes_is_one_bad_row() {
    let text = format!(
        "email,reason\na@x.example,x\n{}@x.example,y\nb@x.example,\"{}\"\nc@x.example,z\n",
        "m".repeat(5 << 20),
        "n".repeat(5 << 20)
    );
    let outcome = csv(text);
    assert_eq!(outcome.addresses(), ["a@x.example", "c@x.example"]);
    let bad: Vec<_> = outcome.report.bad_rows.iter().map(|row| (row.line, row.fault)).collect();
    assert_eq!(bad, [(3, Fault::TooLong), (4, Fault::TooLong)]);
}

#[test]
fn an_address_of_a_thousand_bytes_is_one_bad_row() {
    let text = format!("email\n{}@x.example\nb@x.example\n", "m".repeat(1000));
    let outcome = csv(&text);
    assert_eq!(outcome.addresses(), ["b@x.example"]);
    assert!(matches!(outcome.report.bad_rows[0].fault, Fault::Address(_)));
}

#[test]
fn a_file_of_quotes_ends_in_time() {
    for line in ["\"\n", "\"\"\"\n", "\"a\n", "a,\"\n", "\"\"\"\",\"\n"] {
        let text = format!("email\nb@x.example\n{}", line.repeat(1_000_000 / line.len()));
        assert_eq!(csv(&text).addresses(), ["b@x.example"], "{line:?}");
    }
}

#[test]
fn nul_bytes_are_bad_rows() {
    let outcome = csv(b"email\na@x.example\n\0\0\0\0\nb\0@x.example\nc@x.example\n");
    assert_eq!(outcome.addresses(), ["a@x.example", "c@x.example"]);
    assert_eq!(outcome.report.bad, 2);
}

#[test]
fn deep_xml_is_refused() {
    let deep = "<a>".repeat(100_000);
    let error = xml_error("/a/b", &deep);
    assert!(error.contains("256 deep"), "{error}");
}

#[test]
fn a_value_over_the_limit_is_a_bad_row_and_the_next_is_read() {
    let note = "x".repeat(1 << 20);
    let text = format!(
        "<l><e><m>{note}</m></e><e><m>a@x.example</m><n>{note}</n></e><e><m>b@x.example</m></e></l>"
    );
    let outcome = xml("/l/e", text);
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example"]);
    assert_eq!(outcome.report.bad_rows[0].fault, Fault::TooLong);
    let many =
        format!("<l><e>{}</e><e><m>b@x.example</m></e></l>", "<m>a@x.example</m>".repeat(10_000));
    assert_eq!(xml("/l/e", many).report.bad_rows[0].fault, Fault::TooLong);
}

#[test]
fn markup_over_the_limit_is_refused() {
    for (start, fill) in [("<l><!-- ", "x"), ("<l a='", "x"), ("<l>", "x"), ("<l ", "a='1' ")] {
        let text = format!("{start}{}", fill.repeat((9 << 20) / fill.len()));
        let error = xml_error("/l/e", text);
        assert!(error.contains("more than 8 MiB"), "{error}");
    }
}

#[test]
fn a_thousand_attributes_and_fields_end_in_time() {
    let mut text = "<l><e ".to_owned();
    for at in 0..200_000 {
        write!(text, "a{at}='1' ").unwrap();
    }
    text.push_str("m='a@x.example'>");
    for at in 0..50_000 {
        write!(text, "<f{at}>x</f{at}>").unwrap();
    }
    text.push_str("</e></l>");
    let Format::Xml(mut spec) = xml_spec("/l/e").format else { panic!() };
    spec.email = Some("@m".parse().unwrap());
    let outcome = read_as(text.as_bytes(), &Spec::new("s", Format::Xml(spec))).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example"]);
}

fn any_csv(bytes: &[u8], spec: CsvSpec) {
    let spec = Spec::new("s", Format::Csv(spec));
    // Whatever it is: an answer, the same in both passes, and figures that add up.
    let _ = read_as(bytes, &spec);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_the_other_formats_panic(
        bytes: Vec<u8>,
        json in "([\\[\\]{},:\"]|\"email\"|\"a@b\\.c\"|\"items\"|null|1|\\\\u0040|\n){0,30}",
        map in "(a@b\\.c|b\\.c|a@|\\.b\\.c| |\t|\n|#|REJECT|OK|550|\"){0,20}",
    ) {
        let formats = [
            Format::Json(JsonSpec::default()),
            Format::Json(JsonSpec { records: Some("items".into()), ..JsonSpec::default() }),
            Format::AccessMap(AccessMapSpec::default()),
            Format::Detect(CsvSpec::default()),
            Format::Xlsx(XlsxSpec::default()),
        ];
        for format in formats {
            let spec = Spec::new("s", format);
            for bytes in [bytes.as_slice(), json.as_bytes(), map.as_bytes()] {
                // Whatever it is: an answer, the same in both passes, and figures that add up.
                let _ = read_as(bytes, &spec);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_csv_panic(bytes: Vec<u8>, text in "[a@b.,;\t|\"\r\n #<>']{0,60}") {
        any_csv(&bytes, CsvSpec::default());
        any_csv(text.as_bytes(), CsvSpec::default());
        let set = CsvSpec { columns: Columns { email: Some("1".parse().unwrap()), ..Columns::default() }, header: Some(false), ..CsvSpec::default() };
        any_csv(text.as_bytes(), set);
    }

    #[test]
    fn no_bytes_make_xml_panic(bytes: Vec<u8>, text in "(<l>|<e>|<m>|</m>|</e>|</l>|a@b\\.c|&|;|#|1|<!|--|>|\\[|\\]|'|=| ){0,30}") {
        let spec = xml_spec("/l/e[@a='1'][m]");
        let _ = read_as(&bytes, &spec);
        let _ = read_as(text.as_bytes(), &spec);
    }

    #[test]
    fn every_address_of_an_array_is_read(
        names in prop::collection::vec("[a-z]{1,8}", 1..30),
        reasons in prop::collection::vec(".{0,12}", 30),
        lines: bool,
        within: bool,
    ) {
        let addresses: Vec<_> = names.iter().map(|name| format!("{name}@example.com")).collect();
        let objects: Vec<_> = addresses
            .iter()
            .zip(&reasons)
            .map(|(address, reason)| {
                serde_json::json!({ "n": 1, "why": { "code": reason }, "email": address })
            })
            .collect();
        let text = match (lines, within) {
            (true, _) => objects.iter().map(|object| format!("{object}\n")).collect(),
            (false, true) => serde_json::json!({ "page": { "rows": objects } }).to_string(),
            (false, false) => serde_json::json!(objects).to_string(),
        };
        let spec = Spec::new("s", Format::Json(JsonSpec::default()));
        let outcome = read_as(text.as_bytes(), &spec).unwrap();
        prop_assert_eq!(outcome.addresses(), addresses);
    }

    #[test]
    fn every_address_written_is_read(
        names in prop::collection::vec("[a-z]{1,8}", 1..30),
        reasons in prop::collection::vec("[a-z,;\"\n ]{0,12}", 30),
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        crlf: bool,
        header: bool,
    ) {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(Vec::new());
        if header {
            writer.write_record(["reason", "email", "n"]).unwrap();
        }
        let addresses: Vec<_> = names.iter().map(|name| format!("{name}@example.com")).collect();
        for (address, reason) in addresses.iter().zip(&reasons) {
            writer.write_record([reason.as_str(), address, "1"]).unwrap();
        }
        let spec = CsvSpec {
            delimiter: Some(char::from(delimiter).to_string().parse().unwrap()),
            columns: Columns { email: Some("2".parse().unwrap()), ..Columns::default() },
            header: Some(header),
            ..CsvSpec::default()
        };
        let bytes = writer.into_inner().unwrap();
        let outcome = read_as(&bytes, &Spec::new("s", Format::Csv(spec))).unwrap();
        prop_assert_eq!(outcome.addresses(), addresses);
    }
}

#[test]
fn a_break_ends_the_read() {
    let text = "email\n".to_owned() + &"a@x.example\n".repeat(1000);
    let spec = csv_spec();
    let list = List::open(Input::bytes("l", text.as_bytes()), &spec, &mut |_| ()).unwrap();
    let mut count = 0;
    let report = list
        .read(now(), &mut |_| (), &mut |_| {
            count += 1;
            if count == 3 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!((count, report.accepted), (3, 3));
}
