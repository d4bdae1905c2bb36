//! The checks over decoded content: what their keys mean.

use policy::{AttachmentRules, ContentCheck, ContentGate, GateVerdict, NoticeWords};

use super::content_forms::{PostalAddresses, UnjudgedWord};
use super::forms::CheckWord;
use super::keys::{Gate, needs};
use crate::config::fault::Fault;
use crate::config::form::Form;
use crate::config::gate_settings::ContentJudging;
use crate::config::section::{Maybe, Said};

/// The check over content of a gate; `None`: it has another one, or a key of it is wrong.
pub(super) fn check(gate: &Gate, word: CheckWord, faults: &mut Vec<Fault>) -> Option<ContentCheck> {
    match word {
        CheckWord::PostalAddress => {
            let example = PostalAddresses::EXAMPLE;
            needs(gate, "addresses", &gate.addresses, example, faults);
            let all = gate.addresses.get()?.0.meant.iter();
            Some(ContentCheck::PostalAddress(all.map(|one| one.0.clone()).collect()))
        }
        CheckWord::OptOutNotice => {
            let own = match &gate.words {
                Maybe::Bad => return None,
                Maybe::Absent => &[][..],
                Maybe::Said(said) => said.value.0.meant.as_slice(),
            };
            NoticeWords::new(own.iter().map(|word| word.0.as_str())).map(ContentCheck::OptOutNotice)
        }
        CheckWord::Text => {
            needs(gate, "regex", &gate.regex, "'(?i)lottery'", faults);
            gate.regex.get().map(|regex| ContentCheck::Text(regex.0.clone()))
        }
        CheckWord::Attachments => attachments(gate, faults).map(ContentCheck::Attachments),
        _ => None,
    }
}

fn attachments(gate: &Gate, faults: &mut Vec<Fault>) -> Option<AttachmentRules> {
    let bad = matches!(gate.names, Maybe::Bad)
        || matches!(gate.types, Maybe::Bad)
        || matches!(gate.double_extensions, Maybe::Bad)
        || matches!(gate.larger_than, Maybe::Bad)
        || matches!(gate.all_larger_than, Maybe::Bad);
    if bad {
        return None;
    }
    let names = gate.names.get().map(|names| names.0.meant.iter().map(|one| one.0.clone()));
    let types = gate.types.get().map(|types| types.0.meant.iter().map(|one| one.0.clone()));
    let rules = AttachmentRules {
        names: names.into_iter().flatten().collect(),
        types: types.into_iter().flatten().collect(),
        double_extensions: gate.double_extensions.get().is_some_and(|flag| flag.0),
        larger_than: gate.larger_than.get().map(|size| size.0),
        all_larger_than: gate.all_larger_than.get().map(|size| size.0),
    };
    if rules == AttachmentRules::default() {
        let message = "check = \"attachments\" looks for nothing";
        let span = gate.check.said().and_then(Said::span);
        faults.push(Fault::maybe_at(span, message).help(
            "add at least one of: names = [\"*.exe\"], types = [\"video/*\"], \
             double_extensions = true, larger_than = \"10MB\", all_larger_than = \"25MB\"",
        ));
        return None;
    }
    Some(rules)
}

/// How long it may take, and what is done when it has not judged.
pub(super) fn judging(
    gate: &Gate,
    verdict: GateVerdict,
    faults: &mut Vec<Fault>,
) -> Option<ContentJudging> {
    if let Some(said) = gate.cap.said().filter(|said| said.value.0.is_zero()) {
        let fault = Fault::maybe_at(said.span(), "a gate without any time judges nothing");
        faults.push(fault.help("leave the key out for 10 seconds"));
        return None;
    }
    let word = |said: &Maybe<UnjudgedWord>, default| match said {
        Maybe::Bad => None,
        Maybe::Absent => Some(default),
        Maybe::Said(said) => Some(GateVerdict::from(said.value)),
    };
    Some(ContentJudging {
        cap: match &gate.cap {
            Maybe::Bad => return None,
            cap => cap.get().map_or(ContentGate::CAP, |span| span.0),
        },
        when_slow: word(&gate.when_slow, ContentGate::when_slow_for(verdict))?,
        when_unreadable: word(&gate.when_unreadable, ContentGate::when_unreadable_for(verdict))?,
    })
}
