//! All lists that are asked live, together: each recipient is asked about where the answer
//! could matter, all lists at the same time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use policy::{Answered, Answering, LiveLists, Lookup, Lookups, Question};
use sources::Format;
use suppression::{
    Case, Finding, Index, IndexKey, Kind, Origin, Stream, Terms, Timestamp, lifetime,
};

use super::figures::LiveLine;
use super::line::{Database, Remote};
use super::source::{LiveSource, Person, Said, Told};
use crate::clock;
use crate::config::{LiveSettings, Mode, Place, Settings, SourceSettings};
use crate::keeper::{LedgerLists, Outside};

/// The lists of a configuration that are asked live.
pub struct LiveSources {
    /// In the order of `outside`.
    sources: Vec<Arc<LiveSource>>,
    outside: Arc<[Outside]>,
}

/// What one list said of the recipients of a question.
struct Answers {
    took: Duration,
    /// For each recipient; none: it was not asked about that one.
    said: Vec<Option<Said>>,
}

/// How one list was consulted about one recipient, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consulted {
    /// The list.
    pub list: String,
    /// How many entries it has; none: it did not say, or was not asked.
    pub found: Option<usize>,
    /// In words: what it said, or why nothing.
    pub words: String,
    /// How long it took; none: it was not asked, because its answer could change nothing.
    pub took: Option<Duration>,
    /// What it said.
    pub(crate) told: Arc<[Told]>,
}

impl Consulted {
    pub(super) fn not_asked(list: &str) -> Self {
        let words = "not asked: it could not change anything".to_owned();
        Self { list: list.to_owned(), found: None, words, took: None, told: Arc::default() }
    }

    fn told(list: &str, said: &Said, took: Duration) -> Self {
        let (found, words) = match said {
            Err(why) => (None, format!("no answer: {why}")),
            Ok(told) if told.is_empty() => (Some(0), "has no entry".to_owned()),
            Ok(told) => {
                let words: Vec<_> = told.iter().map(ToString::to_string).collect();
                (Some(told.len()), words.join("; "))
            }
        };
        let told = said.as_ref().map(Arc::clone).unwrap_or_default();
        Self { list: list.to_owned(), found, words, took: Some(took), told }
    }
}

impl LiveSources {
    /// Those of a configuration; none without any. Nothing is opened yet.
    pub fn of(settings: &Settings) -> Option<Arc<Self>> {
        let live =
            settings.sources.iter().filter_map(|source| match (&source.mode, &source.place) {
                (Mode::Live(live), Place::Database(access, question)) => {
                    let (access, question) = (access.clone(), question.clone());
                    Some((source, live, Box::new(Remote { access, question }) as Box<dyn Database>))
                }
                _ => None,
            });
        Self::with(live)
    }

