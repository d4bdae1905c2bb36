//! Who was shown which greeting, from the configuration to the proof.

use crate::gate::{Pair, within};
use crate::house::House;

const READY: &str = "notice = { ready = [\"no-uce\", \"california-17538.45\"], country = \"US\", state = \"CA\", provider = \"Example Corp\" }\nnotice_version = \"2026-1\"";

fn records(house: &House, kind: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(house.path("evidence.jsonl")).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.filter(|record| record["record"] == kind).collect()
}

#[test]
fn a_greeting_that_was_shown_can_be_proven_and_a_reload_shows_another() {
    let pair = Pair::start(READY, "");
    let house = &pair.house;
    let shown = house.run(&["config", "show"]).exits(0).out;
    assert!(shown.contains("ESMTP NO UCE C=US L=CA It is the policy of Example Corp"), "{shown}");
    assert!(house.run(&["check"]).out.contains(", version 2026-1:\n  220 "));

    let mut client = pair.client();
    client.envelope(&["alice@example.com"]);
    assert!(client.data("Message-ID: <1@corp.example>\r\n\r\nx").starts_with("250"));
    drop(client);
    drop(pair.client());
    within(10, "the record of a session without mail", || records(house, "notice").len() == 2);
    assert_eq!(records(house, "notice-text").len(), 1, "once");

    let told = house.run(&["evidence", "--client", "127.0.0.1"]).exits(0);
    assert!(told.out.contains("ESMTP NO UCE C=US L=CA It is the policy"), "{}", told.out);
    assert!(told.out.contains("2026-1") && told.out.contains("<1@corp.example>"), "{}", told.out);
    assert!(told.err.contains("the evidence is: "), "{}", told.err);
    house.run(&["evidence", "--client", "192.0.2.1"]).exits(1);

    let file = std::fs::read_to_string(house.path("optgate.toml")).unwrap();
    house.write("optgate.toml", file.replace("2026-1", "2026-2"));
    house.run(&["reload"]).exits(0);
    drop(pair.client());
    within(10, "the new one", || {
        records(house, "notice").iter().any(|record| record["version"] == "2026-2")
    });
    assert_eq!(records(house, "notice-text").len(), 2);
}
