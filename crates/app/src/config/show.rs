//! `config show`: every effective value, and where it comes from.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::fault::line_and_column;
use super::file::{self, File};
use super::section::Origin;

/// Where a value comes from, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum ShownOrigin {
    /// The default of this program.
    Default,
    /// Worked out; told in words.
    Derived {
        /// From what.
        how: &'static str,
    },
    /// A line of the file.
    File {
        /// The file as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: &'static str,
    },
}

impl std::fmt::Display for ShownOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::Derived { how } => write!(f, "default: {how}"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment { variable } => write!(f, "environment: {variable}"),
        }
    }
}

/// One effective value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownValue {
    /// The section.
    pub section: &'static str,
    /// Which of several, from 0; none when there is only one.
    pub index: Option<usize>,
    /// The key.
    pub key: &'static str,
    /// The value in TOML; none when it is not set and has no default.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: ShownOrigin,
}

pub(crate) fn values(file: &File, text: &str, path: &Path) -> Vec<ShownValue> {
    let name = path.display().to_string();
    let shown = |origin: &Origin| match origin {
        Origin::Default => ShownOrigin::Default,
        Origin::Derived(how) => ShownOrigin::Derived { how },
        Origin::Environment(variable) => ShownOrigin::Environment { variable },
        Origin::File(span) => {
            ShownOrigin::File { file: name.clone(), line: line_and_column(text, span.start).0 }
        }
    };
    let mut out = Vec::new();
    for (section, index, many, rows) in file::rows(file) {
        out.extend(rows.iter().map(|row| ShownValue {
            section,
            index: many.then_some(index),
            key: row.key,
            value: row.value.clone(),
            origin: shown(&row.origin),
        }));
    }
    out
}

/// The values as a file that would mean the same, each with its origin behind it.
/// With `changed` only what is not the default.
pub fn show_toml(values: &[ShownValue], changed: bool) -> String {
    let mut out = String::new();
    let mut last = None;
    for value in values {
        let plain = matches!(value.origin, ShownOrigin::Default | ShownOrigin::Derived { .. });
        if changed && plain {
            continue;
        }
        if last != Some((value.section, value.index)) {
            let gap = if last.is_some() { "\n" } else { "" };
            let _ = match value.index {
                Some(_) => writeln!(out, "{gap}[[{}]]", value.section),
                None => writeln!(out, "{gap}[{}]", value.section),
            };
            last = Some((value.section, value.index));
        }
        let _ = match &value.value {
            Some(toml) => {
                writeln!(out, "{:<40} # {}", format!("{} = {toml}", value.key), value.origin)
            }
            None => writeln!(out, "# {} is not set", value.key),
        };
    }
    out
}
