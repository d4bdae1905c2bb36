use observe::Secret;
use proptest::prelude::*;

use super::attributes::{Gs2, escape, unescape};
use super::*;

const CLIENT_NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const CLIENT_FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &[u8] =
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const CLIENT_FINAL: &[u8] = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &[u8] = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn password(user: &str, password: &str) -> Credentials {
    Credentials::Password { user: user.into(), password: Secret::new(password.into()) }
}

fn token(user: &str, token: &str) -> Credentials {
    Credentials::Token { user: user.into(), token: Secret::new(token.into()) }
}

fn vector_keys() -> ScramKeys {
    let salt = attributes::from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    scram_keys(b"pencil", salt, 4096)
}

fn initiator(mechanism: Mechanism, credentials: Credentials) -> Initiator {
    let offered = [mechanism.name().to_owned()];
    Initiator::choose(&offered, None, credentials, CLIENT_NONCE.into()).unwrap()
}

fn acceptor(mechanism: Mechanism) -> Acceptor {
    Acceptor::new(mechanism, SERVER_NONCE.into()).unwrap()
}

fn said(response: Response) -> Vec<u8> {
    match response {
        Response::Send(bytes) => bytes.expose().clone(),
        Response::Derive(_) | Response::Cancel(_) => panic!("nothing to send: {response:?}"),
    }
}

/// What the client sends behind the server's first message.
fn prove(client: &mut Initiator, server_first: &[u8]) -> Response {
    match client.respond(server_first) {
        Response::Derive(work) => client.derived(&work.run()),
        other => other,
    }
}

#[test]
fn scram_of_rfc_7677_section_3_on_both_sides() {
    let mut server = acceptor(Mechanism::ScramSha256);
    assert_eq!(server.start(None), Turn::Challenge(vec![]));
    assert_eq!(server.respond(CLIENT_FIRST), Turn::Keys { user: "user".into() });
    assert_eq!(server.keys(vector_keys(), true), Turn::Challenge(SERVER_FIRST.to_vec()));
    assert_eq!(server.respond(CLIENT_FINAL), Turn::Challenge(SERVER_FINAL.to_vec()));
    assert_eq!(server.respond(b""), Turn::Accepted { user: "user".into() });
    assert_eq!(server.respond(b""), Turn::Malformed, "an exchange is over once");

    let mut client = initiator(Mechanism::ScramSha256, password("user", "pencil"));
    assert_eq!(client.initial().unwrap().expose(), CLIENT_FIRST);
    assert_eq!(said(prove(&mut client, SERVER_FIRST)), CLIENT_FINAL);
    assert!(!client.is_satisfied(), "the server has proven nothing yet");
    assert_eq!(said(client.respond(SERVER_FINAL)), b"");
    assert!(client.is_satisfied());
}

