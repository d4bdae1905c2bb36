//! The server role by itself: order of replies, limits, and the same events however
//! the bytes are cut.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use smtp_session::{Ended, Floors, Moment, Server, ServerSettings, SlotId, StartTls, Step};
use smtp_wire::{COMMAND_LINE_MAX, Capabilities, Enhanced, Reply};

fn settings() -> Arc<ServerSettings> {
    Arc::new(ServerSettings {
        hostname: "mail.example.com".to_owned(),
        greeting: b"220 mail.example.com ESMTP\r\n".to_vec(),
        command_timeout: Duration::from_secs(300),
        data_timeout: Duration::from_secs(300),
        starttls: StartTls::Off,
        errors_max: 20,
        floors: Floors::default(),
    })
}

fn at(seconds: u64) -> Moment {
    Moment::new(Duration::from_secs(seconds), i64::try_from(seconds).unwrap() * 1_000_000)
}

fn ok(text: &str) -> Reply {
    Reply::new(250, Enhanced::new(2, 0, 0), text)
}

/// What happened, in words, and what was said.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    steps: Vec<String>,
    said: String,
}

/// Answers every command at once, as a gate with nothing to wait for.
fn play(pieces: &[&[u8]]) -> Seen {
    let mut server = Server::new(settings(), at(0));
    let mut seen = Seen::default();
    let mut kept = Vec::new();
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let input = std::mem::take(&mut kept);
            let (used, step) = server.advance(at(1), &input);
            let idle = used == 0 && matches!(step, Step::Idle);
            let answer = note(&mut seen, step);
            match answer {
                Some(Answer::Welcome) => {
                    let offered = Capabilities {
                        pipelining: true,
                        size: Some(1000),
                        ..Capabilities::default()
                    };
                    server.welcome(at(1), Arc::new(offered));
                }
                Some(Answer::Slot(slot, reply)) => server.answer(at(1), slot, reply),
                None => {}
            }
            kept = input[used..].to_vec();
            if idle {
                break;
            }
        }
    }
    seen.said = String::from_utf8(server.output().clone()).unwrap();
    seen
}

enum Answer {
    Welcome,
    Slot(SlotId, Reply),
}

fn note(seen: &mut Seen, step: Step<'_>) -> Option<Answer> {
    match step {
        Step::Idle | Step::Answered => None,
        Step::Content(span) => {
            // Spans are as long as the input allows: joined, they are the same.
            let text = String::from_utf8_lossy(span).into_owned();
            match seen.steps.last_mut() {
                Some(last) if last.starts_with("content ") => last.push_str(&text),
                _ => seen.steps.push(format!("content {text}")),
            }
            None
        }
        Step::Hello { name, extended } => {
            seen.steps.push(format!("hello {name} {extended}"));
            Some(Answer::Welcome)
        }
        Step::Mail(slot, from, params) => {
            seen.steps.push(format!("mail {from}{params}"));
            Some(Answer::Slot(slot, ok("sender")))
        }
        Step::Rcpt(slot, to, params) => {
            seen.steps.push(format!("rcpt {to}{params}"));
            Some(Answer::Slot(slot, ok("recipient")))
        }
        Step::Data(slot) => {
            seen.steps.push("data".to_owned());
            Some(Answer::Slot(slot, Reply::plain(354, "go")))
        }
        Step::EndOfData(slot) => {
            seen.steps.push("dot".to_owned());
            Some(Answer::Slot(slot, ok("message")))
        }
        Step::StartTls | Step::AuthCancelled => {
            seen.steps.push(format!("{step:?}"));
            None
        }
        Step::Auth(slot, _) | Step::AuthResponse(slot, _) | Step::Xclient(slot, _) => {
            seen.steps.push("auth".to_owned());
            Some(Answer::Slot(slot, ok("login")))
        }
        Step::Reset => {
            seen.steps.push("reset".to_owned());
            None
        }
        Step::Flaw(fault) => {
            seen.steps.push(format!("flaw {fault}"));
            None
        }
        Step::Ended(why) => {
            seen.steps.push(format!("ended {why:?}"));
            None
        }
    }
}

const DIALOGUE: &[u8] = b"EHLO pc.example\r\nNOOP\r\nMAIL FROM:<a@b.example> SIZE=10\r\n\
    RCPT TO:<c@d.example>\r\nRCPT TO:<bad%x@d.example>\r\nVRFY x\r\nWHAT\r\nDATA\r\n\
    Subject: x\r\n\r\n..dot\r\n.y\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nHELP\r\nDATA\r\n\
    MAIL FROM:<e@f.example>\r\nRCPT TO:<g@h.example>\r\nDATA\r\nbad\n.\r\nx\r\n.\r\nQUIT\r\n";

