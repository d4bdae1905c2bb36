//! The decision told a second time, by sets, and held against the first on every combination
//! of up to three entries.
//!
//! A scope is the set of mails it speaks about, a stream the set of mails it may be. There are
//! six kinds of mail: transactional, of list a, of list b, of list c, commercial mail of a list
//! that nobody named, and of the class x:y, which no mail is of unless it says so. An objection stops a stream if it speaks about one of its mails that
//! no valid, express, later consent speaks about.

use std::cmp::Reverse;

use super::*;

type Mails = u8;

const TRANSACTIONAL: Mails = 1;
const A: Mails = 2;
const B: Mails = 4;
const C: Mails = 8;
const OTHER: Mails = 16;
const CLASS: Mails = 32;
const UNDECLARED: Mails = A | B | C | OTHER;
const COMMERCIAL: Mails = UNDECLARED | CLASS;
const ALL: Mails = TRANSACTIONAL | COMMERCIAL;

const SCOPES: [(&str, Mails); 6] =
    [("all", ALL), ("commercial", COMMERCIAL), ("a", A), ("b", B), ("c", C), ("x:y", CLASS)];
const STREAMS: [(&str, Mails); 7] = [
    ("transactional", TRANSACTIONAL),
    ("", UNDECLARED),
    ("a", A),
    ("X:Y", CLASS),
    ("a b", A | B),
    ("c", C),
    ("C A b", A | B | C),
];

const TODAY: u16 = 20_622;

/// An entry and what the model sees of it.
#[derive(Clone, Copy)]
struct Told<'a> {
    row: &'a Row,
    about: Mails,
}

fn model(entries: &[Told<'_>], mails: Mails, opt_in: bool, role: bool, grace: bool) -> Finding {
    let valid = |entry: &&Told<'_>| {
        let Row { origin, day, withdrawn } = entry.row;
        origin.kind == Kind::Consent
            && origin.subject == Subject::Address
            && !withdrawn
            && *day <= TODAY
            && origin.lifetime.is_none_or(|days| day + days > TODAY)
    };
    let agreed = |after: Option<u16>| {
        let consents = entries.iter().filter(valid);
        consents
            .filter(|entry| {
                let express = entry.row.origin.lifetime.is_none();
                after.is_none_or(|after| entry.row.day > after && express)
            })
            .fold(0, |mails, entry| mails | entry.about)
    };
    let speaks = |entry: &Told<'_>| {
        let Row { origin, day, withdrawn } = entry.row;
        let lapsed = origin.kind == Kind::Undeliverable
            && origin.lifetime.is_some_and(|days| day + days <= TODAY);
        let agreed = if origin.kind == Kind::Manual { 0 } else { agreed(Some(*day)) };
        let caught = origin.subject != Subject::Domain || !role;
        origin.kind != Kind::Consent
            && !withdrawn
            && !lapsed
            && caught
            && entry.about & mails & !agreed != 0
    };
    let mut against: Vec<(u32, &Row)> = (1..)
        .zip(entries)
        .filter(|(_, entry)| speaks(entry))
        .map(|(position, entry)| (position, entry.row))
        .collect();
    let strength = |row: &Row| match row.origin.kind {
        Kind::Complaint => 4,
        Kind::OptOut => 3,
        Kind::Manual => 2,
        _ => 1,
    };
    against.sort_by_key(|(position, row)| {
        (Reverse(strength(row)), row.origin.scope.narrowness(), row.day, *position)
    });
    // Ten business days before 2026-06-18, a Thursday, is 2026-06-04.
    let in_grace = |row: &Row| grace && row.origin.kind == Kind::OptOut && row.day + 14 >= TODAY;
    let suppression = |position: u32, row: &Row| Suppression {
        source: row.origin.source.clone(),
        kind: row.origin.kind,
        scope: row.origin.scope.clone(),
        subject: row.origin.subject.clone(),
        since: Day::from_number(row.day),
        position,
    };
    if let Some((position, row)) = against.iter().find(|(_, row)| !in_grace(row)) {
        return Finding::Suppressed(suppression(*position, row));
    }
    if opt_in && mails & !agreed(None) != 0 {
        return Finding::NoConsent;
    }
    // The days of the universe below are a Tuesday and a Thursday: 14 days are 10 business days.
    match against.iter().min_by_key(|(_, row)| row.day) {
        Some((position, row)) => {
            Finding::InGrace(suppression(*position, row), Day::from_number(row.day + 14))
        }
        None => Finding::Clear,
    }
}

/// Every kind of entry in every scope, on two days, with one of its other attributes.
fn universe() -> Vec<(Row, Mails)> {
    // A Thursday today; a Tuesday within the grace and the Thursday before that.
    assert_eq!(Day::from_number(TODAY).to_string(), "2026-06-18");
    let (early, late) = (TODAY - 9, TODAY - 7);
    let mut rows = Vec::new();
    for (scope, about) in SCOPES {
        for kind in OBJECTIONS {
            for day in [early - 20, early, late] {
                rows.push((entry(kind, scope, day), about));
            }
            rows.push((entry(kind, scope, early).withdrawn(), about));
            rows.push((entry(kind, scope, early).of_domain(), about));
            rows.push((entry(kind, scope, early).lasting(5), about));
        }
        for day in [early, late, late + 1, TODAY + 1] {
            rows.push((entry(Kind::Consent, scope, day), about));
        }
        rows.push((entry(Kind::Consent, scope, late + 1).withdrawn(), about));
        rows.push((entry(Kind::Consent, scope, late + 1).lasting(3), about));
        rows.push((entry(Kind::Consent, scope, late + 1).lasting(30), about));
        rows.push((entry(Kind::Consent, scope, late + 1).of_domain(), about));
    }
    let (scope, about) = SCOPES[1];
    for kind in [Kind::OptOut, Kind::Manual, Kind::Consent] {
        rows.push((entry(kind, scope, late + 1).of_digest(), about));
    }
    rows
}

