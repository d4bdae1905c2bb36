//! A moment and a day in UTC. Always a parameter here: this crate never asks for the time.
//! A day is small enough to sit in the payload of an index row (16 bits: 1970 to 2149).
//!
//! Written in RFC 3339 with `Z`; read from RFC 3339 with any offset, or from a bare date,
//! which means the midnight UTC it begins with. A time without an offset is refused: it would
//! name up to 26 different hours. What list files contain is for `sources` to make sense of.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::SuppressionError;
use crate::text::serde_by_text;

const MICROS_A_DAY: i64 = 86_400_000_000;

/// Microseconds since the Unix epoch, UTC, between the years -9999 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// The moment that many microseconds after the epoch.
    ///
    /// # Errors
    /// When that is outside the calendar.
    pub fn from_micros(micros: i64) -> Result<Self, SuppressionError> {
        match jiff::Timestamp::from_microsecond(micros) {
            Ok(_) => Ok(Self(micros)),
            Err(_) => Err(SuppressionError::TimeOutOfRange(micros)),
        }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch; 0 for the time before it. What references are made of.
    #[must_use]
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.0.div_euclid(1000)).unwrap_or(0)
    }

    /// The UTC day it falls on; the nearest day of 1970 to 2149 for what is outside.
    #[must_use]
    pub fn day(self) -> Day {
        let days = self.0.div_euclid(MICROS_A_DAY).clamp(0, i64::from(u16::MAX));
        Day::from_number(u16::try_from(days).unwrap_or(u16::MAX))
    }

    /// That many calendar months later: the same day of the month, or its last one.
    #[must_use]
    pub fn plus_months(self, months: u16) -> Self {
        let zoned = self.calendar().to_zoned(TimeZone::UTC);
        let later = zoned.checked_add(jiff::Span::new().months(i64::from(months)));
        // Beyond the calendar there is no later moment.
        later.map_or(self, |later| Self(later.timestamp().as_microsecond()))
    }

    pub(crate) fn from_day_number(days: u16) -> Self {
        Self(i64::from(days) * MICROS_A_DAY)
    }

    pub(crate) fn date(self) -> Date {
        self.calendar().to_zoned(TimeZone::UTC).date()
    }

    fn calendar(self) -> jiff::Timestamp {
        // Every constructor has checked the range, so the epoch stands in for nothing.
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calendar().fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = SuppressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let bad = || SuppressionError::BadTime(text.chars().take(40).collect());
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(time.as_microsecond()));
        }
        if text.len() > "-009999-12-31".len() {
            return Err(bad());
        }
        let date: Date = text.parse().map_err(|_| bad())?;
        let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| bad())?;
        Ok(Self(zoned.timestamp().as_microsecond()))
    }
}

serde_by_text!(Timestamp, "a time such as \"2026-03-02T10:15:00Z\"");

/// Days since 1970-01-01 UTC. Earlier days are the first, later ones than 2149-06-06 the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(u16);

impl Day {
    /// The day with this number.
    #[must_use]
    pub fn from_number(days_since_1970: u16) -> Self {
        Self(days_since_1970)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// That many days later; the last day there is for one beyond it.
    #[must_use]
    pub fn plus_days(self, days: u16) -> Self {
        Self(self.0.saturating_add(days))
    }

    pub(crate) fn date(self) -> Date {
        self.start().date()
    }

    /// Midnight UTC at which this day begins.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_day_number(self.0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.start().date().fmt(f)
    }
}

impl FromStr for Day {
    type Err = SuppressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: Timestamp = text.parse()?;
        Ok(time.day())
    }
}

serde_by_text!(Day, "a date such as \"2026-03-02\"");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_rfc_3339_with_any_offset_and_bare_dates() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01", 0),
            ("1970-01-02", MICROS_A_DAY),
            ("1969-12-31T23:59:59.5Z", -500_000),
            ("2026-03-02T10:15:00.123456Z", 1_772_446_500_123_456),
            ("2026-03-02T10:15:00-00:00", 1_772_446_500_000_000),
        ] {
            assert_eq!(text.parse::<Timestamp>().map(Timestamp::micros), Ok(micros), "{text}");
        }
    }

    #[test]
    fn refuses_what_could_mean_several_moments() {
        for text in
            ["", "2026-03-02T10:15:00", "2026-03-02 10:15", "2.3.2026", "03/02/2026", "now", "2026"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_utc_and_saturates() {
        let day = |micros| Timestamp(micros).day().number();
        assert_eq!(day(0), 0);
        assert_eq!(day(MICROS_A_DAY - 1), 0);
        assert_eq!(day(MICROS_A_DAY), 1);
        assert_eq!(day(-1), 0);
        assert_eq!(day(i64::from(u16::MAX) * MICROS_A_DAY), u16::MAX);
        assert_eq!(day((i64::from(u16::MAX) + 1) * MICROS_A_DAY), u16::MAX);
    }

    #[test]
    fn outside_the_calendar_is_an_error() {
        assert!(Timestamp::from_micros(i64::MAX).is_err());
        assert!(Timestamp::from_micros(i64::MIN).is_err());
    }

    #[test]
    fn shows_and_reads_the_iso_form() {
        for (number, text) in
            [(0, "1970-01-01"), (20_514, "2026-03-02"), (59, "1970-03-01"), (65_535, "2149-06-06")]
        {
            assert_eq!(Day::from_number(number).to_string(), text);
            assert_eq!(text.parse::<Day>().unwrap().number(), number);
        }
        assert!("2026-02-30".parse::<Day>().is_err());
        assert!("02/03/2026".parse::<Day>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(micros in -60_000_000_000_000_000i64..250_000_000_000_000_000) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }
}
