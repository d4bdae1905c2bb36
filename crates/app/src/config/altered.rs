//! Warns of signatures that would be broken: of messages that a client has signed, that somebody
//! here may change, and that nobody signs again behind that.
//!
//! A milter that signs is taken to sign everything. `[[dkim]]` signs for its own authors alone; the
//! signature of another one stays broken, unless the rules here keep other authors away.

use policy::{AuthorDomain, GateVerdict, HeaderCheck, SenderRule};

use super::fault::{Fault, Severity};
use super::file::File;
use super::gate_settings::{GateCheck, GateSettings};
use super::section::Section;
use super::settings::{DkimSettings, ListenerSettings, MilterSettings};

/// What is known of all sections that have to do with it.
#[derive(Clone, Copy)]
pub(crate) struct Signing<'a> {
    pub(crate) milters: &'a [MilterSettings],
    pub(crate) dkim: &'a [DkimSettings],
    pub(crate) gates: &'a [GateSettings],
    pub(crate) senders: &'a [SenderRule],
    pub(crate) listeners: &'a [ListenerSettings],
}

/// Whose messages are signed behind a change.
enum Signed {
    Everybodys,
    OnlyOf(Vec<AuthorDomain>),
    Nobodys,
}

/// One warning for each milter that may change what is not signed afterwards, and for each
/// listener that completes such messages.
pub(crate) fn check(file: &File, known: Signing<'_>, faults: &mut Vec<Fault>) {
    completed(file, known, faults);
    if known.milters.len() != file.milters.len() {
        // One of them has a fault, and nobody knows which these are.
        return;
    }
    for (place, (said, milter)) in file.milters.iter().zip(known.milters).enumerate() {
        if !milter.milter.changes {
            continue;
        }
        let theirs = known.listeners.iter().filter(|listener| milter.is_for(listener.address));
        let mut left = theirs.filter_map(|one| Some((one, known.signed(place, one).lack()?)));
        let Some((listener, lack)) = left.next() else { continue };
        let message = format!(
            "milter {} may change messages of {}{lack}",
            milter.milter.name, listener.address
        );
        let span = said.changes.span().or_else(|| said.name.said().and_then(|name| name.span()));
        let fault = Fault::maybe_at(span.or_else(|| said.heading()), message)
            .severity(Severity::Warning)
            .help("if a client has signed a message, its signature may not verify any more")
            .help("changes = false, if it only judges; signs = true, if it signs itself; or sign here: [[dkim]]");
        faults.push(known.signed(place, listener).with_rule(fault));
    }
}

/// What a client has signed as missing, and a listener adds (RFC 6376 s5.4.2), breaks the signature
/// if nobody signs it again: neither this gate nor a milter.
fn completed(file: &File, known: Signing<'_>, faults: &mut Vec<Fault>) {
    for (said, listener) in file.listeners.iter().zip(known.listeners) {
        let signed = known.signed(0, listener);
        let Some(lack) = signed.lack().filter(|_| listener.complete) else { continue };
        let message = format!("{} completes messages{lack}", listener.address);
        let fault = Fault::maybe_at(said.complete.span(), message)
            .severity(Severity::Warning)
            .help("if a client has signed a message without Date or Message-ID, its signature may not verify any more")
            .help("sign here: [[dkim]]; or leave `complete` out where clients sign");
        faults.push(signed.with_rule(fault));
    }
}

impl Signing<'_> {
    /// Whose messages of a listener are signed behind the milters before `place`.
    fn signed(&self, place: usize, listener: &ListenerSettings) -> Signed {
        let mut later = self.milters.iter().skip(place);
        if later.any(|milter| milter.signs && milter.is_for(listener.address)) {
            return Signed::Everybodys;
        }
        let ours = self.dkim.iter().filter(|one| one.is_for(listener.address));
        let mut authors: Vec<AuthorDomain> = Vec::new();
        for author in ours.flat_map(|one| &one.signing.authors) {
            if !authors.contains(author) {
                authors.push(author.clone());
            }
        }
        match authors.is_empty() {
            true => Signed::Nobodys,
            false if self.admits_only(&authors, listener) => Signed::Everybodys,
            false => Signed::OnlyOf(authors),
        }
    }

    /// Whether nobody passes a listener whose author is not at one of these domains.
    fn admits_only(&self, authors: &[AuthorDomain], listener: &ListenerSettings) -> bool {
        let within = |domains: &[AuthorDomain]| {
            let covered = |one: &AuthorDomain| authors.iter().any(|author| author.covers(one));
            !domains.is_empty() && domains.iter().all(covered)
        };
        let stops = |gate: &GateSettings| {
            let ends = matches!(gate.rule.verdict, GateVerdict::Refuse | GateVerdict::Defer);
            let GateCheck::Header(HeaderCheck::From(domains)) = &gate.check else { return false };
            ends && gate.rule.streams.is_none() && within(domains)
        };
        let gates = self.gates.iter().filter(|gate| gate.is_for(listener.address));
        // One that permits lets the others go unasked.
        let mut asked = gates.take_while(|gate| gate.rule.verdict != GateVerdict::Permit);
        asked.any(stops)
            || !self.senders.is_empty() && self.senders.iter().all(|rule| within(&rule.from))
    }
}

impl Signed {
    /// What is missing, in words behind what changes messages.
    fn lack(&self) -> Option<String> {
        match self {
            Self::Everybodys => None,
            Self::OnlyOf(authors) => {
                let names: Vec<_> = authors.iter().map(ToString::to_string).collect();
                Some(format!(", and those of {} alone are signed afterwards", names.join(" and ")))
            }
            Self::Nobodys => Some(" that nobody signs afterwards".to_owned()),
        }
    }

    fn with_rule(&self, fault: Fault) -> Fault {
        let Self::OnlyOf(authors) = self else { return fault };
        let quoted: Vec<_> = authors.iter().map(|one| format!("\"{one}\"")).collect();
        fault.help(format!(
            "or let no other authors pass: a [[gate]] with check = \"from\", domains = [{}]",
            quoted.join(", ")
        ))
    }
}
