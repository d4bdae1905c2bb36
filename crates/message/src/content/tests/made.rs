//! Messages that are made at random: nothing panics, what is put in a place that is seen is
//! found, what is put where nobody sees it is not.

use proptest::prelude::*;

use super::super::*;

/// What is looked for.
const NEEDLE: &str = "Quiet Harbour 12";

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (at, group) in octets.chunks(3).enumerate() {
        let bits = group.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet))
            << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit > group.len() { '=' } else { DIGITS[value as usize].into() });
        }
        if at % 19 == 18 {
            out.push_str("\r\n");
        }
    }
    out
}

fn quoted(octets: &[u8]) -> String {
    let mut out = String::new();
    for (at, octet) in octets.iter().enumerate() {
        match octet {
            b'!'..=b'<' | b'>'..=b'~' => out.push((*octet).into()),
            _ => out += &format!("={octet:02X}"),
        }
        if at % 20 == 19 {
            out.push_str("=\r\n");
        }
    }
    out
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// A text as a part, in one of the encodings.
fn part(media: &str, text: &str, encoding: u8) -> String {
    let (charset, octets) = match encoding / 2 % 3 {
        0 => ("utf-8", text.as_bytes().to_vec()),
        1 => ("utf-16be", utf16(text)),
        _ => ("gb18030", text.as_bytes().to_vec()),
    };
    // ASCII is the same in GB18030; anything else stays in UTF-8.
    let charset = if text.is_ascii() || charset != "gb18030" { charset } else { "utf-8" };
    let (word, body) = match (encoding % 2, charset) {
        (0, _) => ("base64", base64(&octets)),
        _ => ("quoted-printable", quoted(&octets)),
    };
    format!(
        "Content-Type: {media}; charset=\"{charset}\"\r\nContent-Transfer-Encoding: {word}\r\n\r\n{body}"
    )
}

/// A part within multiparts.
fn within(part: String, levels: &[u8]) -> String {
    let mut out = part;
    for (level, kind) in levels.iter().enumerate() {
        let kind = ["mixed", "alternative", "related", "signed", "report"][usize::from(*kind) % 5];
        let boundary = format!("=_{level}_b");
        out = format!(
            "Content-Type: multipart/{kind};\r\n\tboundary=\"{boundary}\"\r\n\r\nPreamble\r\n\
             --{boundary}\r\n{out}\r\n--{boundary}\r\nContent-Type: image/png\r\n\r\nx\r\n\
             --{boundary}--\r\nEpilogue\r\n"
        );
    }
    format!("From: a@corp.example\r\nMIME-Version: 1.0\r\n{out}")
}

fn filler() -> impl Strategy<Value = String> {
    "([a-zäß一-三0-9.,;:()]{1,12}[ \r\n]{1,2}){0,30}"
}

fn shown_html() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("<p>", "</p>"),
        ("<div style=\"font-size:0\"><span style='font-size:13px'>", "</span></div>"),
        ("<table><tr><td>", "</td></tr></table>"),
        ("<a href=\"https://a.example/\">", "</a>"),
        ("<!-- before -->", "<!-- behind -->"),
        ("<div style='display:none'>no</div>", "<script>'<p>'</script>"),
        ("<div bgcolor=#000><font color='#fff'>", "</font></div>"),
        ("<ul><li>one<li>", "<li>two</ul>"),
        ("<b><i>", "</b></i>"),
    ])
}

fn hidden_html() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("<p style='display:none'>", "</p>"),
        ("<div style='font-size:0'>", "</div>"),
        ("<div style='visibility:hidden'><p>", "</p></div>"),
        ("<!-- ", " -->"),
        ("<script>", "</script>"),
        ("<style>", "</style>"),
        ("<title>", "</title>"),
        ("<div style='opacity:0'><table><tr><td>", "</td></tr></table></div>"),
        ("<div style='max-height:0;overflow:hidden'><b>", "</b></div>"),
        ("<style>.q{display:none}</style><div class=q>", "</div>"),
        ("<input type=hidden value='", "'>"),
        ("<font color=#ffffff>", "</font>"),
        ("<!--[if mso]><p>", "</p><![endif]-->"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_panics(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        Content::decode(&octets);
    }

    #[test]
    fn no_mime_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "Content-Type: ", "multipart/mixed; boundary=", "b", "\"b\"", "text/html", "; charset=",
        "utf-16", "utf-7", "\r\n", "\n", "\r\n\r\n", "--b", "--b--", "--", "Content-Disposition: ",
        "attachment; filename", "*0*=", "*1=", "utf-8''%", "=?utf-8?", "Q?=", "?=", " ", "\t", ";",
        "(", ")", "\\", "\"", "message/rfc822", "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable", "AAAA", "=", "=3D", "<p style='", "<!--",
        "-->", "<style>", "{", "}", "font-size:", "display:none", "'>", "</", "&#", "&amp;", "é",
        "begin 644 x\r\n#0V%T\r\n",
    ]), 0..60)) {
        Content::decode(pieces.concat().as_bytes());
    }

    #[test]
    fn what_is_seen_is_found(
        before in filler(), behind in filler(), encoding in 0..6_u8, html in any::<bool>(),
        levels in prop::collection::vec(any::<u8>(), 0..5), around in shown_html(),
    ) {
        let (media, text) = match html {
            true => ("text/html", format!("<html><body>{before} {}{NEEDLE}{} {behind}", around.0, around.1)),
            false => ("text/plain", format!("{before} {NEEDLE} {behind}")),
        };
        let content = Content::decode(within(part(media, &text, encoding), &levels).as_bytes());
        prop_assert_eq!(&content.problems, &[]);
        let found = content.texts.iter().position(|text| text.visible.contains(NEEDLE));
        prop_assert!(found.is_some_and(|at| content.is_shown(at)), "{:?}", content.texts);
    }

    #[test]
    fn what_is_hidden_is_not_found(
        before in filler(), behind in filler(), encoding in 0..6_u8,
        levels in prop::collection::vec(any::<u8>(), 0..5), around in hidden_html(),
    ) {
        let text = format!("<html><body>{before} {}{NEEDLE}{} {behind}", around.0, around.1);
        let content = Content::decode(within(part("text/html", &text, encoding), &levels).as_bytes());
        prop_assert_eq!(&content.problems, &[]);
        prop_assert!(content.texts.iter().all(|text| !text.visible.contains(NEEDLE)));
    }
}
