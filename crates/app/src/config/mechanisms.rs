//! `[users]`, and the form of a list of mechanisms.

use smtp_session::sasl::Mechanism;
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{FilePath, Form, Given};
use super::naming::show_list;
use super::section::{KeyInfo, Reader, Row, Rule, Said, Section, SectionInfo, section};

section! {
    /// The users who log in to this gate, at a listener with `auth = "users"`.
    Users = "users", one {
        /// Where they are kept. Written by `optgate user`, and read again when it changes; nobody but its owner may read it.
        file: FilePath = default(FilePath("optgate.users".into())),
    }
}

/// Mechanisms by which users of our own log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mechanisms(pub(crate) Vec<Mechanism>);

impl Mechanisms {
    /// All that there are, the best first.
    pub(crate) fn all() -> Self {
        Self(vec![Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login])
    }
}

impl Form for Mechanisms {
    const NAME: &'static str = "a list of mechanisms";
    const EXAMPLE: &'static str = "[\"SCRAM-SHA-256\", \"PLAIN\", \"LOGIN\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut chosen = Vec::new();
        for item in given.elements::<Self>(faults)? {
            let DeValue::String(name) = item.value else {
                faults.push(item.wrong_type::<Self>());
                return None;
            };
            let known = name.parse().ok().filter(|one| Self::all().0.contains(one));
            let Some(mechanism) = known else {
                let fault = Fault::at(item.span, format!("no user can log in by \"{name}\""));
                faults.push(fault.help("one of SCRAM-SHA-256, PLAIN, LOGIN"));
                return None;
            };
            if !chosen.contains(&mechanism) {
                chosen.push(mechanism);
            }
        }
        if chosen.is_empty() {
            faults.push(given.wrong::<Self>("it is empty"));
            return None;
        }
        chosen.sort();
        Some(Self(chosen))
    }
    fn show(&self) -> String {
        show_list(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>())
    }
}
