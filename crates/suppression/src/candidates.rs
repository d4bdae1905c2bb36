//! The spellings under which an address may stand on a list of digests. Nobody can tell from a
//! digest how the address was written, so each of them is tried: what was written, and the forms
//! under which a list in plain would have matched, as far as they can be counted.
//!
//! An address on the list with other dots, another tag or the other domain of its provider than
//! these is not found: that would take a digest of every such spelling.

use address::Canonical;
use smallvec::SmallVec;

/// Spellings of one address, before anything is done to them. Few; some may be the same.
pub(crate) type Spellings = SmallVec<[String; 12]>;

/// Of the address and the person behind it. `written`: as it was received.
pub(crate) fn of_person(written: &str, address: &Canonical) -> Spellings {
    let exact = split(address.exact());
    let person = split(address.person());
    let untagged = untagged(exact.0, person.0);
    let mut spellings = Spellings::new();
    spellings.push(written.to_owned());
    if let Some((local, domain)) = written.rsplit_once('@')
        && local.eq_ignore_ascii_case(exact.0)
        && let Some(local) = local.get(..untagged.len())
    {
        spellings.push(format!("{local}@{domain}"));
    }
    let unicode = address.domain_in_unicode();
    for domain in [Some(exact.1), unicode.as_deref(), Some(person.1)].into_iter().flatten() {
        for local in [exact.0, untagged, person.0] {
            spellings.push(format!("{local}@{domain}"));
        }
    }
    spellings
}

/// Of its whole domain, and of the domain that this is only another name of.
pub(crate) fn of_domain(address: &Canonical) -> Spellings {
    let unicode = address.domain_in_unicode();
    let person = split(address.person()).1;
    let names = [Some(address.domain()), unicode.as_deref(), Some(person)];
    names.into_iter().flatten().flat_map(|name| [name.to_owned(), format!("@{name}")]).collect()
}

/// A canonical form has exactly one at sign.
fn split(address: &str) -> (&str, &str) {
    address.rsplit_once('@').unwrap_or((address, ""))
}

/// The local part without its tag, with its dots: its shortest beginning that is the person,
/// but for dots. Told from the two forms, without the rules that made one of the other.
fn untagged<'a>(exact: &'a str, person: &str) -> &'a str {
    let letters = |text: &str| text.replace('.', "");
    let person = letters(person);
    let behind = exact.char_indices().filter(|(_, c)| *c != '.').nth(person.chars().count());
    let beginning = behind.and_then(|(at, _)| exact.get(..at)).unwrap_or(exact);
    let beginning = beginning.trim_end_matches('.');
    if letters(beginning) == person { beginning } else { exact }
}
