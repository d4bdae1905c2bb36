//! The encoding an XML file declares for itself (XML 1.0 s4.3.3).

use encoding_rs::{UTF_16BE, UTF_16LE};

use crate::spec::Charset;

/// What `<?xml … encoding="…"?>` says. A declaration that can be read as ASCII shows that the
/// file is not in UTF-16, whatever it says: programs write it so and then save as UTF-8. Unknown
/// names say nothing either.
pub(crate) fn declared(head: &[u8]) -> Option<Charset> {
    let head = head.trim_ascii_start();
    let head = head.get(..head.len().min(1024))?;
    let rest = head.strip_prefix(b"<?xml")?;
    let end = rest.windows(2).position(|pair| pair == b"?>")?;
    let declaration = str::from_utf8(rest.get(..end)?).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = value.get(1..)?.split_once(quote)?;
    let charset: Charset = label.parse().ok()?;
    (charset.0 != UTF_16LE && charset.0 != UTF_16BE).then_some(charset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_is_read_in_all_its_spellings() {
        for (head, name) in [
            ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>", Some("windows-1252")),
            ("<?xml version='1.0' encoding = 'utf-8' standalone='yes'?>", Some("UTF-8")),
            ("\n<?xml version=\"1.0\" encoding=\"windows-1251\" ?>", Some("windows-1251")),
            ("<?xml version=\"1.0\" encoding=\"utf-16\"?>", None),
            ("<?xml version=\"1.0\" encoding=\"klingon\"?>", None),
            ("<?xml version=\"1.0\"?>", None),
            ("<a encoding=\"latin1\"/>", None),
            ("<?xml encoding=\"", None),
            ("", None),
        ] {
            let found = declared(head.as_bytes()).map(|charset| charset.to_string());
            assert_eq!(found.as_deref(), name, "{head}");
        }
    }
}
