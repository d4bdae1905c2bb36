//! The client role by itself: replies belong to commands, and nothing strange is
//! lived with.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use address::{ForwardPath, ReversePath};
use smtp_session::{Client, ClientEvent, ClientSettings, Lost, Moment, Sent, Timeouts, UseTls};
use smtp_wire::{MailParams, RcptParams};

fn at(seconds: u64) -> Moment {
    Moment::new(Duration::from_secs(seconds), i64::try_from(seconds).unwrap() * 1_000_000)
}

fn fresh() -> Client {
    using(UseTls::Never)
}

fn using(starttls: UseTls) -> Client {
    let timeouts = Timeouts {
        command: Duration::from_secs(300),
        data_asked: Duration::from_secs(120),
        dot: Duration::from_secs(570),
    };
    let settings = ClientSettings { hostname: "mail.example.com".to_owned(), timeouts, starttls };
    Client::new(Arc::new(settings), at(0))
}

fn ready(extensions: &str) -> Client {
    let mut client = fresh();
    client.handle_bytes(at(0), b"220 hi\r\n");
    client.handle_bytes(at(0), format!("250-smarthost\r\n{extensions}250 HELP\r\n").as_bytes());
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    client.output().clear();
    client
}

fn envelope(client: &mut Client) {
    client.mail(at(0), &ReversePath::Null, &MailParams::default());
    let to = ForwardPath::parse("<a@b.example>").unwrap();
    client.rcpt(at(0), 7, &to, &RcptParams::default());
}

fn said(client: &mut Client) -> String {
    String::from_utf8(std::mem::take(client.output())).unwrap()
}

fn lost(client: &mut Client) -> Option<Lost> {
    std::iter::from_fn(|| client.poll_event()).find_map(|event| match event {
        ClientEvent::Lost(why) => Some(why),
        _ => None,
    })
}

#[test]
fn nothing_is_said_before_the_greeting() {
    let mut client = fresh();
    assert!(client.output().is_empty());
    client.handle_bytes(at(0), b"220-hello\r\n");
    assert!(client.output().is_empty(), "the greeting is not complete");
    client.handle_bytes(at(0), b"220 there\r\n");
    assert_eq!(said(&mut client), "EHLO mail.example.com\r\n");
}

