//! The server role: STARTTLS, AUTH, XCLIENT, and sessions that are refused.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use smtp_session::{Ended, Floors, Moment, Server, ServerSettings, StartTls, Step};
use smtp_wire::{Capabilities, Enhanced, Reply};

fn at(seconds: u64) -> Moment {
    Moment::new(Duration::from_secs(seconds), i64::try_from(seconds).unwrap() * 1_000_000)
}

fn settings(starttls: StartTls) -> Arc<ServerSettings> {
    Arc::new(ServerSettings {
        hostname: "mail.example.com".to_owned(),
        greeting: b"220 mail.example.com ESMTP\r\n".to_vec(),
        command_timeout: Duration::from_secs(300),
        data_timeout: Duration::from_secs(300),
        errors_max: 3,
        floors: Floors::default(),
        starttls,
    })
}

/// A session whose every question is answered at once: a challenge to AUTH and to the
/// response `again`, 535 to the response `wrong`, 235 to anything else.
struct Play {
    server: Server,
    kept: Vec<u8>,
    steps: Vec<String>,
    said: String,
    /// The handshake is done as soon as it is asked for.
    handshakes: bool,
}

impl Play {
    fn new(starttls: StartTls) -> Self {
        let mut play = Self {
            server: Server::new(settings(starttls), at(0)),
            kept: Vec::new(),
            steps: Vec::new(),
            said: String::new(),
            handshakes: true,
        };
        play.take();
        play
    }

    fn take(&mut self) -> String {
        let said = String::from_utf8(std::mem::take(self.server.output())).unwrap();
        self.said.push_str(&said);
        said
    }

    fn say(&mut self, bytes: &[u8]) -> String {
        self.kept.extend_from_slice(bytes);
        loop {
            let input = std::mem::take(&mut self.kept);
            let (used, step) = self.server.advance(at(1), &input);
            self.kept = input[used..].to_vec();
            match step {
                Step::Idle if used == 0 => return self.take(),
                Step::Idle | Step::Answered => {}
                Step::Hello { name, .. } => {
                    self.steps.push(format!("hello {name}"));
                    let auth = ["PLAIN", "LOGIN"].map(str::to_owned).to_vec();
                    let xclient = vec!["ADDR".to_owned()];
                    let starttls = self.server.offers_starttls();
                    let offered = Capabilities {
                        pipelining: true,
                        auth: if self.server.is_logged_in() { Vec::new() } else { auth },
                        xclient,
                        starttls,
                        ..Capabilities::default()
                    };
                    self.server.welcome(at(1), Arc::new(offered));
                }
                Step::Auth(slot, request) => {
                    let initial = request.initial.map(|octets| octets.expose().clone());
                    self.steps.push(format!("auth {} {initial:?}", request.mechanism));
                    self.server.challenge(at(1), slot, b"Username:");
                }
                Step::AuthResponse(slot, response) => {
                    let response = String::from_utf8(response.expose().clone()).unwrap();
                    match response.as_str() {
                        "again" => self.server.challenge(at(1), slot, b""),
                        "wrong" => {
                            let reply = Reply::new(535, Enhanced::new(5, 7, 8), "no");
                            self.server.answer(at(1), slot, reply);
                        }
                        _ => {
                            let reply = Reply::new(235, Enhanced::new(2, 7, 0), "yes");
                            self.server.answer(at(1), slot, reply);
                        }
                    }
                    self.steps.push(format!("response {response}"));
                }
                Step::Mail(slot, from, params) => {
                    self.steps.push(format!("mail {from}{params}"));
                    self.server.answer(at(1), slot, Reply::plain(250, "ok"));
                }
                Step::Xclient(slot, told) => {
                    self.steps.push(format!("xclient{told}"));
                    self.server.restart(at(1), slot, false);
                }
                Step::StartTls => {
                    self.steps.push("tls".to_owned());
                    self.take();
                    if self.handshakes {
                        self.server.secured(at(2));
                    }
                }
                other => self.steps.push(format!("{other:?}")),
            }
        }
    }
}

fn codes(said: &str) -> Vec<&str> {
    let last = |line: &&str| line.as_bytes().get(3) != Some(&b'-');
    said.lines().filter(last).map(|line| &line[..3]).collect()
}

const LOGINS: &[u8] = b"EHLO pc\r\nAUTH LOGIN\r\nYWdhaW4=\r\n\r\nAUTH PLAIN\r\nEHLO pc\r\n\
    MAIL FROM:<a@b.example>\r\nRSET\r\nXCLIENT ADDR=192.0.2.1\r\nEHLO fe\r\nAUTH PLAIN =\r\n*\r\n\
    AUTH LOGIN YQ==\r\nd3Jvbmc=\r\nAUTH LOGIN\r\nbad\r\nAUTH PLAIN\r\nYQ==\r\nQUIT\r\n";

