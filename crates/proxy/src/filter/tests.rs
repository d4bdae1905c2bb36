//! Chains in front of milters that follow a script.

mod fake;
mod streaming;
mod unsteady;

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use address::{ForwardPath, ReversePath};
use evidence::Reference;
use fake::{Act, Fake, said};
use policy::{ContentCheck, ContentGate, ContentGates, Finding, GateRule, GateVerdict, Streams};
use relay::{
    FilterAnswer, FilterContent, FilterMail, FilterPiece, FilterStep, FilterVerdict, Filtered,
    HoldBudget, SessionFacts, TlsFacts,
};
use smtp_wire::{MailParams, RcptParams};

use super::*;

const MESSAGE: &str = "From: <ann@corp.example>\r\nSubject: a\r\n b\r\n\r\nHello\r\n";

/// A session in front of some filters.
struct Session {
    filtering: Filtering,
    facts: SessionFacts,
    number: u64,
    budget: Arc<HoldBudget>,
    /// A gate over the header has permitted it.
    gates_permit: bool,
}

fn settings(address: MilterAddress) -> MilterSettings {
    MilterSettings {
        name: "m".into(),
        address,
        changes: true,
        early: false,
        on_failure: OnFailure::Defer,
        cap: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(5),
    }
}

fn session(milters: Vec<Arc<Milter>>, signer: Option<Arc<dyn Signer>>) -> Session {
    session_with(Arc::default(), milters, signer)
}

fn session_with(
    content: Arc<ContentGates>,
    milters: Vec<Arc<Milter>>,
    signer: Option<Arc<dyn Signer>>,
) -> Session {
    let filters = FilterSettings { content, milters, signer, content_max: 1 << 20 };
    let facts = SessionFacts {
        id: "s".into(),
        client: [192, 0, 2, 7].into(),
        port: Some(4711),
        listener: "127.0.0.1:25".parse().unwrap(),
        login: Some("erp".into()),
        mechanism: Some("PLAIN".into()),
        tls: None,
    };
    let filtering = Filtering::new(Arc::new(filters), Clock::start(), "mail.example.com");
    let budget = Arc::new(HoldBudget::new(1 << 20));
    Session { filtering, facts, number: 0, budget, gates_permit: false }
}

/// With one milter.
fn alone(milter: MilterSettings) -> (Session, Arc<Milter>) {
    let milter = Arc::new(Milter::new(milter));
    (session(vec![Arc::clone(&milter)], None), milter)
}

impl Session {
    async fn ask(&mut self, step: FilterStep) -> FilterAnswer {
        self.filtering.add(self.number, step, &self.facts);
        let (number, answer) = poll_fn(|cx| self.filtering.poll(cx)).await;
        assert_eq!(number, self.number);
        answer
    }

    async fn mail(&mut self) -> FilterVerdict {
        self.number += 1;
        let mail = FilterMail {
            client_name: "client.example".to_owned(),
            extended: true,
            from: ReversePath::parse("<ann@corp.example>").unwrap(),
            params: MailParams { size: Some(100), ..MailParams::default() },
            reference: Reference::new(1_772_323_200_000, 7),
        };
        match self.ask(FilterStep::Mail(Box::new(mail))).await {
            FilterAnswer::Mail(verdict) => verdict,
            other => panic!("{other:?}"),
        }
    }

    async fn recipient(&mut self, path: &str) -> FilterVerdict {
        let path = ForwardPath::parse(path).unwrap();
        let step = FilterStep::Recipient { tag: 5, path, params: RcptParams::default() };
        match self.ask(step).await {
            FilterAnswer::Recipient(5, verdict) => verdict,
            other => panic!("{other:?}"),
        }
    }

