//! `report`: what was sent and refused, counted.

use std::fmt::Write as _;

use app::config::Settings;
use app::reports::{
    DeadlinesAsked, DeadlinesSummary, FindingsReport, LateMail, OptOutLine, PASS_MAX, ShadowReport,
    StreamsReport, TimeSpan, deadlines, findings, shadow, streams,
};
use serde_json::json;
use suppression::Day;

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::shown::{counted, shown};
use crate::table::columns;
use crate::words::{Report, ReportDeadlines, ReportSpan, ReportVerb};

pub(crate) fn run(words: &Report, out: &Out) -> anyhow::Result<Exit> {
    match &words.what {
        ReportVerb::Shadow(words) => run_shadow(words, out),
        ReportVerb::Streams(words) => run_streams(words, out),
        ReportVerb::Findings(words) => run_findings(words, out),
        ReportVerb::Deadlines(words) => run_deadlines(words, out),
    }
}

fn span(since: Option<Day>, until: Option<Day>) -> anyhow::Result<TimeSpan> {
    match (since, until) {
        (Some(first), Some(last)) if first > last => {
            let words = format!("--since {first} is later than --until {last}");
            Err(Ended::error(Exit::Usage, words))
        }
        _ => Ok(TimeSpan { since, until }),
    }
}

fn run_shadow(words: &ReportSpan, out: &Out) -> anyhow::Result<Exit> {
    let span = span(words.since, words.until)?;
    let settings = configuration::settings(&words.file, out)?;
    out.answer(&shadow(&settings, span)?, shadow_text)?;
    Ok(Exit::Ok)
}

fn shadow_text(report: &ShadowReport) -> String {
    let mut text = match report.listeners.as_slice() {
        [] => "No listener only watches now (action = \"shadow\").\n".to_owned(),
        some => format!("Only watching: {}\n", some.join(" ")),
    };
    if report.applications.is_empty() {
        text.push_str("The evidence holds no recipient of such a listener.\n");
        return text;
    }
    let recipients: u64 = report.applications.iter().map(|a| a.recipients).sum();
    let refused: u64 = report.applications.iter().map(|a| a.refused).sum();
    let recipients = counted(recipients, "recipient", "recipients");
    let _ = writeln!(text, "{refused} of {recipients} would have been refused.\n");
    let mut rows = vec![row([
        "application",
        "stream",
        "list",
        "would refuse",
        "sent all the same",
        "last",
        "ref",
    ])];
    for application in &report.applications {
        let total = format!("{} of {}", application.refused, application.recipients);
        rows.push(row([&application.application, "", "", &total, "", "", ""]));
        rows.extend(application.lists.iter().map(|line| {
            row([
                "",
                &line.stream,
                line.list.as_deref().unwrap_or("-"),
                &line.recipients.to_string(),
                &line.sent.to_string(),
                &line.last.day().to_string(),
                &line.reference,
            ])
        }));
    }
    text.push_str(&columns(&rows));
    text
}

fn run_streams(words: &ReportSpan, out: &Out) -> anyhow::Result<Exit> {
    let span = span(words.since, words.until)?;
    let settings = configuration::settings(&words.file, out)?;
    let report = streams(&settings, span)?;
    out.answer(&report, streams_text)?;
    let marked = report.applications.iter().any(|one| one.all_transactional);
    Ok(if marked { Exit::No } else { Exit::Ok })
}

fn streams_text(report: &StreamsReport) -> String {
    let mut text = String::new();
    if report.applications.is_empty() {
        text.push_str("The evidence holds no mail.\n");
    } else {
        let mut rows = vec![row([
            "application",
            "stream",
            "class",
            "messages",
            "recipients",
            "refused",
            "let through",
            "last",
        ])];
        for application in &report.applications {
            let mark = if application.all_transactional { "ALL TRANSACTIONAL" } else { "" };
            rows.push(row([&application.application, mark, "", "", "", "", "", ""]));
            rows.extend(application.streams.iter().map(|line| {
                row([
                    "",
                    &line.stream,
                    &line.class,
                    &line.messages.to_string(),
                    &line.recipients.to_string(),
                    &line.refused.to_string(),
                    &line.shadowed.to_string(),
                    &line.last.day().to_string(),
                ])
            }));
        }
        text.push_str(&columns(&rows));
    }
    if !report.unused.is_empty() {
        let _ = writeln!(text, "\nNo mail was on: {}", report.unused.join(", "));
    }
    text
}

fn run_findings(words: &ReportSpan, out: &Out) -> anyhow::Result<Exit> {
    let span = span(words.since, words.until)?;
    let settings = configuration::settings(&words.file, out)?;
    out.answer(&findings(&settings, span)?, findings_text)?;
    Ok(Exit::Ok)
}

fn findings_text(report: &FindingsReport) -> String {
    let mut text = String::new();
    if report.rows.is_empty() {
        text.push_str("The evidence holds no finding.\n");
    } else {
        let mut rows = vec![row(["gate", "verdict", "stream", "findings", "last", "ref", "found"])];
        rows.extend(report.rows.iter().map(|line| {
            row([
                &line.gate,
                &line.verdict,
                &line.stream,
                &line.findings.to_string(),
                &line.last.day().to_string(),
                &line.reference,
                &line.found,
            ])
        }));
        text.push_str(&columns(&rows));
    }
    if !report.silent.is_empty() {
        let _ = writeln!(text, "\nNothing was found by: {}", report.silent.join(", "));
    }
    text
}

