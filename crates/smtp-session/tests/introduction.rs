//! The client role tells the smarthost who the client behind it is: XCLIENT once for the whole
//! connection, XFORWARD for a transaction.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use address::{ForwardPath, ReversePath};
use observe::Secret;
use smtp_session::sasl::Credentials;
use smtp_session::{
    Client, ClientEvent, ClientSettings, Login, Lost, Moment, Sent, Timeouts, UseTls,
};
use smtp_wire::{ClientIdentity, MailParams, RcptParams};

const NOW: Moment = Moment::new(Duration::ZERO, 0);

fn settings(starttls: UseTls) -> Arc<ClientSettings> {
    let timeouts = Timeouts {
        command: Duration::from_secs(300),
        data_asked: Duration::from_secs(120),
        dot: Duration::from_secs(570),
    };
    Arc::new(ClientSettings { hostname: "mail.example.com".to_owned(), timeouts, starttls })
}

fn bob() -> ClientIdentity {
    ClientIdentity {
        address: "203.0.113.7".parse().unwrap(),
        port: None,
        helo: "pc.example".to_owned(),
        extended: true,
        login: Some("bob".to_owned()),
    }
}

fn hear(client: &mut Client, words: &str) -> String {
    client.handle_bytes(NOW, words.as_bytes());
    String::from_utf8(std::mem::take(client.output())).unwrap()
}

/// Past the first EHLO; what was said then.
fn greeted(client: &mut Client, offers: &str) -> String {
    assert_eq!(hear(client, "220 hi\r\n"), "EHLO mail.example.com\r\n");
    hear(client, &format!("250-smarthost\r\n250-{offers}\r\n250 HELP\r\n"))
}

fn introduced(identity: ClientIdentity) -> Client {
    let mut client = Client::new(settings(UseTls::Never), NOW);
    client.introduce(Arc::new(identity));
    client
}

fn why(client: &mut Client) -> Option<Lost> {
    std::iter::from_fn(|| client.poll_event()).find_map(|event| match event {
        ClientEvent::Lost(why) => Some(why),
        _ => None,
    })
}

#[test]
fn after_xclient_the_connection_is_the_clients() {
    let mut client = introduced(bob());
    let said = greeted(&mut client, "XCLIENT NAME ADDR PROTO HELO LOGIN");
    assert_eq!(
        said,
        "XCLIENT NAME=[UNAVAILABLE] ADDR=203.0.113.7 PROTO=ESMTP LOGIN=bob HELO=pc.example\r\n"
    );
    assert_eq!((client.poll_event(), client.introduced()), (None, None));
    assert_eq!(hear(&mut client, "220 hi again\r\n"), "EHLO pc.example\r\n");
    assert!(client.capabilities().xclient.is_empty(), "what was offered before is forgotten");
    // Offered again, it is not said again.
    let said = hear(&mut client, "250-smarthost\r\n250-PIPELINING\r\n250 XCLIENT ADDR\r\n");
    assert_eq!(said, "");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    assert_eq!(client.introduced().map(|told| &**told), Some(&bob()));
    assert!(client.is_at_rest() && client.capabilities().pipelining);
}

#[test]
fn where_xclient_is_not_offered_nobody_is_introduced() {
    for offers in ["SIZE", "XCLIENT", "XCLIENT FOO", "XFORWARD ADDR"] {
        let mut client = introduced(bob());
        assert_eq!(greeted(&mut client, offers), "", "{offers}");
        assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
        assert_eq!(client.introduced(), None);
    }
    let mut client = Client::new(settings(UseTls::Never), NOW);
    assert_eq!(greeted(&mut client, "XCLIENT ADDR"), "", "nobody asked for it");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
}

#[test]
fn a_refusal_of_the_client_is_no_leave_to_send_in_our_own_name() {
    for refusal in ["501 5.5.4 bad\r\n", "550 5.7.0 no\r\n", "421 4.7.0 too many of yours\r\n"] {
        let mut client = introduced(bob());
        greeted(&mut client, "XCLIENT ADDR");
        assert_eq!(hear(&mut client, refusal), "");
        assert!(matches!(why(&mut client), Some(Lost::ClientRefused(_))), "{refusal}");
        assert_eq!(client.introduced(), None);
    }
    for refusals in [&["554 5.7.1 not you\r\n", "554 5.7.1 no\r\n"][..], &["421 4.7.0 later\r\n"]] {
        let mut client = introduced(bob());
        greeted(&mut client, "XCLIENT ADDR");
        hear(&mut client, "220 hi again\r\n");
        for refusal in refusals {
            hear(&mut client, refusal);
        }
        assert!(matches!(why(&mut client), Some(Lost::ClientRefused(_))), "{refusals:?}");
    }
    for nonsense in ["250 fine\r\n", "354 go\r\n", "334 \r\n"] {
        let mut client = introduced(bob());
        greeted(&mut client, "XCLIENT ADDR");
        hear(&mut client, nonsense);
        assert!(matches!(why(&mut client), Some(Lost::Nonsense(_))), "{nonsense}");
    }
    // Without a client it is about us.
    let mut client = Client::new(settings(UseTls::Never), NOW);
    hear(&mut client, "421 4.3.2 down\r\n");
    assert!(matches!(why(&mut client), Some(Lost::Shutdown(_))));
}

#[test]
fn a_421_in_a_transaction_is_the_smarthosts_own() {
    let mut client = introduced(bob());
    greeted(&mut client, "XCLIENT ADDR");
    hear(&mut client, "220 hi\r\n");
    hear(&mut client, "250 smarthost\r\n");
    client.mail(NOW, &ReversePath::Null, &MailParams::default());
    hear(&mut client, "421 4.3.2 going down\r\n");
    assert!(matches!(why(&mut client), Some(Lost::Shutdown(_))));
}