    async fn content(&mut self, content: &str) -> Filtered {
        let content = FilterContent {
            content: content.as_bytes().to_vec(),
            room: Arc::clone(&self.budget).room(content.len()).unwrap(),
            possible: Streams::default().fallback(),
            rest: None,
            gates_permit: self.gates_permit,
            may_change: true,
        };
        match self.ask(FilterStep::Content(Box::new(content))).await {
            FilterAnswer::Content(filtered) => *filtered,
            other => panic!("{other:?}"),
        }
    }

    /// Content that goes by: the last of the pieces comes with the dot; `copy`: and all of it.
    async fn pieces(&mut self, pieces: &[&str], copy: bool) -> Filtered {
        let (last, before) = pieces.split_last().unwrap();
        for piece in before {
            match self.ask(FilterStep::Piece(self.piece(piece))).await {
                FilterAnswer::Taken(octets) => assert_eq!(octets, piece.len()),
                other => panic!("{other:?}"),
            }
        }
        let content = FilterContent {
            content: if copy { pieces.concat().into_bytes() } else { Vec::new() },
            room: Arc::clone(&self.budget).room(0).unwrap(),
            possible: Streams::default().fallback(),
            rest: Some(self.piece(last)),
            gates_permit: self.gates_permit,
            may_change: false,
        };
        match self.ask(FilterStep::Content(Box::new(content))).await {
            FilterAnswer::Content(filtered) => *filtered,
            other => panic!("{other:?}"),
        }
    }

    fn piece(&self, text: &str) -> FilterPiece {
        let room = Arc::clone(&self.budget).room(text.len()).unwrap();
        FilterPiece { octets: text.as_bytes().to_vec(), room }
    }

    /// A whole message to one recipient.
    async fn message(&mut self, content: &str) -> Filtered {
        assert_eq!(self.mail().await, FilterVerdict::Permit);
        assert_eq!(self.recipient("<bob@example.com>").await, FilterVerdict::Permit);
        self.content(content).await
    }

    fn abort(&mut self) {
        self.filtering.add(self.number, FilterStep::Abort, &self.facts);
    }
}

/// Code, enhanced code and text of a refusal, or what else it is.
fn words(verdict: &FilterVerdict) -> String {
    match verdict {
        FilterVerdict::Refuse { by, reply } => {
            let enhanced = reply.enhanced.map(|code| format!("{code} ")).unwrap_or_default();
            format!("{by}: {} {enhanced}{}", reply.code, reply.text)
        }
        FilterVerdict::Discard { by } => format!("{by}: discard"),
        FilterVerdict::Permit => "permit".to_owned(),
        FilterVerdict::Found(finding) => format!("found {}", finding.found),
    }
}

fn found(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|one| format!("{}: {}", one.gate, one.found)).collect()
}

const FAILS: &str = "milter m: 451 4.7.1 a filter cannot be asked now; try again later; ref ";
const DEFERS: &str = "milter m: 451 4.7.1 deferred by milter m; ref ";
const REFUSES: &str = "milter m: 550 5.7.1 refused by milter m; ref ";

#[tokio::test]
async fn everything_is_shown_in_its_order_with_its_macros_and_one_connection_serves_the_session() {
    let fake = Fake::tcp(|_| said(b'c')).await;
    let (mut session, milter) = alone(settings(fake.address.clone()));
    for _ in 0..2 {
        let filtered = session.message(MESSAGE).await;
        assert_eq!(filtered.verdict, FilterVerdict::Permit);
        assert_eq!((filtered.content.as_slice(), filtered.changed), (MESSAGE.as_bytes(), false));
        assert_eq!(filtered.findings, []);
    }
    let message = [
        "M<ann@corp.example> SIZE=100",
        "R<bob@example.com>",
        "T",
        "LFrom  <ann@corp.example>",
        "LSubject  a\n b",
        "N",
        "BHello\r\n",
        "E",
    ];
    let all = ["O", "C[192.0.2.7]", "Hclient.example"].iter().chain(&message).chain(&message);
    assert_eq!(fake.commands(), all.copied().collect::<Vec<_>>());
    for (step, name, value) in [
        ('C', "j", "mail.example.com"),
        ('C', "{client_addr}", "192.0.2.7"),
        ('C', "{client_port}", "4711"),
        ('C', "{daemon_addr}", "127.0.0.1"),
        ('M', "i", "01KJKXFT8000000"),
        ('M', "{mail_addr}", "ann@corp.example"),
        ('M', "{auth_authen}", "erp"),
        ('M', "{auth_type}", "PLAIN"),
        ('R', "{rcpt_addr}", "bob@example.com"),
    ] {
        let told = fake.macro_of(step, name);
        match name {
            "i" => assert_eq!(told.unwrap().len(), 13),
            _ => assert_eq!(told.as_deref(), Some(value), "{step} {name}"),
        }
    }
    assert_eq!((milter.connections.get(), milter.asked.get()), (1, 2));
    assert_eq!(milter.health(), MilterHealth::Up);
    drop(session);
    assert_eq!(fake.next_command().await, "Q");
}

