//! The lists of a made-up company: an address itself says what they know of it.

use address::Canonical;
use policy::{ClassRefusal, Inquiry, Lists, LookUp, Lookup, StreamRule};
use suppression::{
    AddressKeys, Day, Digest, Kind, Scope, Stream, StreamClass, Subject, Suppression,
};

use crate::setup::Setup;
use crate::solicits;

/// Suppressed: `no...@`; unknown: `maybe...@`; asked live: local parts ending in `l`, or
/// nearly all. On one stream only: `noreceipt...@`, `noads...@`, `maybeads...@`.
#[derive(Debug)]
pub(crate) struct MadeUpLists {
    /// Only local parts ending in `1` are known without asking.
    pub(crate) live: bool,
}

/// What the lists say of an address for a stream: permitted, refused or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Permitted,
    Suppressed,
    Unknown,
}

/// The stream that has everything no rule fits.
pub(crate) const REST: &str = "default";
pub(crate) const RECEIPTS: &str = "receipts";

pub(crate) fn fact(address: &str, stream: &str) -> Fact {
    let address = address.to_ascii_lowercase();
    let (of, fact) = if address.starts_with("noreceipt") {
        (Some(RECEIPTS), Fact::Suppressed)
    } else if address.starts_with("noads") {
        (Some(REST), Fact::Suppressed)
    } else if address.starts_with("maybeads") {
        (Some(REST), Fact::Unknown)
    } else if address.starts_with("no") {
        (None, Fact::Suppressed)
    } else if address.starts_with("maybe") {
        (None, Fact::Unknown)
    } else {
        (None, Fact::Permitted)
    };
    if of.is_none_or(|of| of == stream) { fact } else { Fact::Permitted }
}

pub(crate) fn opinion(address: &Canonical, stream: &Stream) -> Lookup {
    match fact(address.exact(), &stream.name) {
        Fact::Permitted => Lookup::Clear,
        Fact::Unknown => Lookup::Unknown("list".to_owned()),
        Fact::Suppressed => Lookup::Suppressed(Suppression {
            source: "list".to_owned(),
            kind: Kind::OptOut,
            scope: Scope::Commercial,
            since: Day::from_number(20_000),
            subject: Subject::Address,
            position: 7,
        }),
    }
}

impl Lists for MadeUpLists {
    fn login_key(&self, _: &str) -> Digest {
        Digest([3; 32])
    }

    fn keys(&self, _: &Canonical) -> AddressKeys {
        AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) }
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        let address = inquiry.address;
        let known = if self.live { address.exact().contains("1@") } else { true };
        if address.exact().contains("l@") || !known {
            LookUp::Later
        } else {
            LookUp::Now(inquiry.streams.iter().map(|stream| opinion(address, stream)).collect())
        }
    }

    fn refused_classes(&self, inquiry: &Inquiry<'_>) -> Vec<ClassRefusal> {
        solicits::refused(inquiry.address.exact())
    }

    fn epoch(&self) -> u64 {
        1
    }
}

/// Whether the made-up lists hold it: answered 250 all the same under `drop`.
pub(crate) fn is_listed(path: &str, stream: &str) -> bool {
    fact(path.trim_matches(['<', '>']), stream) == Fact::Suppressed
}

/// Those that session `number` writes to.
pub(crate) fn addresses(setup: Setup, number: usize) -> Vec<String> {
    let all = [
        "yes1", "yes2", "yes3", "yes4", "yes5", "yesl", "no1", "no2", "nol", "maybe1", "NO1",
        "no1+tag", "\"no1\"",
    ];
    let some = [
        "noads1",
        "noads2",
        "noads3",
        "noadsl",
        "NoAds4",
        "noreceipt1",
        "noreceipt2",
        "maybeads1",
        "yes1",
        "yes2",
        "no1",
        "maybe1",
    ];
    let mixed = [
        "noads1",
        "noads2",
        "noadsl",
        "noreceipt1",
        "maybeads1",
        "yes1",
        "yes2",
        "yes3",
        "yesl",
        "no1",
        "maybe1",
        "adfree1",
        "AdFreel",
        "perhaps1",
    ];
    let locals: &[&str] = match setup {
        Setup::Solicit => &solicits::LOCALS,
        Setup::Everything => &mixed,
        _ if setup.has_streams() => &some,
        _ => &all,
    };
    locals.iter().map(|local| format!("<{local}@s{number}.example>")).collect()
}

pub(crate) fn rules() -> Vec<StreamRule> {
    let receipts = StreamRule {
        stream: Stream::new(RECEIPTS, StreamClass::Transactional),
        header: vec![("X-Kind".parse().unwrap(), vec!["receipt*".parse().unwrap()])],
        ..StreamRule::default()
    };
    vec![receipts]
}