/// Asks code and model about these entries on every stream.
fn compare(rows: &[(&Row, Mails)], streams: &[(Stream, Mails)], counts: &mut [usize; 4]) {
    let told: Vec<_> = rows.iter().map(|&(row, about)| Told { row, about }).collect();
    let mut case = Case::default();
    for (position, (row, _)) in (1..).zip(rows) {
        let fact = Fact { origin: OriginId(0), day: Day::from_number(row.day), position };
        let known = Known { fact, origin: &row.origin, withdrawn: row.withdrawn };
        match row.origin.kind {
            Kind::Consent => case.consents.push(known),
            _ => case.objections.push(known),
        }
    }
    let about_domain = rows.iter().any(|(row, _)| row.origin.subject != Subject::Address);
    for role in [false, true].into_iter().take(1 + usize::from(about_domain)) {
        case.role = role;
        for (stream, mails) in streams {
            for grace in [None, Some(Grace::CAN_SPAM)] {
                let terms = Terms { stream, today: Day::from_number(TODAY), grace };
                let opt_in = stream.permission == Permission::OptIn;
                let expected = model(&told, *mails, opt_in, role, grace.is_some());
                let found = case.decide(&terms);
                assert_eq!(
                    found, expected,
                    "{rows:?}\non {stream:?}, role {role}, grace {grace:?}"
                );
                counts[match found {
                    Finding::Clear => 0,
                    Finding::InGrace(..) => 1,
                    Finding::Suppressed(_) => 2,
                    Finding::NoConsent => 3,
                }] += 1;
                told_apart(&case, &terms, &found);
            }
        }
    }
}

/// What is told of each fact fits the finding.
fn told_apart(case: &Case<'_>, terms: &Terms<'_>, found: &Finding) {
    let standings: Vec<_> = case.objections.iter().map(|o| case.standing(o, terms)).collect();
    let any = |wanted: fn(&Standing) -> bool| standings.iter().any(wanted);
    let counts = any(|standing| *standing == Standing::Counts);
    assert_eq!(matches!(found, Finding::Suppressed(_)), counts);
    if matches!(found, Finding::InGrace(..)) {
        assert!(any(|standing| matches!(standing, Standing::InGrace(_))));
    }
    for (known, standing) in case.objections.iter().zip(&standings) {
        if let Finding::Suppressed(by) = found
            && by.position == known.fact.position
        {
            assert_eq!(*standing, Standing::Counts);
        }
        if let Standing::Reopened(row) = standing {
            let consent = case.consents.iter().find(|c| c.fact.position == *row).unwrap();
            assert!(consent.fact.day > known.fact.day && !consent.withdrawn);
            // It counts, or another objection that stops the stream is in its way.
            match case.consent_standing(consent, terms) {
                Standing::Counts | Standing::TooNarrow(None) => {}
                Standing::NotLater(row)
                | Standing::Blocked(row)
                | Standing::OnlyImplied(row)
                | Standing::TooNarrow(Some(row)) => assert_ne!(row, known.fact.position),
                other => panic!("{other:?}"),
            }
        }
    }
    for consent in &case.consents {
        match case.consent_standing(consent, terms) {
            Standing::NotLater(row)
            | Standing::Blocked(row)
            | Standing::OnlyImplied(row)
            | Standing::TooNarrow(Some(row)) => {
                let at = case.objections.iter().position(|o| o.fact.position == row).unwrap();
                assert_eq!(standings[at], Standing::Counts);
            }
            Standing::TooNarrow(None) => assert!(!found.permits()),
            Standing::Counts => {
                // Without it nothing is permitted that was not.
                let mut without = case.clone();
                without.consents.retain(|other| other != consent);
                assert!(found.permits() || !without.decide(terms).permits());
            }
            _ => {
                // It might as well not be there.
                let mut without = case.clone();
                without.consents.retain(|other| other != consent);
                assert_eq!(&without.decide(terms), found);
            }
        }
    }
}

#[test]
fn code_and_model_agree_on_every_combination_of_up_to_three_entries() {
    let universe = universe();
    let streams: Vec<_> = STREAMS
        .iter()
        .flat_map(|(words, mails)| {
            [(stream(words), *mails), (stream(&format!("+{words}")), *mails)]
        })
        .collect();
    let rows: Vec<(&Row, Mails)> = universe.iter().map(|(row, about)| (row, *about)).collect();
    let mut counts = [0; 4];
    compare(&[], &streams, &mut counts);
    for (first, one) in rows.iter().enumerate() {
        compare(&[*one], &streams, &mut counts);
        for (second, two) in rows.iter().enumerate().skip(first) {
            compare(&[*one, *two], &streams, &mut counts);
            // Triples take turns with the streams: each meets a quarter of them.
            let turn = (first + second) % 4 * 3;
            let streams = &streams[turn..turn + 3];
            for three in &rows[second..] {
                compare(&[*one, *two, *three], streams, &mut counts);
            }
        }
    }
    println!("clear, in grace, suppressed, no consent: {counts:?}");
    assert!(counts.iter().all(|count| *count > 10_000), "{counts:?}");
}
