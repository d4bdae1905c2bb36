//! What comes of asking for an access token.

use std::time::Duration;

use observe::Secret;

/// A token that was fetched.
pub(super) struct Fetched {
    pub(super) token: Secret<String>,
    /// How long it is good, from the moment it was asked for.
    pub(super) life: Duration,
}
