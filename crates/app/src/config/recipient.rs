//! Forms of who is told when something is wrong: a program, a URL, an address.

use address::ForwardPath;
use observe::Secret;
use toml::de::DeValue;
use url::Url;

use super::fault::Fault;
use super::form::{Form, Given, quoted};

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argv(pub(crate) Vec<String>);

impl Form for Argv {
    const NAME: &'static str = "a program and its arguments";
    const EXAMPLE: &'static str = "[\"/usr/local/bin/page\", \"--mail-team\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let items = given.elements::<Self>(faults)?;
        let mut words = Vec::new();
        for item in &items {
            match item.value {
                DeValue::String(word) if !word.contains('\0') => words.push(word.to_string()),
                _ => {
                    faults.push(item.wrong_type::<Self>());
                    return None;
                }
            }
        }
        if words.first().is_none_or(|program| program.trim().is_empty()) {
            faults.push(given.wrong::<Self>("no program is named"));
            return None;
        }
        Some(Self(words))
    }
    fn show(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|word| quoted(word)).collect();
        format!("[{}]", words.join(", "))
    }
}

/// A URL that is a secret itself: whoever knows it may post there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebUrl(pub(crate) Secret<String>);

impl Form for WebUrl {
    const NAME: &'static str = "a URL";
    const EXAMPLE: &'static str = "\"https://chat.corp.example/hooks/mail\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                Some(Self(Secret::new(text.to_owned())))
            }
            _ => {
                faults.push(given.wrong::<Self>("it begins with https:// or http://"));
                None
            }
        }
    }
    fn show(&self) -> String {
        // Of such URLs the path is the password.
        let host = Url::parse(self.0.expose()).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let scheme = self.0.expose().split(':').next().unwrap_or("https");
        quoted(&format!("{scheme}://{host}/..."))
    }
}

/// An address to which mail can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailAddress(pub(crate) ForwardPath);

impl Form for MailAddress {
    const NAME: &'static str = "an e-mail address";
    const EXAMPLE: &'static str = "\"postmaster@corp.example\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        match ForwardPath::parse(&format!("<{}>", text.trim())) {
            Ok(path) if path.mailbox().is_some() => Some(Self(path)),
            Ok(_) => {
                faults.push(given.wrong::<Self>("it has no domain"));
                None
            }
            Err(error) => {
                faults.push(given.wrong::<Self>(&error.to_string()));
                None
            }
        }
    }
    fn show(&self) -> String {
        let path = self.0.to_string();
        quoted(path.trim_start_matches('<').trim_end_matches('>'))
    }
}
