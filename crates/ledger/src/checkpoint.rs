//! A checkpoint: what the ledger was at a moment, in a few lines to be kept elsewhere. Whoever
//! has one can tell later whether the ledger still extends that state, even if somebody has
//! rewritten it whole (see `extension`). It may be signed with an Ed25519 key (RFC 8032, RFC
//! 8410) such as `openssl genpkey -algorithm ed25519` makes; what is signed is the text up to
//! the line of the signature, so that openssl can check it without us.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use suppression::Timestamp;

use crate::digits::{hex, unhex};
use crate::error::LedgerError;
use crate::ledger::{Ledger, counters, ledger_id};

const VERSION: &str = "optgate-checkpoint-1";
const SIGNATURE: &str = "signature-ed25519";
/// A checkpoint is under 500 bytes; more than this is some other file.
const SIZE_MAX: usize = 4096;

/// The state of a ledger at a moment. Its `Display` is the text that is kept and signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger.
    pub ledger_id: [u8; 16],
    /// When the checkpoint was made.
    pub time: Timestamp,
    /// Position of the last row.
    pub position: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// Number of the last event.
    pub events: u64,
    /// Its hash.
    pub events_hash: [u8; 32],
}

/// A checkpoint with or without a signature. Its `Display` is what goes into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    signature: Option<Signature>,
}

impl Ledger {
    /// The state of this ledger now. Records no event; a read-only ledger can do it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(&self, now: Timestamp) -> Result<Checkpoint, LedgerError> {
        let read = || {
            let snapshot = self.connection.unchecked_transaction()?;
            Ok((ledger_id(&snapshot)?, counters(&snapshot)?))
        };
        let (ledger_id, counters) = read().map_err(|error| self.fault(error))?;
        let (head, events) = (counters.head, counters.events);
        Ok(Checkpoint {
            ledger_id,
            time: now,
            position: head.position,
            hash: head.hash,
            events: events.position,
            events_hash: events.hash,
        })
    }
}

impl Checkpoint {
    /// Signs it with an Ed25519 private key in PEM (PKCS#8).
    ///
    /// # Errors
    /// When the key is not one.
    pub fn sign(&self, private_pem: &str) -> Result<SignedCheckpoint, LedgerError> {
        let key = SigningKey::from_pkcs8_pem(private_pem).map_err(|_| {
            LedgerError::Checkpoint(
                "this is no Ed25519 private key in PEM (PKCS#8, not encrypted); make one with \
                 `openssl genpkey -algorithm ed25519 -out KEY.pem`"
                    .to_owned(),
            )
        })?;
        let signature = key.sign(self.to_string().as_bytes());
        Ok(SignedCheckpoint { checkpoint: *self, signature: Some(signature) })
    }

    /// As it is, without a signature.
    #[must_use]
    pub fn unsigned(self) -> SignedCheckpoint {
        SignedCheckpoint { checkpoint: self, signature: None }
    }
}

impl SignedCheckpoint {
    /// Whether there is a signature, right or wrong.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Adds a signature made elsewhere (`openssl pkeyutl -sign -rawin`) over the text of the
    /// checkpoint.
    ///
    /// # Errors
    /// When it has not the 64 bytes of one.
    pub fn with_signature(self, signature: &[u8]) -> Result<Self, LedgerError> {
        let signature = Signature::from_slice(signature).map_err(|_| {
            LedgerError::Checkpoint("an Ed25519 signature has 64 bytes, this has not".to_owned())
        })?;
        Ok(Self { signature: Some(signature), ..self })
    }

    /// Checks the signature against an Ed25519 public key in PEM.
    ///
    /// # Errors
    /// When the key is not one, when there is no signature, or when it does not fit.
    pub fn verify_signature(&self, public_pem: &str) -> Result<(), LedgerError> {
        let wrong = |what: &str| LedgerError::Checkpoint(what.to_owned());
        let key = VerifyingKey::from_public_key_pem(public_pem).map_err(|_| {
            wrong(
                "this is no Ed25519 public key in PEM; take it from the private key with \
                 `openssl pkey -in KEY.pem -pubout -out PUBLIC.pem`",
            )
        })?;
        let signature = self.signature.ok_or_else(|| wrong("the checkpoint is not signed"))?;
        // Strict: no signature that other programs would judge differently.
        key.verify_strict(self.checkpoint.to_string().as_bytes(), &signature).map_err(|_| {
            wrong(
                "the signature of the checkpoint does not fit: the checkpoint was changed, or it \
                 was signed with another key",
            )
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{VERSION}")?;
        writeln!(f, "ledger {}", hex(&self.ledger_id))?;
        writeln!(f, "time {}", self.time)?;
        writeln!(f, "position {}", self.position)?;
        writeln!(f, "hash {}", hex(&self.hash))?;
        writeln!(f, "events {}", self.events)?;
        writeln!(f, "events-hash {}", hex(&self.events_hash))
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checkpoint.fmt(f)?;
        match &self.signature {
            Some(signature) => writeln!(f, "{SIGNATURE} {}", hex(&signature.to_bytes())),
            None => Ok(()),
        }
    }
}

impl FromStr for SignedCheckpoint {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
            .map_err(|what| LedgerError::Checkpoint(format!("this is no whole checkpoint: {what}")))
    }
}

fn parse(text: &str) -> Result<SignedCheckpoint, String> {
    if text.len() > SIZE_MAX {
        return Err("it is too long to be one".to_owned());
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match lines.next() {
        Some(VERSION) => {}
        Some(line) if line.starts_with("optgate-checkpoint-") => {
            return Err("it was written by a newer optgate".to_owned());
        }
        _ => return Err(format!("it does not begin with the line `{VERSION}`")),
    }
    let mut field = |name: &str| {
        let line = lines.next().unwrap_or_default();
        let value = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
        value.map(str::trim).ok_or_else(|| format!("the line `{name}` is missing"))
    };
    let digits =
        |name: &str| format!("`{name}` does not have the right number of hexadecimal digits");
    let number = |name: &str, text: &str| {
        text.parse::<u64>().map_err(|_| format!("`{name}` is not a number"))
    };
    let checkpoint = Checkpoint {
        ledger_id: unhex(field("ledger")?).ok_or_else(|| digits("ledger"))?,
        time: field("time")?.parse().map_err(|error| format!("`time`: {error}"))?,
        position: number("position", field("position")?)?,
        hash: unhex(field("hash")?).ok_or_else(|| digits("hash"))?,
        events: number("events", field("events")?)?,
        events_hash: unhex(field("events-hash")?).ok_or_else(|| digits("events-hash"))?,
    };
    let signature = match lines.next() {
        None => None,
        Some(line) => {
            let value = line.strip_prefix(SIGNATURE).map(str::trim);
            let value = value.ok_or_else(|| "it has a line too many".to_owned())?;
            Some(Signature::from_bytes(&unhex(value).ok_or_else(|| digits(SIGNATURE))?))
        }
    };
    match lines.next() {
        None => Ok(SignedCheckpoint { checkpoint, signature }),
        Some(_) => Err("it has a line too many".to_owned()),
    }
}
