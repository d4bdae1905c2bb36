//! The comma-separated attributes of GS2 and SCRAM messages (RFC 5801 s4, RFC 5802 s5.1).
//!
//! `attr-val = ALPHA "=" value`, and only in the order that the message prescribes. A reader
//! takes one after another and keeps nothing for later: what is not where it must be makes
//! the message malformed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What is left of a message.
pub(super) struct Attributes<'a> {
    rest: Option<&'a str>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(message: &'a str) -> Self {
        Self { rest: Some(message) }
    }

    /// The next one, which must be `name` and must not be empty.
    pub(super) fn take(&mut self, name: char) -> Option<&'a str> {
        let (first, rest) = cut(self.rest?);
        let value = first.strip_prefix(name)?.strip_prefix('=')?;
        self.rest = rest;
        (!value.is_empty()).then_some(value)
    }

    /// The optional ones at the end: `*("," attr-val)`, none of them mandatory to understand
    /// (RFC 5802 s5.1: `m` is), none a proof.
    pub(super) fn only_extensions(self) -> Option<()> {
        let well_formed = |one: &str| {
            let mut chars = one.chars();
            chars
                .next()
                .is_some_and(|name| name.is_ascii_alphabetic() && !matches!(name, 'm' | 'p'))
                && chars.next() == Some('=')
                && chars.next().is_some()
        };
        self.rest.is_none_or(|rest| rest.split(',').all(well_formed)).then_some(())
    }
}

fn cut(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    }
}

/// `gs2-header = gs2-cbind-flag "," [authzid] ","`, and what follows it.
pub(super) struct Gs2<'a> {
    /// The header itself, commas included: its base64 comes back in `c=`.
    pub(super) header: &'a str,
    /// Whom it wants to be, if that is said.
    pub(super) authzid: Option<String>,
    /// The message behind it.
    pub(super) rest: &'a str,
}

impl<'a> Gs2<'a> {
    /// `gs2-cbind-flag = ("p=" cb-name) / "n" / "y"`. `p` asks for channel binding, which no
    /// mechanism here offers; `y` says that the client could, and thinks we cannot: right.
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        let behind = message.strip_prefix("n,").or_else(|| message.strip_prefix("y,"))?;
        let (authzid, rest) = behind.split_once(',')?;
        let authzid = match authzid {
            "" => None,
            said => Some(unescape(said.strip_prefix("a=")?)?),
        };
        let header = message.get(..message.len() - rest.len())?;
        Some(Self { header, authzid, rest })
    }
}

/// `saslname`: a comma as `=2C`, an equals sign as `=3D`, and no other escape; never empty.
pub(super) fn unescape(name: &str) -> Option<String> {
    if name.is_empty() || name.contains(['\0', ',']) {
        return None;
    }
    let mut parts = name.split('=');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (None, Some(rest)) => ('=', rest),
            (None, None) => return None,
        };
        out.push(sign);
        out.push_str(rest);
    }
    Some(out)
}

/// The inverse of [`unescape`].
pub(super) fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// Strict: no junk, padding where it belongs.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// With padding, as SCRAM wants it.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `c-nonce = printable`: `%x21-2B / %x2D-7E`.
pub(super) fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}
