//! Changes to header and body; what nobody wants changed stays, octet for octet.
//!
//! Changes are made in their order, each to what those before it have left. Fields are counted
//! as Sendmail counts them for its filters: one that went keeps its place until all changes are
//! made, so that whoever lets the second and the third go means those of the message it was
//! shown.

use std::borrow::Cow;

use memchr::memchr2;

use crate::sections::{FieldLines, Sections, is_name};

/// Changes to fields that are made to one message: each looks through all its fields.
const FIELD_CHANGES_MAX: usize = 1_000;

/// A change to a message.
///
/// A `value` is what shall stand behind the colon: with the space in front of it, which is not
/// added. A new line in it is LF or CRLF; one that does not begin with white space gets a tab, as
/// it would be another field otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new field below the others.
    Add {
        /// Its name.
        name: Vec<u8>,
        /// What stands behind the colon.
        value: Vec<u8>,
    },
    /// A new field among the others.
    Insert {
        /// How many fields stand above it: 0 is the top; beyond the last it is below the others.
        index: u32,
        /// Its name.
        name: Vec<u8>,
        /// What stands behind the colon.
        value: Vec<u8>,
    },
    /// Another value for a field, or none.
    Set {
        /// Which one of those with that name, from 1 (0 is the first as well); beyond the last
        /// it is added.
        index: u32,
        /// Its name, in any case. A field that is there keeps its own.
        name: Vec<u8>,
        /// What stands behind the colon; `None`: the field goes, if there is one.
        value: Option<Vec<u8>>,
    },
    /// A piece of a new body. All pieces together, in their order, stand for the old one. A lone
    /// LF in it becomes CRLF.
    Body(Vec<u8>),
}

/// Why a message cannot be changed so. Texts are for people, and hold nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Not a field name (RFC 5322 s3.6.8).
    #[error("a field name that is none")]
    Name,
    /// NUL or a CR without LF in a value.
    #[error("NUL or bare CR in a field")]
    Value,
    /// NUL or a CR without LF in a new body.
    #[error("NUL or bare CR in the new body")]
    Body,
    /// More changes to fields than anybody means.
    #[error("more than {FIELD_CHANGES_MAX} changes to header fields")]
    TooMany,
    /// The message would have more octets than it may.
    #[error("the message would have more than {limit} octets")]
    TooLarge {
        /// What it may have.
        limit: usize,
    },
}

/// The message after these changes. `content` is header and body, lines with CRLF; so is what
/// comes back, which has at most `limit` octets.
///
/// # Errors
/// A change that would make the message malformed, or too large. None is made then.
pub fn apply(content: &[u8], changes: &[Change], limit: usize) -> Result<Vec<u8>, ChangeError> {
    let sections = Sections::parse(content);
    let mut fields: Vec<Field<'_>> = sections.fields().map(Field::kept).collect();
    let mut body: Option<Vec<u8>> = None;
    let mut field_changes = 0;
    for change in changes {
        match change {
            Change::Add { name, value } => fields.push(Field::new(name, value)?),
            Change::Insert { index, name, value } => {
                let place = usize::try_from(*index).unwrap_or(usize::MAX).min(fields.len());
                fields.insert(place, Field::new(name, value)?);
            }
            Change::Set { index, name, value } => set(&mut fields, *index, name, value.as_deref())?,
            Change::Body(piece) => body.get_or_insert_default().extend_from_slice(piece),
        }
        field_changes += usize::from(!matches!(change, Change::Body(_)));
        if field_changes > FIELD_CHANGES_MAX {
            return Err(ChangeError::TooMany);
        }
    }
    let body = body.as_deref().map(with_line_ends).transpose()?;
    let changed = written(&fields, &sections, body.as_deref());
    if changed.len() > limit { Err(ChangeError::TooLarge { limit }) } else { Ok(changed) }
}

/// A field, while changes are made.
struct Field<'a> {
    /// Up to the colon.
    head: Cow<'a, [u8]>,
    /// The whole of it with its line end; `None`: it went.
    lines: Option<Cow<'a, [u8]>>,
}

impl<'a> Field<'a> {
    fn kept(field: FieldLines<'a>) -> Self {
        let lines = Some(Cow::Borrowed(field.lines()));
        Self { head: Cow::Borrowed(field.head()), lines }
    }

    fn new(name: &[u8], value: &[u8]) -> Result<Self, ChangeError> {
        if !is_name(name) {
            return Err(ChangeError::Name);
        }
        let mut field = Self { head: Cow::Owned(name.to_vec()), lines: None };
        field.set(value)?;
        Ok(field)
    }

    fn set(&mut self, value: &[u8]) -> Result<(), ChangeError> {
        let mut lines = self.head.to_vec();
        lines.push(b':');
        fold(&mut lines, value)?;
        self.lines = Some(Cow::Owned(lines));
        Ok(())
    }
}

fn set(
    fields: &mut Vec<Field<'_>>,
    index: u32,
    name: &[u8],
    value: Option<&[u8]>,
) -> Result<(), ChangeError> {
    if !is_name(name) {
        return Err(ChangeError::Name);
    }
    let nth = usize::try_from(index.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut named =
        fields.iter_mut().filter(|field| field.head.trim_ascii_end().eq_ignore_ascii_case(name));
    match (named.nth(nth), value) {
        (Some(field), Some(value)) => field.set(value)?,
        (Some(field), None) => field.lines = None,
        (None, Some(value)) => fields.push(Field::new(name, value)?),
        (None, None) => {}
    }
    Ok(())
}

/// Writes a value with the end of its last line. Lines without text, but for the first, are left
/// out: programs differ on whether they end the header.
fn fold(out: &mut Vec<u8>, value: &[u8]) -> Result<(), ChangeError> {
    for (number, line) in value.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
        if memchr2(b'\r', b'\0', line).is_some() {
            return Err(ChangeError::Value);
        }
        if number > 0 {
            if line.trim_ascii().is_empty() {
                continue;
            }
            out.extend_from_slice(b"\r\n");
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                out.push(b'\t');
            }
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// A text with CRLF at the end of each line, the last one too.
fn with_line_ends(text: &[u8]) -> Result<Vec<u8>, ChangeError> {
    let mut out = Vec::with_capacity(text.len() + 2);
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
        if memchr2(b'\r', b'\0', line).is_some() {
            return Err(ChangeError::Body);
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    Ok(out)
}

fn written(fields: &[Field<'_>], sections: &Sections<'_>, body: Option<&[u8]>) -> Vec<u8> {
    let lines = || fields.iter().filter_map(|field| field.lines.as_deref());
    let octets: usize = lines().map(<[u8]>::len).sum();
    let text = body.unwrap_or(sections.body());
    let mut out = Vec::with_capacity(octets + sections.separator().len() + text.len() + 2);
    for lines in lines() {
        // Content whose last line has no end.
        if !out.is_empty() && !out.ends_with(b"\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(lines);
    }
    out.extend_from_slice(sections.separator());
    // Without an empty line between them, a new body could be read as fields, and an old one that
    // begins with white space would continue a new field.
    let continues = text.starts_with(b" ") || text.starts_with(b"\t");
    let apart = body.is_some() || continues && !out.is_empty();
    if apart && sections.separator().is_empty() && !text.is_empty() {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(text);
    out
}

#[cfg(test)]
mod tests;
