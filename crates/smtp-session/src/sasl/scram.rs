//! SCRAM-SHA-256 (RFC 5802, RFC 7677): its keys and its arithmetic. The messages are made and
//! read in the two roles.

use hmac::{Hmac, KeyInit, Mac};
use observe::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// SHA-256 works on blocks of 64 octets; HMAC pads a shorter key with zeros to one.
const BLOCK: usize = 64;

/// The fewest rounds that a client takes part in: RFC 7677 s4.
pub(super) const ITERATIONS_MIN: u32 = 4096;

/// The most: a server that asks for more wants our time, not our proof.
pub(super) const ITERATIONS_MAX: u32 = 2_000_000;

type Digest = [u8; 32];

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

impl ScramKeys {
    /// Whether `proof` was made with the password, for these messages.
    pub(super) fn proves(&self, auth_message: &[u8], proof: &Digest) -> bool {
        let signature = mac(&self.stored_key, auth_message);
        let client_key = xor(proof, &signature);
        hash(&client_key).ct_eq(&self.stored_key).into()
    }

    /// Our own proof, for the client.
    pub(super) fn signature(&self, auth_message: &[u8]) -> Digest {
        mac(self.server_key.expose(), auth_message)
    }
}

/// The keys of a password that [`prepare`](super::prepare) has been over. Slow on purpose:
/// call it where a thread may be kept busy.
pub fn scram_keys(password: &[u8], salt: Vec<u8>, iterations: u32) -> ScramKeys {
    let salted = salted(password, &salt, iterations);
    ScramKeys {
        salt,
        iterations,
        stored_key: hash(&mac(&salted, b"Client Key")),
        server_key: Secret::new(mac(&salted, b"Server Key")),
    }
}

/// The slow part of proving a password to a server: run it where a thread may be kept busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramWork {
    pub(super) password: Secret<String>,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

impl ScramWork {
    /// Milliseconds to about a second, as the server asked.
    pub fn run(&self) -> SaltedPassword {
        let password = self.password.expose().as_bytes();
        SaltedPassword(Secret::new(salted(password, &self.salt, self.iterations)))
    }
}

/// What [`ScramWork`] comes to; as good as the password, at that server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltedPassword(Secret<Digest>);

impl SaltedPassword {
    /// `ClientProof`, and the `ServerSignature` that has to come back.
    pub(super) fn proofs(&self, auth_message: &[u8]) -> (Digest, Digest) {
        let client_key = mac(self.0.expose(), b"Client Key");
        let signature = mac(&hash(&client_key), auth_message);
        let server_key = mac(self.0.expose(), b"Server Key");
        (xor(&client_key, &signature), mac(&server_key, auth_message))
    }
}

/// Whether two digests are the same, in a time that does not tell where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// `Hi(str, salt, i)` of RFC 5802 s2.2: PBKDF2 (RFC 8018 s5.2) with one block of output.
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> Digest {
    let keyed = keyed(password);
    let mut first = keyed.clone();
    first.update(salt);
    first.update(&1_u32.to_be_bytes());
    let mut last: Digest = first.finalize().into_bytes().into();
    let mut sum = last;
    for _ in 1..iterations {
        let mut next = keyed.clone();
        next.update(&last);
        last = next.finalize().into_bytes().into();
        sum = xor(&sum, &last);
    }
    sum
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let digest: Digest;
    let key = if key.len() > BLOCK {
        digest = hash(key);
        digest.as_slice()
    } else {
        key
    };
    let mut block = [0; BLOCK];
    block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
    Hmac::new(&block.into())
}

fn mac(key: &[u8], message: &[u8]) -> Digest {
    let mut keyed = keyed(key);
    keyed.update(message);
    keyed.finalize().into_bytes().into()
}

fn hash(message: &[u8]) -> Digest {
    Sha256::digest(message).into()
}

fn xor(one: &Digest, other: &Digest) -> Digest {
    let mut sum = *one;
    sum.iter_mut().zip(other).for_each(|(byte, with)| *byte ^= with);
    sum
}
