//! The rules by which several addresses are one person.
//!
//! Three kinds, all of them a matter of policy: a *tag* (`bob+shop` is `bob`), *dots*
//! that a provider ignores (`b.o.b@gmail.com`), and *domains* under which a provider
//! serves the same mailboxes (`googlemail.com`). Opt-outs are matched by what the rules
//! make of an address, so to match too much errs on the side of not mailing somebody.
//!
//! Stored keys are hashes of the outcome: after a change of the rules a stored opt-out
//! can no longer be found under its new key. `Display` gives the rules as one stable
//! line, for the ledger to keep beside its keys and compare at the next start.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use thiserror::Error;

use crate::characters::is_plain;
use crate::domain::Domain;
use crate::error::AddressError;
use crate::local::has_empty_atom;

/// Other names of a provider's domain, and the name they stand for. Each of these
/// providers gives the same local part to nobody else under any of them (help pages of
/// Google, Apple 118230, Proton "addresses and aliases", Yandex ID "email addresses").
const KNOWN_ALIASES: [(&str, &str); 11] = [
    ("googlemail.com", "gmail.com"),
    ("mac.com", "icloud.com"),
    ("me.com", "icloud.com"),
    ("pm.me", "proton.me"),
    ("protonmail.ch", "proton.me"),
    ("protonmail.com", "proton.me"),
    ("ya.ru", "yandex.ru"),
    ("yandex.by", "yandex.ru"),
    ("yandex.com", "yandex.ru"),
    ("yandex.kz", "yandex.ru"),
    ("yandex.ua", "yandex.ru"),
];

/// The domain whose mailboxes ignore dots in the local part.
const KNOWN_DOTLESS: &str = "gmail.com";

/// What makes two addresses one person, beyond case and spelling. `Default` is what
/// suits most: `+` begins a tag, Gmail ignores dots, and the second domains of a few
/// large providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRules {
    tag_marks: BTreeSet<char>,
    /// Marks of single domains, beside those of all.
    domain_tag_marks: BTreeMap<String, BTreeSet<char>>,
    dotless_domains: BTreeSet<String>,
    /// alias → principal; a principal is never an alias itself. The other tables hold
    /// principals only.
    domain_aliases: BTreeMap<String, String>,
}

/// A rule that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// Only ASCII punctuation that may stand in a local part without quotes can mark a
    /// tag, and no dot, percent sign or bang.
    #[error("a tag mark is one of # $ & ' * + - / = ? ^ _ ` {{ | }} ~")]
    TagMark,
    /// A domain was expected.
    #[error("not the name of a domain: {}", .0.reason())]
    Domain(AddressError),
    /// An address literal is not a name.
    #[error("not the name of a domain: an address literal")]
    Literal,
    /// An alias of itself, perhaps through others.
    #[error("a domain cannot be an alias of itself")]
    Circle,
}

impl Default for PersonRules {
    fn default() -> Self {
        Self {
            tag_marks: BTreeSet::from(['+']),
            domain_tag_marks: BTreeMap::new(),
            dotless_domains: BTreeSet::from([KNOWN_DOTLESS.to_owned()]),
            domain_aliases: KNOWN_ALIASES.map(|(a, p)| (a.to_owned(), p.to_owned())).into(),
        }
    }
}

impl PersonRules {
    /// No rules at all: every mailbox is a person of its own. The place to begin when
    /// none of the defaults is wanted.
    #[must_use]
    pub fn none() -> Self {
        Self {
            tag_marks: BTreeSet::new(),
            domain_tag_marks: BTreeMap::new(),
            dotless_domains: BTreeSet::new(),
            domain_aliases: BTreeMap::new(),
        }
    }

    /// Lets `mark` begin a tag, in every domain.
    ///
    /// # Errors
    /// [`RuleError::TagMark`] if it cannot be one.
    pub fn add_tag_mark(&mut self, mark: char) -> Result<(), RuleError> {
        self.tag_marks.insert(tag_mark(mark)?);
        Ok(())
    }

    /// Lets `mark` begin a tag in one domain, given in any form.
    ///
    /// # Errors
    /// [`RuleError`] if it cannot be a mark, or `domain` is not a domain name.
    pub fn add_tag_mark_in(&mut self, domain: &str, mark: char) -> Result<(), RuleError> {
        let mark = tag_mark(mark)?;
        let name = self.named(domain)?;
        self.domain_tag_marks.entry(name).or_default().insert(mark);
        Ok(())
    }

