//! How a source is used: how often it is read, or how it is asked.

use std::time::Duration;

use super::keys::Source;
use super::place::Located;
use crate::config::fault::{Fault, Severity};
use crate::config::section::{Maybe, Said};
use crate::config::settings::{LiveSettings, Mode, SyncSettings};

/// How often a file is looked at when nobody tells: a network drive tells nothing.
const LOOK: Duration = Duration::from_secs(2);
/// How often a server is asked.
const POLL: Duration = Duration::from_secs(300);
/// Nobody is to be asked more often than this.
const OFTENEST: Duration = Duration::from_secs(1);
const FULL: Duration = Duration::from_secs(86_400);
const OVERLAP: Duration = Duration::from_secs(600);
const CACHE: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 4;
/// For an answer that nobody waits for.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For an answer that a client waits for.
const TIMEOUT_LIVE: Duration = Duration::from_secs(2);

/// How long an answer may take.
pub(crate) fn timeout(source: &Source) -> Duration {
    let usual = if source.is_live() { TIMEOUT_LIVE } else { TIMEOUT };
    source.timeout.get().map_or(usual, |said| said.0)
}

/// How it is used.
pub(crate) fn mode(source: &Source, located: Located<'_>, faults: &mut Vec<Fault>) -> Mode {
    if source.is_live() {
        let cache = source.cache.get().map_or(Some(CACHE), |said| said.0.map(|span| span.0));
        let connections = source.connections.get().map(|said| said.0);
        return Mode::Live(LiveSettings {
            timeout: timeout(source),
            cache: cache.unwrap_or_default(),
            connections: connections.and_then(|n| n.try_into().ok()).unwrap_or(CONNECTIONS),
        });
    }
    let of_file = matches!(located, Located::List(..)) && !located.is_web();
    let every = source.every.get().map_or(if of_file { LOOK } else { POLL }, |said| said.0);
    if every < OFTENEST {
        faults.push(
            Fault::maybe_at(source.every.said().and_then(Said::span), "that is too often")
                .help("at least every = \"1s\""),
        );
    }
    // A file is watched too; but who sets how often it is looked at cannot rely on that.
    let asked = !of_file || source.every.get().is_some();
    if let Some(said) = source.max_age.said().filter(|said| asked && said.value.0 <= every) {
        let message = "between two readings this list would be older than its max_age";
        faults.push(
            Fault::maybe_at(said.span(), message)
                .severity(Severity::Warning)
                .help("let it be several times as long as `every`"),
        );
    }
    needs_watermark(source, faults);
    let span = |key: &Maybe<crate::config::quantity::Span>, usual| key.get().map_or(usual, |s| s.0);
    Mode::Sync(SyncSettings {
        every,
        watermark: source.watermark.get().map(|said| said.0.clone()),
        full_every: span(&source.full_every, FULL),
        overlap: span(&source.overlap, OVERLAP),
        notify: source.notify.get().map(|said| said.0.clone()),
    })
}

fn needs_watermark(source: &Source, faults: &mut Vec<Fault>) {
    if !matches!(source.watermark, Maybe::Absent) {
        return;
    }
    let keys = [("full_every", &source.full_every), ("overlap", &source.overlap)];
    for (key, said) in keys {
        if let Some(span) = said.said().and_then(Said::span) {
            let message = format!("`{key}` has no meaning without a watermark");
            faults.push(
                Fault::at(span, message)
                    .help("leave it out, or name the column: watermark = \"updated_at\""),
            );
        }
    }
}