#[test]
fn a_client_without_a_usable_name_says_ours() {
    for helo in ["", "a b", "a\r\nMAIL", "b\u{fc}ro", &"x".repeat(256)] {
        let mut client = introduced(ClientIdentity { helo: helo.to_owned(), ..bob() });
        greeted(&mut client, "XCLIENT ADDR");
        assert_eq!(hear(&mut client, "220 hi\r\n"), "EHLO mail.example.com\r\n", "{helo}");
    }
}

#[test]
fn xclient_comes_behind_starttls_and_is_not_followed_by_another() {
    let mut client = Client::new(settings(UseTls::IfOffered), NOW);
    client.introduce(Arc::new(bob()));
    hear(&mut client, "220 hi\r\n");
    let said = hear(&mut client, "250-smarthost\r\n250-STARTTLS\r\n250 XCLIENT ADDR\r\n");
    assert_eq!(said, "STARTTLS\r\n");
    hear(&mut client, "220 go\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::StartTls));
    client.secured(NOW);
    assert_eq!(hear(&mut client, ""), "EHLO mail.example.com\r\n");
    let said = hear(&mut client, "250-smarthost\r\n250 XCLIENT ADDR\r\n");
    assert_eq!(said, "XCLIENT ADDR=203.0.113.7\r\n");
    hear(&mut client, "220 hi\r\n");
    hear(&mut client, "250 smarthost\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    // Refused STARTTLS is not asked for again.
    let mut client = Client::new(settings(UseTls::IfOffered), NOW);
    client.introduce(Arc::new(bob()));
    hear(&mut client, "220 hi\r\n");
    hear(&mut client, "250-smarthost\r\n250-STARTTLS\r\n250 XCLIENT ADDR\r\n");
    assert_eq!(hear(&mut client, "454 4.7.0 no\r\n"), "XCLIENT ADDR=203.0.113.7\r\n");
    assert_eq!(hear(&mut client, "220 hi\r\n"), "EHLO pc.example\r\n");
    assert_eq!(hear(&mut client, "250-smarthost\r\n250 STARTTLS\r\n"), "");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
}

#[test]
fn a_login_of_our_own_comes_last_and_no_other_is_told() {
    let credentials = Credentials::Password {
        user: "optgate".to_owned(),
        password: Secret::new("secret".to_owned()),
    };
    let login =
        Login { credentials, only: None, without_tls: true, nonce: "fyko+d2lbbFgONRv".to_owned() };
    let mut client = Client::with_login(settings(UseTls::Never), Some(login), NOW);
    client.introduce(Arc::new(bob()));
    hear(&mut client, "220 hi\r\n");
    let offers = "250-smarthost\r\n250-AUTH PLAIN\r\n250 XCLIENT ADDR LOGIN\r\n";
    assert_eq!(hear(&mut client, offers), "XCLIENT ADDR=203.0.113.7\r\n");
    assert_eq!(hear(&mut client, "220 hi\r\n"), "EHLO pc.example\r\n");
    assert!(hear(&mut client, offers).starts_with("AUTH PLAIN "));
    hear(&mut client, "235 ok\r\n");
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
}

fn with_xforward(offers: &str) -> Client {
    let mut client = Client::new(settings(UseTls::Never), NOW);
    greeted(&mut client, offers);
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    client
}

fn transaction(client: &mut Client) {
    client.rset(NOW);
    client.xforward(NOW, &bob(), "01A");
    client.mail(NOW, &ReversePath::Null, &MailParams::default());
    let to = ForwardPath::parse("<a@b.example>").unwrap();
    client.rcpt(NOW, 7, &to, &RcptParams::default());
}

#[test]
fn xforward_goes_ahead_of_mail_in_the_same_group() {
    let mut client = with_xforward("XFORWARD ADDR IDENT\r\n250-PIPELINING");
    transaction(&mut client);
    assert_eq!(
        hear(&mut client, ""),
        "RSET\r\nXFORWARD ADDR=203.0.113.7 IDENT=01A\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n"
    );
    hear(&mut client, "250 ok\r\n550 no\r\n250 ok\r\n250 ok\r\n");
    let sent: Vec<_> = std::iter::from_fn(|| client.poll_event())
        .map(|event| match event {
            ClientEvent::Reply(sent, reply) => (sent, reply.code),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        [(Sent::Rset, 250), (Sent::Xforward, 550), (Sent::Mail, 250), (Sent::Rcpt(7), 250)];
    assert_eq!(sent, expected);
}

#[test]
fn without_pipelining_xforward_waits_its_turn() {
    let mut client = with_xforward("XFORWARD ADDR");
    transaction(&mut client);
    assert_eq!(hear(&mut client, ""), "RSET\r\n");
    assert_eq!(hear(&mut client, "250 ok\r\n"), "XFORWARD ADDR=203.0.113.7\r\n");
    assert_eq!(hear(&mut client, "250 ok\r\n"), "MAIL FROM:<>\r\n");
    assert_eq!(hear(&mut client, "250 ok\r\n"), "RCPT TO:<a@b.example>\r\n");
}

#[test]
fn without_an_attribute_in_common_there_is_no_xforward() {
    for offers in ["SIZE", "XFORWARD", "XFORWARD FOO", "XCLIENT ADDR"] {
        let mut client = with_xforward(offers);
        client.xforward(NOW, &bob(), "01A");
        assert!(client.is_at_rest(), "{offers}");
    }
}
