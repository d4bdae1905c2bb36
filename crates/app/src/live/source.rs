//! One list that is asked live: what is asked, what is known already, what the answers mean.
//!
//! A question that is out goes on when whoever asked is gone: its connection stays good, and
//! what comes counts for the cache and the breaker all the same. Waiting for a connection ends
//! with whoever waits.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sources::{Found, Spec, Statement};
use suppression::{Day, Fact, IndexKey, Kind, Known, Origin, OriginId, Scope, Timestamp, lifetime};

use super::breaker::{Breaker, Turn};
use super::cache::{ANSWERS_MAX, Cache};
use super::figures::{Figures, LiveLine};
use super::line::Database;
use super::pool::{Failure, Pool, Seat};
use crate::clock;
use crate::config::{LiveSettings, SourceSettings};

/// Something that the list says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    origin: Arc<Origin>,
    day: Day,
    /// The list does not say since when: today is as good as any day for whether a consent is
    /// later, but it begins anew every day, so no grace can be counted from it.
    pub(crate) undated: bool,
}

impl Told {
    /// As a fact among others.
    pub(crate) fn known(&self) -> Known<'_> {
        let fact = Fact { origin: OriginId(0), day: self.day, position: Fact::NO_ROW };
        Known { fact, origin: &self.origin, withdrawn: false }
    }
}

/// In words, for people.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { kind, scope, lifetime, .. } = &*self.origin;
        match self.undated {
            true => write!(f, "{kind} for {scope} without a date")?,
            false => write!(f, "{kind} for {scope} since {}", self.day)?,
        }
        match lifetime {
            Some(days) => write!(f, ", until {}", self.day.plus_days(*days)),
            None => Ok(()),
        }
    }
}

/// All that the list says of a person, or why nothing is known.
pub(super) type Said = Result<Arc<[Told]>, Arc<str>>;

/// Who is asked about.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Of the address as it was written, which all the values are made of.
    pub(super) key: IndexKey,
    /// The address as it was written, and as it is compared.
    pub(super) address: Vec<String>,
    /// The person's usual form of it, where that is another one.
    pub(super) person: Option<String>,
}

impl Person {
    fn values(&self) -> impl Iterator<Item = (&String, bool)> {
        let own = self.address.iter().map(|value| (value, true));
        own.chain(self.person.iter().map(|value| (value, false)))
    }
}

/// One list that is asked live.
pub(super) struct LiveSource {
    spec: Spec,
    scope: Scope,
    expire_after: Option<Duration>,
    basis: suppression::Basis,
    pool: Pool,
    state: Mutex<State>,
    cache: Mutex<Cache<Arc<[Told]>>>,
    figures: Figures,
}

#[derive(Debug, Default)]
struct State {
    breaker: Breaker,
    last_error: Option<String>,
    /// It was told that it fails; once is enough, however many are deferred.
    told: bool,
    /// Likewise that its rows are about classes of solicitation.
    told_class: bool,
    /// The last question got no answer, or none that can be used.
    failing: bool,
}

impl LiveSource {
    pub(super) fn new(
        source: &SourceSettings,
        live: &LiveSettings,
        database: Box<dyn Database>,
    ) -> Self {
        Self {
            spec: source.spec.clone(),
            scope: source.scope.clone(),
            expire_after: source.expire_after,
            basis: source.basis,
            pool: Pool::new(database, live.connections, live.timeout),
            state: Mutex::default(),
            cache: Mutex::new(Cache::new(live.cache, ANSWERS_MAX)),
            figures: Figures::default(),
        }
    }

    fn name(&self) -> &str {
        &self.spec.name
    }

