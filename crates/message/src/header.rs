//! The header block of a message, as its fields (RFC 5322 s2.2), and as the next program may
//! read it.
//!
//! Programs do not agree on where a header ends that is not well-formed: some end it at the
//! first line that is no field, others pass over that line. So the fields behind such a line are
//! kept too, and are told apart ([`Field::is_certain`]): what must not be there must be nowhere,
//! what must be there has to be where everybody looks. A line that begins with white space
//! continues the field before it, one of white space alone too (s4.5), though some take that for
//! the end; white space before the colon is obsolete and accepted (s4.5.3).

use memchr::memchr;

use crate::{content, decoded};

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    raw: Vec<u8>,
    certain: bool,
    obsolete: bool,
}

impl Field {
    /// Its name, as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is called so; case does not count.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its value: everything behind the colon, folded as it was, without the last line end.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Its value with the line ends taken out (s2.2.3), and the white space around it.
    pub fn unfolded(&self) -> String {
        let unfolded: Vec<u8> =
            self.raw.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        String::from_utf8_lossy(unfolded.trim_ascii()).into_owned()
    }

    /// [`Self::unfolded`] with its encoded words decoded (RFC 2047).
    pub fn decoded(&self) -> String {
        decoded::words(&self.unfolded())
    }

    /// Its value as one line of text in each way in which programs decode it, the most usual one
    /// first.
    pub fn readings(&self) -> Vec<String> {
        content::unstructured(&self.raw)
    }

    /// It stands before the first line that is no field and not of white space alone: everybody
    /// sees it.
    pub fn is_certain(&self) -> bool {
        self.certain
    }

    /// White space stands before its colon: there are programs that do not know it by its name.
    pub fn is_obsolete(&self) -> bool {
        self.obsolete
    }
}

/// A header block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    fields: Vec<Field>,
}

impl Header {
    /// The fields of a message, up to its first empty line. Never fails: a line that is no field
    /// is none.
    pub fn parse(mut message: &[u8]) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        // Whether a continuation belongs to the last field.
        let mut open = false;
        let mut certain = true;
        while !message.is_empty() {
            let (line, rest) = match memchr(b'\n', message) {
                Some(end) => message.split_at(end + 1),
                None => (message, Default::default()),
            };
            message = rest;
            let text = without_end(line);
            if text.is_empty() {
                break;
            }
            if continues_field(text)
                && let Some(last) = fields.last_mut().filter(|_| open)
            {
                last.raw.extend_from_slice(b"\r\n");
                last.raw.extend_from_slice(text);
                certain &= !text.trim_ascii().is_empty();
                continue;
            }
            // A continuation of nothing is no field, but some programs take it for one.
            certain &= !continues_field(text);
            let text = text.trim_ascii_start();
            match field_line(text) {
                Some((name, value)) => {
                    open = true;
                    let obsolete = text.get(name.len()) != Some(&b':');
                    let (name, raw) = (String::from_utf8_lossy(name).into_owned(), value.to_vec());
                    fields.push(Field { name, raw, certain, obsolete });
                }
                None => {
                    open = false;
                    certain = false;
                }
            }
        }
        Self { fields }
    }

    /// All fields, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// Those of that name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// Whether there is one of that name that everybody sees, and knows by this name.
    pub fn has(&self, name: &str) -> bool {
        self.named(name).any(|field| field.is_certain() && !field.is_obsolete())
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a line is a continuation of the one before it (RFC 5322 s2.2.3), if that is a field.
pub fn continues_field(line: &[u8]) -> bool {
    line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'))
}

/// Name and value of a line that begins a field: field-name ":" unstructured, where the name is
/// printable US-ASCII without a colon. White space before the colon is obsolete (s4.5.3) and no
/// part of the name; the value is everything behind the colon. `None`: the line is no field.
pub fn field_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at(memchr(b':', line)?);
    let name = name.trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name.then(|| (name, value.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
