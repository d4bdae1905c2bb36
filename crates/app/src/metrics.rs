//! The figures of a gate in the text format of Prometheus, for its textfile collector.
//!
//! One family after another, each with its HELP and TYPE, as the format demands; names end in
//! their unit, and what only grows in `_total`.

use std::fmt::Write as _;

use suppression::Timestamp;

use crate::clerk::{SourceLine, StatusAnswer};
use crate::live::LiveLine;

/// The text, of the state at `now`.
pub fn prometheus(status: &StatusAnswer) -> String {
    let mut text = Text(String::new());
    text.one("optgate_up", "gauge", "Whether the gate is running.", is(status.pid.is_some()));
    text.family("optgate_build_info", "gauge", "The version of the program.");
    text.sample("optgate_build_info", Some(("version", &status.version)), 1.0);
    if let Some(since) = status.since {
        let help = "When the gate began, as Unix time.";
        text.one("optgate_start_time_seconds", "gauge", help, seconds(since));
    }
    let help = "Facts about addresses in memory.";
    text.one("optgate_index_entries", "gauge", help, number(status.entries));
    let help = "Memory of the index.";
    text.one("optgate_index_bytes", "gauge", help, number(status.index_bytes));
    let help = "Rows of the ledger that the index goes by.";
    text.one("optgate_ledger_rows", "gauge", help, number(status.position));
    smarthosts(&mut text, &status.gate);
    milters(&mut text, &status.gate);
    if let Some(line) = &status.configuration {
        let help = "When the configuration in force was read, as Unix time.";
        text.one("optgate_configuration_loaded_seconds", "gauge", help, seconds(line.loaded));
        let help = "Whether the last reload was refused.";
        let failed = is(line.last_failure.is_some());
        text.one("optgate_configuration_refused", "gauge", help, failed);
        let help = "Reloads that came into force.";
        text.one("optgate_reloads_total", "counter", help, number(line.reloads));
        let help = "Reloads that were refused.";
        text.one("optgate_reload_failures_total", "counter", help, number(line.failures));
    }
    unknown(&mut text, status);
    sources(&mut text, &status.sources);
    live(&mut text, &status.live);
    counters(&mut text, &status.gate);
    text.0
}

/// Of each smarthost.
fn smarthosts(text: &mut Text, gate: &serde_json::Value) {
    type Figure = fn(&serde_json::Value) -> Option<f64>;
    let families: [(&str, &str, Figure); 4] = [
        ("up", "Whether the last connection or message to the smarthost went well.", |host| {
            let state = host.get("state")?.as_str()?;
            (state != "untried").then(|| is(state == "up"))
        }),
        ("left_alone", "Whether it failed several times in a row and is not tried now.", |host| {
            Some(is(host.get("left_alone_seconds").is_some_and(|seconds| !seconds.is_null())))
        }),
        ("connections", "Connections to the smarthost, in use and idle.", |host| {
            host.get("connections")?.as_f64()
        }),
        ("connections_idle", "Connections that wait for the next message.", |host| {
            host.get("idle")?.as_f64()
        }),
    ];
    let all = gate.get("smarthosts").and_then(serde_json::Value::as_array);
    for (name, help, figure) in families {
        let name = format!("optgate_smarthost_{name}");
        let samples: Vec<_> = all
            .into_iter()
            .flatten()
            .filter_map(|host| Some((host.get("name")?.as_str()?, figure(host)?)))
            .collect();
        if !samples.is_empty() {
            text.family(&name, "gauge", help);
        }
        for (host, value) in samples {
            text.sample(&name, Some(("smarthost", host)), value);
        }
    }
}

/// Of each milter.
fn milters(text: &mut Text, gate: &serde_json::Value) {
    let empty = Vec::new();
    let all = gate.get("milters").and_then(serde_json::Value::as_array).unwrap_or(&empty);
    let name = |milter: &'_ serde_json::Value| Some(milter.get("name")?.as_str()?.to_owned());
    let known = all.iter().filter_map(|milter| {
        let state = milter.get("state")?.as_str().filter(|state| *state != "untried")?;
        Some((name(milter)?, is(state == "up")))
    });
    let help = "Whether the last message the milter was asked about went well.";
    text.of_milters("optgate_milter_up", "gauge", help, known);
    for (key, help) in [
        ("connections", "Connections made to the milter since the start."),
        ("asked", "Messages the milter was asked about since the start."),
        ("refused", "Recipients and messages that it refused, deferred or discarded."),
        ("changed", "Messages that it changed since the start."),
        ("failures", "Times that it failed since the start."),
    ] {
        let figures =
            all.iter().filter_map(|milter| Some((name(milter)?, milter.get(key)?.as_f64()?)));
        text.of_milters(&format!("optgate_milter_{key}_total"), "counter", help, figures);
    }
}

