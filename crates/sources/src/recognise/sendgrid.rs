//! SendGrid (Twilio): bounces, blocks, spam reports, invalid addresses, global unsubscribes and
//! groups ("ASM"), as CSV of its pages, JSON of its API v3, and XML of the API before.
//!
//! Some of these have few and usual columns, that somebody's own list may have as well. Where they
//! mean less than an opt-out, the order of the columns and times in Unix seconds must fit too.

use suppression::{Kind, Scope};

use super::look::Look;
use super::provider::{ANY, Clues, Provider, Said, complaint, opt_out, undeliverable};

pub(super) const ALL: [Provider; 7] = [
    Provider {
        name: "SendGrid's blocks",
        fits: |look| is_bounces(look) && look.file().contains("block"),
        email: &["email"],
        date: &["created"],
        reason: &["reason"],
        says: undeliverable,
        ..ANY
    },
    Provider {
        name: "SendGrid's bounces",
        fits: is_bounces,
        email: &["email"],
        date: &["created"],
        reason: &["reason"],
        says: undeliverable,
        ..ANY
    },
    Provider {
        name: "SendGrid's spam reports",
        fits: |look| {
            in_order(look, &["ip", "email", "created"])
                || in_order(look, &["created", "email", "ip"])
                || is_legacy(look, "/spamreports/spamreport")
        },
        email: &["email"],
        date: &["created"],
        says: complaint,
        certain: false,
        ..ANY
    },
    Provider {
        name: "SendGrid's invalid addresses",
        fits: |look| {
            in_order(look, &["reason", "email", "created"])
                || in_order(look, &["created", "email", "reason"])
                || is_legacy(look, "/invalidemails/invalidemail")
        },
        email: &["email"],
        date: &["created"],
        reason: &["reason"],
        says: undeliverable,
        certain: false,
        ..ANY
    },
    Provider {
        name: "the unsubscribes of a group of SendGrid",
        fits: |look| look.is(&["email", "created"]) && group_of(look).is_some(),
        email: &["email"],
        date: &["created"],
        says: opt_out,
        scope: group_of,
        certain: false,
        ..ANY
    },
    Provider {
        name: "the unsubscribes of the groups of SendGrid",
        fits: |look| look.has_all(&["email", "groupid", "groupname", "createdat"]),
        email: &["email"],
        date: &["createdat"],
        asks: &["groupname", "groupid"],
        says: of_group,
        ..ANY
    },
    Provider {
        name: "SendGrid's global unsubscribes",
        fits: |look| {
            (look.is(&["email", "created"]) && unix_seconds(look, "created"))
                || is_legacy(look, "/unsubscribes/unsubscribe")
        },
        email: &["email"],
        date: &["created"],
        says: opt_out,
        certain: false,
        ..ANY
    },
];

fn is_bounces(look: &Look<'_>) -> bool {
    let numbered = |status: &str| status.starts_with(|c: char| c.is_ascii_digit());
    (look.is(&["status", "reason", "email", "created"]) && look.cells("status").all(numbered))
        || is_legacy(look, "/bounces/bounce")
        || is_legacy(look, "/blocks/block")
}

/// The names in this order and no others, and times in Unix seconds.
fn in_order(look: &Look<'_>, names: &[&str]) -> bool {
    look.names == names && unix_seconds(look, "created")
}

fn unix_seconds(look: &Look<'_>, name: &str) -> bool {
    let is = |cell: &str| cell.replace(',', ".").parse::<f64>().is_ok_and(|n| n > 1e8);
    // A date among the addresses of a list (`8/27/2015`) stands in a row without a time.
    look.cells(name).all(is)
}

/// `/unsubscribes/unsubscribe` and the like of the API of resellers.
fn is_legacy(look: &Look<'_>, path: &str) -> bool {
    look.within == path
}

/// `asm_groups_123_suppressions.csv`: nothing else names the group.
fn group_of(look: &Look<'_>) -> Option<Scope> {
    let (_, rest) = look.file().split_once("asm_group")?;
    let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..length)?.parse().ok()
}

fn of_group(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    let name = if cells.at(0).is_empty() { cells.at(1) } else { cells.at(0) };
    said.push(Said::of(Kind::OptOut).within(name.parse().ok()));
    Ok(())
}