#[test]
fn the_same_bytes_cut_anywhere_give_the_same_events_and_replies() {
    let whole = play(&[DIALOGUE]);
    assert!(whole.steps.contains(&"ended Quit".to_owned()), "{whole:?}");
    assert!(whole.steps.iter().any(|step| step.starts_with("flaw")), "{whole:?}");
    for cut in 0..DIALOGUE.len() {
        let (a, b) = DIALOGUE.split_at(cut);
        assert_eq!(play(&[a, b]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = DIALOGUE.chunks(1).collect();
    assert_eq!(play(&bytes), whole, "byte by byte");
}

#[test]
fn every_command_gets_one_reply_in_order() {
    let seen = play(&[DIALOGUE]);
    let codes: Vec<&str> = seen
        .said
        .lines()
        .filter(|line| line.as_bytes().get(3) != Some(&b'-'))
        .map(|line| &line[..3])
        .collect();
    assert_eq!(
        codes,
        [
            "220", "250", "250", "250", "250", "553", "252", "500", "354", "250", "250", "250",
            "214", "503", "250", "250", "354", "250", "221"
        ]
    );
}

#[test]
fn replies_wait_for_the_commands_before_them() {
    let mut server = Server::new(settings(), at(0));
    server.output().clear();
    let (_, step) = server.advance(at(0), b"EHLO x\r\n");
    assert!(matches!(step, Step::Hello { .. }));
    server.welcome(at(0), Arc::new(Capabilities::default()));
    server.output().clear();
    let input = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\n";
    let (mut used, step) = server.advance(at(0), input);
    let Step::Mail(mail, ..) = step else { panic!("{step:?}") };
    let (more, step) = server.advance(at(0), &input[used..]);
    let Step::Rcpt(first, ..) = step else { panic!("{step:?}") };
    used += more;
    let (_, step) = server.advance(at(0), &input[used..]);
    let Step::Rcpt(second, ..) = step else { panic!("{step:?}") };
    server.answer(at(0), second, ok("second"));
    server.answer(at(0), first, ok("first"));
    assert!(server.output().is_empty());
    server.answer(at(0), first, ok("twice"));
    server.answer(at(0), mail, ok("mail"));
    let said = String::from_utf8(server.output().clone()).unwrap();
    assert_eq!(said, "250 2.0.0 mail\r\n250 2.0.0 first\r\n250 2.0.0 second\r\n");
}

#[test]
fn what_forgets_a_transaction_waits_until_it_is_answered() {
    let mut server = Server::new(settings(), at(0));
    server.advance(at(0), b"EHLO x\r\n");
    server.welcome(at(0), Arc::new(Capabilities::default()));
    let input = b"MAIL FROM:<a@b.example>\r\nRSET\r\nMAIL FROM:<c@d.example>\r\n";
    let (used, step) = server.advance(at(0), input);
    let Step::Mail(mail, ..) = step else { panic!("{step:?}") };
    let (more, step) = server.advance(at(0), &input[used..]);
    assert_eq!((more, step), (6, Step::Idle), "RSET is read, and waits");
    assert_eq!(server.advance(at(0), &input[used + more..]), (0, Step::Idle));
    server.answer(at(0), mail, ok("mail"));
    assert_eq!(server.advance(at(0), b""), (0, Step::Reset));
    let (_, step) = server.advance(at(0), &input[used + more..]);
    assert!(matches!(step, Step::Mail(..)));
}

#[test]
fn unanswered_commands_are_bounded() {
    let mut server = Server::new(settings(), at(0));
    server.advance(at(0), b"EHLO x\r\n");
    server.welcome(at(0), Arc::new(Capabilities::default()));
    let mut input = b"MAIL FROM:<a@b.example>\r\n".to_vec();
    for _ in 0..1000 {
        input.extend_from_slice(b"RCPT TO:<c@d.example>\r\n");
    }
    let mut used = 0;
    let mut slots = Vec::new();
    loop {
        match server.advance(at(0), &input[used..]) {
            (0, Step::Idle) => break,
            (more, Step::Mail(slot, ..) | Step::Rcpt(slot, ..)) => {
                slots.push(slot);
                used += more;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(slots.len(), 128);
    assert_eq!(server.unanswered(), 128);
    server.answer(at(0), slots[0], ok("one"));
    assert!(matches!(server.advance(at(0), &input[used..]), (23, Step::Rcpt(..))));
}

#[test]
fn a_command_line_may_be_4096_octets_long_and_not_one_more() {
    for (length, taken) in
        [(COMMAND_LINE_MAX - 1, true), (COMMAND_LINE_MAX, true), (COMMAND_LINE_MAX + 1, false)]
    {
        let mut line = b"NOOP ".to_vec();
        line.resize(length - 2, b'x');
        line.extend_from_slice(b"\r\n");
        let seen = play(&[&line]);
        let reply = seen.said.lines().nth(1).unwrap_or_default().to_owned();
        assert_eq!(reply.starts_with("250"), taken, "{length}: {reply}");
        assert!(taken || reply.starts_with("500 5.5.2"), "{length}: {reply}");
    }
}

#[test]
fn a_gigabyte_without_a_line_end_is_cut_off_early() {
    let mut server = Server::new(settings(), at(0));
    let block = [b'x'; 65_536];
    let mut blocks = 0;
    while !server.has_ended() {
        let mut rest = &block[..];
        while !rest.is_empty() && !server.has_ended() {
            let (used, _) = server.advance(at(0), rest);
            rest = &rest[used..];
        }
        blocks += 1;
        assert!(blocks < 10);
    }
    assert!(String::from_utf8_lossy(server.output()).contains("500 5.5.2"));
}

#[test]
fn one_byte_at_a_time_does_not_stretch_the_command_timeout() {
    let floors = Floors { line_timeout: Duration::from_secs(1000), ..Floors::default() };
    let mut server =
        Server::new(Arc::new(ServerSettings { floors, ..(*settings()).clone() }), at(0));
    for second in 0..299 {
        server.advance(at(second), b"x");
        assert_eq!(server.handle_timeout(at(second)), Step::Idle);
    }
    assert_eq!(server.handle_timeout(at(300)), Step::Ended(Ended::Timeout));
}

#[test]
fn mail_data_must_keep_coming() {
    let mut server = Server::new(settings(), at(0));
    server.advance(at(0), b"EHLO x\r\n");
    server.welcome(at(0), Arc::new(Capabilities::default()));
    for line in [&b"MAIL FROM:<a@b.example>\r\n"[..], b"RCPT TO:<c@d.example>\r\n", b"DATA\r\n"] {
        let (_, step) = server.advance(at(0), line);
        let (slot, code) = match step {
            Step::Mail(slot, ..) | Step::Rcpt(slot, ..) => (slot, 250),
            Step::Data(slot) => (slot, 354),
            other => panic!("{other:?}"),
        };
        server.answer(at(0), slot, Reply::plain(code, "x"));
    }
    // A byte every ten seconds is less than the floor.
    for tick in 1..30 {
        server.advance(at(tick * 10), b"x");
    }
    assert_eq!(server.poll_timeout(), Some(at(300)));
    // Enough within the time moves the limit on.
    server.advance(at(299), &[b'x'; 5000]);
    assert_eq!(server.poll_timeout(), Some(at(599)));
    assert_eq!(server.handle_timeout(at(599)), Step::Ended(Ended::Timeout));
}

#[test]
fn no_timer_runs_while_an_answer_is_awaited() {
    let mut server = Server::new(settings(), at(0));
    server.advance(at(0), b"EHLO x\r\n");
    server.welcome(at(0), Arc::new(Capabilities::default()));
    let (_, step) = server.advance(at(0), b"MAIL FROM:<a@b.example>\r\n");
    let Step::Mail(slot, ..) = step else { panic!("{step:?}") };
    assert_eq!(server.poll_timeout(), None);
    server.answer(at(1000), slot, ok("x"));
    assert_eq!(server.poll_timeout(), Some(at(1300)));
}

#[test]
fn draining_lets_a_transaction_end_first() {
    let mut server = Server::new(settings(), at(0));
    server.advance(at(0), b"EHLO x\r\n");
    server.welcome(at(0), Arc::new(Capabilities::default()));
    let (_, step) = server.advance(at(0), b"MAIL FROM:<a@b.example>\r\n");
    let Step::Mail(slot, ..) = step else { panic!("{step:?}") };
    assert_eq!(server.drain(), Step::Idle);
    server.answer(at(0), slot, ok("x"));
    assert_eq!(server.advance(at(0), b""), (0, Step::Idle), "the transaction goes on");
    assert_eq!(server.advance(at(0), b"RSET\r\n").1, Step::Reset);
    assert_eq!(server.advance(at(0), b"").1, Step::Ended(Ended::Local));
    assert!(String::from_utf8_lossy(server.output()).ends_with("is shutting down; try again\r\n"));
}

#[test]
fn a_client_that_closed_its_side_still_gets_the_answer() {
    let mut server = Server::new(settings(), at(0));
    server.advance(at(0), b"EHLO x\r\n");
    server.welcome(at(0), Arc::new(Capabilities::default()));
    let (_, step) = server.advance(at(0), b"MAIL FROM:<a@b.example>\r\n");
    let Step::Mail(slot, ..) = step else { panic!("{step:?}") };
    server.output().clear();
    assert_eq!(server.handle_eof(), Step::Idle);
    server.answer(at(0), slot, ok("x"));
    assert_eq!(server.output(), b"250 2.0.0 x\r\n");
    assert_eq!(server.advance(at(0), b"").1, Step::Ended(Ended::Gone));
}

#[test]
fn a_client_that_leaves_before_354_leaves_no_session_behind() {
    let mut server = Server::new(settings(), at(0));
    server.advance(at(0), b"EHLO x\r\n");
    server.welcome(at(0), Arc::new(Capabilities::default()));
    for line in [&b"MAIL FROM:<a@b.example>\r\n"[..], b"DATA\r\n"] {
        match server.advance(at(0), line).1 {
            Step::Mail(slot, ..) => server.answer(at(0), slot, ok("x")),
            Step::Data(slot) => {
                assert_eq!(server.handle_eof(), Step::Idle);
                server.answer(at(1), slot, Reply::plain(354, "go"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.advance(at(1), b"").1, Step::Ended(Ended::Gone));
}
