//! The tables of the module's documentation, row by row.

use super::*;

/// "Which objections reach a stream". Consents show what is in common: exactly those that
/// contain it re-open the stream.
#[test]
fn what_an_objection_and_a_stream_have_in_common() {
    // objection, stream, the smallest sets of consents that re-open, and some that do not.
    #[rustfmt::skip]
    let table: &[(&str, &str, &[&str], &[&str])] = &[
        ("all",        "transactional", &["all"],                        &["commercial", "b"]),
        ("all",        "",              &["commercial"],                 &["b", "b c"]),
        ("all",        "b c",           &["commercial", "b c"],          &["b", "c", "a"]),
        ("commercial", "",              &["commercial", "all"],          &["b", "b c"]),
        ("commercial", "b c",           &["commercial", "b c", "all"],   &["b", "c", "a"]),
        ("a",          "",              &["a", "commercial", "all"],     &["b"]),
        ("b",          "b c",           &["b", "commercial", "all"],     &["c", "a"]),
        ("c",          "b c",           &["c", "commercial", "all"],     &["b", "a"]),
        ("x:y",        "b X:Y",         &["x:y", "commercial", "all"],   &["b", "x:z"]),
    ];
    for (objection, on, ending, not_ending) in table {
        for kind in OBJECTIONS {
            let with = |consents: &str| {
                let consents = consents.split_whitespace();
                let mut rows = vec![entry(kind, objection, 100)];
                rows.extend(consents.map(|scope| entry(Kind::Consent, scope, 101)));
                rows
            };
            assert_eq!(stopped_by(&with(""), on), Some(1), "{kind} {objection} on {on:?}");
            for consents in *ending {
                let found = stopped_by(&with(consents), on);
                let expected = (kind == Kind::Manual).then_some(1);
                assert_eq!(found, expected, "{kind} {objection} on {on:?} with {consents}");
            }
            for consents in *not_ending {
                let found = stopped_by(&with(consents), on);
                assert_eq!(found, Some(1), "{kind} {objection} on {on:?} with {consents}");
            }
        }
    }
    for (objection, on) in [
        ("commercial", "transactional"),
        ("a", "transactional"),
        ("a", "b c"),
        ("a", "b"),
        ("x:y", "transactional"),
        ("x:y", ""),
        ("x:y", "b c"),
    ] {
        for kind in OBJECTIONS {
            let rows = [entry(kind, objection, 100)];
            assert_eq!(stopped_by(&rows, on), None, "{kind} {objection} on {on:?}");
            let standing = case(&rows).standing(&case(&rows).objections[0], &terms(&stream(on)));
            assert_eq!(standing, Standing::OtherMail);
        }
    }
}

#[test]
fn a_withdrawn_objection_does_not_stop() {
    for kind in OBJECTIONS {
        assert!(permits(&[entry(kind, "all", 100).withdrawn()], "transactional"), "{kind}");
    }
    let rows = [entry(Kind::OptOut, "all", 100).withdrawn(), entry(Kind::Complaint, "all", 100)];
    assert_eq!(stopped_by(&rows, ""), Some(2));
}

#[test]
fn an_objection_of_a_whole_domain_stops_all_but_its_role_addresses() {
    for kind in OBJECTIONS {
        let rows = [entry(kind, "all", 100).of_domain()];
        let mut case = case(&rows);
        let stream = stream("transactional");
        assert!(!case.decide(&terms(&stream)).permits());
        case.role = true;
        assert!(case.decide(&terms(&stream)).permits());
        assert_eq!(case.standing(&case.objections[0], &terms(&stream)), Standing::RoleAddress);
    }
    let rows = [entry(Kind::OptOut, "commercial", 100)];
    let mut own = case(&rows);
    own.role = true;
    assert!(!own.decide(&terms(&stream(""))).permits(), "its own opt-out counts");
}

#[test]
fn only_an_undeliverable_address_lapses() {
    for kind in OBJECTIONS {
        let on = |today: u16| {
            let rows = [entry(kind, "all", 100).lasting(90)];
            let stream = stream("");
            let terms = Terms { stream: &stream, today: Day::from_number(today), grace: None };
            case(&rows).decide(&terms).permits()
        };
        assert!(!on(100) && !on(189), "{kind}");
        for today in [190, 191, TODAY] {
            assert_eq!(on(today), kind == Kind::Undeliverable, "{kind} on day {today}");
        }
    }
}

#[test]
fn a_consent_re_opens_from_the_day_after_the_objection_and_never_a_block() {
    for kind in OBJECTIONS {
        for (day, ends) in [(0, false), (99, false), (100, false), (101, true), (TODAY, true)] {
            for scope in ["all", "commercial"] {
                let rows = [entry(kind, scope, 100), entry(Kind::Consent, scope, day)];
                assert_eq!(
                    permits(&rows, "a"),
                    ends && kind != Kind::Manual,
                    "{kind} {scope}, consent of day {day}"
                );
            }
        }
    }
}

