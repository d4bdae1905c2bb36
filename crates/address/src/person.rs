//! The rules by which several addresses are one person.
//!
//! Three kinds, all of them a matter of policy: a *tag* (`bob+shop` is `bob`), *dots*
//! that a provider ignores (`b.o.b@gmail.com`), and *domains* under which a provider
//! serves the same mailboxes (`googlemail.com`). Opt-outs are matched by what the rules
//! make of an address, so to match too much errs on the side of not mailing somebody.
//!
//! Stored keys are hashes of the outcome: after a change of the rules a stored opt-out
//! can no longer be found under a new key. `Display` gives the rules as one stable
//! line, for the ledger to store beside its keys and compare at the next start.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;

use crate::characters::is_plain;
use crate::domain::Domain;
use crate::error::AddressError;

/// Domains that are other names of one: (alias, principal). The provider gives the
/// same local part to nobody else under any of them.
const KNOWN_ALIASES: [(&str, &str); 1] = [("googlemail.com", "gmail.com")];

/// Domains whose mailboxes ignore dots in the local part.
const KNOWN_DOTLESS: [&str; 1] = ["gmail.com"];

/// What makes two addresses one person, beyond case and spelling. `Default` is what
/// suits most: `+` as the mark of a tag, Gmail's dots and second domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRules {
    tag_marks: BTreeSet<char>,
    dotless_domains: BTreeSet<String>,
    /// alias → principal; a principal is never an alias itself.
    domain_aliases: BTreeMap<String, String>,
}

/// A rule that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// Only ASCII punctuation that may stand in a local part without quotes can mark a
    /// tag.
    #[error("a tag mark must be one of # $ & ' * + - / = ? ^ _ ` {{ | }} ~")]
    TagMark,
    /// A domain was expected.
    #[error("not a domain name: {0}")]
    Domain(AddressError),
    /// Address literals have no aliases.
    #[error("an address literal cannot stand for a domain name")]
    Literal,
    /// An alias of itself, perhaps through others.
    #[error("a domain cannot be an alias of itself")]
    Circle,
}

impl Default for PersonRules {
    fn default() -> Self {
        Self {
            tag_marks: BTreeSet::from(['+']),
            dotless_domains: KNOWN_DOTLESS.map(str::to_owned).into(),
            domain_aliases: KNOWN_ALIASES.map(|(a, p)| (a.to_owned(), p.to_owned())).into(),
        }
    }
}

impl PersonRules {
    /// No rules at all: every mailbox is a person of its own.
    #[must_use]
    pub fn none() -> Self {
        Self {
            tag_marks: BTreeSet::new(),
            dotless_domains: BTreeSet::new(),
            domain_aliases: BTreeMap::new(),
        }
    }

    /// Lets `mark` begin a tag, in every domain.
    ///
    /// # Errors
    /// [`RuleError::TagMark`] if it is not punctuation of a local part.
    pub fn add_tag_mark(&mut self, mark: char) -> Result<(), RuleError> {
        if !(mark.is_ascii_punctuation() && is_plain(mark) && mark != '.') {
            return Err(RuleError::TagMark);
        }
        self.tag_marks.insert(mark);
        Ok(())
    }

    /// Ignores dots in the local parts of a domain.
    ///
    /// # Errors
    /// [`RuleError`] if it is not a domain name.
    pub fn add_dotless_domain(&mut self, domain: &str) -> Result<(), RuleError> {
        let name = domain_name(domain)?;
        self.dotless_domains.insert(self.principal(&name).to_owned());
        Ok(())
    }

    /// Treats `alias` as another name of `principal`.
    ///
    /// # Errors
    /// [`RuleError`] if one is not a domain name, or if both are the same.
    pub fn add_domain_alias(&mut self, alias: &str, principal: &str) -> Result<(), RuleError> {
        let alias = domain_name(alias)?;
        let principal = self.principal(&domain_name(principal)?).to_owned();
        if alias == principal {
            return Err(RuleError::Circle);
        }
        // What led to the alias so far leads on to its principal.
        for target in self.domain_aliases.values_mut().filter(|target| **target == alias) {
            target.clone_from(&principal);
        }
        if self.dotless_domains.remove(&alias) {
            self.dotless_domains.insert(principal.clone());
        }
        self.domain_aliases.insert(alias, principal);
        Ok(())
    }

    /// The domain for which `domain` is only another name.
    pub(crate) fn principal<'a>(&'a self, domain: &'a str) -> &'a str {
        self.domain_aliases.get(domain).map_or(domain, String::as_str)
    }

    /// The local part without its tag, and without dots where they do not count.
    /// `principal` is the domain with aliases resolved.
    pub(crate) fn person<'a>(&self, local: &'a str, principal: &str) -> Cow<'a, str> {
        let local = self.without_tag(local);
        if local.contains('.') && self.dotless_domains.contains(principal) {
            let dotless: String = local.chars().filter(|&c| c != '.').collect();
            if !dotless.is_empty() {
                return Cow::Owned(dotless);
            }
        }
        Cow::Borrowed(local)
    }

    /// A tag is cut off only if something is left before it: `+bob` has none.
    fn without_tag<'a>(&self, local: &'a str) -> &'a str {
        let is_mark = |c: char| self.tag_marks.contains(&c);
        let name = local.len() - local.trim_start_matches(is_mark).len();
        let tag = local.get(name..).and_then(|rest| rest.find(is_mark));
        tag.and_then(|at| local.get(..name + at)).unwrap_or(local)
    }
}

impl fmt::Display for PersonRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tags:")?;
        self.tag_marks.iter().try_for_each(|mark| write!(f, "{mark}"))?;
        f.write_str(" dotless:")?;
        let dotless: Vec<_> = self.dotless_domains.iter().map(String::as_str).collect();
        f.write_str(&dotless.join(","))?;
        f.write_str(" aliases:")?;
        let aliases: Vec<_> =
            self.domain_aliases.iter().map(|(alias, to)| format!("{alias}={to}")).collect();
        f.write_str(&aliases.join(","))
    }
}

fn domain_name(text: &str) -> Result<String, RuleError> {
    match Domain::parse(text) {
        Ok(Domain::Name(name)) => Ok(name),
        Ok(Domain::Literal(_)) => Err(RuleError::Literal),
        Err(error) => Err(RuleError::Domain(error)),
    }
}
