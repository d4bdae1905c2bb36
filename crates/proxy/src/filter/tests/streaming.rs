//! Content that milters see as it goes by.

use super::*;

/// One that may not change anything.
fn reader(address: &MilterAddress) -> MilterSettings {
    MilterSettings { changes: false, early: true, ..settings(address.clone()) }
}

/// Of a session that has said MAIL and RCPT.
async fn begun(milters: Vec<Arc<Milter>>, content: ContentGates) -> Session {
    let mut session = session_with(Arc::new(content), milters, None);
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    assert_eq!(session.recipient("<bob@example.com>").await, FilterVerdict::Permit);
    session
}

fn milters(fakes: &[(&str, &Fake)]) -> Vec<Arc<Milter>> {
    let milter = |(name, fake): &(&str, &Fake)| {
        let name = (*name).into();
        Arc::new(Milter::new(MilterSettings { name, ..reader(&fake.address) }))
    };
    fakes.iter().map(milter).collect()
}

fn refuses_hello() -> ContentGates {
    let rule =
        GateRule { name: "hello".into(), streams: None, verdict: GateVerdict::Refuse, text: None };
    ContentGates::new(vec![ContentGate {
        rule,
        check: ContentCheck::Text("Hello".parse().unwrap()),
        cap: Duration::from_secs(60),
        when_slow: GateVerdict::Defer,
        when_unreadable: GateVerdict::Defer,
    }])
}

/// The commands behind RCPT, pieces of the body as one.
fn told(fake: &Fake) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for command in fake.commands().into_iter().skip(5) {
        match (told.last_mut(), command.strip_prefix('B')) {
            (Some(last), Some(more)) if last.starts_with('B') => last.push_str(more),
            _ => told.push(command),
        }
    }
    told
}

#[tokio::test]
async fn pieces_cut_anywhere_are_the_same_message() {
    let whole = ["T", "LFrom  <ann@corp.example>", "LSubject  a\n b", "N", "BHello\r\n", "E"];
    for cut in 0..=MESSAGE.len() {
        let fake = Fake::tcp(|_| said(b'c')).await;
        let mut session = begun(milters(&[("m", &fake)]), ContentGates::default()).await;
        let (first, second) = MESSAGE.split_at(cut);
        let filtered = session.pieces(&[first, second], false).await;
        assert_eq!((filtered.verdict, filtered.findings.len()), (FilterVerdict::Permit, 0));
        assert!(!filtered.changed && filtered.content.is_empty());
        assert_eq!(told(&fake), whole, "cut at {cut}");
        drop(session);
        assert_eq!(fake.next_command().await, "Q", "it is at rest");
    }
}

/// Before the end is there: its fields, its body, and not the end.
#[tokio::test]
async fn what_has_come_was_shown_and_the_end_is_asked_for_at_the_dot() {
    let fake = Fake::tcp(|_| said(b'c')).await;
    let mut session = begun(milters(&[("m", &fake)]), ContentGates::default()).await;
    let step = FilterStep::Piece(session.piece("A: 1\r\nB: 2\r\n\r\none\r\n"));
    session.ask(step).await;
    assert_eq!(told(&fake), ["T", "LA  1", "LB  2", "N", "Bone\r\n"]);
    let step = FilterStep::Piece(session.piece("two\r\n"));
    session.ask(step).await;
    assert_eq!(told(&fake).last().unwrap(), "Bone\r\ntwo\r\n");
    assert_eq!(session.budget.left(), 1 << 20, "what was taken is not kept");
    session.abort();
    assert_eq!(fake.next_command().await, "A");
    // The next message begins at its beginning.
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    assert_eq!(session.recipient("<bob@example.com>").await, FilterVerdict::Permit);
    let before = fake.commands().len();
    let filtered = session.pieces(&["X: 1\r\n", "\r\nthree\r\n"], false).await;
    assert_eq!(filtered.verdict, FilterVerdict::Permit);
    assert_eq!(fake.commands()[before..], ["T", "LX  1", "N", "Bthree\r\n", "E"]);
}

#[tokio::test]
async fn what_is_said_early_is_the_verdict_at_the_dot() {
    for (step, letter, expected) in [
        ('T', b'r', REFUSES),
        ('L', b't', DEFERS),
        ('N', b'd', "milter m: discard"),
        ('B', b'r', REFUSES),
    ] {
        let fake = Fake::tcp(move |heard| match char::from(heard.letter) == step {
            true => said(letter),
            false => said(b'c'),
        });
        let fake = fake.await;
        let milters = milters(&[("m", &fake)]);
        let mut session = begun(milters.clone(), ContentGates::default()).await;
        let filtered =
            session.pieces(&["A: 1\r\n\r\n", "one\r\n", "two\r\n", "three\r\n"], false).await;
        assert!(words(&filtered.verdict).starts_with(expected), "{step}: {:?}", filtered.verdict);
        assert_eq!(milters[0].refused.get(), 1, "{step}");
        assert_eq!(fake.next_command().await, "A", "{step}");
        let asked = told(&fake).iter().filter(|one| one.starts_with(step)).count();
        assert_eq!(asked, 1, "{step}");
        // Of that message only.
        let passes = session.mail().await == FilterVerdict::Permit;
        assert!(passes && milters[0].connections.get() == 1, "{step}");
    }
}

