//! Parameters of MAIL and RCPT. RFC 5321 s4.1.2 (`esmtp-param`), RFC 1870, 6152, 6531, 3461,
//! 3865, 4954.
//!
//! A parameter is accepted only if its extension is offered, and then read completely: what is
//! passed on is written anew from what was understood, or (ENVID and ORCPT, which RFC 3461 s5.2.1
//! wants unchanged) is printable ASCII without a space, so that nothing can be smuggled into the
//! smarthost's command (Exim CVE-2020-28026).
//!
//! Invariant: rendering and parsing are inverse.

use std::fmt;

use crate::extension::{Offered, size};
use crate::solicitation::Solicitation;
use crate::xtext::{is_original_recipient, is_xtext};

/// RFC 3461 s4.4.
const ENVID_MAX: usize = 100;
/// RFC 4954 s5.
const AUTH_MAX: usize = 500;

/// Parameters of MAIL. Rendered with a leading space each, ready to follow the path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailParams {
    /// RFC 1870: the declared size in octets; more than 64 bits saturate.
    pub size: Option<u64>,
    /// RFC 6152.
    pub body: Option<Body>,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461 s4.3.
    pub ret: Option<Ret>,
    /// RFC 3461 s4.4: xtext as it was sent.
    pub envid: Option<String>,
    /// RFC 3865 s2.3: classes of solicitation, separated by commas, as they were sent.
    pub solicit: Option<Solicitation>,
    /// RFC 4954 s5: who submitted the message first, xtext as it was sent; `<>`: unknown.
    pub auth: Option<String>,
}

/// Parameters of RCPT. Rendered like those of MAIL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RcptParams {
    /// RFC 3461 s4.1.
    pub notify: Option<Notify>,
    /// RFC 3461 s4.2: `type;xtext` as it was sent. Not ASCII only as RFC 6533's `utf-8;`, and
    /// then the transaction must be one with SMTPUTF8.
    pub orcpt: Option<String>,
}

/// `BODY=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// `7BIT`
    SevenBit,
    /// `8BITMIME`
    EightBitMime,
}

/// `RET=`: what of the message a failure notification returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ret {
    /// `FULL`
    Full,
    /// `HDRS`
    Hdrs,
}

/// `NOTIFY=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notify {
    /// `NEVER`
    Never,
    /// A list of at least one.
    On {
        /// `SUCCESS`
        success: bool,
        /// `FAILURE`
        failure: bool,
        /// `DELAY`
        delay: bool,
    },
}

