//! Answers, as they go over the control socket and out with `-o json`. Fields are only
//! ever added: scripts read these.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use suppression::{Day, Entry, Kind, Scope, Subject, Timestamp};

use super::reload::ConfigurationLine;
use crate::live::{Consulted, LiveLine};

/// Permit, refuse or defer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictWord {
    /// May be mailed.
    Permit,
    /// May not be mailed.
    Refuse,
    /// It cannot be told at present.
    Defer,
    /// It is no address that could be mailed.
    Invalid,
    /// The streams it may be on differ: the header decides.
    Provisional,
}

impl VerdictWord {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Refuse => "refuse",
            Self::Defer => "defer",
            Self::Invalid => "invalid",
            Self::Provisional => "provisional",
        }
    }
}

impl VerdictWord {
    /// The larger, the less it may be mailed.
    pub(super) fn severity(self) -> u8 {
        match self {
            Self::Permit => 0,
            Self::Provisional => 1,
            Self::Defer => 2,
            Self::Refuse => 3,
            Self::Invalid => 4,
        }
    }
}

/// What the gates say about one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedLine {
    /// The address as given.
    pub address: String,
    /// The verdict.
    pub verdict: VerdictWord,
    /// Why, in words; empty for a permit.
    pub reason: String,
    /// The list that holds the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// Since when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// The entry's row of the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// The stream that was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The streams it may be on, where the header decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<String>,
}

/// What would happen to mail on one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamVerdict {
    /// The stream.
    pub stream: String,
    /// `commercial` or `transactional`.
    pub class: String,
    /// Whether it needs consent.
    pub opt_in: bool,
    /// What it is about; none: anything.
    pub scopes: Vec<String>,
    /// The verdict.
    pub verdict: VerdictWord,
    /// Why, in words; empty for a plain permit.
    pub reason: String,
    /// What the client would be told.
    pub reply: String,
    /// The entry that decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

/// What became of one entry in the decision for one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingLine {
    /// The stream.
    pub stream: String,
    /// Whether it counts.
    pub counts: bool,
    /// Why, or why not.
    pub words: String,
}

/// By which row an entry was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// That row.
    pub entry: u64,
    /// By whom.
    pub by: String,
    /// When.
    pub on: Timestamp,
    /// Why, in words.
    pub reason: Option<String>,
    /// That row's reason was blanked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// With the whole import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<String>,
}

/// One gate that spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateLine {
    /// The gate.
    pub gate: String,
    /// Its verdict.
    pub verdict: VerdictWord,
    /// Its words.
    pub words: String,
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryLine {
    /// Its row.
    pub entry: u64,
    /// What it says.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// The list.
    pub list: String,
    /// When the person asked, if that is known.
    pub stated: Option<Timestamp>,
    /// When it was written.
    pub recorded: Timestamp,
    /// From which day it counts.
    pub since: Day,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The import that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<String>,
    /// The address, where the ledger holds it in plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain: Option<String>,
    /// Proof.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, String>,
    /// When it lapses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// It is about everybody at the domain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub domain: bool,
    /// It is of a list of digests, made like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashed: Option<String>,
    /// The row that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<u64>,
    /// The import that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// Its personal fields were blanked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// By what it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<TakenBack>,
    /// What became of it, for each stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<StandingLine>,
}

impl From<Entry> for EntryLine {
    fn from(entry: Entry) -> Self {
        Self {
            entry: entry.position,
            since: entry.effective().day(),
            domain: entry.subject == Subject::Domain,
            hashed: match &entry.subject {
                Subject::Hashed(form) => Some(form.in_words()),
                Subject::Address | Subject::Domain => None,
            },
            expires: entry.expires,
            takes_back: entry.refers_to,
            undoes: entry.refers_import,
            erased: entry.erased,
            taken_back: None,
            standing: Vec::new(),
            kind: entry.kind,
            scope: entry.scope,
            list: entry.source,
            stated: entry.stated,
            recorded: entry.recorded,
            reason: entry.reason,
            import: entry.import,
            plain: entry.plain,
            evidence: entry.evidence,
        }
    }
}

