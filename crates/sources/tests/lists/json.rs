//! JSON and NDJSON: the shapes of `list-formats.md` §4.1, and the dirt in them.

use sources::{Columns, Fault, Format, Input, JsonSpec, List, Spec};

use crate::packed::gzip;
use crate::support::{Outcome, now, read_as};

const UNIX: Option<&str> = Some("2015-09-30T22:12:05Z");

fn spec(records: Option<&str>) -> Spec {
    let json = JsonSpec { records: records.map(str::to_owned), ..JsonSpec::default() };
    Spec::new("api", Format::Json(json))
}

fn json(bytes: impl AsRef<[u8]>) -> Outcome {
    read_as(bytes.as_ref(), &spec(None)).unwrap()
}

fn error(bytes: impl AsRef<[u8]>) -> String {
    read_as(bytes.as_ref(), &spec(None)).unwrap_err().to_string()
}

fn one(text: &str) -> Outcome {
    let outcome = json(text);
    assert_eq!((outcome.rows.len(), outcome.report.bad), (1, 0), "{text}: {:?}", outcome.report);
    outcome
}

#[test]
fn sendgrid() {
    let outcome = one(
        r#"[{"created":1443651125,"email":"bob@example.com","reason":"550 no","status":"5.1.1"}]"#,
    );
    assert_eq!((outcome.times(), outcome.reasons()), (vec![UNIX], vec![Some("550 no")]));
    let outcome = one(r#"[{"created":1443651125,"email":"bob@example.com","ip":"203.0.113.9"}]"#);
    assert_eq!(outcome.times(), [UNIX]);
    one(r#"[{"created":1443651125,"email":"bob@example.com"}]"#);
    let outcome = one(
        r#"[{"email":"bob@example.com","group_id":1,"group_name":"News","created_at":1443651125}]"#,
    );
    assert_eq!(outcome.times(), [UNIX]);
    let outcome = json("[\"a@x.example\",\n \"b@x.example\"]");
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example"]);
    assert_eq!(outcome.rows[1].0, 2);
}

#[test]
fn mailgun() {
    let outcome =
        one(r#"{"items":[{"address":"bob@example.com","code":"550","error":"No such user",
            "created_at":"Fri, 21 Oct 2011 11:02:55 UTC"}],
            "paging":{"first":"https://x.example/1","next":"https://x.example/2",
            "previous":"https://x.example/0","last":"https://x.example/9"}}"#);
    assert_eq!(outcome.times(), [Some("2011-10-21T11:02:55Z")]);
    assert!(outcome.describe.contains("JSON in UTF-8, records in `items`"), "{}", outcome.describe);
    one(
        r#"{"items":[{"address":"bob@example.com","tag":"*","created_at":"Fri, 21 Oct 2011 11:02:55 UTC"}]}"#,
    );
    one(
        r#"{"items":[{"address":"bob@example.com","tags":["x"],"created_at":"Fri, 21 Oct 2011 11:02:55 UTC"}]}"#,
    );
}

#[test]
fn amazon_ses() {
    let lines = "{\"emailAddress\":\"recipient1@example.com\",\"reason\":\"BOUNCE\"}\n\
                 {\"emailAddress\":\"recipient2@example.com\",\"reason\":\"COMPLAINT\"}\n";
    let outcome = json(lines);
    assert_eq!(outcome.addresses(), ["recipient1@example.com", "recipient2@example.com"]);
    assert_eq!(outcome.reasons(), [Some("BOUNCE"), Some("COMPLAINT")]);
    assert!(outcome.describe.contains("records one after another"), "{}", outcome.describe);
    let of_one = lines.lines().next().unwrap();
    assert_eq!(json(of_one).addresses(), ["recipient1@example.com"]);
    let listed = r#"{"SuppressedDestinationSummaries":[{"EmailAddress":"bob@example.com",
        "Reason":"BOUNCE","LastUpdateTime":1586552585.077}],"NextToken":"TOKEN"}"#;
    let outcome = one(listed);
    let told = |outcome: &Outcome| {
        outcome.report.warnings.iter().any(|warning| warning.contains("one page of several"))
    };
    assert!(told(&outcome));
    assert!(!told(&one(&listed.replace("TOKEN", ""))));
}

