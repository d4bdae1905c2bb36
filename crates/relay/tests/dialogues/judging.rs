//! The ends that a transaction can have while filters look at it: the client is reset, or closes;
//! the smarthost is lost; the process is to end. Each in every phase, and nothing is sent twice,
//! left over, or delivered without its verdict.

use std::time::Duration;

use crate::filters::wishes;
use crate::stage::{Scenery, Stage};

/// What the smarthost says to an envelope of one recipient.
const TAKEN: &str = "U 250 ok\r\n250 2.1.5 ok\r\n";
const HELLO: &str = "C EHLO pc.example\r\n";
const MAIL: &str = "C MAIL FROM:<a@corp.example>\r\n";
const RCPT: &str = "C RCPT TO:<carol@there.example>\r\n";
const CONTENT: &str = "C Subject: x\r\n\r\nhello\r\n.\r\n";
const PERMIT: &str = "F permit";

/// Where a transaction stands.
struct Place {
    name: &'static str,
    filters: &'static str,
    /// `C` the client says, `U` the smarthost says, `F` the filters say, `T` seconds go by.
    acts: &'static [&'static str],
    /// The client has sent its dot.
    dot: bool,
    /// The filters have said their last word.
    judged: bool,
}

const fn place(
    name: &'static str,
    filters: &'static str,
    acts: &'static [&'static str],
    (dot, judged): (bool, bool),
) -> Place {
    Place { name, filters, acts, dot, judged }
}

const PLACES: &[Place] = &[
    place("MAIL is judged", "envelope", &[HELLO, MAIL], (false, false)),
    place("RCPT is judged", "envelope", &[HELLO, MAIL, PERMIT, RCPT], (false, false)),
    place(
        "RCPT is judged, and the smarthost has another",
        "envelope",
        &[HELLO, MAIL, PERMIT, RCPT, PERMIT, TAKEN, RCPT],
        (false, false),
    ),
    place(
        "RCPT is judged, and the smarthost answers another",
        "envelope",
        &[HELLO, MAIL, PERMIT, RCPT, PERMIT, RCPT],
        (false, false),
    ),
    place(
        "what streams is copied",
        "judged",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", "U 354 go\r\n", "C Subject: x\r\n"],
        (false, false),
    ),
    place(
        "a copy is judged",
        "judged",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", "U 354 go\r\n", CONTENT],
        (true, false),
    ),
    place(
        "what streams is read, and a piece is not taken",
        "envelope, pieces",
        &[
            HELLO,
            MAIL,
            PERMIT,
            RCPT,
            PERMIT,
            TAKEN,
            "C DATA\r\n",
            "U 354 go\r\n",
            "C Subject: long enough\r\n",
        ],
        (false, false),
    ),
    place(
        "what was read is judged",
        "envelope",
        &[HELLO, MAIL, PERMIT, RCPT, PERMIT, TAKEN, "C DATA\r\n", "U 354 go\r\n", CONTENT],
        (true, false),
    ),
    place(
        "content is held",
        "change",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", "C Subject: x\r\n"],
        (false, false),
    ),
    place(
        "content is held, and a NOOP is out",
        "change",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", "C Subject: x\r\n", "T 120"],
        (false, false),
    ),
    place(
        "what is held is judged",
        "change",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", CONTENT],
        (true, false),
    ),
    place(
        "what is held is judged, and a NOOP is out",
        "change",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", CONTENT, "T 120"],
        (true, false),
    ),
    place(
        "what was held is permitted, and a NOOP is out",
        "change",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", CONTENT, "T 120", PERMIT],
        (true, true),
    ),
    place(
        "what was held is permitted, and DATA is out",
        "change",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", CONTENT, PERMIT],
        (true, true),
    ),
    place(
        "the header was held, and DATA is out",
        "complete",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", "C Subject: x\r\n\r\nhello\r\n"],
        (false, false),
    ),
    place(
        "the header was held, and the dot has come before the 354",
        "complete",
        &[HELLO, MAIL, RCPT, TAKEN, "C DATA\r\n", CONTENT],
        (true, true),
    ),
];

impl Place {
    fn stage(&self, second: bool) -> Stage {
        let words = vec!["PIPELINING".to_owned()];
        let mut stage = Stage::new(Scenery {
            filters: wishes(self.filters),
            complete: self.filters == "complete",
            smarthost: Some(words.clone()),
            second: second.then_some(Some(words)),
            slow: second,
            ..Scenery::default()
        });
        for act in self.acts {
            let (who, what) = act.split_once(' ').unwrap();
            match who {
                "C" => stage.client_says(what.as_bytes()),
                "U" => stage.smarthost_says(what.as_bytes()),
                "F" => stage.filters_say(what),
                _ => stage.pass(Duration::from_secs(what.parse().unwrap())),
            }
        }
        stage.to_client.clear();
        stage
    }

