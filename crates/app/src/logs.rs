//! Logs: to standard error, as text or as JSON lines.
//!
//! Nothing logged holds an address of a person unless `[log] personal` says so:
//! `daemon::recorder`, where records become log lines, leaves recipients out, and a
//! client's address is written through `observe::Redacted`.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::{Level, LogFormat, LogSettings};

/// By which the level is changed.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging. Later calls change nothing.
pub fn start(settings: &LogSettings) {
    observe::show_personal_data(settings.personal);
    let (filter, handle) = reload::Layer::new(filter(settings.level));
    let lines = fmt::layer()
        .with_timer(SystemTime)
        .with_target(settings.level == Level::Trace)
        .with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match settings.format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(lines.with_ansi(colour())).try_init(),
    };
    // An error means that logging was started before, by a test or the demo.
    if started.is_ok() {
        let _ = LEVEL.set(handle);
    }
}

/// From now on logs at this level, and shows people's addresses or not. The format stays.
pub fn change(settings: &LogSettings) {
    observe::show_personal_data(settings.personal);
    if let Some(handle) = LEVEL.get() {
        // It fails where the subscriber is gone, at the end of the process.
        let _ = handle.reload(filter(settings.level));
    }
}

/// The crates of this program. No other one logs: a driver of a database may show the address it
/// was asked about (tiberius does), whatever `[log] personal` says.
const OWN: [&str; 14] = [
    "address",
    "app",
    "cli",
    "evidence",
    "ledger",
    "observe",
    "optgate",
    "policy",
    "proxy",
    "relay",
    "smtp_session",
    "smtp_wire",
    "sources",
    "suppression",
];

fn filter(level: Level) -> EnvFilter {
    let own = OWN.map(|name| format!("{name}={}", level.as_str()));
    EnvFilter::new(format!("off,{}", own.join(",")))
}

/// Whether standard error likes colours: a terminal, and nobody said no
/// (<https://no-color.org>).
pub fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_else_logs() {
        let screen = Screen::default();
        let writer = screen.clone();
        let builder = fmt().with_env_filter(filter(Level::Trace));
        let subscriber = builder.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "tiberius::tds::stream", "converting 'bob@example.com'");
            tracing::error!(target: "tokio_postgres", "bob@example.com");
            tracing::trace!(target: "sources::remote", "ours");
            tracing::info!("also ours");
        });
        let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        assert!(!shown.contains("bob@"), "{shown}");
        assert_eq!(shown.matches("ours").count(), 2, "{shown}");
    }
}
