//! Case and Unicode: the two normal forms of a local part.
//!
//! *Exact*: canonical caseless matching (Unicode D145), that is full case folding and
//! NFC. *Comparison*: compatibility caseless matching (D146), the same with NFKC, so
//! that full-width letters and ligatures are no way around an opt-out. Both are
//! idempotent: they are repeated until nothing changes, and refused if that takes long.
//! The exact form decides equality, the comparison form is a function of it.
//!
//! Case folding, normalisation and character properties come from one library and so
//! from one version of Unicode. Unassigned characters are refused; what is assigned
//! keeps its folding and normal form in all later versions (Unicode stability policy),
//! so that stored keys stay right.
//!
//! Only ASCII *letters and digits* and harmless atext may come out of a non-ASCII
//! character: full-width `＠`, `％`, `！`, U+037E (`;`) or a spacing accent are refused.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::characters::{is_ignorable, is_mark, is_plain, is_unknown};
use crate::error::{self, AddressError};
use crate::narrow;

/// Rounds after which text must have come to rest. One is enough for nearly all.
const ROUNDS: usize = 4;

/// The exact form: canonical caseless.
pub(crate) fn exact_form(local: &str) -> Result<Cow<'_, str>, AddressError> {
    if local.is_ascii() {
        return Ok(lower_case(local));
    }
    refuse_unsafe(local)?;
    settle(local, ComposingNormalizerBorrowed::new_nfc()).map(Cow::Owned)
}

/// The comparison form of an exact form: compatibility caseless.
pub(crate) fn comparison_form(exact: &str) -> Result<Cow<'_, str>, AddressError> {
    if exact.is_ascii() {
        return Ok(Cow::Borrowed(exact));
    }
    settle(exact, ComposingNormalizerBorrowed::new_nfkc()).map(Cow::Owned)
}

fn lower_case(local: &str) -> Cow<'_, str> {
    if local.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(local.to_ascii_lowercase())
    } else {
        Cow::Borrowed(local)
    }
}

/// Folds and normalises until nothing changes, then checks the outcome again: what
/// came out must be as unambiguous as what went in.
fn settle(local: &str, normal: ComposingNormalizerBorrowed<'_>) -> Result<String, AddressError> {
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    let mut form = local.to_owned();
    for _ in 0..ROUNDS {
        let folded = CaseMapper::new().fold_string(&nfd.normalize(&form)).into_owned();
        let next = normal.normalize(&folded).into_owned();
        if next == form {
            refuse_unsafe(&form)?;
            narrow::one_reading(&form)?;
            return Ok(form);
        }
        form = next;
    }
    Err(error::UNSTABLE)
}

/// Refuses characters of which nobody can say what another program makes of them.
fn refuse_unsafe(local: &str) -> Result<(), AddressError> {
    // Such a mark would combine with a bracket, a quotation mark or the mark of a tag.
    let mut on_letter = false;
    for c in DecomposingNormalizerBorrowed::new_nfd().normalize(local).chars() {
        if !on_letter && is_mark(c) {
            return Err(error::STRAY_MARK);
        }
        on_letter = !c.is_ascii() || c.is_ascii_alphanumeric();
    }
    let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
    for c in local.chars().filter(|c| !c.is_ascii()) {
        if is_ignorable(c) || is_unknown(c) {
            return Err(error::INVISIBLE);
        }
        let mut buffer = [0; 4];
        let parts = nfkd.normalize(c.encode_utf8(&mut buffer));
        if parts.chars().any(|p| p.is_ascii() && !is_plain(p)) {
            return Err(error::COMPATIBILITY);
        }
    }
    Ok(())
}
