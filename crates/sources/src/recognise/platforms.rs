//! Telnyx, Cloudflare, MailUp, promio.

use suppression::{Kind, Scope};

use super::look::Look;
use super::provider::{ANY, Clues, Provider, Said};
use super::words::{self, Word};
use crate::columns::plain;
use crate::when::{self, When};

pub(super) const ALL: [Provider; 4] = [
    Provider {
        name: "Telnyx's suppressions",
        fits: |look| look.has_all(&["to", "from", "reason", "source", "scope", "expiresat"]),
        email: &["to"],
        date: &["createdat"],
        reason: &["reason"],
        until: &["expiresat"],
        asks: &["reason", "status", "groupid"],
        says: of_telnyx,
        ..ANY
    },
    Provider {
        name: "a list for Cloudflare Email Service",
        fits: is_cloudflare,
        email: &["#1"],
        until: &["#2"],
        asks: &["#2", "#3"],
        says: |cells, said| {
            let ends = !cells.at(0).is_empty();
            let one = if ends { Said::of(Kind::Undeliverable) } else { Said::nothing() };
            said.push(one.within(level(cells.at(1))));
            Ok(())
        },
        // A time behind an address may as well be that of an opt-out.
        certain: false,
        ..ANY
    },
    Provider {
        name: "MailUp's unsubscribes",
        fits: |look| look.has_all(&["optoutdate", "optoutnl"]),
        date: &["optoutdate"],
        says: super::provider::opt_out,
        ..ANY
    },
    Provider {
        name: "promio's list",
        fits: |look| {
            look.is(&["ts", "mail", "custid", "id", "sourcetype"])
                || look.is(&["senderid", "ts", "custid", "mail", "status"])
        },
        email: &["mail"],
        date: &["ts"],
        asks: &["status"],
        says: of_promio,
        ..ANY
    },
];

/// The scope that a cell names; the words for how much of the account it is about are none.
fn level(cell: &str) -> Option<Scope> {
    match plain(cell).as_str() {
        "sendingdomain" | "domain" | "messagingprofile" | "group" | "organization" => None,
        _ => words::scope(cell),
    }
}

fn of_telnyx(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    if matches!(plain(cells.at(1)).as_str(), "inactive" | "removed" | "deleted" | "released") {
        return Err("is suppressed no longer");
    }
    let one = match words::kind(cells.at(0)) {
        Word::Kind(kind) if kind != Kind::Consent => Said::of(kind),
        Word::Default => Said::nothing(),
        _ => Said::odd(),
    };
    said.push(one.within(level(cells.at(2))));
    Ok(())
}

/// Without a header: an address, when it ends, for which domain. One a line is any list.
fn is_cloudflare(look: &Look<'_>) -> bool {
    let Some(rows) = look.unnamed() else { return false };
    let ends = |cell: &String| {
        let text = cell.trim();
        text.is_empty() || (text.contains('T') && matches!(when::read(text), When::At(_)))
    };
    let fits = |row: &&Vec<String>| row.len() <= 3 && row.get(1).is_none_or(ends);
    let dated = |row: &Vec<String>| row.get(1).is_some_and(|cell| !cell.trim().is_empty());
    rows.iter().any(dated) && rows.iter().filter(fits).count() * 10 >= rows.len() * 9
}

fn of_promio(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    said.push(match words::kind(cells.at(0)) {
        Word::Kind(kind) if kind != Kind::Consent => Said::of(kind),
        // Its numbers are told nowhere.
        _ => Said::nothing(),
    });
    Ok(())
}
