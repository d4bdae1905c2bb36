//! Reports: what the evidence and the ledger say together, counted.
//!
//! Each reads the files of the evidence from the oldest to the current one, and the ledger
//! beside the running gate, which it does not disturb. Memory is bounded by the number of
//! applications, lists and streams; `deadlines` alone holds opt-outs, so many at a time, and
//! reads the evidence again for more.

mod deadlines;
mod digest;
mod findings;
mod history;
mod mail;
mod obligations;
mod offence;
mod shadow;
mod span;
mod streams;

pub use deadlines::{DeadlinesAsked, DeadlinesSummary, LateMail, OptOutLine, PASS_MAX, deadlines};
pub use findings::{FindingsReport, FindingsRow, findings};
pub use history::{History, HistoryLine, history};
pub use shadow::{ShadowApplication, ShadowReport, ShadowRow, shadow};
pub use span::TimeSpan;
pub use streams::{StreamRow, StreamsApplication, StreamsReport, streams};

#[cfg(test)]
mod tests;
