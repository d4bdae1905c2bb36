//! The phases of a transaction, each with what it needs and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use address::ReversePath;
use evidence::{Ending, Reference, Verdict as Recorded};
use policy::{Possible, QuestionId, Reason, RecipientFacts, VerdictSet};
use smtp_session::{Moment, SlotId};
use smtp_wire::{Body, Capabilities, MailParams, RcptParams, Reply};

use crate::facts::{Content, Facts};
use crate::feed::{Feed, View};
use crate::hold::Held;
use crate::tries::Tries;
use crate::upstream::Offer;

#[derive(Debug, Default)]
pub(crate) enum Phase {
    /// No transaction.
    #[default]
    Idle,
    /// From MAIL to the answer to DATA.
    Envelope(Box<Envelope>),
    /// Mail data goes upstream as it comes.
    Streaming(Box<Streaming>),
    /// Mail data is kept, until the header or the dot, while the smarthost waits before
    /// DATA.
    Holding(Box<Holding>),
    /// Mail data is read and thrown away; the reply to the dot is known.
    Swallowing(Box<Swallowing>),
    /// The client's dot was seen; our own waits for the filters, who have seen it all.
    Judging(Box<Judging>),
    /// The client's dot was seen; our own waits for the intent to be written.
    Intent(Box<Dot>),
    /// Our dot is on its way.
    Dot(Box<Dot>),
}

impl Phase {
    /// The content that is on its way, if it may still be judged.
    pub(crate) fn content_mut(&mut self) -> Option<&mut Content> {
        match self {
            Self::Streaming(streaming) => Some(&mut streaming.content),
            Self::Holding(holding) => Some(&mut holding.content),
            _ => None,
        }
    }

    /// The client's dot was seen, and ours has not gone upstream: filters judge, the smarthost
    /// is not ready, or the intent is being written.
    pub(crate) fn is_unsent_at_dot(&self) -> bool {
        match self {
            Self::Judging(_) | Self::Intent(_) => true,
            Self::Holding(holding) => holding.step.dot_slot().is_some(),
            _ => false,
        }
    }

    /// The envelope, as long as another connection may still have it: no DATA has gone
    /// upstream, and it was not given up.
    pub(crate) fn envelope_before_data(&mut self) -> Option<&mut Envelope> {
        match self {
            Self::Envelope(envelope) if !envelope.data_sent && envelope.failed.is_none() => {
                Some(envelope)
            }
            Self::Holding(holding) => match holding.step {
                Step::Collecting | Step::Judged(_) | Step::Ready(_) => Some(&mut holding.envelope),
                Step::Asked(_) => None,
            },
            _ => None,
        }
    }
}

/// Where a recipient stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// A live source is being asked.
    Asked(QuestionId),
    /// The filters are asked, or will be.
    Filtering(Offer),
    /// May be shown to the smarthost, and was not yet.
    Waiting(Offer),
    /// RCPT is on its way.
    Sent,
    /// The smarthost took it.
    Accepted,
    /// One took it, and the client knows; that one is out of it, and another was not shown it
    /// yet.
    Promised(Offer),
    /// Likewise, and RCPT is on its way to another.
    SentAgain,
    /// Answered 250, not forwarded.
    Dropped,
    /// 5yz (true) or 4yz.
    Refused { permanent: bool },
}

#[derive(Debug)]
pub(crate) struct Recipient {
    pub(crate) slot: SlotId,
    pub(crate) params: RcptParams,
    pub(crate) standing: Standing,
    /// What the gates said, once they have spoken.
    pub(crate) verdict: Recorded,
    /// What each stream still possible says of it.
    pub(crate) set: VerdictSet,
    pub(crate) reason: Option<Reason>,
    /// The filter that refused it, if one did.
    pub(crate) by: Option<Arc<str>>,
    pub(crate) facts: Option<RecipientFacts>,
    pub(crate) plain: Option<String>,
}

impl Recipient {
    /// A smarthost took it, and the client knows.
    pub(crate) fn is_told_250(&self) -> bool {
        matches!(self.standing, Standing::Accepted | Standing::Promised(_) | Standing::SentAgain)
    }

