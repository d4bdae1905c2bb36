//! Records of the sessions: into the journal, and a line of each into the log.
//!
//! The journal names recipients as `[evidence] recipient` says, the log only if
//! `[log] personal` says so: one may hold what the other must not.

use std::sync::Arc;

use evidence::{Decision, Intent, Journal, Outcome, Record, Verdict};
use proxy::Recorder;

/// Writes records down.
pub(super) struct Records {
    pub(super) journal: Arc<Journal>,
    /// The journal may name recipients in plain.
    pub(super) plain: bool,
    /// The log may.
    pub(super) personal: bool,
}

impl Records {
    fn write(&self, record: &Record<'_>) -> bool {
        let mut line = Vec::with_capacity(512);
        let written = record
            .write_line(&mut line)
            .map_err(std::io::Error::from)
            .and_then(|()| self.journal.append(&line));
        if let Err(error) = &written {
            tracing::error!(%error, "evidence cannot be written");
        }
        written.is_ok()
    }
}

impl Recorder for Records {
    fn decided(&self, record: &Decision) {
        if record.verdict != Verdict::Permit {
            let recipient = record.recipient_plain.as_deref().filter(|_| self.personal);
            tracing::info!(
                session = %record.session,
                client = %record.client,
                reference = %record.reference,
                verdict = ?record.verdict,
                gate = record.gate,
                list = record.list.as_deref(),
                recipient,
                "recipient not permitted",
            );
        }
        if self.plain || record.recipient_plain.is_none() {
            self.write(&Record::Decision(record));
        } else {
            let hashed = Decision { recipient_plain: None, ..record.clone() };
            self.write(&Record::Decision(&hashed));
        }
    }

    fn intent(&self, record: &Intent) -> bool {
        self.write(&Record::Intent(record))
    }

    fn outcome(&self, record: &Outcome) {
        tracing::info!(
            session = %record.session,
            client = %record.client,
            transaction = %record.transaction,
            recipients = record.recipients,
            bytes = record.bytes,
            ending = ?record.ending,
            code = record.reply.as_ref().map(|reply| reply.code),
            ms = record.duration_ms,
            "message",
        );
        self.write(&Record::Outcome(record));
    }
}
