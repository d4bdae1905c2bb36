//! `[[dkim]]`: what is signed, and with which key.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::fault::Fault;
use super::file_fault::about_file;
use super::form::{FilePath, Flag, Form, Given, quoted, shortened};
use super::naming::{domain, show_list};
use super::of_listener;
use super::pattern::Addresses;
use super::section::{
    KeyInfo, Maybe, Origin, Reader, Row, Rule, Said, Section, SectionInfo, section,
};
use super::settings::{DkimSettings, ListenerSettings};
use crate::dkim::{Key, SigningSettings};
use policy::FieldName;
use toml::de::DeValue;

section! {
    /// A DKIM signature (RFC 6376) for mail whose author, in `From`, is at a domain. It covers exactly what goes to the smarthost, so all content of its listeners is held until it is complete. Several for one domain give as many signatures: RSA and Ed25519. `optgate dkim` prints what must stand in DNS.
    Dkim = "dkim", many {
        /// The domain that signs, and whose authors' mail is signed.
        domain: SigningDomainName = required("\"corp.example\""),
        /// Whether it signs for authors at the domains below it as well.
        subdomains: Flag = default(Flag(false)),
        /// Under which name the public key stands in DNS: <selector>._domainkey.<domain>.
        selector: Selector = required("\"optgate1\""),
        /// The private key: RSA of at least 2048 bits, or Ed25519 (PEM, not encrypted, not for everybody to read). A changed file is read again within seconds.
        key: FilePath = required("\"/etc/optgate/dkim.pem\""),
        /// Further header fields that are signed where they are there, besides the usual ones.
        fields: SignedFields = default(SignedFields(Vec::new())),
        /// The listeners whose mail is signed.
        listener: Addresses = without("[\"127.0.0.1:2525\"]", "all of them"),
    }
}

/// A domain that signs, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SigningDomainName(String);

impl Form for SigningDomainName {
    const NAME: &'static str = "a mail domain";
    const EXAMPLE: &'static str = "\"corp.example\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        match domain(text) {
            Some(name) => Some(Self(name)),
            None => {
                faults.push(given.wrong::<Self>("it is no domain"));
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A selector (RFC 6376 s3.1): labels as in a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector(String);

impl Form for Selector {
    const NAME: &'static str = "a selector";
    const EXAMPLE: &'static str = "\"optgate1\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let label = |label: &str| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
            let bytes = || label.bytes();
            label.len() <= 63 && edge(bytes().next()) && edge(bytes().last()) && bytes().all(inner)
        };
        if text.len() <= 180 && text.split('.').all(label) {
            return Some(Self(text.to_ascii_lowercase()));
        }
        let what = "letters, digits and hyphens, perhaps in labels parted by dots";
        let fault = given.wrong::<Self>(what);
        faults.push(match text.contains("_domainkey") {
            true => fault.help("only what stands before ._domainkey"),
            false => fault,
        });
        None
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// Header fields that may be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedFields(Vec<String>);

/// Those that are changed on the way, and those that a later server writes (RFC 6376 s5.4.1).
const NEVER: [&str; 4] = ["Received", "Return-Path", "DKIM-Signature", "Authentication-Results"];

impl Form for SignedFields {
    const NAME: &'static str = "a list of header fields";
    const EXAMPLE: &'static str = "[\"X-Campaign\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let mut names = Vec::new();
        for item in given.elements::<Self>(faults)? {
            let DeValue::String(text) = item.value else {
                faults.push(item.wrong_type::<Self>());
                continue;
            };
            let name = shortened(text);
            let what = match text.parse::<FieldName>() {
                Err(error) => format!("`{name}` {error}"),
                Ok(_) if NEVER.iter().any(|never| never.eq_ignore_ascii_case(text)) => {
                    format!("`{name}` is changed on the way, and is not signed (RFC 6376 s5.4.1)")
                }
                Ok(_) => {
                    names.push(text.to_string());
                    continue;
                }
            };
            let example = format!("for example {}", Self::EXAMPLE);
            faults.push(Fault::at(item.span.clone(), what).help(example));
        }
        (faults.len() == before).then_some(Self(names))
    }
    fn show(&self) -> String {
        show_list(&self.0)
    }
}

/// What is signed, each key tried.
pub(crate) fn settle(
    said: &[Dkim],
    listeners: &[ListenerSettings],
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Vec<DkimSettings> {
    let mut names: BTreeMap<(&str, &str), Option<Range<usize>>> = BTreeMap::new();
    let mut all = Vec::new();
    for one in said {
        of_listener::known(&one.listener, listeners, faults);
        let (Some(domain), Some(selector), Some(key)) =
            (one.domain.get(), one.selector.get(), one.key.said())
        else {
            continue;
        };
        let path = folder.join(&key.value.0);
        if let Err(fault) = Key::read(&path) {
            faults.push(about_file(key.span(), &fault).help(
                "make one: openssl genpkey -algorithm ed25519 -out dkim.pem; or -algorithm rsa \
                 -pkeyopt rsa_keygen_bits:2048",
            ));
        }
        let span = one.selector.said().and_then(Said::span);
        if let Some(earlier) = names.insert((&domain.0, &selector.0), span.clone()) {
            let what = format!("{}._domainkey.{} is one key", selector.0, domain.0);
            let mut fault =
                Fault::maybe_at(span, what).help("a second signature has a selector of its own");
            if let Some(earlier) = earlier {
                fault = fault.related(earlier, "it is used here already");
            }
            faults.push(fault);
        }
        let below = one.subdomains.value.0.then(|| format!("*.{}", domain.0));
        let authors = std::iter::once(domain.0.clone()).chain(below);
        all.push(DkimSettings {
            signing: SigningSettings {
                domain: domain.0.clone(),
                authors: authors.filter_map(|author| author.parse().ok()).collect(),
                selector: selector.0.clone(),
                key: path,
                fields: one.fields.value.0.clone(),
            },
            listeners: of_listener::addresses(&one.listener),
        });
    }
    all
}
