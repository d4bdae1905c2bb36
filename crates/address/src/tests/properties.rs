//! What holds for every address.

use proptest::prelude::*;

use crate::{AddressFault, Domain, ForwardPath, Mailbox, PersonRules, ReversePath, split_path};

/// A local part: letters of several scripts, all of atext, and what needs quotes.
fn local() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9]{1,8}([.+_=-][a-zA-Z0-9]{1,8}){0,3}",
        2 => "[a-z!#$%&'*+/=?^_`{|}~.-]{1,12}",
        2 => "[a-zäöüßéèñçıİσςЖжøæœ٣ﬁＡａ１²+.]{1,10}",
        1 => "[ -~]{0,16}",
        1 => "\\PC{0,8}",
    ]
}

fn domain() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9]{1,8}(-[a-zA-Z0-9]{1,4}){0,2}(\\.[a-zA-Z]{2,6}){0,3}\\.?",
        2 => "[a-zäöüßéñＡａжЖ]{1,8}[.。][a-z]{2,5}",
        1 => Just("GoogleMail.com".to_owned()),
        1 => Just("Me.com".to_owned()),
        1 => "\\[(IPv6:([0-9a-f]{1,4}:){7}[0-9A-F]{1,4}|[0-9]{1,3}(\\.[0-9]{1,3}){3}|[!-Z^-~]{0,5})\\]",
    ]
}

