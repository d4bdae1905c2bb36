//! What a List-Unsubscribe field offers (RFC 2369), and whether it is one click (RFC 8058).

use std::fmt;

use crate::header::{Field, Header};
use crate::signature::signed_fields;

const LIST_UNSUBSCRIBE: &str = "List-Unsubscribe";
const LIST_UNSUBSCRIBE_POST: &str = "List-Unsubscribe-Post";

/// The URIs of a `List-Unsubscribe`, or of any field of RFC 2369, in their order; the value
/// unfolded.
///
/// RFC 2369 s2: a list of URIs in angle brackets, with comments between them; white space within
/// the brackets is to be ignored; a field that does not begin with `<` is, and so is everything
/// behind an item without brackets.
pub fn list_uris(value: &str) -> Vec<String> {
    let mut uris = Vec::new();
    let mut rest = value;
    loop {
        let Some(inside) = without_comments(rest).and_then(|text| text.strip_prefix('<')) else {
            return uris;
        };
        let Some((uri, behind)) = inside.split_once('>') else { return uris };
        uris.push(uri.chars().filter(|letter| !letter.is_ascii_whitespace()).collect());
        let Some(next) = without_comments(behind).and_then(|text| text.strip_prefix(',')) else {
            return uris;
        };
        rest = next;
    }
}

/// The text behind white space and comments; `None` where a comment does not end.
fn without_comments(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '\\' if depth > 0 => drop(letters.next()),
            _ if depth > 0 || letter.is_ascii_whitespace() => {}
            _ => return text.get(at..),
        }
    }
    (depth == 0).then_some("")
}

/// Why a message cannot be unsubscribed from with one click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneClickFault {
    /// No field List-Unsubscribe that everybody sees.
    NoUnsubscribe,
    /// More than one.
    SeveralUnsubscribe,
    /// No field List-Unsubscribe-Post that everybody sees.
    NoPost,
    /// More than one.
    SeveralPost,
    /// Its value is not exactly `List-Unsubscribe=One-Click`.
    WrongPost,
    /// No URI is https.
    NoHttps,
    /// More than one is.
    SeveralHttps,
    /// One is http without TLS.
    Http,
    /// The message is signed, and no DKIM signature covers both fields.
    NotSigned,
}

impl fmt::Display for OneClickFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUnsubscribe => "no List-Unsubscribe",
            Self::SeveralUnsubscribe => "more than one List-Unsubscribe",
            Self::NoPost => "no List-Unsubscribe-Post",
            Self::SeveralPost => "more than one List-Unsubscribe-Post",
            Self::WrongPost => "List-Unsubscribe-Post is not \"List-Unsubscribe=One-Click\"",
            Self::NoHttps => "List-Unsubscribe has no https URI",
            Self::SeveralHttps => "List-Unsubscribe has more than one https URI",
            Self::Http => "List-Unsubscribe has an http URI",
            Self::NotSigned => {
                "no DKIM-Signature covers both List-Unsubscribe and List-Unsubscribe-Post"
            }
        })
    }
}

/// Whether a mailbox provider can offer one click for this message: RFC 8058 s3 and s4. A message
/// without any DKIM signature may get one further on, so that is no fault.
///
/// # Errors
/// The first thing that is missing.
pub fn check_one_click(header: &Header) -> Result<(), OneClickFault> {
    use OneClickFault as Fault;
    let unsubscribe =
        single(header, LIST_UNSUBSCRIBE, Fault::NoUnsubscribe, Fault::SeveralUnsubscribe)?;
    let post = single(header, LIST_UNSUBSCRIBE_POST, Fault::NoPost, Fault::SeveralPost)?;
    // list-unsubscribe-post = "List-Unsubscribe-Post:" 0*1WSP "List-Unsubscribe=One-Click" CRLF
    let said = post.raw();
    let said = said.strip_prefix(b" ").or(said.strip_prefix(b"\t")).unwrap_or(said);
    if said != b"List-Unsubscribe=One-Click" {
        return Err(Fault::WrongPost);
    }
    let (mut https, mut http) = (0_usize, 0_usize);
    for uri in list_uris(&unsubscribe.unfolded()) {
        let Some((scheme, rest)) = uri.split_once("://") else { continue };
        // authority, RFC 3986 s3.2: something must be there to post to.
        let somewhere = rest.starts_with(|first: char| !"/?#:@".contains(first));
        https += usize::from(scheme.eq_ignore_ascii_case("https") && somewhere);
        http += usize::from(scheme.eq_ignore_ascii_case("http"));
    }
    match (https, http) {
        (_, 1..) => return Err(Fault::Http),
        (0, 0) => return Err(Fault::NoHttps),
        (1, 0) => {}
        (_, 0) => return Err(Fault::SeveralHttps),
    }
    let mut signatures = header.named("DKIM-Signature").peekable();
    if signatures.peek().is_none() {
        return Ok(());
    }
    let covers = |field: &Field| {
        let signed = signed_fields(&field.unfolded());
        let has = |name: &str| signed.iter().any(|one| one.eq_ignore_ascii_case(name));
        has(LIST_UNSUBSCRIBE) && has(LIST_UNSUBSCRIBE_POST)
    };
    if signatures.any(covers) { Ok(()) } else { Err(Fault::NotSigned) }
}

