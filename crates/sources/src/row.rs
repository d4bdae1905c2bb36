//! One row, from the texts of its cells or elements: the same for every format.

use std::borrow::Cow;
use std::ops::ControlFlow;

use address::{Canonical, Mailbox};
use suppression::{Kind, Scope, Timestamp};

use crate::cell::{self, Found, Reading, Subject};
use crate::meaning::{Meaning, Meant, Odd, Stated};
use crate::plan::Plan;
use crate::raw::Raw;
use crate::recognise::Said;
use crate::report::{Fault, Report};
use crate::spec::Spec;

/// Longest reason that is kept, in bytes. Bounce texts have a few hundred.
const REASON_MAX: usize = 1000;

/// One address of a list, with what the list says about it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Line of the file the row begins in.
    pub line: u64,
    /// Whom it is about.
    pub who: Who<'a>,
    /// What it says of them.
    pub kind: Kind,
    /// What part of the mail it is about; none: what the source is about.
    pub scope: Option<&'a Scope>,
    /// When the person asked; none when the list does not say, says it illegibly, or names a time
    /// in the future, which for anything but a consent means now (DESIGN s4).
    pub stated: Option<Timestamp>,
    /// When it lapses, as the list says it; only of what may lapse.
    pub until: Option<Timestamp>,
    /// Why, as the list says it: one line, at most a thousand bytes.
    pub reason: Option<&'a str>,
}

/// Whom a row is about.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// One address.
    Address {
        /// As found, without what was around it; `to_string` gives it in plain.
        mailbox: &'a Mailbox,
        /// What it is compared by.
        address: &'a Canonical,
    },
    /// Everybody at the domain of this address, which is the postmaster's.
    Domain(&'a Canonical),
    /// Whoever's address has this digest, in the form the source is configured with.
    Digest(&'a [u8]),
}

/// Makes rows of texts and counts them.
pub(crate) struct Assembler<'a> {
    spec: &'a Spec,
    now: Timestamp,
    room: Room,
    each: &'a mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    pub(crate) report: Report,
    /// Why the list is none of those who are out.
    refused: Option<String>,
}

/// Room that every row uses anew.
#[derive(Default)]
struct Room {
    found: Vec<Found>,
    subjects: Vec<Subject>,
    said: Vec<Said>,
    meant: Vec<Meant>,
}

