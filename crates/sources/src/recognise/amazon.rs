//! Amazon SES: the account's suppression list, in its three forms, and contact lists.

use suppression::Kind;

use super::provider::{ANY, Clues, Provider, Said};
use super::words::{self, Word};
use crate::columns::plain;

pub(super) const ALL: [Provider; 3] = [
    Provider {
        name: "a contact list of Amazon SES",
        fits: |look| {
            look.has("emailaddress")
                && look.has("unsubscribeall")
                && look.names.iter().any(|name| is_topics(name))
        },
        email: &["emailaddress"],
        date: &["lastupdatedtimestamp"],
        asks: &["unsubscribeall"],
        others: |look, at| look.names.get(at).is_some_and(|name| is_topics(name)),
        says: of_topics,
        ..ANY
    },
    Provider {
        name: "Amazon SES's suppression list",
        fits: |look| {
            let word = |cell: &str| reason(cell).is_some();
            look.has_all(&["emailaddress", "reason"])
                && look.has_only(&["emailaddress", "reason", "lastupdatetime"])
                && look.cells("reason").all(word)
        },
        email: &["emailaddress"],
        date: &["lastupdatetime"],
        reason: &["reason"],
        asks: &["reason"],
        says: of_reason,
        ..ANY
    },
    Provider {
        name: "Amazon SES's suppression list",
        fits: |look| {
            look.unnamed().is_some_and(|rows| {
                let with_reason = |row: &Vec<String>| {
                    row.len() == 2 && row.get(1).is_some_and(|cell| reason(cell).is_some())
                };
                // Dirt has no reason behind it.
                rows.iter().any(with_reason)
                    && rows.iter().filter(|row| row.len() > 1).all(with_reason)
            })
        },
        email: &["#1"],
        reason: &["#2"],
        asks: &["#2"],
        says: of_reason,
        ..ANY
    },
];

fn reason(cell: &str) -> Option<Kind> {
    match cell.trim().to_ascii_uppercase().as_str() {
        "BOUNCE" => Some(Kind::Undeliverable),
        "COMPLAINT" => Some(Kind::Complaint),
        _ => None,
    }
}

fn of_reason(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    said.push(match (reason(cells.at(0)), words::kind(cells.at(0))) {
        (Some(kind), _) | (None, Word::Kind(kind)) => Said::of(kind),
        (None, Word::Default) => Said::nothing(),
        (None, Word::Not | Word::Odd) => Said::odd(),
    });
    Ok(())
}

/// `topicPreferences.News` of a CSV file, `TopicPreferences.TopicName` of JSON; not the defaults
/// of the list, which are nobody's wish.
fn is_topics(name: &str) -> bool {
    plain(name).starts_with("topicpreferences")
}

fn of_topics(clues: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    if words::yes(clues.at(0)) == Some(true) {
        said.push(Said::of(Kind::OptOut));
        return Ok(());
    }
    let parts = |wanted: &str| {
        let of = clues.others.iter().filter(|(name, _)| plain(last(name)) == wanted);
        of.flat_map(|(_, cell)| cell.split("; ")).map(str::trim).collect::<Vec<_>>()
    };
    let (names, states) = (parts("topicname"), parts("subscriptionstatus"));
    let out = |state: &str| plain(state) == "optout";
    if names.is_empty() {
        let topics = clues.others.iter().filter(|(_, cell)| out(cell));
        said.extend(topics.map(|(name, _)| of_topic(last(name))));
    } else if names.len() == states.len() {
        let topics = names.iter().zip(&states).filter(|(_, state)| out(state));
        said.extend(topics.map(|(name, _)| of_topic(name)));
    } else if states.iter().any(|state| out(state)) {
        // Which of them it is cannot be told.
        said.push(Said::of(Kind::OptOut));
    }
    if said.is_empty() { Err("has not opted out of any topic") } else { Ok(()) }
}

fn of_topic(name: &str) -> Said {
    Said::of(Kind::OptOut).within(words::scope(name))
}

/// `News` of `topicPreferences.News`.
fn last(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}