    /// What must be true of it when its end has come, whatever that was.
    fn check_end(&self, stage: &mut Stage) {
        let name = self.name;
        let upstream = stage.to_smarthost.clone();
        while stage.filters.waiting() > 0 {
            stage.filters_say("permit");
        }
        assert_eq!(stage.to_smarthost, upstream, "{name}: a late word counts");
        assert!(stage.relay.is_idle(), "{name}: a transaction is left over");
        let aborts = stage.filters.seen.iter().filter(|step| *step == "abort").count();
        let shown = stage.filters.seen.iter().any(|step| step != "abort");
        assert_eq!(aborts, usize::from(shown && !self.judged), "{name}: {:?}", stage.filters.seen);
        assert_eq!(stage.budget.left(), 1_000_000, "{name}: held for ever");
        assert!(!stage.has_smarthost(), "{name}: the smarthost is left waiting");
    }
}

fn dots(stage: &Stage) -> usize {
    memchr::memmem::find_iter(&stage.to_smarthost, b"\r\n.\r\n").count()
}

fn told(stage: &Stage) -> String {
    String::from_utf8_lossy(&stage.to_client).into_owned()
}

#[test]
fn a_client_that_is_reset_leaves_nothing_behind() {
    for place in PLACES {
        let mut stage = place.stage(false);
        assert!(!stage.relay.is_idle(), "{}", place.name);
        stage.client_breaks();
        place.check_end(&mut stage);
        assert!(stage.closed && stage.relay.is_finished(), "{}", place.name);
        assert_eq!((dots(&stage), stage.to_client.len()), (0, 0), "{}", place.name);
        // Content had begun: what became of it is written down.
        let begun = place.acts.contains(&"C DATA\r\n");
        let abandoned = stage.records.iter().filter(|one| one.starts_with("abandoned"));
        assert_eq!(abandoned.count(), usize::from(begun), "{}: {:?}", place.name, stage.records);
    }
}

/// The smarthost is lost, and another is on its way.
#[test]
fn a_client_that_is_reset_while_a_connection_is_on_its_way_leaves_nothing_behind() {
    for place in PLACES.iter().filter(|place| place.filters == "change") {
        let mut stage = place.stage(true);
        let data_sent = memchr::memmem::find(&stage.to_smarthost, b"DATA\r\n").is_some();
        if data_sent {
            continue;
        }
        stage.smarthost_closes();
        assert!(!stage.has_smarthost() && !stage.closed, "{}", place.name);
        stage.client_breaks();
        stage.pass(Duration::from_secs(1));
        assert!(stage.to_smarthost.ends_with(b"opened second\r\n"), "{}", place.name);
        place.check_end(&mut stage);
        assert!(stage.closed && stage.relay.is_finished(), "{}", place.name);
    }
}

/// It comes with the message again: nobody may have it twice.
#[test]
fn a_client_that_closes_while_its_message_is_judged_has_given_it_up() {
    for place in PLACES {
        let mut stage = place.stage(false);
        stage.client_closes();
        place.check_end(&mut stage);
        assert!(stage.closed && stage.relay.is_finished(), "{}", place.name);
        assert_eq!(dots(&stage), 0, "{}", place.name);
        assert!(!told(&stage).contains("250 2.0.0 taken"), "{}: {}", place.name, told(&stage));
    }
}

/// The smarthost is slow, and the client sends on: so much is held, and the rest stays with it.
/// Nothing is lost of either.
#[test]
fn a_client_that_is_far_ahead_of_the_smarthost_waits() {
    let mut stage = Stage::new(Scenery {
        complete: true,
        size_max: 1_000_000,
        smarthost: Some(vec!["PIPELINING".to_owned()]),
        ..Scenery::default()
    });
    stage.client_says(format!("{}{}{}", &HELLO[2..], &MAIL[2..], &RCPT[2..]).as_bytes());
    stage.smarthost_says(&TAKEN.as_bytes()[2..]);
    stage.client_says(b"DATA\r\n");
    let line = format!("{}\r\n", "x".repeat(70));
    let body = line.repeat(5_000);
    stage.client_says(b"Subject: x\r\n\r\n");
    for piece in format!("{body}.\r\n").as_bytes().chunks(10_000) {
        stage.client_says(piece);
    }
    assert!(stage.to_smarthost.ends_with(b"DATA\r\n"), "{}", told(&stage));
    let left = stage.budget.left();
    assert!((800_000..1_000_000 - 64 * 1024).contains(&left), "{left}");
    assert!(!stage.relay.wants_input());
    stage.smarthost_says(b"354 go\r\n");
    assert_eq!(dots(&stage), 1);
    let sent = String::from_utf8_lossy(&stage.to_smarthost).into_owned();
    assert!(sent.ends_with(&format!("Subject: x\r\n\r\n{body}.\r\n")));
    stage.smarthost_says(b"250 2.0.0 taken\r\n");
    assert!(told(&stage).ends_with("250 2.0.0 taken\r\n"));
    assert_eq!(stage.budget.left(), 1_000_000);
}

/// Everybody says what is needed for the message to be delivered.
fn finish(place: &Place, stage: &mut Stage) {
    if stage.filters.waiting() > 0 {
        stage.filters_say("permit");
    }
    let noop_is_out = place.acts.contains(&"T 120");
    if noop_is_out {
        stage.smarthost_says(b"250 noop\r\n");
    }
    if matches!(place.filters, "change" | "complete") {
        stage.smarthost_says(b"354 go\r\n");
    }
    assert_eq!(dots(stage), 1, "{}", place.name);
    stage.smarthost_says(b"250 2.0.0 taken\r\n");
}

