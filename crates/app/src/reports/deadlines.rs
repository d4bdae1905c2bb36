//! Every opt-out with the time of the request, its deadline, since when it was in force, when
//! it was first enforced, and the mail that was let through after its deadline: the figure a
//! compliance officer is asked for (15 U.S.C. 7704(a)(4): ten business days).
//!
//! Mail slips through a listener that only watches, and past a list that was away and came
//! back late: then the opt-out stood in no ledger when it was sent, and only looking back
//! finds it. Each mail is held against the ledger as of its day before it is told. Mail between
//! the request and the deadline is no offence, and is told apart.
//!
//! Opt-outs are read [`PASS_MAX`] at a time and the evidence once for each time, so that ten
//! million take the memory of four, and three readings: 326 MB with what SQLite and the named
//! mails take (`/usr/bin/time -f %M optgate report deadlines`, 10 million opt-outs, 500,000
//! decisions).

use std::collections::HashMap;

use evidence::Seen;
use ledger::Ledger;
use serde::Serialize;
use suppression::{Case, Day, Fact, Grace, Known, Origin, OriginId, Scope, Standing, Stream};
use suppression::{StreamClass, Terms, Timestamp};

use super::digest;
use super::mail::{Event, Offered, application, walk, was_sent};
use super::obligations::{Deadlines, Obligation, Obligations, Touched};
use super::offence::Judge;
use super::span::{TimeSpan, evidence_of};
use crate::config::Settings;
use crate::error::AppError;

/// Opt-outs that are held at a time, in 180 MB.
pub const PASS_MAX: usize = 4_000_000;
/// Mails that are named for one opt-out; the rest is counted.
const NAMED_MAX: usize = 20;
/// Mails that are named in one pass.
const NAMED_ALL: usize = 100_000;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct DeadlinesAsked {
    /// The opt-outs requested in this time.
    pub span: TimeSpan,
    /// Opt-outs to hold at a time: [`PASS_MAX`], or less in tests.
    pub pass: usize,
}

/// One opt-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptOutLine {
    /// Its row of the ledger.
    pub entry: u64,
    /// The list it came from.
    pub list: String,
    /// What the person asked to be spared.
    pub scope: Scope,
    /// It is about everybody at a domain.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub domain: bool,
    /// When the person asked; where the list does not say, when it was first seen.
    pub asked: Timestamp,
    /// Whether the list says so.
    pub stated: bool,
    /// The last day on which mail may be sent.
    pub deadline: Day,
    /// Since when the gate has known and enforced it.
    pub in_force: Timestamp,
    /// That was after the deadline.
    pub late: bool,
    /// It was taken back since.
    pub withdrawn: bool,
    /// When mail was first refused because of this person's objections.
    pub first_refusal: Option<Timestamp>,
    /// Mails let through after the deadline.
    pub mails_after: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after_deadline: Vec<LateMail>,
    /// Mails let through after the request, up to the deadline.
    pub mails_within: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within_deadline: Vec<LateMail>,
}

/// One mail that was let through after the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LateMail {
    /// The decision, for `optgate why`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// When.
    pub time: Timestamp,
    /// The stream it was on.
    pub stream: String,
    /// Who sent it.
    pub application: String,
    /// Why: the listener only watches, the opt-out was not known yet, or the grace was not over.
    pub why: &'static str,
    /// The recipient, where the evidence holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

/// All of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeadlinesSummary {
    /// Opt-outs.
    pub opt_outs: u64,
    /// Of these, taken back since.
    pub withdrawn: u64,
    /// Known to the gate only after their deadline.
    pub late: u64,
    /// Enforced at least once.
    pub refused: u64,
    /// Opt-outs after whose deadline mail was let through.
    pub mailed_after: u64,
    /// Those mails.
    pub mails_after: u64,
    /// Mails let through between a request and its deadline.
    pub mails_within: u64,
    /// There was evidence to look into.
    pub evidence: bool,
}