fn single<'a>(
    header: &'a Header,
    name: &'static str,
    none: OneClickFault,
    several: OneClickFault,
) -> Result<&'a Field, OneClickFault> {
    let mut named = header.named(name);
    let everybody_sees = |field: &&Field| field.is_certain() && !field.is_obsolete();
    let first = named.next().filter(everybody_sees).ok_or(none)?;
    if named.next().is_some() { Err(several) } else { Ok(first) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uris_are_in_brackets_and_in_their_order() {
        for (value, uris) in [
            ("<mailto:l@x?subject=u>, <https://x/u>", &["mailto:l@x?subject=u", "https://x/u"][..]),
            ("(Use this) <mailto:a@b> (or) , (that) <https://x>", &["mailto:a@b", "https://x"]),
            ("<https://x/a\tb c>", &["https://x/abc"]),
            ("https://x", &[]),
            ("text <https://x>", &[]),
            ("<mailto:a@b>, https://x, <https://y>", &["mailto:a@b"]),
            ("<mailto:a@b> text, <https://y>", &["mailto:a@b"]),
            ("<https://x", &[]),
            ("(open <https://x>", &[]),
            ("(a \\) b) <https://x>", &["https://x"]),
            ("", &[]),
        ] {
            assert_eq!(list_uris(value), uris, "{value}");
        }
    }

    fn check(header: &str) -> Result<(), OneClickFault> {
        check_one_click(&Header::parse(header.as_bytes()))
    }

    const URI: &str = "List-Unsubscribe: <https://x/u/1>\r\n";
    const POST: &str = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";

    #[test]
    fn c_t2_the_post_field_has_one_form() {
        assert_eq!(check(&format!("{URI}{POST}\r\n")), Ok(()));
        assert_eq!(check(&format!("{URI}\r\n")), Err(OneClickFault::NoPost));
        assert_eq!(check(&format!("{POST}\r\n")), Err(OneClickFault::NoUnsubscribe));
        for value in [
            " One-Click",
            " List-Unsubscribe=one-click",
            " list-unsubscribe=One-Click",
            " List-Unsubscribe = One-Click",
            "  List-Unsubscribe=One-Click",
            " List-Unsubscribe=One-Click ",
            "\r\n List-Unsubscribe=One-Click",
        ] {
            let header = format!("{URI}List-Unsubscribe-Post:{value}\r\n\r\n");
            assert_eq!(check(&header), Err(OneClickFault::WrongPost), "{value}");
        }
        let twice = format!("{URI}{POST}{POST}\r\n");
        assert_eq!(check(&twice), Err(OneClickFault::SeveralPost));
        let hidden = format!("{URI}{POST}no field\r\n{URI}\r\n");
        assert_eq!(check(&hidden), Err(OneClickFault::SeveralUnsubscribe));
        let behind = format!("no field\r\n{URI}{POST}\r\n");
        assert_eq!(check(&behind), Err(OneClickFault::NoUnsubscribe));
        // Some programs do not know a name with a blank behind it, or end the header at such a line.
        let spaced = |field: &str| field.replacen(':', " :", 1);
        assert_eq!(check(&format!("{}{POST}\r\n", spaced(URI))), Err(OneClickFault::NoUnsubscribe));
        assert_eq!(check(&format!("{URI}{}\r\n", spaced(POST))), Err(OneClickFault::NoPost));
        let behind = format!("From: a@b\r\n \r\n{URI}{POST}\r\n");
        assert_eq!(check(&behind), Err(OneClickFault::NoUnsubscribe));
        let bare = "List-Unsubscribe-Post:List-Unsubscribe=One-Click\r\n";
        assert_eq!(check(&format!("{URI}{bare}\r\n")), Ok(()));
    }

    #[test]
    fn c_t3_one_https_uri_and_no_http() {
        for (uris, expected) in [
            ("<mailto:u@x>", Err(OneClickFault::NoHttps)),
            ("<http://x/u>", Err(OneClickFault::Http)),
            ("<https://x/u>, <http://x/u>", Err(OneClickFault::Http)),
            ("<https://x/u>, <https://y/u>", Err(OneClickFault::SeveralHttps)),
            ("<https:///u>", Err(OneClickFault::NoHttps)),
            ("https://x/u", Err(OneClickFault::NoHttps)),
            ("<mailto:u@x>, <HTTPS://x/u>", Ok(())),
        ] {
            assert_eq!(
                check(&format!("List-Unsubscribe: {uris}\r\n{POST}\r\n")),
                expected,
                "{uris}"
            );
        }
    }

    #[test]
    fn c_t4_a_signature_covers_both_fields() {
        let signed = |h: &str| format!("DKIM-Signature: v=1; h={h}; b=x\r\n{URI}{POST}\r\n");
        let both = "from:List-Unsubscribe:\r\n list-unsubscribe-post";
        assert_eq!(check(&signed(both)), Ok(()));
        assert_eq!(check(&signed("from:list-unsubscribe")), Err(OneClickFault::NotSigned));
        let another = format!("DKIM-Signature: v=1; h=from\r\n{}", signed(both));
        assert_eq!(check(&another), Ok(()));
    }

    #[test]
    fn c_t10_white_space_within_brackets_is_taken_out() {
        let header = format!("List-Unsubscribe: <https://x\r\n /u>\r\n{POST}\r\n");
        let header = Header::parse(header.as_bytes());
        let field = header.named("list-unsubscribe").next().unwrap();
        assert_eq!(list_uris(&field.unfolded()), ["https://x/u"]);
        assert_eq!(check_one_click(&header), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_has_uris_without_white_space(text in r"[<>(),\\ \ta-z:/é]{0,60}") {
            for uri in list_uris(&text) {
                prop_assert!(!uri.contains([' ', '\t', '>']));
            }
        }
    }
}
