//! What a `[[source]]` means: one place, one format, one mode, and the keys that go with them.
//!
//! Each part has a file below; this one puts them together. Every wrong combination is an error,
//! because a key that silently does nothing is a list that is not enforced as somebody thinks.

mod database;
mod digests;
mod format;
pub(crate) mod keys;
mod login;
mod mode;
mod place;
mod presence;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use address::PersonRules;
use sources::{Guards, Share, Spec};
use suppression::Scope;
use url::Url;

use keys::Source;
pub(crate) use login::secret;
use place::Located;

use super::choice::KindWord;
use super::fault::{Fault, Severity};
use super::location::ListPlace;
use super::section::Said;
use super::settings::{Mode, Place, SourceSettings};

pub(crate) fn settle(
    sources: &[Source],
    folder: &Path,
    rules: &PersonRules,
    faults: &mut Vec<Fault>,
) -> Vec<SourceSettings> {
    let mut names: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut out = Vec::new();
    for source in sources {
        if let Some(said) = source.name.said() {
            let span = said.span().unwrap_or(0..0);
            // Names that differ in case only would be one list in many eyes.
            let folded = said.value.0.to_ascii_lowercase();
            match names.get(&folded) {
                Some(first) => faults.push(
                    Fault::at(span, format!("two sources are named \"{}\"", said.value.0))
                        .related(first.clone(), "the first is here")
                        .help("a name says in every refusal which list it was; give each its own"),
                ),
                None => {
                    names.insert(folded, span);
                }
            }
        }
        goes_with_kind(source, faults);
        if let Some(settings) = one(source, folder, rules, faults) {
            out.push(settings);
        }
    }
    out
}

/// Keys that mean something for one kind of entry only.
fn goes_with_kind(source: &Source, faults: &mut Vec<Fault>) {
    // Rows that say their own kind may be of any.
    if format::has_kinds(source) {
        return;
    }
    // Without a kind it is an export whose kind is found out, or a list of opt-outs.
    let kind = source.kind.get().copied();
    let word = kind.unwrap_or(KindWord::OptOut).as_str();
    if let Some(said) = source.basis.said().filter(|_| kind != Some(KindWord::Consent)) {
        faults.push(
            Fault::maybe_at(said.span(), format!("`basis` has no meaning for kind \"{word}\""))
                .help("only consents rest on something: kind = \"consent\""),
        );
    }
    let bounces = kind.is_none() || kind == Some(KindWord::Undeliverable);
    if let Some(said) = source.expire_after.said().filter(|_| !bounces) {
        let why = match kind {
            Some(KindWord::Consent) => "how long a consent lasts is said by basis",
            _ => "an opt-out, a complaint and a block never expire; only bounces do",
        };
        faults.push(
            Fault::maybe_at(said.span(), format!("kind \"{word}\" does not expire")).help(why),
        );
    }
    // An export of bounces may be recognised in a file; a query names what it asks for.
    if let (None, Some(said), Some(_)) = (kind, source.expire_after.said(), source.query.said()) {
        faults.push(
            Fault::maybe_at(
                said.span(),
                "`expire_after` is for bounces, and opt-outs never expire",
            )
            .severity(Severity::Warning)
            .help("a list of bounces says so: kind = \"undeliverable\""),
        );
    }
    let allowed = source.allow_subscribed.span().filter(|_| kind == Some(KindWord::Consent));
    if let Some(span) = allowed {
        faults.push(
            Fault::at(span, "`allow_subscribed` has no meaning for kind \"consent\"")
                .help("leave it out: consents are lists of people who may be mailed"),
        );
    }
}

/// What is forgotten of a bounce, unless said otherwise: a mailbox that was full or away is
/// tried again each quarter, one that is gone bounces again.
const BOUNCE_EXPIRES: Duration = Duration::from_secs(90 * 86_400);

/// Percent of its rows that a list may lose between two readings.
const SHRINKS: f64 = 20.0;
/// The same, where they are taken back.
const MIRROR_SHRINKS: f64 = 5.0;