#[test]
fn postmark() {
    let outcome = one(
        r#"{"Suppressions":[{"EmailAddress":"bob@example.com","SuppressionReason":"HardBounce",
            "Origin":"Recipient","CreatedAt":"2019-12-17T08:58:33-05:00"}]}"#,
    );
    assert_eq!(outcome.times(), [Some("2019-12-17T13:58:33Z")]);
}

#[test]
fn sparkpost() {
    let outcome = one(r#"{"results":[{"recipient":"bob@example.com","type":"non_transactional",
            "source":"Unsubscribe Link","description":"Unsubscribed","created":
            "2019-12-17T08:58:33+00:00","updated":"2019-12-18T08:58:33+00:00",
            "transactional":false,"non_transactional":true}],"links":[],"total_count":3}"#);
    assert_eq!(outcome.times(), [Some("2019-12-17T08:58:33Z")]);
    let warnings = &outcome.report.warnings;
    assert!(warnings.iter().any(|w| w.contains("there are 3 records, and has 1")), "{warnings:?}");
}

#[test]
fn brevo() {
    let outcome = one(r#"{"contacts":[{"email":"bob@example.com","senderEmail":"us@corp.example",
            "reason":{"code":"unsubscribedViaEmail","message":"Unsubscribed via e-mail"},
            "blockedAt":"2017-05-01T12:30:00.000Z"}],"count":1}"#);
    assert_eq!(outcome.addresses(), ["bob@example.com"]);
    assert_eq!(outcome.times(), [Some("2017-05-01T12:30:00Z")]);
}

#[test]
fn keys_may_differ_and_come_in_any_order() {
    let outcome = json(
        r#"[{"id":1,"email":"a@x.example"},{"created":"2019-12-17","email":"b@x.example"},
            {"reason":"no","created":null},{"email":null},{},null]"#,
    );
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example"]);
    assert_eq!(outcome.times(), [None, Some("2019-12-17T00:00:00Z")]);
    assert_eq!(outcome.report.without_address, 4);
}

#[test]
fn members_are_found_by_their_path() {
    let text = r#"{"data":{"rows":[{"who":{"mail":{"value":"a@x.example"}},"why":{"code":"7"}},
                  {"who":{"mail":[{"value":"b@x.example"},{"value":"c@x.example"}]}}]}}"#;
    assert_eq!(json(text).addresses(), ["a@x.example", "b@x.example", "c@x.example"]);
    let columns = Columns {
        email: Some("who.mail.value".parse().unwrap()),
        reason: Some("Why.Code".parse().unwrap()),
        ..Columns::default()
    };
    let json = JsonSpec { records: Some("data.rows".into()), columns, encoding: None };
    let outcome = read_as(text.as_bytes(), &Spec::new("s", Format::Json(json))).unwrap();
    assert_eq!(outcome.reasons(), [Some("7"), None, None]);
}

#[test]
fn records_may_be_set() {
    let text =
        r#"{"a":[{"email":"a@x.example"}],"b":[{"email":"b@x.example"}],"me":"c@x.example"}"#;
    let of = |records| read_as(text.as_bytes(), &spec(Some(records)));
    assert_eq!(of("b").unwrap().addresses(), ["b@x.example"]);
    let whole = of(".").unwrap_err().to_string();
    assert!(whole.contains("\"a.email\"") && whole.contains("\"b.email\""), "{whole}");
    let one = r#"{"me":"c@x.example","log":[{"ip":"203.0.113.9"}]}"#;
    let outcome = read_as(one.as_bytes(), &spec(Some("."))).unwrap();
    assert_eq!(outcome.addresses(), ["c@x.example"]);
    let error = of("c").unwrap_err().to_string();
    assert!(error.starts_with("list:1:1: nothing is at `c`"), "{error}");
    assert!(error.ends_with("the arrays in it are: a, b"), "{error}");
    // A converter from XML writes a single record without brackets.
    let single = r#"{"a":{"email":"a@x.example"}}"#;
    let outcome = read_as(single.as_bytes(), &spec(Some("a"))).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example"]);
    // Pages one after another.
    let pages = "{\"a\":[{\"email\":\"a@x.example\"}]}\n{\"a\":[{\"email\":\"b@x.example\"}]}\n";
    let outcome = read_as(pages.as_bytes(), &spec(Some("a"))).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example"]);
}