fn run_deadlines(words: &ReportDeadlines, out: &Out) -> anyhow::Result<Exit> {
    let span = span(words.since, words.until)?;
    let settings = configuration::settings(&words.file, out)?;
    let mut shown = Shown { out, all: words.all, head: false };
    let mut broken = None;
    let asked = DeadlinesAsked { span, pass: PASS_MAX };
    let summary = deadlines(&settings, asked, &mut |line| {
        if broken.is_none() {
            broken = shown.line(line).err();
        }
        Ok(())
    })?;
    if let Some(error) = broken {
        return Err(error);
    }
    if out.is_json() {
        out.line(&json!({ "summary": summary }), |_| String::new())?;
    } else {
        out.print(&summary_text(&summary, &settings, shown.head))?;
    }
    Ok(if summary.mails_after > 0 { Exit::No } else { Exit::Ok })
}

struct Shown<'a> {
    out: &'a Out,
    all: bool,
    /// The heading is printed.
    head: bool,
}

impl Shown<'_> {
    fn line(&mut self, line: &OptOutLine) -> anyhow::Result<()> {
        if self.out.is_json() {
            return self.out.line(line, |_| String::new());
        }
        let missed = line.mails_after > 0 || (line.late && !line.withdrawn);
        if !self.all && !missed {
            return Ok(());
        }
        if !std::mem::replace(&mut self.head, true) {
            let head = [
                "entry",
                "asked",
                "deadline",
                "in force",
                "first refused",
                "within",
                "after",
                "list",
            ];
            self.out.print(&wide(head))?;
        }
        let day = |at: Option<suppression::Timestamp>| {
            at.map_or_else(|| "-".to_owned(), |at| at.day().to_string())
        };
        let mark = match (line.withdrawn, line.late) {
            (true, _) => " (taken back)",
            (false, true) => " LATE",
            (false, false) => "",
        };
        let mut text = wide([
            &line.entry.to_string(),
            &day(Some(line.asked)),
            &line.deadline.to_string(),
            &format!("{}{mark}", day(Some(line.in_force))),
            &day(line.first_refusal),
            &line.mails_within.to_string(),
            &line.mails_after.to_string(),
            &format!("{} ({})", line.list, line.scope),
        ]);
        if self.all {
            named(&mut text, "within the deadline", &line.within_deadline, line.mails_within);
        }
        named(&mut text, "after it", &line.after_deadline, line.mails_after);
        self.out.print(&text)
    }
}

/// The mails that are named, and how many are not.
fn named(text: &mut String, when: &str, mails: &[LateMail], count: u64) {
    for mail in mails {
        let recipient = shown(mail.recipient.as_deref().unwrap_or_default());
        let line = format!(
            "          {}  {}  {when}, by {} on {}: {}  {recipient}",
            mail.reference,
            mail.time,
            shown(&mail.application),
            shown(&mail.stream),
            mail.why
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let unnamed = count.saturating_sub(mails.len() as u64);
    if unnamed > 0 {
        let _ = writeln!(text, "          and {unnamed} more {when}");
    }
}

/// A line of fixed columns: there may be ten million of them.
fn wide(cells: [&str; 8]) -> String {
    let [entry, asked, deadline, in_force, refused, within, after, list] = cells;
    format!(
        "{entry:>8}  {asked:<10}  {deadline:<10}  {in_force:<23}  {refused:<13}  {within:>6}  {after:>5}  {list}\n"
    )
}

fn summary_text(summary: &DeadlinesSummary, settings: &Settings, shown: bool) -> String {
    let mut text = String::new();
    if shown {
        text.push('\n');
    }
    let days = match settings.enforcement.calendar {
        suppression::Calendar::Weekdays => "Monday to Friday",
        suppression::Calendar::UsFederal => "Monday to Friday without US federal holidays",
    };
    let row = |n: u64, one: &str, many: &str| {
        vec![n.to_string(), if n == 1 { one } else { many }.to_owned()]
    };
    let counted = |n: u64, what: &str| row(n, what, what);
    text.push_str(&columns(&[
        row(summary.opt_outs, "opt-out", "opt-outs"),
        counted(summary.withdrawn, "  of them taken back since"),
        counted(summary.refused, "  of them enforced at least once"),
        counted(summary.late, "  of them known to the gate only after their deadline"),
        counted(summary.mailed_after, "  of them with mail let through after their deadline"),
        row(
            summary.mails_after,
            "mail let through after a deadline",
            "mails let through after a deadline",
        ),
        row(
            summary.mails_within,
            "mail let through after a request, up to its deadline",
            "mails let through after a request, up to its deadline",
        ),
    ]));
    let _ = writeln!(text, "The deadline is the tenth business day after the request ({days}).");
    if !summary.evidence {
        text.push_str("There is no evidence file yet, so nothing is known of any mail.\n");
    }
    text
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(shown).to_vec()
}
