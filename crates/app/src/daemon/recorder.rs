//! Records of the sessions: into the journal, and, at the level `debug`, into the log:
//! the evidence tells the same, so a busy gate need not say it twice.
//!
//! The journal names recipients as `[evidence] recipient` says, the log only if
//! `[log] personal` says so: one may hold what the other must not.

use std::sync::Arc;

use evidence::{
    Decision, Finding, Intent, Journal, Notice, NoticeText, Outcome, Record, ReplyText, Verdict,
    mask_addresses,
};
use observe::Redacted;
use proxy::{Commit, Recorder};

use super::commit::Committer;
use crate::alerts::{Alerts, Trouble};

/// Writes records down.
pub(super) struct Records {
    pub(super) journal: Arc<Journal>,
    /// An intent counts as written when the disk has it.
    pub(super) committer: Option<Arc<Committer>>,
    /// The journal may name recipients in plain.
    pub(super) plain: bool,
    /// The log may.
    pub(super) personal: bool,
    /// Told when recipients are deferred because a list is unknown.
    pub(super) alerts: Alerts,
}

impl Records {
    fn add(record: &Record<'_>, lines: &mut Vec<u8>) {
        let whole = lines.len();
        if let Err(error) = record.write_line(lines) {
            // Not half a line: the ones before it are still good.
            lines.truncate(whole);
            tracing::error!(%error, "a record cannot be put into words");
        }
    }
}

/// Whether an address may stand in the text: nearly always a refusal.
fn names_anybody(reply: &ReplyText) -> bool {
    reply.text.contains('@')
}

fn masked(reply: &ReplyText) -> ReplyText {
    ReplyText { code: reply.code, text: mask_addresses(&reply.text).into_owned() }
}

impl Recorder for Records {
    fn decided(&self, record: &Decision, lines: &mut Vec<u8>) {
        if record.verdict == Verdict::Defer
            && let Some(why) = record.reason.as_deref().and_then(|r| r.strip_prefix("unknown: "))
            && !self.alerts.is_silent()
        {
            self.alerts.begins(Trouble::Deferring { why: why.to_owned() });
        }
        if !matches!(record.verdict, Verdict::Permit | Verdict::Provisional) {
            let recipient = record.recipient_plain.as_deref().filter(|_| self.personal);
            tracing::debug!(
                session = %record.session,
                client = %Redacted(record.client),
                reference = %record.reference,
                verdict = ?record.verdict,
                gate = %record.gate,
                list = record.list.as_deref(),
                recipient,
                "recipient not permitted",
            );
        }
        if self.plain || (record.recipient_plain.is_none() && !names_anybody(&record.reply)) {
            Self::add(&Record::Decision(record), lines);
        } else {
            let reply = masked(&record.reply);
            let hashed = Decision { recipient_plain: None, reply, ..record.clone() };
            Self::add(&Record::Decision(&hashed), lines);
        }
    }

    fn found(&self, record: &Finding, lines: &mut Vec<u8>) {
        tracing::info!(
            session = %record.session,
            client = %Redacted(record.client),
            transaction = %record.transaction,
            gate = %record.gate,
            verdict = ?record.verdict,
            "something was found in a message",
        );
        let names_somebody =
            record.reason.contains('@') || record.reply.as_ref().is_some_and(names_anybody);
        if self.plain || !names_somebody {
            return Self::add(&Record::Finding(record), lines);
        }
        let reason = mask_addresses(&record.reason).into_owned();
        let reply = record.reply.as_ref().map(masked);
        Self::add(&Record::Finding(&Finding { reason, reply, ..record.clone() }), lines);
    }

    fn intent(&self, record: &Intent, lines: &mut Vec<u8>) {
        Self::add(&Record::Intent(record), lines);
    }

    fn outcome(&self, record: &Outcome, lines: &mut Vec<u8>) {
        tracing::debug!(
            session = %record.session,
            client = %Redacted(record.client),
            transaction = %record.transaction,
            recipients = record.recipients,
            bytes = record.bytes,
            ending = ?record.ending,
            code = record.reply.as_ref().map(|reply| reply.code),
            ms = record.duration_ms,
            "message",
        );
        match &record.reply {
            Some(reply) if !self.plain && names_anybody(reply) => {
                let hashed = Outcome { reply: Some(masked(reply)), ..record.clone() };
                Self::add(&Record::Outcome(&hashed), lines);
            }
            _ => Self::add(&Record::Outcome(record), lines),
        }
    }

    fn notice(&self, record: &Notice, lines: &mut Vec<u8>) {
        Self::add(&Record::Notice(record), lines);
    }

    fn notice_text(&self, record: &NoticeText, lines: &mut Vec<u8>) {
        Self::add(&Record::NoticeText(record), lines);
    }

    fn file(&self) -> u64 {
        self.journal.turns()
    }

    fn write(&self, lines: &[u8]) -> bool {
        match self.journal.append(lines) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "evidence cannot be written");
                false
            }
        }
    }

    fn commit(&self, lines: &[u8]) -> Commit {
        match (self.write(lines), &self.committer) {
            (true, Some(committer)) => committer.commit(),
            (written, _) => Commit::Done(written),
        }
    }
}
