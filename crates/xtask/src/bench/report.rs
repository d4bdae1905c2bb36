//! The report: tables as plain text or Markdown.

use std::fmt::Write as _;

use super::aims::{Aim, aims};
use super::figures::{At, Figures};
use super::run::Sample;
use super::subject::Subject;
use super::workload::{Measures, WORKLOADS, Workload};

const SUBJECTS: [Subject; 5] =
    [Subject::Direct, Subject::Haproxy, Subject::Pump, Subject::Postfix, Subject::Optgate];

/// How tables are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    Markdown,
}

/// The whole report; `circumstances` says where and how it was measured.
pub(super) fn render(figures: &Figures, circumstances: &[String], style: Style) -> String {
    let mut out = String::new();
    for line in circumstances {
        let _ = writeln!(out, "{line}");
    }
    for workload in WORKLOADS {
        let title = format!("{} (`{}`)", workload.title, workload.name);
        table(&mut out, style, &title, header(figures, workload), rows(figures, workload));
    }
    let head = ["", "resident MiB", "PSS MiB", "start s", "idle session KiB", "sessions held"];
    table(&mut out, style, "Memory with the list, after a start", words(&head), memory(figures));
    if let Some((seconds, rss, peak)) = figures.import {
        let _ = writeln!(
            out,
            "\nFirst start of optgate, with the import of the list: in force after {seconds:.1} s, \
             resident {} MiB then, {} MiB at the most.",
            mib(rss as f64),
            mib(peak as f64)
        );
    }
    let trips = figures.round_trips.iter().map(|(s, trips)| vec![s.name().into(), f(*trips, 1)]);
    let head = ["", "round trips"];
    let title = "Round trips to the smarthost for a message with 50 recipients";
    table(&mut out, style, title, words(&head), trips.collect());
    aims_table(&mut out, figures, style);
    out
}

fn aims_table(out: &mut String, figures: &Figures, style: Style) {
    let (measured, missing): (Vec<Aim>, Vec<Aim>) =
        aims(figures).into_iter().partition(|aim| aim.figure.is_some());
    let rows = measured.iter().map(|aim| {
        let figure = aim.figure.map_or_else(String::new, |figure| f(figure, 2));
        let limit = format!("{} {}", f(aim.limit, 2), aim.unit);
        vec![aim.what.clone(), limit, figure, aim.verdict().into()]
    });
    table(out, style, "Aims", words(&["", "at most", "measured", ""]), rows.collect());
    if !missing.is_empty() {
        let _ = writeln!(out, "\nNot measured in this run: {} aims.", missing.len());
    }
}

/// The titles of the columns: the same ones for every layout.
fn header(figures: &Figures, workload: Workload) -> Vec<String> {
    let columns: &[&str] = match workload.measures {
        Measures::Cost => &["messages/s", "CPU µs", "of haproxy", "of postfix"],
        Measures::Latency => &["median µs", "added µs", "of haproxy"],
    };
    let mut head = vec![String::new()];
    for layout in &figures.layouts {
        for (index, &column) in columns.iter().enumerate() {
            let place = if index == 0 { format!("{}: ", layout.name()) } else { String::new() };
            head.push(place + column);
        }
    }
    if workload.measures == Measures::Cost {
        head.push("peak MiB".to_owned());
    }
    head
}

/// One row for every subject that was measured.
fn rows(figures: &Figures, workload: Workload) -> Vec<Vec<String>> {
    let rows = SUBJECTS.into_iter().filter_map(|subject| {
        let mut row = vec![subject.name().to_owned()];
        for &layout in &figures.layouts {
            let at = At(layout, workload.name);
            row.extend(match workload.measures {
                Measures::Cost => cost(figures, at, subject)?,
                Measures::Latency => latency(figures, at, subject, workload)?,
            });
        }
        if workload.measures == Measures::Cost {
            let at = At(*figures.layouts.first()?, workload.name);
            let peak = figures.median(at, subject, |s| s.peak_kib as f64)?;
            row.push(if peak > 0.0 { mib(peak) } else { String::new() });
        }
        Some(row)
    });
    rows.collect()
}

