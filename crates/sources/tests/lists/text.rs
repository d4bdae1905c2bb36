//! Texts: access maps, plain lists, and what is found out by itself.

use sources::{AccessMapSpec, CsvSpec, Fault, Format, Spec};

use crate::packed::{gzip, zip};
use crate::support::{Outcome, csv, read_as};

fn map(text: &str) -> Outcome {
    let spec = Spec::new("map", Format::AccessMap(AccessMapSpec::default()));
    read_as(text.as_bytes(), &spec).unwrap()
}

fn detect(bytes: impl AsRef<[u8]>) -> Result<Outcome, String> {
    let spec = Spec::new("file", Format::Detect(CsvSpec::default()));
    read_as(bytes.as_ref(), &spec).map_err(|error| error.to_string())
}

const MAP: &str = "# opt-outs\n\
                   bob@example.com\tREJECT you asked us not to\n\
                   x.example       550 5.7.1 all of\n    you asked\n\
                   tim@example.com OK\n\
                   @y.example      DISCARD\n\
                   sue@            REJECT\n\
                   .z.example      REJECT\n\
                   192.0.2.0/24    REJECT\n\
                   /^a.*@/         REJECT\n\
                   ann@example.com HOLD\n";

#[test]
fn an_access_map_is_a_list() {
    let outcome = map(MAP);
    assert_eq!(outcome.addresses(), ["bob@example.com", "@x.example", "@y.example"]);
    let reasons = outcome.reasons();
    assert_eq!(reasons[0], Some("you asked us not to"));
    assert!(reasons[1].unwrap().starts_with("5.7.1 all of"), "{reasons:?}");
    let bad: Vec<_> = outcome.report.bad_rows.iter().map(|row| (row.line, row.fault)).collect();
    assert_eq!(
        bad,
        [
            (7, Fault::AnyDomain),
            (8, Fault::SubDomains),
            (9, Fault::Network),
            (10, Fault::Pattern),
            (11, Fault::Action)
        ]
    );
    assert_eq!(outcome.report.unselected, 1);
    let told = outcome.report.warnings.iter().filter(|w| w.contains("sub-domains")).count();
    assert_eq!(told, 1, "{:?}", outcome.report.warnings);
}

#[test]
fn comments_of_a_plain_list_are_not_there() {
    let outcome = csv("# exported on Monday\nbob@example.com\n#\n  # Tim, Sue\n#1@example.com\n\
                       # tim@example.com\nsue@example.com\n");
    assert_eq!(outcome.addresses(), ["bob@example.com", "#1@example.com", "sue@example.com"]);
    assert_eq!((outcome.report.bad, outcome.rows[0].0), (0, 2));
    assert_eq!(outcome.report.unselected, 4);
    let below = csv("# our list\nemail\nbob@example.com\n");
    assert_eq!((below.addresses(), below.report.rows), (vec!["bob@example.com"], 1));
}

#[test]
fn a_plain_list_may_hold_domains_and_what_cannot_be_said_is_bad() {
    // Halon's plug-in file.
    let outcome = csv("# x\nbob@example.com\n@x.example\nsue@\n/^a.*@example/\n");
    assert_eq!(outcome.addresses(), ["bob@example.com", "@x.example"]);
    assert_eq!(outcome.report.bad, 2);
}

#[test]
fn every_kind_is_found_out_by_itself() {
    let members = zip(&[("a.csv", b"email\na@x.example\n"), ("b.json", b"[\"b@x.example\"]")]);
    for (bytes, addresses, described) in [
        (b"email;n\na@x.example;1\n".to_vec(), vec!["a@x.example"], "CSV"),
        (b"a@x.example\nb@x.example\n".to_vec(), vec!["a@x.example", "b@x.example"], "CSV"),
        (b"{\"email\":\"a@x.example\"}\n".to_vec(), vec!["a@x.example"], "JSON"),
        (b"\xef\xbb\xbf [\"a@x.example\"]".to_vec(), vec!["a@x.example"], "JSON"),
        (b"a@x.example REJECT\n".to_vec(), vec!["a@x.example"], "a Postfix access map"),
        (gzip("[\"a@x.example\"]"), vec!["a@x.example"], "JSON"),
        (members, vec!["a@x.example", "b@x.example"], "1 file: CSV"),
        (b"<a@x.example>\n".to_vec(), vec!["a@x.example"], "CSV"),
        (Vec::new(), vec![], "CSV"),
    ] {
        let outcome = detect(bytes).unwrap();
        assert_eq!(outcome.addresses(), addresses);
        assert!(outcome.describe.starts_with(described), "{}", outcome.describe);
    }
    let outcome = detect(crate::xlsx::small()).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example"]);
    assert!(outcome.describe.starts_with("XLSX"), "{}", outcome.describe);
}

#[test]
fn xml_needs_to_be_told_where_its_records_are() {
    for text in ["<?xml version=\"1.0\"?>\n<l/>", "<l><e>a@x.example</e></l>"] {
        let error = detect(text).unwrap_err();
        assert!(
            error.starts_with("list:1:1: this is XML") && error.contains("`record`"),
            "{error}"
        );
    }
}

#[test]
fn settings_of_columns_go_for_whatever_it_is() {
    let columns =
        sources::Columns { email: Some("b".parse().unwrap()), ..sources::Columns::default() };
    let spec = Spec::new("s", Format::Detect(CsvSpec { columns, ..CsvSpec::default() }));
    for text in
        ["a,b\na@x.example,b@x.example\n", "[{\"a\":\"a@x.example\",\"b\":\"b@x.example\"}]"]
    {
        assert_eq!(read_as(text.as_bytes(), &spec).unwrap().addresses(), ["b@x.example"]);
    }
}