/// A local part in quotes, with a backslash wherever the mask has a bit.
fn quoted(local: &str, mask: u64) -> String {
    let mut text = String::from("\"");
    for (at, c) in local.chars().enumerate() {
        let bit = c.is_ascii() && mask.rotate_right(at as u32) & 1 == 1;
        if bit || matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text + "\""
}

/// Text of an address, often a valid one.
fn text() -> impl Strategy<Value = String> {
    (local(), domain(), any::<Option<u64>>()).prop_map(|(local, domain, mask)| match mask {
        Some(mask) => format!("{}@{domain}", quoted(&local, mask)),
        None => format!("{local}@{domain}"),
    })
}

/// ASCII letters in the other case, wherever the mask has a bit.
fn other_case(text: &str, mask: u64) -> String {
    let turn = |(at, c): (usize, char)| match mask.rotate_right(at as u32) & 1 {
        1 if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
        1 => c.to_ascii_lowercase(),
        _ => c,
    };
    text.chars().enumerate().map(turn).collect()
}

#[test]
fn a_domain_is_shown_as_people_write_it() {
    let of = |text: &str| {
        let canonical = Mailbox::parse(text).unwrap().canonical(&PersonRules::default()).unwrap();
        canonical.domain_in_unicode()
    };
    assert_eq!(of("a@BÜCHER.example").as_deref(), Some("bücher.example"));
    assert_eq!(of("a@x.xn--bcher-kva.example").as_deref(), Some("x.bücher.example"));
    assert_eq!(of("a@example.com"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_address_is_kept_as_it_was_written(text in text()) {
        let Ok(mailbox) = Mailbox::parse(&text) else { return Ok(()) };
        let Ok(canonical) = mailbox.canonical(&PersonRules::default()) else { return Ok(()) };
        prop_assert_eq!(mailbox.written(&canonical), &text);
        let again = Mailbox::parse(&mailbox.to_string()).unwrap();
        prop_assert_eq!(&again, &mailbox);
    }

    #[test]
    fn a_mailbox_rendered_reads_back(text in text()) {
        let rules = PersonRules::default();
        if let Ok(mailbox) = Mailbox::parse(&text) {
            let rendered = mailbox.to_string();
            prop_assert!(rendered.len() <= text.len() || !text.is_ascii());
            let again = Mailbox::parse(&rendered);
            prop_assert_eq!(again.as_ref(), Ok(&mailbox));
            prop_assert_eq!(mailbox.canonical(&rules), again.unwrap().canonical(&rules));
            prop_assert_eq!(mailbox.is_ascii(), rendered.is_ascii());
        }
        if let Ok(path) = ReversePath::parse(&format!("<{text}>")) {
            let rendered = path.to_string();
            prop_assert_eq!(ReversePath::parse(&rendered), Ok(path));
            let line = format!("{rendered} X=\">\"");
            prop_assert_eq!(split_path(&line), Ok((&*rendered, " X=\">\"")));
        }
    }

    #[test]
    fn a_recipient_rendered_reads_back_and_keeps_its_keys(text in text()) {
        let rules = PersonRules::default();
        let Ok(path) = ForwardPath::parse(&format!("<{text}>")) else { return Ok(()) };
        let rendered = path.to_string();
        let again = ForwardPath::parse(&rendered).unwrap();
        prop_assert_eq!(&again, &path);
        let key = path.mailbox().unwrap().canonical(&rules).unwrap();
        prop_assert_eq!(again.mailbox().unwrap().canonical(&rules).unwrap(), key);
        // One at sign is left, and it divides the same two parts for everybody.
        prop_assert_eq!(rendered.matches('@').count(), 1);
        let local = path.mailbox().unwrap().local();
        prop_assert!(!local.contains(['%', '!', '@', '"', '\\']), "{}", local);
        prop_assert!(matches!(path.mailbox().unwrap().domain(), Domain::Name(_)));
    }

    #[test]
    fn canonicalising_is_idempotent(text in text()) {
        let rules = PersonRules::default();
        let Ok(mailbox) = Mailbox::parse(&text) else { return Ok(()) };
        let Ok(key) = mailbox.canonical(&rules) else { return Ok(()) };
        for form in [key.exact(), key.person()] {
            let (local, domain) = form.rsplit_once('@').unwrap();
            let again = Mailbox::parse(&format!("{}@{domain}", quoted(local, 0)));
            match again.and_then(|mailbox| mailbox.canonical(&rules)) {
                Ok(again) if form == key.exact() => prop_assert_eq!(&again, &key),
                Ok(again) => prop_assert_eq!(again.person(), key.person()),
                // Folding can make it longer than a local part may be, and dots or a tag
                // that are gone can leave `=?` or `imcea-`.
                Err(error) if error.fault == AddressFault::TooLong => {}
                Err(error) => prop_assert!(form != key.exact(), "{}: {}", form, error),
            }
        }
    }

    #[test]
    fn case_quotes_and_tags_keep_the_person(
        local in "[a-z0-9äéж]{1,9}(\\.[a-z0-9äéж]{1,6}){0,2}",
        domain in "[a-z]{1,9}\\.(example|com)",
        tag in "[a-z0-9.]{0,9}",
        mask in any::<u64>(),
        dot in any::<bool>(),
    ) {
        let rules = PersonRules::default();
        let key = |text: &str| Mailbox::parse(text).unwrap().canonical(&rules).unwrap();
        let plain = key(&format!("{local}@{domain}"));
        let domain = other_case(&domain, mask) + if dot { "." } else { "" };
        let local = other_case(&local, mask);
        prop_assert_eq!(&key(&format!("{local}@{domain}")), &plain);
        prop_assert_eq!(&key(&format!("{}@{domain}", quoted(&local, mask))), &plain);
        let tagged = key(&format!("{}@{domain}", quoted(&format!("{local}+{tag}"), mask)));
        prop_assert_eq!(tagged.person(), plain.person());
        prop_assert_ne!(tagged.exact(), plain.exact());
    }

    #[test]
    fn no_text_at_all_makes_it_stumble(text in any::<String>(), tail in "\\PC{0,20}") {
        for text in [text.clone(), format!("<{text}>"), format!("a@{text}"), format!("{text}@{tail}")] {
            let mailbox = Mailbox::parse(&text);
            let _ = Domain::parse(&text);
            let _ = ReversePath::parse(&text);
            if let Ok((path, rest)) = split_path(&text) {
                prop_assert_eq!(path.len() + rest.len(), text.len());
            }
            let bracketed = ForwardPath::parse(&format!("<{text}>"));
            prop_assert!(mailbox.is_ok() || !matches!(bracketed, Ok(ForwardPath::Mailbox(_))));
        }
    }
}