#[tokio::test]
async fn a_unix_socket_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::unix(&folder.path().join("m.sock"), |_| said(b'c')).await;
    let (mut session, _) = alone(settings(fake.address.clone()));
    assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
}

#[tokio::test]
async fn each_verdict_at_each_step_is_what_the_client_hears() {
    let reply = b"550 5.7.9 no 100%% thanks\0";
    let verdicts: [(u8, &[u8], &str); 5] = [
        (b'r', b"", REFUSES),
        (b't', b"", DEFERS),
        (b'd', b"", "milter m: discard"),
        (b'y', reply, "milter m: 550 5.7.9 no 100% thanks"),
        (b'f', b"", DEFERS),
    ];
    for step in "CHMRTLNBE".chars() {
        for (letter, data, words_said) in &verdicts {
            if step == 'R' && *letter == b'f' {
                continue;
            }
            let (letter, data) = (*letter, data.to_vec());
            let fake = Fake::tcp(move |heard| match char::from(heard.letter) == step {
                true => Act::Say(vec![(letter, data.clone())]),
                false => said(b'c'),
            });
            let fake = fake.await;
            let (mut session, milter) = alone(settings(fake.address.clone()));
            let mut verdict = session.mail().await;
            if verdict == FilterVerdict::Permit {
                verdict = session.recipient("<bob@example.com>").await;
            }
            if verdict == FilterVerdict::Permit {
                verdict = session.content(MESSAGE).await.verdict;
            }
            let told = words(&verdict);
            assert!(told.starts_with(words_said), "{step} {letter}: {told}");
            assert_eq!(milter.refused.get(), 1, "{step} {letter}");
            assert_eq!(milter.failures.get(), 0);
            let before = fake.commands().len();
            match step {
                // Of the session: nobody is asked again, and the connection is gone.
                'C' | 'H' => {
                    assert_eq!(fake.next_command().await, "Q");
                    assert_eq!(session.mail().await, verdict);
                    assert_eq!(milter.connections.get(), 1);
                }
                // Of one recipient: the message goes on.
                'R' => {
                    assert_eq!(fake.commands()[before - 1], "R<bob@example.com>");
                    assert_eq!(words(&session.content(MESSAGE).await.verdict), "permit");
                }
                'E' => {
                    assert_ne!(words(&session.mail().await), FAILS);
                    assert!(!fake.commands().contains(&"A".to_owned()), "it is over by itself");
                }
                _ => {
                    let _ = session.mail().await;
                    assert_eq!(fake.commands()[before], "A");
                    assert_eq!(milter.connections.get(), 1);
                }
            }
        }
    }
}