/// Of lists that are read into the ledger.
fn sources(text: &mut Text, sources: &[SourceLine]) {
    type Figure = fn(&SourceLine) -> Option<f64>;
    let families: [(&str, &str, Figure); 6] = [
        ("failed", "Whether the last try to read the list was in vain.", |line| {
            Some(is(line.last_error.is_some()))
        }),
        ("age_seconds", "How old the list is, by its own date or its last good reading.", |line| {
            line.age.map(number)
        }),
        ("max_age_seconds", "The age at which the list counts as unknown.", |line| {
            line.max_age.map(number)
        }),
        ("rows", "Usable rows of the last good reading.", |line| line.rows.map(number)),
        (
            "last_success_timestamp_seconds",
            "When the list was last read well, as Unix time.",
            |line| line.last_success.map(seconds),
        ),
        ("last_attempt_timestamp_seconds", "When the list was last tried, as Unix time.", |line| {
            line.last_attempt.map(seconds)
        }),
    ];
    for (name, help, figure) in families {
        let figures = sources.iter().filter_map(|line| Some((line.name.as_str(), figure(line)?)));
        text.of_sources(&format!("optgate_source_{name}"), "gauge", help, figures);
    }
}

/// Of every list, however it is used.
fn unknown(text: &mut Text, status: &StatusAnswer) {
    let kept = status.sources.iter().map(|line| (line.name.as_str(), line.unknown.is_some()));
    let live = status.live.iter().map(|line| (line.name.as_str(), line.unknown().is_some()));
    let help = "Whether recipients are deferred because the list is not known.";
    let all = kept.chain(live).map(|(name, unknown)| (name, is(unknown)));
    text.of_sources("optgate_source_unknown", "gauge", help, all);
}

/// Of lists that are asked for each recipient.
fn live(text: &mut Text, lists: &[LiveLine]) {
    type Figure = fn(&LiveLine) -> u64;
    let families: [(&str, &str, Figure); 3] = [
        ("asked", "Recipients the list was to be asked about since the start.", |line| line.asked),
        ("found", "Recipients of them who were found on it.", |line| line.found),
        ("unanswered", "Recipients of them about whom it gave no answer.", |line| line.failed),
    ];
    for (name, help, figure) in families {
        let figures = lists.iter().map(|line| (line.name.as_str(), number(figure(line))));
        text.of_sources(&format!("optgate_source_{name}_total"), "counter", help, figures);
    }
}

/// What the gate counts, by the names it counts under.
fn counters(text: &mut Text, gate: &serde_json::Value) {
    let Some(counters) = gate.get("counters").and_then(serde_json::Value::as_object) else {
        return;
    };
    for (name, value) in counters {
        let Some(value) = value.as_u64() else { continue };
        let words = name.replace('_', " ");
        match name.strip_suffix("_open") {
            Some(_) => {
                let help = format!("How many {words} now.");
                text.one(&format!("optgate_{name}"), "gauge", &help, number(value));
            }
            None => {
                let help = format!("How many {words} since the start.");
                text.one(&format!("optgate_{name}_total"), "counter", &help, number(value));
            }
        }
    }
}

struct Text(String);

impl Text {
    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, None, value);
    }

    fn of_sources<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        figures: impl Iterator<Item = (&'a str, f64)>,
    ) {
        for (n, (source, value)) in figures.enumerate() {
            if n == 0 {
                self.family(name, kind, help);
            }
            self.sample(name, Some(("source", source)), value);
        }
    }

    fn of_milters(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        figures: impl Iterator<Item = (String, f64)>,
    ) {
        for (n, (milter, value)) in figures.enumerate() {
            if n == 0 {
                self.family(name, kind, help);
            }
            self.sample(name, Some(("milter", &milter)), value);
        }
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing into a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: f64) {
        let _ = match label {
            Some((label, text)) => {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                writeln!(self.0, "{name}{{{label}=\"{text}\"}} {value}")
            }
            None => writeln!(self.0, "{name} {value}"),
        };
    }
}

fn is(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "figures of Prometheus are 64-bit floats")]
fn number(n: u64) -> f64 {
    n as f64
}

