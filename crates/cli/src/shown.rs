//! Somebody else's text, as it may be shown to a person.

/// The text with everything made harmless that could steer a terminal or turn the direction of
/// a line. Quotes and backslashes are left as they are.
pub(crate) fn shown(text: &str) -> String {
    let plain = |c: char| matches!(c, '"' | '\'' | '\\');
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(plain) {
        let end = part.strip_suffix(plain).unwrap_or(part);
        out.extend(end.escape_debug());
        out.push_str(part.get(end.len()..).unwrap_or_default());
    }
    out
}

/// The same, and no longer than a line has room for.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}...", shown(text.get(..at).unwrap_or_default())),
        None => shown(text),
    }
}

/// `1 line`, `2 lines`.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_and_what_steers_a_terminal_does_not() {
        assert_eq!(
            shown("opted out of \"Spring\" (it's C:\\x)"),
            "opted out of \"Spring\" (it's C:\\x)"
        );
        assert_eq!(shown("Zoë 漢字"), "Zoë 漢字");
        assert_eq!(shown("a\u{1b}[31m\u{202e}\n\"\u{7}"), "a\\u{1b}[31m\\u{202e}\\n\"\\u{7}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äöü...");
        assert_eq!((counted(1, "a", "b"), counted(2, "a", "b")), ("1 a".into(), "2 b".into()));
    }
}
