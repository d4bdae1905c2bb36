//! Slow and idle clients.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "functions that tests share, outside of any test as the lints see it"
)]

use std::sync::Arc;
use std::time::Duration;

use smtp_session::{Ended, Floors, Moment, Server, ServerSettings, StartTls, Step};

fn at(seconds: u64) -> Moment {
    Moment::new(Duration::from_secs(seconds), i64::try_from(seconds).unwrap() * 1_000_000)
}

fn server(floors: Floors) -> Server {
    let settings = ServerSettings {
        hostname: "mail.example.com".to_owned(),
        greeting: b"220 mail.example.com ESMTP\r\n".to_vec(),
        command_timeout: Duration::from_secs(300),
        data_timeout: Duration::from_secs(300),
        errors_max: 20,
        floors,
        starttls: StartTls::Off,
    };
    Server::new(Arc::new(settings), at(0))
}

/// Everything is answered with 250, DATA with 354; what ended it, if it did.
fn says(server: &mut Server, now: Moment, text: &str) -> Option<Ended> {
    use smtp_wire::{Enhanced, Reply};
    let mut rest = text.as_bytes();
    loop {
        let (used, step) = server.advance(now, rest);
        rest = &rest[used..];
        let ok = Reply::new(250, Enhanced::new(2, 0, 0), "ok");
        match step {
            Step::Idle if rest.is_empty() || used == 0 => return None,
            Step::Hello { .. } => server.welcome(now, Arc::default()),
            Step::Mail(slot, ..) | Step::Rcpt(slot, ..) | Step::EndOfData(slot) => {
                server.answer(now, slot, ok);
            }
            Step::Data(slot) => server.answer(now, slot, Reply::plain(354, "go")),
            Step::Ended(why) => return Some(why),
            _ => {}
        }
    }
}

fn output(server: &mut Server) -> String {
    String::from_utf8(std::mem::take(server.output())).unwrap()
}

#[test]
fn a_line_that_was_begun_has_to_be_ended_however_often_an_octet_comes() {
    let mut server = server(Floors { line_timeout: Duration::from_secs(10), ..Floors::default() });
    for (second, octet) in (100..109).zip("EHLO pc.e".chars()) {
        assert_eq!(says(&mut server, at(second), &octet.to_string()), None);
        assert_eq!(server.poll_timeout(), Some(at(110)));
    }
    assert_eq!(server.handle_timeout(at(109)), Step::Idle);
    assert_eq!(server.handle_timeout(at(110)), Step::Ended(Ended::Timeout));
    assert!(
        output(&mut server).ends_with("421 4.4.2 mail.example.com timed out waiting for you\r\n")
    );
}

#[test]
fn a_line_in_time_leaves_the_ordinary_limit() {
    let mut server = server(Floors { line_timeout: Duration::from_secs(10), ..Floors::default() });
    says(&mut server, at(100), "EHLO pc");
    says(&mut server, at(109), ".example\r\n");
    assert_eq!(server.poll_timeout(), Some(at(409)));
    says(&mut server, at(200), "NOOP\r\nNO");
    assert_eq!(server.poll_timeout(), Some(at(210)));
}

#[test]
fn commands_that_carry_no_mail_are_counted_until_a_recipient_comes() {
    let floors = Floors { idle_commands: 10, ..Floors::default() };
    let mut busy = server(floors);
    says(&mut busy, at(1), "EHLO pc.example\r\n");
    for _ in 0..30 {
        let ended = says(
            &mut busy,
            at(1),
            "RSET\r\nNOOP\r\nMAIL FROM:<a@corp.example>\r\nRCPT TO:<b@there.example>\r\nRSET\r\n",
        );
        assert_eq!(ended, None, "{}", output(&mut busy));
    }
    for idle in [
        "NOOP\r\n",
        "RSET\r\n",
        "VRFY x\r\n",
        "HELP\r\n",
        "EHLO pc.example\r\n",
        "HELO pc.example\r\n",
        "MAIL FROM:<a@corp.example>\r\nRSET\r\n",
    ] {
        let mut server = server(floors);
        says(&mut server, at(1), "EHLO pc.example\r\n");
        let ended = (0..10).find_map(|_| says(&mut server, at(1), idle));
        assert_eq!(ended, Some(Ended::TooManyErrors), "{idle}");
        assert!(output(&mut server).ends_with(
            "421 4.7.0 mail.example.com too many commands without mail; closing connection\r\n"
        ));
    }
}

#[test]
fn mail_data_has_a_rate() {
    let mut server = server(Floors { data: 100, ..Floors::default() });
    says(&mut server, at(1), "EHLO pc.example\r\nMAIL FROM:<a@corp.example>\r\n");
    says(&mut server, at(1), "RCPT TO:<b@there.example>\r\n");
    says(&mut server, at(1), "DATA\r\n");
    assert_eq!(server.poll_timeout(), Some(at(301)));
    says(&mut server, at(200), &"x".repeat(99));
    assert_eq!(server.poll_timeout(), Some(at(301)));
    says(&mut server, at(200), "x");
    assert_eq!(server.poll_timeout(), Some(at(500)));
    assert_eq!(server.handle_timeout(at(500)), Step::Ended(Ended::Timeout));
}