/// Why an address is or is not mailed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyAnswer {
    /// The address as given.
    pub address: String,
    /// Under which it is looked up as written.
    pub exact: Option<String>,
    /// Under which it is looked up as a person.
    pub person: Option<String>,
    /// The verdict; where streams differ, the one by which it may least be mailed.
    pub verdict: VerdictWord,
    /// What the client would be told then.
    pub reply: String,
    /// Every gate that spoke, in order.
    pub gates: Vec<GateLine>,
    /// What would happen on each stream.
    #[serde(default)]
    pub streams: Vec<StreamVerdict>,
    /// Keyed hashes of the address as written, as the evidence has them.
    #[serde(default)]
    pub exact_keys: Vec<String>,
    /// Keyed hashes of the person, likewise.
    #[serde(default)]
    pub person_keys: Vec<String>,
    /// Every entry about the address or the person.
    pub entries: Vec<EntryLine>,
    /// What the lists said that are asked live.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<LiveAnswer>,
    /// The state of the index that answered.
    pub epoch: u64,
}

/// What a list said that is asked live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAnswer {
    /// The list.
    pub list: String,
    /// How many entries it has; none: it did not say.
    pub found: Option<u64>,
    /// In words: what it said, or why nothing.
    pub words: String,
    /// How long it took, in milliseconds; none: it was not asked.
    pub took_ms: Option<u64>,
}

impl From<Consulted> for LiveAnswer {
    fn from(one: Consulted) -> Self {
        Self {
            list: one.list,
            found: one.found.map(|found| found as u64),
            words: one.words,
            took_ms: one.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

/// What became of one address of `optout add`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedLine {
    /// The address as given.
    pub address: String,
    /// False: it stood there already.
    pub added: bool,
    /// The entry that says so now.
    pub entry: Option<u64>,
    /// What that comes to, on each stream that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<EffectLine>,
}

/// What an entry comes to on one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectLine {
    /// The stream.
    pub stream: String,
    /// The verdict by now.
    pub verdict: VerdictWord,
    /// Whether that is what the entry wants: refused, or for a consent mailed.
    pub holds: bool,
    /// In words.
    pub words: String,
}

/// What `optout add` or `consent add` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedOutcome {
    /// One for each address.
    pub addresses: Vec<AddedLine>,
    /// What was recorded.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// Whether a running gate refuses them from now on, or for a consent permits them, on every
    /// stream that this is about. False without a gate, and wherever an effect does not hold.
    pub enforced: bool,
    /// Whether a gate is running.
    #[serde(default)]
    pub running: bool,
    /// What a person should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How a source fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// Its name.
    pub name: String,
    /// Where it is: a file, a folder, a pattern, a URL or a database.
    pub file: String,
    /// In words: "ok", "never loaded", "refused", ...
    pub state: String,
    /// Whether recipients are deferred because of it, and why.
    pub unknown: Option<String>,
    /// Usable rows of the last good reading.
    pub rows: Option<u64>,
    /// When it was last read well.
    pub last_success: Option<Timestamp>,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
    /// What was wrong with the last try.
    pub last_error: Option<String>,
    /// How old it is, in seconds, by its own date or its last good reading.
    #[serde(default)]
    pub age: Option<u64>,
    /// The age at which it is unknown, in seconds.
    #[serde(default)]
    pub max_age: Option<u64>,
}

impl SourceLine {
    /// Its age for people.
    pub fn age_words(&self) -> Option<String> {
        Some(crate::lists::words(Duration::from_secs(self.age?)))
    }
}

/// How the gate fares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// Of the program.
    pub version: String,
    /// The gate's process; none without a gate.
    pub pid: Option<u32>,
    /// When the gate began.
    pub since: Option<Timestamp>,
    /// Where clients come in.
    pub listeners: Vec<String>,
    /// The names of the real mail servers.
    pub smarthost: String,
    /// The ledger's file.
    pub ledger: String,
    /// Entries in the index.
    pub entries: u64,
    /// The last row of the ledger it includes.
    pub position: u64,
    /// The state of the index.
    pub epoch: u64,
    /// Bytes of memory of the index.
    pub index_bytes: u64,
    /// The outside lists.
    pub sources: Vec<SourceLine>,
    /// The lists that are asked live.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<LiveLine>,
    /// What is unknown at present, and why: recipients who are on no list get 451.
    pub unknown: BTreeMap<String, String>,
    /// The configuration the gate goes by; none without a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ConfigurationLine>,
    /// What the gate counts.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub gate: serde_json::Value,
}
