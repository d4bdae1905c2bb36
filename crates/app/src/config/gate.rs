//! `[[gate]]`: rules over messages, in the order in which they are asked.
//!
//! A gate is one check, told by a word, with what that check needs to know. Which key goes with
//! which check stands in one table, [`Gate::keys`]: a key that means nothing for its gate is an
//! error, because whoever wrote it believes that it does something.

mod content;
mod content_forms;
mod forms;
mod keys;

use std::collections::BTreeMap;
use std::ops::Range;

use policy::{GateRule, GateVerdict, HeaderCheck, StreamId, Streams};
use suppression::StreamClass;

use self::forms::{CheckWord, Marks, VerdictWord};
pub(crate) use self::keys::Gate;
use self::keys::needs;
use super::fault::Fault;
use super::form::Form;
use super::gate_settings::{GateCheck, GateSettings};
use super::of_listener;
use super::section::{Maybe, Said};
use super::settings::ListenerSettings;

pub(crate) fn settle(
    gates: &[Gate],
    named: &[&str],
    streams: &Streams,
    listeners: &[ListenerSettings],
    faults: &mut Vec<Fault>,
) -> Vec<GateSettings> {
    let mut names: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut out = Vec::new();
    for gate in gates {
        named_once(gate, &mut names, faults);
        of_listener::known(&gate.listener, listeners, faults);
        known_streams(gate, named, faults);
        let fits = own_keys(gate, faults) & permits_what_is_there(gate, faults);
        let check = check(gate, faults).filter(|_| fits);
        let rule = rule(gate, streams, faults);
        if let Some((rule, check)) = rule.zip(check)
            && !matches!(gate.listener, Maybe::Bad)
        {
            let listeners = of_listener::addresses(&gate.listener);
            out.push(GateSettings { rule, listeners, check });
        }
    }
    out
}

fn named_once(gate: &Gate, names: &mut BTreeMap<String, Range<usize>>, faults: &mut Vec<Fault>) {
    let Some(said) = gate.name.said() else { return };
    let span = said.span().unwrap_or(0..0);
    match names.get(&said.value.0.to_ascii_lowercase()) {
        Some(first) => faults.push(
            Fault::at(span, format!("two gates are named \"{}\"", said.value.0))
                .related(first.clone(), "the first is here")
                .help("the evidence tells them by their names; give each its own"),
        ),
        None => {
            names.insert(said.value.0.to_ascii_lowercase(), span);
        }
    }
}

fn known_streams(gate: &Gate, named: &[&str], faults: &mut Vec<Fault>) {
    let known = || named.iter().copied();
    for (name, span) in gate.stream.get().map(|names| names.0.as_slice()).unwrap_or_default() {
        if name != REST && !known().any(|one| one == name) {
            let all: Vec<_> = known().chain([REST]).collect();
            faults.push(
                Fault::at(span.clone(), format!("no [[stream]] is named \"{name}\""))
                    .help(format!("there is: {}", all.join(", "))),
            );
        }
    }
}

/// The name of mail that no stream takes.
const REST: &str = "default";

/// A key that goes with another check is told with both.
fn own_keys(gate: &Gate, faults: &mut Vec<Fault>) -> bool {
    let Some(check) = gate.check.get() else { return false };
    let mut fits = true;
    for key in gate.keys() {
        let Some(span) = key.said.filter(|_| !key.goes_with.contains(check)) else { continue };
        fits = false;
        let with: Vec<_> =
            key.goes_with.iter().map(|word| format!("check = {}", word.show())).collect();
        let own: Vec<_> =
            gate.keys().into_iter().filter(|own| own.goes_with.contains(check)).collect();
        let own: Vec<_> = own.iter().map(|own| format!("`{}`", own.name)).collect();
        let own = if own.is_empty() { "no key of its own".to_owned() } else { own.join(", ") };
        faults.push(
            Fault::at(
                span,
                format!(
                    "`{}` goes with {}, not with {}",
                    key.name,
                    with.join(" or "),
                    check.show()
                ),
            )
            .help(format!("check = {} has {own}", check.show())),
        );
    }
    fits
}

/// Whether its `permit` can be meant: what is found passes all other gates, and a check that finds
/// faults would let past those who have them, and nobody else.
fn permits_what_is_there(gate: &Gate, faults: &mut Vec<Fault>) -> bool {
    let Some(check) = gate.check.get().filter(|check| check.finds_a_fault()) else { return true };
    let Some(said) = gate.verdict.said().filter(|said| said.value == VerdictWord::Permit) else {
        return true;
    };
    let check = check.show();
    faults.push(
        Fault::maybe_at(said.span(), format!("check = {check} finds what is wrong with a message"))
            .label("what is wrong would pass here, and no further gate be asked")
            .help("leave `verdict` out to refuse it, or say \"shadow\" to watch")
            .help(
                "to let others past the further gates, say what they have: check = \"field\", \
                 \"forbidden\", \"text\" or \"attachments\", or narrow those gates by `stream`, \
                 `class` or `listener`",
            ),
    );
    false
}

