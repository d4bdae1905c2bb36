//! Which column is which: by the setting, by name, by what is in it.
//!
//! A name alone is trusted for the address only where it can mean nothing else (`Email`); names
//! that can (`to`, `address`) and columns without a name count only when addresses are in them.
//! Two columns that could both be it are an error, never a guess: the wrong one means that
//! opted-out people are mailed. A name that occurs several times means all of these columns, and
//! of a row the last that is not empty (Mandrill writes `expires_at` twice).

use suppression::HashAlgorithm;

use crate::cell::{looks_like_address, looks_like_digest};
use crate::shown::shown;
use crate::spec::Column;
use crate::when::{self, When};

/// The first records of a file, as text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Names of the columns, where the file has them.
    pub(crate) header: Option<Vec<String>>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// What is wrong about a column, and which setting helps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ColumnFault {
    pub(crate) setting: &'static str,
    pub(crate) what: String,
}

/// Names that mean an address of the person and nothing else, as [`plain`] writes them.
pub(crate) const EMAIL_NAMES: [&str; 31] = [
    "email",
    "emailaddress",
    "emailaddr",
    "emailid",
    "mail",
    "mailaddress",
    "mailaddr",
    "emailaddress1",
    "emailaddresses",
    "emails",
    "primaryemail",
    "primaryemailaddress",
    "contactemail",
    "customeremail",
    "subscriberemail",
    "recipientemail",
    "recipientemailaddress",
    "useremail",
    "workemail",
    "emailadresse",
    "mailadresse",
    "courriel",
    "adresseemail",
    "adressemail",
    "adressecourriel",
    "correo",
    "correoelectronico",
    "eposta",
    "epost",
    "sahkoposti",
    "indirizzoemail",
];
/// Names that may mean it.
const PERHAPS_EMAIL: [&str; 6] = ["recipient", "to", "address", "user", "contact", "value"];

/// Names that may mean the digest of one.
const DIGEST_NAMES: [&str; 8] =
    ["hash", "emailhash", "hashemail", "hashedemail", "digest", "md5", "sha256", "emailmd5"];

/// Names of the time the person asked, the most telling first. `OPTIN_TIME` and `expires_at` are
/// other times.
pub(crate) const DATE_NAMES: [&str; 37] = [
    "unsubtime",
    "unsubscribedat",
    "unsubscribedon",
    "unsubscribetime",
    "unsubscribedate",
    "dateunsubscribed",
    "unsubscribed",
    "optedoutat",
    "optedouton",
    "optedoutdate",
    "optedout",
    "optouttime",
    "optoutdate",
    "optoutat",
    "optout",
    "dateoptedout",
    "dateofoptout",
    "complainedat",
    "cleantime",
    "blockedat",
    "suppressedat",
    "suppressedon",
    "created",
    "createdat",
    "createdon",
    "createtime",
    "creationdate",
    "datecreated",
    "dateadded",
    "addedat",
    "addedon",
    "changedat",
    "timestamp",
    "date",
    "datetime",
    "ts",
    "datum",
];

/// Names of the reason, the most telling first.
pub(crate) const REASON_NAMES: [&str; 13] = [
    "unsubreason",
    "unsubscribereason",
    "optoutreason",
    "reason",
    "grund",
    "suppressionreason",
    "error",
    "detail",
    "details",
    "description",
    "comment",
    "comments",
    "cleancampaigntitle",
];