fn place_is_over(place: &Place, stage: &mut Stage) {
    assert!(stage.closed && stage.relay.is_finished(), "{}", place.name);
    assert_eq!(stage.budget.left(), 1_000_000, "{}", place.name);
    assert!(!stage.filters.seen.iter().any(|step| step == "abort"), "{}", place.name);
}

/// The transaction that is on its way is brought to its end, and no other begins.
#[test]
fn a_gate_that_is_to_end_lets_a_message_finish() {
    for place in PLACES.iter().filter(|place| place.dot) {
        let mut stage = place.stage(false);
        stage.gate_is_to_end();
        assert!(!stage.closed && stage.to_client.is_empty(), "{}", place.name);
        finish(place, &mut stage);
        let told = told(&stage);
        assert!(told.starts_with("250 2.0.0 taken\r\n421 "), "{}: {told}", place.name);
        assert!(stage.records.iter().any(|one| one.starts_with("accepted")), "{:?}", stage.records);
        place_is_over(place, &mut stage);
    }
}

/// Likewise while its envelope is judged; where that ends in a refusal, so does the session.
#[test]
fn a_gate_that_is_to_end_lets_an_envelope_finish() {
    let mut stage = PLACES[0].stage(false);
    stage.gate_is_to_end();
    stage.filters_say("refuse lists 550 5.7.1 no a");
    assert!(told(&stage).starts_with("550 5.7.1 no a\r\n421 "), "{}", told(&stage));
    for place in &PLACES[..2] {
        let mut stage = place.stage(false);
        stage.gate_is_to_end();
        assert!(!stage.closed, "{}", told(&stage));
        stage.filters_say("permit");
        if place.acts.len() == 2 {
            stage.client_says(&RCPT.as_bytes()[2..]);
            stage.filters_say("permit");
        }
        stage.smarthost_says(b"250 ok\r\n250 2.1.5 ok\r\n");
        stage.client_says(b"DATA\r\n");
        stage.smarthost_says(b"354 go\r\n");
        stage.client_says(&CONTENT.as_bytes()[2..]);
        stage.filters_say("permit");
        stage.smarthost_says(b"250 2.0.0 taken\r\n");
        assert!(told(&stage).contains("250 2.0.0 taken\r\n421 "), "{}", told(&stage));
        place_is_over(place, &mut stage);
    }
}

/// Before DATA another one may have the envelope; behind it nobody knows what it has, and the
/// client is told to come again.
#[test]
fn a_smarthost_that_is_lost_gets_nothing_twice() {
    let mut tried = 0;
    for place in PLACES {
        for second in [false, true] {
            let mut stage = place.stage(second);
            if !stage.has_smarthost() || !place.dot {
                continue;
            }
            tried += 1;
            stage.smarthost_closes();
            let data_sent = memchr::memmem::find(&stage.to_smarthost, b"DATA\r\n").is_some();
            let fails_over = second && !data_sent;
            assert!(!stage.has_smarthost(), "{}", place.name);
            stage.pass(Duration::from_secs(1));
            assert_eq!(stage.has_smarthost(), fails_over, "{}", place.name);
            if !fails_over {
                let told = told(&stage);
                assert!(told.starts_with("451 4.4."), "{}: {told}", place.name);
                assert!(!told.trim_end().contains('\n'), "{}: {told}", place.name);
                place.check_end(&mut stage);
                assert_eq!(dots(&stage), 0, "{}", place.name);
                continue;
            }
            if stage.filters.waiting() > 0 {
                stage.filters_say("permit");
            }
            assert!(stage.to_client.is_empty(), "{}: {}", place.name, told(&stage));
            stage.smarthost_says(b"250 ok\r\n250 2.1.5 ok\r\n");
            stage.smarthost_says(b"354 go\r\n");
            assert_eq!(dots(&stage), 1, "{}", place.name);
            stage.smarthost_says(b"250 2.0.0 taken\r\n");
            assert_eq!(told(&stage), "250 2.0.0 taken\r\n", "{}", place.name);
            assert_eq!(stage.budget.left(), 1_000_000, "{}", place.name);
        }
    }
    assert_eq!(tried, 14);
}

/// What filters have counts as long as they have it, also when nobody waits for them any more.
#[test]
fn content_that_filters_still_have_counts_against_the_budget() {
    for place in PLACES.iter().filter(|place| place.dot && !place.judged) {
        let mut stage = place.stage(false);
        let content = "Subject: x\r\n\r\nhello\r\n".len();
        assert_eq!(stage.budget.left(), 1_000_000 - content, "{}", place.name);
        stage.client_breaks();
        assert_eq!(stage.budget.left(), 1_000_000 - content, "{}", place.name);
        stage.filters_say("permit");
        assert_eq!(stage.budget.left(), 1_000_000, "{}", place.name);
    }
}
