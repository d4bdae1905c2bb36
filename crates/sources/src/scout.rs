//! Which fields of an XML record are the address, the time and the reason, where the
//! configuration does not say: found by name and content in the first records, with the same
//! names and the same care as the columns of a CSV file.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::cell::looks_like_address;
use crate::columns::{DATE_NAMES, EMAIL_NAMES, REASON_NAMES, plain};
use crate::markup::{Element, Value, Visitor};
use crate::path::{FieldPath, RecordPath};
use crate::when::{self, When};

/// Records that are looked at.
const RECORDS: usize = 200;
/// Different fields that are remembered.
const FIELDS: usize = 1000;
const VALUE_KEPT: usize = 400;

/// What was seen of a field.
#[derive(Default)]
struct Seen {
    filled: usize,
    addresses: usize,
    times: usize,
}

/// Looks at the first records.
pub(crate) struct Scout<'a> {
    record: &'a RecordPath,
    /// Names of the open elements; those inside a record are the field's path.
    open: Vec<String>,
    text: String,
    records: usize,
    seen: BTreeMap<String, Seen>,
}

impl<'a> Scout<'a> {
    pub(crate) fn new(record: &'a RecordPath) -> Self {
        Self { record, open: Vec::new(), text: String::new(), records: 0, seen: BTreeMap::new() }
    }

    /// Path of the innermost open element within its record.
    fn path(&self) -> Option<String> {
        let (record, inside) = self.open.split_at_checked(self.record.steps.len())?;
        let fits = self.record.steps.iter().zip(record).all(|(step, name)| step.name.fits(name));
        fits.then(|| if inside.is_empty() { ".".to_owned() } else { inside.join("/") })
    }

    fn note(&mut self, path: String, value: &str) {
        let value = value.trim();
        if value.is_empty() || (self.seen.len() >= FIELDS && !self.seen.contains_key(&path)) {
            return;
        }
        let seen = self.seen.entry(path).or_default();
        seen.filled += 1;
        seen.addresses += usize::from(looks_like_address(value));
        seen.times += usize::from(!matches!(when::read(value), When::Odd));
    }

    /// The fields with the address: one path, or what is wrong.
    pub(crate) fn email(&self) -> Result<Vec<FieldPath>, String> {
        let with_addresses: Vec<_> = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.addresses * 2 >= seen.filled)
            .map(|(path, _)| path.as_str())
            .collect();
        let named: Vec<_> = with_addresses
            .iter()
            .filter(|path| EMAIL_NAMES.contains(&last_name(path).as_str()))
            .copied()
            .collect();
        let candidates = if named.is_empty() { with_addresses } else { named };
        match candidates.as_slice() {
            [] if self.records == 0 => Ok(Vec::new()),
            [path] => Ok(path.parse().into_iter().collect()),
            [] => {
                let known: Vec<_> = self.seen.keys().take(20).map(String::as_str).collect();
                Err(format!(
                    "no field with e-mail addresses was found in {}; set `email` to one of: {}",
                    self.record,
                    known.join(", ")
                ))
            }
            [one, other, ..] => Err(format!(
                "{one} and {other} could both hold the address; set `email` to the right one"
            )),
        }
    }

    /// The field with the time, if any.
    pub(crate) fn date(&self) -> Vec<FieldPath> {
        self.by_name(&DATE_NAMES, |seen| seen.times * 2 >= seen.filled)
    }

    /// The field with the reason, if any.
    pub(crate) fn reason(&self) -> Vec<FieldPath> {
        self.by_name(&REASON_NAMES, |_| true)
    }

    fn by_name(&self, names: &[&str], fits: impl Fn(&Seen) -> bool) -> Vec<FieldPath> {
        names
            .iter()
            .find_map(|name| {
                let named = |path: &&String| last_name(path) == *name;
                let (path, _) = self.seen.iter().find(|(path, seen)| named(path) && fits(seen))?;
                path.parse().ok()
            })
            .into_iter()
            .collect()
    }
}

/// The last name of a path, without its prefix, as columns are compared.
fn last_name(path: &str) -> String {
    plain(path.rsplit(['/', '@', ':']).next().unwrap_or_default())
}

impl Visitor for Scout<'_> {
    fn start(&mut self, element: &Element<'_>, _line: u64) -> Result<(), String> {
        self.open.push(element.name().to_owned());
        self.text.clear();
        let Some(path) = self.path() else { return Ok(()) };
        self.records += usize::from(path == ".");
        let prefix = if path == "." { String::new() } else { format!("{path}/") };
        let mut values = Vec::new();
        element.attributes(|name, value| {
            if let Value::Text(value) = value() {
                values.push((format!("{prefix}@{name}"), value));
            }
            if values.len() < FIELDS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        values.into_iter().for_each(|(path, value)| self.note(path, &value));
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.text.len() < VALUE_KEPT {
            self.text.push_str(text);
        }
    }

    fn unknown_entity(&mut self, _name: &str) {}

    fn end(&mut self) -> ControlFlow<()> {
        let path = self.path();
        let text = std::mem::take(&mut self.text);
        if let Some(path) = path {
            self.note(path, &text);
        }
        let ended_record = self.open.len() == self.record.steps.len();
        self.open.pop();
        match ended_record && self.records >= RECORDS {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
