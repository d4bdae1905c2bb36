//! The gates: one check each, with a verdict.
//!
//! A gate says permit, refuse or defer, with a reason. The opt-out gate is the one
//! this product exists for: only it can turn a forward-path into a
//! [`Cleared`] one, and the smarthost's side takes nothing else, so the compiler
//! keeps the promise that nobody is mailed unchecked.
//!
//! Which kind of mail a message is, [`Streams`] tells by rules. Where a rule asks for a
//! header field, several are possible until the header is there, and a recipient whom
//! not all of them permit is [`Provisional`].
//!
//! Look-ups go through [`Lists`], which `app` wires: an index in memory answers at
//! once, a list that must be asked over a network ([`LiveLists`]) answers later.

mod authors;
mod cleared;
mod content_check;
mod content_gates;
mod expression;
mod finding;
mod gate_rule;
mod header_check;
mod header_gates;
mod lists;
mod live;
mod networks;
mod opt_out;
mod pattern;
mod rates;
mod reason;
mod relay_control;
mod seen;
mod sender_rules;
mod solicitation;
mod streams;
mod subject;
mod unsettled;

pub use authors::{AuthorFault, check_authors};
pub use cleared::{Cleared, Provisional, Refused, VerdictSet};
pub use content_check::{AttachmentRules, ContentCheck, Judgement, NoticeWords, PostalAddress};
pub use content_gates::{ContentGate, ContentGates};
pub use expression::{Expression, ExpressionError};
pub use finding::{Finding, GateVerdict};
pub use gate_rule::GateRule;
pub use header_check::HeaderCheck;
pub use header_gates::{HeaderFindings, HeaderGate, HeaderGates};
pub use lists::{Inquiry, Lists, LookUp, Lookup, Lookups, QuestionId};
pub use live::{Answered, Answering, LiveLists, Question};
pub use networks::Networks;
pub use opt_out::{Action, Asked, Decision, OptOutGate, RecipientFacts, Ruling, Verdict};
pub use pattern::{FieldName, Pattern, PatternError, SenderPattern};
pub use rates::{Counted, Party, Rates, Source, TooMuch};
pub use reason::{GateName, Reason};
pub use relay_control::{Admission, Claim, RelayControl, Relaying};
pub use sender_rules::{AuthorDomain, SenderRule, SenderRules};
pub use solicitation::{Carried, ClassRefusal, class_refused};
pub use streams::{
    Circumstances, HeaderFields, Possible, StreamId, StreamIds, StreamRule, Streams,
};
pub use unsettled::Unsettled;
