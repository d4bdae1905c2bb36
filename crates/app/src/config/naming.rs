//! Forms that name something: hosts, mail domains, sources, columns, characters.

use std::path::PathBuf;

use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};
use super::network::is_host;

/// The name this host greets with (RFC 5321 s4.1.1.1: a domain or an address literal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostName(pub(crate) String);

impl Form for HostName {
    const NAME: &'static str = "a host name";
    const EXAMPLE: &'static str = "\"mail.example.com\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let literal = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).is_some_and(|t| {
            t.parse::<std::net::Ipv4Addr>().is_ok()
                || t.strip_prefix("IPv6:").is_some_and(|t| t.parse::<std::net::Ipv6Addr>().is_ok())
        });
        if literal || (is_host(text) && !text.ends_with('.') && !text.contains('_')) {
            return Some(Self(text.to_owned()));
        }
        let mut fault =
            given.wrong::<Self>("letters, digits and hyphens, in labels parted by dots");
        if let Some(domain) = domain(text) {
            if domain != text {
                fault = fault.help(format!("as it goes on the wire: \"{domain}\""));
            }
        } else if text.parse::<std::net::Ipv4Addr>().is_ok() {
            fault = fault.help(format!("as an address literal: \"[{text}]\""));
        }
        faults.push(fault);
        None
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A mail domain in its canonical form, by the one parser that also reads recipients.
pub(crate) fn domain(text: &str) -> Option<String> {
    match address::Domain::parse(text).ok()? {
        address::Domain::Name(name) => Some(name),
        address::Domain::Literal(_) => None,
    }
}

/// Mail domains, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Domains(pub(crate) Vec<String>);

impl Form for Domains {
    const NAME: &'static str = "a list of mail domains";
    const EXAMPLE: &'static str = "[\"example.com\", \"example.org\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut names = Vec::new();
        let mut bad = false;
        for item in given.elements::<Self>(faults)? {
            match read_domain::<Self>(&item, faults) {
                Some(name) => names.push(name),
                None => bad = true,
            }
        }
        (!bad).then_some(Self(names))
    }
    fn show(&self) -> String {
        show_list(&self.0)
    }
}

pub(crate) fn read_domain<F: Form>(item: &Given<'_>, faults: &mut Vec<Fault>) -> Option<String> {
    let DeValue::String(text) = item.value else {
        faults.push(item.wrong_type::<F>());
        return None;
    };
    let found = domain(text);
    if found.is_none() {
        let mut fault = Fault::at(item.span.clone(), format!("\"{text}\" is not a mail domain"));
        if let Some((_, name)) = text.rsplit_once('@') {
            fault = fault.help(format!("the part behind the @ alone: \"{name}\""));
        }
        faults.push(fault);
    }
    found
}

pub(crate) fn show_list(items: &[String]) -> String {
    let items: Vec<_> = items.iter().map(|s| quoted(s)).collect();
    format!("[{}]", items.join(", "))
}

/// Words, such as the names of attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl Form for Words {
    const NAME: &'static str = "a list of names";
    const EXAMPLE: &'static str = "[\"mail\", \"mailOptOutDate\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let items = given.elements::<Self>(faults)?;
        if items.is_empty() {
            faults.push(given.wrong::<Self>("at least one"));
            return None;
        }
        let words: Vec<Option<String>> = items
            .iter()
            .map(|item| match item.value {
                DeValue::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
                _ => {
                    faults.push(item.wrong_type::<Self>());
                    None
                }
            })
            .collect();
        words.into_iter().collect::<Option<_>>().map(Self)
    }
    fn show(&self) -> String {
        show_list(&self.0)
    }
}

/// The name of a source. It stands in refusals on the wire, so it is plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceName(pub String);

impl SourceName {
    /// Letters, digits, `.`, `_` and `-`, at most 64.
    pub fn is_plain(text: &str) -> bool {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    }
}

impl Form for SourceName {
    const NAME: &'static str = "a name";
    const EXAMPLE: &'static str = "\"crm\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if Self::is_plain(text) {
            return Some(Self(text.to_owned()));
        }
        let plain: String = text
            .chars()
            .map(
                |c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' },
            )
            .take(64)
            .collect();
        let mut fault = given.wrong::<Self>("letters, digits, `.`, `_` and `-`, at most 64");
        if !plain.is_empty() {
            fault =
                fault.help(format!("it is part of the refusal on the wire; \"{plain}\" would do"));
        }
        faults.push(fault);
        None
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A column of a table, or a path inside a record of a tree: a name, or a number from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ColumnSaid {
    /// By its heading (CSV) or path (XML).
    Name(String),
    /// By its number, from 1 (CSV only).
    Number(usize),
}

impl Form for ColumnSaid {
    const NAME: &'static str = "a column";
    const EXAMPLE: &'static str = "\"Email Address\", or its number from 1";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        match given.value {
            DeValue::String(s) if !s.trim().is_empty() => Some(Self::Name(s.trim().to_owned())),
            DeValue::Integer(n) => {
                let number = usize::from_str_radix(n.as_str(), n.radix()).ok().filter(|n| *n > 0);
                if number.is_none() {
                    faults.push(given.wrong::<Self>("columns are counted from 1"));
                }
                number.map(Self::Number)
            }
            _ => {
                faults.push(given.wrong_type::<Self>());
                None
            }
        }
    }
    fn show(&self) -> String {
        match self {
            Self::Name(name) => quoted(name),
            Self::Number(n) => n.to_string(),
        }
    }
}

/// A value of `sources`, which says itself what it takes.
macro_rules! from_sources {
    ($name:ident($inner:ty), $form:literal, $example:literal) => {
        #[doc = concat!("The form of ", $form, ".")]
        #[derive(Clone, Debug)]
        pub(crate) struct $name(pub(crate) $inner, String);

        impl Form for $name {
            const NAME: &'static str = $form;
            const EXAMPLE: &'static str = $example;
            fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
                let text = given.string::<Self>(faults)?;
                match text.parse() {
                    Ok(value) => Some(Self(value, text.to_owned())),
                    Err(error) => {
                        faults.push(given.wrong::<Self>(&format!("{error}")));
                        None
                    }
                }
            }
            fn show(&self) -> String {
                quoted(&self.1)
            }
        }
    };
}

from_sources!(DelimiterSaid(sources::Delimiter), "a delimiter", "\",\", \";\" or \"tab\"");
from_sources!(
    CharsetSaid(sources::Charset),
    "a character set",
    "\"utf-8\", \"utf-16le\" or \"latin-1\""
);
from_sources!(
    RecordSaid(sources::RecordPath),
    "a record path",
    "\"/customers/customer[@optout='1']\""
);

/// Where the evidence goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidencePath {
    /// To this process' standard output.
    Stdout,
    /// To a file.
    File(PathBuf),
}

impl Form for EvidencePath {
    const NAME: &'static str = "a path";
    const EXAMPLE: &'static str = "\"evidence.jsonl\" or \"stdout\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        match given.string::<Self>(faults)? {
            "stdout" | "-" => Some(Self::Stdout),
            "" => {
                faults.push(given.wrong::<Self>("it is empty"));
                None
            }
            path => Some(Self::File(PathBuf::from(path))),
        }
    }
    fn show(&self) -> String {
        match self {
            Self::Stdout => quoted("stdout"),
            Self::File(path) => quoted(&path.display().to_string()),
        }
    }
}
