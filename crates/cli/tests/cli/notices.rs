//! Who was shown which greeting, from the configuration to the proof.

use crate::gate::{Pair, config, within};
use crate::house::House;

const READY: &str = "notice = { ready = [\"no-uce\", \"california-17538.45\"], country = \"US\", state = \"CA\", provider = \"Example Corp\" }\nnotice_version = \"2026-1\"";

fn records(house: &House, kind: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(house.path("evidence.jsonl")).unwrap();
    // The last line may just be being written.
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let records = whole.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.filter(|record| record["record"] == kind).collect()
}

#[test]
fn a_greeting_that_was_shown_can_be_proven_and_a_reload_shows_another() {
    let pair = Pair::start(READY, "");
    let house = &pair.house;
    let shown = house.run(&["config", "show"]).exits(0).out;
    assert!(shown.contains("ESMTP NO UCE C=US L=CA It is the policy of Example Corp"), "{shown}");
    let values = house.run(&["config", "show", "--changed", "-o", "json"]).exits(0).json();
    let checked = house.run(&["check", "-o", "json"]).json();
    let notice = values.as_array().unwrap().iter().find(|row| row["key"] == "notice").unwrap();
    assert!(notice["value"].as_str().unwrap().contains("no-uce"), "{notice}");
    let greetings = checked["greetings"].as_object().unwrap();
    assert_eq!(greetings.values().collect::<Vec<_>>(), [&notice["greeting"]]);
    assert!(notice["greeting"].as_str().unwrap().starts_with("220 gate.example.com ESMTP NO UCE"));
    assert!(house.run(&["check"]).out.contains(", version 2026-1:\n  220 "));

    let mut client = pair.client();
    client.envelope(&["alice@example.com"]);
    assert!(client.data("Message-ID: <1@corp.example>\r\n\r\nx").starts_with("250"));
    drop(client);
    drop(pair.client());
    within(60, "the record of a session without mail", || records(house, "notice").len() == 2);
    assert_eq!(records(house, "notice-text").len(), 1, "once");

    let told = house.run(&["evidence", "--client", "127.0.0.1"]).exits(0);
    assert!(told.out.contains("ESMTP NO UCE C=US L=CA It is the policy"), "{}", told.out);
    assert!(told.out.contains("2026-1") && told.out.contains("<1@corp.example>"), "{}", told.out);
    assert!(told.err.contains("the evidence is: "), "{}", told.err);
    // Which greeting the message came after: that of its own session.
    let message = told.out.lines().find(|line| line.contains("<1@corp.example>")).unwrap();
    assert!(message.starts_with("  message "), "{}", told.out);
    let intents = records(house, "intent");
    let (reference, session) = (&intents[0]["transaction"], &intents[0]["session"]);
    let (reference, session) = (reference.as_str().unwrap(), session.as_str().unwrap());
    let shown: Vec<_> = told.out.lines().take_while(|line| !line.is_empty()).collect();
    for line in &shown[1..] {
        let sent = line.contains(&format!(" {session} "));
        assert_eq!(line.ends_with(&format!("  {reference}")), sent, "{}", told.out);
        assert_eq!(line.ends_with("  -"), !sent, "{}", told.out);
    }
    assert_eq!(shown.len(), 3, "{}", told.out);
    house.run(&["evidence", "--client", "192.0.2.1"]).exits(1);

    let file = std::fs::read_to_string(house.path("optgate.toml")).unwrap();
    house.write("optgate.toml", file.replace("2026-1", "2026-2"));
    house.run(&["reload"]).exits(0);
    drop(pair.client());
    within(60, "the new one", || {
        records(house, "notice").iter().any(|record| record["version"] == "2026-2")
    });
    assert_eq!(records(house, "notice-text").len(), 2);
}

#[test]
fn check_shows_where_a_quote_of_a_word_processor_stands_and_what_to_type() {
    let house = House::empty();
    let lines = "notice = { ready = \"california-17538.45\", provider = \"Bob\u{2019}s Mail\", policy = \"https://example.com/mail\u{2010}policy\" }";
    house.write("optgate.toml", config("127.0.0.1:9", lines, ""));
    let told = house.run(&["check"]).exits(78).out;
    let line = 1 + config("127.0.0.1:9", lines, "").lines().position(|l| l == lines).unwrap();
    let column = |lines: &str, c: char| 1 + lines.chars().position(|one| one == c).unwrap();
    for (c, code, plain) in [('\u{2019}', "2019", "'"), ('\u{2010}', "2010", "-")] {
        let column = column(lines, c);
        assert!(told.contains(&format!("`{c}` (U+{code}) cannot stand in a greeting")), "{told}");
        assert!(told.contains(&format!("optgate.toml:{line}:{column}\n")), "{told}");
        assert!(told.contains(&format!("help: write {plain}\n")), "{told}");
    }
    let lines = "notice = \"No \u{201C}UCE\u{201D}.\"";
    house.write("optgate.toml", config("127.0.0.1:9", lines, ""));
    let told = house.run(&["check"]).exits(78).out;
    for c in ['\u{201C}', '\u{201D}'] {
        assert!(told.contains(&format!("`{c}` (U+")), "{told}");
        assert!(told.contains(&format!(":{}\n", column(lines, c))), "{told}");
    }
    assert!(told.contains("write \\\" (with the backslash"), "{told}");
}
