//! XML files: paths, encodings, entities, and what is refused.

use sources::{Fault, Format, Spec, XmlSpec};

use crate::support::{read_as, xml, xml_error};

const CUSTOMERS: &str = r#"<?xml version="1.0"?>
<customers xmlns:c="urn:c">
  <customer optout="1" since="2019-12-17">
    <name>Smith &amp; Sons</name>
    <contact><email>bob@example.com</email><email>bob2@example.com</email></contact>
    <note>said &quot;no&quot;</note>
  </customer>
  <customer optout="0"><contact><email>tim@example.com</email></contact></customer>
  <customer><contact><email>sue@example.com</email></contact></customer>
  <c:customer optout="1"><contact><email>ann&#64;example.com</email></contact></c:customer>
</customers>
"#;

fn with(record: &str, email: &str, date: &str, reason: &str) -> Spec {
    let xml = XmlSpec {
        record: record.parse().unwrap(),
        email: Some(email.parse().unwrap()),
        date: Some(date.parse().unwrap()),
        reason: Some(reason.parse().unwrap()),
        kind: None,
        scope: None,
        until: None,
        encoding: None,
    };
    Spec::new("shop", Format::Xml(xml))
}

#[test]
fn only_the_records_of_the_condition_are_rows() {
    let spec = with("/customers/customer[@optout='1']", "contact/email", "@since", "note");
    let outcome = read_as(CUSTOMERS.as_bytes(), &spec).unwrap();
    assert_eq!(outcome.addresses(), ["bob@example.com", "bob2@example.com", "ann@example.com"]);
    assert_eq!(outcome.times()[0], Some("2019-12-17T00:00:00Z"));
    assert_eq!(outcome.reasons()[0], Some("said \"no\""));
    let report = outcome.report;
    assert_eq!((report.rows, report.accepted, report.addresses, report.unselected), (2, 2, 3, 2));
    assert_eq!((outcome.rows[0].0, outcome.rows[2].0), (3, 10));
}

#[test]
fn the_fields_are_found_by_themselves() {
    let outcome = xml("/customers/customer[@optout='1']", CUSTOMERS);
    assert_eq!(outcome.addresses().len(), 3);
    assert!(outcome.describe.contains("e-mail contact/email"), "{}", outcome.describe);
    let outcome = xml("/l/e", "<l><e>bob@example.com</e><e>tim@example.com</e></l>");
    assert_eq!(outcome.addresses(), ["bob@example.com", "tim@example.com"]);
    let outcome = xml("/l/e", "<l><e mail='bob@example.com' created='2019-12-17'/></l>");
    assert_eq!(outcome.addresses(), ["bob@example.com"]);
    assert_eq!(outcome.times(), [Some("2019-12-17T00:00:00Z")]);
    let error = xml_error("/l/e", "<l><e><a>b@x.example</a><c>d@x.example</c></e></l>");
    assert!(error.contains("a and c could both"), "{error}");
    let error = xml_error("/l/e", "<l><e><a>b</a></e></l>");
    assert!(error.contains("set `email` to one of: a"), "{error}");
}

#[test]
fn conditions_on_what_is_inside() {
    let text = "<l><e><f>yes</f><m>a@x.example</m></e><e><m>b@x.example</m><f>no</f></e>\
                <e><m>c@x.example</m></e><e><m>d@x.example</m><g><h i='1'/></g></e></l>";
    for (record, expected) in [
        ("/l/e[f='yes']", &["a@x.example"][..]),
        ("/l/e[f!='yes']", &["b@x.example", "c@x.example", "d@x.example"]),
        ("/l/e[f]", &["a@x.example", "b@x.example"]),
        ("/l/e[f!='yes'][f]", &["b@x.example"]),
        ("/l/e[g/h/@i='1']", &["d@x.example"]),
        ("/l/e[g/h/@i]", &["d@x.example"]),
        ("/l/e", &["a@x.example", "b@x.example", "c@x.example", "d@x.example"]),
        ("/*/e[m='c@x.example']", &["c@x.example"]),
    ] {
        let spec = with(record, "m", "d", "r");
        let outcome = read_as(text.as_bytes(), &spec).unwrap();
        assert_eq!(outcome.addresses(), expected, "{record}");
        assert_eq!(outcome.report.unselected, 4 - expected.len() as u64);
    }
}

#[test]
fn conditions_on_the_way_and_names_with_prefixes() {
    let text = "<r xmlns:x='urn:x'><l t='a'><x:e><m>a@x.example</m></x:e></l>\
                <l t='b'><e><m>b@x.example</m></e></l><k><e><m>c@x.example</m></e></k></r>";
    for (record, expected) in [
        ("/r/l[@t='a']/e", "a@x.example"),
        ("/r/l/x:e", "a@x.example"),
        ("/r/l[@t!='a']/e", "b@x.example"),
        ("/r/k/e", "c@x.example"),
    ] {
        assert_eq!(xml(record, text).addresses(), [expected], "{record}");
    }
}

