//! Business days, by which the grace that CAN-SPAM allows is counted (15 U.S.C.
//! 7704(a)(4)(A)): ten after the receipt of the request. Neither the statute nor 16 CFR 316.2
//! says what a business day is. The day of receipt is day 0, Monday to Friday count; whether
//! federal holidays (5 U.S.C. 6103(a), observed on the Friday before a Saturday and the Monday
//! after a Sunday) count as well is a choice, and the safe one is that they do.

use jiff::civil::{Date, Weekday};

use crate::time::Day;

/// Which days are business days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Calendar {
    /// Monday to Friday, holidays or not: the earlier deadline.
    #[default]
    Weekdays,
    /// Monday to Friday without the federal holidays of the United States.
    UsFederal,
}

impl Calendar {
    /// Whether this is a business day.
    #[must_use]
    pub fn is_business_day(self, day: Day) -> bool {
        let date = day.date();
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        !weekend && (self == Calendar::Weekdays || !is_federal_holiday(date))
    }

    /// The `count`th business day after this day.
    #[must_use]
    pub fn business_days_after(self, day: Day, count: u16) -> Day {
        let (mut at, mut left) = (day, count);
        while left > 0 && at.number() < u16::MAX {
            at = Day::from_number(at.number().saturating_add(1));
            if self.is_business_day(at) {
                left -= 1;
            }
        }
        at
    }
}

/// How long mail may still be sent after an opt-out. None is the default: at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grace {
    /// That many business days.
    pub business_days: u16,
    /// Counted so.
    pub calendar: Calendar,
}

impl Grace {
    /// What CAN-SPAM allows at most, counted the earlier way.
    pub const CAN_SPAM: Grace = Grace { business_days: 10, calendar: Calendar::Weekdays };

    /// The last day on which mail may be sent after an opt-out of `day`.
    #[must_use]
    pub fn deadline(self, day: Day) -> Day {
        self.calendar.business_days_after(day, self.business_days)
    }
}

/// 5 U.S.C. 6103(a) and (b), as observed.
fn is_federal_holiday(date: Date) -> bool {
    let observed = match date.weekday() {
        // The Friday before a Saturday holiday, the Monday after a Sunday one.
        Weekday::Friday => date.tomorrow().ok().filter(|next| is_fixed_holiday(*next)),
        Weekday::Monday => date.yesterday().ok().filter(|before| is_fixed_holiday(*before)),
        _ => None,
    };
    observed.is_some() || is_fixed_holiday(date) || is_floating_holiday(date)
}

fn is_fixed_holiday(date: Date) -> bool {
    matches!((date.month(), date.day()), (1, 1) | (7, 4) | (11, 11) | (12, 25))
        // Juneteenth National Independence Day: Public Law 117-17, 17 June 2021.
        || ((date.month(), date.day()) == (6, 19) && date.year() >= 2021)
}

fn is_floating_holiday(date: Date) -> bool {
    let (week, monday) = ((date.day() - 1) / 7 + 1, date.weekday() == Weekday::Monday);
    match date.month() {
        1 | 2 => monday && week == 3,
        5 => monday && date.day() > 24,
        9 => monday && week == 1,
        10 => monday && week == 2,
        11 => date.weekday() == Weekday::Thursday && week == 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
