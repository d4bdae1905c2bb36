//! The commands beside `serve`: what they say, and with which exit code.

use std::fs;
use std::time::Duration;

use e2e::{Aiosmtpd, free_port};
use e2e::{Client, Dialogue, Gate, Letter, Peers, Postfix, Scratch, Server, Setup, Smarthost, run};

use crate::SENDER;

/// A verb in a folder, without a gate.
fn optgate(scratch: &Scratch, words: &[&str]) -> e2e::Ran {
    let mut command = std::process::Command::new(Peers::get().optgate());
    command.args(words).current_dir(scratch.path()).env("NO_COLOR", "1");
    run(command.stdin(std::process::Stdio::null()), Duration::from_secs(60))
}

#[test]
fn check_names_every_error_with_its_place_at_once() {
    let scratch = Scratch::new();
    scratch.write(
        "broken.toml",
        "[smarthost]\naddres = \"relay.example:25\"\n\n[[listener]]\naddress = \"127.0.0.1:2525\"\n\
         allow = [\"10.0.0.0/8\", \"300.1.1.1/8\"]\naction = \"refuze\"\n",
    );
    let ran = optgate(&scratch, &["check", "--config", "broken.toml"]);
    assert_eq!(ran.code, 78, "{}", ran.text());
    let text = ran.text();
    for part in [
        "broken.toml:2:1",
        "addres",
        "address",
        "broken.toml:6:24",
        "300.1.1.1/8",
        "broken.toml:7:10",
        "refuse",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

#[test]
fn check_of_a_file_that_is_not_there_or_no_toml() {
    let scratch = Scratch::new();
    assert_eq!(optgate(&scratch, &["check", "--config", "missing.toml"]).code, 78);
    scratch.write("bad.toml", "[smarthost\n");
    let ran = optgate(&scratch, &["check", "--config", "bad.toml"]);
    assert_eq!(ran.code, 78);
    assert!(ran.text().contains("bad.toml:1"), "{}", ran.text());
}

#[test]
fn init_writes_a_file_that_check_likes_and_overwrites_none() {
    let scratch = Scratch::new();
    let ran = optgate(&scratch, &["init", "optgate.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let written = fs::read_to_string(scratch.path().join("optgate.toml")).unwrap();
    let ran = optgate(&scratch, &["check", "--config", "optgate.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert_ne!(optgate(&scratch, &["init", "optgate.toml"]).code, 0);
    assert_eq!(fs::read_to_string(scratch.path().join("optgate.toml")).unwrap(), written);
}

#[test]
fn wrong_words_are_a_usage_error() {
    let scratch = Scratch::new();
    assert_eq!(optgate(&scratch, &["surve"]).code, 64);
    assert_eq!(optgate(&scratch, &["serve", "--no-such-flag"]).code, 64);
    let ran = optgate(&scratch, &["--help"]);
    assert_eq!(ran.code, 0);
    for verb in [
        "demo",
        "init",
        "serve",
        "check",
        "config",
        "status",
        "optout",
        "why",
        "replay",
        "sink",
        "completions",
    ] {
        assert!(ran.out.contains(verb), "--help does not tell of {verb}:\n{}", ran.out);
    }
}

#[test]
fn completions_are_shell_scripts() {
    let scratch = Scratch::new();
    let ran = optgate(&scratch, &["completions", "bash"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.out.contains("optout"));
    scratch.write("completions.bash", &ran.out);
    let mut bash = std::process::Command::new("bash");
    bash.arg("-n").arg(scratch.path().join("completions.bash"));
    assert_eq!(run(&mut bash, Duration::from_secs(20)).code, 0);
}

#[test]
fn why_tells_of_an_address_and_of_a_reference_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let reply = gate.verdict("bob@example.com");
    let (_, reference) = reply.text.rsplit_once("ref ").expect("the refusal has a reference");
    assert_eq!(reference.len(), 13, "{reply:?}");
    // Written behind the reply.
    assert_eq!(gate.records("decision", 1).len(), 1, "{}", gate.log());

    for question in ["bob@example.com", "Bob+x@Example.COM", reference] {
        let ran = gate.ask(&["why", question, "--config", "optgate.toml"]);
        assert_eq!(ran.code, 1, "opted out is the negative answer: {}", ran.text());
        assert!(ran.out.contains("crm.csv"), "{question}: {}", ran.out);
        assert!(ran.out.contains("2026-03-02"), "{question}: {}", ran.out);
    }
    let ran = gate.ask(&["why", "alice@example.com", "--config", "optgate.toml", "-o", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(serde_json::from_str::<serde_json::Value>(&ran.out).is_ok(), "{}", ran.out);
}

#[test]
fn replay_tells_who_would_be_refused_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    fs::write(
        gate.folder().join("list.txt"),
        "alice@example.com\nBOB@example.com\n\ncarol+1@example.com\n",
    )
    .unwrap();
    let ran = gate.ask(&["replay", "list.txt", "--config", "optgate.toml"]);
    assert!(
        ran.out.contains("BOB@example.com") || ran.out.contains("bob@example.com"),
        "{}",
        ran.text()
    );
    assert!(ran.out.contains("carol+1@example.com"), "{}", ran.text());
    let ran = gate.ask(&["replay", "list.txt", "--config", "optgate.toml", "-o", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&ran.out)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {}", ran.text()));
    assert!(!rows.is_empty());
}

#[test]
fn status_tells_of_the_running_gate_and_its_lists_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let ran = gate.ask(&["status", "--config", "optgate.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.out.contains("crm.csv"), "{}", ran.out);
    let ran = gate.ask(&["status", "--config", "optgate.toml", "-o", "json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&ran.out).is_ok(), "{}", ran.out);
    assert_eq!(gate.stop(), Some(0), "{}", gate.log());
    let ran = gate.ask(&["status", "--config", "optgate.toml"]);
    assert_eq!(ran.code, 69, "no gate is running: {}", ran.text());
}

#[test]
fn an_opt_out_without_a_gate_is_there_when_it_starts_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    gate.stop();
    let ran = gate.ask(&["optout", "add", "ivan@example.com", "--config", "optgate.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    gate.restart();
    assert_eq!(gate.verdict("ivan@example.com").code, 550);
}

#[test]
fn an_import_is_enforced_when_the_command_returns_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let rows: String = (0..2000).map(|i| format!("{i};former{i}@example.com;gone\n")).collect();
    fs::write(gate.folder().join("old.csv"), format!("id;mail;note\n{rows}")).unwrap();
    let ran = gate.ask(&["optout", "import", "old.csv", "--config", "optgate.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    for number in [0, 7, 1999] {
        assert_eq!(gate.verdict(&format!("former{number}@example.com")).code, 550);
    }
}

#[test]
fn the_sink_takes_what_swaks_sends_and_stores_it() {
    let scratch = Scratch::new();
    let listen = free_port();
    let folder = scratch.folder("stored", None, 0o755);
    let mut command = std::process::Command::new(Peers::get().optgate());
    command.args(["sink", "--listen", &listen.to_string(), "--dir"]).arg(&folder);
    let mut sink = Server::start("optgate sink", &mut command, scratch.path().join("sink.log"));
    sink.wait_ready(Duration::from_secs(30), || Dialogue::open(listen).is_ok());
    for letter in Letter::all() {
        let told = Client::Swaks.send(&scratch, listen, SENDER, &["a@example.com"], &letter);
        assert!(told.accepted, "{}", told.text);
        let stored = fs::read_dir(&folder).unwrap().flatten().any(|file| {
            let content = fs::read(file.path()).unwrap();
            content.windows(letter.content.len()).any(|part| part == letter.content)
        });
        assert!(stored, "{} is not stored as it was sent", letter.name);
    }
}

#[test]
fn config_show_tells_every_value_and_where_it_comes_from() {
    let scratch = Scratch::new();
    scratch.write("optgate.toml", "[smarthost]\naddress = \"relay.example:25\"\n\n[[listener]]\naddress = \"127.0.0.1:2525\"\n");
    let ran = optgate(&scratch, &["config", "show", "--config", "optgate.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.out.contains("relay.example:25"), "{}", ran.out);
    assert!(ran.out.contains("default"), "{}", ran.out);
}

#[test]
fn the_log_and_the_replies_hold_no_address_unless_set_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    gate.verdict("bob@example.com");
    let letter = Letter::plain("log");
    gate.dialogue().mail(SENDER, &["alice@example.com"], &letter.content).unwrap();
    let log = gate.log();
    assert!(!log.contains("bob@") && !log.contains("alice@"), "{log}");
}
