//! `check`: every mistake of a configuration at once.

use std::collections::BTreeMap;

use app::config::{Loaded, Severity};

use crate::configuration;
use crate::exit::Exit;
use crate::out::Out;
use crate::words::ConfigOnly;

pub(crate) fn run(words: &ConfigOnly, out: &Out) -> anyhow::Result<Exit> {
    let path = configuration::path(&words.file)?;
    let loaded = configuration::read(&words.file)?;
    let report = &loaded.report;
    let clean = report.is_clean();
    if out.is_json() {
        let answer = serde_json::json!({
            "file": path.display().to_string(),
            "ok": clean,
            "faults": report.lines(),
            "greetings": greetings(&loaded),
        });
        out.answer(&answer, |_| String::new())?;
    } else {
        let mistakes = report.count(Severity::Error) + report.count(Severity::Missing);
        let warnings = report.count(Severity::Warning);
        out.print(&report.render(out.colour()))?;
        out.print(&super::show::greetings(&loaded, ""))?;
        let verdict = match (mistakes, warnings) {
            (0, 0) => "ok".to_owned(),
            (0, w) => format!("ok, {}", many(w, "warning")),
            (m, 0) => many(m, "mistake"),
            (m, w) => format!("{}, {}", many(m, "mistake"), many(w, "warning")),
        };
        out.print(&format!("{}: {verdict}\n", path.display()))?;
    }
    Ok(if clean { Exit::Ok } else { Exit::Configuration })
}

/// What clients are greeted with, by the address they come to.
fn greetings(loaded: &Loaded) -> BTreeMap<String, String> {
    let listeners = loaded.settings.iter().flat_map(|settings| &settings.listeners);
    listeners.map(|one| (one.address.to_string(), one.greeting.text.clone())).collect()
}

fn many(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