/// What it looks for; a key that it needs and has not is told.
fn check(gate: &Gate, faults: &mut Vec<Fault>) -> Option<GateCheck> {
    let word = *gate.check.get()?;
    let fields = || gate.fields.get().map(|fields| fields.0.meant.clone());
    let header = match word {
        CheckWord::From if matches!(gate.domains, Maybe::Bad) => None,
        CheckWord::From => {
            let domains = gate.domains.get().map(|domains| domains.0.meant.clone());
            Some(HeaderCheck::From(domains.unwrap_or_default().into()))
        }
        CheckWord::Required | CheckWord::Forbidden => {
            needs(gate, "fields", &gate.fields, "[\"Date\", \"Message-ID\"]", faults);
            match word {
                CheckWord::Required => fields().map(HeaderCheck::Required),
                _ => fields().map(HeaderCheck::Forbidden),
            }
        }
        CheckWord::Field => {
            needs(gate, "field", &gate.field, "\"Subject\"", faults);
            needs(gate, "regex", &gate.regex, "'(?i)lottery'", faults);
            let field = gate.field.get().map(|field| field.0.clone());
            let regex = gate.regex.get().map(|regex| regex.0.clone());
            field.zip(regex).map(|(field, regex)| HeaderCheck::Field(field, regex))
        }
        CheckWord::OneClick => Some(HeaderCheck::OneClick(Vec::new())),
        CheckWord::Received => {
            needs(gate, "more_than", &gate.more_than, "25", faults);
            let most = gate.more_than.get().map(|most| usize::try_from(most.0));
            most.map(|most| HeaderCheck::Received(most.unwrap_or(usize::MAX)))
        }
        CheckWord::Subject => Some(HeaderCheck::Subject),
        CheckWord::Advertisement => {
            needs(gate, "marks", &gate.marks, "[\"ADV\"]", faults);
            let marks = gate.marks.get().map(Marks::texts);
            marks.map(HeaderCheck::Advertisement)
        }
        CheckWord::PostalAddress
        | CheckWord::OptOutNotice
        | CheckWord::Text
        | CheckWord::Attachments => {
            let check = content::check(gate, word, faults);
            let judging = content::judging(gate, verdict(gate)?, faults);
            return check.zip(judging).map(|(check, how)| GateCheck::Content(check, how));
        }
    };
    header.map(GateCheck::Header)
}

fn rule(gate: &Gate, streams: &Streams, faults: &mut Vec<Fault>) -> Option<GateRule> {
    let bad = matches!(gate.stream, Maybe::Bad)
        || matches!(gate.class, Maybe::Bad)
        || matches!(gate.text, Maybe::Bad)
        || matches!(gate.verdict, Maybe::Bad);
    if bad {
        return None;
    }
    Some(GateRule {
        name: gate.name.get()?.0.as_str().into(),
        streams: of_streams(gate, streams, faults),
        verdict: verdict(gate)?,
        text: gate.text.get().map(|text| text.0.as_str().into()),
    })
}

/// Heuristics only watch, unless it is said otherwise.
fn verdict(gate: &Gate) -> Option<GateVerdict> {
    Some(match (gate.verdict.get(), gate.check.get()?) {
        (Some(said), _) => GateVerdict::from(*said),
        (None, CheckWord::Subject) => GateVerdict::Shadow,
        (None, _) => GateVerdict::Refuse,
    })
}

/// The streams whose mail it looks at; none: every one.
fn of_streams(gate: &Gate, streams: &Streams, faults: &mut Vec<Fault>) -> Option<Vec<StreamId>> {
    let names = gate.stream.said();
    let class = gate.class.get().map(|class| StreamClass::from(*class));
    if names.is_none() && class.is_none() {
        return None;
    }
    let is_named =
        |name: &str| names.is_none_or(|said| said.value.0.iter().any(|(one, _)| one == name));
    let fits = streams
        .iter()
        .filter(|(_, stream)| is_named(&stream.name) && class.is_none_or(|c| c == stream.class));
    let ids: Vec<_> = fits.map(|(id, _)| id).collect();
    let both = names.and_then(Said::span).zip(gate.class.get());
    if let Some((span, class)) = both.filter(|_| ids.is_empty()) {
        let message = format!("no stream that is named here is {}", class.as_str());
        faults.push(Fault::at(span, message).help("leave `class` out, or name other streams"));
    }
    Some(ids)
}
