//! What is asked for in more than a word or two: entries to be recorded or taken back, and
//! what is to be done with the ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use suppression::{Basis, Kind, Scope, Timestamp};

/// Entries to be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// The addresses as typed; domains, if `domains` says so.
    pub addresses: Vec<String>,
    /// What is recorded about them.
    #[serde(default = "opt_out")]
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// They are domains: the entries are about everybody there.
    #[serde(default)]
    pub domains: bool,
    /// The name of the list they are recorded under.
    pub source: String,
    /// When the people asked.
    pub stated: Option<Timestamp>,
    /// When it lapses; bounces only.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// What a consent rests on.
    #[serde(default)]
    pub basis: Basis,
    /// Why, in words.
    pub reason: Option<String>,
    /// Proof.
    #[serde(default)]
    pub evidence: BTreeMap<String, String>,
}

fn opt_out() -> Kind {
    Kind::OptOut
}

/// What is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Which entries.
    pub what: Withdrawn,
    /// Of these, only those about this class of solicitation, where it is one.
    #[serde(default)]
    pub class: Option<Scope>,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub by: String,
}

/// Which entries are taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withdrawn {
    /// This one.
    Entry(u64),
    /// Every objection to this person.
    Objections(String),
    /// Every objection to everybody at this domain.
    Domain(String),
    /// Every consent of this address.
    Consents(String),
    /// A whole import.
    Import(String),
}

/// Whom entries are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The person behind this address.
    Person(String),
    /// Everybody at this domain: the entries about it as a whole, not those about one person.
    Domain(String),
}

/// What is to be done with the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Custody {
    /// Where does it stand? Answered by the text of a checkpoint.
    Checkpoint {
        /// Who asks.
        by: String,
        /// Whether it will be signed.
        signed: bool,
    },
    /// It is about to be written out. Answered by [`super::ExportPermit`].
    Export {
        /// Who asks.
        by: String,
        /// With addresses, reasons and evidence.
        plain: bool,
        /// What for.
        purpose: Option<String>,
        /// In which form.
        format: String,
    },
    /// Blank what it holds in words about a person or a domain. Answered by
    /// [`super::ErasedOutcome`].
    Erase {
        /// Who asks.
        by: String,
        /// About whom.
        about: About,
        /// Why.
        reason: String,
    },
    /// Make a new key. Answered by [`super::RekeyOutcome`].
    Rekey {
        /// Who asks.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// What was done with it? Answered by a list of [`super::EventAnswer`].
    Events,
    /// It was copied. Answered by the number of the event.
    BackedUp {
        /// Who asked.
        by: String,
        /// The last entry of the copy.
        position: u64,
    },
}
