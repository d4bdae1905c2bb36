//! Forms of the keys of the checks over content.

use std::fmt;
use std::str::FromStr;

use policy::{GateVerdict, NoticeWords, PostalAddress};

use crate::config::choice::{choice, word};
use crate::config::fault::Fault;
use crate::config::form::{Form, Given, quoted};
use crate::config::naming::show_list;
use crate::config::pattern::{Patterns, patterns};

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
        pub(crate) struct $name(pub(super) Patterns<$one>);

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
pub(super) struct Address(pub(super) PostalAddress);

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
pub(super) struct NoticeWord(pub(super) String);

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
pub(super) struct FileName(pub(super) policy::Pattern);

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
pub(super) struct MediaType(pub(super) policy::Pattern);

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
pub(super) struct Unfit(&'static str);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