#[tokio::test]
async fn who_accepts_is_asked_no_more() {
    for (step, commands) in [('C', 2), ('H', 3), ('M', 4), ('R', 5), ('T', 6), ('L', 7), ('B', 10)]
    {
        let fake = Fake::tcp(move |heard| match char::from(heard.letter) == step {
            true => said(b'a'),
            false => said(b'c'),
        });
        let fake = fake.await;
        let (mut session, milter) = alone(settings(fake.address.clone()));
        let filtered = session.message(MESSAGE).await;
        assert_eq!(filtered.verdict, FilterVerdict::Permit);
        let heard = fake.commands();
        let rest: Vec<_> = heard[commands..].iter().map(String::as_str).collect();
        assert!(rest.iter().all(|one| matches!(*one, "A" | "Q")), "{step}: {heard:?}");
        // Of the session at connect and HELO, of the message elsewhere.
        session.message(MESSAGE).await;
        let mails = fake.commands().iter().filter(|one| one.starts_with('M')).count();
        assert_eq!(mails, if matches!(step, 'C' | 'H') { 0 } else { 2 });
        assert_eq!(milter.connections.get(), 1);
    }
}

fn add(name: &str, value: &str) -> (u8, Vec<u8>) {
    (b'h', format!("{name}\0{value}\0").into_bytes())
}

fn at(letter: u8, index: u32, name: &str, value: &str) -> (u8, Vec<u8>) {
    (letter, [&index.to_be_bytes()[..], format!("{name}\0{value}\0").as_bytes()].concat())
}

#[tokio::test]
async fn each_filter_sees_what_the_one_before_has_left_and_the_signer_is_the_last() {
    struct Counts;
    impl Signer for Counts {
        fn sign(&self, content: &[u8]) -> Result<Vec<u8>, String> {
            Ok(format!("DKIM-Signature: {}\r\n", content.len()).into_bytes())
        }
    }
    let changes = vec![
        add("X-Spam", " no"),
        at(b'i', 0, "Authentication-Results", " mail.example.com; none"),
        at(b'm', 1, "Subject", " c"),
        (b'b', b"Good\n".to_vec()),
        (b'b', b"bye\r\n".to_vec()),
        (b'c', Vec::new()),
    ];
    let first = Fake::tcp(move |heard| match heard.letter {
        b'E' => Act::Say(changes.clone()),
        _ => said(b'c'),
    });
    let (first, second) = (first.await, Fake::tcp(|_| said(b'c')).await);
    let milters = [("first", &first), ("second", &second)].map(|(name, fake)| {
        let milter = MilterSettings { name: name.into(), ..settings(fake.address.clone()) };
        Arc::new(Milter::new(milter))
    });
    let mut session = session(milters.to_vec(), Some(Arc::new(Counts)));
    let filtered = session.message(MESSAGE).await;
    let changed = "Authentication-Results: mail.example.com; none\r\nFrom: <ann@corp.example>\r\nSubject: c\r\nX-Spam: no\r\n\r\nGood\r\nbye\r\n";
    let signed = format!("DKIM-Signature: {}\r\n{changed}", changed.len());
    assert_eq!(String::from_utf8(filtered.content).unwrap(), signed);
    assert!(filtered.changed && filtered.verdict == FilterVerdict::Permit);
    let told = "milter first: added X-Spam, Authentication-Results; changed Subject; body replaced";
    assert_eq!(found(&filtered.findings), [told]);
    let heard = second.commands();
    assert!(heard.contains(&"LAuthentication-Results  mail.example.com; none".to_owned()));
    assert!(heard.contains(&"BGood\r\nbye\r\n".to_owned()), "{heard:?}");
    assert_eq!((milters[0].changed.get(), milters[1].changed.get()), (1, 0));

    let filtered = session.message(&format!("DKIM-Signature: v=1\r\n{MESSAGE}")).await;
    assert!(
        found(&filtered.findings)[0]
            .ends_with("; it carried a DKIM-Signature, which may not verify any more")
    );
}