    /// Ignores dots in the local parts of a domain, given in any form.
    ///
    /// # Errors
    /// [`RuleError`] if it is not a domain name.
    pub fn add_dotless_domain(&mut self, domain: &str) -> Result<(), RuleError> {
        let name = self.named(domain)?;
        self.dotless_domains.insert(name);
        Ok(())
    }

    /// Treats `alias` as another name of `principal`, both given in any form.
    ///
    /// # Errors
    /// [`RuleError`] if one is not a domain name, or if both are the same.
    pub fn add_domain_alias(&mut self, alias: &str, principal: &str) -> Result<(), RuleError> {
        let alias = domain_name(alias)?;
        let principal = self.named(principal)?;
        if alias == principal {
            return Err(RuleError::Circle);
        }
        // Whatever was known of the alias, or led to it, now belongs to its principal.
        for target in self.domain_aliases.values_mut().filter(|target| **target == alias) {
            target.clone_from(&principal);
        }
        if let Some(marks) = self.domain_tag_marks.remove(&alias) {
            self.domain_tag_marks.entry(principal.clone()).or_default().extend(marks);
        }
        if self.dotless_domains.remove(&alias) {
            self.dotless_domains.insert(principal.clone());
        }
        self.domain_aliases.insert(alias, principal);
        Ok(())
    }

    /// The domain of which `domain` is only another name.
    pub(crate) fn principal<'a>(&'a self, domain: &'a str) -> &'a str {
        self.domain_aliases.get(domain).map_or(domain, String::as_str)
    }

    /// The local part of the person: without its tag, without dots where they do not
    /// count, and without those that only quotes allow (`"bob."`), since programs that
    /// drop the quotes drop them as well. `principal` is the domain with aliases resolved.
    pub(crate) fn person<'a>(&self, local: &'a str, principal: &str) -> Cow<'a, str> {
        let mut person = Cow::Borrowed(local);
        if has_empty_atom(local) {
            let atoms: Vec<_> = local.split('.').filter(|atom| !atom.is_empty()).collect();
            person = Cow::Owned(atoms.join("."));
        }
        let end = self.end_of_name(&person, principal);
        if end < person.len() {
            person = match person {
                Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or(text)),
                Cow::Owned(mut text) => {
                    text.truncate(end);
                    Cow::Owned(text)
                }
            };
        }
        if person.contains('.') && self.dotless_domains.contains(principal) {
            person = Cow::Owned(person.replace('.', ""));
        }
        person
    }

    /// Where the tag begins, or the end. A tag is cut off only if something is left
    /// before it: `+bob` has none.
    fn end_of_name(&self, local: &str, principal: &str) -> usize {
        let here = self.domain_tag_marks.get(principal);
        let is_mark =
            |c: char| self.tag_marks.contains(&c) || here.is_some_and(|marks| marks.contains(&c));
        let before = local.len() - local.trim_start_matches(is_mark).len();
        let (marks, rest) = local.split_at_checked(before).unwrap_or((local, ""));
        match rest.split_once(is_mark) {
            Some((name, _)) => marks.len() + name.trim_end_matches(['.', ' ']).len(),
            None => local.len(),
        }
    }

    /// The principal of a domain given in any form.
    fn named(&self, domain: &str) -> Result<String, RuleError> {
        let name = domain_name(domain)?;
        Ok(self.principal(&name).to_owned())
    }
}

impl Display for PersonRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marks_in = self.domain_tag_marks.iter();
        write!(
            f,
            "tags={} tags-in={} dotless={} aliases={}",
            self.tag_marks.iter().collect::<String>(),
            list(marks_in.map(|(name, marks)| format!("{name}:{}", String::from_iter(marks)))),
            list(self.dotless_domains.iter()),
            list(self.domain_aliases.iter().map(|(alias, name)| format!("{alias}:{name}"))),
        )
    }
}

fn list(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

fn tag_mark(mark: char) -> Result<char, RuleError> {
    let fits = is_plain(mark) && mark.is_ascii_punctuation() && mark != '.';
    fits.then_some(mark).ok_or(RuleError::TagMark)
}

fn domain_name(text: &str) -> Result<String, RuleError> {
    match Domain::parse(text) {
        Ok(Domain::Name(name)) => Ok(name),
        Ok(Domain::Literal(_)) => Err(RuleError::Literal),
        Err(error) => Err(RuleError::Domain(error)),
    }
}
