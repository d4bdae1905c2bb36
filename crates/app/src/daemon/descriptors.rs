//! File descriptors: each session needs two, and one for each milter that it asks; the usual soft
//! limit is 1024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{ListenerSettings, Settings};

/// Descriptors for files, lists, logs and the runtime itself.
const OWN: u64 = 64;

/// Raises the soft limit to what all sessions need, as far as the hard one allows, and says so
/// when that is not enough.
pub(super) fn raise(settings: &Settings) {
    let connections = settings.limits.connections;
    let asked = |listener: &ListenerSettings| {
        let own = settings.milters.iter().filter(|milter| milter.is_for(listener.address));
        own.count() as u64
    };
    let each = 2 + settings.listeners.iter().map(asked).max().unwrap_or_default();
    let needed = (connections as u64).saturating_mul(each).saturating_add(OWN);
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= needed) {
        return;
    }
    let possible = now.maximum.map_or(needed, |maximum| maximum.min(needed));
    let wanted = Rlimit { current: Some(possible), maximum: now.maximum };
    let reached = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => possible,
        Err(_) => now.current.unwrap_or(possible),
    };
    if reached < needed {
        let sessions = reached.saturating_sub(OWN) / each;
        tracing::warn!(
            "this process may open {reached} files, enough for about {sessions} of the {connections} connections of [limits]; raise its limit (systemd: LimitNOFILE={needed})"
        );
    }
}
