//! The client role logs in: with a login of its own before it is ready, and for somebody
//! else by carrying the exchange.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use observe::Secret;
use smtp_session::sasl::{Acceptor, Credentials, Mechanism, Turn, scram_keys};
use smtp_session::{
    Client, ClientEvent, ClientSettings, Login, Lost, Moment, Sent, Timeouts, UseTls,
};

const NOW: Moment = Moment::new(Duration::from_secs(1), 1_000_000);

fn settings() -> Arc<ClientSettings> {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts { command: second * 300, data_asked: second * 120, dot: second * 570 };
    let hostname = "mail.example.com".to_owned();
    Arc::new(ClientSettings { hostname, timeouts, starttls: UseTls::Never })
}

fn tim() -> Credentials {
    Credentials::Password { user: "tim".into(), password: Secret::new("secret".into()) }
}

fn login(credentials: Credentials) -> Login {
    Login { credentials, only: None, without_tls: true, nonce: "rOprNGfwEbeRWgbNEkqO".into() }
}

fn hear(client: &mut Client, words: &str) -> String {
    client.handle_bytes(NOW, words.as_bytes());
    String::from_utf8(std::mem::take(client.output())).unwrap()
}

/// Past EHLO, with what was said then.
fn greeted(login: Login, mechanisms: &str) -> (Client, String) {
    let mut client = Client::with_login(settings(), Some(login), NOW);
    assert_eq!(hear(&mut client, "220 hi\r\n"), "EHLO mail.example.com\r\n");
    let said = hear(&mut client, &format!("250-smarthost\r\n250 {mechanisms}\r\n"));
    (client, said)
}