    /// What it says of each, in their order. `afresh`: not what it said a moment ago.
    pub(super) async fn ask(self: &Arc<Self>, people: &[Person], afresh: bool) -> Vec<Said> {
        self.figures.asked.add(people.len() as u64);
        let now = clock::instant();
        let mut said: Vec<Option<Said>> = vec![None; people.len()];
        if !afresh {
            let cache = self.cache();
            for (said, person) in said.iter_mut().zip(people) {
                *said = cache.get(person.key, now).map(Ok);
            }
        }
        let open = said.iter().zip(people).filter(|(said, _)| said.is_none());
        let rest: Vec<Person> = open.map(|(_, person)| person.clone()).collect();
        self.figures.remembered.add((people.len() - rest.len()) as u64);
        let mut answers = self.ask_all(rest).await.into_iter();
        let unanswered = || Err(Arc::from("no answer"));
        let all = said.into_iter().map(|said| match said {
            Some(said) => said,
            None => answers.next().unwrap_or_else(unanswered),
        });
        let all: Vec<Said> = all.collect();
        let found = |said: &&Said| said.as_ref().is_ok_and(|told| !told.is_empty());
        self.figures.found.add(all.iter().filter(found).count() as u64);
        self.figures.failed.add(all.iter().filter(|said| said.is_err()).count() as u64);
        all
    }

    async fn ask_all(self: &Arc<Self>, people: Vec<Person>) -> Vec<Said> {
        let count = people.len();
        if count == 0 {
            return Vec::new();
        }
        let now = clock::instant();
        if let Err(why) = self.may_ask(now) {
            return vec![Err(why.into()); count];
        }
        let deadline = self.pool.deadline(now);
        let asked = match self.pool.seat(deadline).await {
            Ok(seat) => {
                let source = Arc::clone(self);
                let task = tokio::spawn(async move { source.put(&people, seat, now).await });
                task.await.unwrap_or_else(|_| Err(self.note_failure(&Failure::Fault)))
            }
            Err(failure) => Err(self.note_failure(&failure)),
        };
        asked.unwrap_or_else(|why| vec![Err(why); count])
    }

    /// Whether it may be asked; else why not.
    fn may_ask(&self, now: std::time::Instant) -> Result<(), String> {
        let mut state = self.state();
        state.breaker.ask(now).map_err(|left| {
            let last = state.last_error.as_deref().unwrap_or("it failed");
            let seconds = left.as_secs().max(1);
            format!("it keeps failing and is not asked for another {seconds} s; the last: {last}")
        })
    }

    /// Puts the question.
    async fn put(
        &self,
        people: &[Person],
        seat: Seat,
        now: std::time::Instant,
    ) -> Result<Vec<Said>, Arc<str>> {
        self.figures.questions.count();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut values: Vec<String> = Vec::new();
        for (value, _) in people.iter().flat_map(Person::values) {
            if !places.contains_key(value.as_str()) {
                places.insert(value, values.len());
                values.push(value.clone());
            }
        }
        let answer = self.pool.ask(seat, &values, self.pool.deadline(now)).await;
        let rows = answer.map_err(|failure| self.note_failure(&failure))?;
        self.note_answer();
        let today = clock::now();
        let said: Vec<Said> = people
            .iter()
            .map(|person| {
                let found = person.values().map(|(value, own)| {
                    let rows = places.get(value.as_str()).and_then(|at| rows.get(*at));
                    (rows.map(Vec::as_slice).unwrap_or_default(), own)
                });
                self.read(found, today)
            })
            .collect();
        let mut cache = self.cache();
        for (said, person) in said.iter().zip(people) {
            if let Ok(told) = said {
                cache.put(person.key, Arc::clone(told), now);
            }
        }
        Ok(said)
    }

