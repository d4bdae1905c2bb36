//! Forms with a unit: durations, sizes, shares, business days.
//!
//! A bare number is refused where a unit could be mistaken (is a `timeout = 30`
//! seconds or milliseconds?); only sizes may be bytes without saying so.

use std::fmt::Write as _;
use std::time::Duration;

use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Form for Span {
    const NAME: &'static str = "a duration";
    const EXAMPLE: &'static str = "\"30s\", \"9m30s\", \"12h\" or \"7d\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        if let DeValue::Integer(n) = given.value {
            faults.push(given.wrong_type::<Self>().help(format!("with its unit: \"{n}s\"")));
            return None;
        }
        let text = given.string::<Self>(faults)?;
        match parse_duration(text) {
            Ok(d) => Some(Self(d)),
            Err(why) => {
                faults.push(given.wrong::<Self>(&why));
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(&show_duration(self.0))
    }
}

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// `9m30s`: numbers with a unit each, longer units first, more than nothing.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let number: u64 = number.parse().map_err(|_| "a number is missing".to_owned())?;
        let Some((_, ms)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(if unit.is_empty() {
                "the unit is missing".to_owned()
            } else {
                format!("`{unit}` is no unit; they are ms, s, m, h and d")
            });
        };
        if *ms >= last {
            return Err("the longer unit comes first, and each only once".to_owned());
        }
        last = *ms;
        total = number
            .checked_mul(*ms)
            .and_then(|n| n.checked_add(total))
            .filter(|n| *n <= 36_500 * 86_400_000)
            .ok_or_else(|| "it is longer than a hundred years".to_owned())?;
        rest = tail;
    }
    if total == 0 {
        return Err("it must be longer than nothing".to_owned());
    }
    Ok(Duration::from_millis(total))
}

/// The shortest way to write a duration that [`parse_duration`] reads.
pub(crate) fn show_duration(d: Duration) -> String {
    let mut rest = u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (name, ms) in UNITS.iter().rev() {
        if rest >= *ms {
            let _ = write!(out, "{}{name}", rest / ms);
            rest %= ms;
        }
    }
    out
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

const SIZES: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

impl Form for Size {
    const NAME: &'static str = "a size";
    const EXAMPLE: &'static str = "\"50MiB\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        if let DeValue::Integer(n) = given.value
            && let Ok(n) = u64::from_str_radix(n.as_str(), n.radix())
        {
            return Some(Self(n));
        }
        let text = given.string::<Self>(faults)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        let factor = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let size = number.parse::<u64>().ok().zip(factor).and_then(|(n, (_, f))| n.checked_mul(*f));
        if size.is_none() {
            faults.push(given.wrong::<Self>("a number and B, KiB, MiB, GiB, kB, MB or GB"));
        }
        size.map(Self)
    }
    fn show(&self) -> String {
        let best = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
            .into_iter()
            .find(|(_, f)| self.0 >= *f && self.0.is_multiple_of(*f));
        best.map_or_else(|| self.0.to_string(), |(u, f)| quoted(&format!("{}{u}", self.0 / f)))
    }
}

/// A limit that may be left away by the word "never".
macro_rules! or_never {
    ($(#[$meta:meta])* $name:ident($inner:ty), $form:literal, $example:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) Option<$inner>);

        impl Form for $name {
            const NAME: &'static str = $form;
            const EXAMPLE: &'static str = $example;
            fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
                match given.value {
                    DeValue::String(word) if word == "never" => Some(Self(None)),
                    _ => <$inner>::read(given, faults).map(|limit| Self(Some(limit))),
                }
            }
            fn show(&self) -> String {
                self.0.map_or_else(|| quoted("never"), |limit| limit.show())
            }
        }
    };
}

or_never! {
    /// A size, or none.
    SizeOrNever(Size), "a size, or \"never\"", "\"256MiB\""
}

or_never! {
    /// A duration, or none.
    SpanOrNever(Span), "a duration, or \"never\"", "\"90d\""
}

/// The most that the law allows, in business days: 15 U.S.C. 7704(a)(4)(A)(i); CASL s11(3).
const GRACE_MAX: u16 = 10;

/// A number of business days, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GraceSaid(pub(crate) Option<u16>);

impl Form for GraceSaid {
    const NAME: &'static str = "a grace";
    const EXAMPLE: &'static str = "\"at once\" or \"10 business days\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let mut words = text.split_ascii_whitespace();
        let words = (words.next(), words.next(), words.next(), words.next());
        let days = match words {
            (Some("at"), Some("once"), None, None) => return Some(Self(None)),
            (Some(days), Some("business"), Some("day" | "days"), None) => days.parse::<u16>().ok(),
            _ => None,
        };
        let why = match days {
            Some(1..=GRACE_MAX) => return Some(Self(days)),
            Some(0) => "no days at all are \"at once\"",
            Some(_) => "the law allows 10 business days at most (15 U.S.C. 7704(a)(4))",
            None => "\"at once\", or a number of business days",
        };
        faults.push(given.wrong::<Self>(why));
        None
    }
    fn show(&self) -> String {
        match self.0 {
            None => quoted("at once"),
            Some(1) => quoted("1 business day"),
            Some(days) => quoted(&format!("{days} business days")),
        }
    }
}

/// A share of the whole, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl Form for Share {
    const NAME: &'static str = "a share";
    const EXAMPLE: &'static str = "\"20%\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let number = text.strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok());
        match number {
            Some(n) if (0.0..=100.0).contains(&n) => Some(Self(n)),
            _ => {
                faults.push(given.wrong::<Self>("from \"0%\" to \"100%\""));
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(&format!("{}%", self.0))
    }
}
