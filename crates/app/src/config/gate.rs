//! `[[gate]]`: rules over messages, in the order in which they are asked.
//!
//! A gate is one check, told by a word, with what that check needs to know. Which key goes with
//! which check stands in one table, [`Gate::keys`]: a key that means nothing for its gate is an
//! error, because whoever wrote it believes that it does something.

mod content;
mod forms;

use std::collections::BTreeMap;
use std::ops::Range;

use policy::{GateRule, GateVerdict, HeaderCheck, StreamId, Streams};
use suppression::StreamClass;

use self::content::{FileNames, MediaTypes, PostalAddresses, UnjudgedWord, Words};
use self::forms::{CheckWord, GateName, GateText, Regex, StreamNames, VerdictWord};
pub(crate) use self::forms::{FieldNameSaid, Marks};
use super::choice::ClassWord;
use super::fault::Fault;
use super::form::{Count, Flag, Form};
use super::gate_settings::{ContentJudging, GateCheck, GateSettings};
use super::of_listener;
use super::pattern::{Addresses, AuthorDomains, FieldNames};
use super::quantity::{Size, Span};
use super::section::{KeyInfo, Maybe, Origin, Reader, Row, Rule, Section, SectionInfo, section};
use super::settings::ListenerSettings;

section! {
    /// A rule over messages: what it looks for, and what is done about a message in which it finds it. Gates are asked in the order of the file, those over the header before those over the content; the first that refuses, defers or permits is the last one that is asked.
    Gate = "gate", many {
        /// Its name. It stands in the evidence and in the log.
        name: GateName = required("\"one-click\""),
        /// What it looks for. "from": no single From, or one that cannot be read for certain, or with an author who is not at one of `domains`. "required": one of `fields` is missing. "forbidden": one of `fields` is there. "field": a `field` that `regex` fits. "one-click": no one-click unsubscribe in the form of RFC 8058. "received": more Received fields than `more_than`. "subject": a subject that may mislead. "advertisement": a subject without one of `marks` at its beginning. "postal-address": none of `addresses` in what is shown, in each alternative (CAN-SPAM). "opt-out-notice": no notice of how to opt out with a link, an address or the word that an answer is enough, in each alternative. "text": a subject or a text that `regex` fits. "attachments": one with such a name, type or size.
        check: CheckWord = required("\"one-click\""),
        /// What is done then: "refuse" with 550, or "defer" with 451, at the final dot; "permit": it passes, and no further gate is asked; or "shadow": it passes, and the evidence says so.
        verdict: VerdictWord = without("\"shadow\"", "\"refuse\"; \"shadow\" for check = \"subject\""),
        /// What the client is told then; the reference follows.
        text: GateText = without("\"Newsletters need one-click unsubscribe, see https://intra.corp.example/mail\"", "what was found"),
        /// Condition: the stream the message is on.
        stream: StreamNames = without("[\"newsletter\"]", "any"),
        /// Condition: the class of that stream.
        class: ClassWord = without("\"commercial\"", "any"),
        /// Condition: the listener it came in by.
        listener: Addresses = without("[\"127.0.0.1:2525\"]", "any"),
        /// For "from": the domains its authors may be at. `*.corp.example` are the domains below that one.
        domains: AuthorDomains = without("[\"corp.example\", \"*.corp.example\"]", "any"),
        /// For "required" and "forbidden": header fields.
        fields: FieldNames = without("[\"Date\", \"Message-ID\"]", "needed there"),
        /// For "field": a header field.
        field: FieldNameSaid = without("\"Subject\"", "needed there"),
        /// For "field" and "text": a regular expression for the text; that of a field as it stands there or with its encoded words decoded. Without look-around and backreferences, so that it takes no time; (?i) in front for any case.
        regex: Regex = without("'(?i)lottery'", "needed there"),
        /// For "received": a number. More than 100 are refused as a loop in any case.
        more_than: Count<0, 100> = without("25", "needed there"),
        /// For "advertisement": what the subject must begin with; case does not count.
        marks: Marks = without("[\"ADV\"]", "needed there"),
        /// For "postal-address": one of them must be there. White space, punctuation, line breaks, accents and case make no difference.
        addresses: PostalAddresses = without("[\"Example Corp, 12 Harbour Street, Springfield, IL 62701\"]", "needed there"),
        /// For "opt-out-notice": own words of a notice, besides those of many languages that are known. The beginning of what stands there is enough.
        words: Words = without("[\"take me off\"]", "none"),
        /// For "attachments": names that none may have. A star stands for any text; case does not count.
        names: FileNames = without("[\"*.exe\", \"*.scr\"]", "any name may be"),
        /// For "attachments": types that none may be of, declared or by its first octets.
        types: MediaTypes = without("[\"application/x-msdownload\", \"video/*\"]", "any type may be"),
        /// For "attachments": whether a name may not look like a document and be that of a program, as invoice.pdf.exe does.
        double_extensions: Flag = without("true", "it may"),
        /// For "attachments": the size that none may exceed, decoded.
        larger_than: Size = without("\"10MB\"", "any size"),
        /// For "attachments": the size that all together may not exceed, decoded.
        all_larger_than: Size = without("\"25MB\"", "any size"),
        /// For "postal-address", "opt-out-notice", "text" and "attachments": how long it may take.
        cap: Span = without("\"10s\"", "10 seconds"),
        /// For the same: what is done when it takes longer: "defer" or "refuse" the message, or "permit": the next gate is asked.
        when_slow: UnjudgedWord = without("\"defer\"", "\"defer\" if the verdict is to refuse or defer, else \"permit\""),
        /// For the same: what is done when the message cannot be read whole (broken, encrypted, too complex) and nothing is found in what can be read.
        when_unreadable: UnjudgedWord = without("\"refuse\"", "the verdict, if that is to refuse or defer, else \"permit\""),
    }
}

