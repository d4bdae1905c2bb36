//! `consent`: permission, and what proves it.

use app::clerk::{Addition, Withdrawn};
use suppression::Kind;

use super::import::{self, Meaning};
use super::intake::{self, usage};
use super::withdraw;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::{Consent, ConsentAdd, ConsentImport, ConsentVerb, ConsentWithdraw};

pub(crate) fn run(words: Consent, out: &Out) -> anyhow::Result<Exit> {
    match words.what {
        ConsentVerb::Add(add) => run_add(add, out),
        ConsentVerb::Import(import) => run_import(*import, out),
        ConsentVerb::Withdraw(words) => run_withdraw(words, out),
    }
}

fn run_add(words: ConsentAdd, out: &Out) -> anyhow::Result<Exit> {
    let evidence = intake::evidence(words.evidence)?;
    if words.reason.is_none() && evidence.is_empty() {
        return Err(Ended::error(
            Exit::Usage,
            "a consent that nothing proves is none: say with --reason or --evidence where and how it was given",
        ));
    }
    let addition = Addition {
        kind: Kind::Consent,
        scope: words.scope.parse().map_err(usage)?,
        domains: false,
        stated: intake::time(words.date.as_deref())?,
        expires: None,
        basis: words.basis.parse().map_err(usage)?,
        addresses: words.addresses,
        source: words.source,
        reason: words.reason,
        evidence,
    };
    intake::add(&words.file, addition, out)
}

fn run_import(words: ConsentImport, out: &Out) -> anyhow::Result<Exit> {
    if let Some(import) = words.list.undo {
        let reason = words.list.reason.unwrap_or_default();
        return withdraw::run(&words.file, Withdrawn::Import(import), None, reason, out);
    }
    let basis = words.basis.parse().map_err(usage)?;
    let meaning = Meaning { kind: Some(Kind::Consent), expire_after: None, basis };
    import::import(&words.file, words.list, meaning, out)
}

fn run_withdraw(words: ConsentWithdraw, out: &Out) -> anyhow::Result<Exit> {
    let what = match (words.entry, words.address.unwrap_or_default()) {
        (Some(entry), _) => Withdrawn::Entry(entry),
        (None, address) => Withdrawn::Consents(address),
    };
    withdraw::run(&words.file, what, None, words.reason, out)
}
