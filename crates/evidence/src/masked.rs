//! Texts of replies without the addresses in them.
//!
//! Our own refusals name the recipient, and so do many of a smarthost's replies; kept as they
//! are, the evidence would be a list of the people who opted out, whatever keys its other fields
//! are hashed under. What stands in angle brackets and holds an at sign is masked whole, and so
//! is any other run of characters around one.

use std::borrow::Cow;

use memchr::memchr;

/// What stands in the place of an address.
const MASK: &str = "***";

/// The text with every address in it masked.
#[must_use]
pub fn mask_addresses(text: &str) -> Cow<'_, str> {
    if memchr(b'@', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, from) = rest.split_at(open);
        // A quoted local part may hold a bracket: up to the last that closes before the next
        // line or the next opening one.
        let inner = from.get(1..).unwrap_or_default();
        let line = inner.split(['<', '\n']).next().unwrap_or_default();
        mask_words(before, &mut masked);
        rest = match line.rfind('>') {
            Some(close) if line.get(..close).is_some_and(|path| path.contains('@')) => {
                masked.push('<');
                masked.push_str(MASK);
                inner.get(close..).unwrap_or_default()
            }
            _ => {
                masked.push('<');
                inner
            }
        };
    }
    mask_words(rest, &mut masked);
    Cow::Owned(masked)
}

/// Copies the text, with each word that holds an at sign masked.
fn mask_words(text: &str, masked: &mut String) {
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';');
    for word in text.split_inclusive(ends) {
        match word.strip_suffix(ends) {
            Some(bare) if bare.contains('@') => {
                masked.push_str(MASK);
                masked.push_str(word.get(bare.len()..).unwrap_or_default());
            }
            None if word.contains('@') => masked.push_str(MASK),
            _ => masked.push_str(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_masked_and_the_rest_stays() {
        for (text, expected) in [
            ("5.7.1 <bob@example.com> opted out; ref 1K", "5.7.1 <***> opted out; ref 1K"),
            ("<\"a b\"@x.example> <\"a>b\"@x.example>: no", "<***> <***>: no"),
            ("bob@example.com: User unknown (bob@x)", "*** User unknown (***)"),
            ("<a@b>\n<c@d> no", "<***>\n<***> no"),
            ("<postmaster> ok", "<postmaster> ok"),
            ("2.0.0 queued as 4F3A <id> x@y", "2.0.0 queued as 4F3A <id> ***"),
            ("<broken@example.com and no end", "<*** and no end"),
            ("", ""),
        ] {
            assert_eq!(mask_addresses(text), expected);
        }
    }

    proptest! {
        #[test]
        fn no_at_sign_is_left(text: String, address in "[a-z\"<>]{1,8}@[a-z.]{1,8}") {
            let text = format!("{text}{address}{text}");
            prop_assert!(!mask_addresses(&text).contains('@'));
        }

        #[test]
        fn a_text_without_an_at_sign_is_left_alone(text in "[^@]*") {
            prop_assert_eq!(&mask_addresses(&text), &text);
        }
    }
}
