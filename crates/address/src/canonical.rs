//! The canonical form: the two strings under which a mailbox is stored and looked up.
//!
//! *Exact*: the mailbox itself, whatever its spelling. *Person*: what the rules make of
//! it. Both are `local@domain` with the local part unquoted; it holds no at sign, so
//! the last one (the only one) divides. Made by the same function at import and at
//! look-up, and for every mailbox that a [`ForwardPath`](crate::ForwardPath) accepts.

use crate::domain::{self, Domain};
use crate::error::{self, AddressError};
use crate::fold;
use crate::mailbox::Mailbox;
use crate::narrow;
use crate::person::PersonRules;

/// The canonical form of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Canonical {
    exact: String,
    /// Where the domain begins in `exact`.
    domain: usize,
    /// `None`: the same as `exact`, which is by far the most frequent.
    person: Option<String>,
}

impl Canonical {
    /// The mailbox itself: `local@domain`, case folded, NFC, A-labels.
    #[must_use]
    pub fn exact(&self) -> &str {
        &self.exact
    }

    /// The person behind it, as the rules have it: `local@domain`.
    #[must_use]
    pub fn person(&self) -> &str {
        self.person.as_deref().unwrap_or(&self.exact)
    }

    /// The domain of the exact form.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.exact.get(self.domain..).unwrap_or_default()
    }

    /// The domain of the exact form as people write it, where that differs: `bücher.example`
    /// for `xn--bcher-kva.example`.
    #[must_use]
    pub fn domain_in_unicode(&self) -> Option<String> {
        domain::in_unicode(self.domain())
    }
}

impl Mailbox {
    /// The canonical form under the given rules.
    ///
    /// # Errors
    /// [`AddressError`] for a mailbox that has more than one reading, the same that
    /// [`ForwardPath`](crate::ForwardPath) refuses: there is no telling who it is.
    pub fn canonical(&self, rules: &PersonRules) -> Result<Canonical, AddressError> {
        narrow::check(self)?;
        let Domain::Name(domain) = self.domain() else { return Err(error::LITERAL) };
        let local = fold::exact_form(self.local())?;
        let comparison = fold::comparison_form(&local)?;
        let principal = rules.principal(domain);
        let person = rules.person(&comparison, principal);
        let person = (*person != *local || principal != domain).then(|| join(&person, principal));
        Ok(Canonical { exact: join(&local, domain), domain: local.len() + 1, person })
    }
}

impl Mailbox {
    /// The text it was read from. `canonical` is its canonical form.
    #[must_use]
    pub fn written<'a>(&'a self, canonical: &'a Canonical) -> &'a str {
        self.unlike_exact().unwrap_or(canonical.exact())
    }
}

fn join(local: &str, domain: &str) -> String {
    let mut text = String::with_capacity(local.len() + 1 + domain.len());
    text.push_str(local);
    text.push('@');
    text.push_str(domain);
    text
}
