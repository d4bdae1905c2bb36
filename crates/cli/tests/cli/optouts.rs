//! `optout`, `why`, `replay`, without a gate: what is recorded and what is told.

use crate::house::{House, SMALL};

#[test]
fn an_address_that_was_added_is_refused_and_why_says_so() {
    let house = House::with(SMALL);
    let ran = house
        .run(&["optout", "add", "Bob@Example.com", "--date", "2026-03-02", "--reason", "a letter"])
        .exits(0);
    assert!(ran.out.contains("Bob@Example.com  opted out (entry 1)"), "{}", ran.out);
    assert!(ran.out.contains("No gate is running"), "{}", ran.out);
    let ran = house.run(&["why", "bob+news@example.com"]).exits(1);
    for words in [
        "bob+news@example.com must not be mailed",
        "550 5.7.1 <bob+news@example.com> opted out on 2026-03-02 (list manual)",
        "gate opt-out  refuse",
        "a letter",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    let json = house.run(&["-o", "json", "why", "bob@example.com"]).exits(1).json();
    assert_eq!(json["verdict"], "refuse");
    assert_eq!(json["entries"][0]["kind"], "opt-out");
    assert_eq!(json["gates"][1]["gate"], "opt-out");
    // Again is no error and adds nothing.
    let ran = house.run(&["optout", "add", "bob@example.com", "--date", "2026-03-02"]).exits(0);
    assert!(ran.out.contains("had opted out already (entry 1)"), "{}", ran.out);
    let ran = house.run(&["why", "eve@example.com"]).exits(0);
    assert!(ran.out.contains("eve@example.com may be mailed"), "{}", ran.out);
}

#[test]
fn addresses_are_recorded_together_or_not_at_all() {
    let house = House::with(SMALL);
    let ran = house.run(&["optout", "add", "a@example.com", "no address"]).exits(65);
    assert!(
        ran.err.contains("`no address`") && ran.err.contains("nothing was recorded"),
        "{}",
        ran.err
    );
    house.run(&["why", "a@example.com"]).exits(0);
    house.run(&["optout", "add", "a@example.com", "--date", "yesterday"]).exits(64);
    house.run(&["optout", "add", "a@example.com", "--source", "a b"]).exits(65);
    house.run(&["optout", "add"]).exits(64);
}

#[test]
fn why_without_an_answer_says_so() {
    let house = House::with(SMALL);
    house.run(&["why", "bob@example.com"]).exits(69);
    house.run(&["optout", "add", "bob@example.com"]).exits(0);
    house.write("evidence.jsonl", "");
    let ran = house.run(&["why", "01JD7F3K9Q2M8"]).exits(65);
    assert!(ran.err.contains("no decision"), "{}", ran.err);
    let ran = house.run(&["why", "what is this"]).exits(65);
    assert!(ran.err.contains("neither an address nor a reference"), "{}", ran.err);
    house.run(&["why", "a%b@example.com"]).exits(65);
}

#[test]
fn a_list_is_imported_with_its_bad_rows_told() {
    let house = House::with(SMALL);
    house.write(
        "list.csv",
        "Email Address;Opted out;Reason\r\nbob@example.com;2026-03-02;\"two\r\nlines\"\r\nEve <eve@example.org>;2026-01-02;\r\n",
    );
    let ran = house.run(&["optout", "import", "list.csv"]).exits(0);
    assert!(
        ran.out.contains("list.csv: 2 rows; 2 opt-outs recorded, 0 stood there already"),
        "{}",
        ran.out
    );
    let ran = house.run(&["why", "eve@example.org"]).exits(1);
    assert!(ran.out.contains("opted out on 2026-01-02 (list list.csv)"), "{}", ran.out);
    let again = house.run(&["-o", "json", "optout", "import", "list.csv"]).exits(0).json();
    assert_eq!((again["added"].as_u64(), again["seen"].as_u64()), (Some(0), Some(2)));

    house.write("bad.csv", "email\na@example.com\n02232014\n8/27/2015\n");
    let ran = house.run(&["optout", "import", "bad.csv"]).exits(65);
    assert!(ran.err.contains("nothing was recorded"), "{}", ran.err);
    house.run(&["why", "a@example.com"]).exits(0);
    let ran = house.run(&["optout", "import", "bad.csv", "--bad-rows", "80"]).exits(0);
    assert!(ran.out.contains("2 BAD ROWS"), "{}", ran.out);
    assert!(ran.out.contains("line 3"), "{}", ran.out);
    house.run(&["why", "a@example.com"]).exits(1);
    house.run(&["optout", "import", "gone.csv"]).exits(65);
}

#[test]
fn an_xml_list_is_imported_by_its_paths() {
    let house = House::with(SMALL);
    house.write(
        "shop.xml",
        "<customers><customer optout='1'><contact><email>bob@example.com</email></contact></customer><customer optout='0'><contact><email>eve@example.com</email></contact></customer></customers>",
    );
    let ran = house.run(&["optout", "import", "shop.xml"]).exits(65);
    assert!(ran.err.contains("--record"), "{}", ran.err);
    house
        .run(&[
            "optout",
            "import",
            "shop.xml",
            "--record",
            "/customers/customer[@optout='1']",
            "--email",
            "contact/email",
            "--scope",
            "all",
        ])
        .exits(0);
    house.run(&["why", "bob@example.com"]).exits(1);
    house.run(&["why", "eve@example.com"]).exits(0);
}

#[test]
fn replay_tells_who_would_be_refused() {
    let house = House::with(SMALL);
    house.run(&["optout", "add", "bob@example.com", "--date", "2026-03-02"]).exits(0);
    let input = "\u{feff}alice@example.com\r\n\r\n# a remark\r\nBOB@example.com\r\nnonsense\r\n";
    let ran = house.feed(&["replay", "-"], input).exits(1);
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines[0], "permit   alice@example.com");
    assert_eq!(lines[1], "refuse   BOB@example.com  opted out on 2026-03-02 (list manual)");
    assert!(lines[2].starts_with("invalid  line 5: nonsense: "), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
    assert!(ran.err.contains("1 would be permitted, 1 refused, 0 deferred"), "{}", ran.err);
    house.write("all-right.txt", "alice@example.com\n");
    house.run(&["replay", "all-right.txt"]).exits(0);
    house.write("no-address.txt", "nonsense\n");
    house.run(&["replay", "no-address.txt"]).exits(65);
    house.run(&["replay", "gone.txt"]).exits(65);
    let lines = house.feed(&["-q", "-o", "json", "replay", "--refused", "-"], input).exits(1);
    let lines: Vec<serde_json::Value> =
        lines.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["totals"][0]["refuse"], 1);
    assert_eq!((&lines[0]["line"], &lines[0]["verdict"]), (&4.into(), &"refuse".into()));
    assert_eq!((&lines[1]["line"], &lines[1]["verdict"]), (&5.into(), &"invalid".into()));
}