    /// RFC 3461 s4.
    pub(crate) fn needs_dsn(&self) -> bool {
        self.params.notify.is_some() || self.params.orcpt.is_some()
    }
}

/// From MAIL to the answer to DATA.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) reference: Reference,
    pub(crate) began: Moment,
    pub(crate) from: ReversePath,
    pub(crate) from_domain: Option<Arc<str>>,
    pub(crate) params: MailParams,
    /// The streams the message may be on.
    pub(crate) possible: Possible,
    /// MAIL waits for the filters, or for the smarthost's own reply.
    pub(crate) mail_slot: Option<SlotId>,
    /// The filters have not judged MAIL yet.
    pub(crate) mail_asked: bool,
    /// A filter wants all of it discarded: nobody may get it, whoever was taken before.
    pub(crate) discarded: Option<Arc<str>>,
    pub(crate) recipients: Vec<Recipient>,
    /// Those of the recipients, where rates count them.
    pub(crate) domains: BTreeSet<Box<str>>,
    pub(crate) data_slot: Option<SlotId>,
    pub(crate) data_sent: bool,
    /// What filters are to see of the content as it goes upstream.
    pub(crate) feed: Feed,
    /// The smarthost cannot be had for this transaction: everybody's reply.
    pub(crate) failed: Option<Reply>,
    /// A class of the message that the smarthosts refuse which were asked so far.
    pub(crate) forbidden: Option<String>,
    pub(crate) tries: Tries,
}

/// Recipients by where they stand.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) undecided: usize,
    pub(crate) sent: usize,
    pub(crate) accepted: usize,
    pub(crate) dropped: usize,
    pub(crate) refused_for_now: usize,
}

impl Envelope {
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for recipient in &self.recipients {
            match recipient.standing {
                Standing::Asked(_)
                | Standing::Filtering(_)
                | Standing::Waiting(_)
                | Standing::Promised(_)
                | Standing::SentAgain => tally.undecided += 1,
                Standing::Sent => tally.sent += 1,
                Standing::Accepted => tally.accepted += 1,
                Standing::Dropped => tally.dropped += 1,
                Standing::Refused { permanent: false } => tally.refused_for_now += 1,
                Standing::Refused { permanent: true } => {}
            }
        }
        tally
    }

    /// Whether the streams say something else of recipient `at` than of those that were
    /// offered before it.
    pub(crate) fn is_odd(&self, at: usize) -> bool {
        if self.possible.only().is_some() {
            return false;
        }
        let offered = |one: &&Recipient| {
            !matches!(
                one.standing,
                Standing::Asked(_) | Standing::Dropped | Standing::Refused { .. }
            )
        };
        let first = self.recipients.iter().find(offered);
        let this = self.recipients.get(at);
        first.zip(this).is_some_and(|(first, this)| first.set != this.set)
    }

    /// The parameters of MAIL for this connection. SIZE is ours to offer, so it may
    /// be left out where the smarthost does not know it; BODY=7BIT asks for nothing.
    /// Anything else the connection lacks is an error: no parameter is dropped
    /// silently. `logged_in`: we have, at the smarthost.
    pub(crate) fn mail_params(
        &self,
        offered: &Capabilities,
        logged_in: bool,
        added: u64,
    ) -> Result<MailParams, &'static str> {
        let mut params = self.params.clone();
        // RFC 4954 s5: whoever the client says submitted it first, we do not vouch for it.
        params.auth = logged_in.then(|| "<>".to_owned());
        params.size = match offered.size {
            Some(_) => params.size.map(|size| size.saturating_add(added + self.comment_octets())),
            None => None,
        };
        match params.body {
            Some(Body::EightBitMime) if !offered.eight_bit_mime => return Err("8BITMIME"),
            Some(Body::SevenBit) if !offered.eight_bit_mime => params.body = None,
            _ => {}
        }
        if params.smtputf8 && !offered.smtputf8 {
            return Err("SMTPUTF8");
        }
        if (params.ret.is_some() || params.envid.is_some()) && !offered.dsn {
            return Err("DSN");
        }
        if offered.no_soliciting.is_none() {
            // RFC 3865 s2.3: what it says stands in the header as well.
            params.solicit = None;
        }
        Ok(params)
    }

    /// What SOLICIT= adds to our Received.
    fn comment_octets(&self) -> u64 {
        self.params.solicit.as_ref().map_or(0, |list| list.as_str().len() as u64 + 16)
    }

    pub(crate) fn is_utf8(&self) -> bool {
        self.params.smtputf8
    }
}