fn cost(figures: &Figures, at: At<'_>, subject: Subject) -> Option<Vec<String>> {
    let rate = figures.median(at, subject, |s| s.per_second)?;
    let cpu = figures.median(at, subject, |s| s.cpu_us)?;
    if subject == Subject::Direct {
        return Some(vec![f(rate, 0), String::new(), String::new(), String::new()]);
    }
    let of = |other| figures.cpu_ratio(at, subject, other).map_or_else(String::new, |r| f(r, 2));
    let digits = if cpu < 1000.0 { 1 } else { 0 };
    Some(vec![f(rate, 0), f(cpu, digits), of(Subject::Haproxy), of(Subject::Postfix)])
}

fn latency(
    figures: &Figures,
    at: At<'_>,
    subject: Subject,
    workload: Workload,
) -> Option<Vec<String>> {
    let whole = workload.per_connection == 1;
    let time = |s: &Sample| if whole { s.connection_us } else { s.message_us };
    let median = figures.median(at, subject, time)?;
    let added = figures.added(at, subject, time).filter(|_| subject != Subject::Direct);
    let of_haproxy = added.zip(figures.added(at, Subject::Haproxy, time));
    Some(vec![
        f(median, 0),
        added.map_or_else(String::new, |added| f(added, 0)),
        of_haproxy.map_or_else(String::new, |(ours, theirs)| f(ours / theirs, 2)),
    ])
}

fn memory(figures: &Figures) -> Vec<Vec<String>> {
    let rows = SUBJECTS.into_iter().filter_map(|subject| {
        let held = figures.idle_sessions.iter().find(|(s, _)| *s == subject)?.1;
        Some(vec![
            subject.name().into(),
            mib(figures.memory(subject, |s| s.rss_kib as f64)?),
            mib(figures.memory(subject, |s| s.pss_kib as f64)?),
            f(figures.memory(subject, |s| s.ready_after.as_secs_f64())?, 2),
            f(figures.memory(subject, |s| s.idle_kib)?, 1),
            held.to_string(),
        ])
    });
    rows.collect()
}

fn f(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

fn mib(kibibytes: f64) -> String {
    f(kibibytes / 1024.0, 1)
}

fn words(head: &[&str]) -> Vec<String> {
    head.iter().map(|&word| word.to_owned()).collect()
}

fn table(out: &mut String, style: Style, title: &str, head: Vec<String>, rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let width = |column: usize| {
        let cells = std::iter::once(&head).chain(&rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>, edge: &str, between: &str| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("{edge}{}{edge}", cells.collect::<Vec<_>>().join(between))
    };
    match style {
        Style::Text => {
            let _ = writeln!(out, "\n{}", title.replace('`', ""));
            for row in std::iter::once(&head).chain(&rows) {
                let _ = writeln!(out, "  {}", line(row, "", "  ").trim_end());
            }
        }
        Style::Markdown => {
            let _ = writeln!(out, "\n### {title}\n\n{}", line(&head, " | ", " | ").trim());
            let rules = widths.iter().enumerate().map(|(i, _)| if i == 0 { "---" } else { "---:" });
            let _ = writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "));
            for row in &rows {
                let _ = writeln!(out, "{}", line(row, " | ", " | ").trim());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_in_both_styles() {
        let rows =
            || vec![vec!["a".to_owned(), "1".to_owned()], vec!["bb".to_owned(), "22".to_owned()]];
        let (mut text, mut markdown) = (String::new(), String::new());
        table(&mut text, Style::Text, "T (`t`)", words(&["", "n"]), rows());
        table(&mut markdown, Style::Markdown, "T (`t`)", words(&["", "n"]), rows());
        assert_eq!(text, "\nT (t)\n       n\n  a    1\n  bb  22\n");
        assert_eq!(
            markdown,
            "\n### T (`t`)\n\n|    |  n |\n| --- | ---: |\n| a  |  1 |\n| bb | 22 |\n"
        );
    }

    #[test]
    fn nothing_measured_is_said_so() {
        let text = render(&Figures::default(), &[], Style::Text);
        assert!(text.contains("Not measured in this run") && !text.contains("MISSED"));
    }
}
