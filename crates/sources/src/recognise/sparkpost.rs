//! SparkPost (Bird): the file one uploads, those of `sparkySuppress`, what its command line prints,
//! and the JSON of its API.

use suppression::{Kind, Scope};

use super::look::Look;
use super::provider::{ANY, Clues, Provider, Said};
use super::words::{self, Word};
use crate::columns::plain;

pub(super) const ALL: [Provider; 1] = [Provider {
    name: "SparkPost's suppression list",
    fits: is_list,
    email: &["recipient"],
    date: &["created", "updated"],
    reason: &["description", "source"],
    asks: &["source", "type", "transactional", "nontransactional", "listid"],
    says,
    ..ANY
}];

const COLUMNS: [&str; 11] = [
    "recipient",
    "type",
    "source",
    "description",
    "listid",
    "created",
    "updated",
    "subaccountid",
    "transactional",
    "nontransactional",
    "id",
];

fn is_list(look: &Look<'_>) -> bool {
    let typed = |cell: &str| matches!(plain(cell).as_str(), "transactional" | "nontransactional");
    look.has("recipient")
        && look.has_only(&COLUMNS)
        && ((look.has("type") && look.cells("type").all(typed))
            || look.has_all(&["transactional", "nontransactional"])
            || look.has_all(&["source", "description"]))
}

fn says(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    let one = match words::kind(cells.at(0)) {
        Word::Kind(kind) if kind != Kind::Consent => Said::of(kind),
        // An upload says no source.
        Word::Default => Said::nothing(),
        _ => Said::odd(),
    };
    let (transactional, other) = (words::yes(cells.at(2)), words::yes(cells.at(3)));
    let scope = match (plain(cells.at(1)).as_str(), transactional, other) {
        (_, Some(true), _) | ("transactional", _, _) => Some(Scope::All),
        (_, _, Some(true)) | ("nontransactional", _, _) => Some(Scope::Commercial),
        (_, Some(false), Some(false)) => return Err("is suppressed for neither kind of mail"),
        _ => None,
    };
    said.push(one.within(words::scope(cells.at(4)).or(scope)));
    Ok(())
}
