//! Each key of the configuration changes what the gate does.

use crate::gate::{Pair, Running, config, serve, stored, within};
use crate::house::House;
use crate::smtp::{Client, scripted, stuck};

/// A gate before a smarthost of a script.
fn before(smarthost: &'static [&'static str], listener: &str, more: &str) -> (House, Running) {
    let house = House::with(&config(&scripted(smarthost).to_string(), listener, more));
    let gate = serve(&house);
    (house, gate)
}

/// Replies of a smarthost up to the one to DATA.
const TAKES_DATA: &[&str] = &[
    "220 s.test ESMTP\r\n",
    "250 s.test\r\n",
    "250 2.1.0 ok\r\n",
    "250 2.1.5 ok\r\n",
    "354 go\r\n",
];

#[test]
fn hostname_and_notice_are_in_the_greeting() {
    let pair = Pair::start("notice = \"No UCE.\"", "");
    assert_eq!(Client::connect(pair.gate.address).reply(), "220 gate.example.com ESMTP No UCE.");
    assert!(pair.client().say("NOOP").starts_with("250"));
}

#[test]
fn allow_says_who_may_relay() {
    let pair = Pair::start("allow = [\"10.0.0.0/8\"]", "");
    assert!(Client::connect(pair.gate.address).reply().starts_with("554"));
}

#[test]
fn own_domains_have_a_postmaster_who_is_always_reached() {
    let pair = Pair::start("", "[limits]\n");
    pair.house.run(&["optout", "add", "postmaster@example.com", "postmaster@example.org"]).exits(0);
    let replies =
        pair.client().envelope(&["postmaster", "postmaster@example.com", "postmaster@example.org"]);
    assert!(replies[0].starts_with("250") && replies[1].starts_with("250"), "{replies:?}");
    assert!(replies[2].starts_with("550"), "{replies:?}");
}

#[test]
fn drop_answers_yes_and_forwards_nothing() {
    let pair = Pair::start("action = \"drop\"", "");
    pair.house.run(&["optout", "add", "bob@example.com"]).exits(0);
    let mut client = pair.client();
    let replies = client.envelope(&["bob@example.com", "alice@example.com"]);
    assert!(replies.iter().all(|r| r.starts_with("250")), "{replies:?}");
    assert!(client.data("Subject: a\r\n\r\nx").starts_with("250"));
    let side = std::fs::read_to_string(pair.house.path("mail/000001.json")).unwrap();
    assert!(side.contains("alice") && !side.contains("bob"), "{side}");
    client.envelope(&["bob@example.com"]);
    assert!(client.data("Subject: b\r\n\r\nx").starts_with("250"));
    assert_eq!(pair.stored().len(), 1);
}

#[test]
fn shadow_forwards_and_records() {
    let pair = Pair::start("action = \"shadow\"", "");
    pair.house.run(&["optout", "add", "bob@example.com"]).exits(0);
    let mut client = pair.client();
    client.envelope(&["bob@example.com"]);
    assert!(client.data("Subject: a\r\n\r\nx").starts_with("250"));
    assert_eq!(pair.stored().len(), 1);
    let evidence = std::fs::read_to_string(pair.house.path("evidence.jsonl")).unwrap();
    assert!(evidence.contains("\"verdict\":\"shadow\""), "{evidence}");
}

#[test]
fn contact_says_when_the_smarthost_must_be_there() {
    // Not a port that was free a moment ago: another test may have it by now.
    let nobody = "127.0.0.1:9";
    let house = House::with(&config(nobody, "", ""));
    let gate = serve(&house);
    let mut client = Client::greeted(gate.address);
    assert!(client.say("MAIL FROM:<a@a.test>").starts_with("250"));
    assert!(client.say("RCPT TO:<b@b.test>").starts_with("451"));
    drop(gate);
    let other = House::with(&config(&format!("{nobody}\"\ncontact = \"sender"), "", ""));
    let gate = serve(&other);
    assert!(Client::greeted(gate.address).say("MAIL FROM:<a@a.test>").starts_with("451"));
}

