//! Values of MySQL as text. In answers to prepared statements they have types; in others they
//! are text already.

use std::borrow::Cow;

use mysql_async::consts::ColumnType;
use mysql_async::{Column, Row, Value};

use super::super::cell_text;
use super::super::mark::{Level, Mark};

/// The number of the character set that says "bytes".
const BINARY: u16 = 63;
/// Lengths of digests. A fixed column of so many bytes holds digits, even where bytes of one of
/// them happen to be letters.
const DIGESTS: [u32; 4] = [16, 20, 32, 64];

/// What a column holds, as far as texts and marks depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Integer,
    Bits,
    Decimal,
    Real,
    Date,
    Time,
    Text,
    Bytes,
    Digest,
}

impl Shape {
    pub(super) fn of(column: &Column) -> Self {
        use ColumnType as T;
        let bytes = column.character_set() == BINARY;
        match column.column_type() {
            T::MYSQL_TYPE_TINY
            | T::MYSQL_TYPE_SHORT
            | T::MYSQL_TYPE_INT24
            | T::MYSQL_TYPE_LONG
            | T::MYSQL_TYPE_LONGLONG
            | T::MYSQL_TYPE_YEAR => Self::Integer,
            T::MYSQL_TYPE_BIT => Self::Bits,
            T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => Self::Decimal,
            T::MYSQL_TYPE_FLOAT | T::MYSQL_TYPE_DOUBLE => Self::Real,
            T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE => Self::Date,
            T::MYSQL_TYPE_TIMESTAMP
            | T::MYSQL_TYPE_TIMESTAMP2
            | T::MYSQL_TYPE_DATETIME
            | T::MYSQL_TYPE_DATETIME2 => Self::Time,
            T::MYSQL_TYPE_STRING if bytes && DIGESTS.contains(&column.column_length()) => {
                Self::Digest
            }
            T::MYSQL_TYPE_STRING
            | T::MYSQL_TYPE_VAR_STRING
            | T::MYSQL_TYPE_VARCHAR
            | T::MYSQL_TYPE_TINY_BLOB
            | T::MYSQL_TYPE_MEDIUM_BLOB
            | T::MYSQL_TYPE_LONG_BLOB
            | T::MYSQL_TYPE_BLOB
            | T::MYSQL_TYPE_GEOMETRY
                if bytes =>
            {
                Self::Bytes
            }
            _ => Self::Text,
        }
    }

    /// A value as text.
    pub(super) fn text(self, value: &Value) -> Option<Cow<'_, str>> {
        Some(match (self, value) {
            (_, Value::NULL) => return None,
            (Self::Bits, Value::Bytes(bytes)) => Cow::Owned(bits(bytes).to_string()),
            (Self::Digest, Value::Bytes(bytes)) => Cow::Owned(cell_text::hex(bytes)),
            (Self::Bytes, Value::Bytes(bytes)) => cell_text::of(bytes),
            // How MySQL writes that there is no time.
            (Self::Date | Self::Time, Value::Bytes(bytes)) if bytes.starts_with(b"0000-00-00") => {
                return None;
            }
            (_, Value::Bytes(bytes)) => String::from_utf8_lossy(bytes),
            (_, Value::Int(value)) => Cow::Owned(value.to_string()),
            (_, Value::UInt(value)) => Cow::Owned(value.to_string()),
            (_, Value::Float(value)) => Cow::Owned(value.to_string()),
            (_, Value::Double(value)) => Cow::Owned(value.to_string()),
            (_, Value::Date(0, 0, 0, ..)) => return None,
            (Self::Date, Value::Date(year, month, day, ..)) => {
                Cow::Owned(format!("{year:04}-{month:02}-{day:02}"))
            }
            (_, Value::Date(year, month, day, hour, minute, second, micros)) => {
                let mut text =
                    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
                if *micros != 0 {
                    text += &format!(".{micros:06}");
                }
                Cow::Owned(text)
            }
            (_, Value::Time(negative, days, hours, minutes, seconds, micros)) => {
                let sign = if *negative { "-" } else { "" };
                let hours = u64::from(*days) * 24 + u64::from(*hours);
                let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
                if *micros != 0 {
                    text += &format!(".{micros:06}");
                }
                Cow::Owned(text)
            }
        })
    }

    /// A cell, where it can be a mark.
    pub(super) fn level(self, cell: &str) -> Option<Level<'_>> {
        match self {
            Self::Integer | Self::Bits => cell.parse().ok().map(Level::Integer),
            Self::Decimal => Level::decimal(cell),
            Self::Real => Level::real(cell.parse().ok()?),
            Self::Date | Self::Time => Level::time(cell),
            Self::Text => Some(Level::text(cell)),
            Self::Bytes | Self::Digest => None,
        }
    }

    /// A mark as a parameter, and the expression it stands in, which gives it the type of the
    /// column: as text a number would be compared as a floating-point one. A mark of another
    /// type, from before the column was changed, is none: then all is read.
    pub(super) fn parameter(self, mark: &Mark) -> Option<(&'static str, Value)> {
        let bytes = |text: Cow<'_, str>| Value::Bytes(text.into_owned().into_bytes());
        match (self, Level::of(mark)?) {
            (Self::Integer | Self::Bits, Level::Integer(value)) => {
                let value = i64::try_from(value)
                    .map(Value::Int)
                    .or_else(|_| u64::try_from(value).map(Value::UInt));
                Some(("?", value.ok()?))
            }
            (Self::Decimal, Level::Decimal(text)) => {
                Some(("CAST(? AS DECIMAL(65, 30))", bytes(text)))
            }
            (Self::Real, Level::Real(value)) => Some(("?", Value::Double(value))),
            (Self::Date | Self::Time, Level::Time(text)) => {
                Some(("CAST(? AS DATETIME(6))", bytes(text)))
            }
            (Self::Text, Level::Time(text) | Level::Text(text)) => Some(("?", bytes(text))),
            _ => None,
        }
    }
}

