//! What stays secret on its way between the rooms.

use observe::Secret;

/// Octets that stay secret.
pub type SecretBytes = Secret<Vec<u8>>;
