use proptest::prelude::*;

use super::*;

const MESSAGE: &str = "Received: x\r\nFrom: a@b\r\nreceived:\r\n\ty\r\n\r\nbody\r\n";
const LIMIT: usize = 10_000;

fn changed(message: &str, changes: &[Change]) -> Result<String, ChangeError> {
    apply(message.as_bytes(), changes, LIMIT).map(|octets| String::from_utf8(octets).unwrap())
}

fn add(name: &str, value: &str) -> Change {
    Change::Add { name: name.into(), value: value.into() }
}

fn insert(index: u32, name: &str, value: &str) -> Change {
    Change::Insert { index, name: name.into(), value: value.into() }
}

fn set(index: u32, name: &str, value: Option<&str>) -> Change {
    Change::Set { index, name: name.into(), value: value.map(Into::into) }
}

fn body(text: &str) -> Change {
    Change::Body(text.into())
}

#[test]
fn no_change_changes_nothing() {
    for message in [MESSAGE, "", "\r\n", "A: 1", "no header\r\n", " x\r\n", "A: 1\r\n\r\nno end"] {
        assert_eq!(changed(message, &[]).as_deref(), Ok(message));
    }
}

#[test]
fn a_field_is_added_below_the_others() {
    let expected = MESSAGE.replace("\r\n\r\n", "\r\nX-New: 1\r\n\r\n");
    assert_eq!(changed(MESSAGE, &[add("X-New", " 1")]), Ok(expected));
    assert_eq!(changed("", &[add("A", "1")]).as_deref(), Ok("A:1\r\n"));
    assert_eq!(changed("A: 1", &[add("B", " 2")]).as_deref(), Ok("A: 1\r\nB: 2\r\n"));
}

#[test]
fn a_field_is_inserted_below_as_many_as_its_index_says() {
    let at = |index| changed("A: 1\r\nB: 2\r\n\r\nx\r\n", &[insert(index, "N", " n")]).unwrap();
    assert_eq!(at(0), "N: n\r\nA: 1\r\nB: 2\r\n\r\nx\r\n");
    assert_eq!(at(1), "A: 1\r\nN: n\r\nB: 2\r\n\r\nx\r\n");
    assert_eq!(at(2), "A: 1\r\nB: 2\r\nN: n\r\n\r\nx\r\n");
    assert_eq!(at(u32::MAX), at(2));
}

#[test]
fn a_field_is_changed_by_its_number_among_those_of_its_name() {
    let changed = |index, value| changed(MESSAGE, &[set(index, "RECEIVED", value)]).unwrap();
    assert_eq!(changed(1, Some(" z")), MESSAGE.replace("Received: x", "Received: z"));
    assert_eq!(changed(0, Some(" z")), changed(1, Some(" z")));
    assert_eq!(changed(2, Some(" z")), MESSAGE.replace("received:\r\n\ty", "received: z"));
    assert_eq!(changed(1, None), MESSAGE.replace("Received: x\r\n", ""));
    assert_eq!(changed(2, None), MESSAGE.replace("received:\r\n\ty\r\n", ""));
    // Beyond the last.
    assert_eq!(changed(3, Some(" z")), MESSAGE.replace("\r\n\r\n", "\r\nRECEIVED: z\r\n\r\n"));
    assert_eq!(changed(3, None), MESSAGE);
}

#[test]
fn fields_that_went_are_counted_until_all_is_done() {
    let message = "A: 1\r\nA: 2\r\nA: 3\r\n\r\n";
    let gone = |order: [u32; 2]| changed(message, &order.map(|index| set(index, "A", None)));
    assert_eq!(gone([1, 2]).as_deref(), Ok("A: 3\r\n\r\n"));
    assert_eq!(gone([2, 1]).as_deref(), Ok("A: 3\r\n\r\n"));
}

#[test]
fn white_space_before_the_colon_stays_and_is_no_part_of_the_name() {
    let changes = [set(1, "subject", Some(" new"))];
    assert_eq!(changed("Subject : old\r\n", &changes).as_deref(), Ok("Subject : new\r\n"));
}

#[test]
fn a_value_of_several_lines_stays_one_field() {
    let folded = |value| changed("\r\n", &[add("A", value)]).unwrap();
    assert_eq!(folded(" 1\n\t2\r\n 3"), "A: 1\r\n\t2\r\n 3\r\n\r\n");
    assert_eq!(folded(" 1\nBcc: x@y"), "A: 1\r\n\tBcc: x@y\r\n\r\n");
    // No line without text: it would end the header for some.
    assert_eq!(folded(" 1\n\n \r\n\r\nbody\n"), "A: 1\r\n\tbody\r\n\r\n");
    assert_eq!(folded("\n 1"), "A:\r\n 1\r\n\r\n");
    assert_eq!(folded(""), "A:\r\n\r\n");
}

#[test]
fn a_new_body_has_proper_line_ends_however_it_is_cut() {
    let header = "A: 1\r\n\r\n";
    let expected = format!("{header}x\r\ny\r\n.\r\n\r\nz\r\n");
    let text = "x\r\ny\n.\n\r\nz";
    for cut in 0..=text.len() {
        let (first, second) = text.split_at(cut);
        let changes = [body(first), body(second)];
        assert_eq!(changed(&format!("{header}old\r\n"), &changes).as_ref(), Ok(&expected));
    }
    assert_eq!(changed(&expected, &[body("")]).as_deref(), Ok(header));
}

#[test]
fn a_new_body_is_never_read_as_header() {
    assert_eq!(changed("A: 1\r\n", &[body("B: 2\r\n")]).as_deref(), Ok("A: 1\r\n\r\nB: 2\r\n"));
    assert_eq!(changed("junk\r\n", &[body("B: 2\r\n")]).as_deref(), Ok("\r\nB: 2\r\n"));
    assert_eq!(changed("A: 1\r\n", &[body("")]).as_deref(), Ok("A: 1\r\n"));
}