    /// What rows mean that were found for one person; true: for the very address.
    fn read<'a>(&self, found: impl Iterator<Item = (&'a [Found], bool)>, now: Timestamp) -> Said {
        let mut told: Vec<Told> = Vec::new();
        for (rows, own) in found {
            for row in rows {
                let statement = Statement::read(&self.spec, row, now);
                let Some(statement) = statement.map_err(|why| self.note_error(&why))? else {
                    continue;
                };
                // One may agree for an address, and object for all of one's own (DESIGN s6).
                if statement.kind == Kind::Consent && !own {
                    continue;
                }
                if statement.scope.as_ref().is_some_and(Scope::is_class) {
                    self.note_class();
                }
                let one = self.fact(statement, now);
                if !told.contains(&one) {
                    told.push(one);
                }
            }
        }
        Ok(told.into())
    }

    fn fact(&self, statement: Statement, now: Timestamp) -> Told {
        let Statement { kind, scope, stated, until } = statement;
        let effective = stated.unwrap_or(now);
        let after = |span: Duration| {
            let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
            // Beyond the calendar nothing lapses.
            Timestamp::from_micros(effective.micros().saturating_add(micros)).ok()
        };
        let expires = match kind {
            Kind::Consent => self.basis.lapses(effective),
            Kind::Undeliverable => until.or_else(|| self.expire_after.and_then(after)),
            _ => None,
        };
        let scope = scope.unwrap_or_else(|| self.scope.clone());
        let lifetime = lifetime(effective, expires);
        let origin = Origin { lifetime, ..Origin::new(self.name(), kind, scope) };
        Told { origin: Arc::new(origin), day: effective.day(), undated: stated.is_none() }
    }

    fn note_answer(&self) {
        let turn = {
            let mut state = self.state();
            state.told = false;
            state.failing = false;
            state.breaker.succeeded()
        };
        if turn == Turn::Closed {
            tracing::info!(list = self.name(), "the list answers again");
        }
    }

    fn note_failure(&self, failure: &Failure) -> Arc<str> {
        let why = failure.to_string();
        let (turn, news) = {
            let mut state = self.state();
            let turn = match failure.counts() {
                true => state.breaker.failed(clock::instant()),
                false => Turn::None,
            };
            state.last_error = Some(why.clone());
            state.failing = true;
            (turn, !std::mem::replace(&mut state.told, true))
        };
        let list = self.name();
        match turn {
            Turn::Opened(pause) => tracing::error!(
                list,
                "the list keeps failing: not asked for {pause:?}, recipients that are on no other \
                 list are deferred: {why}"
            ),
            Turn::None | Turn::Closed if news => {
                tracing::warn!(list, "the list did not answer, recipients are deferred: {why}");
            }
            Turn::None | Turn::Closed => {}
        }
        why.into()
    }

    /// The list answers, and what it says cannot be used.
    fn note_error(&self, why: &str) -> Arc<str> {
        let before = {
            let mut state = self.state();
            state.failing = true;
            state.last_error.replace(why.to_owned())
        };
        if before.as_deref() != Some(why) {
            tracing::error!(list = self.name(), "the list's answer cannot be used: {why}");
        }
        why.into()
    }

    /// A row is about a class of solicitation. Who refuses one must be known before the header of
    /// a message is, and nobody is asked then: it stops nothing, and that is said.
    fn note_class(&self) {
        let why = "`scope_column`: a row is about a class of solicitation, and stops no mail: what \
                   is asked live cannot say who refuses one; read such rows into the ledger by a \
                   [[source]] without mode";
        let mut state = self.state();
        if !std::mem::replace(&mut state.told_class, true) {
            tracing::error!(list = self.name(), "{why}");
        }
        state.last_error = Some(why.to_owned());
    }

    /// How it fares.
    pub(super) fn line(&self) -> LiveLine {
        let (idle, busy) = self.pool.connections();
        let figures = &self.figures;
        let state = self.state();
        LiveLine {
            name: self.name().to_owned(),
            breaker: state.breaker.word().to_owned(),
            idle: idle as u64,
            busy: busy as u64,
            asked: figures.asked.get(),
            remembered: figures.remembered.get(),
            found: figures.found.get(),
            failed: figures.failed.get(),
            questions: figures.questions.get(),
            last_error: state.last_error.clone(),
            failing: state.failing,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache<Arc<[Told]>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
