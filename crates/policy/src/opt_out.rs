//! The opt-out gate: may this recipient be shown to the smarthost?
//!
//! | the lists say | `refuse` | `drop` | `shadow` |
//! | --- | --- | --- | --- |
//! | clear | permit | permit | permit |
//! | suppressed | refuse, 550 5.7.1 | answer 250, do not forward | permit, recorded |
//! | unknown | defer, 451 4.3.0 | defer | permit, recorded |
//!
//! `<postmaster>` and postmaster of one's own domains always pass (RFC 5321
//! s4.5.1). Shadow lets the unknown pass as well: such a listener enforces nothing,
//! it only writes down what it would have done.

use std::sync::Arc;

use address::{Canonical, ForwardPath, PersonRules};
use suppression::{Day, Digest, Stream};

use crate::cleared::Cleared;
use crate::lists::{Inquiry, Lists, LookUp, Lookup};
use crate::reason::Reason;

/// What a listener does with a suppressed recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// 550: the client learns it at once.
    #[default]
    Refuse,
    /// 250, and not forwarded: for programs that give up a whole mail on one 550.
    Drop,
    /// Forwarded; what would have been done is recorded.
    Shadow,
}

/// Permit, refuse or defer, with what was decided for.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// To be offered to the smarthost. A reason means: let through in shadow mode.
    Permit(Cleared<ForwardPath>, Option<Reason>),
    /// 5yz to the client, never shown to the smarthost.
    Refuse(ForwardPath, Reason),
    /// 451 to the client: it cannot be told, and it may pass.
    Defer(ForwardPath, Reason),
    /// 250 to the client, never shown to the smarthost.
    Drop(ForwardPath, Reason),
}

/// What evidence needs besides the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientFacts {
    /// The keyed hash of the address; `None` for a postmaster without a domain.
    pub digest: Option<Digest>,
    /// The state of the index that answered.
    pub epoch: u64,
}

/// A verdict with its circumstances.
#[derive(Debug, PartialEq)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// What it was decided on.
    pub facts: RecipientFacts,
}

/// A recipient whose look-up has to wait for a live source.
#[derive(Debug, PartialEq)]
pub struct Asked {
    path: ForwardPath,
    canonical: Canonical,
    facts: RecipientFacts,
    action: Action,
}

impl Asked {
    /// The address in question.
    pub fn address(&self) -> &Canonical {
        &self.canonical
    }

    /// The verdict, once the answer is there.
    pub fn resolve(self, answer: Lookup) -> Decision {
        Decision { verdict: judge(self.path, self.action, answer), facts: self.facts }
    }
}

/// The gate's answer for one recipient.
#[derive(Debug, PartialEq)]
pub enum Ruling {
    /// Decided.
    Decided(Decision),
    /// A live source is asked first; see [`Asked::resolve`].
    Ask(Box<Asked>),
}

/// The opt-out gate of a gate process; every listener uses the same one.
#[derive(Clone)]
pub struct OptOutGate {
    lists: Arc<dyn Lists>,
    person: Arc<PersonRules>,
    own_domains: Arc<[String]>,
    stream: Arc<Stream>,
}

impl OptOutGate {
    /// `own_domains`: lower-case A-labels whose postmaster always passes.
    pub fn new(lists: Arc<dyn Lists>, person: PersonRules, own_domains: Vec<String>) -> Self {
        Self {
            lists,
            person: Arc::new(person),
            own_domains: own_domains.into(),
            stream: Arc::default(),
        }
    }

    /// Judges one recipient for a listener with `action`.
    pub fn judge(&self, path: ForwardPath, action: Action, today: Day) -> Ruling {
        let epoch = self.lists.epoch();
        let canonical = match path.mailbox().map(|mailbox| mailbox.canonical(&self.person)) {
            // `<postmaster>` has no domain and no entry can name it.
            None => return decided(Verdict::Permit(Cleared::permitted(path), None), None, epoch),
            Some(Ok(canonical)) => canonical,
            // No canonical form, so it cannot be compared: unknown is never yes.
            Some(Err(error)) => {
                let reason = Reason::Unknown(error.to_string());
                return decided(Verdict::Defer(path, reason), None, epoch);
            }
        };
        let keys = self.lists.keys(&canonical);
        let digest = keys.exact;
        if path.is_postmaster(&self.own_domains) {
            let verdict = Verdict::Permit(Cleared::permitted(path), None);
            return decided(verdict, Some(digest), epoch);
        }
        let streams = [&*self.stream];
        let inquiry = Inquiry { address: &canonical, keys: &keys, streams: &streams, today };
        match self.lists.look_up(&inquiry) {
            LookUp::Now(mut answers) => {
                let silent = || Lookup::Unknown("no answer".to_owned());
                let answer = answers.pop().unwrap_or_else(silent);
                decided(judge(path, action, answer), Some(digest), epoch)
            }
            LookUp::Later => {
                let facts = RecipientFacts { digest: Some(digest), epoch };
                Ruling::Ask(Box::new(Asked { path, canonical, facts, action }))
            }
        }
    }
}

impl std::fmt::Debug for OptOutGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OptOutGate").field("own_domains", &self.own_domains).finish_non_exhaustive()
    }
}

fn decided(verdict: Verdict, digest: Option<Digest>, epoch: u64) -> Ruling {
    Ruling::Decided(Decision { verdict, facts: RecipientFacts { digest, epoch } })
}

fn judge(path: ForwardPath, action: Action, answer: Lookup) -> Verdict {
    let reason = match answer {
        Lookup::Clear | Lookup::InGrace(..) => {
            return Verdict::Permit(Cleared::permitted(path), None);
        }
        Lookup::Suppressed(entry) => Reason::Suppressed(entry),
        Lookup::NoConsent => Reason::NoConsent,
        Lookup::Unknown(what) => Reason::Unknown(what),
    };
    match (action, &reason) {
        (Action::Shadow, _) => Verdict::Permit(Cleared::shadowed(path), Some(reason)),
        (_, Reason::Unknown(_)) => Verdict::Defer(path, reason),
        (Action::Drop, _) => Verdict::Drop(path, reason),
        (Action::Refuse, _) => Verdict::Refuse(path, reason),
    }
}