#[tokio::test]
async fn what_cannot_be_signed_is_deferred() {
    struct Broken;
    impl Signer for Broken {
        fn sign(&self, content: &[u8]) -> Result<Vec<u8>, String> {
            match content.len() {
                0 => panic!("nothing there"),
                _ => Err("no key".to_owned()),
            }
        }
    }
    let mut session = session(Vec::new(), Some(Arc::new(Broken)));
    for content in [MESSAGE, ""] {
        let filtered = session.content(content).await;
        let told = words(&filtered.verdict);
        assert!(told.contains(": 451 4.7.1 a filter cannot be asked now"), "{told}");
    }
}

#[tokio::test]
async fn what_is_over_early_is_aborted_and_the_connection_stays() {
    let fake = Fake::tcp(|_| said(b'c')).await;
    let (mut session, milter) = alone(settings(fake.address.clone()));
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    session.abort();
    assert_eq!(fake.next_command().await, "A");
    assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
    assert_eq!(milter.connections.get(), 1);
}

#[tokio::test]
async fn an_abort_in_the_middle_of_a_question_closes_the_connection() {
    let fake = Fake::tcp(|heard| match (heard.connection, heard.letter) {
        (1, b'R') => Act::Nothing,
        _ => said(b'c'),
    });
    let fake = fake.await;
    let (mut session, milter) = alone(settings(fake.address.clone()));
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    let path = ForwardPath::parse("<bob@example.com>").unwrap();
    let step = FilterStep::Recipient { tag: 1, path, params: RcptParams::default() };
    session.filtering.add(1, step, &session.facts);
    let polled = poll_fn(|cx| Poll::Ready(session.filtering.poll(cx).is_pending())).await;
    assert!(polled);
    session.abort();
    assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
    assert_eq!((milter.connections.get(), milter.failures.get()), (2, 0));
}

#[tokio::test]
async fn a_kept_connection_that_is_dead_is_made_anew_once() {
    let fake = Fake::tcp(|heard| match (heard.connection, heard.letter) {
        // Its end of the first connection is closed behind the first message.
        (1, b'E') => Act::Last(vec![(b'c', Vec::new())]),
        (2, b'E') => Act::Last(vec![(b'c', Vec::new())]),
        (3.., b'M') => Act::Close,
        _ => said(b'c'),
    });
    let fake = fake.await;
    let (mut session, milter) = alone(settings(fake.address.clone()));
    assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
    assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
    assert_eq!((milter.connections.get(), milter.failures.get()), (2, 0));
    assert!(words(&session.mail().await).starts_with(FAILS), "not a second time");
    assert_eq!((milter.connections.get(), milter.failures.get()), (3, 1));
    assert_eq!(milter.health(), MilterHealth::Down);
    assert!(milter.fault().unwrap().starts_with("the connection is lost"));
}

#[tokio::test]
async fn another_client_is_told_on_another_connection() {
    let fake = Fake::tcp(|_| said(b'c')).await;
    let (mut session, milter) = alone(settings(fake.address.clone()));
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    session.facts.tls = Some(Arc::new(TlsFacts {
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        certificate: None,
    }));
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    assert_eq!(milter.connections.get(), 2);
    assert_eq!(fake.macro_of('H', "{cipher}").as_deref(), Some("TLS_AES_256_GCM_SHA384"));
    session.facts.client = [192, 0, 2, 8].into();
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    assert_eq!(milter.connections.get(), 3);
    // A login changes nothing that was said at connect or HELO.
    session.facts.login = None;
    assert_eq!(session.mail().await, FilterVerdict::Permit);
    assert_eq!(milter.connections.get(), 3);
    assert_eq!(fake.last_macro_of('M', "{auth_authen}"), None);
}

/// An address at which nobody listens.
async fn nobody() -> MilterAddress {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    MilterAddress::Tcp(listener.local_addr().unwrap().to_string())
}

