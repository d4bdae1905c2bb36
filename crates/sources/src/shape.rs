//! Exports that are known by their columns, where it matters what they are.
//!
//! Importing the customer file by mistake is the commonest disaster: it blocks everybody. A list
//! that shows by its columns that it holds people who may be mailed is refused unless the setting
//! says otherwise. A list of bounces is taken, with a warning: a bounce says that an address does
//! not work, not that a person objected (`list-formats.md` §4.2.6, §4.2.10).

use crate::columns::{Sample, plain};

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
const NO: [&str; 8] = ["0", "false", "no", "n", "f", "off", "nein", "non"];

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

/// Why a list looks like one of people who may be mailed.
pub(crate) fn subscribed(sample: &Sample) -> Option<String> {
    let header: Vec<_> = sample.header.iter().flatten().map(|name| plain(name)).collect();
    let has = |name: &str| header.iter().any(|column| column == name);
    if has("optintime") && !has("unsubtime") && !has("cleantime") {
        return Some(
            "this looks like Mailchimp's export of people who are subscribed: it has OPTIN_TIME \
             and neither UNSUB_TIME nor CLEAN_TIME"
                .to_owned(),
        );
    }
    if ["uuid", "email", "attributes", "status"].into_iter().all(has)
        && !all_are(sample, &header, "status", "blocklisted")
    {
        return Some(
            "this looks like listmonk's export of all subscribers: it has uuid, attributes and \
             status, and not every status is \"blocklisted\""
                .to_owned(),
        );
    }
    let says = |names: &[&str], words: &[&str]| {
        let columns = header.iter().enumerate().filter(|(_, name)| names.contains(&name.as_str()));
        columns.map(|(at, _)| at).find(|at| {
            let mut cells = sample.rows.iter().filter_map(|row| row.get(*at));
            cells.any(|cell| words.contains(&plain(cell).as_str()))
        })
    };
    let name =
        |at: usize| sample.header.as_ref().and_then(|header| header.get(at)).map(|n| n.trim());
    if let Some(at) = says(&FLAGS, &NO) {
        return Some(format!(
            "the column \"{}\" says of some rows that the person has not opted out",
            name(at)?.escape_debug()
        ));
    }
    if let Some(at) = says(&STATES, &SUBSCRIBED) {
        return Some(format!(
            "the column \"{}\" says of some rows that the person is subscribed",
            name(at)?.escape_debug()
        ));
    }
    None
}

fn all_are(sample: &Sample, header: &[String], name: &str, word: &str) -> bool {
    let Some(at) = header.iter().position(|column| column == name) else { return false };
    sample.rows.iter().filter_map(|row| row.get(at)).all(|cell| plain(cell) == word)
}

/// What a list of bounces is known as.
pub(crate) fn bounces(sample: &Sample) -> Option<&'static str> {
    let header: Vec<_> = sample.header.iter().flatten().map(|name| plain(name)).collect();
    let is = |names: &[&str]| names.iter().all(|name| header.iter().any(|column| column == name));
    let kinds: [(&[&str], _); 4] = [
        (&["status", "reason", "email", "created"], "SendGrid's bounces"),
        (&["address", "code", "error"], "Mailgun's bounces"),
        (&["cleantime"], "Mailchimp's cleaned addresses"),
        (&["portalbounce"], "HubSpot's unsubscribes and bounces together"),
    ];
    if sample.header.is_none() {
        let bounced = |row: &Vec<String>| {
            row.iter().skip(1).any(|cell| cell.trim().eq_ignore_ascii_case("bounce"))
        };
        return sample.rows.iter().any(bounced).then_some("Amazon SES's suppression list");
    }
    kinds.into_iter().find(|(names, _)| is(names)).map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Sample {
        let mut rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Sample { header: rows.next(), rows: rows.collect() }
    }

    #[test]
    fn people_who_may_be_mailed_are_noticed() {
        for (text, part) in [
            ("Email Address,First Name,OPTIN_TIME,OPTIN_IP", "Mailchimp"),
            ("uuid,email,name,attributes,status,created_at\n1,b@x,B,{},enabled,2024", "listmonk"),
            ("email,optout\na@x,1\nb@x,0", "\"optout\""),
            ("email,HasOptedOutOfEmail\na@x,TRUE\nb@x,FALSE", "\"HasOptedOutOfEmail\""),
            ("email, Status \na@x,Unsubscribed\nb@x,Subscribed", "\"Status\""),
        ] {
            let why = subscribed(&sample(text)).unwrap();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn opt_out_lists_are_not_taken_for_customer_files() {
        for text in [
            "Email Address,OPTIN_TIME,UNSUB_TIME",
            "Email Address,OPTIN_TIME,CLEAN_TIME",
            "uuid,email,name,attributes,status,created_at\n1,b@x,B,{},blocklisted,2024",
            "email,optout\na@x,1\nb@x,true",
            "email,unsubscribed\na@x,2019-01-01",
            "status,reason,email,created\n5.1.1,x,b@x,1443651125",
            "id,to,status\n1,b@x,active",
            "email",
        ] {
            assert_eq!(subscribed(&sample(text)), None, "{text}");
        }
    }

    #[test]
    fn lists_of_bounces_are_named() {
        for (text, what) in [
            ("status,reason,email,created", Some("SendGrid's bounces")),
            ("address,code,error,created_at,MessageHash", Some("Mailgun's bounces")),
            ("email,created", None),
        ] {
            assert_eq!(bounces(&sample(text)), what);
        }
        let ses = Sample { header: None, rows: vec![vec!["b@x".into(), " BOUNCE".into()]] };
        assert!(bounces(&ses).is_some());
    }
}
