//! HTML in pieces: texts, tags and comments, cut as browsers cut them (WHATWG HTML s13.2.5), so
//! that what is a comment or a script for them is not text for us, nor the other way round.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::html::add_html_token;

/// A piece of HTML.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text, references not decoded.
    Text(&'a str),
    /// The text of an element that has no tags within: `<script>`, `<style>`, `<title>`.
    Raw(&'a str, &'a str),
    Start(Tag<'a>),
    /// Its name, as it stands.
    End(&'a str),
    Comment(&'a str),
}

/// A start tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// As it stands.
    pub(super) name: &'a str,
    /// Names as they stand; references in values are not decoded.
    pub(super) attributes: Vec<(&'a str, &'a str)>,
    /// `<br/>`
    pub(super) closed: bool,
    /// It has more attributes than are looked at.
    pub(super) too_long: bool,
}

impl Tag<'_> {
    /// The value of an attribute; of several, the first counts.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        Some(unreferenced(value))
    }
}

/// Attributes of one tag that are looked at; more are nobody's mail.
const ATTRIBUTES_MAX: usize = 64;

/// Elements whose content is text only.
const RAW: &[&str] =
    &["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"];

/// The pieces of `html`, in their order; all of it is in one of them, but for broken markup that
/// browsers drop.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    /// The element whose raw text comes next.
    raw: Option<&'a str>,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(html: &'a str) -> Self {
        Self { rest: html, raw: None }
    }

    fn take(&mut self, octets: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(octets).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A tag that never ends: browsers drop it, others may not.
    fn unfinished(&mut self, whole: &'a str) -> Piece<'a> {
        self.rest = "";
        Piece::Raw("<", whole)
    }

    /// Up to `end` and past it; without one, all that is left.
    fn until(&mut self, end: &str) -> &'a str {
        let at = memchr::memmem::find(self.rest.as_bytes(), end.as_bytes());
        let taken = self.take(at.unwrap_or(self.rest.len()));
        self.take(if at.is_some() { end.len() } else { 0 });
        taken
    }

    fn comment(&mut self) -> Piece<'a> {
        for empty in [">", "->"] {
            if self.rest.starts_with(empty) {
                self.take(empty.len());
                return Piece::Comment("");
            }
        }
        let bytes = self.rest.as_bytes();
        let ends = memchr::memmem::find_iter(bytes, "--").find_map(|at| {
            let behind = bytes.get(at + 2..)?;
            let more = if behind.starts_with(b"!>") { 2 } else { 1 };
            (behind.starts_with(b">") || more == 2).then_some((at, 2 + more))
        });
        let Some((at, marks)) = ends else { return self.unfinished(self.rest) };
        let text = self.take(at);
        self.take(marks);
        Piece::Comment(text)
    }

    fn raw(&mut self, name: &'a str) -> Piece<'a> {
        let bytes = self.rest.as_bytes();
        let end = memchr::memmem::find_iter(bytes, "</").find(|at| {
            let behind = bytes.get(at + 2..).unwrap_or_default();
            let named = behind.get(..name.len());
            let ended = behind.get(name.len()).is_some_and(|c| c.is_ascii_whitespace())
                || matches!(behind.get(name.len()), Some(b'>' | b'/'));
            named.is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes())) && ended
        });
        let text = self.take(end.unwrap_or(bytes.len()));
        Piece::Raw(name, text)
    }

    /// Behind `<` or `</`: a name, attributes, `>`. Nothing, if the end comes first.
    fn tag(&mut self) -> Option<Tag<'a>> {
        let name_end = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>');
        let name = self.take(self.rest.find(name_end)?);
        let mut tag = Tag { name, attributes: Vec::new(), closed: false, too_long: false };
        loop {
            let blank = |c: char| c.is_ascii_whitespace();
            self.rest = self.rest.trim_start_matches(blank);
            match self.rest.as_bytes().first()? {
                b'>' => {
                    self.take(1);
                    return Some(tag);
                }
                b'/' => {
                    self.take(1);
                    tag.closed = self.rest.starts_with('>');
                }
                _ => {
                    // A `=` in front belongs to the name.
                    let first = self.rest.chars().next().map_or(1, char::len_utf8);
                    let behind = self.rest.get(first..)?;
                    let end = behind.find(|c: char| name_end(c) || c == '=')? + first;
                    let name = self.take(end);
                    let value = self.value()?;
                    if tag.attributes.len() < ATTRIBUTES_MAX {
                        tag.attributes.push((name, value));
                    } else {
                        tag.too_long = true;
                    }
                }
            }
        }
    }

    fn value(&mut self) -> Option<&'a str> {
        let blank = |c: char| c.is_ascii_whitespace();
        let behind = self.rest.trim_start_matches(blank);
        let Some(behind) = behind.strip_prefix('=') else { return Some("") };
        self.rest = behind.trim_start_matches(blank);
        match self.rest.as_bytes().first()? {
            quote @ (b'"' | b'\'') => {
                self.take(1);
                let end = memchr::memchr(*quote, self.rest.as_bytes())?;
                let value = self.take(end);
                self.take(1);
                Some(value)
            }
            _ => {
                let end = self.rest.find(|c: char| blank(c) || c == '>')?;
                Some(self.take(end))
            }
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(name) = self.raw.take() {
            return Some(self.raw(name));
        }
        if self.rest.is_empty() {
            return None;
        }
        let whole = self.rest;
        let mut letters = whole.bytes();
        if letters.next() != Some(b'<') {
            let end = memchr::memchr(b'<', self.rest.as_bytes()).unwrap_or(self.rest.len());
            return Some(Piece::Text(self.take(end)));
        }
        match (letters.next(), letters.next()) {
            (Some(b'!'), _) if self.rest.starts_with("<!--") => {
                self.take(4);
                Some(self.comment())
            }
            (Some(b'!' | b'?'), _) => {
                self.take(2);
                Some(Piece::Comment(self.until(">")))
            }
            (Some(b'/'), Some(c)) if c.is_ascii_alphabetic() => {
                self.take(2);
                let tag = self.tag();
                let Some(tag) = tag else { return Some(self.unfinished(whole)) };
                Some(Piece::End(tag.name))
            }
            (Some(b'/'), Some(_)) => {
                self.take(2);
                Some(Piece::Comment(self.until(">")))
            }
            (Some(c), _) if c.is_ascii_alphabetic() => {
                self.take(1);
                let tag = self.tag();
                let Some(tag) = tag else { return Some(self.unfinished(whole)) };
                if RAW.iter().any(|raw| tag.name.eq_ignore_ascii_case(raw)) {
                    self.raw = Some(tag.name);
                }
                Some(Piece::Start(tag))
            }
            _ => Some(Piece::Text(self.take(1))),
        }
    }
}

