//! The checks over decoded content: their keys, and what these mean.

use std::fmt;
use std::str::FromStr;

use policy::{AttachmentRules, ContentCheck, ContentGate, GateVerdict, NoticeWords, PostalAddress};

use super::forms::CheckWord;
use super::{ContentJudging, Gate, needs};
use crate::config::choice::{choice, word};
use crate::config::fault::Fault;
use crate::config::form::{Form, Given, quoted};
use crate::config::naming::show_list;
use crate::config::pattern::{Patterns, patterns};
use crate::config::section::{Maybe, Said};

choice! {
    /// What is done about a message that a gate has not judged.
    pub(crate) UnjudgedWord, "a way out", r#""defer", "refuse" or "permit""# {
        /// 451.
        Defer = "defer",
        /// 550.
        Refuse = "refuse",
        /// The next gate is asked, and the evidence says so.
        Permit = "permit",
    }
}

impl From<UnjudgedWord> for GateVerdict {
    fn from(word: UnjudgedWord) -> Self {
        match word {
            UnjudgedWord::Defer => Self::Defer,
            UnjudgedWord::Refuse => Self::Refuse,
            UnjudgedWord::Permit => Self::Permit,
        }
    }
}

macro_rules! texts {
    ($(#[$meta:meta])* $name:ident of $one:ident, $form:literal, $example:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name(Patterns<$one>);

        impl Form for $name {
            const NAME: &'static str = $form;
            const EXAMPLE: &'static str = $example;
            fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
                patterns::<Self, $one>(given, faults).map(Self)
            }
            fn show(&self) -> String {
                show_list(&self.0.texts)
            }
        }
    };
}

texts! {
    /// Postal addresses.
    PostalAddresses of Address, "a list of postal addresses",
    "[\"Example Corp, 12 Harbour Street, Springfield, IL 62701\"]"
}

texts! {
    /// Words of a notice.
    Words of NoticeWord, "a list of words", "[\"take me off\"]"
}

texts! {
    /// Patterns of names of files.
    FileNames of FileName, "a list of names of files", "[\"*.exe\", \"*.scr\"]"
}

texts! {
    /// Patterns of types.
    MediaTypes of MediaType, "a list of types", "[\"application/x-msdownload\", \"video/*\"]"
}

#[derive(Clone, Debug)]
struct Address(PostalAddress);

/// Letters and digits that an address has at least; `東京都港区1-2-3` has eight.
const ADDRESS_MIN: usize = 6;

impl FromStr for Address {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        let why = Unfit("is no postal address: too few letters and digits to be told from others");
        let address = PostalAddress::new(text).ok_or(why)?;
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        if letters < ADDRESS_MIN { Err(why) } else { Ok(Self(address)) }
    }
}

#[derive(Clone, Debug)]
struct NoticeWord(String);

impl FromStr for NoticeWord {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        match NoticeWords::new([text]) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(Unfit("is no word: it has no letter")),
        }
    }
}

#[derive(Clone, Debug)]
struct FileName(policy::Pattern);

impl FromStr for FileName {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        if text.contains(['/', '\\']) {
            return Err(Unfit("can be no name: a path is taken off before names are compared"));
        }
        let pattern = text.parse().map_err(|_| Unfit("is no pattern of a name"))?;
        Ok(Self(pattern))
    }
}

#[derive(Clone, Debug)]
struct MediaType(policy::Pattern);

impl FromStr for MediaType {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        let parts = text.split_once('/');
        let token = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-*".contains(c);
            !part.is_empty() && part.chars().all(plain)
        };
        let fits = parts.is_some_and(|(kind, subtype)| token(kind) && token(subtype));
        let why = Unfit("is no type: type/subtype, a star stands for any text");
        let pattern = text.parse().map_err(|_| why)?;
        if fits { Ok(Self(pattern)) } else { Err(why) }
    }
}

/// Why a text does not fit.
#[derive(Clone, Copy, Debug)]
struct Unfit(&'static str);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

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
