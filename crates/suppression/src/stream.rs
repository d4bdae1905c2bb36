//! What kind of mail a message is (DESIGN s4): rules in the configuration assign it, the
//! decision is made for it.

use std::sync::Arc;

/// What kind of mail a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StreamClass {
    /// Everything that was not declared otherwise.
    #[default]
    Commercial,
    /// What a person asked for or must get: receipts, password resets.
    Transactional,
}

/// Whom a stream may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Permission {
    /// Everybody but those who objected (CAN-SPAM).
    #[default]
    OptOut,
    /// Only those who are on record as having agreed (CASL, GDPR).
    OptIn,
}

/// One kind of mail.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Its name in the configuration, in evidence and reports.
    pub name: Arc<str>,
    /// Its class.
    pub class: StreamClass,
    /// The lists, brands or lines of business it is about. A commercial stream without any
    /// may be about each of them, so an objection to one of them stops it. A transactional
    /// stream has none.
    pub scopes: Vec<String>,
    /// Whom it may reach.
    pub permission: Permission,
}

impl Stream {
    /// A stream of that class about nothing in particular, which reaches all who did not
    /// object.
    #[must_use]
    pub fn new(name: &str, class: StreamClass) -> Self {
        Self { name: name.into(), class, scopes: Vec::new(), permission: Permission::OptOut }
    }
}

/// What a message is on when no rule says anything: commercial, and about anything.
impl Default for Stream {
    fn default() -> Self {
        Self::new("default", StreamClass::Commercial)
    }
}
