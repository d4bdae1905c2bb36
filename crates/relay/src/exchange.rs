//! A login of one of our users, while it is going on.

use std::sync::Arc;

use smtp_session::SlotId;
use smtp_session::sasl::Acceptor;

/// The exchange, and the command that waits for its end.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) slot: SlotId,
    pub(crate) acceptor: Acceptor,
    /// Its name, for who wants to know.
    pub(crate) mechanism: Arc<str>,
}
