//! Logs: to standard error, as text or as JSON lines.
//!
//! Nothing logged holds an address of a person unless `[log] personal` says so:
//! `daemon::recorder`, where records become log lines, leaves recipients out, and a
//! client's address is written through `observe::Redacted`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::SystemTime;

use crate::config::{Level, LogFormat, LogSettings};

/// Starts logging. Later calls change nothing.
pub fn start(settings: &LogSettings) {
    observe::show_personal_data(settings.personal);
    let filter = EnvFilter::new(settings.level.as_str());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(SystemTime)
        .with_target(settings.level == Level::Trace)
        .with_writer(std::io::stderr);
    // An error means that logging was started before, by a test or the demo.
    let _ = match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(colour()).try_init(),
    };
}

/// Whether standard error likes colours: a terminal, and nobody said no
/// (<https://no-color.org>).
pub fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