/// Longest name of a character: `&CounterClockwiseContourIntegral;`.
const REFERENCE_MAX: usize = 40;

/// Text with its character references decoded (WHATWG HTML s13.2.5.72).
pub(super) fn unreferenced(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let (before, mut rest) = text.split_at(first);
    out.push_str(before);
    while let Some(behind) = rest.strip_prefix('&') {
        let octets = reference(rest, behind, &mut out).unwrap_or_else(|| {
            out.push('&');
            1
        });
        rest = rest.get(octets..).unwrap_or_default();
        let next = rest.find('&').unwrap_or(rest.len());
        let (plain, more) = rest.split_at(next);
        out.push_str(plain);
        rest = more;
    }
    Cow::Owned(out)
}

/// Writes the character of the reference at the beginning; how long it is.
fn reference(text: &str, behind: &str, out: &mut String) -> Option<usize> {
    if let Some(number) = behind.strip_prefix('#') {
        let (digits, radix, lead) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16, 3),
            None => (number, 10, 2),
        };
        let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let code = digits.get(..length).filter(|digits| !digits.is_empty())?;
        out.push(character(u32::from_str_radix(code, radix).unwrap_or(u32::MAX)));
        let ended = digits.get(length..).is_some_and(|rest| rest.starts_with(';'));
        return Some(lead + length + usize::from(ended));
    }
    let length = behind.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(behind.len());
    if length <= REFERENCE_MAX && behind.get(length..).is_some_and(|rest| rest.starts_with(';')) {
        let token = text.get(..length + 2)?;
        let before = out.len();
        add_html_token(out, token.as_bytes(), false);
        // An unknown name comes back as it is.
        if out.get(before..) != Some(token) {
            return Some(token.len());
        }
        out.truncate(before);
    }
    // Names from before there was a semicolon.
    const OLD: &[(&str, char)] = &[
        ("nbsp", '\u{a0}'),
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("copy", '©'),
        ("reg", '®'),
        ("szlig", 'ß'),
        ("auml", 'ä'),
        ("ouml", 'ö'),
        ("uuml", 'ü'),
        ("eacute", 'é'),
        ("middot", '·'),
        ("shy", '\u{ad}'),
        ("iexcl", '¡'),
        ("laquo", '«'),
        ("raquo", '»'),
        ("not", '¬'),
        ("sect", '§'),
        ("deg", '°'),
        ("agrave", 'à'),
        ("aacute", 'á'),
        ("acirc", 'â'),
        ("atilde", 'ã'),
        ("aring", 'å'),
        ("aelig", 'æ'),
        ("ccedil", 'ç'),
        ("egrave", 'è'),
        ("ecirc", 'ê'),
        ("euml", 'ë'),
        ("iacute", 'í'),
        ("ntilde", 'ñ'),
        ("oacute", 'ó'),
        ("ocirc", 'ô'),
        ("oslash", 'ø'),
        ("uacute", 'ú'),
    ];
    let (name, found) = OLD.iter().find(|(name, _)| behind.starts_with(name))?;
    out.push(*found);
    Some(1 + name.len())
}

