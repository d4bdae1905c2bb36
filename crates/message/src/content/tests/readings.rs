//! What programs read in several ways, each of them looked for.

use super::*;

/// Everything that a check for words looks at, and whether all of it could be read.
fn finds(message: &str, needle: &str) -> bool {
    finds_in(&Content::decode(message.replace('\n', "\r\n").as_bytes()), needle)
}

fn finds_in(content: &Content, needle: &str) -> bool {
    let has = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").contains(needle);
    content.texts.iter().any(|text| {
        has(&text.visible)
            || text.whole.as_deref().is_some_and(has)
            || text.links.iter().any(|link| has(&link.target))
    }) || content.inner_subjects.iter().any(|subject| has(subject))
}

fn file(header: &str, body: &str) -> String {
    format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\n{header}\n\n{body}\n--b--"
    )
}

#[test]
fn files_are_read_by_each_of_their_names_and_their_type() {
    const PROGRAM: &str = "Content-Type: application/octet-stream; name=evil.exe\n\nMZ";
    const TEXT: &str = "Content-Transfer-Encoding: base64\n\ncHJvamVjdCBmYWxjb24=";
    for header in [
        "Content-Type: application/octet-stream; name=a.html\nContent-Disposition: attachment; filename=a.eml",
        "Content-Type: application/octet-stream; name=a.txt\nContent-Disposition: attachment; filename=a.eml",
        "Content-Type: text/plain; name=a.eml",
        "Content-Type: text/html; name=a.eml\nContent-Disposition: attachment; filename=a.eml",
        "Content-Type: text/x-mail; name=a.eml",
        "Content-Type: x-foo/bar; name=a.eml",
        "Content-Type: message/delivery-status; name=a.eml",
        "Content-Type: application/pdf; name=a.mht",
        "Content-Type: application/pdf; name=a.MHTML",
        "Content-Type: application/pdf; name=a.nws",
        "Content-Type: application/mbox",
        "Content-Type: multipart/related; name=a.mbox\nContent-Type: application/x; name=a.mbox",
    ] {
        let content = Content::decode(file(header, PROGRAM).replace('\n', "\r\n").as_bytes());
        let mut names = content.attachments.iter().flat_map(|one| &one.names);
        assert!(names.any(|name| name == "evil.exe"), "{header}");
        assert!(finds(&file(header, TEXT), "project falcon"), "{header}");
        assert!(content.shown == Shown::All(vec![Shown::Text(0)]) || header.contains("text/"));
    }
    let several = format!("From a b\n{PROGRAM}\n\nFrom c d\n{TEXT}");
    for (header, body) in [
        ("Content-Type: application/octet-stream; name=a.mbox", several.as_str()),
        ("Content-Type: application/octet-stream; name=a.emlx", &format!("70\n{TEXT}")),
    ] {
        assert!(finds(&file(header, body), "project falcon"), "{header}");
    }
    for header in [
        "Content-Type: text/plain; name=a.html\nContent-Disposition: attachment",
        "Content-Type: x-foo/bar; name=a.html",
        "Content-Type: text/x-foo; name=a.html",
        "Content-Type: text/x-foo",
        "Content-Type: message/delivery-status; name=a.html",
    ] {
        assert!(finds(&file(header, "project fal<!-- x -->con"), "project falcon"), "{header}");
    }
}
