//! TLS and logins with other people's programs around the gate.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::{
    Aiosmtpd, Authority, Client, Gate, Letter, Login, Peers, Scratch, Secured, Setup, Tls, Way,
    free_port, run,
};

use crate::SENDER;

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