#[test]
fn an_old_server_is_spoken_to_with_helo() {
    let mut client = fresh();
    client.handle_bytes(at(0), b"220 hi\r\n502 what?\r\n");
    assert_eq!(said(&mut client), "EHLO mail.example.com\r\nHELO mail.example.com\r\n");
    client.handle_bytes(at(0), b"250 ok\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    assert!(!client.capabilities().pipelining);
}

#[test]
fn a_greeting_that_refuses_is_a_rejection() {
    let mut client = fresh();
    client.handle_bytes(at(0), b"554 not you\r\n");
    assert!(matches!(lost(&mut client), Some(Lost::Rejected(reply)) if reply.code == 554));
}

#[test]
fn commands_go_together_where_pipelining_is_offered() {
    let mut client = ready("250-PIPELINING\r\n");
    envelope(&mut client);
    client.data(at(0));
    assert_eq!(said(&mut client), "MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n");
    client.handle_bytes(at(0), b"250 a\r\n550 b\r\n503 c\r\n");
    let order: Vec<_> = std::iter::from_fn(|| client.poll_event())
        .map(|event| match event {
            ClientEvent::Reply(sent, reply) => (sent, reply.code),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(order, [(Sent::Mail, 250), (Sent::Rcpt(7), 550), (Sent::Data, 503)]);
    assert!(client.is_at_rest());
}

#[test]
fn commands_go_one_by_one_where_it_is_not() {
    let mut client = ready("");
    envelope(&mut client);
    assert_eq!(said(&mut client), "MAIL FROM:<>\r\n");
    client.handle_bytes(at(0), b"250 a\r\n");
    assert_eq!(said(&mut client), "RCPT TO:<a@b.example>\r\n");
}

#[test]
fn a_reply_to_nothing_breaks_the_connection() {
    let mut client = ready("250-PIPELINING\r\n");
    client.handle_bytes(at(0), b"250 surprise\r\n");
    assert_eq!(lost(&mut client), Some(Lost::Nonsense("a reply to nothing")));
    envelope(&mut client);
    assert!(client.output().is_empty(), "a broken connection is never used again");
}

#[test]
fn half_a_reply_to_nothing_breaks_it_at_the_next_command() {
    let mut client = ready("250-PIPELINING\r\n");
    client.handle_bytes(at(0), b"25");
    assert!(!client.is_at_rest());
    envelope(&mut client);
    assert!(matches!(lost(&mut client), Some(Lost::Nonsense(_))));
}

#[test]
fn a_421_on_an_idle_connection_is_an_ordinary_close() {
    let mut client = ready("250-PIPELINING\r\n");
    client.handle_bytes(at(0), b"421 idle too long\r\n");
    assert!(matches!(lost(&mut client), Some(Lost::Shutdown(_))));
}

#[test]
fn only_354_opens_mail_data() {
    for (reply, opens) in [("354 go", true), ("250 ok", false), ("334 hm", false)] {
        let mut client = ready("250-PIPELINING\r\n");
        envelope(&mut client);
        client.data(at(0));
        client.output().clear();
        client.handle_bytes(at(0), format!("250 a\r\n250 b\r\n{reply}\r\n").as_bytes());
        client.content(b".x\r\n");
        assert_eq!(said(&mut client) == "..x\r\n", opens, "{reply}");
        assert_eq!(lost(&mut client).is_none(), opens, "{reply}");
    }
}

#[test]
fn the_dot_waits_for_nothing_unread() {
    let in_data = || {
        let mut client = ready("250-PIPELINING\r\n");
        envelope(&mut client);
        client.data(at(0));
        client.handle_bytes(at(0), b"250 a\r\n250 b\r\n354 go\r\n");
        while client.poll_event().is_some() {}
        client.content(b"x\r\n");
        client.output().clear();
        client
    };
    let mut client = in_data();
    client.handle_bytes(at(0), b"25");
    assert!(!client.finish(at(0)), "half a reply is there");
    assert!(client.output().is_empty());
    let mut client = in_data();
    client.handle_bytes(at(0), b"250 queued\r\n");
    assert!(!client.finish(at(0)), "a stray reply is there");
    let mut client = in_data();
    assert!(client.finish(at(0)));
    assert_eq!(said(&mut client), ".\r\n");
    client.handle_bytes(at(0), b"250 queued\r\n");
    assert!(matches!(client.poll_event(), Some(ClientEvent::Reply(Sent::Dot, _))));
    assert!(client.is_at_rest());
}

#[test]
fn a_refusal_in_the_middle_of_data_is_kept() {
    let mut client = ready("250-PIPELINING\r\n");
    envelope(&mut client);
    client.data(at(0));
    client.handle_bytes(at(0), b"250 a\r\n250 b\r\n354 go\r\n552 too big\r\n");
    let last = std::iter::from_fn(|| client.poll_event()).last();
    assert!(matches!(last, Some(ClientEvent::RefusedEarly(reply)) if reply.code == 552));
    assert!(!client.finish(at(0)));
}

#[test]
fn each_wait_has_its_own_limit() {
    let mut client = fresh();
    assert_eq!(client.poll_timeout(), Some(at(300)));
    client = ready("250-PIPELINING\r\n");
    assert_eq!(client.poll_timeout(), None, "an idle connection waits for nothing");
    envelope(&mut client);
    client.handle_bytes(at(100), b"250 a\r\n");
    assert_eq!(client.poll_timeout(), Some(at(400)), "a reply starts the next wait");
    client.handle_bytes(at(100), b"250 b\r\n");
    client.data(at(200));
    assert_eq!(client.poll_timeout(), Some(at(320)));
    client.handle_bytes(at(200), b"354 go\r\n");
    assert_eq!(client.poll_timeout(), None, "it is our turn");
    assert!({
        while client.poll_event().is_some() {}
        client.finish(at(300))
    });
    assert_eq!(client.poll_timeout(), Some(at(870)));
    client.handle_timeout(at(870));
    assert_eq!(lost(&mut client), Some(Lost::Timeout));
}

#[test]
fn any_split_of_the_replies_gives_the_same_events() {
    let replies = b"250-a\r\n250 b\r\n550-5.1.1 c\r\n550 5.1.1 d\r\n354 go\r\n";
    let play = |pieces: [&[u8]; 2]| {
        let mut client = ready("250-PIPELINING\r\n");
        envelope(&mut client);
        client.data(at(0));
        for piece in pieces {
            client.handle_bytes(at(0), piece);
        }
        std::iter::from_fn(|| client.poll_event()).collect::<Vec<_>>()
    };
    let whole = play([replies, b""]);
    assert_eq!(whole.len(), 3);
    for cut in 0..replies.len() {
        let (a, b) = replies.split_at(cut);
        assert_eq!(play([a, b]), whole, "cut at {cut}");
    }
}

#[test]
fn garbage_is_not_a_reply() {
    for garbage in [
        &b"hello\r\n"[..],
        b"25x ok\r\n",
        b"250-a\r\n550 b\r\n",
        b"250 a\n",
        b"100 x\r\n",
        b"\0\r\n",
    ] {
        let mut client = ready("250-PIPELINING\r\n");
        envelope(&mut client);
        client.handle_bytes(at(0), garbage);
        assert!(matches!(lost(&mut client), Some(Lost::Nonsense(_))), "{garbage:?}");
    }
}

/// Past the greeting and the first EHLO.
fn introduced(starttls: UseTls, extensions: &str) -> Client {
    let mut client = using(starttls);
    client.handle_bytes(at(0), b"220 hi\r\n");
    client.output().clear();
    client.handle_bytes(at(0), format!("250-smarthost\r\n{extensions}250 HELP\r\n").as_bytes());
    client
}

#[test]
fn starttls_is_used_where_it_is_wanted_and_offered() {
    for (wanted, offered) in
        [(UseTls::Never, "250-STARTTLS\r\n"), (UseTls::IfOffered, "250-SIZE\r\n")]
    {
        let mut client = introduced(wanted, offered);
        assert_eq!(client.poll_event(), Some(ClientEvent::Ready), "{wanted:?}");
        assert_eq!(said(&mut client), "");
    }
    for wanted in [UseTls::IfOffered, UseTls::Required] {
        let mut client = introduced(wanted, "250-STARTTLS\r\n250-PIPELINING\r\n");
        assert_eq!(client.poll_event(), None);
        assert_eq!(said(&mut client), "STARTTLS\r\n");
        client.handle_bytes(at(0), b"220 go ahead\r\n");
        assert_eq!(client.poll_event(), Some(ClientEvent::StartTls));
        assert!(!client.is_at_rest() && said(&mut client).is_empty());
    }
}

#[test]
fn what_was_offered_in_the_clear_is_forgotten_under_tls() {
    let mut client = introduced(UseTls::Required, "250-STARTTLS\r\n250-PIPELINING\r\n");
    client.output().clear();
    client.handle_bytes(at(0), b"220 go ahead\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::StartTls));
    client.secured(at(1));
    assert!(client.is_secured() && !client.capabilities().pipelining);
    assert_eq!(said(&mut client), "EHLO mail.example.com\r\n");
    // An offer of STARTTLS under TLS is not taken up.
    client.handle_bytes(at(1), b"250-smarthost\r\n250-STARTTLS\r\n250 SIZE 1000\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    assert_eq!(said(&mut client), "");
    assert!(client.is_at_rest());
}

#[test]
fn implicit_tls_waits_for_the_greeting() {
    let mut client = using(UseTls::Never);
    client.secured(at(0));
    assert_eq!(said(&mut client), "");
    client.handle_bytes(at(0), b"220 hi\r\n");
    assert_eq!(said(&mut client), "EHLO mail.example.com\r\n");
}

#[test]
fn bytes_behind_the_220_to_starttls_break_the_connection() {
    let together = |behind: &str| {
        let mut client = introduced(UseTls::IfOffered, "250-STARTTLS\r\n");
        client.handle_bytes(at(0), format!("220 go ahead\r\n{behind}").as_bytes());
        client
    };
    for behind in ["250 injected\r\n", "2", "\r\n", "421 bye\r\n", "\x16\x03\x01"] {
        let mut client = together(behind);
        // Nobody begins a handshake first.
        let why = Lost::Nonsense("bytes behind the 220 to STARTTLS");
        assert_eq!(client.poll_event(), Some(ClientEvent::Lost(why.clone())), "{behind:?}");
        let mut client = together("");
        assert_eq!(client.poll_event(), Some(ClientEvent::StartTls));
        client.handle_bytes(at(0), behind.as_bytes());
        assert_eq!(client.poll_event(), Some(ClientEvent::Lost(why)), "{behind:?}");
        client.secured(at(0));
        assert_eq!(said(&mut client), "", "nothing is said any more");
    }
}

#[test]
fn a_refusal_of_starttls_is_lived_with_only_where_tls_is_optional() {
    for refusal in ["454 no key", "502 what", "501 no"] {
        let refused = |wanted| {
            let mut client = introduced(wanted, "250-STARTTLS\r\n");
            client.output().clear();
            client.handle_bytes(at(0), format!("{refusal}\r\n").as_bytes());
            client
        };
        let mut client = refused(UseTls::IfOffered);
        assert_eq!(client.poll_event(), Some(ClientEvent::Ready), "{refusal}");
        assert!(client.is_at_rest() && client.poll_timeout().is_none());
        assert!(matches!(lost(&mut refused(UseTls::Required)), Some(Lost::NoTls(_))), "{refusal}");
    }
    let mut client = introduced(UseTls::Required, "250-SIZE\r\n");
    assert!(matches!(lost(&mut client), Some(Lost::NoTls(_))));
    assert_eq!(said(&mut client), "", "not even EHLO again");
    let mut client = introduced(UseTls::IfOffered, "250-STARTTLS\r\n");
    client.handle_bytes(at(0), b"250 fine\r\n");
    assert!(matches!(lost(&mut client), Some(Lost::Nonsense(_))));
}

#[test]
fn a_handshake_that_never_ends_is_a_timeout() {
    let mut client = introduced(UseTls::Required, "250-STARTTLS\r\n");
    client.handle_bytes(at(0), b"220 go ahead\r\n");
    client.poll_event();
    client.handle_timeout(at(301));
    assert_eq!(lost(&mut client), Some(Lost::Timeout));
}
