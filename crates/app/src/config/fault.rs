//! What is wrong with a configuration file: every fault at once, each with the
//! place, the value and what would be right.
//!
//! A fault is born where it is found, with a byte range of the file's text; only
//! [`Report`] knows lines and columns, so that no other file counts them.
//! The drawing is the compiler's (`annotate-snippets`), because everybody who
//! meets this program has seen one.

use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Origin as Place, Renderer, Snippet};
use serde::Serialize;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The gate cannot run with this file.
    Error,
    /// The file may be right, but something it names is not there now. `check`
    /// fails; `serve` starts all the same, because the list comes back and an
    /// opt-out that is already in the ledger must stay in force until then.
    Missing,
    /// It works, and is probably not meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    severity: Severity,
    message: String,
    span: Option<Range<usize>>,
    label: Option<String>,
    related: Option<(Range<usize>, String)>,
    help: Vec<String>,
    secret: Option<Range<usize>>,
}

impl Fault {
    /// An error at a place of the file.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), ..Self::nowhere(message) }
    }

    /// An error that has no place, as a section that is not there.
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span: None,
            label: None,
            related: None,
            help: Vec::new(),
            secret: None,
        }
    }

    /// An error at a place of the file, if it has one.
    pub fn maybe_at(span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        Self { span, ..Self::nowhere(message) }
    }

    /// The words under the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// A line that says what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// A second place that belongs to the fault, as the first of two names.
    #[must_use]
    pub fn related(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }

    /// A place of the file that is not to be shown, by this fault or another one.
    #[must_use]
    pub fn secret(mut self, span: Range<usize>) -> Self {
        self.secret = Some(span);
        self
    }

    /// The same fault, of another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// All faults of one file, in the order of the file.
#[derive(Clone, Debug)]
pub struct Report {
    path: PathBuf,
    text: String,
    faults: Vec<Fault>,
}

/// One fault as a program reads it (`-o json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultLine {
    /// How bad it is.
    pub severity: Severity,
    /// The file as it was named.
    pub file: String,
    /// Line, from 1; none when the fault has no place.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// The text of the file at this place.
    pub value: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What would be right, one line each.
    pub help: Vec<String>,
}

impl Report {
    pub(crate) fn new(path: &Path, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|f| f.span.as_ref().map_or((usize::MAX, 0), |s| (s.start, s.end)));
        faults.dedup();
        let mut text = text.to_owned();
        for span in faults.iter().filter_map(|fault| fault.secret.clone()) {
            // As many bytes as before, so that all places stay where they are.
            if text.get(span.clone()).is_some() {
                let stars = "*".repeat(span.len());
                text.replace_range(span, &stars);
            }
        }
        Self { path: path.to_path_buf(), text, faults }
    }

    /// Whether the gate must not start: there is an error in the file itself.
    pub fn is_fatal(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Whether nothing was found that `check` would fail for.
    pub fn is_clean(&self) -> bool {
        !self.is_fatal() && self.count(Severity::Missing) == 0
    }

    /// How many faults of one severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.faults.iter().filter(|f| f.severity == severity).count()
    }

    /// The faults as plain values.
    pub fn lines(&self) -> Vec<FaultLine> {
        self.faults.iter().map(|f| self.line(f)).collect()
    }

    /// The faults drawn for a person, with colours if `colour`.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for fault in &self.faults {
            let path = self.path.display().to_string();
            let level = match fault.severity {
                Severity::Error | Severity::Missing => Level::ERROR,
                Severity::Warning => Level::WARNING,
            };
            let title = level.primary_title(fault.message.as_str());
            let mut group = match &fault.span {
                Some(span) => {
                    let mut mark = AnnotationKind::Primary.span(self.clamp(span));
                    if let Some(label) = &fault.label {
                        mark = mark.label(label.as_str());
                    }
                    let mut snippet =
                        Snippet::source(self.text.as_str()).path(path).annotation(mark);
                    if let Some((span, label)) = &fault.related {
                        snippet = snippet.annotation(
                            AnnotationKind::Context.span(self.clamp(span)).label(label.as_str()),
                        );
                    }
                    title.element(snippet)
                }
                None => title.element(Place::path(path)),
            };
            for help in &fault.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            out.push_str(&renderer.render(&[group]));
            out.push_str("\n\n");
        }
        out
    }

    fn line(&self, fault: &Fault) -> FaultLine {
        let span = fault.span.as_ref().map(|s| self.clamp(s));
        let place = span.as_ref().map(|s| line_and_column(&self.text, s.start));
        FaultLine {
            severity: fault.severity,
            file: self.path.display().to_string(),
            line: place.map(|p| p.0),
            column: place.map(|p| p.1),
            value: span.and_then(|s| self.text.get(s)).map(str::to_owned),
            message: fault.message.clone(),
            help: fault.help.clone(),
        }
    }

    /// A span inside the text and on character borders, whatever was given.
    fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let border = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = border(span.start);
        start..border(span.end).max(start)
    }
}

/// Line and column (in characters), both from 1, of a byte of `text`.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let column = before.get(start..).map_or(0, |s| s.chars().count()) + 1;
    (line, column)
}
