//! `[[milter]]`.

use std::time::Duration;

use proxy::{MilterAddress, OnFailure};

use super::*;

fn address(said: &str) -> MilterAddress {
    let text = format!("[[milter]]\nname = \"m\"\naddress = \"{said}\"\nchanges = false\n");
    let loaded = loaded(&format!("{SMARTHOST}{text}"));
    assert!(loaded.report.is_clean(), "{}", loaded.report.render(false));
    loaded.settings.unwrap().milters[0].milter.address.clone()
}

#[test]
fn every_way_to_write_an_address_is_understood() {
    let tcp = |text: &str| MilterAddress::Tcp(text.to_owned());
    for (said, meant) in [
        ("127.0.0.1:11332", "127.0.0.1:11332"),
        ("filter.corp.example:8891", "filter.corp.example:8891"),
        ("[::1]:8891", "[::1]:8891"),
        ("inet:8891@localhost", "localhost:8891"),
        ("inet6:8891@::1", "[::1]:8891"),
        ("inet6:8891@[::1]", "[::1]:8891"),
        ("inet:localhost:8891", "localhost:8891"),
    ] {
        assert_eq!(address(said), tcp(meant), "{said}");
    }
    let unix = MilterAddress::Unix("/run/x.sock".into());
    assert_eq!((address("unix:/run/x.sock"), address("local:/run/x.sock")), (unix.clone(), unix));
}

#[test]
fn what_is_no_address_is_told_what_would_be() {
    for (said, words, help) in [
        ("localhost", "the port is missing", ""),
        ("/run/x.sock", "the port is missing", "\"unix:/run/x.sock\""),
        ("unix:", "the path is missing", ""),
        ("inet:x@localhost", "a number from 1 to 65535", ""),
    ] {
        let text = format!("[[milter]]\nname = \"m\"\naddress = \"{said}\"\n");
        one_fault(&text, (3, 11), &format!("\"{said}\""), words, help);
    }
}

#[test]
fn the_keys_have_the_defaults_that_the_documents_say() {
    let text = "[[milter]]\nname = \"m\"\naddress = \"127.0.0.1:1\"\nsigns = true\n";
    let settings = loaded(&format!("{SMARTHOST}{text}")).settings.unwrap();
    let [one] = &settings.milters[..] else { panic!("one milter") };
    assert!(one.milter.changes && one.is_for("127.0.0.1:2525".parse().unwrap()));
    assert_eq!(one.milter.on_failure, OnFailure::Defer);
    assert_eq!(one.milter.cap, Duration::from_secs(60));
    assert_eq!(one.milter.connect_timeout, Duration::from_secs(5));
}

#[test]
fn two_of_a_name_and_a_listener_that_is_not_there_are_errors() {
    let one = "[[milter]]\nname = \"m\"\naddress = \"127.0.0.1:1\"\nchanges = false\n";
    let again = one.replace("\"m\"", "\"M\"");
    one_fault(&format!("{one}{again}"), (6, 8), "\"M\"", "two milters are named", "its own");
    let elsewhere = format!("{one}listener = [\"127.0.0.1:25\"]\n");
    one_fault(&elsewhere, (5, 13), "\"127.0.0.1:25\"", "no [[listener]] is on", "127.0.0.1:2525");
}

#[test]
fn signing_is_a_change_and_a_connection_takes_time_of_the_cap() {
    let one = "[[milter]]\nname = \"m\"\naddress = \"127.0.0.1:1\"\nchanges = false\n";
    let text = format!("{one}signs = true\n");
    one_fault(&text, (5, 9), "true", "a milter that signs adds", "changes = true");
    let text = one.replace("changes = false", "signs = true\nearly = true");
    one_fault(&text, (5, 9), "true", "a milter that may change a message", "changes = false");
    let text = format!("{one}connect_timeout = \"2m\"\n");
    one_fault(&text, (5, 19), "\"2m\"", "longer than `cap`", "the connection included");
    // Nobody wrote the five seconds.
    let short = loaded(&format!("{SMARTHOST}{one}cap = \"4s\"\n")).report;
    assert!(short.is_clean(), "{}", short.render(false));
    one_fault(&format!("{one}cap = \"0s\"\n"), (5, 7), "\"0s\"", "is not a duration", "");
}

#[test]
fn changes_that_nobody_signs_afterwards_are_told() {
    let milter = |name: &str, more: &str| {
        format!("[[milter]]\nname = \"{name}\"\naddress = \"127.0.0.1:1\"\n{more}")
    };
    let rspamd = milter("rspamd", "");
    let opendkim = milter("opendkim", "signs = true\n");
    let report = |text: &str| {
        let found = faults(text);
        found.iter().map(|fault| (fault.severity, fault.message.clone())).collect::<Vec<_>>()
    };
    let words = "milter rspamd may change messages of 127.0.0.1:2525 that nobody signs afterwards";
    assert_eq!(report(&rspamd), [(Severity::Warning, words.to_owned())]);
    assert_eq!(report(&format!("{rspamd}{opendkim}")), []);
    assert_eq!(report(&format!("{opendkim}{rspamd}")), [(Severity::Warning, words.to_owned())]);
    assert_eq!(report(&milter("rspamd", "changes = false\n")), []);
}

/// A configuration that signs for these domains, and others; its key is made for it.
fn told_with_dkim(domains: &[&str], rest: &str) -> Vec<FaultLine> {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::Engine as _;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("dkim.pem");
    let der = mail_auth::common::crypto::Ed25519Key::generate_pkcs8().unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(der);
    let text = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    std::fs::write(&key, text).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let signatures = domains.iter().map(|domain| {
        let key = key.display();
        format!("[[dkim]]\ndomain = \"{domain}\"\nselector = \"s\"\nkey = \"{key}\"\n")
    });
    faults(&(signatures.collect::<String>() + rest))
}

