//! What the ledger does not take, whoever brings it: a text about a person where no erasure
//! reaches, and entries that make no sense: what must never lapse is not
//! given a day to lapse on, and nothing is taken back by the way (DESIGN s4).

use suppression::{Kind, NewEntry, Subject};

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
        Kind::Consent if entry.subject == Subject::Domain => {
            Some("a consent is given by a person, not by a whole domain")
        }
        Kind::Consent if entry.subject != Subject::Address => {
            Some("of a digest nobody can tell who has given the consent")
        }
        _ if (entry.subject == Subject::Address) == entry.keys.are_one() => {
            Some("its digests are not those of what it is about")
        }
        Kind::Undeliverable | Kind::Consent if lapses_before_it_began => {
            Some("it expires before the time it was stated")
        }
        Kind::OptOut | Kind::Complaint | Kind::Manual | Kind::Undeliverable | Kind::Consent => None,
    }
}

/// Whether a text holds something like an address: something before an at sign and after it.
#[must_use]
pub fn names_address(text: &str) -> bool {
    text.match_indices('@').any(|(at, sign)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + sign.len()..).and_then(|text| text.chars().next());
        before.is_some_and(|c| !c.is_whitespace() && !"(<[{,;:".contains(c))
            && after.is_some_and(|c| c.is_alphanumeric() || c == '[')
    })
}

#[cfg(test)]
mod tests {
    use super::names_address;

    #[test]
    fn something_on_both_sides_of_an_at_sign_is_an_address() {
        for text in [
            "a@b",
            "file held <pat@example.com>",
            "\"p q\"@example.com",
            "é@münchen.example",
            "a@[192.0.2.1]",
        ] {
            assert!(names_address(text), "{text}");
        }
        for text in ["", "ticket 311", "3 @ 5 euro", "the list @home", "(@home)", "meet @", "a@ b"]
        {
            assert!(!names_address(text), "{text}");
        }
    }
}
