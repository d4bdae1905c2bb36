//! The filters of one session, in their order: gates over the content, milters, the signer. Each
//! sees what the one before has left.

use std::sync::Arc;

use evidence::Reference;
use message::{ChangeError, apply};
use milter::{Change, Macros};
use policy::Finding;
use relay::{
    FilterAnswer, FilterContent, FilterMail, FilterPiece, FilterVerdict, Filtered, Room,
    SessionFacts,
};

use super::attendance::{Attendance, Told};
use super::caller::{self, Caller};
use super::link::Failure;
use super::settings::{FilterSettings, Signer};
use super::workers;
use super::{changed, content};
use crate::clock::Clock;
use crate::replies;

/// What is asked of a chain.
pub(super) enum Job {
    /// A transaction begins; with who the client is now.
    Mail(Box<FilterMail>, Box<SessionFacts>),
    /// A recipient: the number in its answer, the path, the parameters.
    Recipient(u32, Box<(address::ForwardPath, smtp_wire::RcptParams)>),
    /// Content that goes by.
    Piece(FilterPiece),
    /// The content is complete.
    Content(Box<FilterContent>),
}

/// The filters of one session.
pub(super) struct Chain {
    settings: Arc<FilterSettings>,
    clock: Clock,
    hostname: Arc<str>,
    milters: Vec<Attendance>,
    transaction: Option<Transaction>,
    /// What was found before the content was there.
    findings: Vec<Finding>,
}

/// What milters are told of a transaction.
struct Transaction {
    caller: Caller,
    reference: Reference,
    macros: Macros,
}

impl Transaction {
    fn told(&self, clock: Clock, changes_max: usize) -> Told<'_> {
        let Self { caller, reference, macros } = self;
        Told { caller, reference, macros, clock, changes_max }
    }
}

impl Chain {
    pub(super) fn new(settings: Arc<FilterSettings>, clock: Clock, hostname: Arc<str>) -> Self {
        let milters = settings.milters.iter().map(Arc::clone).map(Attendance::new).collect();
        Self { settings, clock, hostname, milters, transaction: None, findings: Vec::new() }
    }

    pub(super) async fn asked(&mut self, job: Job) -> FilterAnswer {
        match job {
            Job::Mail(mail, facts) => FilterAnswer::Mail(self.mail(*mail, &facts).await),
            Job::Recipient(tag, recipient) => {
                let (path, params) = *recipient;
                let verdict = self.recipient(&path, &params.to_string()).await;
                FilterAnswer::Recipient(tag, verdict)
            }
            Job::Piece(piece) => {
                self.piece(&piece.octets).await;
                FilterAnswer::Taken(piece.octets.len())
            }
            Job::Content(content) => FilterAnswer::Content(Box::new(self.content(*content).await)),
        }
    }

    /// The transaction is over without a verdict on its content.
    pub(super) fn abort(&mut self) {
        self.transaction = None;
        self.findings.clear();
        for milter in &mut self.milters {
            milter.abort();
        }
    }

    async fn mail(&mut self, mail: FilterMail, facts: &SessionFacts) -> FilterVerdict {
        self.abort();
        let caller = Caller::new(facts, mail.client_name);
        let mut macros = caller.macros(&self.hostname);
        caller::of_mail(&mut macros, facts, &mail.from, &mail.reference);
        let reference = mail.reference;
        let transaction = Transaction { caller, reference, macros };
        let told = transaction.told(self.clock, self.settings.content_max);
        let (path, params) = (mail.from.to_string(), mail.params.to_string());
        for milter in &mut self.milters {
            let verdict = milter.mail(&path, &params, &told, &mut self.findings).await;
            if verdict != FilterVerdict::Permit {
                self.abort();
                return verdict;
            }
        }
        self.transaction = Some(transaction);
        FilterVerdict::Permit
    }

    async fn recipient(&mut self, path: &address::ForwardPath, params: &str) -> FilterVerdict {
        let Some(transaction) = &mut self.transaction else { return self.nothing_told() };
        caller::of_recipient(&mut transaction.macros, path);
        let told = transaction.told(self.clock, self.settings.content_max);
        let path = path.to_string();
        for milter in &mut self.milters {
            let verdict = milter.recipient(&path, params, &told, &mut self.findings).await;
            if verdict != FilterVerdict::Permit {
                return verdict;
            }
        }
        FilterVerdict::Permit
    }

    /// Milters that do not know of a transaction have not permitted it.
    fn nothing_told(&self) -> FilterVerdict {
        let Some(first) = self.milters.first() else { return FilterVerdict::Permit };
        FilterVerdict::Refuse { by: Arc::clone(first.by()), reply: replies::filter_fails(None) }
    }

    /// Shows milters content that goes by. Only one of them can be the first that is against the
    /// message, so those behind it are asked no more.
    async fn piece(&mut self, piece: &[u8]) {
        let Some(transaction) = &self.transaction else { return };
        let told = transaction.told(self.clock, self.settings.content_max);
        for milter in &mut self.milters {
            if !milter.piece(piece, &told, &mut self.findings).await {
                return;
            }
        }
    }

