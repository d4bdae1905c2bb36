//! `serve`: the gate.

use app::config::{Level, Severity};

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::ConfigOnly;

pub(crate) fn run(words: &ConfigOnly, out: &Out) -> anyhow::Result<Exit> {
    let loaded = configuration::read(&words.file)?;
    let report = &loaded.report;
    let Some(mut settings) = loaded.settings else {
        out.tell(&report.render(app::logs::colour()));
        return Err(Ended::error(Exit::Configuration, "the configuration has errors; not started"));
    };
    settings.log.level = match (out.verbose(), settings.log.level) {
        (0, level) => level,
        (1, _) => Level::Debug,
        (_, _) => Level::Trace,
    };
    app::logs::start(&settings.log);
    for fault in report.lines() {
        let line = fault.line.unwrap_or(0);
        let missing = fault.severity == Severity::Missing;
        tracing::warn!(file = fault.file, line, missing, "{}", fault.message);
    }
    app::daemon::serve(settings)?;
    Ok(Exit::Ok)
}
