//! Why a gate did not permit: the text a person will read, with the code that fits.
//!
//! RFC 3463 s3.8 and RFC 5321 s4.2: an opt-out is refused by policy for one
//! recipient (550 5.7.1), never 5.1.1, which senders would record as an unknown
//! mailbox. What is not known is deferred (451 4.3.0), because it may pass.

use std::fmt;

use suppression::{Day, Kind, Suppression};

/// The gate that spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateName {
    /// Who may relay at all.
    RelayControl,
    /// The opt-out list.
    OptOut,
    /// The address itself: grammar and single reading.
    Address,
    /// None of ours: the smarthost decided.
    Smarthost,
}

impl GateName {
    /// The name in evidence records and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RelayControl => "relay-control",
            Self::OptOut => "opt-out",
            Self::Address => "address",
            Self::Smarthost => "smarthost",
        }
    }
}

/// Why a recipient, a sender or a client was not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// An entry of the ledger forbids it.
    Suppressed(Suppression),
    /// The stream needs consent, and none is on record.
    NoConsent,
    /// The lists cannot tell; the text names what is missing.
    Unknown(String),
    /// The client is not allowed to relay.
    NotAllowed,
}

impl Reason {
    /// The gate that gives this reason.
    pub fn gate(&self) -> GateName {
        match self {
            Self::Suppressed(_) | Self::NoConsent | Self::Unknown(_) => GateName::OptOut,
            Self::NotAllowed => GateName::RelayControl,
        }
    }

    /// The words for the record, with what the client is not told.
    pub fn in_full(&self) -> String {
        match self {
            Self::Unknown(what) => format!("unknown: {what}"),
            _ => self.to_string(),
        }
    }

    /// The day of the entry that spoke, if one did.
    pub fn since(&self) -> Option<Day> {
        match self {
            Self::Suppressed(entry) => Some(entry.since),
            _ => None,
        }
    }
}

/// The words behind the address in a refusal, e.g. `opted out on 2026-03-02 (list
/// crm.csv)`. They never contain bytes of the address or of a list's rows.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suppressed(entry) => {
                let what = match entry.kind {
                    Kind::OptOut => "opted out",
                    Kind::Complaint => "complained",
                    Kind::Manual => "was blocked",
                    Kind::Undeliverable => "was found undeliverable",
                    // Neither suppresses by itself; should one ever arrive here, the
                    // refusal stands and the text stays true.
                    Kind::Consent | Kind::Withdrawn => "may not be mailed",
                };
                write!(f, "{what} on {} (list {})", entry.since, entry.source)
            }
            Self::NoConsent => f.write_str("has not agreed to this mail"),
            Self::Unknown(_) => f.write_str("cannot be checked right now; try again later"),
            Self::NotAllowed => f.write_str("relaying denied"),
        }
    }
}
