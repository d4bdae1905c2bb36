//! Where a fact comes from, said once and not in every row: a million rows of one list share
//! one origin of two bytes. Numbers are given in order and never change, so every later table
//! of the same index extends every earlier one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::SuppressionError;
use crate::hashed::HashedForm;
use crate::kind::Kind;
use crate::scope::Scope;

/// Whom a fact is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Subject {
    /// One address, or the person behind it.
    #[default]
    Address,
    /// Everybody at a domain, but its role addresses.
    Domain,
    /// Whoever has a digest that is on a list of such: of their address, or of their whole
    /// domain. Of which of them nobody can tell, so role addresses are not left out.
    Hashed(Arc<HashedForm>),
}

/// What many facts share: source, kind and scope, whom they are about, how long they last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Name of the source as configured, or of the command that wrote it.
    pub source: String,
    /// What the fact says.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// Whom it is about.
    pub subject: Subject,
    /// Days after which it lapses; none: never. Only bounces and implied consents lapse, after
    /// one of a few numbers of days, so this belongs here and not into each row.
    pub lifetime: Option<u16>,
}

impl Origin {
    /// The origin of facts about addresses that never lapse.
    #[must_use]
    pub fn new(source: &str, kind: Kind, scope: Scope) -> Self {
        let (subject, lifetime) = (Subject::Address, None);
        Self { source: source.to_owned(), kind, scope, subject, lifetime }
    }
}

/// The number of an origin within one index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OriginId(pub u16);

/// The origins of one index, by number. Cheap to share, copied only when one is added.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    list: Vec<Arc<Origin>>,
    numbers: HashMap<Arc<Origin>, OriginId>,
    /// One of them is about a whole domain: asked for every recipient.
    domains: bool,
    /// One of them is about a class of solicitation.
    classes: bool,
    /// The forms of the lists of digests among them, each once.
    forms: Vec<Arc<HashedForm>>,
}

impl Origins {
    pub(crate) fn new() -> Self {
        let (list, numbers) = (Vec::new(), HashMap::new());
        Self { list, numbers, domains: false, classes: false, forms: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, id: OriginId) -> Option<&Origin> {
        self.list.get(usize::from(id.0)).map(AsRef::as_ref)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Origin> {
        self.list.iter().map(AsRef::as_ref)
    }

    pub(crate) fn any_domain(&self) -> bool {
        self.domains
    }

    pub(crate) fn any_class(&self) -> bool {
        self.classes
    }

    pub(crate) fn hashed_forms(&self) -> &[Arc<HashedForm>] {
        &self.forms
    }

    pub(crate) fn find(&self, origin: &Origin) -> Option<OriginId> {
        self.numbers.get(origin).copied()
    }

    /// The number of this origin, given now if it has none.
    pub(crate) fn intern(&mut self, origin: &Origin) -> Result<OriginId, SuppressionError> {
        if let Some(id) = self.find(origin) {
            return Ok(id);
        }
        let id = u16::try_from(self.list.len()).map_err(|_| SuppressionError::OriginsFull)?;
        let origin = Arc::new(origin.clone());
        self.classes |= origin.scope.is_class();
        match &origin.subject {
            Subject::Address => {}
            Subject::Domain => self.domains = true,
            Subject::Hashed(form) if self.forms.contains(form) => {}
            Subject::Hashed(form) => self.forms.push(Arc::clone(form)),
        }
        self.list.push(Arc::clone(&origin));
        self.numbers.insert(origin, OriginId(id));
        Ok(OriginId(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(source: &str) -> Origin {
        Origin::new(source, Kind::OptOut, Scope::Commercial)
    }

    #[test]
    fn the_same_origin_has_one_number() {
        let mut origins = Origins::new();
        let crm = origins.intern(&origin("crm")).unwrap();
        let shop = origins.intern(&origin("shop")).unwrap();
        assert_ne!(crm, shop);
        assert_eq!(origins.intern(&origin("crm")).unwrap(), crm);
        assert_eq!(origins.get(shop).unwrap().source, "shop");
        assert_eq!(origins.get(OriginId(2)), None);
    }

    #[test]
    fn the_table_has_room_for_65536_and_says_when_it_is_full() {
        let mut origins = Origins::new();
        for number in 0..=u16::MAX {
            origins.intern(&origin(&number.to_string())).unwrap();
        }
        assert_eq!(origins.intern(&origin("one more")), Err(SuppressionError::OriginsFull));
        assert_eq!(origins.intern(&origin("7")), Ok(OriginId(7)));
    }
}
