//! Values of a SQL Server as text, and marks as values again.
//!
//! Times are ISO 8601, those with an offset in UTC with `Z`, the others as they stand in the
//! table; bytes are `0x` and hex digits, as Transact-SQL writes them; a BIT is 1 or 0.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Span;
use jiff::civil::{Date, date};
use tiberius::ColumnData;
use tiberius::time::{DateTime2, Time};

use super::super::error::RemoteError;
use super::super::mark::Mark;

/// Where DATETIME counts its days from.
const EPOCH_1900: Date = date(1900, 1, 1);
/// Where the newer types do.
const EPOCH_1: Date = date(1, 1, 1);

/// A value as text; none: NULL.
pub(super) fn of<'a>(value: &'a ColumnData<'static>) -> Option<Cow<'a, str>> {
    Some(match value {
        ColumnData::String(text) => Cow::Borrowed(text.as_deref()?),
        ColumnData::U8(number) => (*number)?.to_string().into(),
        ColumnData::I16(number) => (*number)?.to_string().into(),
        ColumnData::I32(number) => (*number)?.to_string().into(),
        ColumnData::I64(number) => (*number)?.to_string().into(),
        ColumnData::F32(number) => (*number)?.to_string().into(),
        ColumnData::F64(number) => (*number)?.to_string().into(),
        ColumnData::Bit(bit) => if (*bit)? { "1" } else { "0" }.into(),
        ColumnData::Guid(guid) => (*guid)?.to_string().to_uppercase().into(),
        ColumnData::Binary(bytes) => hex(bytes.as_deref()?).into(),
        ColumnData::Numeric(number) => {
            let number = (*number)?;
            decimal(number.value(), number.scale()).into()
        }
        ColumnData::Xml(xml) => xml.as_deref()?.to_string().into(),
        ColumnData::DateTime(time) => {
            let time = (*time)?;
            // Three hundredths of a second each, which the server shows as milliseconds.
            let milliseconds = (u64::from(time.seconds_fragments()) * 10 + 1) / 3;
            instant(EPOCH_1900, time.days().into(), milliseconds, 3).into()
        }
        ColumnData::SmallDateTime(time) => {
            let time = (*time)?;
            let seconds = u64::from(time.seconds_fragments()) * 60;
            instant(EPOCH_1900, time.days().into(), seconds, 0).into()
        }
        ColumnData::Date(day) => day_of(EPOCH_1, (*day)?.days().into()).into(),
        ColumnData::Time(time) => time_of((*time)?).into(),
        ColumnData::DateTime2(time) => datetime2((*time)?).into(),
        ColumnData::DateTimeOffset(time) => (datetime2((*time)?.datetime2()) + "Z").into(),
    })
}

