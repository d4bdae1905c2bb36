//! Decisions and what became of them. A decision is written when the recipient is named, the
//! outcome when the message has ended; a recipient was sent something only if the smarthost
//! took the recipient and then the message, and its stream may be known only then. Where the
//! gate ended in between, an intent stands without an outcome: perhaps it was sent.

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
    /// Of a decision by which the smarthost was asked, and took the recipient.
    fn new(seen: &Seen<'_>) -> Option<Self> {
        if !was_offered(seen) || is_not_taken(seen) {
            return None;
        }
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

    /// The gate's words, and that they are about other mail where that came out later.
    pub(super) fn words(&self, outcome: &Seen<'_>) -> Option<String> {
        let reason = self.reason.as_deref()?;
        let other = self.stream.is_none()
            && !self.refusing.is_empty()
            && self.stream(outcome).is_some_and(|s| !self.refusing.iter().any(|name| **name == *s));
        Some(match other {
            true => format!("{reason}; that is about other mail ({})", self.refusing.join(", ")),
            false => reason.to_owned(),
        })
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
    /// A message ended, with those of its recipients that the smarthost took; or nobody knows
    /// how it ended, and this is its intent.
    Ended(&'a Seen<'a>, Vec<Offered>),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The smarthost took it.
    Sent,
    /// Perhaps it did.
    Unknown,
    /// The smarthost refused it.
    Refused,
    /// Nobody got it, for another reason.
    NotSent,
}

impl Fate {
    pub(super) fn of(outcome: &Seen<'_>) -> Self {
        match outcome.ending.as_ref().map(|ending| ending.as_str()) {
            Some("accepted") => Self::Sent,
            // With a word why, it was the gate.
            Some("refused") if outcome.why.is_none() => Self::Refused,
            Some("refused" | "deferred" | "dropped" | "abandoned") => Self::NotSent,
            _ => Self::Unknown,
        }
    }
}

/// Whether the smarthost took a message, or may have.
pub(super) fn was_sent(outcome: &Seen<'_>) -> bool {
    matches!(Fate::of(outcome), Fate::Sent | Fate::Unknown)
}

/// Whether a decision says that the recipient was offered to the smarthost.
pub(super) fn was_offered(seen: &Seen<'_>) -> bool {
    let verdict = seen.verdict.as_ref().map(|verdict| verdict.as_str());
    matches!(verdict, Some("permit" | "shadow" | "provisional"))
}

/// Whether such a recipient was not taken, by the reply to it.
pub(super) fn is_not_taken(seen: &Seen<'_>) -> bool {
    seen.reply.as_ref().is_some_and(|reply| reply.code >= 400)
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
            if keep(&seen)
                && let Some(transaction) = &seen.transaction
                && let Some(offered) = Offered::new(&seen)
            {
                for forgotten in open.add(transaction, offered) {
                    forgotten.tell(each)?;
                }
            }
            each(Event::Decided(&seen))?;
        } else if found.is("intent") && !open.messages.is_empty() {
            let Some(seen) = found.seen() else { continue };
            if let Some(transaction) = &seen.transaction {
                open.intend(transaction, found.json);
            }
        } else if found.is("outcome") {
            let Some(seen) = found.seen() else { continue };
            let message = seen.transaction.as_ref().and_then(|transaction| open.take(transaction));
            each(Event::Ended(&seen, message.map(|one| one.offered).unwrap_or_default()))?;
        }
    }
    // In their order; what is left was never ended.
    while let Some(message) = open.pop() {
        message.tell(each)?;
    }
    Ok(())
}

/// A message that has not ended.
#[derive(Debug, Default)]
struct Message {
    offered: Vec<Offered>,
    /// The line that says that its data was about to be sent.
    intent: Option<Box<[u8]>>,
}

impl Message {
    /// Nobody will know how it ended; without an intent it was not sent.
    fn tell(self, each: &mut dyn FnMut(Event<'_>) -> Result<(), AppError>) -> Result<(), AppError> {
        let Some(intent) = self.intent else { return Ok(()) };
        match serde_json::from_slice::<Seen<'_>>(&intent) {
            Ok(seen) => each(Event::Ended(&seen, self.offered)),
            Err(_) => Ok(()),
        }
    }
}

/// Recipients whose message has not ended.
#[derive(Debug, Default)]
struct Open {
    messages: HashMap<Box<str>, Message>,
    order: VecDeque<Box<str>>,
}

impl Open {
    /// Gives those that are forgotten for it.
    fn add(&mut self, transaction: &str, offered: Offered) -> Vec<Message> {
        if let Some(message) = self.messages.get_mut(transaction) {
            message.offered.push(offered);
            return Vec::new();
        }
        let mut forgotten = Vec::new();
        while self.order.len() >= OPEN_MAX {
            let Some(first) = self.order.pop_front() else { break };
            forgotten.extend(self.messages.remove(&first));
        }
        self.order.push_back(transaction.into());
        let message = Message { offered: vec![offered], intent: None };
        self.messages.insert(transaction.into(), message);
        forgotten
    }

    /// Of a message of which a recipient is wanted.
    fn intend(&mut self, transaction: &str, line: &[u8]) {
        if let Some(message) = self.messages.get_mut(transaction) {
            message.intent = Some(line.into());
        }
    }

    fn take(&mut self, transaction: &str) -> Option<Message> {
        // Its name stays in the order until it is its turn; only open ones count then.
        self.messages.remove(transaction)
    }

    fn pop(&mut self) -> Option<Message> {
        while let Some(first) = self.order.pop_front() {
            if let Some(message) = self.messages.remove(&first) {
                return Some(message);
            }
        }
        None
    }
}