#[test]
fn a_consent_that_is_not_valid_re_opens_nothing() {
    let invalid = [
        entry(Kind::Consent, "all", 200).withdrawn(),
        entry(Kind::Consent, "all", 200).lasting(1000),
        entry(Kind::Consent, "all", TODAY + 1),
        entry(Kind::Consent, "all", 200).of_domain(),
    ];
    for consent in invalid {
        let rows = [entry(Kind::OptOut, "commercial", 100), consent];
        assert!(!permits(&rows, ""), "{:?}", rows[1]);
        assert!(!permits(&rows[1..], "+"), "{:?}", rows[1]);
    }
}

/// A row of consents whose origin number has no origin is read as a block of everything
/// ([`Index::gather`](crate::Index::gather)): among consents that must not become one.
#[test]
fn what_is_no_consent_gives_none() {
    for kind in Kind::ALL {
        let rows = [entry(Kind::OptOut, "commercial", 100), entry(kind, "all", 200)];
        let mut case = case(&rows);
        if kind != Kind::Consent {
            case.consents.push(case.objections.pop().unwrap());
        }
        let finding = case.decide(&terms(&stream("+")));
        assert_eq!(finding.permits(), kind == Kind::Consent, "{kind}");
    }
}

#[test]
fn grace_is_for_opt_outs_only_and_ends_with_its_last_day() {
    let grace = Grace { business_days: 10, calendar: Calendar::Weekdays };
    // A Monday.
    let receipt: Day = "2026-06-15".parse().unwrap();
    for kind in OBJECTIONS {
        let rows = [entry(kind, "commercial", receipt.number())];
        let on = |today: &str| {
            let stream = stream("");
            let today = today.parse().unwrap();
            case(&rows).decide(&Terms { stream: &stream, today, grace: Some(grace) })
        };
        let deadline = "2026-06-29".parse().unwrap();
        if kind == Kind::OptOut {
            for today in ["2026-06-15", "2026-06-20", "2026-06-29"] {
                let Finding::InGrace(suppression, until) = on(today) else { panic!("{today}") };
                assert_eq!((suppression.position, until), (1, deadline));
            }
        } else {
            assert!(matches!(on("2026-06-15"), Finding::Suppressed(_)), "{kind}");
        }
        assert!(matches!(on("2026-06-30"), Finding::Suppressed(_)), "{kind}");
    }
}

#[test]
fn of_several_in_grace_the_first_deadline_is_told() {
    let day = |text: &str| text.parse::<Day>().unwrap();
    let rows = [
        entry(Kind::OptOut, "all", day("2026-06-17").number()),
        entry(Kind::OptOut, "commercial", day("2026-06-16").number()),
    ];
    let stream = stream("");
    let terms = Terms { stream: &stream, today: day("2026-06-18"), grace: Some(Grace::CAN_SPAM) };
    let Finding::InGrace(suppression, until) = case(&rows).decide(&terms) else { panic!() };
    assert_eq!((suppression.position, until), (2, day("2026-06-30")));
}

#[test]
fn opt_in_needs_a_valid_consent_for_all_the_stream_is_about() {
    for (consents, on, enough) in [
        ("", "+", false),
        ("a", "+", false),
        ("commercial", "+", true),
        ("all", "+", true),
        ("a", "+a", true),
        ("A", "+a", true),
        ("b", "+a", false),
        ("a", "+a b", false),
        ("a b", "+a b", true),
        ("commercial", "+a b", true),
        ("commercial", "+transactional", false),
        ("all", "+transactional", true),
    ] {
        let rows: Vec<_> =
            consents.split_whitespace().map(|scope| entry(Kind::Consent, scope, 100)).collect();
        let stream = stream(on);
        let expected = if enough { Finding::Clear } else { Finding::NoConsent };
        assert_eq!(case(&rows).decide(&terms(&stream)), expected, "{consents:?} on {on}");
        // An objection is told first: it says more than the lack of a consent.
        let mut rows = rows;
        rows.insert(0, entry(Kind::Manual, "all", 100));
        assert!(matches!(case(&rows).decide(&terms(&stream)), Finding::Suppressed(_)));
    }
}

#[test]
fn without_consent_an_opt_in_stream_is_stopped_though_the_opt_out_is_in_grace() {
    let rows = [entry(Kind::OptOut, "commercial", TODAY), entry(Kind::Consent, "all", TODAY)];
    let stream = stream("+");
    let terms = Terms { grace: Some(Grace::CAN_SPAM), ..terms(&stream) };
    assert!(matches!(case(&rows).decide(&terms), Finding::InGrace(..)));
    assert_eq!(case(&rows[..1]).decide(&terms), Finding::NoConsent);
}

