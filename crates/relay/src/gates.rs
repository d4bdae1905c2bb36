//! The header has ended: what it lacks is added where the listener says so, and the gates over
//! headers judge it.
//!
//! A message that a gate refuses or defers is answered at the client's dot; the smarthost's
//! connection is dropped without one, or gets RSET where it waits before DATA. Every finding is
//! written down, also where the message goes on. A message whose Message-ID belongs to one of
//! which nobody knows what became goes on as well, and that is written down.

use std::sync::Arc;

use message::Header;
use policy::GateVerdict;
use smtp_session::Moment;

use crate::completion::missing_fields;
use crate::event::Event;
use crate::facts::{Content, Facts};
use crate::filtered::found_by;
use crate::header_block::HeaderBlock;
use crate::hold::Full;
use crate::phase::{Envelope, Phase};
use crate::record::{self, Found};
use crate::relay::Relay;
use crate::replies;

impl Relay {
    /// `None` where nobody asks for the header, which is nearly always.
    pub(crate) fn header_block(&self, envelope: &Envelope) -> Option<Box<HeaderBlock>> {
        let rules = &self.settings.message;
        let wanted = rules.complete
            || rules.gates.as_ref().is_some_and(|gates| gates.want(&envelope.possible));
        wanted.then(|| Box::new(HeaderBlock::new(self.settings.header.clone())))
    }

    fn of_message(&mut self) -> Option<(&mut Facts, &mut Content)> {
        match &mut self.phase {
            Phase::Streaming(streaming) => Some((&mut streaming.facts, &mut streaming.content)),
            Phase::Holding(holding) => Some((&mut holding.facts, &mut holding.content)),
            _ => None,
        }
    }

    /// Shows a span to whoever wants the header; false when the message was refused.
    pub(crate) fn scan_header(&mut self, now: Moment, span: &[u8]) -> bool {
        let Some((_, content)) = self.of_message() else { return false };
        let Some(block) = &mut content.block else { return true };
        match block.scan(now, span) {
            Ok(false) => true,
            Ok(true) => self.header_ended(now),
            Err(Full::Content) => {
                self.swallow(now, replies::header_too_big(), "header");
                false
            }
            Err(Full::Budget) => {
                self.cannot_hold(now, Full::Budget);
                false
            }
        }
    }

    /// The client's dot: a header without an empty line behind it has ended as well. False when
    /// the message was refused.
    pub(crate) fn end_header(&mut self, now: Moment) -> bool {
        let Some((_, content)) = self.of_message() else { return true };
        // A message without a single octet is refused as such.
        if content.size == 0 || content.block.is_none() {
            return true;
        }
        self.header_ended(now)
    }

    fn header_ended(&mut self, now: Moment) -> bool {
        let streaming = matches!(self.phase, Phase::Streaming(_));
        let Some((_, content)) = self.of_message() else { return true };
        let Some(block) = content.block.take() else { return true };
        if let Some(deciding) = &mut content.deciding {
            // What is held has been read as it came.
            if streaming {
                deciding.scan(block.octets());
            }
            deciding.end();
        }
        let mut header = Header::parse(block.octets());
        if self.settings.message.complete {
            let added = self.complete_header(now, &header, block.octets());
            match added {
                Ok(None) => {}
                Ok(Some(fields)) => {
                    header = Header::parse(&[fields.as_bytes(), block.octets()].concat());
                }
                Err(full) => {
                    self.cannot_hold(now, full);
                    return false;
                }
            }
        }
        drop(block);
        self.judge_header(now, &header)
    }

    /// Puts the fields that are missing in front of what is held, and tells them.
    fn complete_header(
        &mut self,
        now: Moment,
        header: &Header,
        octets: &[u8],
    ) -> Result<Option<String>, Full> {
        let Phase::Holding(holding) = &mut self.phase else { return Ok(None) };
        let (reference, hostname) = (&holding.facts.reference, &self.settings.hostname);
        let Some(missing) = missing_fields(now, header, octets, reference, hostname) else {
            return Ok(None);
        };
        holding.held.put_in_front(missing.fields.as_bytes())?;
        if let Some(id) = missing.message_id {
            holding.content.header.added_id(id);
        }
        Ok(Some(missing.fields))
    }

    fn judge_header(&mut self, now: Moment, header: &Header) -> bool {
        let Some(gates) = self.settings.message.gates.clone() else { return true };
        let streams = Arc::clone(self.gate.streams());
        let Some((facts, content)) = self.of_message() else { return true };
        if let Some(stream) = content.deciding.as_ref().and_then(|one| one.decided(&streams)) {
            facts.decided(&streams, Some(stream));
        }
        let facts = facts.clone();
        let findings = gates.judge(header, &facts.possible);
        content.gates_permit =
            findings.last.as_ref().is_some_and(|last| last.verdict == GateVerdict::Permit);
        for finding in findings.watched.iter().chain(&findings.last) {
            let by = found_by(finding);
            let ends = matches!(finding.verdict, GateVerdict::Refuse | GateVerdict::Defer);
            let reply = ends.then(|| replies::found(finding, None, &facts.reference));
            let verdict = record::recorded(finding.verdict);
            let found = Found { by: &by, verdict, reason: &finding.found, reply: reply.as_ref() };
            self.found(now, &facts, found);
            if let Some(reply) = reply {
                self.swallow(now, reply, "gate");
                return false;
            }
        }
        true
    }

    fn found(&mut self, now: Moment, facts: &Facts, found: Found<'_>) {
        let id = match &self.phase {
            Phase::Streaming(streaming) => streaming.content.header.message_id(),
            Phase::Holding(holding) => holding.content.header.message_id(),
            _ => None,
        };
        let record = record::found(self.who(), facts, id, now, found);
        self.events.push_back(Event::Found(Box::new(record)));
    }

    /// Whether nobody knows what became of an earlier message with the same Message-ID.
    pub(crate) fn note_duplicate(&mut self, now: Moment) {
        let Some(unsettled) = self.settings.message.unsettled.clone() else { return };
        let Some((facts, content)) = self.of_message() else { return };
        let Some(id) = content.header.message_id() else { return };
        let Some(earlier) = unsettled.earlier(id, seconds(now)) else { return };
        let facts = facts.clone();
        let reason = format!(
            "nobody knows whether the smarthost took an earlier message with this Message-ID; ref {earlier}"
        );
        let found = Found {
            by: &"duplicate".into(),
            verdict: evidence::Verdict::Shadow,
            reason: &reason,
            reply: None,
        };
        self.found(now, &facts, found);
    }

    /// Nobody knows what became of this message.
    pub(crate) fn note_unsettled(&self, now: Moment, facts: &Facts, content: &Content) {
        let unsettled = &self.settings.message.unsettled;
        if let Some((unsettled, id)) = unsettled.as_ref().zip(content.header.message_id()) {
            unsettled.note(id, facts.reference.to_string(), seconds(now));
        }
    }
}

fn seconds(now: Moment) -> i64 {
    now.unix_micros() / 1_000_000
}
