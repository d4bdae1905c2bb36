//! One character after the other: all of the scripts, and samples of the large blocks
//! whose characters are all alike (ideographs, Hangul, private use, unassigned planes).

use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::{Canonical, Domain, ForwardPath, Mailbox, PersonRules};

fn characters() -> impl Iterator<Item = char> {
    let ranges = [
        (0x20..0x3400, 1),
        (0x3400..0xA000, 101),
        (0xA000..0xAC00, 1),
        (0xAC00..0xD7A4, 101),
        (0xD7A4..0xE000, 1),
        (0xE000..0xF900, 101),
        (0xF900..0x2_0000, 1),
        (0x2_0000..0x2_F800, 101),
        (0x2_F800..0x2_FA20, 1),
        (0x2_FA20..0xE_0000, 1009),
        (0xE_0000..0xE_0200, 1),
        (0xE_0200..0x11_0000, 1009),
    ];
    ranges.into_iter().flat_map(|(range, step)| range.step_by(step)).filter_map(char::from_u32)
}

/// The key of a local part given unquoted, if it is accepted.
fn key(local: &str) -> Option<Canonical> {
    let mailbox = Mailbox::parse(&format!("\"{local}\"@x.example")).ok()?;
    mailbox.canonical(&PersonRules::default()).ok()
}

/// The local part of a key.
fn local(form: &str) -> &str {
    form.strip_suffix("@x.example").expect("the domain is kept")
}

#[test]
fn every_key_is_idempotent_and_free_of_routing() {
    let mut accepted = 0;
    for c in characters() {
        for text in [format!("{c}"), format!("a{c}b")] {
            let Some(first) = key(&text) else { continue };
            accepted += 1;
            let again = key(local(first.exact())).expect("an exact form is accepted");
            assert_eq!(again, first, "{text}");
            let again = key(local(first.person())).expect("a person form is accepted");
            assert_eq!(again.person(), first.person(), "{text}");
            for form in [first.exact(), first.person()] {
                let routing = ['@', '%', '!', '"', '\\', '(', ')', ',', ':', ';', '<', '>'];
                assert!(!local(form).contains(routing), "{text}: {form}");
            }
        }
    }
    assert!(accepted > 60_000, "{accepted}");
}

#[test]
fn a_recipient_is_accepted_exactly_when_it_has_a_key() {
    for c in characters() {
        let text = format!("a{c}b");
        let path = ForwardPath::parse(&format!("<\"{text}\"@x.example>"));
        assert_eq!(path.is_ok(), key(&text).is_some(), "{c:?}");
    }
}

#[test]
fn upper_and_lower_case_are_one_person() {
    let mut pairs = 0;
    for c in characters() {
        let upper = c.to_uppercase().to_string();
        // Only where the mapping leads back: `ı` is not `i`, though its upper case is `I`.
        if upper == c.to_string() || upper.to_lowercase() != c.to_string() {
            continue;
        }
        if let Some(lower) = key(&format!("x{c}")) {
            assert_eq!(key(&format!("x{upper}")), Some(lower), "{c:?}");
            pairs += 1;
        }
    }
    assert!(pairs > 1_200, "{pairs}");
}

#[test]
fn composed_and_decomposed_are_one_mailbox() {
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    for c in characters() {
        let composed = format!("x{c}");
        let decomposed = nfd.normalize(&composed);
        if decomposed != composed {
            assert_eq!(key(&decomposed), key(&composed), "{c:?}");
        }
    }
}

#[test]
fn a_domain_of_any_character_is_idempotent() {
    for c in characters() {
        let Ok(domain) = Domain::parse(&format!("a{c}b.example")) else { continue };
        let text = domain.to_string();
        let is_ldh = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        assert!(text.chars().all(is_ldh), "{c:?}: {text}");
        assert_eq!(Domain::parse(&text), Ok(domain), "{c:?}");
    }
}
