//! TLS and logins with other people's programs on both sides of the gate, and a front end.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::{
    Aiosmtpd, Authority, Client, Gate, Haproxy, Letter, Login, Peers, Scratch, Secured, Setup, Tls,
    Way, free_port, run,
};

use crate::{SENDER, recipients};

const TO: &str = "alice@example.com";
/// What a client wants for its login, and how it can have it.
const CLIENTS: &[(Client, &[&str])] = &[
    (Client::Curl, &["PLAIN", "LOGIN"]),
    (Client::Swaks, &["PLAIN", "LOGIN"]),
    (Client::Msmtp, &["PLAIN", "LOGIN", "SCRAM-SHA-256"]),
    (Client::Smtplib, &["PLAIN", "LOGIN", "SCRAM-SHA-256"]),
    (Client::NetSmtp, &["PLAIN", "LOGIN"]),
    (Client::Nodemailer, &["PLAIN", "LOGIN"]),
];

/// The tables of a certificate.
fn certificate(authority: &Authority) -> String {
    let (certificate, key) = (authority.certificate.display(), authority.key.display());
    format!("[[certificate]]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n")
}

fn login(mechanism: &'static str, password: &str) -> Login {
    Login { mechanism, user: Secured::USER.to_owned(), password: password.to_owned() }
}

/// The gate logs in to `server` at both of its doors by every mechanism that both know, and not
/// with a wrong password.
fn the_gate_logs_in(scratch: &Scratch, authority: &Authority, server: &Secured) {
    let mut sent = 0;
    let mut way = |tls: &str, address: SocketAddr, mechanism: &str, password: &str| {
        let folder = scratch.path().join(format!("{tls}-{mechanism}-{}", password.len()));
        let mut setup = Setup::new(address);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("password"), password).unwrap();
        setup.smarthost_lines = format!(
            "tls = \"{tls}\"\ntls_ca = \"{}\"\nlogin = \"{}\"\npassword_file = \"password\"\n\
             mechanism = \"{mechanism}\"\n",
            authority.ca.display(),
            Secured::USER,
        );
        let gate = Gate::start(&folder, &setup);
        let letter = Letter::plain(&format!("{tls}-{mechanism}"));
        let reply = gate.dialogue().mail(SENDER, &[TO], &letter.content).unwrap();
        let good = password == Secured::PASSWORD;
        assert_eq!(reply.code, if good { 250 } else { 451 }, "{tls} {mechanism}\n{}", gate.log());
        assert!(!gate.log().contains(password), "the password is in the log");
        sent += usize::from(good);
    };
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-256"] {
        if server.mechanisms.contains(&mechanism) {
            way("required", server.starttls, mechanism, Secured::PASSWORD);
            way("implicit", server.implicit, mechanism, Secured::PASSWORD);
        }
    }
    way("required", server.starttls, "PLAIN", "wrong word");
    let stored = server.server.stored();
    assert_eq!(stored.len(), sent);
    // The gate's bytes crossed encrypted, by the server's own word.
    for copy in stored {
        let above = copy.above.join("\n");
        assert!(["ESMTPSA", "esmtpsa"].iter().any(|word| above.contains(word)), "{above}");
    }
}

#[test]
fn the_gate_logs_in_to_postfix_dovecot_openssl() {
    let (scratch, authority) = stage();
    the_gate_logs_in(&scratch, &authority, &Secured::postfix(&scratch, &authority));
}

#[test]
fn the_gate_logs_in_to_exim_openssl() {
    let (scratch, authority) = stage();
    the_gate_logs_in(&scratch, &authority, &Secured::exim(&scratch, &authority));
}

#[test]
fn the_gate_logs_in_to_opensmtpd_openssl() {
    let (scratch, authority) = stage();
    the_gate_logs_in(&scratch, &authority, &Secured::opensmtpd(&scratch, &authority));
}

fn stage() -> (Scratch, Authority) {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    (scratch, authority)
}

