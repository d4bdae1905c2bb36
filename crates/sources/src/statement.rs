//! What a row says that was found for an address.
//!
//! That there is a row is what counts: whoever asks a database about an address has said in the
//! query which rows mean that it is out. The columns only tell more: since when; and of which kind
//! and scope and until when where a setting names the column. So a cell that cannot be understood
//! takes nothing away from an objection; but no consent comes of one, as a consent has to be
//! proven. A row that says of itself that nobody opted out is no answer: the query would refuse
//! everybody.

use suppression::{Kind, Scope, Timestamp};

use crate::columns::{DATE_NAMES, plain};

use crate::recognise::{self as words, Word};
use crate::remote::Found;
use crate::spec::{Column, Columns, Format, Spec};
use crate::when::{self, When};

/// Why a row is no answer.
const NOT_OUT: &str = "its query answers with a row for people who have not opted out, so it would \
    refuse everybody; let its WHERE leave them out";

/// What a row says of the address it was found for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The kind of entry it is.
    pub kind: Kind,
    /// What part of the mail it is about; none: what the source is about.
    pub scope: Option<Scope>,
    /// When the person asked; none when the row does not say, or says it illegibly, or names a
    /// time in the future. Of a consent it is always there.
    pub stated: Option<Timestamp>,
    /// When it lapses, as the row says it; only of what may lapse.
    pub until: Option<Timestamp>,
}

impl Statement {
    /// Reads a row. None: it says nothing against mail, and proves no consent.
    ///
    /// # Errors
    /// Which setting names a column that the answer does not have, or that the row says of itself
    /// that the person has not opted out.
    pub fn read(spec: &Spec, found: &Found, now: Timestamp) -> Result<Option<Self>, String> {
        let none = Columns::default();
        let columns = match &spec.format {
            Format::Table(columns) => columns,
            _ => &none,
        };
        let row = Row { found };
        let own = spec.kind.unwrap_or(Kind::OptOut);
        let consents = own == Kind::Consent;
        // Of a list of consents they can only take away.
        let or_named = |name: &'static str| if consents { Some(name) } else { None };
        if !consents && row.denies(columns) {
            return Err(NOT_OUT.to_owned());
        }
        let kind = row.text(columns.kind.as_ref(), "kind_column", or_named("kind"))?;
        let kind = match words::kind(kind) {
            Word::Kind(kind) if kind != Kind::Withdrawn => kind,
            // Without the setting it is a column that happens to be called so.
            Word::Not if columns.kind.is_some() => return Ok(None),
            Word::Odd | Word::Not if consents => return Ok(None),
            _ => own,
        };
        let scope = row.text(columns.scope.as_ref(), "scope_column", or_named("scope"))?;
        let scope = words::scope(scope);
        let time = row.time(columns.date.as_ref(), "date", &DATE_NAMES)?;
        let stated = time.filter(|time| *time <= now);
        if kind == Kind::Consent && stated.is_none() {
            return Ok(None);
        }
        let until = match kind {
            Kind::Undeliverable if columns.until.is_some() => {
                row.time(columns.until.as_ref(), "until", &[])?
            }
            _ => None,
        };
        Ok(Some(Self { kind, scope, stated, until }))
    }
}

struct Row<'a> {
    found: &'a Found,
}

