//! A message as header fields and body, not an octet of it lost: what a filter is shown, and
//! what it means when it counts fields.
//!
//! The header ends at an empty line, or before the first line that is neither a field nor the
//! continuation of one, as the mail servers have it that filters are written for. That line is
//! the body's first then, so nothing is hidden from who looks at both. A line of white space
//! continues a field (RFC 5322 s4.5); white space before the colon is accepted (s4.5.3).
//!
//! Invariant: the fields' lines, the separator and the body are the message.

use memchr::memchr;

/// A message in its sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sections<'a> {
    fields: Vec<FieldLines<'a>>,
    separator: &'a [u8],
    body: &'a [u8],
}

/// One field, as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldLines<'a> {
    /// Up to the colon.
    head: &'a [u8],
    /// Behind it, without the last line end.
    value: &'a [u8],
    /// The whole of it, with the last line end.
    lines: &'a [u8],
}

impl<'a> Sections<'a> {
    /// Reads a message; lines end with CRLF (or LF).
    pub fn parse(message: &'a [u8]) -> Self {
        let mut fields = Vec::new();
        let mut rest = message;
        while let Some((field, behind)) = field(rest) {
            fields.push(field);
            rest = behind;
        }
        let end = [b"\r\n".as_slice(), b"\n"].into_iter().find(|end| rest.starts_with(end));
        let (separator, body) = rest.split_at(end.map_or(0, <[u8]>::len));
        Self { fields, separator, body }
    }

    /// The fields, in their order.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldLines<'a>> {
        self.fields.iter().copied()
    }

    /// The empty line behind the header, if there is one.
    pub fn separator(&self) -> &'a [u8] {
        self.separator
    }

    /// Everything behind that.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

impl<'a> FieldLines<'a> {
    /// Its name, as it was written.
    pub fn name(&self) -> &'a [u8] {
        self.head.trim_ascii_end()
    }

    /// Everything behind the colon, folded as it is, without the last line end.
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// All its lines, with their ends.
    pub fn lines(&self) -> &'a [u8] {
        self.lines
    }

    /// The name as it is written, with what stands between it and the colon.
    pub(crate) fn head(&self) -> &'a [u8] {
        self.head
    }
}

/// Octets in front of the colon: no more than a line may have (RFC 5322 s2.1.1).
const HEAD_MAX: usize = 998;

/// Whether a field begins here. `None`: its first line is not all here, and tells it later;
/// never for more than [`HEAD_MAX`] octets.
pub(crate) fn begins_field(text: &[u8], more_may_come: bool) -> Option<bool> {
    let end = line_end(text);
    let line = text.get(..end.min(HEAD_MAX + 1)).unwrap_or_default();
    match memchr(b':', line) {
        Some(colon) => Some(is_name(line.get(..colon)?.trim_ascii_end())),
        None if line.len() > HEAD_MAX || line.ends_with(b"\n") || !more_may_come => Some(false),
        None => None,
    }
}

/// `optional-field = field-name ":" unstructured CRLF`, and what is behind it.
pub(crate) fn field(message: &[u8]) -> Option<(FieldLines<'_>, &[u8])> {
    if begins_field(message, false) != Some(true) {
        return None;
    }
    let first = line_end(message);
    let colon = memchr(b':', message.get(..first)?)?;
    let (head, _) = message.split_at(colon);
    let mut end = first;
    while let Some(b' ' | b'\t') = message.get(end) {
        end += line_end(message.get(end..)?);
    }
    let (lines, rest) = message.split_at(end);
    let value = lines.get(colon + 1..)?;
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    Some((FieldLines { head, value, lines }, rest))
}

/// `field-name = 1*ftext`: printable US-ASCII without the colon (RFC 5322 s3.6.8).
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':')
}

/// Where the next line begins.
pub(crate) fn line_end(text: &[u8]) -> usize {
    memchr(b'\n', text).map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(message: &str) -> (Vec<(&str, &str)>, &str, &str) {
        let sections = Sections::parse(message.as_bytes());
        let text = |octets| std::str::from_utf8(octets).unwrap();
        let fields = sections.fields().map(|field| (text(field.name()), text(field.value())));
        (fields.collect(), text(sections.separator()), text(sections.body()))
    }

    #[test]
    fn fields_then_an_empty_line_then_the_body() {
        let message = "A: 1\r\nB : 2\r\n\t3\r\n \r\nC:\r\n\r\nbody: x\r\n";
        let fields = vec![("A", " 1"), ("B", " 2\r\n\t3\r\n "), ("C", "")];
        assert_eq!(told(message), (fields, "\r\n", "body: x\r\n"));
    }

    #[test]
    fn a_line_that_is_no_field_begins_the_body() {
        for junk in ["no field", ": no name", "two words: x", " of nothing", "caf\u{e9}: x"] {
            let rest = format!("{junk}\r\nB: 2\r\n\r\nbody\r\n");
            let fields = if junk.starts_with(' ') { vec![] } else { vec![("A", " 1")] };
            let before = if fields.is_empty() { "" } else { "A: 1\r\n" };
            assert_eq!(told(&format!("{before}{rest}")), (fields, "", rest.as_str()), "{junk}");
        }
    }

    #[test]
    fn a_message_may_be_header_alone_or_body_alone_or_nothing() {
        assert_eq!(told("A: 1\r\n"), (vec![("A", " 1")], "", ""));
        assert_eq!(told("A: 1"), (vec![("A", " 1")], "", ""));
        assert_eq!(told("\r\nbody\r\n"), (vec![], "\r\n", "body\r\n"));
        assert_eq!(told(""), (vec![], "", ""));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(message in "([AB ]{0,2}:?[ \tab:]{0,3}(\r\n|\n)){0,8}[ a:]{0,3}") {
            let sections = Sections::parse(message.as_bytes());
            let mut all: Vec<u8> = Vec::new();
            for field in sections.fields() {
                all.extend(field.lines());
            }
            all.extend(sections.separator());
            all.extend(sections.body());
            prop_assert_eq!(all, message.into_bytes());
        }
    }
}
