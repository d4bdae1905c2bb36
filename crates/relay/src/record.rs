//! From what happened in a session to the records of `evidence`.

use std::sync::Arc;

use std::borrow::Cow;

use evidence::{Class, Decision, Ending, Finding, Intent, Outcome, Reference, ReplyText, Verdict};
use policy::{GateName, GateVerdict, Possible, Reason, RecipientFacts, Streams};
use smtp_session::Moment;
use smtp_wire::Reply;
use suppression::{Suppression, Timestamp};

use crate::facts::{Content, Facts};
use crate::settings::SessionFacts;
use crate::shown::Shown;

/// What a record of one recipient is made of.
pub(crate) struct Judged<'a> {
    pub(crate) verdict: Verdict,
    /// Names the decision; the client reads it in a refusal.
    pub(crate) reference: Reference,
    pub(crate) transaction: Reference,
    pub(crate) reverse_path_domain: Option<Arc<str>>,
    /// The streams it was judged for; one of them, once that is decided.
    pub(crate) possible: &'a Possible,
    pub(crate) reason: Option<&'a Reason>,
    /// The filter that spoke, if one did.
    pub(crate) by: Option<&'a Arc<str>>,
    pub(crate) facts: Option<&'a RecipientFacts>,
    pub(crate) plain: Option<&'a str>,
    pub(crate) reply: &'a Reply,
}

/// Who is connected, for the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    pub(crate) facts: &'a SessionFacts,
    pub(crate) shown: &'a Shown,
}

pub(crate) fn decision(
    Who { facts: session, shown }: Who<'_>,
    streams: &Streams,
    now: Moment,
    judged: Judged<'_>,
) -> Decision {
    let entry = judged.reason.and_then(Reason::entry);
    let keys = judged.facts.and_then(|facts| facts.keys.as_ref());
    let name = |id| Arc::clone(&streams.get(id).name);
    let stream = judged.possible.only();
    let (mut possible, mut refusing) = (Vec::new(), Vec::new());
    if stream.is_none() {
        possible.extend(judged.possible.iter().map(name));
        refusing.extend(judged.facts.iter().flat_map(|facts| &facts.refusing).copied().map(name));
    }
    Decision {
        time: time(now),
        session: Arc::clone(&session.id),
        client: session.client,
        login: shown.login.clone(),
        tls: shown.tls.clone(),
        listener: session.listener,
        reference: judged.reference,
        transaction: judged.transaction,
        reverse_path_domain: judged.reverse_path_domain,
        recipient: keys.map(|keys| (&keys.exact).into()),
        person: keys.map(|keys| (&keys.person).into()),
        recipient_plain: judged.plain.map(str::to_owned),
        stream: stream.map(name),
        streams: possible,
        refusing,
        verdict: judged.verdict,
        gate: match judged.by {
            Some(filter) => Cow::Owned(filter.to_string()),
            None => judged.reason.map_or(GateName::Smarthost, Reason::gate).as_str().into(),
        },
        reason: judged.reason.map(Reason::in_full),
        list: entry.map(|entry| entry.source.clone()),
        since: entry.map(|entry| entry.since),
        until: match judged.reason {
            Some(Reason::InGrace(_, until)) => Some(*until),
            _ => None,
        },
        entry: entry.and_then(Suppression::row),
        epoch: judged.facts.map_or(0, |facts| facts.epoch),
        reply: reply_text(judged.reply),
    }
}

/// What was found in a message, or said of it, by somebody who judges messages.
pub(crate) struct Found<'a> {
    /// As the evidence names it: `gate NAME`, `milter NAME`, ...
    pub(crate) by: &'a Arc<str>,
    pub(crate) verdict: Verdict,
    pub(crate) reason: &'a str,
    /// Where it ends the message.
    pub(crate) reply: Option<&'a Reply>,
}

pub(crate) fn found(
    Who { facts: session, shown }: Who<'_>,
    facts: &Facts,
    message_id: Option<&str>,
    now: Moment,
    found: Found<'_>,
) -> Finding {
    Finding {
        time: time(now),
        session: Arc::clone(&session.id),
        client: session.client,
        login: shown.login.clone(),
        listener: session.listener,
        transaction: facts.reference,
        reverse_path_domain: facts.reverse_path_domain.clone(),
        stream: facts.stream.as_ref().map(|stream| Arc::clone(&stream.name)),
        message_id: message_id.map(str::to_owned),
        gate: Arc::clone(found.by),
        verdict: found.verdict,
        reason: found.reason.to_owned(),
        reply: found.reply.map(reply_text),
    }
}

/// A gate's verdict in the words of the evidence.
pub(crate) fn recorded(verdict: GateVerdict) -> Verdict {
    match verdict {
        GateVerdict::Permit => Verdict::Permit,
        GateVerdict::Refuse => Verdict::Refuse,
        GateVerdict::Defer => Verdict::Defer,
        GateVerdict::Shadow => Verdict::Shadow,
    }
}

pub(crate) fn intent(
    Who { facts: session, shown }: Who<'_>,
    facts: &Facts,
    content: &Content,
    now: Moment,
) -> Intent {
    Intent {
        time: time(now),
        session: Arc::clone(&session.id),
        client: session.client,
        login: shown.login.clone(),
        tls: shown.tls.clone(),
        transaction: facts.reference,
        reverse_path_domain: facts.reverse_path_domain.clone(),
        stream: facts.stream.as_ref().map(|stream| Arc::clone(&stream.name)),
        class: facts.stream.as_ref().and_then(|stream| Class::of(stream.class)),
        recipients: facts.recipients,
        message_id: content.header.message_id().map(str::to_owned),
        bytes: content.size,
    }
}

/// `why`: one word, where the ending is not the smarthost's reply to the dot.
pub(crate) fn outcome(
    Who { facts: session, shown }: Who<'_>,
    facts: &Facts,
    content: &Content,
    now: Moment,
    ending: Ending,
    reply: Option<&Reply>,
    why: Option<&'static str>,
) -> Outcome {
    Outcome {
        time: time(now),
        session: Arc::clone(&session.id),
        client: session.client,
        login: shown.login.clone(),
        tls: shown.tls.clone(),
        transaction: facts.reference,
        reverse_path_domain: facts.reverse_path_domain.clone(),
        stream: facts.stream.as_ref().map(|stream| Arc::clone(&stream.name)),
        class: facts.stream.as_ref().and_then(|stream| Class::of(stream.class)),
        recipients: facts.recipients,
        dropped: facts.dropped,
        message_id: content.header.message_id().map(str::to_owned),
        bytes: content.size,
        duration_ms: u64::try_from(now.since(facts.began).as_millis()).unwrap_or(u64::MAX),
        ending,
        why,
        reply: reply.map(reply_text),
    }
}

pub(crate) fn reply_text(reply: &Reply) -> ReplyText {
    let text = match &reply.enhanced {
        Some(enhanced) => format!("{enhanced} {}", reply.text),
        None => reply.text.clone(),
    };
    ReplyText { code: reply.code, text }
}

pub(crate) fn time(now: Moment) -> Timestamp {
    // A clock outside the years a timestamp can hold is a clock nobody set.
    Timestamp::from_micros(now.unix_micros()).unwrap_or(Timestamp::EPOCH)
}