/// Hands out every opt-out, in the order of the ledger, and counts.
///
/// # Errors
/// When the ledger or the evidence cannot be read, or what `each` says.
pub fn deadlines(
    settings: &Settings,
    asked: DeadlinesAsked,
    each: &mut dyn FnMut(&OptOutLine) -> Result<(), AppError>,
) -> Result<DeadlinesSummary, AppError> {
    let mut ledger = Ledger::open_read_only(&settings.ledger.path)?;
    let withdrawn = ledger.withdrawn()?;
    let evidence = evidence_of(settings)?.to_path_buf();
    let mut summary = DeadlinesSummary { evidence: true, ..DeadlinesSummary::default() };
    let mut days = Deadlines::new(settings.enforcement.calendar);
    let mut obligations = Obligations::default();
    let mut after = Some(0);
    while let Some(from) = after {
        after = obligations.read(&ledger, from, asked.pass, asked.span)?;
        let mut pass = Pass {
            settings,
            judge: Judge::new(&mut ledger),
            obligations: &mut obligations,
            days: &mut days,
            named: HashMap::new(),
            names: 0,
        };
        // Nothing was decided before the first request of this time.
        let records = TimeSpan { since: asked.span.since, until: None }.records(&evidence);
        match records {
            Ok(records) => pass.walk(records)?,
            Err(AppError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
                summary.evidence = false;
            }
            Err(error) => return Err(error),
        }
        let Pass { mut named, .. } = pass;
        for (at, obligation) in obligations.iter() {
            let late = named.remove(&at).unwrap_or_default();
            let line = Line { settings, obligations: &obligations, obligation };
            let line =
                line.make(&mut days, withdrawn.contains(u64::from(obligation.position)), late);
            summary.add(&line);
            each(&line)?;
        }
    }
    Ok(summary)
}

impl DeadlinesSummary {
    fn add(&mut self, line: &OptOutLine) {
        self.opt_outs += 1;
        self.withdrawn += u64::from(line.withdrawn);
        self.late += u64::from(line.late && !line.withdrawn);
        self.refused += u64::from(line.first_refusal.is_some());
        self.mailed_after += u64::from(line.mails_after > 0);
        self.mails_after += line.mails_after;
        self.mails_within += line.mails_within;
    }
}

/// Mails after one opt-out: up to its deadline, and after it.
#[derive(Debug, Default)]
struct Mails {
    within: Counted,
    after: Counted,
}

#[derive(Debug, Default)]
struct Counted {
    count: u64,
    named: Vec<LateMail>,
}

struct Pass<'a> {
    settings: &'a Settings,
    judge: Judge<'a>,
    obligations: &'a mut Obligations,
    days: &'a mut Deadlines,
    named: HashMap<usize, Mails>,
    names: usize,
}

