//! One row, from the texts of its cells or elements: the same for every format.

use std::borrow::Cow;
use std::ops::ControlFlow;

use address::{Canonical, Mailbox};
use suppression::{Kind, Scope, Timestamp};

use crate::cell::{self, Found};
use crate::report::{Fault, Report};
use crate::spec::Spec;
use crate::when::{self, When};

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

/// The texts of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) line: u64,
    /// Cells with addresses; of CSV one, of XML as many as there are.
    pub(crate) emails: &'a [&'a str],
    pub(crate) date: &'a str,
    pub(crate) reason: &'a str,
}

/// Makes rows of texts and counts them.
pub(crate) struct Assembler<'a> {
    kind: Kind,
    spec: &'a Spec,
    now: Timestamp,
    found: Vec<Found>,
    all: Vec<Found>,
    each: &'a mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    pub(crate) report: Report,
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(
        spec: &'a Spec,
        now: Timestamp,
        each: &'a mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Self {
        let (found, all) = (Vec::new(), Vec::new());
        Self {
            kind: spec.kind.unwrap_or(Kind::OptOut),
            spec,
            now,
            found,
            all,
            each,
            report: Report::default(),
        }
    }

    /// A row that could not even be split into texts.
    pub(crate) fn bad(&mut self, line: u64, fault: Fault, value: &str) {
        self.report.rows += 1;
        self.report.bad_row(line, fault, value);
    }

    /// Counts a row and hands out its addresses.
    pub(crate) fn take(&mut self, raw: &Raw<'_>) -> ControlFlow<()> {
        self.report.rows += 1;
        self.all.clear();
        for text in raw.emails.iter().filter(|text| !text.trim().is_empty()) {
            if let Err(fault) = cell::addresses(text, &self.spec.rules, &mut self.found) {
                self.report.bad_row(raw.line, fault, text);
                return ControlFlow::Continue(());
            }
            self.all.append(&mut self.found);
        }
        if self.all.is_empty() {
            self.report.without_address += 1;
            return ControlFlow::Continue(());
        }
        let Ok(stated) = self.stated(raw) else {
            self.report.bad_row(raw.line, Fault::Date, raw.date);
            return ControlFlow::Continue(());
        };
        self.report.accepted += 1;
        self.report.addresses += self.all.len() as u64;
        let reason = reason(raw.reason);
        self.all.iter().try_for_each(|found| {
            (self.each)(&Row {
                line: raw.line,
                who: Who::Address { mailbox: &found.mailbox, address: &found.canonical },
                kind: self.kind,
                scope: None,
                until: None,
                stated,
                reason: reason.as_deref(),
            })
        })
    }

    /// The stated time, or that the row proves nothing without one.
    fn stated(&mut self, raw: &Raw<'_>) -> Result<Option<Timestamp>, ()> {
        let consent = self.kind == Kind::Consent;
        match when::read(raw.date) {
            When::At(time) if time <= self.now => Ok(Some(time)),
            _ if consent => Err(()),
            When::Absent => Ok(None),
            When::At(_) => {
                self.report.future_dates += 1;
                Ok(None)
            }
            When::Odd => {
                self.report.odd_dates += 1;
                self.report.first_odd_date.get_or_insert(raw.line);
                Ok(None)
            }
        }
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
        let mut assembler = Assembler::new(&spec, now(), &mut each);
        let _ = assembler.take(&Raw { line: 7, emails, date, reason: "" });
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
