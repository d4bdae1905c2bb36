//! Warns of signatures that would be broken: of messages that a client has signed, that somebody
//! here may change, and that nobody signs again behind that.

use super::fault::{Fault, Severity};
use super::file::File;
use super::section::Section;
use super::settings::{DkimSettings, ListenerSettings, MilterSettings};

/// One warning for each milter that may change what nobody signs afterwards, at any listener.
pub(crate) fn check(
    file: &File,
    milters: &[MilterSettings],
    dkim: &[DkimSettings],
    listeners: &[ListenerSettings],
    faults: &mut Vec<Fault>,
) {
    completed(file, milters, dkim, listeners, faults);
    if milters.len() != file.milters.len() {
        // One of them has a fault, and nobody knows which these are.
        return;
    }
    for (place, (said, milter)) in file.milters.iter().zip(milters).enumerate() {
        let signed_behind = |listener: &ListenerSettings| {
            let mut rest = milters.iter().skip(place);
            rest.any(|later| later.signs && later.is_for(listener.address))
                || dkim.iter().any(|one| one.is_for(listener.address))
        };
        let unsigned = listeners
            .iter()
            .find(|listener| milter.is_for(listener.address) && !signed_behind(listener));
        let Some(listener) = unsigned.filter(|_| milter.milter.changes) else { continue };
        let message = format!(
            "milter {} may change messages of {} that nobody signs afterwards",
            milter.milter.name, listener.address
        );
        let span = said.changes.span().or_else(|| said.name.said().and_then(|name| name.span()));
        faults.push(
            Fault::maybe_at(span.or_else(|| said.heading()), message)
                .severity(Severity::Warning)
                .help("if a client has signed a message, its signature may not verify any more")
                .help("changes = false, if it only judges; signs = true, if it signs itself; or sign here: [[dkim]]"),
        );
    }
}

/// What a client has signed as missing, and a listener adds (RFC 6376 s5.4.2), breaks the signature
/// if nobody signs it again: neither this gate nor a milter.
fn completed(
    file: &File,
    milters: &[MilterSettings],
    dkim: &[DkimSettings],
    listeners: &[ListenerSettings],
    faults: &mut Vec<Fault>,
) {
    for (said, listener) in file.listeners.iter().zip(listeners) {
        let signed = milters.iter().any(|one| one.signs && one.is_for(listener.address))
            || dkim.iter().any(|one| one.is_for(listener.address));
        if !listener.complete || signed {
            continue;
        }
        let message =
            format!("{} completes messages that nobody signs afterwards", listener.address);
        faults.push(
            Fault::maybe_at(said.complete.span(), message)
                .severity(Severity::Warning)
                .help("if a client has signed a message without Date or Message-ID, its signature may not verify any more")
                .help("sign here: [[dkim]]; or leave `complete` out where clients sign"),
        );
    }
}
