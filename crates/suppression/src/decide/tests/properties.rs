use proptest::prelude::*;

use super::*;

const SCOPES: [&str; 5] = ["all", "commercial", "a", "B", "c"];
const STREAMS: [&str; 9] = ["transactional", "", "a", "b", "a b", "d", "a b c", "c a", "A C"];

fn any_scope() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&SCOPES)
}

fn any_day() -> impl Strategy<Value = u16> {
    prop_oneof![4 => TODAY - 4..=TODAY, 1 => TODAY - 30..=TODAY, 1 => any::<u16>()]
}

fn any_row(kinds: &'static [Kind]) -> impl Strategy<Value = Row> {
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    let lifetime = prop::option::weighted(0.2, prop_oneof![0_u16..9, any::<u16>()]);
    (prop::sample::select(kinds), any_scope(), any_day(), flags, lifetime).prop_map(
        |(kind, scope, day, (withdrawn, domain), lifetime)| {
            let mut row = entry(kind, scope, day);
            row.withdrawn = withdrawn;
            row.origin.lifetime = lifetime;
            if domain {
                row.origin.subject = Subject::Domain;
            }
            row
        },
    )
}

const CONSENT: [Kind; 1] = [Kind::Consent];
const FACTS: [Kind; 5] =
    [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Undeliverable, Kind::Consent];

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(any_row(&FACTS), 0..7)
}

/// A stream, a day around the entries', a grace, and whether it is a role address.
fn any_question() -> impl Strategy<Value = Question> {
    let stream = (prop::sample::select(&STREAMS), any::<bool>())
        .prop_map(|(words, opt_in)| stream(&format!("{}{words}", if opt_in { "+" } else { "" })));
    let calendar = prop::sample::select(&[Calendar::Weekdays, Calendar::UsFederal]);
    let grace = prop::option::of((0_u16..15, calendar))
        .prop_map(|grace| grace.map(|(business_days, calendar)| Grace { business_days, calendar }));
    (stream, TODAY - 6..TODAY + 30, grace, any::<bool>())
        .prop_map(|(stream, today, grace, role)| Question { stream, today, grace, role })
}

#[derive(Debug, Clone)]
struct Question {
    stream: Stream,
    today: u16,
    grace: Option<Grace>,
    role: bool,
}

impl Question {
    fn terms(&self) -> Terms<'_> {
        Terms { stream: &self.stream, today: Day::from_number(self.today), grace: self.grace }
    }

    fn ask(&self, rows: &[Row]) -> Finding {
        Case { role: self.role, ..case(rows) }.decide(&self.terms())
    }
}

/// How much is permitted.
fn freedom(finding: &Finding) -> u8 {
    match finding {
        Finding::Suppressed(_) => 0,
        Finding::NoConsent => 1,
        Finding::InGrace(..) => 2,
        Finding::Clear => 3,
    }
}