/// The cells of a row from a place on.
pub(super) fn cells<'a>(
    row: &'a Row,
    shapes: &'a [Shape],
    from: usize,
) -> impl ExactSizeIterator<Item = Option<Cow<'a, str>>> {
    shapes
        .iter()
        .enumerate()
        .map(move |(at, shape)| row.as_ref(from + at).and_then(|value| shape.text(value)))
}

/// The bits of a `BIT` column, most significant byte first.
fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_typed_and_of_plain_values() {
        let bytes = |text: &str| Value::Bytes(text.as_bytes().to_vec());
        for (shape, value, text) in [
            (Shape::Text, Value::NULL, None),
            (Shape::Text, bytes("ü"), Some("ü")),
            (Shape::Bits, Value::Bytes(vec![1, 0]), Some("256")),
            (Shape::Bytes, bytes("bob@x"), Some("bob@x")),
            (Shape::Bytes, Value::Bytes(vec![0, 255]), Some("00ff")),
            (Shape::Digest, bytes("ab"), Some("6162")),
            (Shape::Integer, Value::UInt(u64::MAX), Some("18446744073709551615")),
            (Shape::Integer, bytes("-5"), Some("-5")),
            (Shape::Decimal, bytes("1.50"), Some("1.50")),
            (Shape::Real, Value::Double(0.1), Some("0.1")),
            (Shape::Date, Value::Date(2024, 5, 1, 0, 0, 0, 0), Some("2024-05-01")),
            (Shape::Time, Value::Date(2024, 5, 1, 0, 0, 0, 0), Some("2024-05-01 00:00:00")),
            (Shape::Time, Value::Date(2024, 5, 1, 12, 3, 4, 5), Some("2024-05-01 12:03:04.000005")),
            (Shape::Time, Value::Date(0, 0, 0, 0, 0, 0, 0), None),
            (Shape::Time, bytes("0000-00-00 00:00:00"), None),
            (Shape::Text, Value::Time(true, 1, 2, 3, 4, 0), Some("-26:03:04")),
        ] {
            assert_eq!(shape.text(&value).as_deref(), text, "{shape:?} {value:?}");
        }
    }

    #[test]
    fn a_cell_becomes_a_mark_and_the_mark_a_parameter() {
        for (shape, cell, mark, parameter) in [
            (Shape::Integer, "18446744073709551615", "i:18446744073709551615", "?"),
            (Shape::Bits, "5", "i:5", "?"),
            (Shape::Decimal, "1.50", "n:1.50", "CAST(? AS DECIMAL(65, 30))"),
            (Shape::Real, "0.1", "r:0.1", "?"),
            (Shape::Time, "2024-05-01 12:00:00", "t:2024-05-01 12:00:00", "CAST(? AS DATETIME(6))"),
            (Shape::Date, "2024-05-01", "t:2024-05-01", "CAST(? AS DATETIME(6))"),
            (Shape::Text, "2024-05-01", "t:2024-05-01", "?"),
            (Shape::Text, "abc", "s:abc", "?"),
        ] {
            let found = shape.level(cell).unwrap().mark();
            assert_eq!(found, Mark(mark.to_owned()));
            assert_eq!(shape.parameter(&found).unwrap().0, parameter, "{mark}");
        }
        for (shape, mark) in [
            (Shape::Integer, "t:2024-05-01"),
            (Shape::Integer, "s:5"),
            (Shape::Integer, "i:18446744073709551616"),
            (Shape::Time, "i:5"),
            (Shape::Text, "i:5"),
            (Shape::Bytes, "s:a"),
        ] {
            assert_eq!(shape.parameter(&Mark(mark.to_owned())), None, "{shape:?} {mark}");
        }
    }
}
