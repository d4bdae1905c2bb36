//! Postmark: the dump of a stream's suppressions, and what its web hook sends.

use suppression::Kind;

use super::provider::{ANY, Clues, Provider, Said};
use super::words;
use crate::columns::plain;

pub(super) const ALL: [Provider; 2] = [
    Provider {
        name: "Postmark's suppressions",
        fits: |look| look.has_all(&["emailaddress", "suppressionreason", "origin"]),
        email: &["emailaddress"],
        date: &["createdat"],
        reason: &["suppressionreason"],
        asks: &["suppressionreason", "origin", "suppresssending", "messagestream"],
        says,
        ..ANY
    },
    Provider {
        name: "changes of subscription that Postmark's web hook sends",
        fits: |look| look.has_all(&["recipient", "suppresssending", "changedat"]),
        email: &["recipient"],
        date: &["changedat"],
        reason: &["suppressionreason"],
        asks: &["suppressionreason", "origin", "suppresssending", "messagestream"],
        says,
        ..ANY
    },
];

fn says(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    if words::yes(cells.at(2)) == Some(false) {
        return Err("was reactivated");
    }
    let one = match (plain(cells.at(0)).as_str(), plain(cells.at(1)).as_str()) {
        ("hardbounce", _) => Said::of(Kind::Undeliverable),
        ("spamcomplaint", _) => Said::of(Kind::Complaint),
        ("manualsuppression", "customer" | "admin") => Said::of(Kind::Manual),
        ("manualsuppression", _) => Said::of(Kind::OptOut),
        ("", _) => Said::nothing(),
        _ => Said::odd(),
    };
    // The two streams that every server has are no lists of their own.
    let stream = match plain(cells.at(3)).as_str() {
        "outbound" | "broadcast" | "broadcasts" => None,
        _ => words::scope(cells.at(3)),
    };
    said.push(one.within(stream));
    Ok(())
}
