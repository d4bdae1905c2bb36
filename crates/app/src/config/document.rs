//! Sections in a TOML document: how often each stands there, and where.

use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::section::{Reader, Section, as_table};

fn section_of<S: Section>(
    table: Option<&DeTable<'_>>,
    header: Option<std::ops::Range<usize>>,
    text: &str,
    faults: &mut Vec<Fault>,
) -> S {
    let mut reader = Reader { name: S::NAME, table, text, faults, header, known: Vec::new() };
    let section = S::read(&mut reader);
    reader.finish();
    section
}

/// A section that is not there: its defaults, and what it lacks.
pub(crate) fn empty<S: Section>(text: &str, faults: &mut Vec<Fault>) -> S {
    section_of(None, None, text, faults)
}

/// A section that there is once at most.
pub(crate) fn one<S: Section>(root: &DeTable<'_>, text: &str, faults: &mut Vec<Fault>) -> S {
    let Some((key, value)) = root.get_key_value(S::NAME) else { return empty(text, faults) };
    if let DeValue::Array(items) = value.get_ref() {
        let span = items.get(1).map_or(value.span(), toml::Spanned::span);
        faults.push(
            Fault::at(span, format!("there is only one [{}]", S::NAME))
                .help(format!("single brackets, once: [{}]", S::NAME)),
        );
        return quiet(text);
    }
    match as_table(value.get_ref(), key.span(), S::NAME, faults) {
        Some(table) => section_of(Some(table), Some(header_of(text, key.span())), text, faults),
        None => quiet(text),
    }
}

/// A section that people write once, with single brackets, and may write several times.
pub(crate) fn one_or_many<S: Section>(
    root: &DeTable<'_>,
    text: &str,
    faults: &mut Vec<Fault>,
) -> Vec<S> {
    match root.get_key_value(S::NAME).map(|(_, value)| value.get_ref()) {
        Some(DeValue::Array(items)) if !items.is_empty() => many(root, text, faults),
        Some(DeValue::Array(_)) => vec![empty(text, faults)],
        _ => vec![one(root, text, faults)],
    }
}

/// A section that there may be several times.
pub(crate) fn many<S: Section>(root: &DeTable<'_>, text: &str, faults: &mut Vec<Fault>) -> Vec<S> {
    let Some((key, value)) = root.get_key_value(S::NAME) else { return Vec::new() };
    match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| {
                let span = header_of(text, item.span());
                match as_table(item.get_ref(), item.span(), S::NAME, faults) {
                    Some(table) => section_of(Some(table), Some(span), text, faults),
                    None => quiet(text),
                }
            })
            .collect(),
        DeValue::Table(table) => {
            let span = header_of(text, key.span());
            faults.push(
                Fault::at(span.clone(), format!("there may be several of [{}]", S::NAME))
                    .help(format!("double brackets: [[{}]]", S::NAME)),
            );
            vec![section_of(Some(table), Some(span), text, faults)]
        }
        _ => {
            as_table(value.get_ref(), key.span(), S::NAME, faults);
            Vec::new()
        }
    }
}

/// A section of which the fault is told already.
fn quiet<S: Section>(text: &str) -> S {
    empty(text, &mut Vec::new())
}

/// The line of the heading, without what follows.
fn header_of(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text.get(..span.start).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
    let line = text.get(start..).and_then(|t| t.lines().next()).unwrap_or_default();
    let line = line.split('#').next().unwrap_or_default();
    let lead = line.len() - line.trim_start().len();
    let end = start + line.trim_end().len();
    if end > start + lead { start + lead..end } else { span }
}
