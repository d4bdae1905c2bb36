//! Vectors of the law: CAN-SPAM (15 U.S.C. 7704), CASL s10(10), GDPR Art. 21. Each is named by
//! what the law says.

use super::*;
use crate::basis::Basis;
use crate::entry::lifetime;
use crate::time::Timestamp;

fn day(text: &str) -> u16 {
    text.parse::<Day>().unwrap().number()
}

fn decide(rows: &[Row], on: &str, today: &str, grace: Option<Grace>) -> Finding {
    let stream = stream(on);
    case(rows).decide(&Terms { stream: &stream, today: today.parse().unwrap(), grace })
}

/// D-T1, D-T11: an objection binds at once.
#[test]
fn an_opt_out_of_today_stops_today() {
    let rows = [entry(Kind::OptOut, "all", day("2026-03-02"))];
    for on in ["", "a", "transactional", "+", "+a"] {
        let finding = decide(&rows, on, "2026-03-02", None);
        assert!(matches!(finding, Finding::Suppressed(_)), "{on}");
    }
}

/// D-T2: sending on the tenth business day is not yet "more than 10"; on the eleventh it is.
#[test]
fn with_grace_the_tenth_business_day_is_the_last() {
    for (receipt, calendar, tenth, eleventh) in [
        ("2026-06-15", Calendar::Weekdays, "2026-06-29", "2026-06-30"),
        ("2026-06-15", Calendar::UsFederal, "2026-06-30", "2026-07-01"),
        ("2026-07-01", Calendar::Weekdays, "2026-07-15", "2026-07-16"),
        ("2026-07-01", Calendar::UsFederal, "2026-07-16", "2026-07-17"),
        ("2026-11-20", Calendar::Weekdays, "2026-12-04", "2026-12-05"),
        ("2026-11-20", Calendar::UsFederal, "2026-12-07", "2026-12-08"),
        ("2026-12-18", Calendar::Weekdays, "2027-01-01", "2027-01-02"),
        ("2026-12-18", Calendar::UsFederal, "2027-01-05", "2027-01-06"),
    ] {
        let rows = [entry(Kind::OptOut, "all", day(receipt))];
        let grace = Some(Grace { business_days: 10, calendar });
        for today in [receipt, tenth] {
            let finding = decide(&rows, "", today, grace);
            let Finding::InGrace(_, until) = finding else { panic!("{receipt}: {finding:?}") };
            assert_eq!(until, tenth.parse().unwrap());
        }
        let finding = decide(&rows, "", eleventh, grace);
        assert!(matches!(finding, Finding::Suppressed(_)), "{receipt}: {finding:?}");
    }
}

/// D-T3: an opt-out is from commercial mail unless it says more.
#[test]
fn transactional_mail_passes_an_opt_out_from_commercial_mail() {
    let rows = [entry(Kind::OptOut, "commercial", 100)];
    assert!(permits(&rows, "transactional"));
    assert!(!permits(&rows, ""));
}

/// D-T4: only a *subsequent* consent re-opens (7704(a)(4)(B)).
#[test]
fn consent_of_april_does_not_outlive_the_opt_out_of_may_and_consent_after_it_does() {
    for (consent, permitted) in [("2026-04-01", false), ("2026-05-01", false), ("2026-05-02", true)]
    {
        let rows = [
            entry(Kind::OptOut, "commercial", day("2026-05-01")),
            entry(Kind::Consent, "commercial", day(consent)),
        ];
        assert_eq!(decide(&rows, "", "2026-05-03", None).permits(), permitted, "{consent}");
    }
}

/// D-T5: an opt-out from brand A stops brand B unless B's stream is declared a line of its own.
#[test]
fn another_brand_is_stopped_unless_it_is_declared_a_separate_sender() {
    let rows = [entry(Kind::OptOut, "brand A", 100)];
    let declared = |scopes: &[&str]| Stream {
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        ..Stream::default()
    };
    for (stream, permitted) in [
        (declared(&[]), false),
        (declared(&["brand B"]), true),
        (declared(&["Brand A"]), false),
        // D-T6: two advertisers, neither of them designated: both lists count.
        (declared(&["brand A", "brand B"]), false),
        (declared(&["brand C", "brand B"]), true),
    ] {
        let finding = case(&rows).decide(&terms(&stream));
        assert_eq!(finding.permits(), permitted, "{:?}", stream.scopes);
    }
}

/// D-T9, D-T10: implied consent carries up to the day before it lapses.
#[test]
fn implied_consent_permits_until_the_day_before_it_lapses() {
    for (basis, given, last, first_refused) in [
        (Basis::Purchase, "2024-06-15", "2026-06-14", "2026-06-15"),
        (Basis::Inquiry, "2026-01-31", "2026-07-30", "2026-07-31"),
        (Basis::Inquiry, "2026-08-31", "2027-02-27", "2027-02-28"),
        (Basis::Purchase, "2024-02-29", "2026-02-27", "2026-02-28"),
    ] {
        for time in ["T00:00:00Z", "T12:30:00Z", "T23:59:59Z"] {
            let given: Timestamp = format!("{given}{time}").parse().unwrap();
            let days = lifetime(given, basis.lapses(given)).unwrap();
            let rows = [entry(Kind::Consent, "commercial", given.day().number()).lasting(days)];
            assert_eq!(decide(&rows, "+", last, None), Finding::Clear, "{given}");
            assert_eq!(decide(&rows, "+", first_refused, None), Finding::NoConsent, "{given}");
            // It ends no objection: that takes affirmative consent (US-8).
            let mut rows = rows.to_vec();
            rows.push(entry(Kind::OptOut, "commercial", given.day().number() - 1));
            assert!(!decide(&rows, "", last, None).permits());
            rows.push(entry(Kind::Consent, "commercial", given.day().number()));
            assert!(decide(&rows, "", last, None).permits());
        }
    }
}

/// D-T15: two addresses of one person are two cases; nothing joins them here.
#[test]
fn a_consent_of_another_address_is_no_fact_of_this_case() {
    let (work, home) = ([entry(Kind::OptOut, "all", 100)], [entry(Kind::Consent, "all", 200)]);
    assert!(!permits(&work, ""));
    assert!(permits(&home, "+"));
}

/// D-T16: `postmaster` and `abuse` are never caught by an entry about their domain.
#[test]
fn role_addresses_are_not_caught_by_their_domain() {
    let rows = [
        entry(Kind::Manual, "all", 100).of_domain(),
        entry(Kind::Complaint, "all", 100).of_domain(),
    ];
    for (role, permitted) in [(false, false), (true, true)] {
        let case = Case { role, ..case(&rows) };
        for on in ["", "transactional", "a b"] {
            assert_eq!(case.decide(&terms(&stream(on))).permits(), permitted, "{on}");
        }
    }
}