#[test]
fn a_silent_smarthost_is_given_up_after_its_timeouts() {
    // Silent from the start: a reply to a command.
    let more = "command_timeout = \"300ms\"\nconnect_timeout = \"200ms\"\n";
    let (_house, gate) = before(&[], "", more);
    let mut client = Client::greeted(gate.address);
    // It comes within the client's patience, which is less than the limits by default.
    assert!(client.envelope(&["b@b.test"])[0].starts_with("451"));
    // Silent after the dot.
    let (house, gate) = before(TAKES_DATA, "", "reply_timeout = \"300ms\"\n");
    let mut client = Client::greeted(gate.address);
    client.envelope(&["b@b.test"]);
    let reply = client.data("Subject: x\r\n\r\nx");
    assert!(reply.starts_with("451"), "{reply}");
    within(60, "an unknown outcome", || {
        std::fs::read_to_string(house.path("evidence.jsonl"))
            .unwrap()
            .contains("\"ending\":\"unknown\"")
    });
}

#[test]
fn evidence_goes_where_it_should_and_names_people_as_it_may() {
    let pair = Pair::start("", "[evidence]\npath = \"who.jsonl\"\nrecipient = \"plain\"\n");
    pair.client().envelope(&["bob@example.com"]);
    let says = |file: &str, word: &str| {
        std::fs::read_to_string(pair.house.path(file)).unwrap().contains(word)
    };
    within(60, "evidence", || says("who.jsonl", "bob@example.com"));
    let pair = Pair::start("", "[evidence]\npath = \"stdout\"\n[log]\npersonal = true\n");
    pair.client().envelope(&["bob@example.com"]);
    let out = || std::fs::read_to_string(pair.house.path("stdout")).unwrap();
    within(60, "evidence", || out().contains("\"record\":\"decision\""));
    assert!(!out().contains("bob"), "{}", out());
}

#[test]
fn the_log_names_people_only_if_it_may() {
    for (more, named) in [("", false), ("personal = true\n", true)] {
        let pair = Pair::start("", &format!("[log]\nlevel = \"debug\"\n{more}"));
        pair.house.run(&["optout", "add", "bob@example.com"]).exits(0);
        pair.client().envelope(&["bob@example.com"]);
        let Pair { gate, .. } = pair;
        gate.signal(rustix::process::Signal::TERM);
        let (_, log) = gate.wait();
        assert!(log.contains("recipient not permitted"), "{log}");
        assert_eq!(log.contains("bob@example.com"), named, "{log}");
    }
}

