//! The header has decided which stream a held message is on: may data follow?
//!
//! Every provisional recipient is asked again, now for this one stream and for the classes of
//! solicitation that the header names. If each is
//! permitted, the transaction is a cleared one and DATA may go. If not, nobody gets the
//! message: the smarthost hears no DATA, and the reply at the client's dot names who
//! may not get it and why. Each recipient leaves one more record then, with a reference
//! of its own.
//!
//! | somebody is | `refuse` | `drop` |
//! | --- | --- | --- |
//! | refused, and all others too | 550 5.7.1 | answer 250, nobody left |
//! | refused, others permitted (listener with `RefuseWhole`) | 550 5.7.1 | 550 5.7.1 |
//! | refused, others cannot be told | 550 5.7.1 | 451 4.3.0 |
//! | not to be told, nobody refused | 451 4.3.0 | 451 4.3.0 |

use std::sync::Arc;

use evidence::Verdict as Recorded;
use policy::{Action, Reason, Refused, StreamId};
use smtp_session::Moment;

use crate::event::Event;
use crate::link::Link;
use crate::phase::{Holding, Phase};
use crate::record::{self, Judged, Who};
use crate::relay::Relay;
use crate::replies;

impl Relay {
    /// Decides what the header of a held message has to decide; false when the message
    /// was refused by it.
    pub(crate) fn decide_stream(&mut self, now: Moment) -> bool {
        let Phase::Holding(holding) = &mut self.phase else { return false };
        if std::mem::replace(&mut holding.decided, true) {
            return true;
        }
        let streams = self.gate.streams();
        let stream = match holding.content.deciding.take() {
            Some(deciding) => deciding.stream(streams),
            None => holding.envelope.possible.only(),
        };
        holding.facts.decided(streams, stream);
        let Some(stream) = stream else {
            if holding.header_decides {
                self.swallow(now, replies::header_too_big(), "header");
                return false;
            }
            return true;
        };
        let carried = holding.content.classes.carried();
        let mut refused = holding.envelope.settle(stream, carried);
        self.link = match std::mem::take(&mut self.link) {
            Link::Tentative(tentative) => match tentative.settle(stream, carried) {
                Ok(transaction) => Link::Cleared(transaction),
                Err(mut not_settled) => {
                    refused.append(&mut not_settled.refused);
                    Link::Open(not_settled.upstream)
                }
            },
            other => other,
        };
        if !refused.is_empty() {
            self.refuse_message(now, stream, &refused);
            return false;
        }
        self.take_route(stream);
        true
    }

    fn refuse_message(&mut self, now: Moment, stream: StreamId, refused: &[(u32, Box<Refused>)]) {
        let Phase::Holding(holding) = &mut self.phase else { return };
        let recipients = &holding.envelope.recipients;
        let all = recipients.iter().filter(|one| one.is_told_250()).count();
        let fate = fate(self.settings.action, refused, refused.len() < all);
        let name = Arc::clone(&self.gate.streams().get(stream).name);
        let claimed = self.gate.streams().fallback().only() != Some(stream);
        let whole = replies::Whole {
            permanent: fate == Recorded::Refuse,
            stream: claimed.then_some(&*name),
            recipients: all,
            transaction: &holding.facts.reference,
        };
        let mut lines = Vec::with_capacity(refused.len());
        let only = self.gate.streams().only(stream);
        for (at, recipient) in recipients.iter().enumerate() {
            if !recipient.is_told_250() {
                continue;
            }
            let why = refused.iter().find(|(tag, _)| usize::try_from(*tag) == Ok(at));
            let why = why.map(|(_, refused)| refused);
            let reference = self.mint.next(now.unix_millis());
            let reply = match (fate, why) {
                (Recorded::Drop, _) => replies::message_dropped(&holding.facts.reference),
                (_, Some(why)) => whole.one(&why.path, &why.reason, &reference),
                (_, None) => whole.bystander(&reference),
            };
            if why.is_some() {
                lines.push(reply.text.clone());
            }
            let judged = Judged {
                verdict: fate,
                reference,
                transaction: holding.facts.reference,
                reverse_path_domain: holding.facts.reverse_path_domain.clone(),
                possible: &only,
                reason: Some(why.map_or(&Reason::WholeMessage, |why| &why.reason)),
                by: None,
                facts: recipient.facts.as_ref(),
                plain: recipient.plain.as_deref(),
                reply: &reply,
            };
            let who = Who { facts: &self.facts, shown: &self.shown };
            let record = record::decision(who, self.gate.streams(), now, judged);
            self.events.push_back(Event::Decided(Box::new(record)));
        }
        match fate {
            Recorded::Drop => {
                let Holding { facts, .. } = &mut **holding;
                facts.dropped += std::mem::take(&mut facts.recipients);
                let reply = replies::message_dropped(&facts.reference);
                self.swallow(now, reply, "dropped");
            }
            _ => {
                let reply = whole.reply(&lines);
                self.swallow(now, reply, "opt-out");
            }
        }
    }
}

/// What becomes of a message that not everybody may get.
fn fate(action: Action, refused: &[(u32, Box<Refused>)], others_permitted: bool) -> Recorded {
    let some = refused.iter().any(|(_, why)| why.permanent);
    let all = refused.iter().all(|(_, why)| why.permanent);
    match action {
        Action::Drop if all && !others_permitted => Recorded::Drop,
        Action::Drop if !others_permitted => Recorded::Defer,
        Action::Refuse | Action::Drop | Action::Shadow if some => Recorded::Refuse,
        Action::Refuse | Action::Drop | Action::Shadow => Recorded::Defer,
    }
}