    /// These, each with its database.
    pub(super) fn with<'a>(
        live: impl Iterator<Item = (&'a SourceSettings, &'a LiveSettings, Box<dyn Database>)>,
    ) -> Option<Arc<Self>> {
        let (mut sources, mut outside) = (Vec::new(), Vec::new());
        for (source, live, database) in live {
            outside.push(Outside { name: source.name.clone(), carries: carries(source) });
            sources.push(Arc::new(LiveSource::new(source, live, database)));
        }
        (!sources.is_empty()).then(|| Arc::new(Self { sources, outside: outside.into() }))
    }

    /// What the index has to know of them.
    pub fn outside(&self) -> &Arc<[Outside]> {
        &self.outside
    }

    /// How each of them fares.
    pub fn lines(&self) -> Vec<LiveLine> {
        self.sources.iter().map(|source| source.line()).collect()
    }

    /// The answers to these questions.
    async fn answer(&self, lists: &LedgerLists, questions: &[Question]) -> Vec<Answered> {
        let answers = self.consult(lists, questions, false).await;
        // What was recorded meanwhile counts.
        let each = questions.iter().enumerate().map(|(at, question)| {
            lists.steadily(|index| Answered {
                lookups: self.conclude(lists, index, question, at, &answers),
                epoch: index.epoch(),
            })
        });
        each.collect()
    }

    /// The answers, and how each list was consulted, for people who want to know it: nothing is
    /// taken from what was said before.
    pub(super) async fn explain(
        &self,
        lists: &LedgerLists,
        question: Question,
    ) -> (Lookups, Vec<Consulted>) {
        let questions = [question];
        let answers = self.consult(lists, &questions, true).await;
        let [question] = &questions;
        let lookups = lists.steadily(|index| self.conclude(lists, index, question, 0, &answers));
        let told = self.outside.iter().zip(&answers).map(|(list, answers)| {
            match answers.said.first().and_then(Option::as_ref) {
                Some(said) => Consulted::told(&list.name, said, answers.took),
                None => Consulted::not_asked(&list.name),
            }
        });
        (lookups, told.collect())
    }

    /// Asks every list about everybody of whom its answer could matter.
    async fn consult(
        &self,
        lists: &LedgerLists,
        questions: &[Question],
        afresh: bool,
    ) -> Vec<Answers> {
        let mut wanted = vec![vec![false; questions.len()]; self.sources.len()];
        let index = lists.index().load_full();
        for (at, question) in questions.iter().enumerate() {
            let case = lists.case(&index, (&question.written, &question.address), &question.keys);
            for stream in &question.streams {
                for list in lists.asks(&case, stream, question.today) {
                    let place = self.outside.iter().position(|one| one.name == list.name);
                    let row = place.and_then(|place| wanted.get_mut(place));
                    if let Some(wanted) = row.and_then(|row| row.get_mut(at)) {
                        *wanted = true;
                    }
                }
            }
        }
        drop(index);
        let asking = self.sources.iter().zip(wanted).map(|(source, wanted)| async move {
            let about = questions.iter().zip(&wanted).filter(|(_, wanted)| **wanted);
            let people: Vec<_> = about.map(|(question, _)| person(lists, question)).collect();
            let start = clock::instant();
            let mut said = match people.is_empty() {
                true => Vec::new(),
                false => source.ask(&people, afresh).await,
            }
            .into_iter();
            let said = wanted.iter().map(|wanted| if *wanted { said.next() } else { None });
            let said = said.collect();
            Answers { took: start.elapsed(), said }
        });
        join_all(asking).await
    }

    /// The answer for each stream of a question, with all that the lists have said.
    fn conclude(
        &self,
        lists: &LedgerLists,
        index: &Index,
        question: &Question,
        at: usize,
        answers: &[Answers],
    ) -> Lookups {
        let mut case = lists.case(index, (&question.written, &question.address), &question.keys);
        let mut silent = Vec::new();
        let mut undated = Vec::new();
        for (list, answers) in self.outside.iter().zip(answers) {
            match answers.said.get(at).and_then(Option::as_ref) {
                Some(Ok(told)) => {
                    for told in told.iter() {
                        let known = told.known();
                        match known.origin.kind {
                            Kind::Consent => case.consents.push(known),
                            _ => case.objections.push(known),
                        }
                        undated.extend(
                            (told.undated && known.origin.kind == Kind::OptOut).then_some(known),
                        );
                    }
                }
                Some(Err(why)) => silent.push((list, &**why)),
                // Should it matter now after all.
                None => silent.push((list, "it was not asked")),
            }
        }
        let at_once = match (undated.is_empty(), lists.grace()) {
            (false, Some(_)) => {
                let consents = case.consents.clone();
                Some(Case { objections: undated, consents, role: case.role })
            }
            _ => None,
        };
        let answer = |stream: &Stream| {
            let terms = Terms { stream, today: question.today, grace: None };
            match lists.answer_despite(&case, stream, question.today, &silent) {
                Lookup::Suppressed(found) => Lookup::Suppressed(found),
                other => match at_once.as_ref().map(|case| case.decide(&terms)) {
                    Some(Finding::Suppressed(found)) => Lookup::Suppressed(found),
                    _ => other,
                },
            }
        };
        question.streams.iter().map(|stream| answer(stream)).collect()
    }
}

/// The values under which a list may have somebody.
fn person(lists: &LedgerLists, question: &Question) -> Person {
    let written = question.written.clone();
    let key = IndexKey::from(&lists.digest("asked-live", written.as_bytes()));
    let (exact, person) = (question.address.exact(), question.address.person());
    let mut address = vec![written];
    if address.iter().all(|value| value != exact) {
        address.push(exact.to_owned());
    }
    let other = address.iter().all(|value| value != person);
    Person { key, address, person: other.then(|| person.to_owned()) }
}

/// Of which kinds and scopes its entries may be: its own; where a column tells the kind, of any.
fn carries(source: &SourceSettings) -> Vec<Origin> {
    let has_kinds = match &source.spec.format {
        Format::Table(columns) => columns.kind.is_some(),
        _ => false,
    };
    let own = source.kind();
    // One kind of objection is like the other here.
    let others = [Kind::OptOut, Kind::Consent].into_iter().filter(|kind| *kind != own);
    let kinds = std::iter::once(own).chain(others.filter(|_| has_kinds));
    let scopes = match source.carries.as_slice() {
        [] => std::slice::from_ref(&source.scope),
        scopes => scopes,
    };
    let of = |kind| {
        // What is only implied ends no objection.
        let implied = source.basis.lapses(Timestamp::EPOCH).filter(|_| kind == Kind::Consent);
        let lifetime = lifetime(Timestamp::EPOCH, implied);
        scopes
            .iter()
            .map(move |scope| Origin { lifetime, ..Origin::new(&source.name, kind, scope.clone()) })
    };
    kinds.flat_map(of).collect()
}

/// The live lists of a gate, for the gate.
pub struct AskedLists {
    lists: LedgerLists,
    sources: Arc<LiveSources>,
}

impl AskedLists {
    /// Asks the lists together with this index.
    pub fn new(lists: LedgerLists, sources: Arc<LiveSources>) -> Self {
        Self { lists, sources }
    }
}

impl LiveLists for AskedLists {
    fn ask(&self, questions: Vec<Question>) -> Answering {
        let (lists, sources) = (self.lists.clone(), Arc::clone(&self.sources));
        Box::pin(async move { sources.answer(&lists, &questions).await })
    }
}