impl<'a> Row<'a> {
    /// The columns that the setting names, or else those of the first of these names that is
    /// there and good for something. What is good is a matter of the column: were another one
    /// taken because a cell is empty, a row would be of the day it was made.
    fn columns(
        &self,
        column: Option<&Column>,
        setting: &str,
        names: &[&str],
        good: impl Fn(&str) -> bool,
    ) -> Result<Vec<&'a str>, String> {
        let of = |is: &dyn Fn(usize, &str) -> bool| -> Vec<&'a str> {
            let all = self.found.columns.iter().enumerate().zip(&self.found.cells);
            let named = all.filter(|((at, name), _)| is(*at, name));
            named.map(|(_, cell)| cell.as_deref().unwrap_or_default()).collect()
        };
        let Some(column) = column else {
            let groups = names.iter().map(|wanted| of(&|_, name| plain(name) == *wanted));
            let fits = |cells: &Vec<&str>| cells.iter().any(|cell| good(cell));
            return Ok(groups.filter(|cells| !cells.is_empty()).find(fits).unwrap_or_default());
        };
        let cells = of(&|at, name| is(column, at, name));
        if cells.is_empty() {
            return Err(format!("`{setting}`: its answer has no column {column}"));
        }
        Ok(cells)
    }

    /// The last that is not blank.
    fn text(
        &self,
        column: Option<&Column>,
        setting: &str,
        name: Option<&str>,
    ) -> Result<&'a str, String> {
        let cells = self.columns(column, setting, name.as_slice(), |_| true)?;
        Ok(cells.into_iter().rev().find(|cell| !cell.trim().is_empty()).unwrap_or_default())
    }

    fn time(
        &self,
        column: Option<&Column>,
        setting: &str,
        names: &[&str],
    ) -> Result<Option<Timestamp>, String> {
        // `unsubscribed` may hold a time, or yes and no.
        let cells = self.columns(column, setting, names, |cell| words::yes(cell).is_none())?;
        let read = |cell: &&str| match when::read(cell) {
            When::At(time) => Some(time),
            When::Absent | When::Odd => None,
        };
        Ok(cells.iter().rev().find_map(read))
    }

    /// Whether it says that the person has not opted out: by a column that tells as much, or by
    /// its only cell, as `SELECT EXISTS(...)` and `SELECT max(...)` do, which always find a row.
    fn denies(&self, columns: &Columns) -> bool {
        let set = |column: Option<&Column>, at: usize, name: &str| {
            column.is_some_and(|column| is(column, at, name))
        };
        let only = self.found.columns.len() == 1;
        let cells = self.found.columns.iter().enumerate().zip(&self.found.cells);
        cells.into_iter().any(|((at, name), cell)| {
            if set(columns.kind.as_ref(), at, name) {
                return false;
            }
            let is_date =
                set(columns.date.as_ref(), at, name) || DATE_NAMES.contains(&plain(name).as_str());
            match cell.as_deref().map(str::trim) {
                None | Some("") => only && !is_date,
                Some(cell) => {
                    (words::is_flag(name) || only && !is_date) && words::yes(cell) == Some(false)
                }
            }
        })
    }
}

