//! Messages that a log has told about and not yet finished with: who sent them, from where,
//! and to whom they went already.
//!
//! A log tells of a message in several lines, with those of others in between, and tells
//! again of a recipient whenever delivery was put off. Whatever a log holds, no more than
//! [`OPEN_MAX`] messages are remembered; the one heard of first is forgotten first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Messages remembered at a time. A large mail server has a few ten thousand in its queue.
const OPEN_MAX: usize = 100_000;

/// What a log tells of the envelope of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The sender, empty for `<>`; none where the log begins too late to tell.
    pub sender: Option<String>,
    /// The client it came from; none for mail from the machine itself.
    pub client: Option<IpAddr>,
    /// The name the client had logged in with.
    pub login: Option<String>,
}

/// One recipient of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The line that tells it, from 1.
    pub line: u64,
    /// The recipient as the client named it.
    pub recipient: String,
    /// The message's envelope; none where there is none, as in a list of addresses.
    pub envelope: Option<Envelope>,
}

/// What a file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A recipient.
    Delivery(Delivery),
    /// Rows of a table without an address that can be used.
    Unusable {
        /// How many.
        rows: u64,
        /// The first of them, with its value masked.
        first: String,
    },
}

#[derive(Debug, Default)]
struct Message {
    envelope: Envelope,
    told: HashSet<Box<str>>,
}

/// Messages by the name the log gives them.
#[derive(Debug, Default)]
pub(super) struct Envelopes {
    open: HashMap<Box<str>, Message>,
    /// Their names, the first first; some may be finished already.
    order: VecDeque<Box<str>>,
}

impl Envelopes {
    /// The envelope of a message, to fill in.
    pub(super) fn of(&mut self, id: &str) -> &mut Envelope {
        &mut self.message(id).envelope
    }

    /// A recipient of a message; none if it was told before.
    pub(super) fn deliver(&mut self, line: u64, id: &str, recipient: &str) -> Option<Delivery> {
        let message = self.message(id);
        if !message.told.insert(recipient.into()) {
            return None;
        }
        let envelope = Some(message.envelope.clone());
        Some(Delivery { line, recipient: recipient.to_owned(), envelope })
    }

    /// The log has told all there is: its name may be given again.
    pub(super) fn finish(&mut self, id: &str) {
        self.open.remove(id);
        // Names that are finished are dropped when they are most of what is remembered.
        if self.order.len() > 64 && self.order.len() > 2 * self.open.len() {
            self.order.retain(|id| self.open.contains_key(id));
        }
    }

    fn message(&mut self, id: &str) -> &mut Message {
        if !self.open.contains_key(id) {
            while self.open.len() >= OPEN_MAX {
                let Some(first) = self.order.pop_front() else { break };
                self.open.remove(&first);
            }
            self.order.push_back(id.into());
        }
        self.open.entry(id.into()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_told_once_until_the_message_is_finished() {
        let mut messages = Envelopes::default();
        messages.of("A").sender = Some("s@corp.example".to_owned());
        let told = messages.deliver(7, "A", "b@example.com").unwrap();
        assert_eq!((told.line, told.recipient.as_str()), (7, "b@example.com"));
        assert_eq!(told.envelope.unwrap().sender.as_deref(), Some("s@corp.example"));
        assert_eq!(messages.deliver(8, "A", "b@example.com"), None);
        assert!(messages.deliver(9, "B", "b@example.com").is_some());
        messages.finish("A");
        let again = messages.deliver(10, "A", "b@example.com").unwrap();
        assert_eq!(again.envelope.unwrap().sender, None);
    }

    #[test]
    fn a_log_without_ends_takes_bounded_memory() {
        let mut messages = Envelopes::default();
        for number in 0..OPEN_MAX + 1000 {
            messages.of(&number.to_string());
        }
        assert_eq!((messages.open.len(), messages.order.len()), (OPEN_MAX, OPEN_MAX));
        assert!(messages.open.contains_key("100999") && !messages.open.contains_key("999"));
        for number in 0..OPEN_MAX + 1000 {
            messages.finish(&number.to_string());
        }
        assert!(messages.open.is_empty() && messages.order.len() <= 64);
    }
}
