//! RFC 5321 s4.5.3.1: each limit at, one under, one over.

use super::fault;
use crate::AddressFault::TooLong;
use crate::{DOMAIN_MAX, Domain, ForwardPath, LABEL_MAX, LOCAL_PART_MAX, Mailbox, PATH_MAX};
use crate::{PersonRules, ReversePath};

/// A domain name of exactly `len` octets.
fn name_of(len: usize) -> String {
    let label = "d".repeat(LABEL_MAX);
    let mut name = String::new();
    while len - name.len() > LABEL_MAX + 1 {
        name.push_str(&label);
        name.push('.');
    }
    name.push_str(&"e".repeat(len - name.len()));
    assert_eq!(name.len(), len);
    name
}

#[test]
fn a_local_part_has_64_octets_as_written() {
    type Form = fn(usize) -> String;
    let forms: [(&str, Form); 4] = [
        ("plain", |len| "a".repeat(len)),
        ("quoted", |len| format!("\"{} b\"", "a".repeat(len - 4))),
        ("UTF-8", |len| format!("{}{}", "é".repeat(len / 2), "a".repeat(len % 2))),
        ("backslashes", |len| format!("\"{}{}\"", "\\a".repeat(len / 2 - 1), "b".repeat(len % 2))),
    ];
    for (form, local) in forms {
        for (len, fits) in [(63, true), (64, true), (65, false)] {
            assert_eq!(local(len).len(), len, "{form}");
            let text = format!("{}@x.example", local(len));
            assert_eq!(Mailbox::parse(&text).is_ok(), fits, "{form} {len}");
            assert_eq!(ForwardPath::parse(&format!("<{text}>")).is_ok(), fits, "{form} {len}");
            // VERP and SRS write longer ones.
            assert!(ReversePath::parse(&format!("<{text}>")).is_ok(), "{form} {len}");
        }
        let text = format!("{}@x.example", local(LOCAL_PART_MAX + 1));
        assert_eq!(Mailbox::parse(&text).unwrap_err().fault, TooLong, "{form}");
        assert_eq!(fault(&format!("<{text}>")), TooLong, "{form}");
    }
}

#[test]
fn a_label_has_63_octets() {
    for (len, fits) in [(62, true), (63, true), (64, false)] {
        let name = format!("{}.example", "a".repeat(len));
        assert_eq!(Domain::parse(&name).is_ok(), fits, "{len}");
        assert_eq!(ForwardPath::parse(&format!("<u@{name}>")).is_ok(), fits, "{len}");
    }
    // "ä" alone is `xn--4ca`; each further one adds one octet.
    for (count, fits) in [(56, true), (57, true), (58, false)] {
        let result = Domain::parse(&"ä".repeat(count));
        assert_eq!(result.is_ok(), fits, "{count}: {result:?}");
        if let Ok(domain) = result {
            assert_eq!(domain.to_string().len(), count + 6);
        }
    }
    let error = Domain::parse(&"a".repeat(64)).unwrap_err();
    assert_eq!(error.fault, TooLong);
}

#[test]
fn a_domain_has_255_octets_and_its_last_dot_is_not_counted() {
    for (len, fits) in [(254, true), (255, true), (256, false)] {
        let name = name_of(len);
        for text in [name.clone(), format!("{name}.")] {
            let result = Domain::parse(&text);
            assert_eq!(result.is_ok(), fits, "{len}");
            if let Err(error) = result {
                assert_eq!(error.fault, TooLong, "{len}");
            }
        }
    }
    assert_eq!(Domain::parse(&name_of(DOMAIN_MAX)).unwrap().to_string().len(), DOMAIN_MAX);
}

#[test]
fn a_path_has_256_octets_with_its_brackets() {
    for (len, fits) in [(255, true), (256, true), (257, false)] {
        let local = "a".repeat(LOCAL_PART_MAX);
        let path = format!("<{local}@{}>", name_of(len - LOCAL_PART_MAX - 3));
        assert_eq!(path.len(), len);
        assert_eq!(ForwardPath::parse(&path).is_ok(), fits, "{len}");
        assert_eq!(ReversePath::parse(&path).is_ok(), fits, "{len}");
        let path = format!("<{}@x.example>", "a".repeat(len - 12));
        assert_eq!(path.len(), len);
        assert_eq!(ReversePath::parse(&path).is_ok(), fits, "{len}");
    }
    let path = format!("<a@{}>", name_of(PATH_MAX - 3));
    assert_eq!(fault(&path), TooLong);
}

#[test]
fn a_path_that_outgrows_its_limit_in_a_labels_is_refused() {
    // Each label has 2 octets as received, 7 as sent.
    let path = |labels: usize| format!("<a@{}example>", "ä.".repeat(labels));
    assert!(ForwardPath::parse(&path(29)).is_ok());
    let sent = ForwardPath::parse(&path(30)).unwrap().to_string();
    assert!(sent.len() <= PATH_MAX, "{}", sent.len());
    assert!(path(31).len() < PATH_MAX);
    assert_eq!(fault(&path(31)), TooLong);
    assert!(ReversePath::parse(&path(31)).is_err());
}

#[test]
fn text_of_any_length_is_refused_without_much_work() {
    let megabyte = "a".repeat(1 << 20);
    for text in [
        megabyte.clone(),
        format!("{megabyte}@x.example"),
        format!("x@{megabyte}"),
        format!("x@{}", "a.".repeat(1 << 19)),
        format!("x@{}", "ä.".repeat(1 << 19)),
        format!("\"{}", "\\\"".repeat(1 << 19)),
        format!("x@[{megabyte}]"),
        "(".repeat(1 << 20),
    ] {
        assert!(Mailbox::parse(&text).is_err());
        assert!(ForwardPath::parse(&format!("<{text}>")).is_err());
        assert!(ReversePath::parse(&format!("<{text}>")).is_err());
        assert!(crate::split_path(&text).is_err());
    }
}

#[test]
fn the_longest_mailbox_has_a_canonical_form() {
    let local = "İ".repeat(LOCAL_PART_MAX / 2);
    let mailbox = Mailbox::parse(&format!("{local}@{}", name_of(DOMAIN_MAX))).unwrap();
    let canonical = mailbox.canonical(&PersonRules::default()).unwrap();
    assert!(canonical.exact().len() > LOCAL_PART_MAX + 1 + DOMAIN_MAX, "folding makes it longer");
    assert_eq!(canonical.domain().len(), DOMAIN_MAX);
}
