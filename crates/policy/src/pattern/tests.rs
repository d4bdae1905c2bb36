use super::*;

fn fits(pattern: &str, text: &str) -> bool {
    pattern.parse::<Pattern>().unwrap().matches(text)
}

#[test]
fn a_star_stands_for_any_run_and_case_does_not_count() {
    for (pattern, text) in [
        ("*", ""),
        ("news", "NEWS"),
        ("*<news.Corp.example>*", "News of the day <NEWS.corp.example>"),
        ("a*b*c", "abc"),
        ("a*b*c", "a--b--bc"),
        ("*ab", "aaab"),
        ("**", "x"),
        ("grüße*", "GRÜSSE, GRÜßE".split(", ").nth(1).unwrap()),
        ("ΟΔΟΣ*", "οδοσα"),
    ] {
        assert!(fits(pattern, text), "{pattern:?} {text:?}");
    }
    for (pattern, text) in [
        ("news", "news2"),
        ("news", "the news"),
        ("a*b", "abc"),
        ("a*b*c", "acb"),
        ("?", "x"),
        ("[a]", "a"),
        ("news", ""),
    ] {
        assert!(!fits(pattern, text), "{pattern:?} {text:?}");
    }
}

#[test]
fn a_text_made_to_be_slow_is_not() {
    let text = "a".repeat(100_000);
    assert!(!fits("a*a*a*a*a*a*a*a*b", &text));
}

#[test]
fn patterns_that_could_never_fit_are_errors() {
    assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
    assert_eq!("a\nb".parse::<Pattern>(), Err(PatternError::Control));
    for bad in ["", "corp.example", "*", "news"] {
        assert_eq!(bad.parse::<SenderPattern>(), Err(PatternError::Sender), "{bad}");
    }
    for bad in ["news@", "a@b..example", "a@-x.example", "a@*.bücher.example"] {
        assert_eq!(bad.parse::<SenderPattern>(), Err(PatternError::Domain), "{bad}");
    }
    for bad in ["", "List Id", "List-Id:", "Ünter"] {
        assert_eq!(bad.parse::<FieldName>(), Err(PatternError::FieldName), "{bad}");
    }
}

#[test]
fn senders() {
    let rows: [(&str, &[&str], &[&str]); 6] = [
        (
            "news@corp.example",
            &["<news@corp.example>", "<News@CORP.example>"],
            &["<>", "<x@corp.example>"],
        ),
        (
            "@corp.example",
            &["<a@corp.example>", "<\"x y\"@corp.example>"],
            &["<a@x.corp.example>", "<>"],
        ),
        ("*@*.corp.example", &["<a@x.corp.example>"], &["<a@corp.example>"]),
        ("<>", &["<>"], &["<a@corp.example>"]),
        ("*@*", &["<a@corp.example>", "<a@[192.0.2.1]>"], &["<>"]),
        (
            "<bounce-*@bücher.example>",
            &["<bounce-7@xn--bcher-kva.example>"],
            &["<bounce@xn--bcher-kva.example>"],
        ),
    ];
    for (pattern, fit, not) in rows {
        let pattern: SenderPattern = pattern.parse().unwrap();
        for sender in fit {
            assert!(pattern.matches(&ReversePath::parse(sender).unwrap()), "{pattern} {sender}");
        }
        for sender in not {
            assert!(!pattern.matches(&ReversePath::parse(sender).unwrap()), "{pattern} {sender}");
        }
        assert_eq!(pattern.to_string().parse::<SenderPattern>(), Ok(pattern));
    }
}

#[test]
fn field_names_are_compared_without_case() {
    let name: FieldName = "List-Id".parse().unwrap();
    assert!(name.is(b"LIST-ID") && !name.is(b"List-Ida"));
    assert_eq!(name, "list-id".parse().unwrap());
    assert_eq!(name.to_string(), "List-Id");
}
