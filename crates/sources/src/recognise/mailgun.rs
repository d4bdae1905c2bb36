//! Mailgun: three CSV files, the same as JSON, the allow-list, and the files of the script
//! `get_suppressions.py`.

use suppression::Kind;

use super::look::Look;
use super::provider::{ANY, Clues, Provider, Said, Standing, complaint, undeliverable};
use super::words;
use crate::cell::Domains;

pub(super) const ALL: [Provider; 5] = [
    Provider {
        name: "Mailgun's allow-list",
        fits: |look| look.is(&["value", "reason", "type", "createdat"]),
        email: &["value"],
        date: &["createdat"],
        reason: &["reason"],
        domains: Domains::Bare,
        says: |_, _| Err("is on the allow-list"),
        standing: Standing::Never(
            "this is Mailgun's allow-list: those whom it mails in spite of a bounce",
        ),
        ..ANY
    },
    Provider {
        name: "bounces of Mailgun, written by get_suppressions.py",
        fits: |look| is_bounces(look) && look.has("messagehash"),
        email: &["address"],
        date: &["createdat"],
        reason: &["error"],
        says: undeliverable,
        warning: Some(
            "get_suppressions.py leaves out the first page of its list, so this file is not \
             complete; export it from Mailgun itself",
        ),
        ..ANY
    },
    Provider {
        name: "Mailgun's bounces",
        fits: is_bounces,
        email: &["address"],
        date: &["createdat"],
        reason: &["error"],
        says: undeliverable,
        ..ANY
    },
    Provider {
        name: "Mailgun's unsubscribes",
        fits: |look| {
            look.has_all(&["address", "createdat"])
                && (look.has("tag") || look.has("tags"))
                && look.has_only(&["address", "tag", "tags", "createdat", "messagehash"])
        },
        email: &["address"],
        date: &["createdat"],
        asks: &["tags", "tag"],
        says: of_tags,
        ..ANY
    },
    Provider {
        name: "Mailgun's complaints",
        fits: |look| {
            let internet = |cell: &str| cell.contains(", ") && cell.contains(':');
            look.has_all(&["address", "createdat"])
                && look.has_only(&["address", "createdat", "messagehash"])
                && look.cells("createdat").all(internet)
        },
        email: &["address"],
        date: &["createdat"],
        says: complaint,
        certain: false,
        ..ANY
    },
];

fn is_bounces(look: &Look<'_>) -> bool {
    look.has_all(&["address", "code", "error"])
}

/// `*` is everything; else each tag is a list of its own.
fn of_tags(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    let text = if cells.at(0).is_empty() { cells.at(1) } else { cells.at(0) };
    let inside = text.trim_start_matches('[').trim_end_matches(']');
    let tags = inside.split([',', ';']).map(|tag| tag.trim_matches(['"', '\'', ' ']));
    let scopes: Vec<_> = tags.filter(|tag| !tag.is_empty()).map(words::scope).collect();
    if scopes.is_empty() || scopes.contains(&None) {
        said.push(Said::of(Kind::OptOut));
    } else {
        said.extend(scopes.into_iter().map(|scope| Said::of(Kind::OptOut).within(scope)));
    }
    Ok(())
}