fn one(
    source: &Source,
    folder: &Path,
    rules: &PersonRules,
    faults: &mut Vec<Fault>,
) -> Option<SourceSettings> {
    let hashed = digests::form(source, folder, faults);
    let salt = source.salt_file.get().map(|said| folder.join(&said.0));
    let located = place::located(source, faults)?;
    place::foreign(source, located, faults);
    let format = format::format(source, located, faults);
    let place = place_of(source, located, folder, faults);
    let mode = mode::mode(source, located, faults);
    // Who is missing from a mirrored list gets mail again: it must be a real change.
    let shrinks = if source.mirror.value.0 { MIRROR_SHRINKS } else { SHRINKS };
    let guards = Guards {
        allow_empty: source.allow_empty.value.0,
        shrink_limit: Share::percent(source.shrink_limit.get().map_or(shrinks, |said| said.0))?,
        bad_rows: Share::percent(source.bad_rows.value.0)?,
    };
    let name = source.name.get()?.0.clone();
    let spec = Spec {
        kind: source.kind.get().copied().map(Into::into),
        hashed,
        rules: rules.clone(),
        allow_subscribed: source.allow_subscribed.value.0,
        ..Spec::new(&name, format?)
    };
    let expire_after = match source.expire_after.get() {
        Some(said) => said.0.map(|span| span.0),
        None => Some(BOUNCE_EXPIRES),
    };
    let carried = carries(source, faults);
    if matches!(mode, Mode::Live(_)) && carried.iter().any(Scope::is_class) {
        faults.push(
            Fault::maybe_at(
                source.scope.span().or_else(|| source.scopes.said().and_then(Said::span)),
                "a list that is asked live cannot say who refuses a class of solicitation",
            )
            .help("read it into the ledger: leave mode out"),
        );
    }
    Some(SourceSettings {
        name,
        place: place?,
        spec,
        salt,
        scope: source.scope.value.0.clone(),
        carries: carried,
        mode,
        mirror: source.mirror.value.0,
        basis: source.basis.get().copied().map(Into::into).unwrap_or_default(),
        expire_after,
        max_age: source.max_age.get().map(|said| said.0),
        guards,
    })
}

/// Every scope its entries may have. `all` contains every other one.
fn carries(source: &Source, faults: &mut Vec<Fault>) -> Vec<Scope> {
    let own = source.scope.value.0.clone();
    match source.scopes.get() {
        Some(said) => {
            if source.scope.span().is_some()
                && !said.0.contains(&own)
                && !said.0.contains(&Scope::All)
            {
                let span = source.scopes.said().and_then(Said::span);
                faults.push(
                    Fault::maybe_at(span, "the scope of this source is not among its scopes")
                        .severity(Severity::Warning)
                        .help("its entries have that scope; is it the same word?"),
                );
            }
            let others = said.0.iter().filter(|scope| **scope != own).cloned().collect::<Vec<_>>();
            std::iter::once(own).chain(others).collect()
        }
        None if format::has_scopes(source) => vec![Scope::All],
        None => vec![own],
    }
}

fn place_of(
    source: &Source,
    located: Located<'_>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<Place> {
    let timeout = mode::timeout(source);
    let Located::List(_, said) = located else {
        let (access, question) = database::database(source, located, timeout, folder, faults)?;
        return Some(Place::Database(access, question));
    };
    Some(match &said.value {
        ListPlace::Path(path) => {
            let path = folder.join(path);
            presence::of_list(&path, said.span(), faults);
            Place::Files(path)
        }
        ListPlace::Web(url) => {
            let url = Said { value: url.clone(), origin: said.origin.clone() };
            let login = login::of_web(source, &url, folder, faults);
            let tls = login::tls(source, &url, folder, faults);
            Place::Url {
                url: without_user(url.value),
                user: login.user,
                password: login.password,
                tls,
                timeout,
            }
        }
    })
}

fn without_user(mut url: Url) -> String {
    // Only of what has no host can the name not be taken away, and that has none.
    let _ = url.set_username("");
    url.into()
}
