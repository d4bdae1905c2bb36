//! Who the client is: settings of a dialogue about TLS, logins and front ends, and what only
//! a test in code can say: SCRAM, and what is written down of it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use observe::Secret;
use policy::Networks;
use relay::{Answer, AuthAnswer, AuthOffer, AuthQuestion, Event, Relay, TlsFacts};
use smtp_session::sasl::{Credentials, Initiator, Mechanism, Response, scram_keys};
use smtp_session::{Moment, StartTls};

use crate::stage::{Scenery, Stage};

/// How clients say who they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    pub(crate) starttls: StartTls,
    pub(crate) auth: AuthOffer,
    pub(crate) xclient: Networks,
    pub(crate) introduce: Introduce,
    /// Names and passwords.
    pub(crate) users: Vec<(String, String)>,
    /// The users cannot be looked up, or there were too many failures.
    pub(crate) answer: Option<AuthAnswer>,
}

/// How the smarthost is told who the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Introduce {
    #[default]
    Off,
    Xforward,
    Xclient,
    /// By XCLIENT, with a pool that mixes clients up.
    Carelessly,
}

impl Identity {
    /// `PLAIN, LOGIN`; `in the clear` as one of them: without TLS too.
    pub(crate) fn auth(&mut self, value: &str) {
        let words: Vec<_> = value.split(',').map(str::trim).collect();
        let plaintext_without_tls = words.contains(&"in the clear");
        let mechanisms = words.iter().filter_map(|word| word.parse().ok()).collect();
        self.auth = AuthOffer::Users { mechanisms, plaintext_without_tls };
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) -> bool {
        match (name, value) {
            ("starttls", "required") => self.starttls = StartTls::Required,
            ("starttls", "offered") => self.starttls = StartTls::Offered,
            ("auth", "smarthost") => self.auth = AuthOffer::Smarthost { without_tls: true },
            ("auth", mechanisms) => self.auth(mechanisms),
            ("xclient", networks) => {
                let each = networks.split(", ").map(|network| network.parse().unwrap());
                self.xclient = Networks::new(each.collect());
            }
            ("introduce", "xforward") => self.introduce = Introduce::Xforward,
            ("introduce", "xclient") => self.introduce = Introduce::Xclient,
            ("introduce", "carelessly") => self.introduce = Introduce::Carelessly,
            ("users", "away") => self.answer = Some(AuthAnswer::Unavailable),
            ("users", "locked") => self.answer = Some(AuthAnswer::TooManyFailures),
            ("user", user) => {
                let (name, password) = user.split_once(' ').unwrap();
                self.users.push((name.to_owned(), password.to_owned()));
            }
            _ => return false,
        }
        true
    }

    fn answer(&self, question: &AuthQuestion) -> AuthAnswer {
        if let Some(answer) = &self.answer {
            return answer.clone();
        }
        let of = |name: &str| self.users.iter().find(|(user, _)| user == name);
        match question {
            AuthQuestion::Password { user, password } => {
                let right =
                    of(user).is_some_and(|(_, right)| right.as_bytes() == password.expose());
                AuthAnswer::Verified(right)
            }
            AuthQuestion::Keys { user } => {
                let known = of(user);
                let password = known.map_or("nobody's", |(_, password)| password);
                let keys = scram_keys(password.as_bytes(), vec![7; 16], 4096);
                AuthAnswer::Keys { keys, known: known.is_some() }
            }
        }
    }

    /// What a driver does; a record for logins.
    pub(crate) fn handle(&self, relay: &mut Relay, now: Moment, event: &Event) -> Option<String> {
        match event {
            Event::StartTls => relay.handle_secured(now, tls()),
            Event::Authenticate(question) => {
                relay.answer(now, Answer::Authenticated(self.answer(question)));
            }
            Event::LoginEnded { user, accepted: true } => {
                return Some(format!("login {}", user.as_deref().unwrap_or("?")));
            }
            Event::LoginEnded { user, .. } => {
                return Some(format!("no login {}", user.as_deref().unwrap_or("?")));
            }
            _ => {}
        }
        None
    }
}

fn tls() -> TlsFacts {
    TlsFacts {
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        certificate: Some(Arc::from("erp")),
    }
}

fn stage(identity: Identity) -> Stage {
    Stage::new(Scenery { identity, ..Scenery::default() })
}

fn says(stage: &mut Stage, line: &str) -> String {
    stage.to_client.clear();
    stage.client_says(format!("{line}\r\n").as_bytes());
    String::from_utf8(stage.to_client.clone()).unwrap()
}

fn scram(stage: &mut Stage, user: &str, password: &str) -> String {
    let credentials =
        Credentials::Password { user: user.to_owned(), password: Secret::new(password.to_owned()) };
    let offered = ["SCRAM-SHA-256".to_owned()];
    let mut initiator =
        Initiator::choose(&offered, None, credentials, "rOprNGfwEbeRWgbNEkqO".to_owned()).unwrap();
    let first = initiator.initial().unwrap();
    let mut said = says(stage, &format!("AUTH SCRAM-SHA-256 {}", STANDARD.encode(first.expose())));
    while let Some(challenge) = said.strip_prefix("334 ") {
        let challenge = STANDARD.decode(challenge.trim_end()).unwrap();
        let response = match initiator.respond(&challenge) {
            Response::Derive(work) => initiator.derived(&work.run()),
            other => other,
        };
        let Response::Send(response) = response else { panic!("the gate did not prove itself") };
        said = says(stage, &STANDARD.encode(response.expose()));
    }
    assert!(!said.starts_with("235") || initiator.is_satisfied());
    said
}

