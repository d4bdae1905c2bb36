use policy::{ContentCheck, GateRule, Streams};
use relay::HoldBudget;

use super::*;

fn gate(name: &str, verdict: GateVerdict, expression: &str) -> ContentGate {
    ContentGate {
        rule: GateRule { name: name.into(), streams: None, verdict, text: None },
        check: ContentCheck::Text(expression.parse().unwrap()),
        cap: Duration::from_secs(3600),
        when_slow: ContentGate::when_slow_for(verdict),
        when_unreadable: ContentGate::when_unreadable_for(verdict),
    }
}

/// What is said of a message by these gates: the last word, and the names of all that found.
async fn judged(gates: Vec<ContentGate>, message: &[u8]) -> (FilterVerdict, Vec<String>) {
    let possible = Streams::default().fallback();
    let mut findings = Vec::new();
    let room = Arc::new(HoldBudget::new(1)).room(1).unwrap();
    let gates = Arc::new(ContentGates::new(gates));
    let (content, verdict) = judge(&gates, &possible, message.to_vec(), &room, &mut findings).await;
    assert_eq!(content, message, "the content comes back as it was");
    (verdict, findings.iter().map(|one| format!("{}: {}", one.gate, one.found)).collect())
}

const MESSAGE: &[u8] = b"Subject: falcon\r\n\r\nThe eagle has landed\r\n";
const SUBJECT: &str = "its Subject fits the expression";

#[tokio::test]
async fn the_first_that_refuses_is_the_last_that_is_asked() {
    use GateVerdict::{Defer, Refuse, Shadow};
    let gates = || {
        vec![
            gate("none", Refuse, "sparrow"),
            gate("watch", Shadow, "falcon"),
            gate("stop", Defer, "eagle"),
            gate("never", Refuse, "falcon"),
        ]
    };
    let (verdict, found) = judged(gates(), MESSAGE).await;
    let FilterVerdict::Found(finding) = verdict else { panic!("{verdict:?}") };
    assert_eq!((&*finding.gate, finding.verdict), ("stop", Defer));
    assert_eq!(
        found,
        [format!("watch: {SUBJECT}"), "stop: its text/plain part fits the expression".to_owned()]
    );
    assert_eq!(judged(gates(), b"\r\nNothing flies here").await.0, FilterVerdict::Permit);
    assert_eq!(judged(vec![], MESSAGE).await, (FilterVerdict::Permit, vec![]));
}

#[tokio::test]
async fn a_permit_ends_the_search() {
    use GateVerdict::{Permit, Refuse};
    let gates = vec![gate("known", Permit, "falcon"), gate("never", Refuse, "falcon")];
    let said = judged(gates, MESSAGE).await;
    assert_eq!(said, (FilterVerdict::Permit, vec![format!("known: {SUBJECT}")]));
}

/// Every place is taken while the cap runs out, so nothing can be decoded in time.
#[tokio::test]
async fn a_gate_that_is_too_slow_defers_unless_it_says_otherwise() {
    use GateVerdict::{Defer, Permit, Refuse};
    let slow = |when_slow| ContentGate {
        cap: Duration::from_millis(1),
        when_slow,
        ..gate("slow", Refuse, "nothing of the kind")
    };
    let places = workers::all_places().await;
    for when_slow in [Defer, Refuse] {
        let (verdict, found) = judged(vec![slow(when_slow)], MESSAGE).await;
        let FilterVerdict::Found(finding) = verdict else { panic!("{verdict:?}") };
        assert_eq!(finding.verdict, when_slow);
        assert_eq!(found, ["slow: not judged within 0.001 s"]);
    }
    let (verdict, found) = judged(vec![slow(Permit)], MESSAGE).await;
    assert_eq!((verdict, found.len()), (FilterVerdict::Permit, 1));
    // The next gate has its own time, and finds what there is to find once there is a place.
    let asked = judged(vec![slow(Permit), gate("next", Refuse, "falcon")], MESSAGE);
    let freed = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(places);
    };
    let ((verdict, found), ()) = tokio::join!(asked, freed);
    assert!(matches!(verdict, FilterVerdict::Found(_)));
    assert_eq!(found, ["slow: not judged within 0.001 s".to_owned(), format!("next: {SUBJECT}")]);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_passed() {
    let broken = b"Content-Type: multipart/mixed\r\n\r\nx";
    let (verdict, _) = judged(vec![gate("words", GateVerdict::Refuse, "falcon")], broken).await;
    assert!(matches!(verdict, FilterVerdict::Found(_)), "{verdict:?}");
}

/// A message that nobody waits for any more counts as long as somebody is still at it.
#[tokio::test]
async fn what_was_left_alone_counts_until_it_is_done() {
    let budget = Arc::new(HoldBudget::new(100));
    let places = workers::all_places().await;
    let (room, possible) = (budget.room(60).unwrap(), Streams::default().fallback());
    let gate = ContentGate {
        cap: Duration::from_millis(1),
        ..gate("slow", GateVerdict::Refuse, "nothing of the kind")
    };
    let gates = Arc::new(ContentGates::new(vec![gate]));
    let shared = Arc::new((MESSAGE.to_vec(), room));
    let mut decoding = Decoding::begin(&shared);
    drop(shared);
    let waited = timeout(gates.get(0).unwrap().cap, decoding.decoded()).await;
    assert!(waited.is_err() && !gates.asked(&possible).is_empty());
    assert_eq!(budget.left(), 40);
    drop(places);
    let decoded = decoding.decoded().await;
    assert_eq!(budget.left(), 40);
    drop((decoded, decoding));
    // The thread that decoded it may still hold its own share for a moment.
    while budget.left() < 100 {
        tokio::task::yield_now().await;
    }
}