/// The mark of a watermark's value: its type and its text.
pub(super) fn mark(value: &ColumnData<'static>) -> Result<Option<Mark>, &'static str> {
    let kind = match value {
        ColumnData::U8(_) | ColumnData::I16(_) | ColumnData::I32(_) | ColumnData::I64(_) => {
            "bigint"
        }
        ColumnData::Numeric(_) => "decimal",
        ColumnData::F32(_) => "real",
        ColumnData::F64(_) => "float",
        ColumnData::DateTime(_) => "datetime",
        ColumnData::SmallDateTime(_) => "smalldatetime",
        ColumnData::DateTime2(_) => "datetime2",
        ColumnData::DateTimeOffset(_) => "datetimeoffset",
        ColumnData::Date(_) => "date",
        ColumnData::Binary(_) => "binary",
        ColumnData::String(_) => "nvarchar",
        ColumnData::Bit(_) => return Err("a bit"),
        ColumnData::Guid(_) => return Err("a uniqueidentifier"),
        ColumnData::Time(_) => return Err("a time of the day"),
        ColumnData::Xml(_) => return Err("XML"),
    };
    Ok(of(value).map(|text| Mark(format!("{kind}:{text}"))))
}

/// What a mark is compared as, with its text in the parameter `@P1`.
pub(super) fn bound(mark: &Mark) -> Result<(String, &str), RemoteError> {
    let foreign = || RemoteError::Setting {
        what: "what is remembered of the watermark is not of a SQL Server; the list has to be \
               read whole once"
            .to_owned(),
    };
    let (kind, text) = mark.0.split_once(':').ok_or_else(foreign)?;
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    // A ROWVERSION is eight bytes; with another type there the index would not be used.
    let binary = if text.len() == 18 { "binary(8)" } else { "varbinary(8000)" };
    let bound = match kind {
        "bigint" | "real" | "float" => format!("CONVERT({kind}, @P1)"),
        "decimal" => format!("CONVERT(decimal(38, {scale}), @P1)"),
        "datetime" | "smalldatetime" => format!("CONVERT({kind}, @P1, 126)"),
        "datetime2" => "CONVERT(datetime2(7), @P1, 126)".to_owned(),
        "datetimeoffset" => "CONVERT(datetimeoffset(7), @P1, 127)".to_owned(),
        "date" => "CONVERT(date, @P1, 23)".to_owned(),
        "binary" => format!("CONVERT({binary}, @P1, 1)"),
        "nvarchar" => "@P1".to_owned(),
        _ => return Err(foreign()),
    };
    Ok((bound, text))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn decimal(value: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
    let sign = if value < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// A day, so many behind another.
fn day_of(epoch: Date, days: i64) -> String {
    let day = Span::new().try_days(days).and_then(|days| epoch.checked_add(days));
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// A time of a day, counted in parts of a second with so many digits.
fn clock(count: u64, digits: u8) -> String {
    let parts = 10u64.checked_pow(digits.into()).unwrap_or(1);
    let (seconds, fraction) = (count / parts, count % parts);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{hour:02}:{minute:02}:{second:02}");
    if fraction > 0 {
        let _ = write!(text, ".{fraction:0width$}", width = usize::from(digits));
    }
    text
}

fn instant(epoch: Date, days: i64, count: u64, digits: u8) -> String {
    format!("{}T{}", day_of(epoch, days), clock(count, digits))
}

fn time_of(time: Time) -> String {
    clock(time.increments(), time.scale())
}

fn datetime2(time: DateTime2) -> String {
    let (day, time) = (time.date(), time.time());
    instant(EPOCH_1, day.days().into(), time.increments(), time.scale())
}

#[cfg(test)]
mod tests {
    use tiberius::numeric::Numeric;
    use tiberius::time::{Date as Day, DateTime, DateTimeOffset, SmallDateTime};

    use super::*;

    fn text(value: ColumnData<'static>) -> String {
        of(&value).map_or("NULL".to_owned(), Cow::into_owned)
    }

    #[test]
    fn every_type_is_text() {
        let time = |increments, scale| Time::new(increments, scale);
        let moment = DateTime2::new(Day::new(738_886), time(367_451_234_567, 7));
        for (value, right) in [
            (ColumnData::String(Some("ä@x.example".into())), "ä@x.example"),
            (ColumnData::U8(Some(255)), "255"),
            (ColumnData::I16(Some(-3)), "-3"),
            (ColumnData::I32(Some(7)), "7"),
            (ColumnData::I64(Some(i64::MIN)), "-9223372036854775808"),
            (ColumnData::F32(Some(1.5)), "1.5"),
            (ColumnData::F64(Some(0.1)), "0.1"),
            (ColumnData::Bit(Some(true)), "1"),
            (ColumnData::Bit(Some(false)), "0"),
            (ColumnData::Binary(Some(vec![0, 0, 7, 0xd1].into())), "0x000007D1"),
            (ColumnData::Binary(Some(vec![].into())), "0x"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(12345, 2))), "123.45"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(-5, 3))), "-0.005"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(50, 0))), "50"),
            (ColumnData::DateTime(Some(DateTime::new(0, 0))), "1900-01-01T00:00:00"),
            (ColumnData::DateTime(Some(DateTime::new(-53_690, 1))), "1753-01-01T00:00:00.003"),
            (
                ColumnData::DateTime(Some(DateTime::new(45_435, 25_919_999))),
                "2024-05-25T23:59:59.997",
            ),
            (
                ColumnData::SmallDateTime(Some(SmallDateTime::new(45_435, 61))),
                "2024-05-25T01:01:00",
            ),
            (ColumnData::Date(Some(Day::new(0))), "0001-01-01"),
            (ColumnData::Date(Some(Day::new(3_652_058))), "9999-12-31"),
            (ColumnData::Time(Some(time(36_615, 1))), "01:01:01.5"),
            (ColumnData::DateTime2(Some(moment)), "2024-01-02T10:12:25.1234567"),
            (
                ColumnData::DateTimeOffset(Some(DateTimeOffset::new(moment, 120))),
                "2024-01-02T10:12:25.1234567Z",
            ),
            (ColumnData::String(None), "NULL"),
            (ColumnData::DateTime2(None), "NULL"),
        ] {
            assert_eq!(text(value), right);
        }
    }

    #[test]
    fn a_mark_is_compared_as_what_its_column_is() {
        let rowversion = ColumnData::Binary(Some(vec![0, 0, 0, 0, 0, 0, 7, 0xd1].into()));
        let day = DateTime2::new(Day::new(738_886), Time::new(0, 7));
        for (value, right, parameter) in [
            (rowversion, "CONVERT(binary(8), @P1, 1)", "0x00000000000007D1"),
            (ColumnData::Binary(Some(vec![1].into())), "CONVERT(varbinary(8000), @P1, 1)", "0x01"),
            (ColumnData::I32(Some(7)), "CONVERT(bigint, @P1)", "7"),
            (
                ColumnData::Numeric(Some(Numeric::new_with_scale(12345, 2))),
                "CONVERT(decimal(38, 2), @P1)",
                "123.45",
            ),
            (
                ColumnData::DateTime(Some(DateTime::new(0, 1))),
                "CONVERT(datetime, @P1, 126)",
                "1900-01-01T00:00:00.003",
            ),
            (
                ColumnData::DateTime2(Some(day)),
                "CONVERT(datetime2(7), @P1, 126)",
                "2024-01-02T00:00:00",
            ),
            (
                ColumnData::DateTimeOffset(Some(DateTimeOffset::new(day, 60))),
                "CONVERT(datetimeoffset(7), @P1, 127)",
                "2024-01-02T00:00:00Z",
            ),
            (ColumnData::Date(Some(Day::new(0))), "CONVERT(date, @P1, 23)", "0001-01-01"),
            (ColumnData::String(Some("a:b".into())), "@P1", "a:b"),
        ] {
            let mark = mark(&value).unwrap().unwrap();
            assert_eq!(bound(&mark).unwrap(), (right.to_owned(), parameter));
        }
        assert_eq!(mark(&ColumnData::I32(None)), Ok(None));
        assert_eq!(mark(&ColumnData::Bit(None)), Err("a bit"));
        for foreign in ["7", "int8:7", "; drop table o:1"] {
            assert!(bound(&Mark(foreign.to_owned())).is_err(), "{foreign}");
        }
    }
}
