//! What a `[[stream]]` means, and which of them can never be reached.
//!
//! Transactional is where loopholes live, so nothing about a stream is guessed: a rule that
//! cannot match, or that says two things at once, is an error and not a rule less.

use std::collections::BTreeMap;
use std::ops::Range;

use policy::StreamRule;
use suppression::StreamClass;

use super::choice::{ClassWord, PermissionWord};
use super::fault::{Fault, Severity};
use super::file::Stream;
use super::of_listener;
use super::pattern::{Fields, Keywords};
use super::section::{Said, Section};
use super::settings::{ListenerSettings, takes_everything};

/// What mail is on that no rule takes: [`suppression::Stream::default`].
const REST: &str = "default";

pub(crate) fn settle(
    streams: &[Stream],
    listeners: &[ListenerSettings],
    faults: &mut Vec<Fault>,
) -> Vec<StreamRule> {
    let mut names: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut takes_all: Option<&Stream> = None;
    let mut out = Vec::new();
    for stream in streams {
        named_once(stream, &mut names, faults);
        if let Some(earlier) = takes_all {
            let mut fault = Fault::maybe_at(stream.heading(), "no mail can ever be on this stream")
                .help("the first stream that fits is the one: put the one without conditions last");
            if let Some(heading) = earlier.heading() {
                fault = fault.related(heading, "this one has no conditions and takes everything");
            }
            faults.push(fault);
        }
        of_listener::known(&stream.listener, listeners, faults);
        one_meaning(stream, faults);
        some_client(stream, faults);
        nobody_logs_in(stream, faults);
        let settings = one(stream);
        // A condition with a fault is no condition that was left out.
        if takes_all.is_none() && settings.as_ref().is_some_and(takes_everything) {
            takes_all = Some(stream);
        }
        out.extend(settings);
    }
    out
}

fn named_once(
    stream: &Stream,
    names: &mut BTreeMap<String, Range<usize>>,
    faults: &mut Vec<Fault>,
) {
    let Some(said) = stream.name.said() else { return };
    let span = said.span().unwrap_or(0..0);
    let name = said.value.0.to_ascii_lowercase();
    if name == REST {
        faults.push(
            Fault::at(span, format!("\"{REST}\" is the name of mail that no stream takes"))
                .help("give this one another name; without conditions and last it takes the rest"),
        );
        return;
    }
    match names.get(&name) {
        Some(first) => faults.push(
            Fault::at(span, format!("two streams are named \"{}\"", said.value.0))
                .related(first.clone(), "the first is here")
                .help("reports tell streams by their names; give each its own"),
        ),
        None => {
            names.insert(name, span);
        }
    }
}

/// Keys that contradict each other.
fn one_meaning(stream: &Stream, faults: &mut Vec<Fault>) {
    if stream.class.value != ClassWord::Transactional {
        return;
    }
    if !stream.scopes.value.0.is_empty() {
        faults.push(
            Fault::maybe_at(stream.scopes.span(), "a transactional stream has no scopes")
                .help("leave scopes out: objections to lists do not stop it anyway; or class = \"commercial\""),
        );
    }
    if stream.permission.value == PermissionWord::OptIn {
        faults.push(
            Fault::maybe_at(stream.permission.span(), "a transactional stream for consent only")
                .severity(Severity::Warning)
                .help(
                    "only a consent of scope \"all\" would permit it; is it not commercial mail?",
                ),
        );
    }
}

/// An empty list would read as no condition, and take everybody's mail.
fn some_client(stream: &Stream, faults: &mut Vec<Fault>) {
    if let Some(said) = stream.client.said().filter(|said| said.value.0.is_empty()) {
        faults.push(
            Fault::maybe_at(said.span(), "an empty list of networks: nobody would match")
                .help("leave the key out for any client"),
        );
    }
}

/// No listener offers AUTH, so nobody has a login.
fn nobody_logs_in(stream: &Stream, faults: &mut Vec<Fault>) {
    if let Some(said) = stream.login.said() {
        faults.push(
            Fault::maybe_at(Said::span(said), "no listener offers AUTH, so this never holds")
                .severity(Severity::Warning)
                .help("tell clients apart by client = [\"10.1.2.3\"], sender or listener"),
        );
    }
}

fn one(stream: &Stream) -> Option<StreamRule> {
    use super::section::Maybe;
    fn list<T, U>(said: &Maybe<T>, items: impl FnOnce(&T) -> Vec<U>) -> Option<Vec<U>> {
        match said {
            Maybe::Bad => None,
            Maybe::Absent => Some(Vec::new()),
            Maybe::Said(said) => Some(items(&said.value)),
        }
    }
    let class = StreamClass::from(stream.class.value);
    let meant = suppression::Stream {
        scopes: stream.scopes.value.0.clone(),
        permission: stream.permission.value.into(),
        ..suppression::Stream::new(&stream.name.get()?.0, class)
    };
    let words = |k: &Keywords| k.0.meant.iter().map(|keyword| keyword.0.clone()).collect();
    let fields = |fields: &Fields| {
        fields.0.iter().map(|(name, texts)| (name.clone(), texts.0.meant.clone())).collect()
    };
    Some(StreamRule {
        stream: meant,
        listener: list(&stream.listener, |l| l.0.iter().map(|(address, _)| *address).collect())?,
        login: list(&stream.login, |l| l.0.meant.clone())?,
        client: list(&stream.client, |c| c.0.iter().map(|(net, _)| *net).collect())?,
        sender: list(&stream.sender, |s| s.0.meant.clone())?,
        solicit: list(&stream.solicit, words)?,
        header: list(&stream.header, fields)?,
    })
}