/// The checks over content.
const CONTENT: &[CheckWord] =
    &[CheckWord::PostalAddress, CheckWord::OptOutNotice, CheckWord::Text, CheckWord::Attachments];

/// A key of a check: its name, its place if it is in the file, and the checks it goes with.
struct CheckKey {
    name: &'static str,
    said: Option<Range<usize>>,
    goes_with: &'static [CheckWord],
}

impl Gate {
    fn keys(&self) -> Vec<CheckKey> {
        fn span<T>(said: &Maybe<T>) -> Option<Range<usize>> {
            said.said().and_then(super::section::Said::span)
        }
        let key = |name, said, goes_with| CheckKey { name, said, goes_with };
        vec![
            key("domains", span(&self.domains), &[CheckWord::From]),
            key("fields", span(&self.fields), &[CheckWord::Required, CheckWord::Forbidden]),
            key("field", span(&self.field), &[CheckWord::Field]),
            key("regex", span(&self.regex), &[CheckWord::Field, CheckWord::Text]),
            key("more_than", span(&self.more_than), &[CheckWord::Received]),
            key("marks", span(&self.marks), &[CheckWord::Advertisement]),
            key("addresses", span(&self.addresses), &[CheckWord::PostalAddress]),
            key("words", span(&self.words), &[CheckWord::OptOutNotice]),
            key("names", span(&self.names), &[CheckWord::Attachments]),
            key("types", span(&self.types), &[CheckWord::Attachments]),
            key("double_extensions", span(&self.double_extensions), &[CheckWord::Attachments]),
            key("larger_than", span(&self.larger_than), &[CheckWord::Attachments]),
            key("all_larger_than", span(&self.all_larger_than), &[CheckWord::Attachments]),
            key("cap", span(&self.cap), CONTENT),
            key("when_slow", span(&self.when_slow), CONTENT),
            key("when_unreadable", span(&self.when_unreadable), CONTENT),
        ]
    }
}

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
        let fits = own_keys(gate, faults);
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
        CheckWord::OneClick => Some(HeaderCheck::OneClick),
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

/// Tells that a key is missing which the check needs.
fn needs<T>(gate: &Gate, key: &str, said: &Maybe<T>, example: &str, faults: &mut Vec<Fault>) {
    let Some(check) = gate.check.said() else { return };
    if matches!(said, Maybe::Absent) {
        let message = format!("check = {} needs `{key}`", check.value.show());
        faults.push(Fault::maybe_at(check.span(), message).help(format!("add: {key} = {example}")));
    }
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
    let both = names.and_then(super::section::Said::span).zip(gate.class.get());
    if let Some((span, class)) = both.filter(|_| ids.is_empty()) {
        let message = format!("no stream that is named here is {}", class.as_str());
        faults.push(Fault::at(span, message).help("leave `class` out, or name other streams"));
    }
    Some(ids)
}