#[tokio::test]
async fn who_accepts_early_is_told_no_more_and_the_others_are() {
    let first = Fake::tcp(|heard| said(if heard.letter == b'L' { b'a' } else { b'c' })).await;
    let second = Fake::tcp(|heard| said(if heard.letter == b'E' { b'r' } else { b'c' })).await;
    let milters = milters(&[("first", &first), ("m", &second)]);
    let mut session = begun(milters, ContentGates::default()).await;
    let filtered = session.pieces(&["A: 1\r\n\r\n", "one\r\n", "two\r\n"], false).await;
    assert!(words(&filtered.verdict).starts_with(REFUSES), "{:?}", filtered.verdict);
    assert_eq!(first.next_command().await, "A");
    assert_eq!(told(&first), ["T", "LA  1", "A"]);
    assert_eq!(told(&second), ["T", "LA  1", "N", "Bone\r\ntwo\r\n", "E"]);
}

/// What a later one said early counts only if nobody before it is against the message.
#[tokio::test]
async fn the_first_in_order_has_the_word() {
    for (letter, expected) in [
        (b'r', "milter first: 550 5.7.1 refused by milter first"),
        (b'c', "milter second: 451 4.7.1 deferred by milter second"),
    ] {
        let first = Fake::tcp(move |heard| said(if heard.letter == b'E' { letter } else { b'c' }));
        let second = Fake::tcp(|heard| said(if heard.letter == b'L' { b't' } else { b'c' }));
        let third = Fake::tcp(|_| said(b'c')).await;
        let (first, second) = (first.await, second.await);
        let all = [("first", &first), ("second", &second), ("third", &third)];
        let mut session = begun(milters(&all), ContentGates::default()).await;
        let filtered = session.pieces(&["A: 1\r\n\r\n", "one\r\n"], false).await;
        assert!(words(&filtered.verdict).starts_with(expected), "{:?}", filtered.verdict);
        assert_eq!(told(&third).first().map_or("A", String::as_str), "A", "asked for nothing");
    }
}

/// A gate that judges the whole comes before any milter, and none of them has seen the end then.
#[tokio::test]
async fn gates_over_the_content_come_first() {
    for (letter, text, expected) in [
        (b'r', "Hello\r\n", "found "),
        (b'c', "Hello\r\n", "found "),
        (b'r', "Bye\r\n", REFUSES),
        (b'c', "Bye\r\n", "permit"),
    ] {
        let fake = Fake::tcp(move |heard| said(if heard.letter == b'B' { letter } else { b'c' }));
        let fake = fake.await;
        let mut session = begun(milters(&[("m", &fake)]), refuses_hello()).await;
        let filtered = session.pieces(&["Subject: a\r\n\r\n", text, "end\r\n"], true).await;
        let verdict = words(&filtered.verdict);
        assert!(verdict.starts_with(expected), "{verdict}");
        let end = if expected == "permit" { "E" } else { "A" };
        let last = if end == "A" { fake.next_command().await } else { told(&fake).pop().unwrap() };
        assert_eq!(last, end, "{text}");
    }
}

/// Nothing is permitted by those who have not seen it.
#[tokio::test]
async fn gates_without_a_copy_do_not_permit() {
    let fake = Fake::tcp(|_| said(b'c')).await;
    let mut session = begun(milters(&[("m", &fake)]), refuses_hello()).await;
    let filtered = session.pieces(&["Subject: a\r\n\r\n", "Bye\r\n"], false).await;
    let verdict = words(&filtered.verdict);
    assert!(verdict.starts_with("gate: 451 4.7.1 a filter cannot be asked now"), "{verdict}");
}

