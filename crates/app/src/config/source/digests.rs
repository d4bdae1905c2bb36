//! A list of digests: how they are made.

use std::path::Path;
use std::sync::Arc;

use suppression::{HashedForm, Kind, Salt};

use super::keys::Source;
use super::login;
use crate::config::choice::{KindWord, NormaliseWord, SaltPlaceWord};
use crate::config::fault::Fault;
use crate::config::section::{Maybe, Said};

/// The form of the digests; none for a list of addresses, or where it is not right.
pub(crate) fn form(
    source: &Source,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<Arc<HashedForm>> {
    if matches!(source.hashed, Maybe::Absent) {
        without(source, faults);
        return None;
    }
    let said = source.hashed.said()?;
    if source.kind.get() == Some(&KindWord::Consent) {
        faults.push(
            Fault::maybe_at(
                said.span(),
                format!("a list of kind \"{}\" is not hashed", Kind::Consent),
            )
            .help("a consent counts for exactly the address that gave it, so it has to be known"),
        );
    }
    let normalise = source.normalise.get().copied().unwrap_or(NormaliseWord::Lower);
    Some(Arc::new(HashedForm {
        algorithm: said.value.into(),
        normalise: normalise.into(),
        salt: salt(source, folder, faults)?,
    }))
}

/// Without its salt the list would be looked up by digests that nobody has, and all its people
/// mailed: no gate starts like that.
fn salt(source: &Source, folder: &Path, faults: &mut Vec<Fault>) -> Option<Salt> {
    let keys = ("salt", &source.salt_file, &source.salt_env);
    let span = source.salt_file.said().and_then(Said::span);
    let span = span.or(source.salt_env.said().and_then(Said::span));
    let mut missing = Vec::new();
    let before = missing.len();
    let place = login::secret(keys, folder, &mut missing);
    if missing.len() > before {
        let error = crate::config::fault::Severity::Error;
        faults.extend(missing.into_iter().map(|fault| fault.severity(error)));
        return None;
    }
    let Some(place) = place else {
        if let Some(said) = source.salt_place.said() {
            faults.push(
                Fault::maybe_at(said.span(), "`salt_place` has no meaning without a salt")
                    .help("leave it out, or name the salt: salt_file = \"...\""),
            );
        }
        let bad = matches!(source.salt_file, Maybe::Bad) || matches!(source.salt_env, Maybe::Bad);
        return (!bad).then(Salt::default);
    };
    match place.read() {
        Ok(salt) => {
            let text = salt.expose().clone();
            Some(match source.salt_place.get() {
                Some(SaltPlaceWord::Behind) => Salt { behind: text, ..Salt::default() },
                Some(SaltPlaceWord::Before) | None => Salt { before: text, ..Salt::default() },
            })
        }
        Err(error) => {
            faults.push(Fault::maybe_at(span, error.to_string()));
            None
        }
    }
}

/// Keys that say how digests are made, of a list that has none.
fn without(source: &Source, faults: &mut Vec<Fault>) {
    let keys = [
        ("normalise", source.normalise.said().and_then(Said::span)),
        ("salt_file", source.salt_file.said().and_then(Said::span)),
        ("salt_env", source.salt_env.said().and_then(Said::span)),
        ("salt_place", source.salt_place.said().and_then(Said::span)),
    ];
    for (key, span) in keys {
        if let Some(span) = span {
            faults.push(
                Fault::at(span, format!("`{key}` has no meaning for a list of addresses"))
                    .help("leave it out, or say which digests it holds: hashed = \"md5\""),
            );
        }
    }
}
