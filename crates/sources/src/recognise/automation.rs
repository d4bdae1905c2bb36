//! Programs that a company runs itself or keeps its contacts in: listmonk, Mautic, Mailtrain,
//! HubSpot.

use suppression::Kind;

use super::look::Look;
use super::provider::{ANY, Clues, Provider, Said, Standing};
use super::words::{self, Word};
use crate::columns::plain;
use crate::shown::shown;

pub(super) const ALL: [Provider; 6] = [
    Provider {
        name: "listmonk's subscribers",
        fits: |look| {
            look.has_all(&["uuid", "email", "attributes", "status"])
                && look.cells("status").any(|status| plain(status) == "blocklisted")
        },
        email: &["email"],
        date: &["updatedat", "createdat"],
        asks: &["status"],
        says: of_listmonk,
        warning: Some(LISTMONK),
        ..ANY
    },
    Provider {
        name: "listmonk's subscribers",
        fits: |look| look.has_all(&["uuid", "email", "attributes", "status"]),
        email: &["email"],
        date: &["updatedat", "createdat"],
        asks: &["status"],
        says: of_listmonk,
        standing: Standing::In(
            "this looks like listmonk's export of all subscribers: it has uuid, attributes and \
             status, and no status is \"blocklisted\". An export of those who left a list \
             (subscription_status=unsubscribed) looks the same",
        ),
        ..ANY
    },
    Provider {
        name: "Mautic's table of those not to be contacted",
        fits: |look| look.has_all(&["dateadded", "reason", "channel", "email"]),
        email: &["email"],
        date: &["dateadded"],
        reason: &["comments"],
        asks: &["reason", "channel"],
        says: of_mautic,
        ..ANY
    },
    Provider {
        name: "Mautic's contacts",
        fits: |look| {
            look.has_all(&["email", "points", "stage"])
                && (look.has("dateidentified") || look.has("lastactive") || look.has("firstname"))
        },
        email: &["email"],
        says: |cells, said| match cells.everybody {
            true => {
                said.push(Said::nothing());
                Ok(())
            }
            false => Err("may be mailed"),
        },
        standing: Standing::In(
            "this looks like Mautic's export of contacts, which does not hold who opted out: read \
             the table lead_donotcontact, joined to leads, from its database",
        ),
        ..ANY
    },
    Provider {
        name: "Mailtrain's subscriptions",
        fits: |look| look.has_all(&["hashemail", "status"]),
        email: &["email", "hashemail"],
        asks: &["status"],
        says: of_mailtrain,
        ..ANY
    },
    Provider {
        name: "HubSpot's unsubscribes and bounces",
        fits: |look| look.has("portalunsubscribe") || look.has("portalbounce"),
        // First and last name, and what the company adds to it, are no subscriptions.
        asks: &["portalunsubscribe", "portalspamreport", "portalbounce", "globalbounce"],
        others: is_subscription,
        remark: of_other_columns,
        says: of_hubspot,
        ..ANY
    },
];

const LISTMONK: &str = "of this export of listmonk only blocklisted people are taken; who left \
    one list only cannot be seen in it: export with subscription_status=unsubscribed, and read that \
    file with allow_subscribed = true and the scope of the list";

fn of_listmonk(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    match plain(cells.at(0)).as_str() {
        "blocklisted" => said.push(Said::of(Kind::OptOut)),
        _ if cells.everybody => said.push(Said::of(Kind::OptOut)),
        "enabled" => return Err("is enabled in listmonk"),
        "disabled" => return Err("is disabled in listmonk, and not blocklisted"),
        _ => said.push(Said::odd()),
    }
    Ok(())
}

fn of_mautic(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    if !matches!(plain(cells.at(1)).as_str(), "email" | "") {
        return Err("is about another channel than e-mail");
    }
    said.push(match (cells.at(0), words::kind(cells.at(0))) {
        ("0", _) => return Err("may be contacted"),
        ("1", _) => Said::of(Kind::OptOut),
        ("2", _) => Said::of(Kind::Undeliverable),
        ("3", _) => Said::of(Kind::Manual),
        (_, Word::Kind(kind)) if kind != Kind::Consent => Said::of(kind),
        (_, Word::Default) => Said::nothing(),
        _ => Said::odd(),
    });
    Ok(())
}