#[tokio::test]
async fn one_that_is_down_defers_and_is_left_alone() {
    let (mut session, milter) = alone(settings(nobody().await));
    for _ in 0..6 {
        assert!(words(&session.mail().await).starts_with(FAILS));
    }
    assert_eq!(milter.failures.get(), 3, "then it is left alone");
    assert!(milter.pause(Clock::start()).is_some());
    assert!(milter.fault().unwrap().starts_with("cannot connect: "));
    // It failed at MAIL: what comes without it is deferred as well.
    let told = words(&session.recipient("<bob@example.com>").await);
    assert!(told.starts_with("milter m: 451 4.7.1"), "{told}");
    let told = words(&session.content(MESSAGE).await.verdict);
    assert!(told.starts_with("milter m: 451 4.7.1"), "{told}");
}

#[tokio::test]
async fn one_that_may_be_missing_is_done_without_and_that_is_written_down() {
    let milter = MilterSettings { on_failure: OnFailure::Permit, ..settings(nobody().await) };
    let (mut session, _) = alone(milter);
    let filtered = session.message(MESSAGE).await;
    assert_eq!((filtered.verdict, filtered.changed), (FilterVerdict::Permit, false));
    let told = found(&filtered.findings);
    assert!(told[0].starts_with("milter m: went on without it: cannot connect: "), "{told:?}");
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn one_that_dies_in_the_middle_defers_what_follows() {
    for step in "RTLNBE".chars() {
        let fake = Fake::tcp(move |heard| match char::from(heard.letter) == step {
            true => Act::Close,
            false => said(b'c'),
        });
        let (mut session, milter) = alone(settings(fake.await.address.clone()));
        assert_eq!(session.mail().await, FilterVerdict::Permit);
        let recipient = session.recipient("<bob@example.com>").await;
        assert_eq!(recipient == FilterVerdict::Permit, step != 'R');
        let told = words(&session.content(MESSAGE).await.verdict);
        assert!(told.starts_with(FAILS), "{step}: {told}");
        assert_eq!(milter.failures.get(), 1);
    }
}

#[tokio::test]
async fn one_that_is_silent_is_waited_for_as_long_as_its_cap_and_progress_does_not_prolong_it() {
    for act in [Act::Nothing, Act::Say(vec![(b'p', Vec::new())])] {
        let fake = Fake::tcp(move |heard| match heard.letter {
            b'E' => act.clone(),
            _ => said(b'c'),
        });
        let cap = Duration::from_secs(2);
        let milter = MilterSettings { cap, ..settings(fake.await.address.clone()) };
        let (mut session, milter) = alone(milter);
        let told = words(&session.message(MESSAGE).await.verdict);
        assert!(told.starts_with(FAILS), "{told}");
        assert_eq!(milter.fault().as_deref(), Some("no verdict within 2s"));
    }
}

#[tokio::test]
async fn progress_is_no_verdict() {
    let fake = Fake::tcp(|heard| match heard.letter {
        b'E' => Act::Say(vec![(b'p', Vec::new()), (b'p', Vec::new()), (b'r', Vec::new())]),
        _ => said(b'c'),
    });
    let (mut session, _) = alone(settings(fake.await.address.clone()));
    assert!(words(&session.message(MESSAGE).await.verdict).starts_with(REFUSES));
}

#[tokio::test]
async fn who_may_not_change_anything_and_does_has_failed() {
    let fake = Fake::tcp(|heard| match heard.letter {
        b'E' => Act::Say(vec![add("X-A", " b"), (b'c', Vec::new())]),
        _ => said(b'c'),
    });
    let milter = MilterSettings { changes: false, ..settings(fake.await.address.clone()) };
    let (mut session, milter) = alone(milter);
    let told = words(&session.message(MESSAGE).await.verdict);
    assert!(told.starts_with(FAILS), "{told}");
    let fault = milter.fault().unwrap();
    assert!(fault.contains("to add a field, which was not agreed upon"), "{fault}");
}

#[tokio::test]
async fn a_change_that_would_break_the_message_is_not_made() {
    for on_failure in [OnFailure::Defer, OnFailure::Permit] {
        let fake = Fake::tcp(|heard| match heard.letter {
            b'E' => Act::Say(vec![add("X A", " b"), (b'c', Vec::new())]),
            _ => said(b'c'),
        });
        let milter = MilterSettings { on_failure, ..settings(fake.await.address.clone()) };
        let (mut session, milter) = alone(milter);
        let filtered = session.message(MESSAGE).await;
        assert!(!filtered.changed && filtered.content == MESSAGE.as_bytes());
        match on_failure {
            OnFailure::Defer => {
                assert!(words(&filtered.verdict).starts_with(FAILS));
                let told = found(&filtered.findings);
                assert_eq!(told, ["milter m: a field name that is none"]);
            }
            OnFailure::Permit => {
                assert_eq!(filtered.verdict, FilterVerdict::Permit);
                let told = found(&filtered.findings);
                assert_eq!(told, ["milter m: went on without it: a field name that is none"]);
            }
        }
        assert_eq!(milter.changed.get(), 0);
    }
}

#[tokio::test]
async fn a_field_that_no_milter_could_read_refuses_the_message_whatever_is_done_without_a_milter() {
    for on_failure in [OnFailure::Defer, OnFailure::Permit] {
        let fake = Fake::tcp(|_| said(b'c')).await;
        let milter = MilterSettings { on_failure, ..settings(fake.address.clone()) };
        let (mut session, milter) = alone(milter);
        let long = format!("X-Long: {}\r\n\r\nHello\r\n", "a".repeat(70_000));
        let verdict = words(&session.message(&long).await.verdict);
        assert!(verdict.contains("5.6.0 a header field is too long for milter m"), "{verdict}");
        assert_eq!(milter.failures.get(), 0);
        assert_eq!(session.message(MESSAGE).await.verdict, FilterVerdict::Permit);
    }
}

#[tokio::test]
async fn a_long_body_goes_in_pieces_until_it_is_to_be_skipped() {
    let body = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(3_000);
    let message = format!("Subject: a\r\n\r\n{body}");
    let fake = Fake::tcp(|_| said(b'c')).await;
    let (mut session, _) = alone(settings(fake.address.clone()));
    let filtered = session.message(&message).await;
    assert!(filtered.content == message.as_bytes());
    let pieces: Vec<_> = fake
        .commands()
        .into_iter()
        .filter_map(|one| Some(one.strip_prefix('B')?.to_owned()))
        .collect();
    assert!(pieces.len() == 3 && pieces.concat() == body);

    let skips = Fake::tcp(|heard| if heard.letter == b'B' { said(b's') } else { said(b'c') }).await;
    let (mut session, _) = alone(settings(skips.address.clone()));
    assert_eq!(session.message(&message).await.verdict, FilterVerdict::Permit);
    let letters: String = skips.commands().iter().filter_map(|one| one.chars().next()).collect();
    assert_eq!(letters, "OCHMRTLNBE");
}

/// A permit of a gate over the header ends the search in those over the content as well.
#[tokio::test]
async fn a_permit_of_the_header_stands_for_the_content() {
    let gate = ContentGate {
        rule: GateRule {
            name: "hello".into(),
            streams: None,
            verdict: GateVerdict::Refuse,
            text: None,
        },
        check: ContentCheck::Text("Hello".parse().unwrap()),
        cap: Duration::from_secs(60),
        when_slow: GateVerdict::Defer,
        when_unreadable: GateVerdict::Defer,
    };
    let mut session = session_with(Arc::new(ContentGates::new(vec![gate])), vec![], None);
    for (gates_permit, permitted) in [(false, false), (true, true)] {
        session.gates_permit = gates_permit;
        let filtered = session.message(MESSAGE).await;
        assert_eq!(filtered.verdict == FilterVerdict::Permit, permitted, "{filtered:?}");
    }
}