    async fn content(&mut self, content: FilterContent) -> Filtered {
        let mut findings = std::mem::take(&mut self.findings);
        let FilterContent { content, room, rest, possible, gates_permit, may_change: _ } = content;
        let gates = &self.settings.content;
        let (content, verdict) = if gates_permit {
            (content, FilterVerdict::Permit)
        } else if content.is_empty() && rest.is_some() && !gates.asked(&possible).is_empty() {
            // It went by, and no copy was kept for them: they have not permitted it.
            let reply = replies::filter_fails(self.reference());
            (content, FilterVerdict::Refuse { by: "gate".into(), reply })
        } else {
            content::judge(gates, &possible, content, &room, &mut findings).await
        };
        let mut so_far = Filtered { verdict, findings, content, changed: false };
        if so_far.verdict == FilterVerdict::Permit {
            self.ask_milters(&mut so_far, rest, &room).await;
        }
        if so_far.verdict == FilterVerdict::Permit
            && let Some(signer) = &self.settings.signer
        {
            let reference = self.reference().copied();
            sign(Arc::clone(signer), reference, &mut so_far, &room).await;
        }
        self.abort();
        so_far
    }

    fn reference(&self) -> Option<&Reference> {
        self.transaction.as_ref().map(|now| &now.reference)
    }

    /// `rest`: what they have not been shown of content that went by.
    async fn ask_milters(&mut self, so_far: &mut Filtered, rest: Option<FilterPiece>, room: &Room) {
        let Some(transaction) = &self.transaction else {
            so_far.verdict = self.nothing_told();
            return;
        };
        let told = transaction.told(self.clock, self.settings.content_max);
        for milter in &mut self.milters {
            let unseen = match &rest {
                Some(rest) if milter.is_early() => &rest.octets,
                _ => &so_far.content,
            };
            if unseen.is_empty() && !milter.is_early() && rest.is_some() {
                // It went by, and no copy was kept for this one.
                let reply = replies::filter_fails(Some(told.reference));
                so_far.verdict = FilterVerdict::Refuse { by: Arc::clone(milter.by()), reply };
                return;
            }
            let asked = milter.content(unseen, &told, &mut so_far.findings);
            let (verdict, changes) = asked.await;
            so_far.verdict = verdict;
            if so_far.verdict == FilterVerdict::Permit && !changes.is_empty() {
                if rest.is_some() {
                    let why = "changes to content that has gone by".to_owned();
                    let why = Failure::Change(why);
                    so_far.verdict = milter.cannot_change(why, &told, &mut so_far.findings);
                } else {
                    change(milter, changes, &told, so_far, room).await;
                }
            }
            if so_far.verdict != FilterVerdict::Permit {
                return;
            }
        }
    }
}

async fn change(
    milter: &mut Attendance,
    changes: Vec<Change>,
    told: &Told<'_>,
    so_far: &mut Filtered,
    room: &Room,
) {
    let finding = changed::finding(milter.by(), &changes, &so_far.content);
    let (content, limit) = (std::mem::take(&mut so_far.content), told.changes_max);
    let changes = changed::to_message(changes);
    let room = room.clone();
    let applied = workers::change(move || {
        let applied = apply(&content, &changes, limit);
        drop(room);
        (content, applied)
    });
    match applied.await {
        Some((before, Ok(after))) => {
            so_far.changed |= before != after;
            so_far.content = after;
            milter.has_changed();
            so_far.findings.push(finding);
        }
        Some((before, Err(error))) => {
            so_far.content = before;
            let findings = &mut so_far.findings;
            let why = match error {
                ChangeError::TooMany => Failure::TooManyChanges,
                error => Failure::Change(error.to_string()),
            };
            so_far.verdict = milter.cannot_change(why, told, findings);
        }
        // The content is lost: nothing can be permitted.
        None => {
            let reply = replies::filter_fails(Some(told.reference));
            so_far.verdict = FilterVerdict::Refuse { by: Arc::clone(milter.by()), reply };
        }
    }
}

/// Puts what the signer says in front.
async fn sign(
    signer: Arc<dyn Signer>,
    reference: Option<Reference>,
    so_far: &mut Filtered,
    room: &Room,
) {
    let (content, room) = (std::mem::take(&mut so_far.content), room.clone());
    let signed = workers::change(move || {
        let signed = signer.sign(&content).map(|mut fields| {
            if fields.is_empty() {
                return None;
            }
            fields.reserve_exact(content.len());
            fields.extend_from_slice(&content);
            Some(fields)
        });
        drop(room);
        (content, signed)
    });
    let why = match signed.await {
        Some((before, Ok(None))) => {
            so_far.content = before;
            return;
        }
        Some((_, Ok(Some(after)))) => {
            so_far.content = after;
            so_far.changed = true;
            return;
        }
        Some((before, Err(why))) => {
            so_far.content = before;
            why
        }
        None => "it ended by a fault of its own".to_owned(),
    };
    tracing::error!(
        reference = reference.map(tracing::field::display),
        why,
        "a message cannot be signed, and is deferred"
    );
    let reply = replies::filter_fails(reference.as_ref());
    so_far.verdict = FilterVerdict::Refuse { by: "dkim".into(), reply };
}