/// What is wrong with a known parameter, or with the shape of one: 501 5.5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParamError {
    /// Neither `KEYWORD` nor `KEYWORD=value` in printable ASCII.
    #[error("malformed parameter")]
    Malformed,
    /// Given twice.
    #[error("{0} given twice")]
    Duplicate(&'static str),
    /// No value, one too many, or one that the extension does not know.
    #[error("bad value for {0}")]
    BadValue(&'static str),
}

/// Why a parameter was not taken.
pub(crate) enum Refused {
    /// Nothing of that name is offered; the name in upper case.
    Unknown(String),
    Bad(ParamError),
}

/// One row of a table of parameters: its name, whether it is offered, whether it was given
/// already, and how to take its value.
struct Parameter<P> {
    name: &'static str,
    offered: fn(&Offered) -> bool,
    given: fn(&P) -> bool,
    take: fn(&mut P, Option<&str>, &Offered) -> Option<()>,
}

static OF_MAIL: [Parameter<MailParams>; 7] = [
    Parameter {
        name: "SIZE",
        offered: |offered| offered.size.is_some(),
        given: |params| params.size.is_some(),
        take: |params, value, _| {
            params.size = Some(size(value?)?);
            Some(())
        },
    },
    Parameter {
        name: "BODY",
        offered: |offered| offered.eight_bit_mime,
        given: |params| params.body.is_some(),
        take: |params, value, _| {
            params.body = Some(one_of(value?, &[Body::SevenBit, Body::EightBitMime])?);
            Some(())
        },
    },
    Parameter {
        name: "SMTPUTF8",
        offered: |offered| offered.smtputf8,
        given: |params| params.smtputf8,
        take: |params, value, _| {
            params.smtputf8 = true;
            value.is_none().then_some(())
        },
    },
    Parameter {
        name: "RET",
        offered: |offered| offered.dsn,
        given: |params| params.ret.is_some(),
        take: |params, value, _| {
            params.ret = Some(one_of(value?, &[Ret::Full, Ret::Hdrs])?);
            Some(())
        },
    },
    Parameter {
        name: "ENVID",
        offered: |offered| offered.dsn,
        given: |params| params.envid.is_some(),
        take: |params, value, _| {
            let value = value.filter(|value| value.len() <= ENVID_MAX && is_xtext(value))?;
            params.envid = Some(value.to_owned());
            Some(())
        },
    },
    Parameter {
        name: "SOLICIT",
        offered: |offered| offered.no_soliciting.is_some(),
        given: |params| params.solicit.is_some(),
        take: |params, value, _| {
            params.solicit = Some(Solicitation::parse(value?)?);
            Some(())
        },
    },
    Parameter {
        name: "AUTH",
        offered: |offered| !offered.auth.is_empty(),
        given: |params| params.auth.is_some(),
        take: |params, value, _| {
            let value = value.filter(|value| value.len() <= AUTH_MAX && is_xtext(value))?;
            params.auth = Some(value.to_owned());
            Some(())
        },
    },
];

static OF_RCPT: [Parameter<RcptParams>; 2] = [
    Parameter {
        name: "NOTIFY",
        offered: |offered| offered.dsn,
        given: |params| params.notify.is_some(),
        take: |params, value, _| {
            params.notify = Some(notify(value?)?);
            Some(())
        },
    },
    Parameter {
        name: "ORCPT",
        offered: |offered| offered.dsn,
        given: |params| params.orcpt.is_some(),
        take: |params, value, offered| {
            let value = value.filter(|value| is_original_recipient(value, offered.smtputf8))?;
            params.orcpt = Some(value.to_owned());
            Some(())
        },
    },
];

impl MailParams {
    pub(crate) fn parse(text: &str, offered: &Offered) -> Result<Self, Refused> {
        parse(&OF_MAIL, text, offered)
    }
}

impl RcptParams {
    pub(crate) fn parse(text: &str, offered: &Offered) -> Result<Self, Refused> {
        parse(&OF_RCPT, text, offered)
    }
}

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`
fn parse<P: Default>(
    table: &'static [Parameter<P>],
    text: &str,
    offered: &Offered,
) -> Result<P, Refused> {
    let mut params = P::default();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (keyword, value) = esmtp_param(word).ok_or(Refused::Bad(ParamError::Malformed))?;
        let row = table
            .iter()
            .find(|row| row.name.eq_ignore_ascii_case(keyword) && (row.offered)(offered))
            .ok_or_else(|| Refused::Unknown(shortened(keyword)))?;
        if (row.given)(&params) {
            return Err(Refused::Bad(ParamError::Duplicate(row.name)));
        }
        (row.take)(&mut params, value, offered)
            .ok_or(Refused::Bad(ParamError::BadValue(row.name)))?;
    }
    Ok(params)
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`,
/// `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`,
/// `esmtp-value = 1*(%d33-60 / %d62-126)`. Of RFC 6531's wider value only ORCPT has a use; each
/// row above looks at its own value, and none but that one lets anything else than ASCII through.
fn esmtp_param(word: &str) -> Option<(&str, Option<&str>)> {
    let (keyword, value) = match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    };
    let named = keyword.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && keyword.starts_with(|first: char| first.is_ascii_alphanumeric());
    let valued = value.is_none_or(|value| !value.is_empty() && !value.contains('='));
    (named && valued).then_some((keyword, value))
}

/// A keyword that goes into a reply: enough of it to be recognised.
fn shortened(keyword: &str) -> String {
    keyword.chars().take(32).collect::<String>().to_ascii_uppercase()
}

/// Keywords as values are not case-sensitive.
fn one_of<T: Copy + fmt::Display>(value: &str, choices: &[T]) -> Option<T> {
    choices.iter().copied().find(|choice| choice.to_string().eq_ignore_ascii_case(value))
}

/// `notify-esmtp-value = "NEVER" / 1#notify-list-element`,
/// `notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"` (RFC 3461 s4.1).
fn notify(value: &str) -> Option<Notify> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::Never);
    }
    let (mut success, mut failure, mut delay) = (false, false, false);
    for element in value.split(',') {
        match element.to_ascii_uppercase().as_str() {
            "SUCCESS" => success = true,
            "FAILURE" => failure = true,
            "DELAY" => delay = true,
            _ => return None,
        }
    }
    Some(Notify::On { success, failure, delay })
}

impl fmt::Display for MailParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if let Some(body) = self.body {
            write!(f, " BODY={body}")?;
        }
        if self.smtputf8 {
            f.write_str(" SMTPUTF8")?;
        }
        if let Some(ret) = self.ret {
            write!(f, " RET={ret}")?;
        }
        if let Some(envid) = &self.envid {
            write!(f, " ENVID={envid}")?;
        }
        if let Some(solicit) = &self.solicit {
            write!(f, " SOLICIT={}", solicit.as_str())?;
        }
        if let Some(auth) = &self.auth {
            write!(f, " AUTH={auth}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RcptParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(notify) = self.notify {
            write!(f, " NOTIFY={notify}")?;
        }
        if let Some(orcpt) = &self.orcpt {
            write!(f, " ORCPT={orcpt}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
        })
    }
}

impl fmt::Display for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "FULL",
            Self::Hdrs => "HDRS",
        })
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::On { success, failure, delay } = *self else { return f.write_str("NEVER") };
        let named = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
        let names: Vec<_> = named.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests;
