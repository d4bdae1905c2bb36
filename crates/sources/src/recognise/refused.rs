//! Lists that show by their columns that they hold people who may be mailed, whoever wrote them.
//!
//! Importing the customer file by mistake is the commonest disaster: it blocks everybody. Such a
//! list is refused unless the setting says otherwise (`list-formats.md` §4.2.6).

use super::look::Look;
use super::words::{self, Word};
use crate::columns::plain;
use crate::shown::shown;
use crate::when::{self, When};

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
const STATES: [&str; 6] = [
    "status",
    "subscriptionstatus",
    "emailstatus",
    "memberstatus",
    "emailmarketingstatus",
    "marketingstatus",
];
const SUBSCRIBED: [&str; 6] = ["subscribed", "optin", "optedin", "confirmed", "true", "yes"];

/// Columns that say whether a person agreed to be mailed.
const AGREEMENTS: [&str; 31] = [
    "subscribed",
    "issubscribed",
    "issubscriber",
    "subscriber",
    "optin",
    "optedin",
    "isoptin",
    "isoptedin",
    "hasoptedin",
    "doubleoptin",
    "emailoptin",
    "emailoptedin",
    "marketingoptin",
    "newsletteroptin",
    "consent",
    "consented",
    "hasconsent",
    "hasconsented",
    "consentgiven",
    "emailconsent",
    "marketingconsent",
    "gdprconsent",
    "permission",
    "emailpermission",
    "newsletter",
    "newslettersubscribed",
    "newslettersubscription",
    "acceptsmarketing",
    "acceptsemailmarketing",
    "einwilligung",
    "mailable",
];

/// Whether a column of that name says whether a person opted out, as yes or no.
pub(crate) fn is_flag(name: &str) -> bool {
    FLAGS.contains(&plain(name).as_str())
}

/// What a column says of whoever stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Whether they are out.
    Flag,
    State,
    Agreement,
    /// What a setting names as the column of kinds.
    Kind,
}

/// A column that may say of a row that the person may be mailed.
#[derive(Debug)]
struct Told {
    at: usize,
    /// Its name in quotes, or its number, for people.
    column: String,
    sign: Sign,
}

/// Holds every row against what it says of the person: one who may be mailed shows what the list
/// is, in its first row or in its last.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    columns: Vec<Told>,
}

/// What the rows so far have in the columns of kinds.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    flags: bool,
    blanks: bool,
}

impl Signs {
    /// The columns that are looked at. One that a setting names as that of the kinds says of each
    /// row what it is: of it only blank cells count. A column of `dates` is no flag.
    pub(crate) fn of(look: &Look<'_>, kinds: &[usize], dates: &[usize]) -> Self {
        let width = look.sample.width();
        // `0` is no time, and so may stand in a column of dates too.
        let dated = |at: usize| {
            let is_time = |cell| matches!(when::read(cell), When::At(_));
            dates.contains(&at) && look.sample.values(at).any(is_time)
        };
        let columns = (0..width).filter_map(|at| {
            let name = look.names.get(at).map_or("", String::as_str);
            let sign = match () {
                () if kinds.contains(&at) => Sign::Kind,
                () if FLAGS.contains(&name) && !dated(at) => Sign::Flag,
                () if STATES.contains(&name) => Sign::State,
                () if AGREEMENTS.contains(&name) && !dated(at) => Sign::Agreement,
                () => return None,
            };
            let written = look.sample.header.as_ref().and_then(|header| header.get(at));
            let column = match written {
                Some(name) => format!("the column {}", shown(name)),
                None => format!("the column number {}", at + 1),
            };
            Some(Told { at, column, sign })
        });
        Self { columns: columns.collect() }
    }