#[test]
fn names_are_compared_without_case() {
    for (list, on) in [("News", "NEWS"), ("nEWS", "other news"), ("FRÜHLING", "fru\u{308}hling")] {
        let objection = entry(Kind::OptOut, list, 100);
        assert_eq!(stopped_by(std::slice::from_ref(&objection), on), Some(1), "{list} on {on}");
        let rows = [objection, entry(Kind::Consent, on.split(' ').next_back().unwrap(), 101)];
        assert_eq!(stopped_by(&rows, on), None, "{list} on {on}");
    }
}

#[test]
fn nothing_known_is_clear() {
    for on in ["transactional", "", "a", "a b"] {
        assert_eq!(case(&[]).decide(&terms(&stream(on))), Finding::Clear);
    }
}

#[test]
fn the_finding_carries_what_the_refusal_has_to_say() {
    let rows = [entry(Kind::OptOut, "commercial", 20_514).of_domain()];
    let Finding::Suppressed(found) = case(&rows).decide(&terms(&stream(""))) else { panic!() };
    let expected = Suppression {
        source: "crm.csv".to_owned(),
        kind: Kind::OptOut,
        scope: Scope::Commercial,
        subject: Subject::Domain,
        since: "2026-03-02".parse().unwrap(),
        position: 1,
    };
    assert_eq!(found, expected);
}

#[test]
fn the_strongest_reason_is_reported_then_the_widest_then_the_earliest_then_the_lowest_row() {
    let ranked = [
        entry(Kind::Complaint, "commercial", 9),
        entry(Kind::OptOut, "all", 8),
        entry(Kind::OptOut, "commercial", 6),
        entry(Kind::OptOut, "commercial", 7),
        entry(Kind::OptOut, "commercial", 7),
        entry(Kind::OptOut, "a", 1),
        entry(Kind::Manual, "all", 1),
        entry(Kind::Undeliverable, "all", 0),
    ];
    for first in 0..ranked.len() {
        let stream = stream("");
        let mut case = case(&ranked);
        case.objections.drain(..first);
        case.objections.reverse();
        let Finding::Suppressed(found) = case.decide(&terms(&stream)) else { panic!() };
        assert_eq!(found.position as usize, first + 1);
    }
}

/// What `why` tells of consents that did not help.
#[test]
fn a_consent_that_did_not_help_says_why() {
    let told = |rows: &[Row], on: &str| {
        let stream = stream(on);
        let case = case(rows);
        case.consent_standing(&case.consents[0], &terms(&stream))
    };
    let consent = |scope: &str| entry(Kind::Consent, scope, 200);
    let opt_out = |scope: &str, day| entry(Kind::OptOut, scope, day);
    let manual = entry(Kind::Manual, "commercial", 100);
    for (rows, on, expected) in [
        (vec![consent("all")], "", Standing::Counts),
        (vec![consent("all").withdrawn()], "", Standing::Withdrawn),
        (vec![consent("all").lasting(10)], "", Standing::Lapsed(Day::from_number(210))),
        (
            vec![entry(Kind::Consent, "all", TODAY + 2)],
            "",
            Standing::NotYet(Day::from_number(TODAY + 2)),
        ),
        (vec![consent("all").of_domain()], "+", Standing::OtherMail),
        (vec![consent("a")], "b", Standing::OtherMail),
        (vec![consent("a")], "", Standing::OtherMail),
        // The only thing that stops this stream is an opt-out from list a.
        (vec![opt_out("a", 100), consent("a")], "", Standing::Counts),
        (vec![opt_out("a", 200), consent("a")], "", Standing::NotLater(1)),
        (vec![opt_out("a", 300), consent("commercial")], "", Standing::NotLater(1)),
        (vec![opt_out("commercial", 100), consent("a")], "a b", Standing::TooNarrow(Some(1))),
        (vec![opt_out("commercial", 100), consent("a")], "a", Standing::Counts),
        // Somebody else's list stops the stream; of its own the consent is enough.
        (vec![opt_out("b", 100), consent("a")], "a b", Standing::Counts),
        (vec![consent("a")], "+a b", Standing::TooNarrow(None)),
        (vec![opt_out("all", 300), manual.clone(), consent("all")], "", Standing::Blocked(2)),
        (vec![manual, opt_out("all", 300), consent("all")], "", Standing::Blocked(1)),
    ] {
        assert_eq!(told(&rows, on), expected, "{rows:?} on {on:?}");
    }
}

#[test]
fn a_re_opened_objection_names_the_consent_that_completed_it() {
    let rows = [
        entry(Kind::OptOut, "commercial", 100),
        entry(Kind::Consent, "b", 110),
        entry(Kind::Consent, "a", 120),
        entry(Kind::Consent, "a", 115),
        entry(Kind::Consent, "all", 300),
    ];
    let mut case = case(&rows);
    for turn in 0..2 * rows.len() {
        case.consents.rotate_left(1);
        let stream = stream(if turn % 2 == 0 { "a b" } else { "b a" });
        let standing = case.standing(&case.objections[0], &terms(&stream));
        assert_eq!(standing, Standing::Reopened(4));
    }
}
