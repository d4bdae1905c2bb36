//! How far a list was read, and from where on it is read again.
//!
//! A mark is a value that stood in the watermark column, with a letter in front that says what it
//! is. The greatest of a reading is found here and not by the database, which may sort texts in
//! another way; that is safe, because every value that was there is at most the greatest one, and
//! a mark that is too low only has more rows read again. Values that would hold back all that
//! follows are no marks: `infinity`, NaN, times that lie in the future by more than a day, a word
//! among times or numbers.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::cell_text;

/// How far a list was read: the greatest value of its watermark column, with its type, as text
/// that only this module understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(pub String);

/// Which rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The column whose values grow with each change: a number, a time, a ROWVERSION.
    pub column: String,
    /// Rows at this mark and behind it; none: all.
    pub from: Option<Mark>,
}

/// What a reading came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Rows put down.
    pub rows: u64,
    /// The greatest mark among them; none where there is no watermark or no row.
    pub mark: Option<Mark>,
}

/// A value of a watermark column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Level<'a> {
    /// A whole number.
    Integer(i128),
    /// A decimal number in digits, such as `-1.50`.
    Decimal(Cow<'a, str>),
    /// A floating-point number, and not NaN or infinite.
    Real(f64),
    /// A date or time that sorts as its text does: `2024-05-01 12:00:00.5`.
    Time(Cow<'a, str>),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes, such as a ROWVERSION.
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Level<'a> {
    /// A decimal number, where it is one.
    pub(super) fn decimal(text: &'a str) -> Option<Self> {
        digits(text).map(|_| Self::Decimal(Cow::Borrowed(text)))
    }

    /// A time as databases write it, where its text sorts right: four digits of a year, a month,
    /// a day, and perhaps more. The `+00` of PostgreSQL behind it is left out.
    pub(super) fn time(text: &'a str) -> Option<Self> {
        let text = text.strip_suffix("+00").unwrap_or(text);
        let shape = text.bytes().zip(b"dddd-dd-dd".iter()).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *shape,
        });
        let rest = text.get(10..)?;
        let rest = rest.strip_suffix('Z').unwrap_or(rest);
        let plain = rest.bytes().all(|byte| byte.is_ascii_digit() || b" :.T".contains(&byte));
        (shape && plain).then_some(Self::Time(Cow::Borrowed(text)))
    }

    /// What a text is: most texts in watermark columns are times.
    pub(super) fn text(text: &'a str) -> Self {
        Self::time(text).unwrap_or(Self::Text(Cow::Borrowed(text)))
    }

    /// A floating-point number, where it is one.
    pub(super) fn real(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Real(value))
    }

    /// What a mark holds.
    pub(super) fn of(mark: &'a Mark) -> Option<Self> {
        let (letter, text) = mark.0.split_once(':')?;
        match letter {
            "i" => text.parse().ok().map(Self::Integer),
            "n" => Self::decimal(text),
            "r" => Self::real(text.parse().ok()?),
            "t" => Self::time(text),
            "s" => Some(Self::Text(Cow::Borrowed(text))),
            "b" => cell_text::unhex(text).map(|bytes| Self::Bytes(Cow::Owned(bytes))),
            _ => None,
        }
    }

    /// The mark of it.
    pub(super) fn mark(&self) -> Mark {
        Mark(match self {
            Self::Integer(value) => format!("i:{value}"),
            Self::Decimal(text) => format!("n:{text}"),
            // `{:?}` gives a text that is read back as the same number.
            Self::Real(value) => format!("r:{value:?}"),
            Self::Time(text) => format!("t:{text}"),
            Self::Text(text) => format!("s:{text}"),
            Self::Bytes(bytes) => format!("b:{}", cell_text::hex(bytes)),
        })
    }

    fn into_owned(self) -> Level<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Integer(value) => Level::Integer(value),
            Self::Decimal(text) => Level::Decimal(owned(text)),
            Self::Real(value) => Level::Real(value),
            Self::Time(text) => Level::Time(owned(text)),
            Self::Text(text) => Level::Text(owned(text)),
            Self::Bytes(bytes) => Level::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }

    /// Where one column has several kinds, those of the lowest class count: to a database they are
    /// below the others, which are read again each time.
    fn class(&self) -> u8 {
        match self {
            Self::Integer(_) | Self::Decimal(_) | Self::Real(_) => 0,
            Self::Time(_) => 1,
            Self::Text(_) => 2,
            Self::Bytes(_) => 3,
        }
    }

    /// Whether a list with both was read up to this one.
    fn is_above(&self, other: &Level<'_>) -> bool {
        let order = match (self, other) {
            (Self::Integer(one), Level::Integer(other)) => one.cmp(other),
            (Self::Real(one), Level::Real(other)) => one.total_cmp(other),
            #[expect(clippy::cast_precision_loss, reason = "SQLite compares them so, nearly")]
            (Self::Integer(one), Level::Real(other)) => (*one as f64).total_cmp(other),
            #[expect(clippy::cast_precision_loss, reason = "SQLite compares them so, nearly")]
            (Self::Real(one), Level::Integer(other)) => one.total_cmp(&(*other as f64)),
            (Self::Decimal(one), Level::Decimal(other)) => digits(one).cmp(&digits(other)),
            (Self::Time(one), Level::Time(other)) | (Self::Text(one), Level::Text(other)) => {
                one.cmp(other)
            }
            (Self::Bytes(one), Level::Bytes(other)) => one.cmp(other),
            (one, other) => other.class().cmp(&one.class()),
        };
        order == Ordering::Greater
    }
}

