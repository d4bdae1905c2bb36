//! `serve`: the gate.

use app::config::{Level, Severity, Surroundings};
use app::daemon::{ConfigurationFile, Configured};

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::ConfigOnly;

pub(crate) fn run(words: &ConfigOnly, out: &Out) -> anyhow::Result<Exit> {
    let path = configuration::path(&words.file)?;
    let loaded = configuration::read(&words.file)?;
    let report = &loaded.report;
    let Some(mut settings) = loaded.settings else {
        out.tell(&report.render(app::logs::colour()));
        return Err(Ended::error(Exit::Configuration, "the configuration has errors; not started"));
    };
    let level = match out.verbose() {
        0 => None,
        1 => Some(Level::Debug),
        _ => Some(Level::Trace),
    };
    settings.log.level = level.unwrap_or(settings.log.level);
    app::logs::start(&settings.log);
    for fault in report.lines() {
        let line = fault.line.unwrap_or(0);
        let missing = fault.severity == Severity::Missing;
        tracing::warn!(file = fault.file, line, missing, "{}", fault.message);
    }
    let file = ConfigurationFile { path, around: Surroundings::of_this_process(), level };
    app::daemon::serve(Configured { settings, values: loaded.values, file })?;
    Ok(Exit::Ok)
}