fn no_login(client: &mut Client) -> &'static str {
    match client.poll_event() {
        Some(ClientEvent::Lost(Lost::NoLogin(why))) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn plain_goes_out_with_the_command_and_ready_comes_after_235() {
    let (mut client, said) = greeted(login(tim()), "AUTH LOGIN PLAIN");
    assert_eq!(said, "AUTH PLAIN AHRpbQBzZWNyZXQ=\r\n");
    assert_eq!(client.poll_event(), None, "not ready before it is logged in");
    assert!(!client.is_at_rest());
    assert_eq!(hear(&mut client, "235 2.7.0 welcome\r\n"), "");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    assert!(client.is_at_rest());
}

#[test]
fn login_answers_both_questions() {
    let (mut client, said) = greeted(login(tim()), "AUTH LOGIN");
    assert_eq!(said, "AUTH LOGIN\r\n");
    assert_eq!(hear(&mut client, "334 VXNlcm5hbWU6\r\n"), "dGlt\r\n");
    assert_eq!(hear(&mut client, "334 UGFzc3dvcmQ6\r\n"), "c2VjcmV0\r\n");
    hear(&mut client, "235 ok\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
}

#[test]
fn a_secret_is_shown_to_nobody_who_listens() {
    let careful = || Login { without_tls: false, ..login(tim()) };
    let (mut client, said) = greeted(careful(), "AUTH PLAIN LOGIN");
    assert_eq!(said, "");
    assert!(no_login(&mut client).contains("TLS"));
    // SCRAM does not show it.
    let (_, said) = greeted(careful(), "AUTH PLAIN SCRAM-SHA-256");
    assert!(said.starts_with("AUTH SCRAM-SHA-256 "), "{said}");
    // Under TLS there is nobody.
    let mut client = Client::with_login(settings(), Some(careful()), NOW);
    client.secured(NOW);
    hear(&mut client, "220 hi\r\n");
    let said = hear(&mut client, "250-smarthost\r\n250 AUTH PLAIN\r\n");
    assert_eq!(said, "AUTH PLAIN AHRpbQBzZWNyZXQ=\r\n");
}

#[test]
fn without_a_mechanism_in_common_there_is_no_connection() {
    let (mut client, said) = greeted(login(tim()), "AUTH GSSAPI XOAUTH2 SCRAM-SHA-256-PLUS");
    assert_eq!((said.as_str(), no_login(&mut client)), ("", "it offers no mechanism that fits"));
    let (mut client, said) = greeted(login(tim()), "SIZE");
    assert_eq!((said.as_str(), no_login(&mut client)), ("", "it offers no AUTH"));
    let mut client = Client::with_login(settings(), Some(login(tim())), NOW);
    hear(&mut client, "220 hi\r\n");
    assert_eq!(hear(&mut client, "502 what?\r\n"), "HELO mail.example.com\r\n");
    hear(&mut client, "250 hello\r\n");
    assert_eq!(no_login(&mut client), "it offers no AUTH");
}

#[test]
fn a_refusal_ends_the_connection() {
    for words in ["535 5.7.8 no\r\n", "454 4.7.0 later\r\n", "504 5.5.4 what?\r\n"] {
        let (mut client, _) = greeted(login(tim()), "AUTH PLAIN");
        hear(&mut client, words);
        match client.poll_event() {
            Some(ClientEvent::Lost(Lost::LoginRefused(reply))) => {
                assert!(words.starts_with(&reply.code.to_string()));
            }
            other => panic!("{words}: {other:?}"),
        }
    }
}

/// A server that has `keys`, or the role of one.
fn scram(client: &mut Client, said: &str, password: &str) -> String {
    let initial = said.trim_end().strip_prefix("AUTH SCRAM-SHA-256 ").unwrap();
    let nonce = "server".to_owned();
    let mut server = Acceptor::new(Mechanism::ScramSha256, nonce).unwrap();
    let mut turn = server.start(Some(&STANDARD.decode(initial).unwrap()));
    loop {
        turn = match turn {
            Turn::Keys { .. } => {
                server.keys(scram_keys(password.as_bytes(), vec![1; 16], 4096), true)
            }
            Turn::Challenge(challenge) => {
                let line = format!("334 {}\r\n", STANDARD.encode(challenge));
                let mut response = hear(client, &line);
                if let Some(ClientEvent::Derive(work)) = client.poll_event() {
                    assert_eq!(response, "", "it has to be worked out first");
                    assert!(!client.is_at_rest());
                    client.derived(NOW, &work.run());
                    response = String::from_utf8(std::mem::take(client.output())).unwrap();
                }
                server.respond(&STANDARD.decode(response.trim_end()).unwrap())
            }
            Turn::Accepted { .. } => return hear(client, "235 2.7.0 ok\r\n"),
            Turn::Rejected { .. } => return hear(client, "535 5.7.8 no\r\n"),
            Turn::Verify { .. } | Turn::Malformed => panic!("{turn:?}"),
        };
    }
}

#[test]
fn scram_from_end_to_end() {
    let (mut client, said) = greeted(login(tim()), "AUTH PLAIN SCRAM-SHA-256");
    scram(&mut client, &said, "secret");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    let (mut client, said) = greeted(login(tim()), "AUTH PLAIN SCRAM-SHA-256");
    scram(&mut client, &said, "another");
    let event = client.poll_event();
    assert!(matches!(event, Some(ClientEvent::Lost(Lost::LoginRefused(_)))), "{event:?}");
}

#[test]
fn whoever_says_235_without_a_proof_gets_no_mail() {
    let (mut client, _) = greeted(login(tim()), "AUTH SCRAM-SHA-256");
    hear(&mut client, "235 welcome\r\n");
    assert_eq!(no_login(&mut client), "it did not prove that it knows the user");
}

#[test]
fn what_makes_no_sense_is_broken_off() {
    let (mut client, _) = greeted(login(tim()), "AUTH SCRAM-SHA-256");
    let first = STANDARD.encode("r=another,s=AAAA,i=4096");
    assert_eq!(hear(&mut client, &format!("334 {first}\r\n")), "*\r\n");
    assert_eq!(client.poll_event(), None, "it may say 501 first");
    hear(&mut client, "501 5.7.0 cancelled\r\n");
    assert_eq!(no_login(&mut client), "its nonce does not begin with ours");
    let (mut client, _) = greeted(login(tim()), "AUTH LOGIN");
    assert_eq!(hear(&mut client, "334 Username:\r\n"), "*\r\n");
    hear(&mut client, "501 5.7.0 cancelled\r\n");
    assert_eq!(no_login(&mut client), "its challenge is not base64");
}

#[test]
fn a_long_token_waits_for_the_first_challenge() {
    // "AUTH OAUTHBEARER ", base64, CRLF: 512 octets are reached at a multiple of four.
    for (length, fits) in [(330, true), (346, true), (347, false), (3000, false)] {
        let token = Secret::new("t".repeat(length));
        let user = "tim".to_owned();
        let (mut client, said) =
            greeted(login(Credentials::Token { user, token }), "AUTH OAUTHBEARER");
        assert!(said.len() <= 512, "{length}");
        assert_eq!(said != "AUTH OAUTHBEARER\r\n", fits, "{length}: {}", said.len());
        if !fits {
            let response = hear(&mut client, "334 \r\n");
            let decoded = STANDARD.decode(response.trim_end()).unwrap();
            assert!(decoded.starts_with(b"n,a=tim,\x01auth=Bearer ttt"));
        }
        // The refusal of a token comes in two parts.
        let error = STANDARD.encode("{\"status\":\"401\"}");
        assert_eq!(hear(&mut client, &format!("334 {error}\r\n")), "AQ==\r\n");
        hear(&mut client, "535 5.7.8 no\r\n");
        let event = client.poll_event();
        assert!(matches!(event, Some(ClientEvent::Lost(Lost::LoginRefused(_)))), "{event:?}");
    }
}

fn ready() -> Client {
    let mut client = Client::new(settings(), NOW);
    hear(&mut client, "220 hi\r\n");
    hear(&mut client, "250-smarthost\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN NTLM\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    client
}

fn out(client: &mut Client) -> String {
    String::from_utf8(std::mem::take(client.output())).unwrap()
}

#[test]
fn an_exchange_is_carried_for_somebody_else() {
    let mut client = ready();
    client.auth(NOW, "NTLM", None);
    assert_eq!(out(&mut client), "AUTH NTLM\r\n");
    client.auth_response(NOW, Some(b"too early"));
    assert_eq!(out(&mut client), "", "it is the server's turn");
    hear(&mut client, "334 AAEC\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Challenge(vec![0, 1, 2])));
    assert!(!client.is_at_rest(), "an exchange is open");
    client.noop(NOW);
    assert_eq!(out(&mut client), "", "nothing else goes in between");
    client.auth_response(NOW, Some(b""));
    assert_eq!(out(&mut client), "\r\n");
    hear(&mut client, "334 \r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Challenge(vec![])));
    client.auth_response(NOW, Some(b"tim"));
    assert_eq!(out(&mut client), "dGlt\r\n");
    hear(&mut client, "235 2.7.0 ok\r\n");
    match client.poll_event() {
        Some(ClientEvent::Reply(Sent::Auth, reply)) => assert_eq!(reply.code, 235),
        other => panic!("{other:?}"),
    }
    assert!(client.is_at_rest());
}

#[test]
fn a_carried_exchange_can_be_cancelled_and_fail() {
    let mut client = ready();
    client.auth(NOW, "PLAIN", Some(b""));
    assert_eq!(out(&mut client), "AUTH PLAIN =\r\n");
    hear(&mut client, "334 \r\n");
    client.poll_event();
    client.auth_response(NOW, None);
    assert_eq!(out(&mut client), "*\r\n");
    hear(&mut client, "501 5.7.0 cancelled\r\n");
    let event = client.poll_event();
    assert!(matches!(event, Some(ClientEvent::Reply(Sent::Auth, _))), "{event:?}");
    // A response too long for the command line waits for its challenge.
    client.auth(NOW, "PLAIN", Some(&[b'x'; 400]));
    assert_eq!(out(&mut client), "AUTH PLAIN\r\n");
    assert_eq!(hear(&mut client, "334 \r\n").trim_end(), STANDARD.encode([b'x'; 400]));
    assert_eq!(client.poll_event(), None, "that challenge was ours");
    hear(&mut client, "535 5.7.8 no\r\n");
    client.poll_event();
    client.auth(NOW, "LOGIN", None);
    hear(&mut client, "334 junk!\r\n");
    let event = client.poll_event();
    assert!(matches!(event, Some(ClientEvent::Lost(Lost::Nonsense(_)))), "{event:?}");
}

#[test]
fn nothing_is_accepted_out_of_turn() {
    let mut client = ready();
    client.auth(NOW, "LOGIN", None);
    hear(&mut client, "334 AAEC\r\n");
    hear(&mut client, "235 ok\r\n");
    client.poll_event();
    let event = client.poll_event();
    assert!(matches!(event, Some(ClientEvent::Lost(Lost::Nonsense(_)))), "{event:?}");
    let (mut client, _) = greeted(login(tim()), "AUTH PLAIN");
    hear(&mut client, "354 go ahead\r\n");
    let event = client.poll_event();
    assert!(matches!(event, Some(ClientEvent::Lost(Lost::Nonsense(_)))), "{event:?}");
}
