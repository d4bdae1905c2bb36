//! Why a gate did not permit: the text a person will read, with the code that fits.
//!
//! RFC 3463 s3.8 and RFC 5321 s4.2: an opt-out is refused by policy for one
//! recipient (550 5.7.1), never 5.1.1, which senders would record as an unknown
//! mailbox. What is not known is deferred (451 4.3.0), because it may pass.

use std::fmt;
use std::sync::Arc;

use crate::rates::TooMuch;
use suppression::{Day, Kind, Scope, Subject, Suppression};

/// Letters of a name that go into a reply, which has lines of at most 512 octets (RFC
/// 5321 s4.5.3.1.5) and a reference at its end.
const NAME_MAX: usize = 60;

/// The gate that spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateName {
    /// Who may relay at all.
    RelayControl,
    /// The opt-out list.
    OptOut,
    /// The classes of solicitation that a message says it is of.
    Solicitation,
    /// What kind of mail it is, where recipients of one message differ in what that
    /// means for them.
    Stream,
    /// The address itself: grammar and single reading.
    Address,
    /// How much may be sent in a minute.
    Rates,
    /// None of ours: the smarthost decided.
    Smarthost,
}

impl GateName {
    /// The name in evidence records and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RelayControl => "relay-control",
            Self::OptOut => "opt-out",
            Self::Solicitation => "solicitation",
            Self::Stream => "stream",
            Self::Address => "address",
            Self::Rates => "rates",
            Self::Smarthost => "smarthost",
        }
    }
}

/// Why a recipient, a sender or a client was not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// An entry of the ledger forbids it.
    Suppressed(Suppression),
    /// An entry of the ledger forbids it, but only after this day: permitted until then.
    InGrace(Suppression, Day),
    /// This stream needs consent, and none is on record.
    NoConsent(Arc<str>),
    /// The message is of this class of solicitation, and an entry of the ledger forbids that.
    Class(String, Suppression),
    /// The message is of this class, and the lists cannot tell whether an entry forbids that;
    /// the text names what is missing.
    ClassUnknown(String, String),
    /// The message is of this class, and the smarthost has said that it takes none of it.
    ClassAtSmarthost(String),
    /// Whether it may get the message depends on the header, and not in the same way as
    /// for a recipient before it.
    OtherRecipients,
    /// It may get the message; another recipient may not, and the listener refuses such
    /// a message as a whole.
    WholeMessage,
    /// The lists cannot tell; the text names what is missing.
    Unknown(String),
    /// The client is not allowed to relay.
    NotAllowed,
    /// There were too many of late.
    TooMuch(TooMuch),
}

impl Reason {
    /// The gate that gives this reason.
    pub fn gate(&self) -> GateName {
        match self {
            Self::Suppressed(_) | Self::InGrace(..) | Self::NoConsent(_) | Self::Unknown(_) => {
                GateName::OptOut
            }
            Self::Class(..) | Self::ClassUnknown(..) | Self::ClassAtSmarthost(_) => {
                GateName::Solicitation
            }
            Self::OtherRecipients | Self::WholeMessage => GateName::Stream,
            Self::NotAllowed => GateName::RelayControl,
            Self::TooMuch(_) => GateName::Rates,
        }
    }

    /// The words for the record, with what the client is not told.
    pub fn in_full(&self) -> String {
        match self {
            Self::Unknown(what) => format!("unknown: {what}"),
            Self::ClassUnknown(class, what) => format!("unknown: SOLICIT={class}: {what}"),
            _ => self.to_string(),
        }
    }

    /// It cannot be told now, and may pass another time.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::ClassUnknown(..))
    }

    /// The entry that spoke, if one did.
    pub fn entry(&self) -> Option<&Suppression> {
        match self {
            Self::Suppressed(entry) | Self::InGrace(entry, _) | Self::Class(_, entry) => {
                Some(entry)
            }
            _ => None,
        }
    }

    /// The day of the entry that spoke, if one did.
    pub fn since(&self) -> Option<Day> {
        self.entry().map(|entry| entry.since)
    }
}

/// The words behind the address in a refusal, e.g. `opted out on 2026-03-02 (list
/// crm.csv)`. They never contain bytes of the address or of a list's rows.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suppressed(entry) => entry_words(entry, f),
            Self::InGrace(entry, until) => {
                entry_words(entry, f)?;
                write!(f, ", in force after {until}")
            }
            Self::NoConsent(stream) => {
                write!(f, "has not agreed to get \"{}\" mail", shortened(stream))
            }
            // RFC 3865 s2.4: what matched, as a parameter.
            Self::Class(class, entry) => {
                write!(f, "SOLICIT={class} refused since {} (list {})", entry.since, entry.source)
            }
            Self::ClassUnknown(class, _) => {
                write!(f, "SOLICIT={class} cannot be checked right now; try again later")
            }
            Self::ClassAtSmarthost(class) => {
                write!(f, "SOLICIT={class} refused by the mail server behind this one")
            }
            Self::OtherRecipients => f.write_str("needs a transaction of its own; offer it again"),
            Self::WholeMessage => f.write_str("was to get it together with others who may not"),
            Self::Unknown(_) => f.write_str("cannot be checked right now; try again later"),
            Self::NotAllowed => f.write_str("relaying denied"),
            Self::TooMuch(too_much) => too_much.fmt(f),
        }
    }
}

/// `opted out of "news" on 2026-03-02 (list crm.csv)`.
fn entry_words(entry: &Suppression, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if entry.subject == Subject::Domain {
        f.write_str("is at a domain that ")?;
    }
    // Neither of the last two suppresses by itself; should one ever arrive here, the
    // refusal stands and the text stays true.
    let (what, about) = match entry.kind {
        Kind::OptOut => ("opted out", "of"),
        Kind::Complaint => ("complained", "about"),
        Kind::Manual => ("was blocked", "for"),
        Kind::Undeliverable => ("was found undeliverable", "for"),
        Kind::Consent | Kind::Withdrawn => ("may not be mailed", "for"),
    };
    f.write_str(what)?;
    if let Scope::Named(name) = &entry.scope {
        write!(f, " {about} \"{}\"", shortened(name))?;
    }
    write!(f, " on {} (list {})", entry.since, entry.source)
}

fn shortened(name: &str) -> &str {
    name.char_indices().nth(NAME_MAX).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}