#[test]
fn an_old_body_does_not_continue_a_new_field() {
    let expected = Ok("A: 1\r\n\r\n junk\r\n".to_owned());
    assert_eq!(changed(" junk\r\n", &[add("A", " 1")]), expected);
    assert_eq!(changed("junk\r\n", &[add("A", " 1")]).as_deref(), Ok("A: 1\r\njunk\r\n"));
}

#[test]
fn what_would_make_the_message_malformed_is_an_error() {
    for name in ["", "a b", "a:", "caf\u{e9}", "a\r\nb", "a\0"] {
        let changes = [add(name, " 1"), insert(0, name, " 1"), set(1, name, None)];
        for change in changes {
            assert_eq!(changed(MESSAGE, &[change]), Err(ChangeError::Name), "{name:?}");
        }
    }
    for text in ["\0", "a\rb", "a\r", "a\r\r\n"] {
        assert_eq!(changed(MESSAGE, &[add("A", text)]), Err(ChangeError::Value), "{text:?}");
        assert_eq!(changed(MESSAGE, &[body(text)]), Err(ChangeError::Body), "{text:?}");
    }
    // A CR in one piece and its LF in the next belong together, a CR alone stays alone.
    assert!(changed(MESSAGE, &[body("a\r"), body("\nb")]).is_ok());
    assert_eq!(changed(MESSAGE, &[body("a\r"), body("b")]), Err(ChangeError::Body));
}

#[test]
fn there_are_limits() {
    let size = MESSAGE.len() + "A: 1\r\n".len();
    let changes = [add("A", " 1")];
    assert!(apply(MESSAGE.as_bytes(), &changes, size).is_ok());
    let limit = size - 1;
    let error = apply(MESSAGE.as_bytes(), &changes, limit);
    assert_eq!(error, Err(ChangeError::TooLarge { limit }));

    let most = vec![set(1, "A", Some("1")); FIELD_CHANGES_MAX];
    assert!(changed("A: 1\r\n", &most).is_ok());
    let more = [most, vec![set(1, "A", None)]].concat();
    assert_eq!(changed("A: 1\r\n", &more), Err(ChangeError::TooMany));
}

/// What a list of fields would be, without looking at octets: a field, its value or none.
type Model = Vec<(String, Option<String>)>;

fn on_the_model(fields: &mut Model, change: &Change) {
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    match change {
        Change::Add { name, value } => fields.push((text(name), Some(text(value)))),
        Change::Insert { index, name, value } => {
            let place = (*index as usize).min(fields.len());
            fields.insert(place, (text(name), Some(text(value))));
        }
        Change::Set { index, name, value } => {
            let mut left = (*index).max(1);
            for field in fields.iter_mut() {
                if field.0.eq_ignore_ascii_case(&text(name)) {
                    left -= 1;
                    if left == 0 {
                        field.1 = value.as_deref().map(text);
                        return;
                    }
                }
            }
            if let Some(value) = value {
                fields.push((text(name), Some(text(value))));
            }
        }
        Change::Body(_) => {}
    }
}

fn a_name() -> impl Strategy<Value = String> {
    "[abAB]"
}

fn a_value() -> impl Strategy<Value = String> {
    "[ -~]{0,6}(\r\n[ \t][!-~]{1,4}){0,2}"
}

fn a_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (a_name(), a_value()).prop_map(|(name, value)| add(&name, &value)),
        (0..6u32, a_name(), a_value()).prop_map(|(at, name, value)| insert(at, &name, &value)),
        (0..4u32, a_name(), proptest::option::of(a_value())).prop_map(|(at, name, value)| set(
            at,
            &name,
            value.as_deref()
        )),
    ]
}

proptest! {
    #[test]
    fn all_octets_outside_of_a_change_stay(
        fields in proptest::collection::vec((a_name(), a_value()), 0..6),
        tail in "(\r\n([a: ]{0,3}\r\n){0,4})?",
        changes in proptest::collection::vec(a_change(), 0..6),
    ) {
        let written = |fields: &Model| -> String {
            let there = fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
            there.map(|(name, value)| format!("{name}:{value}\r\n")).collect()
        };
        let mut model: Model =
            fields.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let message = format!("{}{tail}", written(&model));
        for change in &changes {
            on_the_model(&mut model, change);
        }
        let expected = format!("{}{tail}", written(&model));
        prop_assert_eq!(changed(&message, &changes), Ok(expected));
    }

    #[test]
    fn any_change_leaves_one_message(
        message in "([ab]?[: \t]?[ -~]{0,3}\r\n){0,6}",
        name in "[!-9;-~]{1,3}",
        value in "[ -~\n\t]{0,12}",
        text in "[ -~\n]{0,12}",
    ) {
        let before = Sections::parse(message.as_bytes());
        let changes = [insert(0, &name, &value), body(&text)];
        let after = changed(&message, &changes).unwrap();
        let after = Sections::parse(after.as_bytes());
        // One field more, those that were there, and the body that was given.
        prop_assert_eq!(after.fields().len(), before.fields().len() + 1);
        prop_assert_eq!(after.fields().next().unwrap().name(), name.as_bytes());
        prop_assert!(after.fields().skip(1).eq(before.fields()));
        let mut lines = text.replace('\n', "\r\n");
        if !lines.is_empty() && !lines.ends_with('\n') {
            lines.push_str("\r\n");
        }
        prop_assert_eq!(after.body(), lines.as_bytes());
    }
}