fn of_mailtrain(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    said.push(match (cells.at(0), words::kind(cells.at(0))) {
        ("1", _) | (_, Word::Not) if !cells.everybody => return Err("is subscribed"),
        ("2", _) => Said::of(Kind::OptOut),
        ("3", _) => Said::of(Kind::Undeliverable),
        ("4", _) => Said::of(Kind::Complaint),
        (_, Word::Kind(kind)) if kind != Kind::Consent => Said::of(kind),
        (_, Word::Default) => Said::nothing(),
        _ => Said::odd(),
    });
    Ok(())
}

/// Columns of the export that are no type of subscription.
const HUBSPOT: [&str; 4] =
    ["portalunsubscribe", "portalspamreport", "portalbounce", "globalbounce"];

/// A column of a type of subscription has nothing but yes and no in it, and stands behind those
/// that every export has, or its name says what it is. What a company notes of its contacts
/// besides, such as whether they are customers, looks the same but for that.
fn is_subscription(look: &Look<'_>, at: usize) -> bool {
    let name = look.names.get(at).map_or("", String::as_str);
    let telling = ["subscri", "optout", "optedout"].iter().any(|part| name.contains(part));
    let last = look.names.iter().rposition(|name| HUBSPOT.contains(&name.as_str()));
    let behind = last.is_some_and(|last| at > last);
    let of_people = ["is", "has", "was"].iter().any(|verb| is_verb(look, at, verb));
    is_flag(look, at) && (telling || (behind && !of_people))
}

/// Nothing but yes and no is in it.
fn is_flag(look: &Look<'_>, at: usize) -> bool {
    let name = look.names.get(at).map_or("", String::as_str);
    let mut cells = look.sample.values(at).map(plain);
    !HUBSPOT.contains(&name) && cells.all(|cell| matches!(cell.as_str(), "true" | "false"))
}

/// Whether the name of a column begins with this word.
fn is_verb(look: &Look<'_>, at: usize, verb: &str) -> bool {
    let name = look.sample.header.as_ref().and_then(|header| header.get(at));
    let first = name.and_then(|name| name.split_whitespace().next());
    first.is_some_and(|first| first.eq_ignore_ascii_case(verb))
}

/// Columns that could be types of subscription and are not taken as such.
fn of_other_columns(look: &Look<'_>) -> Option<String> {
    let left = |at: &usize| {
        let says_so = look.sample.values(*at).any(|cell| plain(cell) == "true");
        says_so && is_flag(look, *at) && !is_subscription(look, *at)
    };
    let names = look.sample.header.iter().flatten().enumerate().filter(|(at, _)| left(at));
    let names: Vec<_> = names.map(|(_, name)| shown(name)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} not taken for a type of subscription: those are columns of TRUE and FALSE behind \
             \"Global Bounce\" and its like, or such as have \"subscription\" in their name",
            names.join(", ")
        )
    })
}

/// `TRUE` in the column of a type of subscription: out of that one.
fn of_hubspot(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    let is = |place: usize| words::yes(cells.at(place)) == Some(true);
    if is(0) {
        said.push(Said::of(Kind::OptOut));
    } else {
        let left = cells.others.iter().filter(|(_, cell)| plain(cell) == "true");
        let scopes = left.filter_map(|(name, _)| words::scope(name));
        said.extend(scopes.map(|scope| Said::of(Kind::OptOut).within(Some(scope))));
    }
    if is(1) {
        said.push(Said::of(Kind::Complaint));
    }
    if is(2) || is(3) {
        said.push(Said::of(Kind::Undeliverable));
    }
    if said.is_empty() { Err("is neither unsubscribed nor bounced") } else { Ok(()) }
}