fn seconds(at: Timestamp) -> f64 {
    number(u64::try_from(at.micros()).unwrap_or(0)) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> StatusAnswer {
        let line = |name: &str| SourceLine {
            name: name.to_owned(),
            file: "/srv/lists/x.csv".to_owned(),
            state: "ok".to_owned(),
            unknown: None,
            rows: Some(20),
            last_success: Some("2026-03-01T00:00:00.5Z".parse().unwrap()),
            last_attempt: None,
            last_error: None,
            age: Some(86_400),
            max_age: None,
        };
        let crm = SourceLine {
            unknown: Some("it is of 2026-02-01".to_owned()),
            last_error: Some("it is gone".to_owned()),
            max_age: Some(604_800),
            ..line("crm")
        };
        let never = SourceLine { rows: None, last_success: None, age: None, ..line("a\"b\\c") };
        let live = LiveLine {
            name: "live".to_owned(),
            breaker: "closed".to_owned(),
            idle: 1,
            busy: 0,
            asked: 9,
            remembered: 0,
            found: 4,
            failed: 2,
            questions: 8,
            last_error: None,
            failing: false,
        };
        StatusAnswer {
            configuration: None,
            version: "1.2.3".to_owned(),
            pid: Some(7),
            since: Some("2026-03-01".parse().unwrap()),
            listeners: Vec::new(),
            smarthost: "127.0.0.1:25".to_owned(),
            ledger: "optgate.db".to_owned(),
            entries: 5,
            position: 6,
            epoch: 7,
            index_bytes: 8,
            sources: vec![crm, never],
            live: vec![live],
            unknown: std::collections::BTreeMap::new(),
            gate: serde_json::json!({
                "smarthost": "up",
                "smarthosts": [
                    { "name": "main", "state": "down", "left_alone_seconds": 4, "connections": 0, "idle": 0 },
                    { "name": "reserve", "state": "up", "left_alone_seconds": null, "connections": 3, "idle": 2 },
                    { "name": "new", "state": "untried", "connections": 0, "idle": 0 },
                ],
                "milters": [
                    { "name": "rspamd", "state": "down", "connections": 4, "asked": 9, "refused": 1, "changed": 2, "failures": 3 },
                    { "name": "new", "state": "untried", "connections": 0, "asked": 0, "refused": 0, "changed": 0, "failures": 0 },
                ],
                "counters": { "sessions": 3, "sessions_open": 1, "recipients_refused": 12_345_678_901u64 },
            }),
        }
    }

    #[test]
    fn the_figures_are_there_under_the_names_of_the_field() {
        let text = prometheus(&status());
        for line in [
            "optgate_up 1",
            "optgate_build_info{version=\"1.2.3\"} 1",
            "optgate_start_time_seconds 1772323200",
            "optgate_smarthost_up{smarthost=\"main\"} 0",
            "optgate_smarthost_up{smarthost=\"reserve\"} 1",
            "optgate_smarthost_left_alone{smarthost=\"main\"} 1",
            "optgate_smarthost_left_alone{smarthost=\"reserve\"} 0",
            "optgate_milter_up{milter=\"rspamd\"} 0",
            "optgate_milter_failures_total{milter=\"rspamd\"} 3",
            "optgate_milter_asked_total{milter=\"new\"} 0",
            "optgate_smarthost_connections{smarthost=\"reserve\"} 3",
            "optgate_smarthost_connections_idle{smarthost=\"reserve\"} 2",
            "optgate_source_age_seconds{source=\"crm\"} 86400",
            "optgate_source_max_age_seconds{source=\"crm\"} 604800",
            "optgate_source_rows{source=\"crm\"} 20",
            "optgate_source_unknown{source=\"crm\"} 1",
            "optgate_source_failed{source=\"crm\"} 1",
            "optgate_source_unknown{source=\"a\\\"b\\\\c\"} 0",
            "optgate_source_last_success_timestamp_seconds{source=\"crm\"} 1772323200.5",
            "optgate_source_unknown{source=\"live\"} 0",
            "optgate_source_asked_total{source=\"live\"} 9",
            "optgate_source_found_total{source=\"live\"} 4",
            "optgate_source_unanswered_total{source=\"live\"} 2",
            "optgate_sessions_total 3",
            "optgate_sessions_open 1",
            "optgate_recipients_refused_total 12345678901",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("age_seconds{source=\"a"), "{text}");
        assert!(!text.contains("failed{source=\"live"), "{text}");
        assert!(!text.contains("milter_up{milter=\"new"), "{text}");
    }

    /// The rules of the exposition format, version 0.0.4, that a parser would stop at.
    #[test]
    fn each_family_is_declared_once_and_before_its_samples() {
        let text = prometheus(&status());
        assert!(text.ends_with('\n'));
        let (mut declared, mut last): (Vec<String>, String) = (Vec::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(!declared.iter().any(|known| known == name), "{line}");
                assert!(help.ends_with('.'), "{line}");
                declared.push(name.to_owned());
                last = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, last);
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(matches!(kind, "counter" | "gauge"), "{line}");
            } else {
                let name = line.split(['{', ' ']).next().unwrap();
                assert_eq!(name, last, "{line}");
                let legal = |c: char| c.is_ascii_lowercase() || c == '_';
                assert!(name.chars().all(legal), "{line}");
                line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
            }
        }
    }
}
