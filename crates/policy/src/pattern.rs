//! Patterns of stream rules: text in which `*` stands for any run of characters.
//!
//! A pattern fits the whole text or not at all, without regard to case; there is no
//! other special character. Text of other scripts is compared in lower case, letter by
//! letter. A pattern comes from the configuration, so that one which could never fit is
//! an error there and not a rule that silently does nothing.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use address::{Domain, ReversePath};

/// What is wrong with a pattern or a field name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It has no characters.
    #[error("is empty; `*` fits anything")]
    Empty,
    /// It has a character that no text it is held against can have.
    #[error("holds a control character")]
    Control,
    /// A sender's pattern is neither an address, nor a domain, nor the null path.
    #[error(
        "is no pattern of a sender; write `news@corp.example`, `@corp.example`, `*@*.corp.example`, or `<>` for notifications"
    )]
    Sender,
    /// The domain of a sender's pattern is none.
    #[error("has a domain that cannot be one")]
    Domain,
    /// It is no domain of authors.
    #[error("is no domain of authors; write `corp.example`, `*.corp.example` or `*`")]
    AuthorDomain,
    /// No header field can have that name.
    #[error("cannot be the name of a header field")]
    FieldName,
}

/// Text in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// In lower case.
    text: Box<str>,
}

impl Pattern {
    /// Whether it fits all of `text`.
    pub fn matches(&self, text: &str) -> bool {
        glob(self.text.as_bytes(), lower(text).as_bytes())
    }

    /// Whether it fits only itself.
    fn is_plain(&self) -> bool {
        !self.text.contains('*')
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(PatternError::Control);
        }
        Ok(Self { text: lower(text).into_owned().into() })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Letter by letter: `str::to_lowercase` looks at the neighbours of a sigma, and those
/// differ between a pattern and what it fits.
fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    }
}

/// Goes back to the last star when something does not fit: no recursion, and at most
/// the product of both lengths.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if wanted == byte => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((behind, from)) = star else { return false };
                star = Some((behind, from + 1));
                p = behind + 1;
                t = from + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

/// A pattern of the reverse-path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderPattern {
    /// `<>`: notifications.
    Null,
    /// `local@domain`, each a pattern.
    Address(Pattern, Pattern),
    /// `@domain`: everybody there.
    Domain(Pattern),
}

impl SenderPattern {
    /// Whether it fits.
    pub fn matches(&self, sender: &ReversePath) -> bool {
        let Some(mailbox) = sender.mailbox() else { return *self == Self::Null };
        let fits = |pattern: &Pattern| match mailbox.domain() {
            Domain::Name(name) => pattern.matches(name),
            literal @ Domain::Literal(_) => pattern.matches(&literal.to_string()),
        };
        match self {
            Self::Null => false,
            Self::Address(local, domain) => local.matches(mailbox.local()) && fits(domain),
            Self::Domain(domain) => fits(domain),
        }
    }
}

impl FromStr for SenderPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "<>" {
            return Ok(Self::Null);
        }
        let bare = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
        let (local, domain) = bare.rsplit_once('@').ok_or(PatternError::Sender)?;
        let mut domain: Pattern = domain.parse().map_err(|_| PatternError::Domain)?;
        if domain.is_plain() {
            // Held against A-labels, so it must be in them.
            let name = Domain::parse(&domain.text).map_err(|_| PatternError::Domain)?;
            domain = name.to_string().parse()?;
        } else if !domain.text.is_ascii() {
            return Err(PatternError::Domain);
        }
        match local {
            "" => Ok(Self::Domain(domain)),
            local => Ok(Self::Address(local.parse()?, domain)),
        }
    }
}

impl fmt::Display for SenderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.pad("<>"),
            Self::Address(local, domain) => write!(f, "{local}@{domain}"),
            Self::Domain(domain) => write!(f, "@{domain}"),
        }
    }
}

/// The name of a header field (RFC 5322 s3.6.8); compared without regard to case.
#[derive(Debug, Clone, Eq)]
pub struct FieldName(Box<str>);

impl FieldName {
    /// The name, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a field of a message is called so.
    pub fn is(&self, name: &[u8]) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(name)
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl FromStr for FieldName {
    type Err = PatternError;

    // field-name = 1*ftext
    // ftext      = %d33-57 / %d59-126
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if text.is_empty() || !named {
            return Err(PatternError::FieldName);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests;