#[test]
fn where_we_sign_for_some_authors_others_are_told_of() {
    let milter = "[[milter]]\nname = \"rspamd\"\naddress = \"127.0.0.1:1\"\n";
    let gate = |keys: &str| format!("[[gate]]\nname = \"g{}\"\n{keys}\n", keys.len());
    let from = |domains: &str| gate(&format!("check = \"from\"\ndomains = [{domains}]"));
    let two = ["corp.example", "shop.example"];
    let told = |rest: &str| told_with_dkim(&two, rest);
    let words = "milter rspamd may change messages of 127.0.0.1:2525, and those of corp.example \
                 and shop.example alone are signed afterwards";
    let found = told(milter);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].severity, found[0].message.as_str()), (Severity::Warning, words));
    let help = "domains = [\"corp.example\", \"shop.example\"]";
    assert!(found[0].help.iter().any(|one| one.contains(help)), "{found:#?}");
    let listener = "[[listener]]\ncomplete = true\n";
    let found = told(listener);
    assert!(found[0].message.contains("completes messages, and those of corp"), "{found:#?}");
    let shadow = "check = \"from\"\ndomains = [\"corp.example\"]\nverdict = \"shadow\"";
    let permits = "check = \"forbidden\"\nfields = [\"X\"]\nverdict = \"permit\"";
    let elsewhere =
        "[[listener]]\naddress = \"127.0.0.1:1\"\n[[listener]]\naddress = \"127.0.0.1:2\"\n";
    let of_one = from("\"corp.example\"") + "listener = [\"127.0.0.1:1\"]\n";
    let sender = |keys: &str| format!("[[sender]]\n{keys}\n");
    let bound = sender("login = [\"erp\"]\nfrom = [\"corp.example\"]");
    for (rest, warned) in [
        (from("\"corp.example\""), false),
        (from("\"shop.example\", \"corp.example\""), false),
        (from("\"other.example\""), true),
        (from("\"*.corp.example\""), true),
        (gate("check = \"from\""), true),
        (gate(shadow), true),
        (gate(permits) + &from("\"corp.example\""), true),
        (from("\"corp.example\"") + &gate(permits), false),
        (format!("{elsewhere}{of_one}"), true),
        (bound.clone(), false),
        (bound.clone() + &sender("address = [\"@corp.example\"]"), true),
    ] {
        let found = told(&format!("{milter}{rest}"));
        let found: Vec<_> = found.iter().filter(|one| one.message.contains("rspamd")).collect();
        assert_eq!(found.len(), usize::from(warned), "{rest}: {found:#?}");
        assert!(!warned || found[0].message.contains("alone are signed"), "{found:#?}");
    }
    assert_eq!(told("[[milter]]\nname = \"m\"\naddress = \"127.0.0.1:1\"\nsigns = true\n"), []);
}

#[test]
fn gates_over_content_take_time_besides_milters() {
    let milter =
        "[[milter]]\nname = \"m\"\naddress = \"127.0.0.1:1\"\nchanges = false\ncap = \"5m\"\n";
    let gate = |name: &str, more: &str| {
        format!("[[gate]]\nname = \"{name}\"\ncheck = \"opt-out-notice\"\ncap = \"4m\"\n{more}")
    };
    let both = gate("a", "") + &gate("b", "");
    assert_eq!(faults(&both), []);
    let (words, help) =
        ("the gates over content of 127.0.0.1:2525 may take 720 s together", "caps");
    one_fault(&(both.clone() + &gate("c", "")), (12, 7), "\"4m\"", words, help);
    let words = "the gates over content and the milters of 127.0.0.1:2525 may take 780 s together";
    one_fault(&format!("{both}{milter}"), (13, 7), "\"5m\"", words, "transaction_wait");
    // A message is on one stream.
    let streams = "[[stream]]\nname = \"x\"\nclass = \"commercial\"\nheader = { \"X\" = [\"x\"] }\n[[stream]]\nname = \"y\"\nclass = \"commercial\"\nheader = { \"X\" = [\"y\"] }\n";
    let apart = gate("a", "stream = [\"x\"]\n") + &gate("b", "stream = [\"y\"]\n");
    assert_eq!(faults(&format!("{streams}{apart}{}", milter.replace("5m", "4m"))), []);
    let together = apart.replace("[\"y\"]", "[\"x\", \"y\"]");
    let found = faults(&format!("{streams}{together}{}", milter.replace("5m", "4m")));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("may take 720 s"), "{found:#?}");
}

#[test]
fn caps_that_are_longer_than_a_client_waits_are_told() {
    let milter = |name: &str| {
        format!(
            "[[milter]]\nname = \"{name}\"\naddress = \"127.0.0.1:1\"\nchanges = false\ncap = \"5m\"\n"
        )
    };
    let both = milter("a") + &milter("b");
    one_fault(&both, (10, 7), "\"5m\"", "may take 600 s together", "transaction_wait");
    let apart =
        "[[listener]]\naddress = \"127.0.0.1:1\"\n[[listener]]\naddress = \"127.0.0.1:2\"\n";
    let a = milter("a") + "listener = [\"127.0.0.1:1\"]\n";
    let b = milter("b") + "listener = [\"127.0.0.1:2\"]\n";
    assert_eq!(faults(&format!("{apart}{a}{b}")), []);
}