/// A gate with users of its own and two doors, as 587 and 465 are; the second is at `.1`.
fn with_users(scratch: &Scratch, authority: &Authority, server: SocketAddr) -> (Gate, SocketAddr) {
    let folder = scratch.path().join("gate");
    let implicit = free_port();
    let mut setup = Setup::new(server);
    setup.listener_lines = "allow = [\"login\"]\ntls = \"required\"\nauth = \"users\"\n".into();
    setup.tables = format!(
        "[[listener]]\naddress = \"{implicit}\"\nallow = [\"login\"]\ntls = \"implicit\"\n\
         auth = \"users\"\n[users]\nfile = \"optgate.users\"\n{}",
        certificate(authority)
    );
    let gate = Gate::start(&folder, &setup);
    std::fs::write(folder.join("password"), Secured::PASSWORD).unwrap();
    let ran = gate.ask(&["user", "add", Secured::USER, "--password-file", "password"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    (gate, implicit)
}

fn clients_log_in(client: Client) {
    let (scratch, authority) = stage();
    let server = Aiosmtpd::start(&scratch);
    let (gate, implicit) = with_users(&scratch, &authority, server.address);
    let mechanisms = CLIENTS.iter().find(|row| row.0 == client).unwrap().1;
    let send = |server, tls, login| {
        let way = Way { server, tls, ca: Some(authority.ca.clone()), login };
        client.send_by(&way, &scratch, SENDER, &[TO], &Letter::plain("by login"))
    };
    let mut sent = 0;
    for mechanism in mechanisms {
        for (tls, address) in [(Tls::StartTls, gate.address), (Tls::Implicit, implicit)] {
            let told = send(address, tls, Some(login(mechanism, Secured::PASSWORD)));
            assert!(told.accepted, "{mechanism} {tls:?}: {}\n{}", told.text, gate.log());
            sent += 1;
        }
        let told = send(implicit, Tls::Implicit, Some(login(mechanism, "wrong word")));
        assert!(!told.accepted, "{mechanism}: {}", told.text);
    }
    let told = send(implicit, Tls::Implicit, None);
    assert!(!told.accepted && told.text.contains("530"), "{}", told.text);
    let taken = server.taken();
    assert_eq!(taken.len(), sent);
    for message in taken {
        let top = String::from_utf8_lossy(&message.content).into_owned();
        assert!(top.contains("with ESMTPSA"), "{top}");
    }
    assert!(!gate.log().contains(Secured::PASSWORD), "the password is in the log");
}

macro_rules! clients {
    ($($name:ident: $client:ident;)*) => {$(
        #[test]
        fn $name() {
            clients_log_in(Client::$client);
        }
    )*};
}

clients! {
    curl_logs_in_aiosmtpd_openssl: Curl;
    swaks_logs_in_aiosmtpd_openssl: Swaks;
    msmtp_logs_in_aiosmtpd_openssl: Msmtp;
    smtplib_logs_in_aiosmtpd_openssl: Smtplib;
    net_smtp_logs_in_aiosmtpd_openssl: NetSmtp;
    nodemailer_logs_in_aiosmtpd_openssl: Nodemailer;
}

/// The gate knows no user: each client logs in to Postfix, through it.
#[test]
fn logins_pass_through_to_postfix_dovecot_openssl_swaks_msmtp_nodemailer_smtplib() {
    let (scratch, authority) = stage();
    let postfix = Secured::postfix(&scratch, &authority);
    let mut setup = Setup::new(postfix.starttls);
    setup.smarthost_lines =
        format!("tls = \"required\"\ntls_ca = \"{}\"\n", authority.ca.display());
    setup.listener_lines = "allow = [\"login\"]\ntls = \"required\"\nauth = \"smarthost\"\n".into();
    setup.tables = certificate(&authority);
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let send = |client: Client, login, to: &str| {
        let ca = Some(authority.ca.clone());
        let way = Way { server: gate.address, tls: Tls::StartTls, ca, login: Some(login) };
        client.send_by(&way, &scratch, SENDER, &[to], &Letter::plain("passed through"))
    };
    let ways = [
        (Client::Swaks, "PLAIN"),
        (Client::Swaks, "CRAM-MD5"),
        (Client::Msmtp, "SCRAM-SHA-256"),
        (Client::Smtplib, "SCRAM-SHA-256"),
        (Client::Nodemailer, "LOGIN"),
    ];
    for (client, mechanism) in ways {
        let told = send(client, login(mechanism, Secured::PASSWORD), TO);
        assert!(told.accepted, "{client:?} {mechanism}: {}\n{}", told.text, gate.log());
        let told = send(client, login(mechanism, "wrong word"), TO);
        assert!(!told.accepted, "{client:?} {mechanism}: {}", told.text);
        // Who opted out stays so, whoever logs in.
        let told = send(client, login(mechanism, Secured::PASSWORD), "bob@example.com");
        assert!(!told.accepted && told.text.contains("opted out"), "{}", told.text);
    }
    assert_eq!(recipients(&*postfix.server).len(), ways.len());
    assert!(!gate.log().contains(Secured::PASSWORD), "the password is in the log");
}

/// The gate sees the client behind HAProxy, and so do its rules and the trace.
#[test]
fn the_client_behind_haproxy_is_known_swaks_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut setup = Setup::new(server.address);
    setup.listener_lines =
        "allow = [\"127.0.0.2\"]\nproxy_protocol = [\"127.0.0.1\"]\nrefuse_at = \"mail\"\n".into();
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    for (number, how) in ["send-proxy", "send-proxy-v2"].into_iter().enumerate() {
        let front = Haproxy::start(&scratch, gate.address, how);
        let send = |from: &str| {
            let mut command = Peers::get().command("swaks");
            command.args(["--server", &front.address.to_string(), "--local-interface", from]);
            command.args(["--helo", "client.test", "--from", SENDER, "--to", TO]);
            run(&mut command, Duration::from_secs(60))
        };
        let ran = send("127.0.0.2");
        assert_eq!(ran.code, 0, "{how}: {}\n{}", ran.text(), gate.log());
        let ran = send("127.0.0.3");
        assert!(ran.code != 0 && ran.text().contains("550 5.7.1"), "{how}: {}", ran.text());
        let taken = server.taken();
        assert_eq!(taken.len(), number + 1);
        let content = String::from_utf8_lossy(&taken[number].content).into_owned();
        assert!(content.contains("[127.0.0.2]"), "{content}");
    }
    // Without a front end nobody gets a word.
    let direct = Client::Swaks.send(&scratch, gate.address, SENDER, &[TO], &Letter::plain("x"));
    assert!(!direct.accepted, "{}", direct.text);
}

/// Another judge: nothing it finds in protocols, ciphers, key exchange and known attacks is worse
/// than "low". The certificate is one of a test, and not judged.
#[test]
fn testssl_finds_nothing_above_low_openssl_aiosmtpd() {
    let (scratch, authority) = stage();
    let server = Aiosmtpd::start(&scratch);
    let mut setup = Setup::new(server.address);
    setup.tables = certificate(&authority);
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let findings = scratch.path().join("findings.json");
    let mut command = Peers::get().command("testssl");
    command.args(["--quiet", "--color", "0", "--warnings", "batch", "--ip", "one"]);
    command.args(["-p", "-s", "-f", "-P", "-U", "-t", "smtp", "--jsonfile"]).arg(&findings);
    let ran = run(command.arg(gate.address.to_string()), Duration::from_secs(300));
    let text = std::fs::read_to_string(&findings).unwrap_or_default();
    let found: serde_json::Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}\n{}", ran.text()));
    let found = found.as_array().unwrap();
    assert!(found.iter().any(|one| one["id"] == "TLS1_3"), "it looked: {text}");
    // It warns of the openssl that it was given itself.
    let bad = |one: &&serde_json::Value| {
        one["id"] != "engine_problem"
            && !matches!(one["severity"].as_str(), Some("OK" | "INFO" | "LOW"))
    };
    let bad: Vec<_> = found.iter().filter(bad).collect();
    assert!(bad.is_empty(), "{bad:?}");
}
