//! What kind of list a text is, by its beginning.

use crate::access_map;

/// A kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Xml,
    Json,
    AccessMap,
    /// CSV, or one address a line.
    Csv,
}

/// By the beginning of a text. `whole` says that it is all of it.
pub(crate) fn kind(start: &str, whole: bool) -> Kind {
    let text = start.trim_start();
    match text.chars().next() {
        Some('{') => Kind::Json,
        // Not a name in brackets, as a list may begin with.
        Some('[') if text.get(1..).is_some_and(begins_value) => Kind::Json,
        Some('"') if is_json_text(text) => Kind::Json,
        Some('<') if is_markup(text) => Kind::Xml,
        _ => {
            let lines = match whole {
                true => start,
                // The last line is cut.
                false => start.rsplit_once('\n').map_or(start, |(lines, _)| lines),
            };
            if access_map::looks_like_one(lines) { Kind::AccessMap } else { Kind::Csv }
        }
    }
}

fn begins_value(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"', ']'])
}

/// One text in quotes a line and nothing else; with backslashes, which CSV does not have, or
/// whatever it is, CSV reads it as well.
fn is_json_text(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().trim();
    let inside = first.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.is_some_and(|inside| inside.contains('\\') && !inside.contains('"'))
}

/// `<?xml`, `<!`, or an element; not `<bob@example.com>`.
fn is_markup(text: &str) -> bool {
    let inside = text.get(1..).unwrap_or_default();
    let tag = inside.split('>').next().unwrap_or_default();
    let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    inside.starts_with(['?', '!'])
        || (name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && !name.contains('@')
            && inside.contains('>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_known() {
        for (text, expected) in [
            ("<?xml version=\"1.0\"?><l/>", Kind::Xml),
            ("\n<!-- x --><l/>", Kind::Xml),
            ("<l><e>a@x.example</e></l>", Kind::Xml),
            ("<l a='x@y'/>", Kind::Xml),
            ("<bob@example.com>\n", Kind::Csv),
            ("{\"email\":\"a@x.example\"}\n", Kind::Json),
            (" [\n{\"email\":\"a@x.example\"}]", Kind::Json),
            ("[]", Kind::Json),
            ("[\"a@x.example\"]", Kind::Json),
            ("[Bob] a@x.example\n", Kind::Csv),
            ("\"a\\u0040x.example\"\n", Kind::Json),
            ("\"a@x.example\"\n\"b@x.example\"\n", Kind::Csv),
            ("a@x.example REJECT\nb@x.example OK\n", Kind::AccessMap),
            ("email,created\na@x.example,1\n", Kind::Csv),
            ("a@x.example\n", Kind::Csv),
            ("", Kind::Csv),
        ] {
            assert_eq!(kind(text, true), expected, "{text}");
        }
        assert_eq!(kind("a@x.example REJECT\nb@x.exam", false), Kind::AccessMap);
    }
}
