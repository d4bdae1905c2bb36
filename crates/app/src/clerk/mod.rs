//! The clerk: what can be asked of a ledger and its gate, and the answers.
//!
//! Every question is a value ([`Request`]), answered by one function ([`Clerk::answer`]).
//! With a gate running the command line sends it over the control socket, else it has a
//! clerk of its own for a moment; the answer is the same, because the code is.

mod answers;
mod judge;
mod record;
mod request;
mod why;

pub use answers::{
    AddedLine, AddedOutcome, EntryLine, GateLine, JudgedLine, SourceLine, StatusAnswer,
    VerdictWord, WhyAnswer,
};
pub use request::{Addition, Clerk, ClerkParts, Request, Running};
