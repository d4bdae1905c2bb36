//! Lists that show by their columns that they hold people who may be mailed, whoever wrote them.
//!
//! Importing the customer file by mistake is the commonest disaster: it blocks everybody. Such a
//! list is refused unless the setting says otherwise (`list-formats.md` §4.2.6).

use super::look::Look;
use super::words;
use crate::columns::plain;

/// Columns that say whether a person opted out, as yes or no.
const FLAGS: [&str; 18] = [
    "optout",
    "optedout",
    "isoptout",
    "isoptedout",
    "hasoptedout",
    "hasoptedoutofemail",
    "unsubscribed",
    "isunsubscribed",
    "unsubscribe",
    "unsubscribeall",
    "globalunsubscribe",
    "portalunsubscribe",
    "donotemail",
    "donotbulkemail",
    "donotcontact",
    "emailoptout",
    "suppresssending",
    "blocklisted",
];

/// Columns that say what state a person is in.
const STATES: [&str; 7] = [
    "status",
    "subscriptionstatus",
    "emailstatus",
    "memberstatus",
    "emailmarketingstatus",
    "marketingstatus",
    "subscribed",
];
const SUBSCRIBED: [&str; 6] = ["subscribed", "optin", "optedin", "confirmed", "true", "yes"];

/// Why a list looks like one of people who may be mailed. A column that a setting names as that
/// of the kinds says of each row what it is, and is not looked at.
pub(crate) fn subscribed(look: &Look<'_>, kinds: &[usize]) -> Option<String> {
    let sample = look.sample;
    let says = |names: &[&str], is: &dyn Fn(&str) -> bool| {
        let columns = look.names.iter().enumerate();
        let columns =
            columns.filter(|(at, name)| names.contains(&name.as_str()) && !kinds.contains(at));
        columns.map(|(at, _)| at).find(|at| {
            let mut cells = sample.rows.iter().filter_map(|row| row.get(*at));
            cells.any(|cell| is(cell))
        })
    };
    let name = |at: usize| {
        let name = sample.header.as_ref().and_then(|header| header.get(at));
        name.map(|name| name.trim().escape_debug().to_string())
    };
    if let Some(at) = says(&FLAGS, &|cell| words::yes(cell) == Some(false)) {
        return Some(format!(
            "the column \"{}\" says of some rows that the person has not opted out",
            name(at)?
        ));
    }
    let at = says(&STATES, &|cell| SUBSCRIBED.contains(&plain(cell).as_str()))?;
    Some(format!("the column \"{}\" says of some rows that the person is subscribed", name(at)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Sample;

    fn why(text: &str, kinds: &[usize]) -> Option<String> {
        let mut rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        let sample = Sample { header: rows.next(), rows: rows.collect() };
        subscribed(&Look::new("list.csv", "", &sample), kinds)
    }

    #[test]
    fn people_who_may_be_mailed_are_noticed() {
        for (text, part) in [
            ("email,optout\na@x,1\nb@x,0", "\"optout\""),
            ("email,HasOptedOutOfEmail\na@x,TRUE\nb@x,FALSE", "\"HasOptedOutOfEmail\""),
            ("email, Status \na@x,Unsubscribed\nb@x,Subscribed", "\"Status\""),
        ] {
            let why = why(text, &[]).unwrap();
            assert!(why.contains(part), "{why}");
        }
        assert_eq!(why("email,optout\na@x,1\nb@x,0", &[1]), None, "a setting says what it is");
    }

    #[test]
    fn opt_out_lists_are_not_taken_for_customer_files() {
        for text in [
            "email,optout\na@x,1\nb@x,true",
            "email,unsubscribed\na@x,2019-01-01",
            "status,reason,email,created\n5.1.1,x,b@x,1443651125",
            "id,to,status\n1,b@x,active",
            "email",
        ] {
            assert_eq!(why(text, &[]), None, "{text}");
        }
    }
}
