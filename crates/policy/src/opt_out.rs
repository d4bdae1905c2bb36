//! The opt-out gate: may this recipient be shown to the smarthost?
//!
//! The lists are asked about every stream the message may still be on. With one stream:
//!
//! | the lists say | `refuse` | `drop` | `shadow` |
//! | --- | --- | --- | --- |
//! | clear | permit | permit | permit |
//! | in grace | permit, recorded | permit, recorded | permit, recorded |
//! | suppressed, no consent | refuse, 550 5.7.1 | answer 250, do not forward | permit, recorded |
//! | unknown | defer, 451 4.3.0 | defer | permit, recorded |
//!
//! With several:
//!
//! | the streams | `refuse` | `drop` | `shadow` |
//! | --- | --- | --- | --- |
//! | all permit | permit | permit | permit |
//! | all refuse | refuse, 550 5.7.1 | answer 250, do not forward | permit, recorded |
//! | none permits, some unknown | defer, 451 4.3.0 | defer | permit, recorded |
//! | some permit | provisional | provisional | permit, recorded |
//!
//! Whom a stream permits may still refuse the classes of solicitation the message is of. Where
//! they are known that is as if it were suppressed; where the header has still to tell them, it
//! is provisional (`shadow`: permitted).
//!
//! `<postmaster>` and postmaster of one's own domains always pass, on every stream (RFC
//! 5321 s4.5.1). Shadow lets the unknown pass as well: such a listener enforces nothing,
//! it only writes down what it would have done.

use std::sync::Arc;

use address::{Canonical, ForwardPath, PersonRules};
use smallvec::SmallVec;
use suppression::{AddressKeys, Day, Digest, Stream};

use crate::cleared::{Cleared, Opinion, Provisional};
use crate::lists::{Inquiry, Lists, LookUp, Lookup, Lookups};
use crate::live::Question;
use crate::reason::Reason;
use crate::solicitation::{Carried, ClassRefusal, class_refused};
use crate::streams::{Possible, StreamIds, Streams};

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
    /// To be offered to the smarthost. A reason means: let through in shadow mode, or
    /// in grace ([`Reason::InGrace`]).
    Permit(Cleared<ForwardPath>, Option<Reason>),
    /// May be offered to the smarthost, but the header has to decide before DATA.
    Provisional(Provisional<ForwardPath>),
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
    /// The keyed hashes of the address; `None` for a postmaster without a domain.
    pub keys: Option<AddressKeys>,
    /// The state of the index that answered.
    pub epoch: u64,
    /// Where several streams are possible: those that refuse it for good.
    pub refusing: StreamIds,
    /// The classes of solicitation it refuses, where it is not known of which the message is.
    pub classes: Vec<ClassRefusal>,
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
#[derive(Debug)]
pub struct Asked {
    path: ForwardPath,
    canonical: Canonical,
    keys: AddressKeys,
    facts: RecipientFacts,
    action: Action,
    streams: Arc<Streams>,
    possible: Possible,
    /// Why the classes of the message forbid it, if they do.
    class: Option<Reason>,
    today: Day,
}

impl Asked {
    /// The address in question.
    pub fn address(&self) -> &Canonical {
        &self.canonical
    }

    /// The address as it was received, without its brackets.
    pub fn written(&self) -> &str {
        self.path.mailbox().map_or("", |mailbox| mailbox.written(&self.canonical))
    }

    /// Its keyed hashes.
    pub fn keys(&self) -> &AddressKeys {
        &self.keys
    }

    /// The day it is judged for, UTC.
    pub fn today(&self) -> Day {
        self.today
    }

    /// The streams in question; an answer is wanted for each, in this order.
    pub fn streams(&self) -> impl Iterator<Item = &Arc<Stream>> {
        self.possible.iter().map(|id| self.streams.get(id))
    }

