//! What is kept of one user's password.
//!
//! `name:argon2id:SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`: the hash as a PHC string,
//! the keys as PostgreSQL writes them, both in base64.

use argon2::{Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use observe::Secret;
use smtp_session::sasl::{ScramKeys, scram_keys};

use crate::chance;
use crate::error::AppError;

/// Rounds of PBKDF2 behind the SCRAM keys: what OWASP's Password Storage Cheat Sheet asks for.
/// The client does them at each login.
pub(super) const ITERATIONS: u32 = 600_000;

/// More than this is not a hash that somebody made, but a way to keep us busy.
const MEMORY_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 64;

/// What is kept of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// A PHC string of argon2id.
    hash: Secret<String>,
    keys: ScramKeys,
}

impl Entry {
    /// `password`: prepared (RFC 4013). Takes most of a second. The costs are argon2's defaults,
    /// which are those of the Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
    pub(super) fn new(password: &[u8]) -> Result<Self, AppError> {
        let salt: [u8; 16] = chance::bytes()?;
        let keys = scram_keys(password, chance::bytes::<16>()?.to_vec(), ITERATIONS);
        Ok(Self { hash: Secret::new(hash(password, &salt)?), keys })
    }

    /// Somebody whom nobody knows the password of, the same for all unknown names: to do the
    /// same work for them as for known ones.
    pub(super) fn of_nobody() -> Result<Self, AppError> {
        let hash = Secret::new(hash(&chance::bytes::<32>()?, &chance::bytes::<16>()?)?);
        let server_key = Secret::new(chance::bytes()?);
        let (salt, stored_key) = (Vec::new(), chance::bytes()?);
        Ok(Self { hash, keys: ScramKeys { salt, iterations: ITERATIONS, stored_key, server_key } })
    }

    /// Whether it is the password. Tens of milliseconds, and 19 MiB.
    pub(super) fn fits(&self, password: &[u8]) -> bool {
        Argon2::default().verify_password(password, self.hash.expose().as_str()).is_ok()
    }

    pub(super) fn keys(&self) -> &ScramKeys {
        &self.keys
    }

    /// What stands behind the name.
    pub(super) fn to_text(&self) -> Secret<String> {
        let keys = &self.keys;
        Secret::new(format!(
            "{}:SCRAM-SHA-256${}:{}${}:{}",
            self.hash.expose(),
            keys.iterations,
            STANDARD.encode(&keys.salt),
            STANDARD.encode(keys.stored_key),
            STANDARD.encode(keys.server_key.expose()),
        ))
    }

    /// The inverse of [`Self::to_text`]; or what is wrong, without a word of the text.
    pub(super) fn from_text(text: &str) -> Result<Self, &'static str> {
        let (hash, keys) = text.split_once(':').ok_or("two fields are missing behind the name")?;
        let parsed = PasswordHash::new(hash).map_err(|_| "its hash is no PHC string")?;
        if parsed.algorithm.as_str() != "argon2id" || parsed.hash.is_none() {
            return Err("its hash is not of argon2id");
        }
        let costs = Params::try_from(&parsed).map_err(|_| "the costs of its hash make no sense")?;
        if costs.m_cost() > MEMORY_MAX || costs.t_cost() > PASSES_MAX {
            return Err("its hash costs too much to check");
        }
        let keys = keys_from(keys).ok_or("its keys for SCRAM-SHA-256 are garbled")?;
        Ok(Self { hash: Secret::new(hash.to_owned()), keys })
    }
}

fn hash(password: &[u8], salt: &[u8]) -> Result<String, AppError> {
    let hash = Argon2::default().hash_password_with_salt(password, salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| AppError::Unavailable(format!("the password cannot be hashed: {error}")))
}

fn keys_from(text: &str) -> Option<ScramKeys> {
    let rest = text.strip_prefix("SCRAM-SHA-256$")?;
    let (iterations, rest) = rest.split_once(':')?;
    let (salt, rest) = rest.split_once('$')?;
    let (stored, server) = rest.split_once(':')?;
    let iterations = iterations.parse().ok().filter(|count| *count >= 4096)?;
    let decoded = |text: &str| STANDARD.decode(text).ok();
    let salt = decoded(salt).filter(|salt| !salt.is_empty())?;
    let stored_key = decoded(stored)?.try_into().ok()?;
    let server_key = Secret::new(decoded(server)?.try_into().ok()?);
    Some(ScramKeys { salt, iterations, stored_key, server_key })
}
