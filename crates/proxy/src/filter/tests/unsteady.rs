//! Milters that break off, hang up on who is idle, or want more than can be.

use super::*;

/// Milters that may be missing.
fn optional(address: MilterAddress) -> MilterSettings {
    MilterSettings { on_failure: OnFailure::Permit, ..settings(address) }
}

/// The other end closes a connection in the moment in which it has answered; this gives the
/// runtime a turn to see it.
async fn seen_closed() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn half_of_its_changes_are_none() {
    for last in ["", "reset"] {
        let fake = Fake::tcp(move |heard| match heard.letter {
            b'E' => {
                let mut said = vec![add("X-Half", " 1"), (b'b', b"half\r\n".to_vec())];
                if !last.is_empty() {
                    said.push((b'?', Vec::new()));
                }
                Act::Last(said)
            }
            _ => said(b'c'),
        });
        let (mut session, milter) = alone(optional(fake.await.address.clone()));
        let filtered = session.message(MESSAGE).await;
        assert_eq!(filtered.verdict, FilterVerdict::Permit);
        assert!(!filtered.changed && filtered.content == MESSAGE.as_bytes());
        let told = found(&filtered.findings);
        assert!(told.len() == 1 && told[0].contains("went on without it"), "{told:?}");
        assert_eq!((milter.changed.get(), milter.failures.get()), (0, 1));
    }
}

/// What it makes of messages is no reason to show it none: who sends such messages would else
/// get others past it.
#[tokio::test]
async fn one_that_fails_with_messages_is_asked_about_the_next_one() {
    let fake = Fake::tcp(|heard| match heard.letter {
        b'E' if heard.connection < 6 => Act::Close,
        b'E' => said(b'r'),
        _ => said(b'c'),
    });
    let (mut session, milter) = alone(optional(fake.await.address.clone()));
    for _ in 1..6 {
        assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
        assert_eq!(milter.health(), MilterHealth::Down, "people are told");
    }
    assert_eq!(milter.failures.get(), 5);
    assert_eq!(milter.pause(Clock::start()), None);
    let told = words(&session.message(MESSAGE).await.verdict);
    assert!(told.starts_with("milter m: 550 5.7.1"), "{told}");
}

/// It is left alone for failures in a row: one that answers MAIL in between is there.
#[tokio::test]
async fn one_that_answers_now_and_then_is_asked_each_time() {
    let fake = Fake::tcp(|heard| match heard.letter {
        b'M' if heard.connection % 2 == 1 => Act::Close,
        b'E' => Act::Close,
        _ => said(b'c'),
    });
    let (mut session, milter) = alone(optional(fake.await.address.clone()));
    for _ in 0..8 {
        assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
    }
    assert_eq!((milter.connections.get(), milter.failures.get()), (8, 8));
    assert_eq!(milter.pause(Clock::start()), None);
}

/// A sender could make so many that nobody takes them away.
#[tokio::test]
async fn more_fields_than_can_be_changed_refuse_the_message() {
    const FIELDS: u32 = 1_001;
    for on_failure in [OnFailure::Defer, OnFailure::Permit] {
        let fake = Fake::tcp(|heard| match heard.letter {
            b'E' => {
                let each = (1..=FIELDS).rev().map(|index| at(b'm', index, "X-Mark", ""));
                Act::Say(each.chain([(b'c', Vec::new())]).collect())
            }
            _ => said(b'c'),
        });
        let milter = MilterSettings { on_failure, ..settings(fake.await.address.clone()) };
        let (mut session, milter) = alone(milter);
        let message = "X-Mark: forged\r\n".repeat(FIELDS as usize) + MESSAGE;
        let filtered = session.message(&message).await;
        let told = words(&filtered.verdict);
        assert!(told.starts_with("milter m: 550 5.6.0 too many header fields to be"), "{told}");
        assert_eq!(milter.failures.get(), 0);
    }
}

#[tokio::test]
async fn one_that_hangs_up_on_who_is_idle_is_told_the_envelope_again() {
    // Behind MAIL, and behind the only recipient.
    for behind in [b'M', b'R'] {
        let fake = Fake::tcp(move |heard| match (heard.connection, heard.letter) {
            (1, letter) if letter == behind => Act::Last(vec![(b'c', Vec::new())]),
            (_, b'E') => said(b'r'),
            _ => said(b'c'),
        });
        let fake = fake.await;
        let (mut session, milter) = alone(optional(fake.address.clone()));
        assert_eq!(session.mail().await, FilterVerdict::Permit);
        seen_closed().await;
        let recipients = ["<bob@example.com>", "<carol@example.com>"];
        assert_eq!(session.recipient(recipients[0]).await, FilterVerdict::Permit);
        seen_closed().await;
        assert_eq!(session.recipient(recipients[1]).await, FilterVerdict::Permit);
        let told = words(&session.content(MESSAGE).await.verdict);
        assert!(told.starts_with("milter m: 550 5.7.1"), "it sees the content: {told}");
        assert_eq!((milter.connections.get(), milter.failures.get()), (2, 0));
        let heard = fake.commands();
        let again = heard.iter().rposition(|one| one.starts_with('O')).unwrap();
        let letters: String = heard[again..].iter().filter_map(|one| one.chars().next()).collect();
        assert!(letters.starts_with("OCHMRRT"), "{heard:?}");
        let to: Vec<_> = heard[again..].iter().filter(|one| one.starts_with('R')).collect();
        assert!(to[0].contains(recipients[0]) && to[1].contains(recipients[1]), "{to:?}");
    }
}

#[tokio::test]
async fn one_that_hung_up_and_says_something_else_then_makes_the_client_come_again() {
    let fake = Fake::tcp(|heard| match (heard.connection, heard.letter) {
        (1, b'R') => Act::Last(vec![(b'c', Vec::new())]),
        (_, b'R') => said(b'r'),
        _ => said(b'c'),
    });
    let (mut session, milter) = alone(optional(fake.await.address.clone()));
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    assert_eq!(session.recipient("<bob@example.com>").await, FilterVerdict::Permit);
    seen_closed().await;
    let filtered = session.content(MESSAGE).await;
    let told = words(&filtered.verdict);
    assert!(told.starts_with(FAILS), "never past it: {told}");
    assert_eq!((milter.connections.get(), milter.failures.get()), (2, 0));
}

/// One reply too many to a message is no answer about the next one, nor a reason to do without the
/// milter.
#[tokio::test]
async fn what_it_says_between_messages_is_no_answer() {
    for fine in [OnFailure::Defer, OnFailure::Permit] {
        let fake = Fake::tcp(|heard| match heard.letter {
            b'E' if heard.connection == 1 => Act::Say(vec![(b'c', Vec::new()), (b'c', Vec::new())]),
            b'E' => said(b'r'),
            _ => said(b'c'),
        });
        let milter = MilterSettings { on_failure: fine, ..settings(fake.await.address.clone()) };
        let (mut session, milter) = alone(milter);
        assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
        seen_closed().await;
        let told = words(&session.message(MESSAGE).await.verdict);
        assert!(told.starts_with(REFUSES), "{fine:?}: {told}");
        assert_eq!((milter.failures.get(), milter.connections.get()), (0, 2));
    }
}