/// The consent's scope contains everything that the stream is about.
fn gives_all(scope: &Scope, stream: &Stream) -> bool {
    match (scope, stream.class) {
        (Scope::All, _) => true,
        (_, StreamClass::Transactional) => false,
        (Scope::Commercial, _) => true,
        (Scope::Named(_), _) => {
            !stream.scopes.is_empty() && stream.scopes.iter().all(|list| scope.names(list))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_objection_more_never_permits_more(
        rows in any_rows(), more in any_row(&OBJECTIONS), question in any_question(),
    ) {
        let before = question.ask(&rows);
        let after = question.ask(&[rows, vec![more]].concat());
        prop_assert!(freedom(&after) <= freedom(&before), "{before:?} became {after:?}");
    }

    #[test]
    fn a_consent_more_never_refuses_more(
        rows in any_rows(), more in any_row(&CONSENT), question in any_question(),
    ) {
        let before = question.ask(&rows);
        let after = question.ask(&[rows, vec![more]].concat());
        prop_assert!(freedom(&after) >= freedom(&before), "{before:?} became {after:?}");
    }

    /// What a class entry says is about messages that say they are of this class, and about no
    /// other.
    #[test]
    fn an_objection_to_a_class_stops_no_other_mail(
        rows in any_rows(), more in any_row(&OBJECTIONS), question in any_question(),
    ) {
        let mut class = more;
        class.origin.scope = "net.example:ADV".parse().unwrap();
        let before = question.ask(&rows);
        prop_assert_eq!(question.ask(&[rows, vec![class]].concat()), before);
    }

    /// A class is refused as a stream about it is stopped, by what names the class and by
    /// nothing else.
    #[test]
    fn a_class_is_refused_by_what_would_stop_a_stream_about_it_and_names_it(
        rows in any_rows(), classes in prop::collection::vec(any_row(&OBJECTIONS), 0..4),
        question in any_question(),
    ) {
        let classes = classes.into_iter().map(|mut row| {
            row.origin.scope = "Net.Example:adv".parse().unwrap();
            row
        });
        let classes: Vec<_> = classes.collect();
        let all = [rows.clone(), classes.clone()].concat();
        let mut about = question.clone();
        about.stream = stream("net.example:ADV");
        let consents = rows.into_iter().filter(|row| row.origin.kind == Kind::Consent);
        let named = [consents.collect(), classes].concat();
        let stopped = matches!(about.ask(&named), Finding::Suppressed(_));
        let known = Case { role: question.role, ..case(&all) };
        let today = Day::from_number(question.today);
        let refused: Vec<_> = known.refused_classes(today, question.grace).collect();
        prop_assert_eq!(!refused.is_empty(), stopped);
        prop_assert!(refused.iter().all(|one| one.scope.names("net.example:ADV")));
    }

    /// On a stream that needs none, a consent that is not later than any objection is as good
    /// as none.
    #[test]
    fn a_consent_of_the_same_or_an_earlier_day_changes_nothing(
        rows in any_rows(), mut consent in any_row(&CONSENT), mut question in any_question(),
        earlier in 0_u16..3,
    ) {
        question.stream.permission = Permission::OptOut;
        let objections = rows.iter().filter(|row| row.origin.kind != Kind::Consent);
        let first = objections.map(|row| row.day).min().unwrap_or(0);
        consent.day = first.saturating_sub(earlier);
        let before = question.ask(&rows);
        prop_assert_eq!(question.ask(&[rows, vec![consent]].concat()), before);
    }

    #[test]
    fn a_later_consent_re_opens_exactly_what_lies_within_its_scope(
        objections in prop::collection::vec(any_row(&OBJECTIONS), 0..5),
        scope in any_scope(), mut question in any_question(),
    ) {
        question.today = question.today.max(TODAY);
        let day = question.today;
        let rows: Vec<_> = objections.into_iter().filter(|row| row.day < day).collect();
        let consent = entry(Kind::Consent, scope, day);
        let inside = gives_all(&consent.origin.scope, &question.stream);
        let blocks: Vec<_> =
            rows.iter().filter(|row| row.origin.kind == Kind::Manual).cloned().collect();
        let after = question.ask(&[rows.clone(), vec![consent]].concat());
        if inside {
            // What is left are blocks.
            question.stream.permission = Permission::OptOut;
            let left = question.ask(&blocks);
            prop_assert_eq!(after.permits(), left.permits());
        } else {
            // Objections to one list may end; what is wider than the consent may not.
            let wide = rows.iter().filter(|row| match &row.origin.scope {
                Scope::Named(_) => false,
                Scope::Commercial => scope != "all" && scope != "commercial",
                Scope::All => true,
            });
            let wide: Vec<_> = wide.cloned().collect();
            prop_assert!(freedom(&after) <= freedom(&question.ask(&wide)));
        }
    }

    #[test]
    fn a_block_is_ended_by_its_withdrawal_alone(
        rows in any_rows(), block in (any_scope(), any_day()), question in any_question(),
        consents in prop::collection::vec(any_row(&CONSENT), 0..4),
    ) {
        let block = entry(Kind::Manual, block.0, block.1);
        let stops = !question.ask(std::slice::from_ref(&block)).permits();
        let with = [rows.clone(), consents.clone(), vec![block.clone()]].concat();
        if stops && question.stream.permission == Permission::OptOut {
            prop_assert!(!question.ask(&with).permits());
        }
        let lifted = [rows.clone(), consents.clone(), vec![block.withdrawn()]].concat();
        prop_assert_eq!(question.ask(&lifted), question.ask(&[rows, consents].concat()));
    }

    #[test]
    fn the_order_of_facts_does_not_show(
        rows in any_rows(), question in any_question(), seed: u64,
    ) {
        let question_case = Case { role: question.role, ..case(&rows) };
        let mut other = question_case.clone();
        let mut state = seed | 1;
        let mut turn = |length: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % length.max(1)
        };
        for at in (1..other.objections.len()).rev() {
            other.objections.swap(at, turn(at + 1));
        }
        for at in (1..other.consents.len()).rev() {
            other.consents.swap(at, turn(at + 1));
        }
        let terms = question.terms();
        prop_assert_eq!(question_case.decide(&terms), other.decide(&terms));
        prop_assert_eq!(question_case.decide(&terms), question_case.decide(&terms));
        for known in &question_case.objections {
            prop_assert_eq!(question_case.standing(known, &terms), other.standing(known, &terms));
        }
        for known in &question_case.consents {
            prop_assert_eq!(
                question_case.consent_standing(known, &terms),
                other.consent_standing(known, &terms)
            );
        }
    }

    /// So it may be dropped from memory.
    #[test]
    fn a_withdrawn_entry_is_as_good_as_none(
        rows in any_rows(), gone in any_row(&FACTS), question in any_question(),
    ) {
        let with = [rows.clone(), vec![gone.withdrawn()]].concat();
        prop_assert_eq!(question.ask(&with), question.ask(&rows));
    }

    #[test]
    fn a_wider_objection_never_permits_more(
        rows in any_rows(), mut row in any_row(&OBJECTIONS), question in any_question(),
    ) {
        let mut last = None;
        for scope in ["a", "commercial", "all"] {
            row.origin.scope = scope.parse().unwrap();
            let freedom = freedom(&question.ask(&[rows.clone(), vec![row.clone()]].concat()));
            prop_assert!(last.is_none_or(|last| freedom <= last), "{scope}");
            last = Some(freedom);
        }
    }

    #[test]
    fn a_wider_consent_never_permits_less(
        rows in any_rows(), mut row in any_row(&CONSENT), question in any_question(),
    ) {
        let mut last = None;
        for scope in ["a", "commercial", "all"] {
            row.origin.scope = scope.parse().unwrap();
            let freedom = freedom(&question.ask(&[rows.clone(), vec![row.clone()]].concat()));
            prop_assert!(last.is_none_or(|last| freedom >= last), "{scope}");
            last = Some(freedom);
        }
    }

    /// A stream that is about less is never stopped where the one about more is not.
    #[test]
    fn a_stream_about_fewer_lists_is_stopped_no_sooner(
        rows in any_rows(), question in any_question(), kept in 1_usize..3,
    ) {
        prop_assume!(question.stream.class == StreamClass::Commercial);
        let mut narrower = question.clone();
        if narrower.stream.scopes.is_empty() {
            narrower.stream.scopes = vec!["a".into(), "b".into()];
        }
        narrower.stream.scopes.truncate(kept);
        prop_assert!(freedom(&narrower.ask(&rows)) >= freedom(&question.ask(&rows)));
    }

    /// But for consents: one for commercial mail re-opens that and no more.
    #[test]
    fn what_stops_transactional_mail_stops_commercial_mail(
        objections in prop::collection::vec(any_row(&OBJECTIONS), 0..6),
        mut question in any_question(),
    ) {
        let commercial = question.ask(&objections);
        question.stream.class = StreamClass::Transactional;
        question.stream.scopes.clear();
        prop_assert!(freedom(&question.ask(&objections)) >= freedom(&commercial));
    }

    #[test]
    fn less_grace_never_permits_more(rows in any_rows(), question in any_question()) {
        let mut last = None;
        for grace in [None, Some(0), Some(3), Some(10), Some(4000)] {
            let grace = grace
                .map(|business_days| Grace { business_days, calendar: Calendar::UsFederal });
            let freedom = freedom(&Question { grace, ..question.clone() }.ask(&rows));
            let permits = freedom >= 2;
            prop_assert!(last.is_none_or(|last| permits >= last));
            last = Some(permits);
        }
    }
}