#[derive(Debug)]
pub(crate) struct Streaming {
    pub(crate) facts: Facts,
    pub(crate) content: Content,
    /// Our Received field, until the first span goes upstream behind it: in one write.
    pub(crate) trace: Option<String>,
    /// What filters are to see of what goes upstream.
    pub(crate) feed: Feed,
}

/// Octets behind the header, while the smarthost is not ready for them, above which the client
/// is not read: its end is seen behind its dot, so a message of usual size is read to that.
const AHEAD_MAX: usize = 64 * 1024;

/// How much of a message is kept before DATA goes upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The header block: it decides the stream.
    Header,
    /// The whole content.
    Dot,
}

/// How far a held message is; with the slot of the client's dot, once it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// It is being kept.
    Collecting,
    /// The filters have it.
    Judged(SlotId),
    /// DATA may go upstream, as soon as nothing is outstanding there.
    Ready(Option<SlotId>),
    /// DATA has gone upstream.
    Asked(Option<SlotId>),
}

impl Step {
    pub(crate) fn dot_slot(self) -> Option<SlotId> {
        match self {
            Self::Collecting => None,
            Self::Judged(slot) => Some(slot),
            Self::Ready(slot) | Self::Asked(slot) => slot,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) facts: Facts,
    pub(crate) content: Content,
    pub(crate) held: Held,
    /// Octets of it that came when enough was held already, and the smarthost was not ready.
    pub(crate) ahead: usize,
    pub(crate) trace: String,
    pub(crate) until: Until,
    /// What filters are to see when it goes upstream.
    pub(crate) view: View,
    pub(crate) step: Step,
    /// The header decides who may get it, or where it goes.
    pub(crate) header_decides: bool,
    /// It has.
    pub(crate) decided: bool,
    /// For the records about its recipients, should the header refuse them, and for another
    /// smarthost, should this one be lost.
    pub(crate) envelope: Box<Envelope>,
}

impl Holding {
    /// When the next NOOP is due; none once DATA is under way.
    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        match self.step {
            Step::Collecting | Step::Judged(_) => self.held.poll_timeout(),
            Step::Ready(_) | Step::Asked(_) => None,
        }
    }

    /// The filters have it.
    pub(crate) fn is_judged(&self) -> bool {
        matches!(self.step, Step::Judged(_))
    }

    /// Enough was held, and DATA waits for the smarthost.
    pub(crate) fn is_ahead(&self) -> bool {
        matches!(self.step, Step::Ready(None) | Step::Asked(None))
    }

    /// The client is further ahead of the smarthost than it may be: it waits.
    pub(crate) fn is_full(&self) -> bool {
        self.is_ahead() && self.ahead >= AHEAD_MAX
    }
}

/// Everything up to the dot is thrown away.
#[derive(Debug)]
pub(crate) struct Swallowing {
    pub(crate) facts: Facts,
    pub(crate) content: Content,
    pub(crate) reply: Reply,
    pub(crate) ending: Ending,
    /// Why, in one word, for the record.
    pub(crate) why: &'static str,
}

/// A message that has gone upstream but for our dot, while it is judged. The filters have what
/// there is of it, and its room in the budget.
#[derive(Debug)]
pub(crate) struct Judging {
    pub(crate) dot: Dot,
}

/// A message whose data is complete.
#[derive(Debug)]
pub(crate) struct Dot {
    pub(crate) slot: SlotId,
    pub(crate) facts: Facts,
    pub(crate) content: Content,
}

impl Dot {
    pub(crate) fn new(slot: SlotId, facts: Facts, content: Content) -> Self {
        Self { slot, facts, content }
    }
}