/// A name without case, spaces and punctuation: `E-Mail Address` is `emailaddress`.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Sample {
    /// The cells of a column that are not blank.
    pub(crate) fn values(&self, column: usize) -> impl Iterator<Item = &str> {
        let cells = self.rows.iter().filter_map(move |row| row.get(column));
        cells.map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    }

    pub(crate) fn width(&self) -> usize {
        let header = self.header.as_ref().map_or(0, Vec::len);
        self.rows.iter().map(Vec::len).max().unwrap_or(0).max(header)
    }

    /// Columns in which at least half of the values are as `is` says.
    fn columns_with(&self, is: impl Fn(&str) -> bool) -> Vec<usize> {
        let mostly = |column: &usize| {
            let (mut all, mut fit) = (0, 0);
            for value in self.values(*column) {
                all += 1;
                fit += usize::from(is(value));
            }
            all > 0 && fit * 2 >= all
        };
        (0..self.width()).filter(mostly).collect()
    }

    /// All columns of that name.
    pub(crate) fn named(&self, is: impl Fn(&str) -> bool) -> Vec<usize> {
        let header = self.header.as_deref().unwrap_or_default();
        header.iter().enumerate().filter(|(_, name)| is(name)).map(|(at, _)| at).collect()
    }

    /// The columns a setting names.
    pub(crate) fn configured(
        &self,
        column: &Column,
        setting: &'static str,
    ) -> Result<Vec<usize>, ColumnFault> {
        let fault = |what| Err(ColumnFault { setting, what });
        match (column, &self.header) {
            (Column::Number(number), _) if *number <= self.width() || self.rows.is_empty() => {
                Ok(vec![number - 1])
            }
            (Column::Number(number), _) => fault(format!("there is no column number {number}")),
            (Column::Name(_), None) => {
                let right = "give its number, or set header = true";
                fault(format!("there is no column {column}, as the file has no header: {right}"))
            }
            (Column::Name(wanted), Some(_)) => {
                let wanted = wanted.trim().to_lowercase();
                let found = self.named(|name| name.trim().to_lowercase() == wanted);
                if found.is_empty() {
                    return fault(format!("there is no column {column}"));
                }
                Ok(found)
            }
        }
    }

    /// The columns with the address.
    pub(crate) fn email(&self, setting: Option<&Column>) -> Result<Vec<usize>, ColumnFault> {
        if let Some(column) = setting {
            return self.configured(column, "email");
        }
        self.subject(looks_like_address, &[], "e-mail addresses")
    }

    /// Whether no row could be about anybody: there are few, or none, and no at sign in them.
    pub(crate) fn is_of_nobody(&self) -> bool {
        const FEW: usize = 100;
        self.rows.len() < FEW && !self.rows.iter().flatten().any(|cell| cell.contains('@'))
    }

    /// The column that would hold the address if there were any: by its name, else the first.
    pub(crate) fn perhaps_email(&self) -> Vec<usize> {
        let named = [self.groups(&EMAIL_NAMES), self.groups(&PERHAPS_EMAIL)].concat();
        named.into_iter().next().unwrap_or_else(|| vec![0])
    }

    /// The columns with the digest of the address.
    pub(crate) fn digest(
        &self,
        setting: Option<&Column>,
        algorithm: HashAlgorithm,
    ) -> Result<Vec<usize>, ColumnFault> {
        if let Some(column) = setting {
            return self.configured(column, "email");
        }
        let is = |cell: &str| looks_like_digest(cell) == Some(algorithm);
        match self.subject(is, &DIGEST_NAMES, "digests") {
            // Bad rows say what is wrong with it.
            Err(_) if self.width() == 1 => Ok(vec![0]),
            found => found,
        }
    }

    /// The columns that say whom a row is about.
    fn subject(
        &self,
        is: impl Fn(&str) -> bool,
        more_names: &[&str],
        what: &str,
    ) -> Result<Vec<usize>, ColumnFault> {
        let with_addresses = self.columns_with(is);
        let holds =
            |columns: &[usize]| columns.iter().any(|column| with_addresses.contains(column));
        let certain = self.groups(&EMAIL_NAMES);
        let perhaps = self.groups(&[more_names, &PERHAPS_EMAIL].concat());
        let filled = |groups: &[Vec<usize>]| -> Vec<Vec<usize>> {
            groups.iter().filter(|columns| holds(columns)).cloned().collect()
        };
        // A list of names only, or one whose first rows are all dirt.
        let only_by_name = with_addresses.is_empty().then(|| certain.clone());
        let single = with_addresses.iter().map(|column| vec![*column]).collect();
        let candidates =
            [filled(&certain), only_by_name.unwrap_or_default(), filled(&perhaps), single]
                .into_iter()
                .find(|groups| !groups.is_empty())
                .unwrap_or_default();
        match candidates.as_slice() {
            [columns] => Ok(columns.clone()),
            [] if self.header.is_none() && self.width() <= 1 => Ok(vec![0]),
            [] => Err(ColumnFault {
                setting: "email",
                what: format!("no column with {what} was found"),
            }),
            [one, other, ..] => Err(ColumnFault {
                setting: "email",
                what: format!(
                    "{} and {} could both hold the address",
                    self.call(one),
                    self.call(other)
                ),
            }),
        }
    }

    /// The columns with the time.
    pub(crate) fn date(&self, setting: Option<&Column>) -> Result<Vec<usize>, ColumnFault> {
        if let Some(column) = setting {
            return self.configured(column, "date");
        }
        // `unsubscribed` may hold a time or yes and no.
        let with_times = self.columns_with(|cell| !matches!(when::read(cell), When::Odd));
        let mut groups = self.groups(&DATE_NAMES);
        groups.retain(|columns| columns.iter().any(|column| with_times.contains(column)));
        Ok(groups.into_iter().next().unwrap_or_default())
    }

    /// The same of a table, of which a reading may bring a few rows only: by name, so that each
    /// reading takes the same column, whether or not these rows have a time in it. A column of
    /// yes and no, where `yes` says what a cell means, is left out.
    pub(crate) fn date_by_name(
        &self,
        setting: Option<&Column>,
        yes: impl Fn(&str) -> Option<bool>,
    ) -> Result<Vec<usize>, ColumnFault> {
        if let Some(column) = setting {
            return self.configured(column, "date");
        }
        let is_flag = |column: &usize| {
            // `0` alone may be a time that is not there.
            self.values(*column).any(|value| yes(value) == Some(true))
                && self.values(*column).all(|value| yes(value).is_some())
        };
        let mut groups = self.groups(&DATE_NAMES);
        groups.retain(|columns| !columns.iter().all(is_flag));
        Ok(groups.into_iter().next().unwrap_or_default())
    }

    /// The columns with the reason.
    pub(crate) fn reason(&self, setting: Option<&Column>) -> Result<Vec<usize>, ColumnFault> {
        if let Some(column) = setting {
            return self.configured(column, "reason");
        }
        Ok(self.groups(&REASON_NAMES).into_iter().next().unwrap_or_default())
    }

    /// The columns of each of these names, in their order, where there are any.
    fn groups(&self, names: &[&str]) -> Vec<Vec<usize>> {
        let groups = names.iter().map(|wanted| self.named(|name| plain(name) == *wanted));
        groups.filter(|columns| !columns.is_empty()).collect()
    }

    fn call(&self, columns: &[usize]) -> String {
        let Some(first) = columns.first() else { return String::new() };
        match self.header.as_ref().and_then(|header| header.get(*first)) {
            Some(name) if !name.trim().is_empty() => format!("the column {}", shown(name)),
            _ => format!("column number {}", first + 1),
        }
    }
}