/// A decimal number in an order: its sign, and its digits before and behind the point.
#[derive(PartialEq, Eq)]
struct Digits<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

fn digits(text: &str) -> Option<Digits<'_>> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if unsigned.is_empty() || unsigned == "." || !all(whole) || !all(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let negative = negative && !(whole.is_empty() && fraction.is_empty());
    Some(Digits { negative, whole, fraction })
}

impl Ord for Digits<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |one: &Self, other: &Self| {
            (one.whole.len(), one.whole, one.fraction).cmp(&(
                other.whole.len(),
                other.whole,
                other.fraction,
            ))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Digits<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Finds the greatest value of a column.
#[derive(Debug, Default)]
pub(super) struct Highest {
    /// Times behind this one are no marks.
    limit: Option<String>,
    level: Option<Level<'static>>,
}

impl Highest {
    /// Times above `limit`, as the server writes them, are left out.
    pub(super) fn up_to(limit: Option<String>) -> Self {
        Self { limit, level: None }
    }

    /// Looks at a value.
    pub(super) fn see(&mut self, level: Level<'_>) {
        if let (Level::Time(time), Some(limit)) = (&level, &self.limit)
            && time.as_ref() > limit.as_str()
        {
            return;
        }
        if self.level.as_ref().is_none_or(|highest| level.is_above(highest)) {
            self.level = Some(level.into_owned());
        }
    }

    /// The mark of the greatest.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.level.as_ref().map(Level::mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn highest(levels: &[Level<'_>]) -> String {
        let mut highest = Highest::up_to(Some("2026-03-03 12:00:00".to_owned()));
        for level in levels {
            highest.see(level.clone());
        }
        highest.mark().map_or_else(String::new, |mark| mark.0)
    }

    #[test]
    fn the_greatest_of_each_type() {
        let decimal = |text| Level::decimal(text).unwrap();
        let time = |text| Level::time(text).unwrap();
        for (levels, expected) in [
            (vec![Level::Integer(9), Level::Integer(10), Level::Integer(-11)], "i:10"),
            (vec![decimal("9.5"), decimal("10"), decimal("10.0"), decimal("-11")], "n:10"),
            (vec![decimal("-0.5"), decimal("-0.45"), decimal("-1")], "n:-0.45"),
            (vec![decimal("-0"), decimal("0.0")], "n:-0"),
            (vec![decimal("1.09"), decimal("1.1")], "n:1.1"),
            (vec![Level::Real(-0.5), Level::Real(1e300)], "r:1e300"),
            (vec![Level::Real(1.5), Level::Integer(2), Level::Integer(1)], "i:2"),
            (
                vec![time("2024-05-01 12:00:00+00"), time("2024-05-01 12:00:00.5+00")],
                "t:2024-05-01 12:00:00.5",
            ),
            (vec![time("2024-05-01"), time("2024-04-30")], "t:2024-05-01"),
            (vec![Level::Text("b".into()), Level::Text("a".into())], "s:b"),
            (vec![Level::Text("a".into()), Level::Integer(5), Level::Text("b".into())], "i:5"),
            (
                vec![Level::text("unknown"), Level::text("2024-05-01T12:00:00Z")],
                "t:2024-05-01T12:00:00Z",
            ),
            (
                vec![Level::Bytes([0, 2].as_slice().into()), Level::Bytes([1].as_slice().into())],
                "b:01",
            ),
            (vec![], ""),
        ] {
            assert_eq!(highest(&levels), expected);
        }
    }

    #[test]
    fn what_would_hold_back_all_that_follows_is_no_mark() {
        for text in ["infinity", "10000-01-01", "0044-03-15 BC", "2024-05-01 12:00:00+02", "soon"] {
            assert_eq!(Level::time(text), None, "{text}");
        }
        for text in ["NaN", "Infinity", "", ".", "-", "1e5"] {
            assert_eq!(Level::decimal(text), None, "{text}");
        }
        assert_eq!((Level::real(f64::NAN), Level::real(f64::INFINITY)), (None, None));
        let (now, far) = ("2026-03-03 12:00:00", "2026-03-03 12:00:00.1");
        let levels = [Level::time(now).unwrap(), Level::time(far).unwrap()];
        assert_eq!(highest(&levels), "t:2026-03-03 12:00:00");
    }

    #[test]
    fn what_is_no_mark_is_none() {
        for text in ["", "i", "i:", "i:x", "x:1", "n:", "r:nan", "t:today", "b:0", "b:zz"] {
            assert_eq!(Level::of(&Mark(text.to_owned())), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_mark_is_read_back(
            integer: i128,
            real in proptest::num::f64::NORMAL,
            decimal in "-?[0-9]{1,30}(\\.[0-9]{1,9})?",
            time in "[0-9]{4}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?)?",
            text: String,
            bytes: Vec<u8>,
        ) {
            for level in [
                Level::Integer(integer),
                Level::Real(real),
                Level::Decimal(decimal.into()),
                Level::Time(time.into()),
                Level::Text(text.into()),
                Level::Bytes(bytes.into()),
            ] {
                let mark = level.mark();
                prop_assert_eq!(Level::of(&mark), Some(level));
            }
        }
    }
}