/// One that is gone when it had to wait for the client is nobody's way around it: a client that
/// is slow on purpose would have brought that about.
#[tokio::test]
async fn one_that_dies_while_content_goes_by_permits_nothing_once_it_has_waited() {
    for on_failure in [OnFailure::Defer, OnFailure::Permit] {
        for step in "TLNBE".chars() {
            let fake = Fake::tcp(move |heard| match char::from(heard.letter) == step {
                true => Act::Close,
                false => said(b'c'),
            });
            let fake = fake.await;
            let milter = MilterSettings { on_failure, ..reader(&fake.address) };
            let milter = Arc::new(Milter::new(milter));
            let mut session = begun(vec![Arc::clone(&milter)], ContentGates::default()).await;
            let filtered = session.pieces(&["A: 1\r\n\r\n", "one\r\n", "two\r\n"], false).await;
            let (verdict, findings) = (words(&filtered.verdict), found(&filtered.findings));
            let waited = matches!(step, 'B' | 'E');
            assert_eq!(milter.failures.get(), u64::from(!waited), "{step}: no client's doing");
            if on_failure == OnFailure::Permit && !waited {
                assert_eq!((verdict.as_str(), findings.len()), ("permit", 1), "{step}");
                assert!(findings[0].starts_with("milter m: went on without it"), "{step}");
                continue;
            }
            assert!(verdict.starts_with(FAILS), "{step}: {verdict}");
            assert_eq!(findings.len(), usize::from(waited), "{step}: {findings:?}");
            assert!(findings.iter().all(|one| one.contains("in the middle of a message")));
        }
    }
}

/// Its cap is for all pieces together.
#[tokio::test]
async fn one_that_is_silent_over_a_piece_is_waited_for_as_long_as_its_cap() {
    let fake = Fake::tcp(|heard| if heard.letter == b'B' { Act::Nothing } else { said(b'c') });
    let cap = Duration::from_secs(2);
    let milter = MilterSettings { cap, ..reader(&fake.await.address) };
    let milter = Arc::new(Milter::new(milter));
    let mut session = begun(vec![Arc::clone(&milter)], ContentGates::default()).await;
    let filtered = session.pieces(&["A: 1\r\n\r\n", "one\r\n", "two\r\n"], false).await;
    assert!(words(&filtered.verdict).starts_with(FAILS), "{:?}", filtered.verdict);
    assert_eq!(milter.fault().as_deref(), Some("no verdict within 2s"));
}

#[tokio::test]
async fn a_field_that_no_milter_could_read_refuses_the_message_in_pieces_too() {
    for (octets, on_failure) in [(70_000, OnFailure::Defer), (200_000, OnFailure::Permit)] {
        let fake = Fake::tcp(|_| said(b'c')).await;
        let milter = MilterSettings { on_failure, ..reader(&fake.address) };
        let milters = vec![Arc::new(Milter::new(milter))];
        let mut session = begun(milters.clone(), ContentGates::default()).await;
        let long = format!("X-Long: {}\r\n\r\nHello\r\n", "a".repeat(octets));
        let (first, second) = long.split_at(50_000);
        let verdict = words(&session.pieces(&[first, second, "more\r\n"], false).await.verdict);
        assert!(verdict.contains("5.6.0 a header field is too long for milter m"), "{verdict}");
        assert_eq!(milters[0].failures.get(), 0);
    }
}

/// What was not to be asked for cannot be done to what is gone.
#[tokio::test]
async fn changes_to_what_has_gone_by_are_a_failure() {
    let fake = Fake::tcp(|heard| match heard.letter {
        b'E' => Act::Say(vec![add("X-A", " b"), (b'c', Vec::new())]),
        _ => said(b'c'),
    });
    let milter = Arc::new(Milter::new(settings(fake.await.address.clone())));
    let mut session = begun(vec![milter], ContentGates::default()).await;
    let filtered = session.pieces(&["A: 1\r\n\r\n", "one\r\n"], false).await;
    assert!(words(&filtered.verdict).starts_with(FAILS), "{:?}", filtered.verdict);
    assert!(!filtered.changed);
}

/// Each is shown the same, and the refusals count in the milters' order.
#[tokio::test]
async fn who_does_not_read_early_is_shown_the_copy_at_the_dot() {
    let early = Fake::tcp(|heard| said(if heard.letter == b'B' { b'r' } else { b'c' })).await;
    let late = Fake::tcp(|_| said(b'c')).await;
    let named = |name: &str, settings: MilterSettings| {
        Arc::new(Milter::new(MilterSettings { name: name.into(), ..settings }))
    };
    let milters = vec![
        named("late", MilterSettings { early: false, ..reader(&late.address) }),
        named("m", reader(&early.address)),
    ];
    let mut session = begun(milters.clone(), ContentGates::default()).await;
    let filtered = session.pieces(&["A: 1\r\n\r\n", "one\r\n", "two\r\n"], true).await;
    assert!(words(&filtered.verdict).starts_with(REFUSES), "{:?}", filtered.verdict);
    assert_eq!(told(&late), ["T", "LA  1", "N", "Bone\r\ntwo\r\n", "E"]);
    // Without a copy it has not permitted anything.
    let mut session = begun(milters, ContentGates::default()).await;
    let filtered = session.pieces(&["A: 1\r\n\r\n", "one\r\n"], false).await;
    let verdict = words(&filtered.verdict);
    assert!(verdict.starts_with("milter late: 451 4.7.1 a filter cannot be asked"), "{verdict}");
}
