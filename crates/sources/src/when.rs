//! The times that lists state, in all the forms seen (`list-formats.md` §4.1, §4.2).
//!
//! A time without a zone is UTC: the large providers write it so, and a source that does not is
//! off by less than a day. A day and month that could be either way round are not guessed; the
//! row then counts as undated, which for an opt-out errs on the safe side, and is reported.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use suppression::Timestamp;

/// What a cell says about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Nothing: blank, or one of the ways to write that.
    Absent,
    /// A moment.
    At(Timestamp),
    /// Something that is no time, or that could be two.
    Odd,
}

/// Longest text that is looked at; Go writes the longest times, of under 60 bytes.
const LENGTH_MAX: usize = 80;
/// Unix seconds from 1973 to 2286. Below are counters, flags and days; above, milliseconds.
const SECONDS: std::ops::Range<f64> = 1e8..1e10;
/// Days of a spreadsheet, counted from 1899-12-30: the years 1954 to 2119.
const DAYS: std::ops::Range<f64> = 20_000.0..80_000.0;
const DAYS_TO_EPOCH: f64 = 25_569.0;

pub(crate) fn read(text: &str) -> When {
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\u{feff}'));
    if is_absent(text) {
        return When::Absent;
    }
    if text.len() > LENGTH_MAX || !text.is_ascii() {
        return When::Odd;
    }
    let micros = number(text)
        .or_else(|| iso(text))
        .or_else(|| internet(text))
        .or_else(|| go(text))
        .or_else(|| day_first(text));
    // Before 1970 there was no mail to opt out of.
    match micros.filter(|micros| *micros > 0).map(Timestamp::from_micros) {
        Some(Ok(time)) => When::At(time),
        _ => When::Odd,
    }
}

/// In what form the time of a cell is, for people; none where it is no time.
pub(crate) fn form(text: &str) -> Option<&'static str> {
    let When::At(_) = read(text) else { return None };
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'));
    if number(text).is_some() {
        let days = text.replace(',', ".").parse::<f64>().is_ok_and(|n| DAYS.contains(&n));
        return Some(if days { "days of a spreadsheet, UTC" } else { "Unix time" });
    }
    let zoned = internet(text).or_else(|| go(text)).is_some()
        || text.replacen('/', "-", 2).parse::<jiff::Timestamp>().is_ok();
    if zoned {
        return Some("with their zone");
    }
    let day = !text.contains(':') && !text.contains('T');
    Some(if day { "days, from their beginning in UTC" } else { "without a zone, read as UTC" })
}

/// The ways databases and spreadsheets write "no time".
fn is_absent(text: &str) -> bool {
    ["", "-", "0", "null", "none", "nil", "n/a", "na", "nan", "never", "\\n"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
        || text.starts_with("0000-00-00")
        || text.starts_with("0001-01-01")
}

/// Unix seconds (also as `1.44365E+09`), milli- and microseconds, or days of a spreadsheet.
fn number(text: &str) -> Option<i64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b".,+-eE".contains(&byte)) {
        return None;
    }
    // `20110122` is a day.
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: f64 = text.replace(',', ".").parse().ok()?;
    let seconds = match value {
        _ if SECONDS.contains(&value) => value,
        _ if SECONDS.contains(&(value / 1e3)) => value / 1e3,
        _ if SECONDS.contains(&(value / 1e6)) => value / 1e6,
        _ if DAYS.contains(&value) => (value - DAYS_TO_EPOCH) * 86_400.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most 1e16, exact in both types")]
    let micros = (seconds * 1e6).round() as i64;
    Some(micros)
}

/// ISO 8601 and RFC 3339: `2019-12-17T08:58:33-05:00`, `2014-01-14 19:08:17.51258`,
/// `20110122T111244`, `2014/01/14 19:08`, `2014-01-14`.
fn iso(text: &str) -> Option<i64> {
    let hyphens;
    let text = match text.as_bytes() {
        [_, _, _, _, b'/', ..] => {
            hyphens = text.replacen('/', "-", 2);
            &hyphens
        }
        _ => text,
    };
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond());
    }
    utc(text.parse::<DateTime>().ok()?)
}

