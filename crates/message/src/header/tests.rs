use proptest::prelude::*;

use super::*;

fn fields(message: &str) -> Vec<(String, String, bool)> {
    let header = Header::parse(message.as_bytes());
    let told = |field: &Field| (field.name.clone(), field.unfolded(), field.certain);
    header.iter().map(told).collect()
}

fn field(name: &str, value: &str, certain: bool) -> (String, String, bool) {
    (name.to_owned(), value.to_owned(), certain)
}

#[test]
fn fields_have_names_and_values_and_end_at_the_empty_line() {
    let message =
        "From: a@corp.example\r\nSubject :\r\n one\r\n\ttwo \r\nX-Empty:\r\n\r\nTo: body\r\n";
    let expected = [
        field("From", "a@corp.example", true),
        field("Subject", "one\ttwo", true),
        field("X-Empty", "", true),
    ];
    assert_eq!(fields(message), expected);
    let header = Header::parse(message.as_bytes());
    let subject = header.named("SUBJECT").next().unwrap();
    assert_eq!(subject.raw(), b"\r\n one\r\n\ttwo ");
    assert!(header.has("from") && !header.has("to"));
}

#[test]
fn what_stands_behind_a_line_that_is_no_field_is_kept_and_told_apart() {
    for junk in ["no field", ": no name", "two words: x", "caf\u{e9}: x", "From a@b Mon Jan 1"] {
        let message = format!("A: 1\r\n{junk}\r\n of the junk\r\nB: 2\r\n\r\n");
        let mut found = fields(&message);
        // The junk's continuation is nobody's.
        found.retain(|(name, _, _)| name != "of");
        assert_eq!(found, [field("A", "1", true), field("B", "2", false)], "{junk}");
        assert!(!Header::parse(message.as_bytes()).has("B"));
    }
}

#[test]
fn a_continuation_of_nothing_may_be_a_field() {
    assert_eq!(
        fields(" From: a@b\r\nTo: c@d\r\n\r\n"),
        [field("From", "a@b", false), field("To", "c@d", false)]
    );
}

#[test]
fn a_line_of_white_space_continues_and_is_the_end_for_some() {
    assert_eq!(
        fields("A: 1\r\n \t\r\nB: 2\r\n\r\n"),
        [field("A", "1", true), field("B", "2", false)]
    );
    assert_eq!(fields("A: 1\r\n x\r\nB: 2\r\n"), [field("A", "1 x", true), field("B", "2", true)]);
}

#[test]
fn a_field_that_not_everybody_knows_is_not_there_for_all() {
    let header = Header::parse(b"A : 1\r\nB: 2\r\n\r\n");
    assert!(!header.has("A") && header.has("B") && header.named("A").next().is_some());
}

#[test]
fn encoded_words_are_decoded() {
    let header = Header::parse(
        b"Subject: =?utf-8?Q?Caf=C3=A9?= =?iso-8859-1?B?6Q==?=\r\n and =?utf-8?q?_ADV?=\r\n\
        Broken: =?utf-8?Q?no end\r\nBytes: caf\xc3\xa9 \xff\r\n\r\n",
    );
    let decoded: Vec<String> = header.iter().map(Field::decoded).collect();
    assert_eq!(decoded, ["Caf\u{e9}\u{e9} and  ADV", "=?utf-8?Q?no end", "caf\u{e9} \u{fffd}"]);
}

proptest! {
    #[test]
    fn any_bytes_have_a_header(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let header = Header::parse(&bytes);
        for field in header.iter() {
            prop_assert!(!field.name().is_empty());
            let _ = (field.unfolded(), field.decoded());
        }
    }

    #[test]
    fn texts_that_look_like_headers_never_hurt(
        text in r"([A-Za-z-]{0,8}[ :\t]{0,2}(=\?[a-z0-9-]{0,9}\?[qQbBx]\?[ -~]{0,12}(\?=)?|[ -~]{0,12})(\r?\n[ \t]?){0,2}){0,12}",
    ) {
        let header = Header::parse(text.as_bytes());
        for field in header.iter() {
            let value = field.unfolded();
            prop_assert!(!value.contains(['\r', '\n']));
            let _ = field.decoded();
        }
    }

    #[test]
    fn every_line_that_anybody_takes_for_a_field_is_seen(
        before in r"([ -~]{0,20}\r\n){0,4}", name in "[A-Za-z][A-Za-z-]{0,10}",
    ) {
        prop_assume!(!before.starts_with("\r\n") && !before.contains("\r\n\r\n"));
        let message = format!("{before}{name}: x\r\n\r\n");
        let header = Header::parse(message.as_bytes());
        prop_assert_eq!(header.named(&name).last().map(Field::unfolded), Some("x".to_owned()));
    }
}
