//! Names of columns, for messages and the log.
//!
//! What is taken for a name may be the first row of a list, and so somebody's address or the
//! digest of one: that is shown by its shape alone.

use crate::cell::looks_like_digest;
use crate::report::mask;

/// Shortest run of hexadecimal digits that is no name.
const HEX_MIN: usize = 32;
/// Shortest text without spaces that may be a digest in base64: an MD5 has 22 characters.
const CODED_MIN: usize = 22;

/// A name in quotes.
pub(crate) fn shown(name: &str) -> String {
    let text = name.trim();
    match is_personal(text) {
        true => format!("\"{}\"", mask(text)),
        false => format!("\"{}\"", text.escape_debug()),
    }
}

fn is_personal(text: &str) -> bool {
    let hex = text.len() >= HEX_MIN && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Without padding it has no sign of its own, but no name mixes so.
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    let coded = text.len() >= CODED_MIN
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit);
    text.contains('@') || hex || coded || looks_like_digest(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_of_a_person_is_shown_by_its_shape() {
        for name in [
            "bob@example.com",
            "b58996c504c5638798eb6b511e6f49af",
            "S5uAYg8D6zcZ4KBhwUKDPQ==",
            "S5uAYg8D6zcZ4KBhwUKDPQ",
        ] {
            let shown = shown(name);
            assert!(shown.contains("xx") && !shown.contains(name), "{shown}");
        }
        for name in ["email", "E-Mail 1", "Contact.Email", "UnsubscribedFromAllNewsletters"] {
            assert_eq!(shown(name), format!("\"{name}\""));
        }
        assert_eq!(shown(" a\nb "), "\"a\\nb\"");
    }
}
