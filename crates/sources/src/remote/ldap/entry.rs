//! An object of a directory as rows.
//!
//! The first attribute is the address. It may have several values, and then there is a row for
//! each of them; of any other attribute the first value is taken. Exchange writes the addresses
//! of a mailbox as `SMTP:bob@example.com` (the primary one) and `smtp:`, among others that are no
//! mail addresses (`X500:`, `SIP:`): the former lose their prefix, the latter are left out. An
//! object without an address is a row without one, so that it is counted, and found.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use ldap3::ResultEntry;

use super::super::cell_text;
use super::super::mark::Mark;

/// The attribute of Exchange that has all addresses.
const PROXIES: &str = "proxyAddresses";

/// One object: its attributes, with their values.
#[derive(Debug, Default)]
pub(super) struct Entry {
    attributes: Vec<(String, Vec<String>)>,
}

impl Entry {
    /// Reads what came. None: it is not an object.
    pub(super) fn new(entry: ResultEntry) -> Option<Self> {
        let mut parts = entry.0.match_id(4)?.expect_constructed()?.into_iter();
        let _name = parts.next()?;
        let mut attributes = Vec::new();
        for attribute in parts.next()?.expect_constructed()? {
            let mut parts = attribute.expect_constructed()?.into_iter();
            let name = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
            let values = parts.next()?.expect_constructed()?.into_iter();
            let text = |bytes: Vec<u8>| cell_text::of(&bytes).into_owned();
            let values: Option<Vec<String>> =
                values.map(|value| value.expect_primitive().map(text)).collect();
            attributes.push((name, values?));
        }
        Some(Self { attributes })
    }

    /// The values of an attribute, whose options (`;lang-en`) do not count.
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let is = move |written: &str| {
            let bare = written.split(';').next().unwrap_or_default();
            bare.eq_ignore_ascii_case(name)
        };
        let found = self.attributes.iter().filter(move |(written, _)| is(written));
        found.flat_map(|(_, values)| values.iter().map(String::as_str))
    }

    /// An attribute that has more values than the server gives at once (Active Directory).
    pub(super) fn cut(&self) -> Option<&str> {
        let cut = |name: &&str| {
            let (_, options) = name.split_once(';').unwrap_or_default();
            options.to_ascii_lowercase().contains("range=") && !options.ends_with("-*")
        };
        self.attributes.iter().map(|(name, _)| name.as_str()).find(cut)
    }

    /// Its rows, with these attributes as columns.
    pub(super) fn rows(&self, columns: &[String]) -> Vec<Vec<Option<String>>> {
        let Some((address, others)) = columns.split_first() else { return Vec::new() };
        let others: Vec<Option<String>> =
            others.iter().map(|name| self.values(name).next().map(cell)).collect();
        let row = |address: Option<String>| {
            let mut row = vec![address];
            row.extend(others.iter().cloned());
            row
        };
        let proxies = address.eq_ignore_ascii_case(PROXIES);
        let addresses = self.values(address).filter_map(|value| mail_address(value, proxies));
        let rows: Vec<_> = addresses.map(|address| row(Some(address.to_owned()))).collect();
        if rows.is_empty() { vec![row(None)] } else { rows }
    }

    /// How far it is; an error when it cannot be said.
    pub(super) fn mark(&self, attribute: &str) -> Result<Option<Mark>, NoMark> {
        let Some(value) = self.values(attribute).next() else { return Ok(None) };
        let kind = if value.bytes().all(|byte| byte.is_ascii_digit()) {
            "number"
        } else if generalized_time(value).is_some() {
            "time"
        } else {
            return Err(NoMark);
        };
        Ok(Some(Mark(format!("{kind}:{value}"))))
    }
}

/// The watermark is nothing that grows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMark;

/// The value of a mark, as the directory wrote it.
pub(super) fn bound(mark: &Mark) -> Option<&str> {
    mark.0.strip_prefix("number:").or_else(|| mark.0.strip_prefix("time:"))
}

/// The greater of two marks.
pub(super) fn greater(one: Option<Mark>, other: Option<Mark>) -> Option<Mark> {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return one.or(other),
    };
    let (first, second) = (bound(&one).unwrap_or_default(), bound(&other).unwrap_or_default());
    let order = match (generalized_time(first), generalized_time(second)) {
        (Some(first), Some(second)) => first.cmp(&second),
        _ => {
            let digits = |text: &str| text.trim_start_matches('0').len();
            digits(first)
                .cmp(&digits(second))
                .then_with(|| first.trim_start_matches('0').cmp(second.trim_start_matches('0')))
        }
    };
    Some(if order == Ordering::Less { other } else { one })
}

/// An address without what Exchange writes before it; none: another kind of address.
fn mail_address(value: &str, proxies: bool) -> Option<&str> {
    match value.split_at_checked(5) {
        Some((prefix, address)) if prefix.eq_ignore_ascii_case("smtp:") => Some(address),
        _ => (!proxies).then_some(value),
    }
}

fn cell(value: &str) -> String {
    generalized_time(value).map_or_else(|| value.to_owned(), |time| time.to_string())
}