impl Pass<'_> {
    fn walk(&mut self, records: evidence::Records) -> Result<(), AppError> {
        let this = std::cell::RefCell::new(self);
        let touched = |seen: &Seen<'_>| this.borrow().touched(seen);
        walk(records, |seen| !touched(seen).is_none(), &mut |event| {
            let mut this = this.borrow_mut();
            match event {
                Event::Decided(seen) => this.refused(seen),
                Event::Ended(outcome, offered) if was_sent(outcome) => {
                    for one in &offered {
                        this.sent(one, outcome)?;
                    }
                }
                Event::Ended(..) => {}
            }
            Ok(())
        })
    }

    fn touched(&self, seen: &Seen<'_>) -> Touched {
        let person = seen.person.as_ref().and_then(|text| digest::parse(text));
        self.obligations.touched(person, seen.entry)
    }

    fn refused(&mut self, seen: &Seen<'_>) {
        let verdict = seen.verdict.as_ref().map(|verdict| verdict.as_str());
        if !matches!(verdict, Some("refuse" | "drop")) {
            return;
        }
        for at in self.touched(seen).iter() {
            if let Some(obligation) = self.obligations.get_mut(at) {
                obligation.refuse(seen.time);
            }
        }
    }

    fn sent(&mut self, offered: &Offered, outcome: &Seen<'_>) -> Result<(), AppError> {
        let day = offered.time.day();
        let stream = stream_of(self.settings, offered, outcome);
        for at in self.obligations.touched(offered.person, offered.entry).iter() {
            let Some(obligation) = self.obligations.get(at) else { continue };
            if !obligation.precedes(offered.time) {
                continue;
            }
            let within = day <= self.days.of(obligation.asked().day());
            let about = self.obligations.origin(obligation);
            if !about.is_some_and(|origin| is_about(origin, &stream, day)) {
                continue;
            }
            let position = u64::from(obligation.position);
            let grace = (!within).then(|| self.days.grace());
            let forbade = self.judge.forbade(position, offered.exact, &stream, day, grace)?;
            let Some(recorded) = forbade else { continue };
            let known = recorded <= offered.time;
            let mails = self.named.entry(at).or_default();
            let counted = if within { &mut mails.within } else { &mut mails.after };
            counted.count += 1;
            if counted.named.len() < NAMED_MAX && self.names < NAMED_ALL {
                self.names += 1;
                counted.named.push(LateMail {
                    reference: offered.reference.to_string(),
                    time: offered.time,
                    stream: stream.name.to_string(),
                    application: application(outcome),
                    why: match (offered.shadow, known) {
                        (true, _) => "the listener only watches",
                        (false, false) => "the opt-out was not known yet",
                        (false, true) if within => "within the grace",
                        (false, true) => "permitted by the rules of that time",
                    },
                    recipient: offered.plain.as_ref().map(ToString::to_string),
                });
            }
        }
        Ok(())
    }
}

/// The stream a mail was on, as the configuration describes it now; one that is no longer
/// there, by its class alone.
fn stream_of(settings: &Settings, offered: &Offered, outcome: &Seen<'_>) -> Stream {
    let Some(name) = offered.stream(outcome) else { return Stream::default() };
    if let Some(found) = settings.streams.iter().find(|s| *s.stream.name == *name) {
        return found.stream.clone();
    }
    let class = match outcome.class.as_ref().map(|class| class.as_str()) {
        Some("transactional") => StreamClass::Transactional,
        _ => StreamClass::Commercial,
    };
    Stream::new(name, class)
}

/// Whether an opt-out of this origin is about this stream at all: a quick look, so that the
/// ledger need not be asked about every receipt.
fn is_about(origin: &Origin, stream: &Stream, day: Day) -> bool {
    let fact = Fact { origin: OriginId(0), day: Day::from_number(0), position: 0 };
    let known = Known { fact, origin, withdrawn: false };
    let terms = Terms { stream, today: day, grace: None };
    Case::default().standing(&known, &terms) != Standing::OtherMail
}

struct Line<'a> {
    settings: &'a Settings,
    obligations: &'a Obligations,
    obligation: &'a Obligation,
}

impl Line<'_> {
    fn make(&self, days: &mut Deadlines, withdrawn: bool, mails: Mails) -> OptOutLine {
        let asked = self.obligation.asked();
        let deadline = days.of(asked.day());
        let in_force = self.in_force(self.settings.enforcement.grace);
        let origin = self.obligations.origin(self.obligation);
        OptOutLine {
            entry: u64::from(self.obligation.position),
            list: origin.map_or_else(String::new, |origin| origin.source.clone()),
            scope: origin.map_or(Scope::All, |origin| origin.scope.clone()),
            domain: self.obligations.is_domain(self.obligation),
            asked,
            stated: self.obligation.is_stated(),
            deadline,
            in_force,
            late: self.obligation.recorded().day() > deadline,
            withdrawn,
            first_refusal: self.obligation.refused(),
            mails_after: mails.after.count,
            after_deadline: mails.after.named,
            mails_within: mails.within.count,
            within_deadline: mails.within.named,
        }
    }

    /// From when it was recorded, and not before the grace that is configured was over.
    fn in_force(&self, grace: Option<Grace>) -> Timestamp {
        let recorded = self.obligation.recorded();
        let asked = self.obligation.asked().day();
        let grace = grace.map(|grace| grace.deadline(asked).plus_days(1).start());
        grace.map_or(recorded, |over| over.max(recorded))
    }
}
