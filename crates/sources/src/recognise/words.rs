//! The words that lists use for kinds and scopes (`docs/sources.md`, "Words for kinds").

use suppression::{Kind, Scope};

use crate::columns::plain;

/// What a word in a column of kinds says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing of its own, or yes: what the source says of its rows.
    Default,
    /// That the row is of this kind.
    Kind(Kind),
    /// That nothing speaks against mail.
    Not,
    /// Something that is not known.
    Odd,
}

const OPT_OUT: [&str; 29] = [
    "optout",
    "optedout",
    "out",
    "unsub",
    "unsubs",
    "unsubscribe",
    "unsubscribed",
    "unsubscription",
    "unsubscribes",
    "globalunsubscribe",
    "groupunsubscribe",
    "listunsubscribe",
    "unsubscribelink",
    "unsubscribeall",
    "unsubscribedviama",
    "unsubscribedviaemail",
    "unsubscribedviaapi",
    "recipientunsubscribed",
    "removed",
    "optoutall",
    "donotcontact",
    "donotmail",
    "donotemail",
    "blocklisted",
    "blacklisted",
    "abgemeldet",
    "abmeldung",
    "desinscrit",
    "désinscrit",
];

const COMPLAINT: [&str; 17] = [
    "complaint",
    "complaints",
    "complained",
    "complainer",
    "spam",
    "spamreport",
    "spamreports",
    "spamcomplaint",
    "spamreported",
    "reportedspam",
    "markedasspam",
    "contactflaggedasspam",
    "abuse",
    "abusereport",
    "abusecomplaint",
    "feedbackloop",
    "fbl",
];

const MANUAL: [&str; 20] = [
    "manual",
    "manuallyadded",
    "manualblock",
    "manualsuppression",
    "block",
    "blocked",
    "blocklist",
    "blacklist",
    "adminblocked",
    "admin",
    "custom",
    "customer",
    "rule",
    "policy",
    "compliance",
    "locked",
    "legal",
    "suppressed",
    "suppression",
    "banned",
];

const UNDELIVERABLE: [&str; 25] = [
    "undeliverable",
    "bounce",
    "bounces",
    "bounced",
    "bouncerule",
    "hardbounce",
    "hardbounced",
    "hard",
    "permanent",
    "permanentbounce",
    "softbounce",
    "softbounced",
    "soft",
    "transient",
    "temporary",
    "invalid",
    "invalidemail",
    "invalidaddress",
    "cleaned",
    "dead",
    "unknownuser",
    "unreachable",
    "portalbounce",
    "globalbounce",
    "mailboxfull",
];

/// Words of rows that say that somebody may be mailed.
const NOT: [&str; 22] = [
    "subscribed",
    "optin",
    "optedin",
    "confirmed",
    "active",
    "enabled",
    "in",
    "none",
    "ok",
    "valid",
    "deliverable",
    "allowed",
    "allow",
    "allowlisted",
    "whitelisted",
    "reactivated",
    "false",
    "no",
    "0",
    "nein",
    "non",
    "unconfirmed",
];

/// What the word in a column of kinds says. Case, spaces and punctuation do not count.
pub(crate) fn kind(cell: &str) -> Word {
    let word = plain(cell);
    if word.is_empty() || yes(cell) == Some(true) {
        return Word::Default;
    }
    let is = |words: &[&str]| words.contains(&word.as_str());
    match () {
        () if is(&OPT_OUT) => Word::Kind(Kind::OptOut),
        () if is(&COMPLAINT) => Word::Kind(Kind::Complaint),
        () if is(&MANUAL) => Word::Kind(Kind::Manual),
        () if is(&UNDELIVERABLE) => Word::Kind(Kind::Undeliverable),
        () if word == "consent" || word == "consented" => Word::Kind(Kind::Consent),
        () if is(&NOT) => Word::Not,
        // `5.1.1 user unknown`, `hard bounce (550)`.
        () => Word::Odd,
    }
}

/// The scope that a cell names; none for what stands for everything, or for nothing.
pub(crate) fn scope(cell: &str) -> Option<Scope> {
    let word = plain(cell);
    let everything = ["global", "account", "any", "default", "null", "none"];
    if cell.trim() == "*" || word.is_empty() || everything.contains(&word.as_str()) {
        return None;
    }
    cell.parse().ok()
}

/// Yes and no, as exports write them.
pub(crate) fn yes(cell: &str) -> Option<bool> {
    match plain(cell).as_str() {
        "true" | "yes" | "y" | "t" | "1" | "ja" | "oui" | "on" => Some(true),
        "false" | "no" | "n" | "f" | "0" | "nein" | "non" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_one_thing() {
        let all: Vec<_> = [&OPT_OUT[..], &COMPLAINT, &MANUAL, &UNDELIVERABLE, &NOT].concat();
        for word in &all {
            assert_eq!(plain(word), *word, "words are in their plain form");
            assert_eq!(all.iter().filter(|other| *other == word).count(), 1, "{word}");
        }
        for own in Kind::ALL.into_iter().filter(|own| *own != Kind::Withdrawn) {
            assert_eq!(kind(own.as_str()), Word::Kind(own), "our own words are among them");
        }
    }

    #[test]
    fn the_words_of_the_providers() {
        for (word, expected) in [
            ("contactFlaggedAsSpam", Kind::Complaint),
            ("SpamComplaint", Kind::Complaint),
            ("spam_report", Kind::Complaint),
            ("unsubscribedViaMA", Kind::OptOut),
            ("List Unsubscribe", Kind::OptOut),
            ("Unsubscribe Link", Kind::OptOut),
            ("hard-bounce", Kind::Undeliverable),
            ("HardBounce", Kind::Undeliverable),
            ("BOUNCE", Kind::Undeliverable),
            ("adminBlocked", Kind::Manual),
            ("Manually Added", Kind::Manual),
            ("Compliance", Kind::Manual),
            (" custom ", Kind::Manual),
        ] {
            assert_eq!(kind(word), Word::Kind(expected), "{word}");
        }
        for blank in [" - ", "", "TRUE", "1"] {
            assert_eq!(kind(blank), Word::Default);
        }
        assert_eq!(kind("Subscribed"), Word::Not);
        assert_eq!(kind("gone fishing"), Word::Odd);
    }

    #[test]
    fn a_scope_is_a_name_or_everything() {
        for blank in ["", " ", "*", "global", "Account", "NULL"] {
            assert_eq!(scope(blank), None, "{blank:?}");
        }
        assert_eq!(scope("All"), Some(Scope::All));
        assert_eq!(scope(" news "), Some(Scope::Named("news".to_owned())));
    }
}