    /// What the live lists are to be asked.
    pub fn question(&self) -> Question {
        Question {
            written: self.written().to_owned(),
            address: self.canonical.clone(),
            keys: self.keys,
            streams: self.streams().cloned().collect(),
            today: self.today,
        }
    }

    /// Notes the state of the index that the answers rest on.
    pub fn as_of(&mut self, epoch: u64) {
        self.facts.epoch = epoch;
    }

    /// The verdict, once the answers are there.
    pub fn resolve(self, answers: Lookups) -> Decision {
        let of = (&*self.streams, &self.possible);
        judge(self.path, self.action, self.facts, of, self.class, answers)
    }
}

/// The gate's answer for one recipient.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly always the large one, which a box would make an allocation for each recipient"
)]
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
    streams: Arc<Streams>,
}

impl OptOutGate {
    /// `own_domains`: lower-case A-labels whose postmaster always passes.
    pub fn new(
        lists: Arc<dyn Lists>,
        person: PersonRules,
        own_domains: Vec<String>,
        streams: Arc<Streams>,
    ) -> Self {
        Self { lists, person: Arc::new(person), own_domains: own_domains.into(), streams }
    }

    /// The rules that say which stream a message is on.
    pub fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    /// The keyed hash of a login name, for the evidence.
    pub fn login_key(&self, name: &str) -> Digest {
        self.lists.login_key(name)
    }

    /// Judges one recipient for a listener with `action`, for every stream that its
    /// message may be on, and the classes it is of.
    pub fn judge(
        &self,
        path: ForwardPath,
        action: Action,
        possible: &Possible,
        carried: Carried<'_>,
        today: Day,
    ) -> Ruling {
        let epoch = self.lists.epoch();
        let (refusing, classes) = (StreamIds::new(), Vec::new());
        let mut facts = RecipientFacts { keys: None, epoch, refusing, classes };
        let Some(mailbox) = path.mailbox() else {
            // `<postmaster>` has no domain and no entry can name it.
            return decided(Verdict::Permit(Cleared::permitted(path), None), facts);
        };
        let canonical = match mailbox.canonical(&self.person) {
            Ok(canonical) => canonical,
            // No canonical form, so it cannot be compared: unknown is never yes.
            Err(error) => {
                let reason = Reason::Unknown(error.to_string());
                return decided(Verdict::Defer(path, reason), facts);
            }
        };
        let keys = self.lists.keys(&canonical);
        facts.keys = Some(keys);
        if path.is_postmaster(&self.own_domains) {
            return decided(Verdict::Permit(Cleared::permitted(path), None), facts);
        }
        let streams: SmallVec<[&Stream; 4]> =
            possible.iter().map(|id| &**self.streams.get(id)).collect();
        let (written, address) = (mailbox.written(&canonical), &canonical);
        let inquiry = Inquiry { written, address, keys: &keys, streams: &streams, today };
        let refused = self.lists.refused_classes(&inquiry);
        let class = match carried {
            Carried::Known(classes) => class_refused(&refused, classes),
            Carried::Unknown => {
                facts.classes = refused;
                None
            }
        };
        match self.lists.look_up(&inquiry) {
            LookUp::Now(answers) => {
                let of = (&*self.streams, possible);
                Ruling::Decided(judge(path, action, facts, of, class, answers))
            }
            LookUp::Later => {
                let (streams, possible) = (Arc::clone(&self.streams), possible.clone());
                Ruling::Ask(Box::new(Asked {
                    path,
                    canonical,
                    keys,
                    facts,
                    action,
                    streams,
                    possible,
                    class,
                    today,
                }))
            }
        }
    }
}

impl std::fmt::Debug for OptOutGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OptOutGate").field("own_domains", &self.own_domains).finish_non_exhaustive()
    }
}

fn decided(verdict: Verdict, facts: RecipientFacts) -> Ruling {
    Ruling::Decided(Decision { verdict, facts })
}

/// What the lists say for one stream.
enum Says {
    Permit(Option<Reason>),
    Not(Reason),
}

