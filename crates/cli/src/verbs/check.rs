//! `check`: every mistake of a configuration at once.

use app::config::Severity;

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
        });
        out.answer(&answer, |_| String::new())?;
    } else {
        let mistakes = report.count(Severity::Error) + report.count(Severity::Missing);
        let warnings = report.count(Severity::Warning);
        out.print(&report.render(out.colour()))?;
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

fn many(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
