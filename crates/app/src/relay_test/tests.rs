use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::AppError;

use super::*;

/// A server with one reply for each line; an empty one hangs up. It notes what it heard.
fn server(
    greeting: &'static str,
    say: impl Fn(&str, usize) -> &'static str + Send + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(format!("{greeting}\r\n").as_bytes());
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for (at, line) in lines.map_while(Result::ok).enumerate() {
                notes.lock().unwrap().push(line.clone());
                let reply = match line.split(' ').next() {
                    Some("EHLO" | "RSET") => "250 ok",
                    Some("QUIT") => "221 bye",
                    _ => say(&line, at),
                };
                if reply.is_empty() {
                    break;
                }
                let _ = stream.write_all(format!("{reply}\r\n").as_bytes());
            }
        }
    });
    (address, heard)
}

fn options(server: SocketAddr) -> RelayTestOptions {
    RelayTestOptions {
        host: server.ip().to_string(),
        port: Some(server.port()),
        to: "out.example".into(),
        from: "from.example".into(),
        helo: None,
        tls: RelayTestTls::Auto,
        timeout: Duration::from_secs(20),
    }
}

fn is_mail(line: &str) -> bool {
    line.starts_with("MAIL ")
}

#[test]
fn a_server_that_refuses_every_recipient_is_closed() {
    let (address, heard) = server("220 mx.corp.example ready", |line, _| {
        if is_mail(line) { "250 ok" } else { "550 5.7.1 relaying denied" }
    });
    let told = run(&options(address)).unwrap();
    assert_eq!((told.verdict, told.sessions), (Verdict::Closed, 1));
    assert_eq!(told.words, "closed: 29 of 29 refused");
    assert!(told.probes.iter().all(|probe| probe.outcome == Outcome::Refused));
    let heard = heard.lock().unwrap();
    assert_eq!(heard.first().unwrap(), "EHLO [127.0.0.1]");
    assert_eq!(heard.last().unwrap(), "QUIT");
    assert_eq!(
        heard.iter().filter(|line| *line == "RSET").count(),
        28,
        "before each but the first"
    );
}

#[test]
fn a_server_that_takes_one_form_is_open_and_is_never_sent_a_message() {
    let (address, heard) = server("220 mx.corp.example ready", |line, _| {
        if is_mail(line) || line == "RCPT TO:<out.example!relaytest@mx.corp.example>" {
            "250 ok"
        } else {
            "554 no"
        }
    });
    let told = run(&options(address)).unwrap();
    assert_eq!(told.words, "OPEN RELAY: 1 of 29 accepted");
    let open: Vec<_> = told.probes.iter().filter(|p| p.outcome == Outcome::Accepted).collect();
    assert_eq!(open[0].number, 16);
    assert_eq!(open[0].mail, "<antispam@[127.0.0.1]>");
    let heard = heard.lock().unwrap();
    assert!(!heard.iter().any(|line| line.starts_with("DATA") || line.starts_with("BDAT")));
}

#[test]
fn the_recipient_behind_the_servers_own_is_what_counts() {
    let (address, _) = server("220 mx.corp.example ready", |line, _| {
        if is_mail(line) || line == "RCPT TO:<postmaster>" { "250 ok" } else { "550 no" }
    });
    assert_eq!(run(&options(address)).unwrap().verdict, Verdict::Closed);
}

#[test]
fn a_server_that_hangs_up_after_some_mistakes_is_asked_to_the_end() {
    for goodbye in ["", "421 4.7.0 too many errors"] {
        let (address, heard) = server("220 mx.corp.example ready", move |line, at| match at {
            12.. => goodbye,
            _ if is_mail(line) => "250 ok",
            _ => "550 5.7.1 relaying denied",
        });
        let told = run(&options(address)).unwrap();
        assert_eq!(told.words, "closed: 29 of 29 refused", "{goodbye:?}");
        assert!(told.sessions > 3, "{}", told.sessions);
        let heard = heard.lock().unwrap();
        let asked = |number: &str| heard.iter().any(|line| line.contains(number));
        assert!(asked("<@mx.corp.example:nobody@out.example>"));
    }
}

#[test]
fn a_server_that_always_hangs_up_at_a_form_has_not_answered_it() {
    let (address, _) = server("220 mx.corp.example ready", |line, _| match line {
        "MAIL FROM:<spamtest>" => "",
        _ if is_mail(line) => "250 ok",
        _ => "550 5.7.1 relaying denied",
    });
    let told = run(&options(address)).unwrap();
    let words = "could not tell: 1 of 29 not answered for good; number 21: the server hung up";
    assert_eq!((told.verdict, told.words.as_str()), (Verdict::Unknown, words));
}

#[test]
fn put_off_is_not_refused() {
    let (address, _) = server("220 mx.corp.example ready", |line, _| {
        if is_mail(line) { "250 ok" } else { "450 4.7.1 greylisted" }
    });
    let told = run(&options(address)).unwrap();
    assert_eq!((told.verdict, told.unknown), (Verdict::Unknown, 29));
    assert!(told.words.ends_with("number 1: 450 4.7.1 greylisted"), "{}", told.words);
}

#[test]
fn a_refused_session_is_closed() {
    let (address, _) = server("554 5.7.1 relaying denied", |_, _| "503 5.5.1 no");
    let told = run(&options(address)).unwrap();
    assert_eq!(told.words, "closed: it refuses the session: 554 5.7.1 relaying denied");
    assert_eq!(told.verdict, Verdict::Closed);
}

#[test]
fn a_silent_server_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let options = RelayTestOptions { timeout: Duration::from_millis(50), ..options(address) };
    assert!(matches!(run(&options), Err(AppError::Unavailable(_))));
}

#[test]
fn a_name_that_would_end_a_command_is_refused() {
    let (address, heard) = server("220 mx.corp.example ready", |_, _| "250 ok");
    for name in ["", "a\r\nDATA", "a>b", "a b"] {
        let options = RelayTestOptions { to: name.into(), ..options(address) };
        assert!(matches!(run(&options), Err(AppError::Input(_))), "{name:?}");
    }
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn an_address_literal_says_which_kind_it_is() {
    assert_eq!(forms::literal("192.0.2.1".parse().unwrap()), "[192.0.2.1]");
    assert_eq!(forms::literal("::1".parse().unwrap()), "[IPv6:::1]");
}
