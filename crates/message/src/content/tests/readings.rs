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

/// A text in base64, its type given.
fn coded(kind: &str, octets: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let header = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    let mut out = header.into_bytes();
    for group in octets.chunks(3) {
        let octet = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= group.len() { letter } else { b'=' });
        }
    }
    out
}

#[test]
fn charsets_that_programs_differ_about_are_read_in_each_way() {
    const MARKED: &[u8] = b"\xef\xbb\xbfproject falcon";
    let cases: &[(&str, &[u8])] = &[
        ("text/html; charset=utf-16le", MARKED),
        ("text/plain; charset=utf-16be", MARKED),
        ("text/plain; charset=gb18030", MARKED),
        ("text/plain; charset=utf-7", b"\xef\xbb\xbf+project falcon-"),
        ("text/html; charset=utf-7", b"<p>+project falcon</p>"),
        ("text/html; charset=csUTF7", b"<p>+project falcon</p>"),
        ("text/html; charset=utf-7", b"<p>+AHA-roject falcon</p>"),
        ("text/plain; charset=utf-7", b"project falco+AG4"),
        ("text/html", b"<!--<meta charset=utf-7>--><p>+project falcon</p>"),
        ("text/html", b"<meta charset=utf-7><p>+project falcon</p>"),
        ("text/html", b"<meta charset=utf-7><p>+AHA-roject falcon</p>"),
        ("text/html", b"<meta name=x content='charset=gb18030'><p>\x81project falcon</p>"),
        ("text/html", b"<meta charset=hz-gb-2312><p>~{project falcon</p>"),
        ("text/html", b"<meta charset=iso-2022-kr><p>\x0eproject falcon</p>"),
        ("text/plain; charset=iso-2022-kr", b"project falcon"),
        ("text/plain; charset=unicode", b"\0p\0r\0o\0j\0e\0c\0t\0 \0f\0a\0l\0c\0o\0n"),
    ];
    for (kind, octets) in cases {
        let content = Content::decode(&coded(kind, octets));
        assert!(finds_in(&content, "project falcon"), "{kind} {octets:?} {content:#?}");
    }
    // What has to be there has to be in each.
    let content = Content::decode(&coded("text/plain; charset=utf-7", b"+project falcon"));
    assert_eq!(content.shown, Shown::OneOf(vec![Shown::Text(0), Shown::Text(1)]));
    assert_eq!(content.problems, []);
    for charset in ["iso-2022-kr", "hz-gb-2312", "replacement"] {
        let content = Content::decode(&coded(&format!("text/plain; charset={charset}"), b"x"));
        assert_eq!(content.problems, [Problem::UnknownCharset]);
    }
    // Where they do not differ, there is one.
    for charset in ["utf-8", "us-ascii", "utf-7", "windows-1252"] {
        let content = Content::decode(&coded(&format!("text/plain; charset={charset}"), b"x y"));
        assert_eq!((content.shown, content.problems), (Shown::Text(0), vec![]), "{charset}");
    }
}

#[test]
fn lines_that_flow_are_read_as_they_stand_too() {
    let message = |kind: &str, text: &str| format!("Content-Type: text/{kind}\n\n{text}");
    let flowed = "plain; format=flowed; delsp=yes";
    assert!(finds(&message(flowed, "project \nfalcon"), "project falcon"));
    assert!(finds(&message(flowed, "project fal \ncon"), "project falcon"));
    assert!(finds(&message("x; format=flowed; delsp=yes", "project \nfalcon"), "project falcon"));
}

#[test]
fn what_is_not_looked_at_for_its_number_is_told() {
    let html = |html: &str| {
        let message = format!("Content-Type: text/html\r\n\r\n{html}");
        Content::decode(message.as_bytes()).problems
    };
    let attributes = |n: usize| (0..n).map(|at| format!(" a{at}=1")).collect::<String>();
    assert_eq!(html(&format!("<div{} style='display:none'>x</div>", attributes(63))), []);
    let hidden = format!("<div{} style='display:none'>x</div>", attributes(64));
    assert_eq!(html(&hidden), [Problem::HtmlTooDeep]);
    let classes = |n: usize| (0..n).map(|at| format!(" c{at}")).collect::<String>();
    let sheet = "<style>.h{display:none}</style>";
    assert_eq!(html(&format!("{sheet}<p class='{} h'>x</p>", classes(31))), []);
    let hidden = format!("{sheet}<p class='{} h'>x</p>", classes(32));
    assert_eq!(html(&hidden), [Problem::HtmlTooDeep]);
    assert_eq!(html(&format!("<p class='{}'>x</p>", classes(40))), []);
    let rules = |n: usize| (0..n).map(|at| format!(".r{at}{{display:none}}")).collect::<String>();
    assert_eq!(html(&format!("<style>{}</style><p>x</p>", rules(4_000))), []);
    assert_eq!(html(&format!("<style>{}</style><p>x</p>", rules(4_001))), [Problem::HtmlTooDeep]);
}

#[test]
fn links_for_outlook_alone_are_links() {
    let message =
        "Content-Type: text/html\n\n<!--[if mso]><a href='http://a/falcon'>x</a><![endif]-->";
    assert!(finds(message, "http://a/falcon"));
    let content = Content::decode(message.replace('\n', "\r\n").as_bytes());
    assert!(content.texts[0].links[0].place.is_empty());
}

#[test]
fn what_takes_no_place_cuts_no_word() {
    for between in [
        "<ruby><rp>x</rp></ruby>",
        "<meter>x</meter>",
        "<progress>x</progress>",
        "<br style='display:none'>",
        "<hr hidden>",
        "<p hidden>x</p>",
        "<div style='display:none'></div>",
        "<div style='display:none'><p>x</p><br></div>",
        "<!--[if mso]><p>x</p><br><![endif]-->",
        "</div>",
        "</h1>",
    ] {
        let text = visible(&format!("project fal{between}con"));
        assert_eq!(text, "project falcon", "{between}");
    }
    for between in ["<br>", "</br>", "</p>", "<hr>", "<p></p>", "<div style='opacity:0'>x</div>"] {
        assert_eq!(visible(&format!("project fal{between}con")), "project fal\ncon", "{between}");
    }
}

#[test]
fn names_stand_in_more_than_one_place() {
    for header in [
        "Content-Type: application/octet-stream; filename=evil.exe",
        "Content-Type: application/octet-stream\nContent-Disposition: attachment; name=evil.exe",
        "Content-Type: application/octet-stream\nContent-Name: evil.exe",
        "Content-Type: application/octet-stream; filename(x)=evil.exe",
        "Content-Disposition: attachment; file(x)name=evil.exe",
        "Content-Disposition: attachment; filename=\"evil.\"\"exe\"",
    ] {
        let content = Content::decode(file(header, "x").replace('\n', "\r\n").as_bytes());
        let mut names = content.attachments.iter().flat_map(|one| &one.names);
        assert!(names.any(|name| name == "evil.exe"), "{header}");
    }
}

#[test]
fn headers_that_are_sent_back_have_subjects() {
    for kind in ["text/rfc822-headers", "message/global-headers"] {
        let header = format!("Content-Type: {kind}");
        let body = "From: a@b.example\nSubject: =?utf-8?q?project_falcon?=";
        assert!(finds(&file(&header, body), "project falcon"), "{kind}");
    }
}
