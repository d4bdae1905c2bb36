//! Which entries the ledger does not take, whoever brings them: what must never lapse is not
//! given a day to lapse on, and nothing is taken back by the way (DESIGN s4).

use suppression::{Kind, NewEntry};

/// Why an entry is not taken; none when it is. For readers of lists, so that one bad row does
/// not cost a batch.
#[must_use]
pub fn unfit(entry: &NewEntry) -> Option<&'static str> {
    let lapses_before_it_began =
        entry.expires.zip(entry.stated).is_some_and(|(expires, stated)| expires < stated);
    match entry.kind {
        Kind::Withdrawn => Some("what was recorded is taken back by naming its row or import"),
        Kind::OptOut | Kind::Complaint | Kind::Manual if entry.expires.is_some() => {
            Some("opt-outs, complaints and blocks never expire")
        }
        Kind::Consent if entry.keys.is_domain() => {
            Some("a consent is given by a person, not by a whole domain")
        }
        Kind::Undeliverable | Kind::Consent if lapses_before_it_began => {
            Some("it expires before the time it was stated")
        }
        Kind::OptOut | Kind::Complaint | Kind::Manual | Kind::Undeliverable | Kind::Consent => None,
    }
}
