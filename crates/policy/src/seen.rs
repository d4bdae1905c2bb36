//! A text as the eye has it: without characters that are not seen, and in the letters that it
//! takes others for.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::expression::Expression;

/// Whether an expression fits a text, as it is or as the eye has it. Nothing, where it does not
/// fit it as it is, and the other is more than [`room`].
pub(crate) fn fits(expression: &Expression, text: &str) -> Option<bool> {
    if expression.matches(text) {
        return Some(true);
    }
    seen(text).map(|seen| seen != text && expression.matches(&seen))
}

/// The text without what is not seen, wide and styled letters as plain ones (Unicode NFKC). As
/// it is, where there is nothing of the kind. Nothing, where it is more than [`room`].
pub(crate) fn seen(text: &str) -> Option<Cow<'_, str>> {
    if text.bytes().all(|octet| octet.is_ascii() && !is_control(char::from(octet))) {
        return Some(Cow::Borrowed(text));
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let shown = text.chars().filter(|c| !is_invisible(*c));
    let (mut out, most) = (String::with_capacity(text.len()), room(text));
    for c in nfkc.normalize_iter(shown) {
        out.push(c);
        if out.len() > most {
            return None;
        }
    }
    Some(Cow::Owned(out))
}

/// Octets that a text may have in plain letters: one character may be eighteen (U+FDFA), but no
/// text of anybody's grows so.
pub(crate) fn room(text: &str) -> usize {
    text.len().saturating_mul(2).saturating_add(ROOM)
}

/// More than any header becomes that is read.
const ROOM: usize = 1 << 20;

/// Characters that are not seen and part no words: marks of where a word may be cut, of the
/// direction, of a form (Unicode: Default_Ignorable_Code_Point), and control characters.
pub(crate) fn is_invisible(c: char) -> bool {
    is_control(c)
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn is_control(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_eye_has() {
        for text in [
            "lot\u{200b}tery",
            "lot\u{ad}ter\u{2060}y",
            "lot\0tery",
            "ｌｏｔｔｅｒｙ",
            "\u{202e}lottery\u{202c}",
            "𝐥𝐨𝐭𝐭𝐞𝐫𝐲",
            "l\u{e0020}ottery\u{fe0f}",
        ] {
            assert_eq!(seen(text).as_deref(), Some("lottery"), "{text:?}");
        }
        assert!(matches!(seen("a\tb\r\n"), Some(Cow::Borrowed(_))));
        assert_eq!(seen("1\u{a0}€").as_deref(), Some("1 €"));
    }
}
