//! What records say of the client beyond its address.

use std::sync::Arc;

use policy::OptOutGate;

use crate::settings::SessionFacts;

/// Made anew whenever the facts of the session change.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The user that is logged in: by name, or by its keyed hash.
    pub(crate) login: Option<Arc<str>>,
    /// Protocol and cipher suite.
    pub(crate) tls: Option<Arc<str>>,
}

impl Shown {
    /// A login name is personal data: it is written as recipients are.
    pub(crate) fn new(facts: &SessionFacts, gate: &OptOutGate, plain: bool) -> Self {
        let login = facts.login.as_ref().map(|login| match plain {
            true => Arc::clone(login),
            false => gate.login_key(login).to_string().get(..32).unwrap_or_default().into(),
        });
        let tls = facts.tls.as_ref().map(|tls| format!("{} {}", tls.protocol, tls.cipher).into());
        Self { login, tls }
    }
}