/// RFC 2822, also with the zone `UTC` that Mailgun writes.
fn internet(text: &str) -> Option<i64> {
    let text = match text.strip_suffix("UTC") {
        Some(time) => format!("{time}+0000"),
        None => text.to_owned(),
    };
    let zoned = jiff::fmt::rfc2822::parse(&text).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

/// Go's `time.String()`: `2024-05-01 12:00:00.123456 +0000 UTC`, with or without `m=+0.1`.
fn go(text: &str) -> Option<i64> {
    let mut parts = text.split(' ');
    let (day, time, offset) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = match offset {
        "UTC" | "Z" | "GMT" => format!("{day}T{time}Z"),
        _ => {
            let (hours, minutes) = offset.split_at_checked(3)?;
            let minutes = minutes.trim_start_matches(':');
            format!("{day}T{time}{hours}:{minutes}")
        }
    };
    Some(whole.parse::<jiff::Timestamp>().ok()?.as_microsecond())
}

/// `21.10.2011`, which is always the day first, and `8/27/2015` or `27/8/2015` where only one of
/// both readings is a date; each with or without a time behind.
fn day_first(text: &str) -> Option<i64> {
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let separator = if day.contains('.') { '.' } else { '/' };
    let mut parts = day.split(separator);
    let mut next = || parts.next().filter(|p| !p.is_empty() && p.len() <= 4)?.parse::<i16>().ok();
    let (first, second, year) = (next()?, next()?, next()?);
    if parts.next().is_some() || !(1970..=9999).contains(&year) {
        return None;
    }
    let date = |day: i16, month: i16| {
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    let date = match (separator, date(first, second), date(second, first)) {
        ('.', date, _) => date?,
        (_, Some(one), Some(other)) if one == other => one,
        (_, Some(_), Some(_)) => return None,
        (_, one, other) => one.or(other)?,
    };
    let time = match time.trim() {
        "" => jiff::civil::Time::midnight(),
        time => time_of_day(time)?,
    };
    utc(date.to_datetime(time))
}

/// `19:08`, `19:08:17`, `7:08 PM`.
fn time_of_day(text: &str) -> Option<jiff::civil::Time> {
    let upper = text.to_ascii_uppercase();
    let (clock, half) = match upper.strip_suffix("AM").or_else(|| upper.strip_suffix("PM")) {
        Some(clock) => (clock.trim_end(), Some(upper.ends_with("PM"))),
        None => (upper.as_str(), None),
    };
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let hour = parts.next()??;
    let minute = parts.next()??;
    let second = parts.next().unwrap_or(Some(0))?;
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(after_noon) => hour % 12 + if after_noon { 12 } else { 0 },
    };
    if parts.next().is_some() {
        return None;
    }
    jiff::civil::Time::new(hour, minute, second, 0).ok()
}

fn utc(time: DateTime) -> Option<i64> {
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_seen_in_the_wild() {
        for (text, expected) in [
            ("1443651125", "2015-09-30T22:12:05Z"),
            ("1443651125.5", "2015-09-30T22:12:05.5Z"),
            ("1586552585.077", "2020-04-10T21:03:05.077Z"),
            ("1.44365E+09", "2015-09-30T21:53:20Z"),
            ("1,44365E+09", "2015-09-30T21:53:20Z"),
            ("1443651125000", "2015-09-30T22:12:05Z"),
            ("1443651125000000", "2015-09-30T22:12:05Z"),
            ("42277.5", "2015-09-30T12:00:00Z"),
            ("Fri, 21 Oct 2011 11:02:55 GMT", "2011-10-21T11:02:55Z"),
            ("Fri, 21 Oct 2011 11:02:55 UTC", "2011-10-21T11:02:55Z"),
            ("Fri, 21 Oct 2011 11:02:55 +0200", "2011-10-21T09:02:55Z"),
            ("2019-12-17T08:58:33-05:00", "2019-12-17T13:58:33Z"),
            ("2017-05-01T12:30:00.000Z", "2017-05-01T12:30:00Z"),
            ("2019-12-17 08:58:33", "2019-12-17T08:58:33Z"),
            ("2019/12/17 08:58:33", "2019-12-17T08:58:33Z"),
            ("2019/12/17", "2019-12-17T00:00:00Z"),
            ("2019-12-17", "2019-12-17T00:00:00Z"),
            ("2016-01-14 19:08:17.51258", "2016-01-14T19:08:17.51258Z"),
            ("2024-05-01 12:00:00.123456 +0000 UTC", "2024-05-01T12:00:00.123456Z"),
            ("2024-05-01 12:00:00 +0200 CEST m=+0.000012345", "2024-05-01T10:00:00Z"),
            ("2024-05-01 12:00:00 UTC", "2024-05-01T12:00:00Z"),
            ("20110122T111244", "2011-01-22T11:12:44Z"),
            ("20110122", "2011-01-22T00:00:00Z"),
            ("'2019-12-17", "2019-12-17T00:00:00Z"),
            ("  2019-12-17\t", "2019-12-17T00:00:00Z"),
            ("21.10.2011", "2011-10-21T00:00:00Z"),
            ("1.2.2011 7:05", "2011-02-01T07:05:00Z"),
            ("8/27/2015", "2015-08-27T00:00:00Z"),
            ("27/8/2015", "2015-08-27T00:00:00Z"),
            ("8/8/2015", "2015-08-08T00:00:00Z"),
            ("8/27/2015 7:05:09 PM", "2015-08-27T19:05:09Z"),
            ("8/27/2015 12:05 am", "2015-08-27T00:05:00Z"),
        ] {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(read(text), When::At(expected), "{text}");
        }
    }

    #[test]
    fn no_time_is_no_fault() {
        for text in [
            "",
            " ",
            "-",
            "NULL",
            "null",
            "N/A",
            "0",
            "0000-00-00 00:00:00",
            "\\N",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), When::Absent, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_time_or_could_be_two_is_odd() {
        for text in [
            "yesterday",
            "1",
            "true",
            "12",
            "99999999999999999999",
            "8/9/2015",
            "32.1.2015",
            "1969-12-31",
            "2015-02-30",
            "13/13/2015",
            "1/2/3/2015",
            "8/27/2015 25:00",
            "8/27/2015 13:00 PM",
            "..",
            "//",
            "e",
            "+",
            "1e309",
            "NaN,",
            "٢٠١٥",
            "8/27/99999",
            "- - -",
            "inf",
            "1-1-1",
        ] {
            assert_eq!(read(text), When::Odd, "{text:?}");
        }
        assert_eq!(read(&"9".repeat(200)), When::Odd);
    }

    #[test]
    fn the_form_is_told_in_words() {
        for (text, expected) in [
            ("1443651125", Some("Unix time")),
            ("1.44365E+09", Some("Unix time")),
            ("1586552585.077", Some("Unix time")),
            ("42277.5", Some("days of a spreadsheet, UTC")),
            ("2019-12-17T08:58:33-05:00", Some("with their zone")),
            ("Fri, 21 Oct 2011 11:02:55 GMT", Some("with their zone")),
            ("2024-05-01 12:00:00.123456 +0000 UTC", Some("with their zone")),
            ("2009-06-10 12:40:30", Some("without a zone, read as UTC")),
            ("20110122T111244", Some("without a zone, read as UTC")),
            ("2019/05/02", Some("days, from their beginning in UTC")),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }
}