/// Whether that is the column of this place and name.
fn is(column: &Column, at: usize, name: &str) -> bool {
    match column {
        Column::Number(number) => at + 1 == *number,
        Column::Name(wanted) => wanted.trim().to_lowercase() == name.trim().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    fn found(cells: &[(&str, &str)]) -> Found {
        let columns: Vec<_> = cells.iter().map(|(name, _)| (*name).to_owned()).collect();
        let value = |text: &str| (text != "NULL").then(|| text.to_owned());
        Found {
            columns: columns.into(),
            cells: cells.iter().map(|(_, cell)| value(cell)).collect(),
        }
    }

    fn spec(kind: Option<Kind>, columns: Columns) -> Spec {
        Spec { kind, ..Spec::new("crm", Format::Table(columns)) }
    }

    fn read(kind: Option<Kind>, cells: &[(&str, &str)]) -> Option<Statement> {
        Statement::read(&spec(kind, Columns::default()), &found(cells), now()).unwrap()
    }

    fn name(text: &str) -> Option<Column> {
        Some(Column::Name(text.to_owned()))
    }

    #[test]
    fn that_there_is_a_row_is_enough() {
        let plain = Statement { kind: Kind::OptOut, scope: None, stated: None, until: None };
        assert_eq!(read(None, &[]), Some(plain.clone()));
        assert_eq!(read(None, &[("?column?", "1")]), Some(plain.clone()));
        for dirt in ["soon", "NULL", "2026-03-02 12:00:01", ""] {
            assert_eq!(read(None, &[("opted_out_at", dirt)]), Some(plain.clone()), "{dirt}");
            // A column says since when, or none does.
            let cells = [("opted_out_at", dirt), ("created", "2020-01-01")];
            assert_eq!(read(None, &cells), Some(plain.clone()), "{dirt}");
        }
        let complaint = read(Some(Kind::Complaint), &[("status", "active")]).unwrap();
        assert_eq!(complaint.kind, Kind::Complaint);
    }

    #[test]
    fn the_usual_names_and_the_settings_tell_the_columns() {
        let cells = [("Created", "2025-01-01"), ("Opted_Out_At", "2026-01-02 03:04:05")];
        let row = read(None, &cells).unwrap();
        assert_eq!(row.stated.unwrap().to_string(), "2026-01-02T03:04:05Z");
        // `optout` may be a flag: then the next name counts.
        let row = read(None, &[("optout", "true"), ("created", "2025-01-01")]).unwrap();
        assert_eq!(row.stated.unwrap().day().to_string(), "2025-01-01");
        let columns = Columns {
            date: Some(Column::Number(1)),
            kind: name("why"),
            scope: name("LIST"),
            ..Columns::default()
        };
        let cells = [("created", "2025-01-01"), ("why", "spam"), ("list", "Spring")];
        let row = Statement::read(&spec(None, columns), &found(&cells), now()).unwrap().unwrap();
        assert_eq!(row.kind, Kind::Complaint);
        assert_eq!(row.scope, Some(Scope::Named("Spring".to_owned())));
        assert_eq!(row.stated.unwrap().day().to_string(), "2025-01-01");
    }

    #[test]
    fn a_column_that_is_set_and_not_there_is_told() {
        let columns = Columns { scope: name("list"), ..Columns::default() };
        let error = Statement::read(&spec(None, columns), &found(&[("a", "x")]), now());
        assert_eq!(error.unwrap_err(), "`scope_column`: its answer has no column \"list\"");
    }

    #[test]
    fn words_for_kinds_count_where_they_are_understood() {
        let set = spec(None, Columns { kind: name("status"), ..Columns::default() });
        let of = |word| Statement::read(&set, &found(&[("status", word)]), now()).unwrap();
        let kind = |word| of(word).map(|row| row.kind);
        assert_eq!(kind("bounce"), Some(Kind::Undeliverable));
        assert_eq!(kind("gone fishing"), Some(Kind::OptOut));
        assert_eq!(kind("withdrawn"), Some(Kind::OptOut));
        assert_eq!(kind("subscribed"), None);
        assert_eq!(kind("unsubscribed"), Some(Kind::OptOut));
    }

    #[test]
    fn a_column_narrows_nothing_that_no_setting_names() {
        let plain = read(None, &[]);
        for cells in [
            [("scope", "news"), ("id", "1")],
            [("scope", "all"), ("id", "1")],
            [("kind", "bounce"), ("until", "2020-01-01")],
            [("kind", "subscribed"), ("id", "1")],
        ] {
            assert_eq!(read(None, &cells), plain, "{cells:?}");
        }
        let bounce = read(Some(Kind::Undeliverable), &[("until", "2020-01-01")]).unwrap();
        assert_eq!(bounce.until, None);
        // Of a consent they take away.
        let consent = [("date", "2026-01-01"), ("scope", "news")];
        let row = read(Some(Kind::Consent), &consent).unwrap();
        assert_eq!(row.scope, Some(Scope::Named("news".to_owned())));
    }

    #[test]
    fn a_row_that_says_that_nobody_opted_out_is_no_answer() {
        let ask = |kind: Option<Kind>, cells: &[(&str, &str)]| {
            Statement::read(&spec(kind, Columns::default()), &found(cells), now())
        };
        for cells in [
            &[("email", "a@example.com"), ("optout", "false")][..],
            &[("email", "a@example.com"), ("Opted Out", "0")],
            &[("optout", "f")],
            &[("exists", "false")],
            &[("count", "0")],
            &[("max", "NULL")],
            &[("", "NULL")],
        ] {
            assert_eq!(ask(None, cells).unwrap_err(), NOT_OUT, "{cells:?}");
        }
        for cells in [
            &[("email", "a@example.com"), ("optout", "true")][..],
            &[("email", "a@example.com"), ("optout", "NULL")],
            &[("email", "a@example.com"), ("active", "0")],
            &[("exists", "t")],
            &[("unsub_time", "0")],
            &[("opted_out_at", "NULL")],
        ] {
            assert!(ask(None, cells).unwrap().is_some(), "{cells:?}");
        }
        let set = spec(None, Columns { kind: name("optout"), ..Columns::default() });
        let row = Statement::read(&set, &found(&[("optout", "no")]), now());
        assert_eq!(row, Ok(None), "the setting says what the column is");
        // That is what one expects of who agreed.
        let cells = [("date", "2026-01-01"), ("unsubscribed", "false")];
        assert!(ask(Some(Kind::Consent), &cells).unwrap().is_some());
    }

    #[test]
    fn no_consent_comes_of_what_is_not_understood() {
        let consent = Some(Kind::Consent);
        for cells in [
            &[][..],
            &[("agreed_on", "2026-01-01")],
            &[("date", "soon")],
            &[("date", "2026-03-03")],
            &[("date", "2026-01-01"), ("kind", "gone fishing")],
            &[("date", "2026-01-01"), ("kind", "no")],
        ] {
            assert_eq!(read(consent, cells), None, "{cells:?}");
        }
        let row = read(consent, &[("date", "2026-01-01")]).unwrap();
        assert_eq!((row.kind, row.stated.is_some()), (Kind::Consent, true));
        // An objection among the consents is one.
        let row = read(consent, &[("date", "soon"), ("kind", "unsubscribed")]).unwrap();
        assert_eq!(row.kind, Kind::OptOut);
    }

    #[test]
    fn only_bounces_end() {
        let cells = [("until", "2026-04-01")];
        let columns = || Columns { until: name("until"), ..Columns::default() };
        let read = |kind| Statement::read(&spec(kind, columns()), &found(&cells), now());
        assert_eq!(read(None).unwrap().unwrap().until, None);
        let row = read(Some(Kind::Undeliverable)).unwrap().unwrap();
        assert_eq!(row.until.unwrap().day().to_string(), "2026-04-01");
    }
}