/// Whether a cell is a name of the address and of nothing else.
pub(crate) fn is_email_name(cell: &str) -> bool {
    EMAIL_NAMES.contains(&plain(cell).as_str())
}

/// Whether any cell is a name that is known: such a record is a header.
pub(crate) fn has_known_name(cells: &[String]) -> bool {
    cells.iter().map(|cell| plain(cell)).any(|name| {
        let known = |names: &[&str]| names.contains(&name.as_str());
        known(&EMAIL_NAMES) || known(&PERHAPS_EMAIL) || known(&DATE_NAMES) || known(&REASON_NAMES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Sample {
        let mut rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Sample { header: rows.next(), rows: rows.collect() }
    }

    fn email(text: &str) -> Result<Vec<usize>, String> {
        sample(text).email(None).map_err(|fault| fault.what)
    }

    #[test]
    fn the_headers_of_the_providers() {
        for (text, email, date, reason) in [
            ("status,reason,email,created\n5.1.1,no,b@x.example,1443651125", 2, Some(3), Some(1)),
            ("ip,email,created\n1.2.3.4,b@x.example,1443651125", 1, Some(2), None),
            ("address,code,error,created_at\nb@x.example,550,no,2019-01-01", 0, Some(3), Some(2)),
            ("address,tags,created_at\nb@x.example,*,2019-01-01", 0, Some(2), None),
            ("recipient,type,description\nb@x.example,transactional,x", 0, None, Some(2)),
            (
                "id,to,from,reason,created_at,expires_at\n1,b@x.example,c@x.example,r,2019-01-01,",
                1,
                Some(4),
                Some(3),
            ),
            (
                "Email Address,OPTIN_TIME,LAST_CHANGED,UNSUB_TIME,UNSUB_REASON\nb@x.example,2018-01-01,2018-01-01,2019-01-01,r",
                0,
                Some(3),
                Some(4),
            ),
            ("E-Mail-Adresse,Grund,Datum\nb@x.example,r,1.2.2019", 0, Some(2), Some(1)),
            ("email,unsubscribed,created\nb@x.example,true,2019-01-01", 0, Some(2), None),
        ] {
            let sample = sample(text);
            assert_eq!(sample.email(None), Ok(vec![email]), "{text}");
            assert_eq!(sample.date(None).unwrap().first().copied(), date, "{text}");
            assert_eq!(sample.reason(None).unwrap().first().copied(), reason, "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_known_by_its_content() {
        assert_eq!(email("no,kontakt\n1,b@x.example\n2,c@x.example"), Ok(vec![1]));
        assert_eq!(email("address,mail\nMain St 1,b@x.example"), Ok(vec![1]));
        assert_eq!(email("address,foo\nMain St 1,b@x.example"), Ok(vec![1]));
        assert!(email("address,foo\nMain St 1,bar").unwrap_err().contains("no column"));
        assert_eq!(email("email\n"), Ok(vec![0]));
        assert!(email("foo,bar\n").is_err());
    }

    #[test]
    fn two_candidates_are_an_error_that_names_both() {
        let error = email("email,work email\na@x.example,b@x.example").unwrap_err();
        assert!(error.contains("\"email\"") && error.contains("\"work email\""), "{error}");
        assert_eq!(email("email,work email\na@x.example,"), Ok(vec![0]));
        assert!(email("a,b\na@x.example,b@x.example").is_err());
    }

    #[test]
    fn a_name_that_occurs_twice_means_both_columns() {
        let text = "email,expires_at,created_at,expires_at\nb@x.example,1,2,3";
        let column = "EXPIRES_AT ".parse().unwrap();
        assert_eq!(sample(text).date(Some(&column)), Ok(vec![1, 3]));
        assert_eq!(email("email,name,email\n,b,b@x.example"), Ok(vec![0, 2]));
    }

    #[test]
    fn a_setting_that_fits_nothing_is_an_error() {
        let sample = sample("a,b\nx,y");
        let named = |text: &str| sample.email(Some(&text.parse().unwrap()));
        assert!(named("c").unwrap_err().what.contains("\"c\""));
        assert!(named("3").unwrap_err().what.contains("number 3"));
        assert_eq!(named("2"), Ok(vec![1]));
        let without = Sample { header: None, ..sample.clone() };
        assert!(
            without.email(Some(&Column::Name("a".into()))).unwrap_err().what.contains("header")
        );
    }

    #[test]
    fn without_a_header_only_the_address_is_known() {
        let sample = Sample {
            header: None,
            rows: vec![vec!["b@x.example".into(), " BOUNCE".into(), "2019-01-01".into()]],
        };
        assert_eq!(sample.email(None), Ok(vec![0]));
        assert_eq!(sample.reason(None), Ok(vec![]));
        assert_eq!(sample.date(None), Ok(vec![]));
    }

    #[test]
    fn no_name_is_listed_twice() {
        for names in [&EMAIL_NAMES[..], &DATE_NAMES, &REASON_NAMES] {
            let mut sorted: Vec<_> = names.iter().map(|name| plain(name)).collect();
            assert_eq!(sorted, names, "names are in their plain form");
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), names.len());
        }
    }
}