fn with_scram() -> Identity {
    Identity {
        auth: AuthOffer::Users {
            mechanisms: vec![Mechanism::ScramSha256, Mechanism::Plain],
            plaintext_without_tls: false,
        },
        users: vec![("user".to_owned(), "pencil".to_owned())],
        ..Identity::default()
    }
}

#[test]
fn scram_lets_in_who_knows_the_password_and_nobody_else() {
    let mut stage = stage(with_scram());
    assert!(says(&mut stage, "EHLO pc.example").contains("250-AUTH SCRAM-SHA-256\r\n"));
    for (user, password) in [("user", "pencils"), ("nobody", "nobody's"), ("nobody", "pencil")] {
        let said = scram(&mut stage, user, password);
        assert_eq!(said, "535 5.7.8 Authentication credentials invalid\r\n", "{user} {password}");
        assert_eq!(stage.records.pop().unwrap(), format!("no login {user}"));
    }
    assert_eq!(stage.relay.facts().login, None);
    assert!(scram(&mut stage, "user", "pencil").starts_with("235 2.7.0 "));
    assert_eq!(stage.records.pop().unwrap(), "login user");
    assert_eq!(stage.relay.facts().login.as_deref(), Some("user"));
}

#[test]
fn every_exchange_has_a_nonce_of_its_own() {
    let mut stage = stage(with_scram());
    says(&mut stage, "EHLO pc.example");
    let mut nonces = Vec::new();
    for _ in 0..3 {
        let first = STANDARD.encode("n,,n=user,r=abc");
        let said = says(&mut stage, &format!("AUTH SCRAM-SHA-256 {first}"));
        let challenge = STANDARD.decode(said.trim_start_matches("334 ").trim_end()).unwrap();
        nonces.push(challenge);
        assert!(says(&mut stage, "*").starts_with("501 "));
    }
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2] && nonces[0] != nonces[2]);
}

#[test]
fn an_answer_that_comes_after_the_end_lets_nobody_in() {
    let mut stage = stage(Identity { auth: with_scram().auth, ..Identity::default() });
    says(&mut stage, "EHLO pc.example");
    stage.client_closes();
    let now = Moment::new(std::time::Duration::from_secs(2), 0);
    stage.relay.answer(now, Answer::Authenticated(AuthAnswer::Verified(true)));
    assert_eq!(stage.relay.facts().login, None);
    assert!(stage.records.is_empty());
}

#[test]
fn records_tell_of_tls_and_hold_a_login_as_a_keyed_hash() {
    let identity = Identity { starttls: StartTls::Offered, ..with_scram() };
    for (plain, shown) in [(false, "03".repeat(16)), (true, "user".to_owned())] {
        let scenery = Scenery { identity: identity.clone(), plain, ..Scenery::default() };
        let mut stage = Stage::new(scenery);
        for line in ["EHLO pc.example", "STARTTLS", "EHLO pc.example"] {
            says(&mut stage, line);
        }
        scram(&mut stage, "user", "pencil");
        for line in ["MAIL FROM:<a@corp.example>", "RCPT TO:<x@there.example>"] {
            says(&mut stage, line);
        }
        stage.smarthost_says(b"250 ok\r\n250 ok\r\n");
        says(&mut stage, "DATA");
        stage.smarthost_says(b"354 go\r\n");
        says(&mut stage, "Subject: x\r\n\r\nx\r\n.");
        let sent = String::from_utf8(stage.to_smarthost.clone()).unwrap();
        assert!(sent.contains("with ESMTPSA id "), "{sent}");
        stage.smarthost_says(b"250 ok\r\n");
        let tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
        let seen = &stage.seen;
        assert_eq!(seen.len(), 3, "decision, intent, outcome: {seen:?}");
        for (login, of) in seen {
            assert_eq!((login.as_deref(), of.as_deref()), (Some(&*shown), Some(tls)));
        }
    }
}

#[test]
fn who_asks_how_somebody_logged_in_hears_of_the_front_end_that_said_so() {
    let xclient = Networks::new(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
    let mut stage = stage(Identity { xclient, ..with_scram() });
    says(&mut stage, "EHLO pc.example");
    let how = |stage: &Stage| {
        let facts = stage.relay.facts();
        (facts.login.clone(), facts.mechanism.clone())
    };
    let told = |login: &str, how: &str| (Some(login.into()), Some(how.into()));
    assert!(scram(&mut stage, "user", "pencil").starts_with("235 2.7.0 "));
    assert_eq!(how(&stage), told("user", "SCRAM-SHA-256"));
    assert!(says(&mut stage, "XCLIENT LOGIN=erp").starts_with("220 "));
    assert_eq!(how(&stage), told("erp", "XCLIENT"));
    says(&mut stage, "EHLO pc.example");
    assert!(says(&mut stage, "XCLIENT LOGIN=[UNAVAILABLE]").starts_with("220 "));
    assert_eq!(how(&stage), (None, None));
}
