//! `optgate relay-test` and nmap about the same servers: who is closed, who is open.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::{
    Aiosmtpd, Authority, Exim, Gate, Peers, Postfix, Scratch, Secured, Setup, Smarthost, optgate,
    run,
};
use serde_json::Value;

/// What `relay-test` says: exit code and answer.
fn relay_test(scratch: &Scratch, server: SocketAddr, more: &[&str]) -> (i32, Value) {
    let server = server.to_string();
    let words = [&["relay-test", "-o", "json", &server, "--to", "outside.example"], more].concat();
    let ran = optgate(scratch.path(), &words);
    let told = serde_json::from_str(&ran.out);
    (ran.code, told.unwrap_or_else(|error| panic!("{error}: {}", ran.text())))
}

fn accepted(told: &Value) -> Vec<u64> {
    let probes = told["probes"].as_array().unwrap();
    let accepted = probes.iter().filter(|probe| probe["outcome"] == "accepted");
    accepted.map(|probe| probe["number"].as_u64().unwrap()).collect()
}

/// What nmap's script says.
fn nmap(server: SocketAddr) -> String {
    let mut command = Peers::get().command("nmap");
    // The sign makes it ask on ports that are not SMTP's.
    command.args(["-Pn", "-n", "-p", &server.port().to_string(), "--script"]);
    command.args(["+smtp-open-relay", "--script-args", "smtp-open-relay.domain=outside.example"]);
    let ran = run(command.arg(server.ip().to_string()), Duration::from_secs(120));
    assert_eq!(ran.code, 0, "{}", ran.text());
    ran.out
}

/// A refused greeting, and a refusal at MAIL.
#[test]
fn the_gate_is_closed_for_outsiders_nmap_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let outside = "allow = [\"192.0.2.0/24\"]\n";
    for (at, more) in [("greeting", ""), ("mail", "refuse_at = \"mail\"\n")] {
        let listener_lines = format!("{outside}{more}");
        let setup = Setup { listener_lines, ..Setup::new(server.address) };
        let gate = Gate::start(&scratch.path().join(at), &setup);
        let (code, told) = relay_test(&scratch, gate.address, &[]);
        assert_eq!((code, told["verdict"].as_str()), (0, Some("closed")), "{at}: {told}");
        let probes = told["probes"].as_array().unwrap();
        assert_eq!(probes.is_empty(), at == "greeting", "{told}");
        for probe in probes {
            let reply = probe["mail_reply"].as_str().unwrap();
            let odd = probe["mail"] == "<spamtest>" && reply.starts_with("553 5.1.7 ");
            assert!(odd || reply.starts_with("550 5.7.1 "), "{probe}");
        }
        let said = nmap(gate.address);
        assert!(!said.contains("open relay (") && !said.contains("is an open relay"), "{said}");
    }
    assert!(server.taken().is_empty());
}

/// Who may relay gets through with plain addresses, and with no form that could be read in two
/// ways.
#[test]
fn from_inside_only_plain_addresses_pass_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let (code, told) = relay_test(&scratch, gate.address, &[]);
    assert_eq!(code, 1, "{told}");
    for number in accepted(&told) {
        let probe = &told["probes"][usize::try_from(number).unwrap() - 1];
        let rcpt = probe["rcpt"].as_str().unwrap();
        let plain = ["<relaytest@outside.example>", "<nobody@outside.example>"];
        let plain = plain.iter().any(|plain| rcpt.ends_with(plain));
        assert!(plain, "{probe}");
    }
    assert!(accepted(&told).contains(&2), "{told}");
}

#[test]
fn a_server_that_takes_everything_is_open_nmap_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let (code, told) = relay_test(&scratch, server.address, &[]);
    assert_eq!((code, told["verdict"].as_str()), (1, Some("open")), "{told}");
    assert!(accepted(&told).len() > 10, "{told}");
    assert!(server.taken().is_empty(), "no message was sent");
    let said = nmap(server.address);
    assert!(said.contains("open relay"), "{said}");
}

#[test]
fn a_closed_postfix_is_closed_nmap() {
    let scratch = Scratch::new();
    let postfix = Postfix::start_closed(&scratch);
    let (code, told) = relay_test(&scratch, postfix.address(), &[]);
    assert_eq!((code, told["verdict"].as_str()), (0, Some("closed")), "{told}");
    let said = nmap(postfix.address());
    assert!(said.contains("doesn't seem to be an open relay"), "{said}");
}

/// It hangs up after some mistakes.
#[test]
fn a_closed_exim_is_closed_to_the_end_nmap() {
    let scratch = Scratch::new();
    let exim = Exim::start_closed(&scratch, true);
    let (code, told) = relay_test(&scratch, exim.address(), &[]);
    assert_eq!((code, told["verdict"].as_str()), (0, Some("closed")), "{told}");
    assert!(told["sessions"].as_u64().unwrap() > 1, "{told}");
    let said = nmap(exim.address());
    assert!(!said.contains("is an open relay"), "{said}");
}

/// Routes in local parts of its own domain: it would take `nobody%outside.example`.
#[test]
fn an_exim_that_forgot_routes_is_open() {
    let scratch = Scratch::new();
    let exim = Exim::start_closed(&scratch, false);
    let (code, told) = relay_test(&scratch, exim.address(), &[]);
    assert_eq!((code, accepted(&told)), (1, vec![24, 25, 28]), "{told}");
}

/// With TLS, a server that wants a login is as closed.
#[test]
fn a_secured_postfix_is_closed_behind_tls_too_dovecot_openssl() {
    let scratch = Scratch::new();
    let postfix = Secured::postfix(&scratch, &Authority::new(&scratch, "authority"));
    for (address, more) in
        [(postfix.starttls, &["--tls", "auto"][..]), (postfix.implicit, &["--tls", "implicit"])]
    {
        let (code, told) = relay_test(&scratch, address, more);
        assert_eq!((code, told["verdict"].as_str()), (0, Some("closed")), "{told}");
        let probes = told["probes"].as_array().unwrap();
        assert!(probes.iter().all(|probe| probe["tls"] == true), "{told}");
    }
}

#[test]
fn nobody_there_is_no_verdict() {
    let scratch = Scratch::new();
    let ran = optgate(scratch.path(), &["relay-test", &e2e::free_port().to_string()]);
    assert_eq!(ran.code, 69, "{}", ran.text());
}