#[test]
fn a_list_that_was_never_loaded_makes_replay_say_try_again() {
    let house = House::with(&format!("{SMALL}[[source]]\nname = \"crm\"\ncsv = \"crm.csv\"\n"));
    house.write("crm.csv", "email\n");
    house.run(&["optout", "add", "bob@example.com"]).exits(0);
    let ran = house.feed(&["replay", "-"], "eve@example.com\n").exits(75);
    assert!(ran.out.contains("defer"), "{}", ran.out);
    assert!(ran.out.contains("list crm: it was never loaded"), "{}", ran.out);
    house.feed(&["replay", "-"], "bob@example.com\n").exits(1);
}

#[test]
fn other_person_rules_than_the_ledger_was_made_with_stop_every_command() {
    let house = House::with(SMALL);
    house.run(&["optout", "add", "bob@example.com"]).exits(0);
    house.write("optgate.toml", format!("{SMALL}[ledger]\nperson = {{ defaults = false }}\n"));
    let ran = house.run(&["why", "bob@example.com"]).exits(78);
    assert!(ran.err.contains("[ledger] person"), "{}", ran.err);
}

#[test]
fn plain_storage_is_a_setting() {
    let house = House::with(&format!("{SMALL}[ledger]\nstore = \"plain\"\n"));
    house.run(&["optout", "add", "Bob@example.com"]).exits(0);
    let why = house.run(&["-o", "json", "why", "bob@example.com"]).exits(1).json();
    assert_eq!(why["entries"][0]["plain"], "bob@example.com");
    let hashed = House::with(SMALL);
    hashed.run(&["optout", "add", "Bob@example.com"]).exits(0);
    let why = hashed.run(&["-o", "json", "why", "bob@example.com"]).exits(1).json();
    assert_eq!(why["entries"][0].get("plain"), None);
    for name in ["optgate.db", "optgate.db-wal"] {
        let bytes = std::fs::read(hashed.path(name)).unwrap_or_default();
        assert!(!bytes.windows(3).any(|w| w.eq_ignore_ascii_case(b"bob")), "{name}");
    }
}
