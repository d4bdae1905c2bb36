use super::*;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn tenth(calendar: Calendar, receipt: &str) -> String {
    Grace { business_days: 10, calendar }.deadline(day(receipt)).to_string()
}

#[test]
fn the_tenth_business_day_without_and_with_federal_holidays() {
    for (receipt, weekdays, federal) in [
        ("2026-06-15", "2026-06-29", "2026-06-30"),
        ("2026-07-01", "2026-07-15", "2026-07-16"),
        ("2026-11-20", "2026-12-04", "2026-12-07"),
        ("2026-12-18", "2027-01-01", "2027-01-05"),
    ] {
        assert_eq!(tenth(Calendar::Weekdays, receipt), weekdays, "{receipt}");
        assert_eq!(tenth(Calendar::UsFederal, receipt), federal, "{receipt}");
    }
}

/// The days on which federal offices are closed, as the Office of Personnel Management lists
/// them: New Year, King, Washington, Memorial, Juneteenth, Independence, Labor, Columbus,
/// Veterans, Thanksgiving, Christmas. Written by hand from the calendar of each year.
#[rustfmt::skip]
const CLOSED: [&str; 77] = [
    // 2024
    "2024-01-01", "2024-01-15", "2024-02-19", "2024-05-27", "2024-06-19", "2024-07-04",
    "2024-09-02", "2024-10-14", "2024-11-11", "2024-11-28", "2024-12-25",
    // 2025
    "2025-01-01", "2025-01-20", "2025-02-17", "2025-05-26", "2025-06-19", "2025-07-04",
    "2025-09-01", "2025-10-13", "2025-11-11", "2025-11-27", "2025-12-25",
    // 2026: the Fourth of July is a Saturday
    "2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03",
    "2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25",
    // 2027: Juneteenth a Saturday, the Fourth a Sunday, Christmas a Saturday
    "2027-01-01", "2027-01-18", "2027-02-15", "2027-05-31", "2027-06-18", "2027-07-05",
    "2027-09-06", "2027-10-11", "2027-11-11", "2027-11-25", "2027-12-24",
    // 2028: New Year is a Saturday, so the last day of 2027; Veterans Day a Saturday
    "2027-12-31", "2028-01-17", "2028-02-21", "2028-05-29", "2028-06-19", "2028-07-04",
    "2028-09-04", "2028-10-09", "2028-11-10", "2028-11-23", "2028-12-25",
    // 2029: Veterans Day is a Sunday
    "2029-01-01", "2029-01-15", "2029-02-19", "2029-05-28", "2029-06-19", "2029-07-04",
    "2029-09-03", "2029-10-08", "2029-11-12", "2029-11-22", "2029-12-25",
    // 2030
    "2030-01-01", "2030-01-21", "2030-02-18", "2030-05-27", "2030-06-19", "2030-07-04",
    "2030-09-02", "2030-10-14", "2030-11-11", "2030-11-28", "2030-12-25",
];

#[test]
fn federal_offices_are_closed_on_these_days_and_weekends_alone() {
    let closed: Vec<Day> = CLOSED.iter().map(|text| day(text)).collect();
    let mut found = 0;
    for number in day("2024-01-01").number()..=day("2030-12-31").number() {
        let day = Day::from_number(number);
        // 1970-01-01 was a Thursday.
        let weekend = matches!((number + 3) % 7, 5 | 6);
        assert_eq!(Calendar::Weekdays.is_business_day(day), !weekend, "{day}");
        let holiday = closed.contains(&day);
        assert_eq!(Calendar::UsFederal.is_business_day(day), !weekend && !holiday, "{day}");
        found += usize::from(holiday && !weekend);
    }
    assert_eq!(found, CLOSED.len(), "each of them is a weekday");
}

#[test]
fn juneteenth_is_a_holiday_since_2021() {
    // A Friday; and the Friday before the Saturday of the first.
    assert!(Calendar::UsFederal.is_business_day(day("2020-06-19")));
    assert!(!Calendar::UsFederal.is_business_day(day("2021-06-18")));
    assert!(!Calendar::UsFederal.is_business_day(day("2023-06-19")));
}

#[test]
fn the_day_of_receipt_is_day_0_whatever_day_it_is() {
    for (receipt, count, expected) in [
        ("2026-03-02", 0, "2026-03-02"),
        ("2026-03-07", 0, "2026-03-07"),
        ("2026-03-06", 1, "2026-03-09"),
        ("2026-03-07", 1, "2026-03-09"),
        ("2026-03-08", 1, "2026-03-09"),
        ("2026-03-09", 1, "2026-03-10"),
        ("2026-03-09", 5, "2026-03-16"),
    ] {
        let at = Calendar::Weekdays.business_days_after(day(receipt), count);
        assert_eq!(at.to_string(), expected, "{count} after {receipt}");
    }
}

/// There is no later day than the last one, so the count stops there and no earlier.
#[test]
fn at_the_end_of_the_calendar_the_count_stops() {
    let last = Day::from_number(u16::MAX);
    for calendar in [Calendar::Weekdays, Calendar::UsFederal] {
        assert_eq!(calendar.business_days_after(last, 10), last);
        assert_eq!(calendar.business_days_after(Day::from_number(u16::MAX - 3), 10), last);
        assert_eq!(calendar.business_days_after(day("2026-03-02"), u16::MAX), last);
        assert_eq!(calendar.business_days_after(Day::from_number(0), 1).to_string(), {
            // New Year 1970 was a Thursday.
            "1970-01-02"
        });
    }
}

/// Holidays only ever make the deadline later, and never by more than there are.
#[test]
fn the_deadline_with_holidays_is_the_later_one() {
    for number in day("2024-01-01").number()..day("2030-12-01").number() {
        let receipt = Day::from_number(number);
        let early = Grace::CAN_SPAM.deadline(receipt);
        let grace = Grace { calendar: Calendar::UsFederal, ..Grace::CAN_SPAM };
        let late = grace.deadline(receipt);
        assert!(early <= late && late.number() - early.number() <= 5, "{receipt}");
        assert!((12..=14).contains(&(early.number() - number)), "{receipt}");
        let next = Day::from_number(number + 1);
        assert!(Grace::CAN_SPAM.deadline(next) >= early, "{receipt}");
    }
}