fn says(answer: Option<Lookup>, stream: &Stream) -> Says {
    match answer {
        Some(Lookup::Clear) => Says::Permit(None),
        Some(Lookup::InGrace(entry, until)) => Says::Permit(Some(Reason::InGrace(entry, until))),
        Some(Lookup::Suppressed(entry)) => Says::Not(Reason::Suppressed(entry)),
        Some(Lookup::NoConsent) => Says::Not(Reason::NoConsent(Arc::clone(&stream.name))),
        Some(Lookup::Unknown(what)) => Says::Not(Reason::Unknown(what)),
        None => Says::Not(Reason::Unknown("no answer".to_owned())),
    }
}

/// `class`: why the classes of the message forbid it, if they are known and do.
fn judge(
    path: ForwardPath,
    action: Action,
    mut facts: RecipientFacts,
    (streams, possible): (&Streams, &Possible),
    class: Option<Reason>,
    answers: Lookups,
) -> Decision {
    let mut answers = answers.into_iter();
    if let Some(only) = possible.only() {
        let verdict = match (says(answers.next(), streams.get(only)), class) {
            (Says::Not(reason), _) | (Says::Permit(_), Some(reason)) => {
                not_permitted(path, action, reason)
            }
            (Says::Permit(grace), None) if facts.classes.is_empty() || action == Action::Shadow => {
                Verdict::Permit(Cleared::permitted(path), grace)
            }
            (Says::Permit(grace), None) => {
                let one = Provisional::new(path, vec![(only, None)]);
                Verdict::Provisional(one.refusing_classes(facts.classes.clone(), grace))
            }
        };
        return Decision { verdict, facts };
    }
    let (mut grace, mut refusal, mut unknown) = (None, None, None);
    let mut opinions: Vec<Opinion> = Vec::with_capacity(possible.count());
    let mut permits = false;
    for id in possible.iter() {
        let opinion = match says(answers.next(), streams.get(id)) {
            Says::Permit(in_grace) => {
                permits = true;
                grace = grace.or(in_grace);
                None
            }
            Says::Not(reason) if reason.is_unknown() => {
                unknown.get_or_insert_with(|| reason.clone());
                Some(reason)
            }
            Says::Not(reason) => {
                facts.refusing.push(id);
                refusal.get_or_insert_with(|| reason.clone());
                Some(reason)
            }
        };
        opinions.push((id, opinion));
    }
    // Nothing it is of may go there, whichever stream it is on.
    if permits && let Some(class) = class {
        return Decision { verdict: not_permitted(path, action, class), facts };
    }
    let by_class = !facts.classes.is_empty() && action != Action::Shadow;
    let verdict = match (permits, refusal, unknown) {
        (true, None, None) if by_class => {
            let one = Provisional::new(path, opinions);
            Verdict::Provisional(one.refusing_classes(facts.classes.clone(), grace))
        }
        (_, None, None) => Verdict::Permit(Cleared::permitted(path), grace),
        (_, refusal, unknown) if action == Action::Shadow => {
            Verdict::Permit(Cleared::shadowed(path), refusal.or(unknown))
        }
        (true, ..) => {
            let one = Provisional::new(path, opinions);
            Verdict::Provisional(one.refusing_classes(facts.classes.clone(), grace))
        }
        // Not known for each of them: it may pass.
        (false, _, Some(unknown)) => not_permitted(path, action, unknown),
        (false, Some(refusal), None) => not_permitted(path, action, refusal),
    };
    Decision { verdict, facts }
}

fn not_permitted(path: ForwardPath, action: Action, reason: Reason) -> Verdict {
    match (action, &reason) {
        (Action::Shadow, _) => Verdict::Permit(Cleared::shadowed(path), Some(reason)),
        _ if reason.is_unknown() => Verdict::Defer(path, reason),
        (Action::Drop, _) => Verdict::Drop(path, reason),
        (Action::Refuse, _) => Verdict::Refuse(path, reason),
    }
}
