//! Mailchimp, where the state of everybody in a file stands in its name alone, and Mandrill, its
//! transactional side.

use suppression::Kind;

use super::look::Look;
use super::provider::{ANY, Clues, Provider, Said, Standing, opt_out, undeliverable};
use super::words::{self, Word};
use crate::cell::looks_like_address;
use crate::columns::is_email_name;

pub(super) const ALL: [Provider; 5] = [
    Provider {
        name: "Mailchimp's cleaned addresses",
        fits: |look| is_mailchimp(look) && state(look) == State::Cleaned,
        email: EMAIL,
        date: &["cleantime"],
        reason: &["cleancampaigntitle"],
        says: undeliverable,
        ..ANY
    },
    Provider {
        name: "Mailchimp's unsubscribed people",
        fits: |look| is_mailchimp(look) && state(look) == State::Unsubscribed,
        email: EMAIL,
        date: &["unsubtime", "lastchanged"],
        reason: &["unsubreason"],
        says: opt_out,
        ..ANY
    },
    Provider {
        name: "people of Mailchimp who never subscribed",
        fits: |look| is_mailchimp(look) && state(look) == State::Never,
        email: EMAIL,
        says: unsaid,
        standing: Standing::In(
            "this looks like Mailchimp's export of people who never subscribed (nonsubscribed_…): \
             they did not opt out",
        ),
        ..ANY
    },
    Provider {
        name: "Mailchimp's subscribed people",
        fits: |look| is_mailchimp(look) && state(look) == State::Subscribed,
        email: EMAIL,
        says: unsaid,
        standing: Standing::In(
            "this looks like Mailchimp's export of people who are subscribed: that is its name, \
             or it has OPTIN_TIME and neither UNSUB_TIME nor CLEAN_TIME",
        ),
        ..ANY
    },
    Provider {
        name: "Mandrill's rejections",
        fits: |look| look.has_all(&["email", "reason", "detail", "expiresat", "lasteventat"]),
        email: &["email"],
        date: &["createdat"],
        reason: &["detail"],
        until: &["expiresat"],
        asks: &["reason"],
        says: rejection,
        ..ANY
    },
];

const EMAIL: &[&str] = &["emailaddress", "email"];

/// The last columns are in every export, whatever language the first are in.
fn is_mailchimp(look: &Look<'_>) -> bool {
    look.has_all(&["leid", "euid"])
        || look.has_all(&["emailaddress", "optintime"])
        || look.has_all(&["memberrating", "optintime"])
        || is_of_subscribed(look)
}

/// Of an export whose other columns somebody took out the name is left.
fn is_of_subscribed(look: &Look<'_>) -> bool {
    let named =
        ["subscribed_", "nonsubscribed_"].iter().any(|start| look.file().starts_with(start));
    let with_address = look.names.iter().any(|name| is_email_name(name))
        || look.sample.rows.iter().flatten().any(|cell| looks_like_address(cell));
    named && with_address
}

#[derive(PartialEq)]
enum State {
    Cleaned,
    Unsubscribed,
    Never,
    Subscribed,
}

/// What the columns say goes before the name: files are renamed.
fn state(look: &Look<'_>) -> State {
    let file = look.file();
    match () {
        () if look.has("cleantime") => State::Cleaned,
        () if look.has("unsubtime") => State::Unsubscribed,
        () if file.starts_with("cleaned") => State::Cleaned,
        () if file.starts_with("unsubscribed") => State::Unsubscribed,
        () if file.starts_with("nonsubscribed") => State::Never,
        () => State::Subscribed,
    }
}

/// Of people who may be mailed, where a setting says that the file is right all the same.
fn unsaid(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    if !cells.everybody {
        return Err("may be mailed");
    }
    said.push(Said::nothing());
    Ok(())
}

fn rejection(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    said.push(match words::kind(cells.at(0)) {
        Word::Kind(kind) if kind != Kind::Consent => Said::of(kind),
        Word::Default => Said::nothing(),
        _ => Said::odd(),
    });
    Ok(())
}