/// GeneralizedTime (RFC 4517 s3.3.13): `20240501120000Z`, `20240501120000.0Z`, `202405011200+0200`.
fn generalized_time(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (stamp, mut zone) = text.split_at_checked(digits)?;
    let mut nanoseconds = 0;
    if let Some(rest) = zone.strip_prefix(['.', ',']) {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = rest.split_at_checked(digits)?;
        let nine = format!("{fraction:0<9}");
        // Of an hour or a minute it would be another fraction; nobody writes that.
        nanoseconds = nine.get(..9)?.parse().ok().filter(|_| stamp.len() == 14)?;
        zone = rest;
    }
    let pair = |at: usize| -> Option<i8> { stamp.get(at..at + 2)?.parse().ok() };
    let minute = if stamp.len() >= 12 { pair(10)? } else { 0 };
    // A leap second is the last one of its minute.
    let second = if stamp.len() == 14 { pair(12)?.min(59) } else { 0 };
    if !matches!(stamp.len(), 10 | 12 | 14) {
        return None;
    }
    let year = stamp.get(..4)?.parse().ok()?;
    let time =
        DateTime::new(year, pair(4)?, pair(6)?, pair(8)?, minute, second, nanoseconds).ok()?;
    Offset::to_timestamp(offset(zone)?, time).ok()
}

/// `Z`, `+02`, `-0330`.
fn offset(zone: &str) -> Option<Offset> {
    if zone == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    if !matches!(rest.len(), 2 | 4) || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = rest.get(..2)?.parse().ok()?;
    let minutes: i32 =
        rest.get(2..).filter(|m| !m.is_empty()).map_or(Some(0), |m| m.parse().ok())?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> Entry {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes =
            attributes.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect();
        Entry { attributes }
    }

    fn rows(entry: &Entry, columns: &[&str]) -> Vec<Vec<String>> {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let text = |cell: Option<String>| cell.unwrap_or("NULL".to_owned());
        entry.rows(&columns).into_iter().map(|row| row.into_iter().map(text).collect()).collect()
    }

    #[test]
    fn an_object_is_a_row_for_each_of_its_addresses() {
        let bob = entry(&[
            ("Mail", &["bob@x.example", "robert@x.example"]),
            ("description;lang-en", &["asked by phone", "twice"]),
            ("whenChanged", &["20240501120000.0Z"]),
        ]);
        assert_eq!(
            rows(&bob, &["mail", "description", "whenChanged", "title"]),
            [
                ["bob@x.example", "asked by phone", "2024-05-01T12:00:00Z", "NULL"],
                ["robert@x.example", "asked by phone", "2024-05-01T12:00:00Z", "NULL"],
            ]
        );
        assert_eq!(rows(&bob, &["otherMailbox", "title"]), [["NULL", "NULL"]]);
    }

    #[test]
    fn of_the_addresses_of_exchange_those_of_mail_count() {
        let values: &[&str] =
            &["SMTP:bob@x.example", "smtp:b@y.example", "X500:/o=x", "sip:bob@x.example"];
        let bob = entry(&[("proxyAddresses", values)]);
        assert_eq!(rows(&bob, &["proxyaddresses"]), [["bob@x.example"], ["b@y.example"]]);
        let nobody = entry(&[("proxyAddresses", &["X500:/o=x"])]);
        assert_eq!(rows(&nobody, &["proxyAddresses"]), [["NULL"]]);
        // Elsewhere it is whatever it is: a bad row, if it is no address.
        let odd = entry(&[("mail", &["X500:/o=x", "smtp:bob@x.example"])]);
        assert_eq!(rows(&odd, &["mail"]), [["X500:/o=x"], ["bob@x.example"]]);
    }

    #[test]
    fn values_that_are_not_all_of_them_are_seen() {
        assert_eq!(entry(&[("mail", &["a"])]).cut(), None);
        assert_eq!(entry(&[("mail;lang-en", &["a"])]).cut(), None);
        assert_eq!(entry(&[("mail;range=0-*", &["a"])]).cut(), None);
        assert_eq!(entry(&[("mail;Range=0-1499", &["a"])]).cut(), Some("mail;Range=0-1499"));
    }

    #[test]
    fn times() {
        for (text, iso) in [
            ("20240501120000Z", "2024-05-01T12:00:00Z"),
            ("20240501120000.0Z", "2024-05-01T12:00:00Z"),
            ("20240501120000.25Z", "2024-05-01T12:00:00.25Z"),
            ("20240501120000+0200", "2024-05-01T10:00:00Z"),
            ("202405011200-03", "2024-05-01T15:00:00Z"),
            ("2024050112Z", "2024-05-01T12:00:00Z"),
            ("20161231235960Z", "2016-12-31T23:59:59Z"),
        ] {
            assert_eq!(cell(text), iso);
        }
        for text in [
            "20240501120000",
            "20241301120000Z",
            "202405Z",
            "Z",
            "",
            "20240501120000X",
            "20240501120000.Zx",
            "2024050112.5Z",
            "20240501120000+1",
            "2024\u{e9}501120000Z",
        ] {
            assert_eq!(cell(text), text);
        }
    }

    #[test]
    fn marks_grow_as_numbers_and_as_times_do() {
        let mark = |value: &str| entry(&[("m", &[value])]).mark("M").unwrap();
        for (less, more) in [
            ("9", "10"),
            ("0099", "100"),
            ("7", "8"),
            ("20240501120000Z", "20240501120001Z"),
            ("20240501120000+0200", "20240501110000Z"),
            ("20240501120000.1Z", "20240501120000.25Z"),
        ] {
            for (one, other) in [(less, more), (more, less)] {
                let greatest = greater(mark(one), mark(other)).unwrap();
                assert_eq!(bound(&greatest), Some(more));
            }
        }
        assert_eq!(greater(None, mark("7")), mark("7"));
        assert_eq!(greater(mark("7"), None), mark("7"));
        assert_eq!(entry(&[]).mark("m"), Ok(None));
        assert_eq!(entry(&[("m", &["bob"])]).mark("m"), Err(NoMark));
        assert_eq!(bound(&Mark("bigint:7".to_owned())), None);
    }
}
