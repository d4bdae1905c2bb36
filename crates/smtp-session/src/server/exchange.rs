//! AUTH, while it is going on: whose turn it is (RFC 4954 s4).

use super::queue::SlotId;
use crate::sasl::SecretBytes;

/// AUTH, as it came (RFC 4954 s4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRequest {
    /// One of those that were offered, upper-case.
    pub mechanism: String,
    /// The initial response, base64 removed; empty for `=`.
    pub initial: Option<SecretBytes>,
}

/// An exchange that is going on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    pub(super) slot: SlotId,
    pub(super) turn: Turn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// A challenge or the final reply is to come.
    Ours,
    /// Its response is to come.
    Client,
}

impl Exchange {
    pub(super) fn is_clients_turn(self) -> bool {
        self.turn == Turn::Client
    }
}
