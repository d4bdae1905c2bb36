//! What clients were refused by the access rules: in the log, and in numbers.

use observe::Redacted;
use relay::{Denied, SessionFacts};

use crate::counters::Counters;

pub(crate) fn note(what: Denied, facts: &SessionFacts, counters: &Counters) {
    let (session, client) = (&facts.id, Redacted(facts.client));
    match what {
        Denied::Relaying => {
            counters.relaying_denied.count();
            tracing::info!(%session, %client, "MAIL refused: not allowed to relay");
        }
        Denied::Sender => {
            counters.senders_denied.count();
            tracing::info!(%session, %client, "MAIL refused: not this client's sender");
        }
        Denied::Rate(too_much) => {
            counters.rate(too_much.counted);
            tracing::info!(%session, %client, limit = %too_much, "deferred: over a limit");
        }
        Denied::Author => {
            counters.authors_denied.count();
            tracing::info!(%session, %client, "message refused: not this client's author");
        }
    }
}