/// Why a row gives nothing.
enum Without {
    Bad(Fault),
    LeftOut(&'static str),
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(
        spec: &'a Spec,
        now: Timestamp,
        each: &'a mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Self {
        Self { spec, now, room: Room::default(), each, report: Report::default(), refused: None }
    }

    /// A row that could not even be split into texts.
    pub(crate) fn bad(&mut self, line: u64, fault: Fault, value: &str) {
        self.report.rows += 1;
        self.report.bad_row(line, fault, value);
    }

    /// A row that shows that the list holds people who may be mailed: nothing more of it is read.
    pub(crate) fn refuse(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        self.refused = Some(format!("{why}, such as that of line {line}"));
        ControlFlow::Break(())
    }

    /// Why the list is refused, if a row has shown it.
    pub(crate) fn take_refused(&mut self) -> Option<String> {
        self.refused.take()
    }

    /// Counts a row and hands out what it says.
    pub(crate) fn take(&mut self, plan: &Plan, raw: &Raw<'_>) -> ControlFlow<()> {
        let mut room = std::mem::take(&mut self.room);
        let stated = Stated::read(raw.date, self.now);
        let flow = match self.read(plan, raw, stated.time(), &mut room) {
            Ok(odd) => {
                self.report.rows += 1;
                self.note(raw.line, odd, stated, &room);
                self.hand_out(raw, stated.time(), &room)
            }
            Err(Without::LeftOut(why)) => {
                self.report.leave_out(why);
                ControlFlow::Continue(())
            }
            Err(Without::Bad(fault)) => {
                let mut emails = raw.emails.iter().filter(|text| !text.trim().is_empty());
                let email = emails.next().copied().unwrap_or_default();
                self.bad(raw.line, fault, if fault == Fault::Date { raw.date } else { email });
                ControlFlow::Continue(())
            }
        };
        self.room = room;
        flow
    }

    /// What the row says, and of whom.
    fn read(
        &self,
        plan: &Plan,
        raw: &Raw<'_>,
        stated: Option<Timestamp>,
        room: &mut Room,
    ) -> Result<Odd, Without> {
        let meaning = Meaning { spec: self.spec, plan, now: self.now };
        let odd = meaning.of(raw, stated, &mut room.said, &mut room.meant);
        let odd = odd.map_err(Without::LeftOut)?;
        room.subjects.clear();
        let reading = Reading {
            rules: &self.spec.rules,
            domains: plan.domains,
            hashed: self.spec.hashed.as_ref().map(|form| form.algorithm),
        };
        for text in raw.emails.iter().filter(|text| !text.trim().is_empty()) {
            cell::subjects(text, reading, &mut room.found, &mut room.subjects)
                .map_err(Without::Bad)?;
        }
        // A consent is of one person, and proves nothing without its time.
        if !room.subjects.is_empty() && room.meant.iter().any(|one| one.kind == Kind::Consent) {
            if room.subjects.iter().any(|subject| matches!(subject, Subject::Domain(_))) {
                return Err(Without::Bad(Fault::WholeDomain));
            }
            stated.ok_or(Without::Bad(Fault::Date))?;
        }
        Ok(odd)
    }

    /// Counts what is odd about a row that counts.
    fn note(&mut self, line: u64, odd: Odd, stated: Stated, room: &Room) {
        if room.subjects.is_empty() {
            return;
        }
        if odd.kind {
            self.report.odd_kinds += 1;
            self.report.first_odd_kind.get_or_insert(line);
        }
        self.report.dropped_ends += u64::from(odd.end);
        match stated {
            Stated::At(_) | Stated::Absent => {}
            Stated::Future => self.report.future_dates += 1,
            Stated::Odd => {
                self.report.odd_dates += 1;
                self.report.first_odd_date.get_or_insert(line);
            }
        }
    }

    fn hand_out(
        &mut self,
        raw: &Raw<'_>,
        stated: Option<Timestamp>,
        room: &Room,
    ) -> ControlFlow<()> {
        if room.subjects.is_empty() {
            self.report.without_address += 1;
            return ControlFlow::Continue(());
        }
        self.report.accepted += 1;
        let reason = reason(raw.reason);
        for subject in &room.subjects {
            let who = match subject {
                Subject::Address(found) => {
                    Who::Address { mailbox: &found.mailbox, address: &found.canonical }
                }
                Subject::Domain(postmaster) => Who::Domain(postmaster),
                Subject::Digest(bytes) => Who::Digest(bytes),
            };
            for Meant { kind, scope, until } in &room.meant {
                let (kind, scope, until) = (*kind, scope.as_ref(), *until);
                self.report.domains += u64::from(matches!(who, Who::Domain(_)));
                self.report.digests += u64::from(matches!(who, Who::Digest(_)));
                self.report.tally(kind, scope);
                let reason = reason.as_deref();
                let row = Row { line: raw.line, who, kind, scope, stated, until, reason };
                (self.each)(&row)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// One line without control characters, cut where it is too long.
fn reason(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let mut reason = match text.chars().any(char::is_control) {
        true => Cow::Owned(text.split(char::is_control).filter(|p| !p.is_empty()).fold(
            String::new(),
            |mut line, part| {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(part);
                line
            },
        )),
        false => Cow::Borrowed(text),
    };
    if reason.len() > REASON_MAX {
        let room = REASON_MAX - '…'.len_utf8();
        let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= room;
        let mut cut: String = reason.char_indices().take_while(fits).map(|(_, c)| c).collect();
        cut.push('…');
        reason = Cow::Owned(cut);
    }
    (!reason.is_empty()).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{CsvSpec, Format};

    fn now() -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    fn take(kind: Kind, emails: &[&str], date: &str) -> (Vec<Option<Timestamp>>, Report) {
        let spec = Spec { kind: Some(kind), ..Spec::new("s", Format::Csv(CsvSpec::default())) };
        let mut rows = Vec::new();
        let mut each = |row: &Row<'_>| {
            rows.push(row.stated);
            ControlFlow::Continue(())
        };
        let plan = Plan::default();
        let mut assembler = Assembler::new(&spec, now(), &mut each);
        let _ = assembler.take(&plan, &Raw { line: 7, emails, date, ..Raw::default() });
        let report = assembler.report;
        assert_eq!(report.rows, report.accepted + report.without_address + report.bad);
        (rows, report)
    }

    #[test]
    fn a_time_in_the_future_is_now_for_an_opt_out_and_bad_for_a_consent() {
        let (rows, report) = take(Kind::OptOut, &["bob@example.com"], "2026-03-02 12:00:01");
        assert_eq!((rows, report.future_dates), (vec![None], 1));
        let (rows, report) = take(Kind::OptOut, &["bob@example.com"], "2026-03-02 12:00:00");
        assert_eq!((rows, report.future_dates), (vec![Some(now())], 0));
        let (rows, report) = take(Kind::Consent, &["bob@example.com"], "2026-03-02 12:00:01");
        assert_eq!((rows, report.bad_rows[0].fault), (vec![], Fault::Date));
    }

    #[test]
    fn a_time_that_cannot_be_read_costs_no_opt_out() {
        let (rows, report) = take(Kind::OptOut, &["bob@example.com"], "soon");
        assert_eq!((rows, report.odd_dates, report.first_odd_date), (vec![None], 1, Some(7)));
        for date in ["", "soon"] {
            assert_eq!(take(Kind::Consent, &["bob@example.com"], date).1.bad, 1);
        }
    }

    #[test]
    fn rows_are_counted_once_whatever_is_in_them() {
        let (rows, report) = take(Kind::OptOut, &["a@b.example; c@b.example", "d@b.example"], "");
        assert_eq!((rows.len(), report.accepted, report.addresses), (3, 1, 3));
        let (rows, report) = take(Kind::OptOut, &["", "  "], "");
        assert_eq!((rows.len(), report.without_address), (0, 1));
        let (rows, report) = take(Kind::OptOut, &["a@b.example", "junk"], "");
        assert_eq!((rows.len(), report.bad), (0, 1));
    }

    #[test]
    fn reasons_are_one_line_of_bounded_length() {
        assert_eq!(reason(" a\r\nb\tc\u{0} ").as_deref(), Some("a b c"));
        assert_eq!(reason(" \n "), None);
        let long = "ü".repeat(REASON_MAX);
        let kept = reason(&long).unwrap();
        assert!(kept.len() <= REASON_MAX && kept.ends_with("ü…"));
    }
}
