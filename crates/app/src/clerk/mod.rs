//! The clerk: what can be asked of a ledger and its gate, and the answers.
//!
//! Every question is a value ([`Request`]), answered by one function ([`Clerk::answer`]).
//! With a gate running the command line sends it over the control socket, else it has a
//! clerk of its own for a moment; the answer is the same, because the code is.

mod answers;
mod asked;
mod custody;
mod effect;
mod judge;
mod question;
mod record;
mod reload;
mod request;
mod standing;
mod told;
mod why;
mod withdraw;

pub use answers::{
    AddedLine, AddedOutcome, EffectLine, EntryLine, GateLine, JudgedLine, LiveAnswer, SourceLine,
    StandingLine, StatusAnswer, StreamVerdict, TakenBack, VerdictWord, WhyAnswer,
};
pub use asked::{About, Addition, Custody, Withdrawal, Withdrawn};
pub use question::{Candidate, JudgeQuestion};
pub use reload::{ConfigurationLine, Reload, ReloadFailure, Reloaded};
pub use request::{Clerk, ClerkParts, Request, Running};
pub use told::{
    ErasedOutcome, EventAnswer, ExportPermit, ImportedLine, RekeyOutcome, WithdrawnOutcome,
};

#[cfg(test)]
mod tests;