#[test]
fn an_element_of_the_same_name_deeper_down_is_no_record_and_no_field() {
    let text =
        "<l><e><m>a@x.example</m><in><m>b@x.example</m></in><e><m>c@x.example</m></e></e></l>";
    let spec = with("/l/e", "m", "d", "r");
    let outcome = read_as(text.as_bytes(), &spec).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example"]);
    assert_eq!(outcome.report.rows, 1);
}

#[test]
fn text_in_all_its_forms() {
    let text = "<l><e><m><![CDATA[a]]>&#x40;x<!-- c -->.example</m></e>\
                <e><m>\n b&amp;c@x.example\r\n</m></e><e><m><b>d</b>@x.example</m></e>\
                <e><m/></e><e><m></m></e><e/></l>";
    let outcome = xml("/l/e", text);
    assert_eq!(outcome.addresses(), ["a@x.example", "b&c@x.example", "d@x.example"]);
    assert_eq!(outcome.report.without_address, 3);
}

#[test]
fn an_ampersand_written_by_hand_is_text() {
    let outcome = xml("/l/e", "<l><e><n>Smith & Sons</n><m>a@x.example</m></e></l>");
    assert_eq!(outcome.addresses(), ["a@x.example"]);
}

#[test]
fn an_unknown_entity_is_a_bad_row_where_it_matters() {
    let spec = with("/l/e", "m", "d", "r");
    let text = "<l><e><m>a&foo;@x.example</m></e><e><m>b@x.example</m><r>x&nbsp;y</r></e>\
                <e><m>c@x.example</m><n>&foo;</n></e></l>";
    let outcome = read_as(text.as_bytes(), &spec).unwrap();
    assert_eq!(outcome.addresses(), ["b@x.example", "c@x.example"]);
    assert_eq!(outcome.reasons(), [Some("x&nbsp;y"), None]);
    assert_eq!(outcome.report.bad_rows[0].fault, Fault::Entity);
    let spec = with("/l/e", "@m", "d", "r");
    let outcome = read_as(b"<l><e m='a&foo;@x.example'/><e m='b@x.example'/></l>", &spec).unwrap();
    assert_eq!(outcome.addresses(), ["b@x.example"]);
}

#[test]
fn declared_encodings() {
    let text = "<?xml version=\"1.0\" encoding=\"LABEL\"?><l><e><m>müller@x.example</m></e></l>";
    let one = |bytes: &[u8]| xml("/l/e", bytes).addresses().join(" ");
    let latin = |text: &str| -> Vec<u8> {
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
    };
    let utf_16: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [
        text.replace("LABEL", "UTF-8").into_bytes(),
        text.replace("LABEL", "utf-16").into_bytes(),
        latin(&text.replace("LABEL", "ISO-8859-1")),
        latin(&text.replace("LABEL", "Windows-1252")),
        utf_16,
    ] {
        assert_eq!(one(&bytes), "müller@x.example");
    }
    let error = xml_error("/l/e", latin(&text.replace("LABEL", "UTF-8")));
    assert!(error.contains("list:1:") && error.contains("is not UTF-8"), "{error}");
}

#[test]
fn broken_xml_is_an_error_with_its_line() {
    for (text, parts) in [
        ("<l>\n<e><m>a@x.example</m></e>\n<e>", &["list:3:4", "cut off", "<e>", "line 3"][..]),
        ("<l>\n<e><m>a@x.example</e></l>", &["list:2:", "</e>", "line 2"]),
        ("<l>\n<e a='1></e></l>", &["list:2:1", "attribute value not closed"]),
        ("<l>\n</l>\n<l/>", &["list:3:", "second root"]),
        ("<l/>\njunk", &["list:1:5", "outside of the root"]),
        ("email\nbob@example.com", &["list:1:1", "is this file XML"]),
        ("<l>\n<!-- ", &["list:2:1", "comment not closed"]),
    ] {
        let error = xml_error("/l/e", text);
        for part in parts {
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

#[test]
fn a_record_path_that_fits_nothing_says_what_is_there() {
    let outcome =
        xml("/customers/customer", "<export><list><row><m>a@x.example</m></row></list></export>");
    assert_eq!(outcome.report.rows, 0);
    let [warning] = outcome.report.warnings.as_slice() else { panic!() };
    assert!(warning.contains("/customers/customer") && warning.contains("/export/list/row/m"));
    assert!(xml("/l/e", "<l/>").report.warnings[0].contains("/l"));
    assert_eq!(xml("/l/e", "").report.rows, 0);
}

#[test]
fn a_document_type_with_definitions_is_refused() {
    let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n\
                <l><e><m>&b;@x.example</m></e></l>";
    let error = xml_error("/l/e", bomb);
    assert!(error.starts_with("list:1:1: document type declarations"), "{error}");
    let harmless = "<!DOCTYPE l SYSTEM \"http://x.example/l.dtd\"><l><e><m>a@x.example</m></e></l>";
    assert_eq!(xml("/l/e", harmless).addresses(), ["a@x.example"]);
}