#[test]
fn a_server_that_does_not_know_the_user_is_not_believed() {
    for (last, why) in [
        (&b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="[..], "not canonical base64"),
        (b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "another signature"),
        (b"v=", "none"),
        (b"", "nothing"),
        (b"e=invalid-proof", "an error"),
        (b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,m=x", "what must be understood"),
    ] {
        let mut client = initiator(Mechanism::ScramSha256, password("user", "pencil"));
        client.initial();
        prove(&mut client, SERVER_FIRST);
        assert!(matches!(client.respond(last), Response::Cancel(_)), "{why}");
        assert!(!client.is_satisfied(), "{why}");
    }
}

#[test]
fn a_servers_first_message_is_read_strictly() {
    for first in [
        "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", // nothing of its own
        "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095", // RFC 7677 s4
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000001",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=04096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=+4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqOx,i=4096",
        "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==",
        "e=other-error",
        "",
    ] {
        let mut client = initiator(Mechanism::ScramSha256, password("user", "pencil"));
        client.initial();
        let response = client.respond(first.as_bytes());
        assert!(matches!(response, Response::Cancel(_)), "{first}: {response:?}");
    }
    let mut client = initiator(Mechanism::ScramSha256, password("user", "pencil"));
    client.initial();
    let extended = [SERVER_FIRST, b",x=y"].concat();
    assert!(matches!(client.respond(&extended), Response::Derive(_)), "extensions may come");
}

#[test]
fn a_clients_scram_messages_are_read_strictly() {
    for first in [
        "p=tls-unique,,n=user,r=abc", // channel binding is not offered
        "n,n=user,r=abc",
        "n,x=user,n=user,r=abc",
        "n,a=,n=user,r=abc",
        "x,,n=user,r=abc",
        "n,,m=x,n=user,r=abc",
        "n,,n=,r=abc",
        "n,,n=us=er,r=abc",
        "n,,n=us=2cer,r=abc",
        "n,,n=user,r=",
        "n,,n=user,r=a b",
        "n,,n=user",
        "n,,r=abc,n=user",
        "n,,n=user,r=abc,m=x",
        "",
    ] {
        let turn = acceptor(Mechanism::ScramSha256).start(Some(first.as_bytes()));
        assert_eq!(turn, Turn::Malformed, "{first}");
    }
    for first in ["y,,n=user,r=abc", "n,a=user,n=user,r=abc", "n,,n=user,r=abc,x=y"] {
        let turn = acceptor(Mechanism::ScramSha256).start(Some(first.as_bytes()));
        assert_eq!(turn, Turn::Keys { user: "user".into() }, "{first}");
    }
    let last = std::str::from_utf8(CLIENT_FINAL).unwrap();
    for (from, to) in [
        ("c=biws", "c=eSws"),  // another header than in the first message
        ("c=biws", "c=biw"),   // no base64
        ("%hvYD", "%hvYE"),    // another nonce
        ("p=dHzb", "p=AdHzb"), // no base64
        (",p=", ",p=dHzb,p="), // two proofs
        (",p=", ",m=x,p="),    // what must be understood
        ("c=biws,r", "r"),     // no header
        (",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", ""),
    ] {
        let mut server = acceptor(Mechanism::ScramSha256);
        server.start(Some(CLIENT_FIRST));
        server.keys(vector_keys(), true);
        let turn = server.respond(last.replace(from, to).as_bytes());
        assert_eq!(turn, Turn::Malformed, "{from} {to}");
    }
}

#[test]
fn scram_says_no_only_at_the_end() {
    let rejected = Turn::Rejected { user: "user".into() };
    let mut wrong = acceptor(Mechanism::ScramSha256);
    wrong.start(Some(CLIENT_FIRST));
    wrong.keys(scram_keys(b"pencils", vector_keys().salt, 4096), true);
    assert_eq!(wrong.respond(CLIENT_FINAL), rejected, "a wrong password");

    let mut unknown = acceptor(Mechanism::ScramSha256);
    unknown.start(Some(CLIENT_FIRST));
    assert_eq!(unknown.keys(vector_keys(), false), Turn::Challenge(SERVER_FIRST.to_vec()));
    assert_eq!(unknown.respond(CLIENT_FINAL), rejected, "made-up keys, even if they fit");

    let mut other = acceptor(Mechanism::ScramSha256);
    let first = b"n,a=admin,n=user,r=rOprNGfwEbeRWgbNEkqO";
    assert_eq!(other.start(Some(first)), Turn::Keys { user: "user".into() });
    other.keys(vector_keys(), true);
    let header = attributes::to_base64(b"n,a=admin,");
    let without = format!("c={header},r={CLIENT_NONCE}{SERVER_NONCE}");
    let server_first = std::str::from_utf8(SERVER_FIRST).unwrap();
    let message = format!("n=user,r={CLIENT_NONCE},{server_first},{without}");
    let work = ScramWork {
        password: Secret::new("pencil".into()),
        salt: vector_keys().salt,
        iterations: 4096,
    };
    let (proof, _) = work.run().proofs(message.as_bytes());
    let last = format!("{without},p={}", attributes::to_base64(&proof));
    assert_eq!(other.respond(last.as_bytes()), rejected, "the right proof, for somebody else");
}

#[test]
fn plain_of_rfc_4616() {
    let verify = |user: &str, password: &str| Turn::Verify {
        user: user.into(),
        password: Secret::new(password.into()),
    };
    for (message, turn) in [
        (&b"\0tim\0tanstaaftanstaaf"[..], verify("tim", "tanstaaftanstaaf")),
        (b"tim\0tim\0tanstaaftanstaaf", verify("tim", "tanstaaftanstaaf")),
        (b"Ursel\0Kurt\0xipj3plmq", Turn::Rejected { user: "Kurt".into() }),
        // NFKC: a ligature, a soft hyphen, a wide space.
        ("\0of\u{fb01}ce\0a\u{ad}b\u{a0}c".as_bytes(), verify("office", "ab c")),
        (b"\0tim\0a\x01", Turn::Rejected { user: "tim".into() }),
        ("\0t\u{ad}im\0\u{ad}".as_bytes(), Turn::Rejected { user: "t\u{ad}im".into() }),
        (b"\0tim\0", Turn::Malformed),
        (b"\0\0password", Turn::Malformed),
        (b"tim\0password", Turn::Malformed),
        (b"\0tim\0pass\0word", Turn::Malformed),
        (b"\0tim\0\xff", Turn::Malformed),
        (b"", Turn::Malformed),
    ] {
        let mut server = acceptor(Mechanism::Plain);
        assert_eq!(server.start(Some(message)), turn, "{message:?}");
        let mut server = acceptor(Mechanism::Plain);
        assert_eq!(server.start(None), Turn::Challenge(vec![]));
        assert_eq!(server.respond(message), turn, "{message:?}");
    }
    let mut client = initiator(Mechanism::Plain, password("tim", "tanstaaftanstaaf"));
    assert_eq!(client.initial().unwrap().expose(), b"\0tim\0tanstaaftanstaaf");
    assert!(client.is_satisfied());
    assert!(client.initial().is_none(), "said once");
    assert!(matches!(client.respond(b"more?"), Response::Cancel(_)));
}

#[test]
fn long_names_and_passwords_are_refused_before_they_are_hashed() {
    for (name, password, asked) in [(255, 1024, true), (256, 1024, false), (255, 1025, false)] {
        let message = format!("\0{}\0{}", "n".repeat(name), "p".repeat(password));
        let turn = acceptor(Mechanism::Plain).start(Some(message.as_bytes()));
        assert_eq!(matches!(turn, Turn::Verify { .. }), asked, "{name} {password}");
        assert_eq!(matches!(turn, Turn::Rejected { .. }), !asked, "{name} {password}");
    }
}

#[test]
fn the_answer_decides() {
    for (right, turn) in [
        (true, Turn::Accepted { user: "tim".into() }),
        (false, Turn::Rejected { user: "tim".into() }),
    ] {
        let mut server = acceptor(Mechanism::Plain);
        server.start(Some(b"\0tim\0secret"));
        assert_eq!(server.respond(b"\0tim\0other"), Turn::Malformed, "only once");
        let mut server = acceptor(Mechanism::Plain);
        server.start(Some(b"\0tim\0secret"));
        assert_eq!(server.verified(right), turn);
        assert_eq!(server.verified(true), Turn::Malformed, "asked once");
    }
    assert_eq!(acceptor(Mechanism::Plain).verified(true), Turn::Malformed, "never asked");
    let mut server = acceptor(Mechanism::ScramSha256);
    assert_eq!(server.keys(vector_keys(), true), Turn::Malformed, "never asked");
}

#[test]
fn login_asks_for_both() {
    let mut server = acceptor(Mechanism::Login);
    assert_eq!(server.start(None), Turn::Challenge(b"Username:".to_vec()));
    assert_eq!(server.respond(b"tim"), Turn::Challenge(b"Password:".to_vec()));
    let Turn::Verify { user, password: said_password } = server.respond(b"secret") else {
        panic!()
    };
    assert_eq!((user.as_str(), said_password.expose().as_slice()), ("tim", &b"secret"[..]));
    let mut server = acceptor(Mechanism::Login);
    assert_eq!(server.start(Some(b"tim")), Turn::Challenge(b"Password:".to_vec()));
    assert_eq!(server.respond(b""), Turn::Malformed);
    let mut client = initiator(Mechanism::Login, password("tim", "secret"));
    assert!(client.initial().is_none(), "the server speaks first");
    assert_eq!(said(client.respond(b"Username:")), b"tim");
    assert!(!client.is_satisfied());
    assert_eq!(said(client.respond(b"Password:")), b"secret");
    assert!(client.is_satisfied());
    assert!(matches!(client.respond(b"Another:"), Response::Cancel(_)));
}

#[test]
fn tokens_go_out_as_their_documents_say() {
    // The example of RFC 7628 s4.1, without host and port, which a bearer token does not need.
    let mut client = initiator(Mechanism::OauthBearer, token("user@example.com", "vF9dft4qmT"));
    let expected = b"n,a=user@example.com,\x01auth=Bearer vF9dft4qmT\x01\x01";
    assert_eq!(client.initial().unwrap().expose(), expected);
    assert!(client.is_satisfied());
    // s3.2.3: a single octet, then the refusal itself.
    assert_eq!(said(client.respond(b"{\"status\":\"invalid_token\"}")), b"\x01");
    assert!(!client.is_satisfied());
    let mut client = initiator(Mechanism::XOauth2, token("someuser@example.com", "ya29.vF9dft4q"));
    let initial = client.initial().unwrap();
    assert_eq!(initial.expose(), b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4q\x01\x01");
    assert_eq!(said(client.respond(b"{}")), b"");
    assert!(!client.is_satisfied());
}

#[test]
fn the_best_mechanism_in_common_is_taken() {
    let choose = |offered: &str, only, credentials| {
        let offered: Vec<String> = offered.split(' ').map(str::to_owned).collect();
        let chosen = Initiator::choose(&offered, only, credentials, CLIENT_NONCE.into());
        chosen.map(|chosen| chosen.mechanism())
    };
    let tim = || password("tim", "secret");
    assert_eq!(choose("LOGIN PLAIN SCRAM-SHA-256", None, tim()), Some(Mechanism::ScramSha256));
    assert_eq!(choose("LOGIN PLAIN XOAUTH2", None, tim()), Some(Mechanism::Plain));
    assert_eq!(choose("LOGIN PLAIN", Some(Mechanism::Login), tim()), Some(Mechanism::Login));
    assert_eq!(choose("PLAIN", Some(Mechanism::ScramSha256), tim()), None);
    assert_eq!(choose("GSSAPI SCRAM-SHA-256-PLUS XOAUTH2", None, tim()), None);
    let with = |t| token("tim", t);
    assert_eq!(choose("PLAIN XOAUTH2", None, with("t")), Some(Mechanism::XOauth2));
    assert_eq!(choose("XOAUTH2 OAUTHBEARER", None, with("t")), Some(Mechanism::OauthBearer));
    assert_eq!(choose("PLAIN LOGIN", None, with("t")), None);
    assert_eq!(choose("XOAUTH2", None, with("t\x01auth=")), None, "it would end the message");
    // Without a prepared form there is no SCRAM, and PLAIN still is.
    let strange = || password("tim", "\u{e000}");
    assert_eq!(choose("PLAIN SCRAM-SHA-256", None, strange()), Some(Mechanism::Plain));
    assert_eq!(choose("PLAIN", None, password("ti\0m", "x")), None);
}

#[test]
fn debugging_shows_no_secret() {
    let mut client = initiator(Mechanism::Plain, password("tim", "hunter2"));
    let initial = client.initial();
    let mut server = acceptor(Mechanism::Plain);
    let turn = server.start(Some(b"\0tim\0hunter2"));
    let keys = vector_keys();
    let work = ScramWork { password: Secret::new("hunter2".into()), salt: vec![], iterations: 1 };
    let shown = format!("{client:?} {initial:?} {server:?} {turn:?} {keys:?} {work:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
    assert!(format!("{:?}", work.run()).contains("(secret)"));
}

fn exchange(
    mechanism: Mechanism,
    user: &str,
    secret: &str,
    known: &ScramKeys,
    right: bool,
) -> Turn {
    let mut client = initiator(mechanism, password(user, secret));
    let mut server = acceptor(mechanism);
    let mut turn =
        server.start(client.initial().as_ref().map(|initial| initial.expose().as_slice()));
    loop {
        turn = match turn {
            Turn::Challenge(challenge) => match prove(&mut client, &challenge) {
                Response::Send(bytes) => server.respond(bytes.expose()),
                Response::Derive(_) | Response::Cancel(_) => return Turn::Malformed,
            },
            Turn::Verify { .. } => server.verified(right),
            Turn::Keys { .. } => server.keys(known.clone(), true),
            Turn::Accepted { .. } => {
                assert!(client.is_satisfied());
                return turn;
            }
            Turn::Rejected { .. } | Turn::Malformed => return turn,
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any name and password that can be had, in every mechanism, from side to side; and never
    /// with another password.
    #[test]
    fn both_sides_understand_each_other(
        user in "[!-~äß€ ]{1,20}", secret in "[!-~äß€ ]{1,20}", other in "[!-~]{1,20}",
    ) {
        let prepared = prepare(&secret).unwrap();
        let keys = scram_keys(prepared.as_bytes(), vec![7; 16], 4096);
        let user = prepare(&user).unwrap().into_owned();
        for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256] {
            prop_assert_eq!(
                exchange(mechanism, &user, &secret, &keys, true),
                Turn::Accepted { user: user.clone() }
            );
        }
        if prepare(&other) != prepare(&secret) {
            let turn = exchange(Mechanism::ScramSha256, &user, &other, &keys, true);
            prop_assert_eq!(turn, Turn::Rejected { user });
        }
    }

    #[test]
    fn a_name_survives_its_escape(name in "[^\0]{1,30}") {
        prop_assert_eq!(unescape(&escape(&name)), Some(name.clone()));
        let message = format!("n,a={},n=x,r=y", escape(&name));
        prop_assert_eq!(Gs2::parse(&message).and_then(|gs2| gs2.authzid), Some(name));
    }

    /// Whatever comes, an exchange ends, and nobody is let in by noise.
    #[test]
    fn noise_lets_nobody_in(
        mechanism in prop::sample::select(vec![Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256]),
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6),
    ) {
        let mut server = acceptor(mechanism);
        server.start(None);
        for message in &messages {
            match server.respond(message) {
                Turn::Verify { .. } => { server.verified(false); }
                Turn::Keys { .. } => { server.keys(vector_keys(), true); }
                Turn::Accepted { .. } => prop_assert!(false, "let in"),
                Turn::Challenge(_) | Turn::Rejected { .. } | Turn::Malformed => {}
            }
        }
        for mechanism in [Mechanism::ScramSha256, Mechanism::Login] {
            let mut client = initiator(mechanism, password("user", "pencil"));
            client.initial();
            for message in &messages {
                let _ = client.respond(message);
            }
            prop_assert!(mechanism == Mechanism::Login || !client.is_satisfied());
        }
    }
}
