//! `why` and `replay` with streams: what is said of each, and of each entry.

use crate::house::{House, SMALL};

const STREAMS: &str = "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nsender = [\"<>\", \"@erp.corp.example\"]\n\
     [[stream]]\nname = \"news\"\nscopes = [\"news\"]\nheader = { List-Id = [\"*news*\"] }\nclient = [\"10.1.0.0/16\"]\n\
     [[stream]]\nname = \"agreed\"\npermission = \"opt-in\"\nsender = [\"@agreed.corp.example\"]\n";

fn house() -> House {
    House::with(&format!("{SMALL}{STREAMS}"))
}

#[test]
fn why_tells_for_each_stream_and_what_became_of_each_entry() {
    let house = house();
    house.run(&["optout", "add", "bob@example.com", "--date", "2026-03-02"]).exits(0);
    house
        .run(&[
            "consent",
            "add",
            "bob@example.com",
            "--scope",
            "news",
            "--date",
            "2026-03-05",
            "--reason",
            "signed",
        ])
        .exits(0);
    let ran = house.run(&["why", "bob@example.com"]).exits(1);
    for words in [
        "bob@example.com must not be mailed on agreed, default; may be on receipts, news",
        "receipts (transactional)",
        "news (commercial, about news)",
        "agreed (commercial, consent needed)",
        "entry 1 on receipts: is about other mail",
        "entry 1 on news: was ended by the later consent in entry 2",
        "entry 1 on default: stops this mail",
        "entry 2 on news: permits this mail",
        "entry 2 on default: is about other mail",
        "there is no evidence file",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    let news = house.run(&["why", "bob@example.com", "--stream", "news"]).exits(0);
    assert!(news.out.contains("bob@example.com may be mailed"), "{}", news.out);
    let tagged = house.run(&["why", "Bob+x@example.com", "--stream", "news"]).exits(1);
    assert!(tagged.out.contains("is the consent of another spelling"), "{}", tagged.out);
    let other = house.run(&["why", "bob@example.com", "--stream", "nwes"]).exits(65);
    assert!(other.err.contains("there is: receipts, news, agreed, default"), "{}", other.err);
    let json = house.run(&["-o", "json", "why", "bob@example.com"]).exits(1).json();
    assert_eq!(json["streams"][1]["stream"], "news");
    assert_eq!(json["streams"][1]["verdict"], "permit");
    assert_eq!(json["entries"][0]["standing"][1]["counts"], false);
    assert_eq!(json["person_keys"][0].as_str().unwrap().len(), 32);
}

#[test]
fn why_tells_by_whom_an_entry_was_taken_back_and_of_whole_domains() {
    let house = house();
    house.run(&["optout", "add", "bob@example.com", "--date", "2026-03-02"]).exits(0);
    let reason = ["--reason", "a typing error"];
    house.run(&["optout", "withdraw", "--entry", "1", reason[0], reason[1]]).exits(0);
    let ran = house.run(&["why", "bob@example.com", "--stream", "default"]).exits(0);
    assert!(ran.out.contains("entry 1 was taken back by entry 2 on "), "{}", ran.out);
    assert!(ran.out.contains(": a typing error"), "{}", ran.out);
    assert!(ran.out.contains("entry 2 takes entry 1 back"), "{}", ran.out);
    house.run(&["optout", "add", "--domain", "example.org", "--scope", "all"]).exits(0);
    let ran = house.run(&["why", "eve@example.org"]).exits(1);
    assert!(ran.out.contains("opt-out (whole domain)"), "{}", ran.out);
    let ran = house.run(&["why", "abuse@example.org", "--stream", "default"]).exits(0);
    assert!(ran.out.contains("this is one of its role addresses"), "{}", ran.out);
}

#[test]
fn a_rule_that_takes_everything_leaves_nothing_to_the_default() {
    let house = House::with(&format!("{SMALL}[[stream]]\nname = \"rest\"\nscopes = [\"a\"]\n"));
    house.run(&["optout", "add", "bob@example.com", "--scope", "b"]).exits(0);
    let ran = house.run(&["why", "bob@example.com"]).exits(0);
    assert!(ran.out.contains("rest (commercial, about a)"), "{}", ran.out);
    assert!(!ran.out.contains("default"), "{}", ran.out);
}

#[test]
fn a_list_is_asked_about_on_every_stream_or_one() {
    let house = house();
    house.run(&["optout", "add", "bob@example.com", "--date", "2026-03-02"]).exits(0);
    house.write("list.txt", "alice@example.com\nbob@example.com\n");
    let ran = house.run(&["replay", "list.txt", "--refused"]).exits(1);
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", ran.out);
    assert_eq!(
        lines[0],
        "refuse   alice@example.com  on agreed  has not agreed to get \"agreed\" mail"
    );
    assert_eq!(
        lines[1],
        "refuse   bob@example.com  on news  opted out on 2026-03-02 (list manual)"
    );
    assert!(ran.err.contains("receipts: 2 would be permitted, 0 refused"), "{}", ran.err);
    assert!(ran.err.contains("news: 1 would be permitted, 1 refused, 0 deferred (manual 1)"));
    house.run(&["replay", "list.txt", "--stream", "receipts"]).exits(0);
}

#[test]
fn a_column_of_a_table_is_read_as_a_source_would_be() {
    let house = house();
    house.run(&["optout", "add", "bob@example.com", "--date", "2026-03-02"]).exits(0);
    house.write("c.csv", "id;Email Address;backup\n1;\"Bob <Bob@example.com>\";x@example.com\n2;eve@example.com;bob@example.com\n3;;\n");
    let ran = house.run(&["replay", "c.csv", "--stream", "default"]).exits(1);
    assert!(
        ran.out.contains("refuse   Bob@example.com") && ran.out.contains("eve@"),
        "{}",
        ran.out
    );
    let ran = house.run(&["replay", "c.csv", "--column", "backup", "--stream", "default"]).exits(1);
    assert!(ran.out.contains("refuse   bob@example.com"), "{}", ran.out);
    assert!(ran.out.contains("permit   x@example.com"), "{}", ran.out);
    let ran = house.run(&["replay", "c.csv", "--column", "nobody"]).exits(65);
    assert!(ran.err.contains("nobody"), "{}", ran.err);
    let ran = house.run(&["replay", "-", "--format", "csv"]).exits(65);
    assert!(ran.err.contains("name a file"), "{}", ran.err);
}

/// Lines as Postfix and Exim write them.
const POSTFIX: &str = "\
Nov 22 08:35:40 mail postfix/smtpd[4]: AAAAA1: client=erp[10.9.9.9]
Nov 22 08:35:40 mail postfix/qmgr[4]: AAAAA1: from=<invoice@erp.corp.example>, size=381, nrcpt=1 (queue active)
Nov 22 08:35:41 mail postfix/smtp[4]: AAAAA1: to=<bob@example.com>, relay=mx[192.0.2.25]:25, delay=0.3, dsn=2.0.0, status=sent (250 Ok)
Nov 22 08:35:41 mail postfix/qmgr[4]: AAAAA1: removed
Nov 22 08:36:40 mail postfix/smtpd[4]: BBBBB1: client=crm[10.1.2.3]
Nov 22 08:36:40 mail postfix/qmgr[4]: BBBBB1: from=<offers@corp.example>, size=381, nrcpt=2 (queue active)
Nov 22 08:36:41 mail postfix/smtp[4]: BBBBB1: to=<bob@example.com>, relay=none, delay=1, dsn=4.4.1, status=deferred (no)
Nov 22 08:36:41 mail postfix/smtp[4]: BBBBB1: to=<alice@example.com>, relay=mx[192.0.2.25]:25, dsn=2.0.0, status=sent (250 Ok)
Nov 22 08:46:41 mail postfix/smtp[4]: BBBBB1: to=<bob@example.com>, relay=mx[192.0.2.25]:25, dsn=2.0.0, status=sent (250 Ok)
Nov 22 08:47:41 mail postfix/smtp[4]: CCCCC1: to=<bob@example.com>, relay=mx[192.0.2.25]:25, dsn=2.0.0, status=sent (250 Ok)
";

#[test]
fn a_log_is_assigned_to_streams_by_its_envelopes() {
    let house = house();
    // About the list `news` alone: what the header decides, differs.
    house
        .run(&["optout", "add", "bob@example.com", "--scope", "spring", "--date", "2026-03-02"])
        .exits(0);
    house.write("mail.log", POSTFIX);
    let ran = house.run(&["replay", "mail.log"]).exits(1);
    let lines: Vec<_> = ran.out.lines().collect();
    let expected = [
        "permit   bob@example.com  on receipts",
        "provisional  bob@example.com  on news or default  the header decides; opted out of \"spring\" on 2026-03-02 (list manual)",
        "permit   alice@example.com  on news or default",
        "refuse   bob@example.com  on default  opted out of \"spring\" on 2026-03-02 (list manual)",
    ];
    assert_eq!(lines, expected);
    assert!(
        ran.err.contains("news or default: 1 would be permitted, 0 refused, 0 deferred, 1 decided by their header"),
        "{}",
        ran.err
    );
    let json = house.run(&["-o", "json", "replay", "mail.log"]).exits(1);
    let last: serde_json::Value = serde_json::from_str(json.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["recipients"], 4);
    assert_eq!(last["totals"][0]["stream"], "receipts");
    let exim = "2026-11-22 08:35:40 1tEaBc-000001-0X <= a@erp.corp.example H=erp [10.1.2.3] P=esmtp S=3\n\
                2026-11-22 08:35:40 1tEaBc-000001-0X => bob@example.com R=dnslookup T=remote_smtp\n";
    let ran = house.feed(&["replay", "-"], exim).exits(0);
    assert_eq!(ran.out, "permit   bob@example.com  on receipts\n");
}

#[test]
fn reports_say_what_they_have_and_have_not() {
    let house = house();
    house.run(&["optout", "add", "bob@example.com", "--date", "2026-03-02"]).exits(0);
    let ran = house.run(&["report", "deadlines"]).exits(0);
    assert!(ran.out.contains("There is no evidence file yet"), "{}", ran.out);
    assert!(ran.out.contains("2026-03-16") && ran.out.contains("LATE"), "{}", ran.out);
    let json = house.run(&["-o", "json", "report", "deadlines"]).exits(0);
    let lines: Vec<serde_json::Value> =
        json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["deadline"], "2026-03-16");
    assert_eq!(lines[1]["summary"]["late"], 1);
    house.run(&["report", "shadow"]).exits(69);
    house.write("evidence.jsonl", "");
    let ran = house.run(&["report", "shadow"]).exits(0);
    assert!(ran.out.contains("No listener only watches"), "{}", ran.out);
    let ran = house.run(&["report", "streams"]).exits(0);
    assert!(ran.out.contains("No mail was on: receipts, news, agreed"), "{}", ran.out);
    house.run(&["report", "streams", "--since", "yesterday"]).exits(64);
    let ran = house.run(&["report", "findings"]).exits(0);
    assert!(ran.out.contains("The evidence holds no finding."), "{}", ran.out);
    let finding = "{\"record\":\"finding\",\"time\":\"2026-05-04T12:00:00Z\",\"transaction\":\"T1\",\"gate\":\"gate a\",\"verdict\":\"shadow\",\"stream\":\"news\",\"reason\":\"no Date\\u001b\"}\n";
    house.write("evidence.jsonl", finding);
    let ran = house.run(&["report", "findings"]).exits(0);
    let row: Vec<&str> = ran.out.lines().last().unwrap().split_whitespace().collect();
    let start = ["gate", "a", "shadow", "news", "1", "2026-05-04", "T1", "no"];
    assert_eq!(row[..8], start, "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "nothing that moves a terminal");
}

#[test]
fn why_shows_the_proof_both_times_and_what_was_erased() {
    let house = House::with(SMALL);
    let proof = ["ip=192.0.2.7", "form=https://corp.example/stop", "text-version=7"];
    let mut words = vec!["optout", "add", "bob@example.com", "--date", "2026-03-02"];
    words.extend(["--reason", "said \"no\" twice"]);
    words.extend(proof.iter().flat_map(|proof| ["--evidence", *proof]));
    house.run(&words).exits(0);
    let ran = house.run(&["why", "bob@example.com"]).exits(1);
    for words in [
        "asked",
        "recorded",
        "2026-03-02",
        "said \"no\" twice",
        "192.0.2.7",
        "https://corp.example/stop",
        "text-version",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    house
        .run(&["ledger", "erase", "bob@example.com", "--reason", "asked to be forgotten"])
        .exits(0);
    let ran = house.run(&["why", "bob@example.com"]).exits(1);
    assert!(ran.out.contains("  erased"), "{}", ran.out);
    assert!(!ran.out.contains("192.0.2.7") && !ran.out.contains("twice"), "{}", ran.out);
    house.write("list.csv", "email\neve@example.com\n");
    house.run(&["optout", "import", "list.csv"]).exits(0);
    let ran = house.run(&["why", "eve@example.com"]).exits(1);
    assert!(ran.out.contains("not said") && !ran.out.contains("erased"), "{}", ran.out);
}

#[test]
fn the_reason_of_a_withdrawal_that_was_erased_is_not_told_as_never_given() {
    let house = House::with(SMALL);
    house.run(&["optout", "add", "bob@example.com"]).exits(0);
    house.run(&["optout", "withdraw", "--entry", "1", "--reason", "a typing error"]).exits(0);
    house.run(&["ledger", "erase", "bob@example.com", "--reason", "asked"]).exits(0);
    let ran = house.run(&["why", "bob@example.com"]).exits(0);
    let line = ran.out.lines().find(|line| line.contains("was taken back by")).unwrap();
    assert!(line.ends_with(": erased"), "{}", ran.out);
}

#[test]
fn replay_says_no_to_what_it_does_not_understand() {
    let house = House::with(&format!("{SMALL}{STREAMS}"));
    house.run(&["optout", "add", "other@example.com"]).exits(0);
    let list = (0..25).fold(String::new(), |all, n| all + &format!("nonsense \u{1b}[31m {n}\n"));
    for (words, text, said) in [
        (
            &["replay", "f", "--format", "postfix"][..],
            "garbage\n",
            "no delivery found in it; is it a Postfix log?",
        ),
        (&["replay", "f", "--format", "exim"], "garbage\n", "is it the main log of Exim?"),
        (
            &["replay", "f"],
            "Nov 22 08:35:40 mail postfix/smtpd[4]: connect from x[10.0.0.1]\n",
            "is it a Postfix log?",
        ),
        (&["replay", "f"], "# nothing\n", "no address found in it"),
        (&["replay", "f"], "\u{7f}ELF\0\0\n", "this is not a text file"),
        (&["replay", "f"], list.as_str(), "no address found in it"),
        (&["replay", "f", "--column", "Foo"], "email,b\nbob@example.com,1\n", "set `--column`"),
    ] {
        house.write("f", text);
        let ran = house.run(words).exits(65);
        assert!(ran.err.contains(said), "{}", ran.err);
        assert!(!ran.err.contains("nothing to ask") && !ran.out.contains('\u{1b}'), "{}", ran.err);
    }
    house.write("f", &list);
    let ran = house.run(&["replay", "f"]).exits(65);
    assert_eq!(ran.out.lines().count(), 10, "each once, the first ten: {}", ran.out);
    assert!(ran.err.contains("15 further lines are no addresses"), "{}", ran.err);
    assert!(ran.err.contains("25 are no addresses"), "{}", ran.err);
    let json = house.run(&["-o", "json", "replay", "f"]).exits(65);
    assert_eq!(json.out.lines().count(), 26, "{}", json.out);
    house.write("f", "bob@example.com\nnonsense\n");
    let ran = house.run(&["replay", "f", "--stream", "default"]).exits(65);
    assert!(ran.err.contains("1 is no address"), "{}", ran.err);
}

#[test]
fn a_time_that_ends_before_it_begins_is_a_mistake() {
    let house = House::with(SMALL);
    for what in [
        &["report", "deadlines"][..],
        &["report", "shadow"],
        &["report", "streams"],
        &["report", "findings"],
        &["evidence", "--recipient", "a@example.com"],
    ] {
        let words = [what, &["--since", "2026-03-02", "--until", "2026-03-01"]].concat();
        let ran = house.run(&words).exits(64);
        assert!(ran.err.contains("later than --until"), "{}", ran.err);
    }
}

#[test]
fn a_recipient_the_smarthost_refused_is_not_told_as_sent() {
    let house = House::with(SMALL);
    house.run(&["optout", "add", "eve@example.com"]).exits(0);
    let json = house.run(&["-o", "json", "why", "bob@example.com"]).exits(0).json();
    let (exact, person) = (&json["exact_keys"][0], &json["person_keys"][0]);
    let both = "\"time\":\"2026-05-04T12:00:00Z\",\"session\":\"s\",\"client\":\"10.1.2.3\",\"transaction\":\"01JD7F3K9Q2M8\",\"stream\":\"default\"";
    house.write(
        "evidence.jsonl",
        format!(
            "{{\"record\":\"decision\",{both},\"ref\":\"01JD7F3K9Q2M9\",\"listener\":\"127.0.0.1:25\",\"recipient\":{exact},\"person\":{person},\"verdict\":\"permit\",\"gate\":\"smarthost\",\"epoch\":1,\"reply\":{{\"code\":550,\"text\":\"5.1.1 User \\\"bob\\\" unknown\"}}}}\n\
             {{\"record\":\"outcome\",{both},\"recipients\":1,\"dropped\":0,\"bytes\":1,\"duration_ms\":1,\"ending\":\"accepted\"}}\n"
        ),
    );
    let why = house.run(&["why", "bob@example.com"]).exits(0).out;
    assert!(
        why.contains("Before: 0 sent, 0 refused, 0 deferred, 1 refused by the smarthost"),
        "{why}"
    );
    assert!(why.contains("550 5.1.1 User \"bob\" unknown"), "{why}");
    let told = house.run(&["evidence", "--recipient", "bob@example.com"]).exits(0).out;
    assert!(told.contains("permitted, refused by the smarthost"), "{told}");
    assert!(told.contains("1 byte, for 1 recipient"), "{told}");
    let told = house.run(&["why", "01JD7F3K9Q2M9"]).exits(0).out;
    assert!(told.contains("permit, and not taken by the smarthost"), "{told}");
}