#[test]
fn the_log_has_its_level_and_format() {
    let pair = Pair::start("", "");
    let ready = pair.gate.log.last().unwrap();
    assert!(ready.contains("INFO ready listeners="), "{ready}");
    drop(pair);
    let house = House::with(&config("127.0.0.1:9", "", "[log]\nformat = \"json\"\n"));
    let gate = Running::start(&house, &["serve"], "\"listeners\":\"");
    let line: serde_json::Value = serde_json::from_str(gate.log.last().unwrap()).unwrap();
    assert_eq!(line["message"], "ready");
    drop(gate);
    let house = House::with(&config("127.0.0.1:9", "", "[log]\nlevel = \"error\"\n"));
    let mut child = house.command(&["serve"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    within(60, "the socket", || house.path("optgate.sock").exists());
    child.kill().unwrap();
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap(), "");
}

#[test]
fn paths_of_ledger_key_and_socket_are_settings() {
    let more = "[ledger]\npath = \"a.db\"\nkey_file = \"a.key\"\n[control]\nsocket = \"a.ctl\"\n";
    let pair = Pair::start("", more);
    for name in ["a.db", "a.key", "a.ctl"] {
        assert!(pair.house.path(name).exists(), "{name}");
    }
    pair.house.run(&["status"]).exits(0);
}

#[test]
fn limits_on_clients_hold() {
    let pair = Pair::start("", "[limits]\nconnections = 2\n");
    let (_one, _two) = (pair.client(), pair.client());
    assert!(Client::connect(pair.gate.address).reply().starts_with("421"));
    let pair = Pair::start("", "[limits]\nconnections_per_client = 1\n");
    let one = pair.client();
    assert!(Client::connect(pair.gate.address).reply().starts_with("421"));
    drop(one);
    within(60, "a place is free", || Client::connect(pair.gate.address).reply().starts_with("220"));
}

#[test]
fn limits_on_a_session_hold() {
    let more = "[limits]\nrecipients = 100\nmessage_size = \"64KiB\"\nerrors = 3\n";
    let pair = Pair::start("", more);
    let mut client = pair.client();
    let to: Vec<_> = (0..101).map(|n| format!("u{n}@example.com")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let replies = client.envelope(&to);
    assert!(replies[99].starts_with("250"), "{}", replies[99]);
    assert!(replies[100].starts_with("452"), "{}", replies[100]);
    client.say("RSET");
    client.envelope(&["a@example.com"]);
    let reply = client.data(&"0123456789\r\n".repeat(6000));
    assert!(reply.starts_with("552"), "{reply}");
    assert!(stored(&pair.house).is_empty());
    let mut client = pair.client();
    let replies: Vec<_> = (0..4).map(|_| client.say("BOGUS")).collect();
    assert!(replies.iter().all(|r| r.starts_with("500")), "{replies:?}");
    assert!(client.reply().starts_with("421"));
}

#[test]
fn silent_clients_are_given_up() {
    // What a test has to say in time is said before the time begins: each limit by itself.
    let pair = Pair::start("", "[limits]\ncommand_timeout = \"300ms\"\n");
    let mut client = Client::connect(pair.gate.address);
    assert!(client.reply().starts_with("220"));
    assert!(client.reply().starts_with("421"));
    let pair = Pair::start("", "[limits]\ndata_timeout = \"300ms\"\n");
    let mut client = pair.client();
    client.envelope(&["a@example.com"]);
    assert!(client.say("DATA").starts_with("354"));
    client.write(b"Subject: half");
    let end = client.reply();
    assert!(end.is_empty() || end.starts_with("421"), "{end}");
}

#[test]
fn a_smarthost_that_takes_no_data_is_given_up() {
    let stuck = stuck(TAKES_DATA).to_string();
    let house = House::with(&config(&stuck, "", "data_timeout = \"300ms\"\n"));
    let gate = serve(&house);
    let mut client = Client::greeted(gate.address);
    client.envelope(&["b@b.test"]);
    // More than all socket buffers between here and there hold.
    let reply = client.data(&"0123456789abcdef\r\n".repeat(2_000_000));
    assert!(reply.starts_with("451"), "{reply}");
}

#[test]
fn a_list_that_cannot_be_read_defers_and_its_coming_ends_that() {
    let house = House::empty();
    let sink = Running::start(&house, &["sink", "--listen", "127.0.0.1:0"], "listening on ");
    let source = "[[source]]\nname = \"crm\"\ncsv = \"crm.csv\"\n";
    house.write("optgate.toml", config(&sink.address.to_string(), "", source));
    let gate = serve(&house);
    let judged = |to: &str| Client::greeted(gate.address).envelope(&[to]).remove(0);
    let reply = judged("alice@example.com");
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    // What is unknown is told to the operator, not to the client.
    assert!(!reply.contains("crm"), "{reply}");
    let ran = house.run(&["status"]).exits(75);
    assert!(ran.out.contains("UNKNOWN: it was never loaded"), "{}", ran.out);
    house.write("crm.csv", "email\nbob@example.com\n");
    within(60, "the list", || judged("alice@example.com").starts_with("250"));
    assert!(judged("bob@example.com").contains("(list crm)"));
    house.write("crm.csv", "<html>not a list</html>\n");
    within(60, "the refusal", || {
        house.run(&["status"]).out.contains("last good reading is in force")
    });
    assert!(judged("bob@example.com").starts_with("550"));
    assert!(judged("alice@example.com").starts_with("250"));
}
