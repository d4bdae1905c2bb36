//! What is looked at to recognise a list.

use crate::columns::{Sample, plain};

/// A list before anything of it is read: its names and its first rows.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    /// Name of the file, or of the member of an archive: the last part of its path.
    file: String,
    /// What holds the records: the path of them in XML or JSON; empty elsewhere.
    pub(crate) within: String,
    /// Names of the columns, without case, spaces and punctuation; none without a header.
    pub(crate) names: Vec<String>,
    pub(crate) sample: &'a Sample,
}

impl<'a> Look<'a> {
    pub(crate) fn new(file: &str, within: &str, sample: &'a Sample) -> Self {
        let file = file.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
        let names = sample.header.iter().flatten().map(|name| plain(name)).collect();
        Self { file, within: within.to_lowercase(), names, sample }
    }

    /// The name of the file, in lower case.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|column| column == name)
    }

    /// Whether all of these columns are there.
    pub(crate) fn has_all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.has(name))
    }

    /// Whether these columns are there and no others.
    pub(crate) fn is(&self, names: &[&str]) -> bool {
        self.has_all(names) && self.has_only(names)
    }

    /// Whether there are columns, and none but these.
    pub(crate) fn has_only(&self, names: &[&str]) -> bool {
        !self.names.is_empty() && self.names.iter().all(|column| names.contains(&column.as_str()))
    }

    /// The cells of a column that are not blank, by its name.
    pub(crate) fn cells(&self, name: &str) -> impl Iterator<Item = &str> {
        let at = self.names.iter().position(|column| column == name);
        let cells = at.into_iter().flat_map(|at| self.sample.rows.iter().map(move |r| r.get(at)));
        cells.flatten().map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    }

    /// Without a header: the first rows.
    pub(crate) fn unnamed(&self) -> Option<&[Vec<String>]> {
        self.sample.header.is_none().then_some(self.sample.rows.as_slice())
    }
}
