//! What a row says that was found for an address.
//!
//! That there is a row is what counts: whoever asks a database about an address has said in the
//! query which rows mean that it is out. The columns only tell more, as in lists: since when, of
//! which kind and scope, until when. So a cell that cannot be understood takes nothing away from
//! an objection; but no consent comes of one, as a consent has to be proven.

use suppression::{Kind, Scope, Timestamp};

use crate::columns::{DATE_NAMES, plain};

use crate::recognise::{self as words, Word};
use crate::remote::Found;
use crate::spec::{Column, Columns, Format, Spec};
use crate::when::{self, When};

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
    /// Which setting names a column that the answer does not have.
    pub fn read(spec: &Spec, found: &Found, now: Timestamp) -> Result<Option<Self>, String> {
        let none = Columns::default();
        let columns = match &spec.format {
            Format::Table(columns) => columns,
            _ => &none,
        };
        let row = Row { found };
        let own = spec.kind.unwrap_or(Kind::OptOut);
        let kind = match words::kind(row.text(columns.kind.as_ref(), "kind_column", &["kind"])?) {
            Word::Kind(kind) if kind != Kind::Withdrawn => kind,
            // Without the setting it is a column that happens to be called so.
            Word::Not if columns.kind.is_some() => return Ok(None),
            Word::Odd | Word::Not if own == Kind::Consent => return Ok(None),
            _ => own,
        };
        let scope = words::scope(row.text(columns.scope.as_ref(), "scope_column", &["scope"])?);
        let time = row.time(columns.date.as_ref(), "date", &DATE_NAMES)?;
        let stated = time.filter(|time| *time <= now);
        if kind == Kind::Consent && stated.is_none() {
            return Ok(None);
        }
        let until = match kind {
            Kind::Undeliverable => row.time(columns.until.as_ref(), "until", &["until"])?,
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
    /// there and good for something.
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
        let cells = match column {
            Column::Number(number) => of(&|at, _| at + 1 == *number),
            Column::Name(wanted) => {
                let wanted = wanted.trim().to_lowercase();
                of(&|_, name| name.trim().to_lowercase() == wanted)
            }
        };
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
        names: &[&str],
    ) -> Result<&'a str, String> {
        let cells = self.columns(column, setting, names, |_| true)?;
        Ok(cells.into_iter().rev().find(|cell| !cell.trim().is_empty()).unwrap_or_default())
    }

    fn time(
        &self,
        column: Option<&Column>,
        setting: &str,
        names: &[&str],
    ) -> Result<Option<Timestamp>, String> {
        // `unsubscribed` may hold a time, or yes and no.
        let is_time = |cell: &str| matches!(when::read(cell), When::At(_));
        let cells = self.columns(column, setting, names, is_time)?;
        let read = |cell: &&str| match when::read(cell) {
            When::At(time) => Some(time),
            When::Absent | When::Odd => None,
        };
        Ok(cells.iter().rev().find_map(read))
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
        }
        let complaint = read(Some(Kind::Complaint), &[("status", "active")]).unwrap();
        assert_eq!(complaint.kind, Kind::Complaint);
    }

    #[test]
    fn the_usual_names_and_the_settings_tell_the_columns() {
        let cells =
            [("Created", "2025-01-01"), ("Opted_Out_At", "2026-01-02 03:04:05"), ("scope", "news")];
        let row = read(None, &cells).unwrap();
        assert_eq!(row.stated.unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(row.scope, Some(Scope::Named("news".to_owned())));
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
        let of = |word| read(None, &[("kind", word)]).map(|row| row.kind);
        assert_eq!(of("bounce"), Some(Kind::Undeliverable));
        assert_eq!(of("gone fishing"), Some(Kind::OptOut));
        assert_eq!(of("withdrawn"), Some(Kind::OptOut));
        assert_eq!(of("subscribed"), Some(Kind::OptOut), "nobody said that this is the kind");
        let set = spec(None, Columns { kind: name("status"), ..Columns::default() });
        let of = |word| Statement::read(&set, &found(&[("status", word)]), now()).unwrap();
        assert_eq!(of("subscribed"), None);
        assert_eq!(of("unsubscribed").unwrap().kind, Kind::OptOut);
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
        assert_eq!(read(None, &cells).unwrap().until, None);
        let row = read(Some(Kind::Undeliverable), &cells).unwrap();
        assert_eq!(row.until.unwrap().day().to_string(), "2026-04-01");
    }
}
