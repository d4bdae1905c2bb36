//! XML: held against roxmltree, which builds the whole tree. What it takes we take, and the
//! records and addresses are the same.

use address::{Mailbox, PersonRules};
use roxmltree::{Document, Node, ParsingOptions};
use sources::{Format, Spec, XmlSpec};

use crate::list::read;

/// All bytes are the file; records are `/l/e[@a='1']`, the address is in `m`.
pub fn xml(data: &[u8]) {
    let Some(spec) = spec() else { return };
    let found = read(data, &spec);
    let Ok(text) = str::from_utf8(data) else { return };
    // `]]>` in a text is an error for one and a text for the other; a document type with
    // definitions is refused.
    if text.contains("<!DOCTYPE") || text.contains("]]>") || data.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    // roxmltree takes `<:m></m>` for a pair.
    if text.contains("<:") || text.contains("</:") {
        return;
    }
    let options = ParsingOptions { nodes_limit: 100_000, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(text, options) else { return };
    let Some(found) = found else {
        assert!(depth(document.root_element()) > 250, "a sound file was refused");
        return;
    };
    let root = document.root_element();
    let selected = |node: &Node<'_, '_>| {
        named(node, "e") && attribute(node, "a").is_some_and(|v| v.trim() == "1")
    };
    let records: Vec<_> = root.children().filter(selected).filter(|_| named(&root, "l")).collect();
    assert_eq!(found.report.rows, records.len() as u64);
    let mut expected = 0;
    for record in records {
        let texts: Vec<_> = record.children().filter(|node| named(node, "m")).map(value).collect();
        let filled = texts.iter().filter(|text| !text.trim().is_empty()).count();
        let plain = texts.iter().filter(|text| is_plain(text)).count();
        let whole: usize = texts.iter().map(|text| text.len() + 1).sum();
        if filled == plain && whole < 60_000 {
            expected += plain as u64;
        }
    }
    assert!(found.report.addresses >= expected, "lost an address");
}

fn spec() -> Option<Spec> {
    let xml = XmlSpec {
        record: "/l/e[@a='1']".parse().ok()?,
        email: Some("m".parse().ok()?),
        date: None,
        reason: None,
        kind: None,
        scope: None,
        until: None,
        encoding: Some("utf-8".parse().ok()?),
    };
    Some(Spec::new("list", Format::Xml(xml)))
}

/// By its name without prefix, as paths are.
fn named(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn attribute<'a>(node: &Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.name() == name).map(|attribute| attribute.value())
}

fn value(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

fn is_plain(text: &str) -> bool {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '-' | '_');
    let text = text.trim_ascii();
    let inside = text.replace('.', "");
    inside.chars().all(ordinary)
        && !text.ends_with('.')
        && Mailbox::parse(text).is_ok_and(|m| m.canonical(&PersonRules::default()).is_ok())
}

/// Without recursion: deep trees are what is asked about.
fn depth(root: Node<'_, '_>) -> usize {
    root.descendants()
        .filter(|node| node.is_element())
        .map(|node| node.ancestors().count())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"<l>",
            b"</l>",
            b"<e a='1'>",
            b"<e a=\"1\" b='2'>",
            b"</e>",
            b"<m>",
            b"</m>",
            b"<m/>",
            b"bob@example.com",
            b"<!-- x -->",
            b"<![CDATA[",
            b"]]>",
            b"&amp;",
            b"&#64;",
            b"&#x40;",
            b"&foo;",
            b"<?p i?>",
            b"<!DOCTYPE l [",
            b"<!ENTITY a \"b\">",
            b"\r\n",
            b"<x:e xmlns:x='u' a='1'>",
            b"</x:e>",
            b"\xc3\xbc",
        ];
        exercise("xml", super::xml, words);
    }
}
