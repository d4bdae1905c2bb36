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