#[test]
fn an_empty_list_has_no_rows() {
    for text in ["", "[]", "{\"items\":[]}", " \n", "{\"Suppressions\":[],\"x\":1}"] {
        assert_eq!(json(text).report.rows, 0, "{text}");
    }
}

#[test]
fn of_an_address_that_is_there_twice_both_count() {
    let outcome = json(
        r#"[{"email":"a@x.example","reason":"x","email":"b@x.example","reason":"y","reason":""}]"#,
    );
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example"]);
    assert_eq!(outcome.reasons(), [Some("y"), Some("y")]);
}

#[test]
fn bad_records_are_counted_with_their_lines() {
    let long = "x".repeat(70_000);
    let text = format!(
        "[{{\"email\":\"a@x.example\"}},\n{{\"email\":\"8/27/2015\"}},\n\"b@x.example\",\n\
         {{\"email\":\"{long}\"}},\n{{\"email\":\"\\ud83d@x.example\"}},\n\
         {{\"email\":\"c@x.example\",\"reason\":\"{long}\"}}]"
    );
    let outcome = json(text);
    assert_eq!(outcome.addresses(), ["a@x.example", "c@x.example"]);
    let bad: Vec<_> = outcome.report.bad_rows.iter().map(|row| (row.line, row.fault)).collect();
    assert_eq!(
        bad,
        [(2, Fault::NoAtSign), (3, Fault::NoMembers), (4, Fault::TooLong), (5, Fault::Encoding)]
    );
}

#[test]
fn broken_files_are_errors_with_their_place() {
    for (text, expected) in [
        (
            "[{\"email\":\"a@x.example\"},\n{\"email\":",
            "list:2:10: the file ends inside of an object",
        ),
        ("[{\"email\":\"a@x.example\"}\n{}]", "list:2:1: here should be a `,`"),
        ("{\"email\":\"a@x.example\"},\n{}", "list:1:24: here should be an object"),
    ] {
        let error = error(text);
        assert!(error.starts_with(expected), "{error}");
    }
    let error = error("{\"a\":[{\"b\":\"x\"}],\"c\":[{}]}");
    assert!(error.contains("`a` or in `c`"), "{error}");
    let error = self::error("[{\"b\":\"x\",\"c\":\"y\"}]");
    assert!(error.contains("\"b\", \"c\"") && error.contains("`email`"), "{error}");
}

#[test]
fn encodings_and_packing_make_no_difference() {
    let text = "[{\"email\":\"müller@x.example\",\"reason\":\"schön\"}]";
    let expected = json(text);
    assert_eq!(expected.addresses(), ["müller@x.example"]);
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let wide: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [format!("\u{feff}{text}").into_bytes(), latin, wide, gzip(text)] {
        assert_eq!(json(bytes).rows, expected.rows);
    }
}

#[test]
fn one_huge_array_is_streamed() {
    let mut text = "{\"items\":[".to_owned();
    for at in 0..20_000 {
        text.push_str(&format!("{{\"n\":{at},\"email\":\"a{at}@x.example\"}},\n"));
    }
    text.push_str("{}],\"end\":true}");
    let outcome = json(text);
    assert_eq!((outcome.rows.len(), outcome.report.without_address), (20_000, 1));
    assert_eq!(outcome.rows[19_999].0, 20_000);
}

#[test]
fn a_break_ends_the_read() {
    let spec = spec(None);
    let text = "{\"email\":\"a@x.example\"}\n".repeat(100);
    let list = List::open(Input::bytes("l", text.as_bytes()), &spec, &mut |_| ()).unwrap();
    let mut count = 0;
    let stop = &mut |_: &sources::Row<'_>| {
        count += 1;
        if count == 3 {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    };
    assert_eq!(list.read(now(), &mut |_| (), stop).unwrap().accepted, 3);
}