    /// Why a row shows that the list holds people who may be mailed. `cell` gives the texts of the
    /// row, which is one with an address.
    pub(crate) fn row(
        &self,
        seen: &mut Seen,
        mut cell: impl FnMut(usize) -> String,
    ) -> Option<String> {
        // Whether the row says itself that the person is out.
        let mut out = false;
        let (mut blank, mut agreed) = (None, None);
        for told in &self.columns {
            let text = cell(told.at);
            let (empty, yes) = (text.trim().is_empty(), words::yes(&text));
            let subscribed = SUBSCRIBED.contains(&plain(&text).as_str());
            let says = |what: &str| Some(format!("{} says of some rows {what}", told.column));
            match told.sign {
                Sign::Flag if yes == Some(false) => {
                    return says("that the person has not opted out");
                }
                Sign::State if subscribed => return says("that the person is subscribed"),
                Sign::Kind => {
                    seen.flags |= yes.is_some();
                    seen.blanks |= empty;
                    if seen.flags && seen.blanks {
                        return says(BLANK);
                    }
                }
                Sign::Flag if empty => blank = blank.or_else(|| says(BLANK)),
                Sign::Flag => out = true,
                Sign::State => out |= matches!(words::kind(&text), Word::Kind(_)),
                Sign::Agreement if yes == Some(true) || subscribed => {
                    agreed = agreed.or_else(|| says("that the person agreed to be mailed"));
                }
                Sign::Agreement => {}
            }
        }
        // Whoever left had agreed before.
        agreed.or(blank).filter(|_| !out)
    }
}

const BLANK: &str = "that the person has opted out, and of others nothing";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Sample;

    fn why(text: &str, kinds: &[usize]) -> Option<String> {
        let mut rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        let sample = Sample { header: rows.next(), rows: rows.collect() };
        let look = Look::new("list.csv", "", &sample);
        let dates = sample.date(None).unwrap();
        let (signs, mut seen) = (Signs::of(&look, kinds, &dates), Seen::default());
        let mut rows = sample.rows.iter();
        rows.find_map(|row| signs.row(&mut seen, |at| row.get(at).cloned().unwrap_or_default()))
    }

    #[test]
    fn people_who_may_be_mailed_are_noticed() {
        for (text, part) in [
            ("email,optout\na@x,1\nb@x,0", "\"optout\""),
            ("email,HasOptedOutOfEmail\na@x,TRUE\nb@x,FALSE", "\"HasOptedOutOfEmail\""),
            ("email, Status \na@x,Unsubscribed\nb@x,Subscribed", "\"Status\""),
            ("email,opt_in\na@x,1", "\"opt_in\" says of some rows that the person agreed"),
            ("email,Consent\na@x,no\nb@x,yes", "\"Consent\""),
            ("email,newsletter\na@x,nein\nb@x,ja", "\"newsletter\""),
            ("email,subscribed\na@x,subscribed", "\"subscribed\""),
            ("email,opted_out\na@x,1\nb@x,", "\"opted_out\" says of some rows"),
            ("email,opted_out\na@x,1\nb@x", "and of others nothing"),
        ] {
            let why = why(text, &[]).unwrap();
            assert!(why.contains(part), "{why}");
        }
        assert_eq!(why("email,optout\na@x,1\nb@x,0", &[1]), None, "a setting says what it is");
        // But a blank one is not the word for what the others are.
        for text in ["email,gone\na@x,1\nb@x,", "email,gone\na@x,\nb@x,0"] {
            assert!(why(text, &[1]).unwrap().contains("and of others nothing"), "{text}");
        }
    }

    #[test]
    fn opt_out_lists_are_not_taken_for_customer_files() {
        for text in [
            "email,optout\na@x,1\nb@x,true",
            "email,unsubscribed\na@x,2019-01-01",
            "email,unsubscribed\na@x,2019-01-01\nb@x,",
            "email,optout,donotcontact\na@x,1,\nb@x,,1",
            "email,newsletter\na@x,no\nb@x,",
            "email,newsletter,optout\na@x,yes,1",
            "email,opt_in,status\na@x,1,unsubscribed",
            "email,newsletter\na@x,Spring news",
            "email,opt_in\na@x,2019-01-01",
            "status,reason,email,created\n5.1.1,x,b@x,1443651125",
            "id,to,status\n1,b@x,active",
            "email",
        ] {
            assert_eq!(why(text, &[]), None, "{text}");
        }
        assert_eq!(why("email,kind\na@x,bounce\nb@x,", &[1]), None, "a word, or that of all");
    }
}