#[test]
fn an_exchange_cut_anywhere_gives_the_same_events_and_replies() {
    let play = |pieces: &[&[u8]]| {
        let mut play = Play::new(StartTls::Off);
        for piece in pieces {
            play.say(piece);
        }
        (play.steps, play.said)
    };
    let whole = play(&[LOGINS]);
    assert_eq!(
        whole.0,
        [
            "hello pc",
            "auth LOGIN None",
            "response again",
            "response ",
            "hello pc",
            "mail <a@b.example>",
            "Reset",
            "xclient ADDR=192.0.2.1",
            "hello fe",
            "auth PLAIN Some([])",
            "AuthCancelled",
            "auth LOGIN Some([97])",
            "response wrong",
            "auth LOGIN None",
            "AuthCancelled",
            "Ended(TooManyErrors)",
        ]
    );
    assert_eq!(
        codes(&whole.1),
        [
            "220", "250", "334", "334", "235", "503", "250", "250", "250", "220", "250", "334",
            "501", "334", "535", "334", "501", "421"
        ]
    );
    for cut in 0..LOGINS.len() {
        let (a, b) = LOGINS.split_at(cut);
        assert_eq!(play(&[a, b]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = LOGINS.chunks(1).collect();
    assert_eq!(play(&bytes), whole, "byte by byte");
}

#[test]
fn a_challenge_is_base64_and_an_empty_one_has_its_space() {
    let mut play = Play::new(StartTls::Off);
    play.say(b"EHLO pc\r\n");
    assert_eq!(play.say(b"AUTH LOGIN\r\n"), "334 VXNlcm5hbWU6\r\n");
    assert_eq!(play.say(b"YWdhaW4=\r\n"), "334 \r\n");
    assert_eq!(play.say(b"\r\n"), "235 2.7.0 yes\r\n");
    assert_eq!(play.say(b"AUTH LOGIN\r\n"), "503 5.5.1 already authenticated\r\n");
}

#[test]
fn base64_is_read_strictly() {
    for bad in ["YQ", "YQ=", "=AAA", "AAA=BBB", "Y Q==", "YQ==\t", "YR==", "=", "YQ==YQ=="] {
        let mut play = Play::new(StartTls::Off);
        play.say(b"EHLO pc\r\nAUTH LOGIN\r\n");
        let said = play.say(format!("{bad}\r\n").as_bytes());
        assert!(said.starts_with("501 5.5.2 "), "{bad}: {said}");
        let said = play.say(format!("AUTH LOGIN {bad}\r\n").as_bytes());
        // White space before CRLF is none of the argument's (RFC 5321 s4.1.1).
        assert!(
            bad == "=" || bad.ends_with('\t') || said.starts_with("501 5.5.2 "),
            "{bad}: {said}"
        );
    }
}

#[test]
fn auth_has_its_place() {
    let mut play = Play::new(StartTls::Off);
    assert!(play.say(b"AUTH LOGIN\r\n").starts_with("503 5.5.1 "), "before EHLO");
    let mut play = Play::new(StartTls::Off);
    play.say(b"EHLO pc\r\n");
    assert!(play.say(b"AUTH NTLM\r\n").starts_with("504 5.5.4 "));
    play.say(b"MAIL FROM:<a@b.example>\r\n");
    assert!(play.say(b"AUTH LOGIN\r\n").starts_with("503 5.5.1 "), "in a transaction");
    assert!(play.say(b"XCLIENT ADDR=192.0.2.1\r\n").starts_with("503 5.5.1 "), "likewise");
}

#[test]
fn a_response_may_be_12288_octets_long_and_not_one_group_more() {
    for (groups, reply) in [(3072, "235"), (3073, "500 5.5.6")] {
        let mut play = Play::new(StartTls::Off);
        play.say(b"EHLO pc\r\nAUTH LOGIN\r\n");
        let mut line = b"YWFh".repeat(groups);
        line.extend_from_slice(b"\r\n");
        let said = play.say(&line);
        assert!(said.starts_with(reply), "{groups}: {said}");
        // Behind the exchange the limit is that of commands again.
        let noop = [b"NOOP ".to_vec(), vec![b'x'; 5000], b"\r\n".to_vec()].concat();
        assert!(play.say(&noop).starts_with("500 5.5.2"));
    }
}

#[test]
fn a_bare_line_feed_ends_no_response() {
    let mut play = Play::new(StartTls::Off);
    play.say(b"EHLO pc\r\nAUTH LOGIN\r\n");
    play.say(b"YQ==\nMAIL FROM:<a@b.example>\r\n");
    assert_eq!(play.steps.last().unwrap(), "Ended(Protocol(\"a bare LF\"))");
}

#[test]
fn a_client_that_leaves_in_the_middle_is_gone_at_once() {
    let mut play = Play::new(StartTls::Off);
    play.say(b"EHLO pc\r\nAUTH LOGIN\r\n");
    assert_eq!(play.server.poll_timeout(), Some(at(301)));
    assert_eq!(play.server.handle_eof(), Step::Ended(Ended::Gone));
}

#[test]
fn nothing_of_an_exchange_is_shown_by_debug() {
    let mut server = Server::new(settings(StartTls::Off), at(0));
    server.advance(at(0), b"EHLO pc\r\n");
    let auth = vec!["PLAIN".to_owned()];
    server.welcome(at(0), Arc::new(Capabilities { auth, ..Capabilities::default() }));
    let line = b"AUTH PLAIN AGJvYgBwYXNz\r\n";
    let offered = server.offered().clone();
    let (_, step) = server.advance(at(0), line);
    let command = smtp_wire::parse(&line[..line.len() - 2], &offered).unwrap();
    assert_eq!(format!("{command:?}"), "`AUTH PLAIN (secret)`");
    let shown = format!("{step:?} {server:?}");
    assert!(shown.contains("PLAIN") && shown.contains("(secret)"), "{shown}");
    assert!(!shown.contains("AGJv") && !shown.contains("pass"), "{shown}");
    // 'bob' and 'pass' as numbers.
    assert!(!shown.contains("98, 111, 98") && !shown.contains("112, 97, 115, 115"), "{shown}");
}

#[test]
fn after_tls_everything_is_forgotten() {
    let mut play = Play::new(StartTls::Offered);
    let said = play.say(b"EHLO pc\r\nMAIL FROM:<a@b.example>\r\nRSET\r\n");
    assert!(said.contains("STARTTLS\r\n"), "{said}");
    assert!(play.say(b"STARTTLS now\r\n").starts_with("501 "), "it has no parameters");
    play.say(b"STARTTLS\r\n");
    assert!(play.said.ends_with("220 2.0.0 Ready to start TLS\r\n"), "{}", play.said);
    assert!(play.say(b"MAIL FROM:<a@b.example>\r\n").starts_with("503 "), "EHLO is needed");
    assert!(play.say(b"AUTH LOGIN\r\n").starts_with("503 "), "what was offered is forgotten");
    let said = play.say(b"EHLO pc\r\n");
    assert!(!said.contains("STARTTLS"), "{said}");
    assert_eq!(play.say(b"STARTTLS\r\n").get(..3), Some("503"));
}

#[test]
fn octets_behind_starttls_are_never_interpreted() {
    const INJECTED: &[u8] = b"EHLO pc\r\nSTARTTLS\r\nMAIL FROM:<a@b.example>\r\n";
    for cut in 0..INJECTED.len() {
        let mut play = Play::new(StartTls::Offered);
        play.handshakes = false;
        let (a, b) = INJECTED.split_at(cut);
        play.say(a);
        play.say(b);
        let last = play.steps.last().unwrap();
        assert_eq!(last, "Ended(Protocol(\"input behind STARTTLS\"))", "cut at {cut}");
        assert!(!play.steps.iter().any(|step| step.starts_with("mail")), "cut at {cut}");
        // The handshake that may come all the same changes nothing.
        play.server.secured(at(3));
        assert!(play.server.has_ended() && !play.server.is_secured());
    }
}

#[test]
fn starttls_waits_for_the_replies_before_it() {
    let mut server = Server::new(settings(StartTls::Offered), at(0));
    server.advance(at(0), b"EHLO pc\r\n");
    let offered = Capabilities { pipelining: true, ..Capabilities::default() };
    server.welcome(at(0), Arc::new(offered));
    let (_, step) = server.advance(at(0), b"MAIL FROM:<a@b.example>\r\n");
    let Step::Mail(slot, ..) = step else { panic!("{step:?}") };
    server.output().clear();
    assert_eq!(server.advance(at(0), b"STARTTLS\r\n"), (10, Step::Idle));
    assert!(server.output().is_empty());
    server.abandon_transaction();
    server.answer(at(0), slot, Reply::plain(550, "no"));
    assert_eq!(server.advance(at(0), b""), (0, Step::StartTls));
    assert_eq!(server.output(), b"550 no\r\n220 2.0.0 Ready to start TLS\r\n");
}

#[test]
fn where_tls_is_required_nothing_else_goes_before_it() {
    let mut play = Play::new(StartTls::Required);
    for line in
        ["HELO pc", "MAIL FROM:<a@b.example>", "RSET", "VRFY x", "DATA", "AUTH LOGIN", "HELP"]
    {
        let mut play = Play::new(StartTls::Required);
        play.say(b"EHLO pc\r\n");
        let said = play.say(format!("{line}\r\n").as_bytes());
        assert_eq!(said, "530 5.7.0 Must issue a STARTTLS command first\r\n", "{line}");
    }
    assert!(play.say(b"NOOP\r\n").starts_with("250 "));
    play.say(b"EHLO pc\r\nSTARTTLS\r\n");
    play.say(b"EHLO pc\r\n");
    assert!(play.say(b"MAIL FROM:<a@b.example>\r\n").starts_with("250 "));
    let mut play = Play::new(StartTls::Required);
    assert!(play.say(b"QUIT\r\n").starts_with("221 "));
}

#[test]
fn implicit_tls_keeps_the_greeting() {
    let mut server = Server::new(settings(StartTls::Offered), at(0));
    server.secured(at(1));
    assert_eq!(server.output(), b"220 mail.example.com ESMTP\r\n");
    assert!(server.is_secured() && !server.offers_starttls());
}

#[test]
fn a_handshake_that_takes_too_long_ends_without_a_word() {
    let mut play = Play::new(StartTls::Offered);
    play.handshakes = false;
    play.say(b"EHLO pc\r\nSTARTTLS\r\n");
    play.take();
    assert_eq!(play.server.handle_timeout(at(301)), Step::Ended(Ended::Timeout));
    assert!(play.server.output().is_empty());
}

#[test]
fn xclient_leads_back_to_the_greeting_and_keeps_tls() {
    let mut play = Play::new(StartTls::Offered);
    play.say(b"EHLO fe\r\nSTARTTLS\r\n");
    play.say(b"EHLO fe\r\n");
    assert!(play.say(b"XCLIENT ADDR=192.0.2.1\r\n").starts_with("220 mail.example.com"));
    assert!(play.server.is_secured());
    assert!(play.say(b"MAIL FROM:<a@b.example>\r\n").starts_with("503 "));
    play.say(b"EHLO pc\r\n");
    assert!(play.say(b"XCLIENT\r\n").starts_with("501 "));
    assert!(play.say(b"XCLIENT ADDR=nobody\r\n").starts_with("501 "));
}

#[test]
fn a_login_by_xclient_is_one() {
    let mut server = Server::new(settings(StartTls::Off), at(0));
    server.advance(at(0), b"EHLO fe\r\n");
    let offered = Capabilities { xclient: vec!["LOGIN".to_owned()], ..Capabilities::default() };
    server.welcome(at(0), Arc::new(offered));
    let (_, step) = server.advance(at(0), b"XCLIENT LOGIN=bob\r\n");
    let Step::Xclient(slot, _) = step else { panic!("{step:?}") };
    assert!(!server.is_logged_in());
    server.restart(at(0), slot, true);
    assert!(server.is_logged_in());
}

#[test]
fn a_refused_session_says_503_until_quit_and_does_not_last() {
    let refused = || {
        let reply = Reply::plain(554, "mail.example.com relaying denied");
        Server::refused(settings(StartTls::Offered), &reply, at(0))
    };
    let mut server = refused();
    let mut input = &b"EHLO pc\r\nSTARTTLS\r\nMAIL FROM:<a@b.example>\r\nFOO\r\nQUIT\r\n"[..];
    while !server.has_ended() {
        let (used, _) = server.advance(at(1), input);
        input = &input[used..];
    }
    let said = String::from_utf8(server.output().clone()).unwrap();
    assert_eq!(codes(&said), ["554", "503", "503", "503", "503", "221"]);
    assert!(said.starts_with("554 mail.example.com relaying denied\r\n"));

    // A few commands and no more, and none of them moves the time limit.
    let mut server = refused();
    let long = [vec![b'x'; 5000], b"\r\n".to_vec()].concat();
    assert_eq!(server.advance(at(1), &long), (5002, Step::Answered));
    for second in 2..10 {
        assert_eq!(server.poll_timeout(), Some(at(30)));
        assert_eq!(server.advance(at(second), b"NOOP\r\n"), (6, Step::Answered));
    }
    let (_, step) = server.advance(at(10), b"NOOP\r\n");
    assert_eq!(step, Step::Ended(Ended::TooManyErrors));

    let mut server = refused();
    assert_eq!(server.handle_timeout(at(30)), Step::Ended(Ended::Timeout));
    let mut server = refused();
    assert_eq!(server.drain(), Step::Ended(Ended::Local));
    let mut server = refused();
    assert_eq!(server.handle_eof(), Step::Ended(Ended::Gone));
}