/// By its number; 128 to 159 are what windows-1252 has there.
fn character(code: u32) -> char {
    let windows = || {
        let octet = u8::try_from(code).ok().filter(|octet| (0x80..0xa0).contains(octet))?;
        charset_decoder(b"windows-1252")?(&[octet]).chars().next()
    };
    windows().or_else(|| char::from_u32(code)).filter(|c| *c != '\0').unwrap_or('\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(html: &str) -> String {
        let of = |piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Raw(name, text) => format!("[{name}:{text}]"),
            Piece::Start(tag) => format!("<{}>", tag.name),
            Piece::End(name) => format!("</{name}>"),
            Piece::Comment(text) => format!("({text})"),
        };
        Pieces::of(html).map(of).collect()
    }

    #[test]
    fn cut_as_browsers_cut() {
        let cases = [
            ("a<b>c</b>d", "a<b>c</b>d"),
            ("1 < 2 <3", "1 < 2 <3"),
            ("a<!-- b > c -->d", "a( b > c )d"),
            ("a<!-->b<!--->c<!-- d --!>e", "a()b()c( d )e"),
            ("a<!-- never ended", "a[<: never ended]"),
            ("a<!doctype html>b<?xml x?>c</ d>e", "a(doctype html)b(xml x?)c( d)e"),
            ("<script>if (a<b) '</p>'</SCRIPT >x", "<script>[script:if (a<b) '</p>']</SCRIPT>x"),
            ("<style>a</styles>b</style>c", "<style>[style:a</styles>b]</style>c"),
            ("<a title='x > y' href=z>t</a>", "<a>t</a>"),
            ("a<b title=\"never", "a[<:<b title=\"never]"),
            ("<title></title>x", "<title>[title:]</title>x"),
        ];
        for (html, expected) in cases {
            assert_eq!(texts(html), expected, "{html}");
        }
    }

    #[test]
    fn attributes() {
        let html = "<a =x HREF = 'a&amp;b' href=no c d=\"e f\" g/h/>";
        let Some(Piece::Start(tag)) = Pieces::of(html).next() else { panic!() };
        assert_eq!(tag.get("href").as_deref(), Some("a&b"));
        assert_eq!(tag.get("c").as_deref(), Some(""));
        assert_eq!(tag.get("d").as_deref(), Some("e f"));
        assert_eq!((tag.get("g").is_some(), tag.get("h").is_some()), (true, true));
        assert!(tag.closed);
    }

    #[test]
    fn references() {
        let cases = [
            ("a &amp; b &lt;c&gt;", "a & b <c>"),
            ("&nbsp;&copy 2026 &AMP;", "\u{a0}© 2026 &"),
            ("&#65;&#x42;&#67 &#150;", "ABC –"),
            ("&bogus; & &; &#; &#x; &#99999999999;", "&bogus; & &; &#; &#x; \u{fffd}"),
            ("M&uuml;nchen &Omega;", "München Ω"),
        ];
        for (text, expected) in cases {
            assert_eq!(unreferenced(text), expected, "{text}");
        }
    }
}
