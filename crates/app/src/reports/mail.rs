//! Decisions and what became of them. A decision is written when the recipient is named, the
//! outcome when the message has ended; a recipient was sent something only if the smarthost
//! took the message, and its stream may be known only then.

use std::collections::{HashMap, VecDeque};

use evidence::{Records, Seen};
use suppression::Timestamp;

use super::digest;
use super::span::wrong;
use crate::error::AppError;

/// Transactions of which recipients are remembered at a time: as many as connections may be
/// open. Those that never had mail data leave no outcome and are forgotten in their order.
const OPEN_MAX: usize = 50_000;

/// A recipient that was offered to the smarthost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offered {
    pub(super) reference: Box<str>,
    pub(super) time: Timestamp,
    /// The person, as [`digest::parse`].
    pub(super) person: Option<u128>,
    /// The address as written, likewise.
    pub(super) exact: Option<u128>,
    pub(super) plain: Option<Box<str>>,
    /// Let through although an entry speaks against it: the listener only watches.
    pub(super) shadow: bool,
    pub(super) entry: Option<u64>,
    pub(super) list: Option<Box<str>>,
    pub(super) reason: Option<Box<str>>,
    /// The stream, if it was decided then.
    stream: Option<Box<str>>,
    /// Else the streams that would have refused.
    refusing: Box<[Box<str>]>,
}

impl Offered {
    fn new(seen: &Seen<'_>) -> Option<Self> {
        let boxed = |text: &Option<evidence::Text<'_>>| text.as_ref().map(|t| t.as_str().into());
        Some(Self {
            reference: seen.reference.as_ref()?.as_str().into(),
            time: seen.time,
            person: seen.person.as_ref().and_then(|t| digest::parse(t)),
            exact: seen.recipient.as_ref().and_then(|t| digest::parse(t)),
            plain: boxed(&seen.recipient_plain),
            shadow: seen.verdict.as_ref().is_some_and(|v| *v == "shadow"),
            entry: seen.entry,
            list: boxed(&seen.list),
            reason: boxed(&seen.reason),
            stream: boxed(&seen.stream),
            refusing: seen.refusing.iter().map(|t| t.as_str().into()).collect(),
        })
    }

    /// Its stream, with what the outcome says of it.
    pub(super) fn stream<'a>(&'a self, outcome: &'a Seen<'_>) -> Option<&'a str> {
        self.stream.as_deref().or(outcome.stream.as_ref().map(|stream| stream.as_str()))
    }

    /// Whether its stream was known when it was decided.
    pub(super) fn had_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether a listener that enforces would have refused it, now that the stream is known.
    pub(super) fn would_be_refused(&self, outcome: &Seen<'_>) -> bool {
        self.shadow
            && (self.stream.is_some()
                || self.stream(outcome).is_none_or(|stream| {
                    self.refusing.is_empty() || self.refusing.iter().any(|name| **name == *stream)
                }))
    }
}

/// What the records tell.
pub(super) enum Event<'a> {
    /// A recipient was decided.
    Decided(&'a Seen<'a>),
    /// A message ended, with those of its recipients that were offered to the smarthost.
    Ended(&'a Seen<'a>, Vec<Offered>),
}

/// Whether the smarthost took a message, or may have.
pub(super) fn was_sent(outcome: &Seen<'_>) -> bool {
    outcome.ending.as_ref().is_some_and(|ending| matches!(ending.as_str(), "accepted" | "unknown"))
}

/// The name of whoever submits: the login, else the client's address.
pub(super) fn application(seen: &Seen<'_>) -> String {
    match (&seen.login, seen.client) {
        (Some(login), _) => login.as_str().to_owned(),
        (None, Some(client)) => client.to_string(),
        (None, None) => "unknown".to_owned(),
    }
}

/// Goes through all records in their order. `keep` says of which offered recipients the end
/// is wanted.
pub(super) fn walk(
    mut records: Records,
    keep: impl Fn(&Seen<'_>) -> bool,
    each: &mut dyn FnMut(Event<'_>) -> Result<(), AppError>,
) -> Result<(), AppError> {
    let mut open = Open::default();
    while let Some(found) = records.next().map_err(wrong)? {
        if found.is("decision") {
            let Some(seen) = found.seen() else { continue };
            let offered = seen
                .verdict
                .as_ref()
                .is_some_and(|v| matches!(v.as_str(), "permit" | "shadow" | "provisional"));
            if offered
                && keep(&seen)
                && let Some(transaction) = &seen.transaction
                && let Some(offered) = Offered::new(&seen)
            {
                open.add(transaction, offered);
            }
            each(Event::Decided(&seen))?;
        } else if found.is("outcome") {
            let Some(seen) = found.seen() else { continue };
            let offered = seen.transaction.as_ref().map(|transaction| open.take(transaction));
            each(Event::Ended(&seen, offered.unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Recipients whose message has not ended.
#[derive(Debug, Default)]
struct Open {
    offered: HashMap<Box<str>, Vec<Offered>>,
    order: VecDeque<Box<str>>,
}

impl Open {
    fn add(&mut self, transaction: &str, offered: Offered) {
        if let Some(those) = self.offered.get_mut(transaction) {
            those.push(offered);
            return;
        }
        while self.order.len() >= OPEN_MAX {
            let Some(first) = self.order.pop_front() else { break };
            self.offered.remove(&first);
        }
        self.order.push_back(transaction.into());
        self.offered.insert(transaction.into(), vec![offered]);
    }

    fn take(&mut self, transaction: &str) -> Vec<Offered> {
        // Its name stays in the order until it is its turn; only open ones count then.
        self.offered.remove(transaction).unwrap_or_default()
    }
}
