//! `evidence`: found, told and proven, before a gate that turns its files.

use rustix::process::Signal;

use crate::gate::{Pair, within};
use crate::house::House;

/// The names of the closed files.
fn closed(house: &House) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(house.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("evidence.jsonl.0"))
        .collect();
    names.sort();
    names
}

/// Every record of every file, packed ones by zcat. A gate that is running may turn or pack one
/// meanwhile: they are read again until none has moved.
fn everything(house: &House) -> Vec<serde_json::Value> {
    let found = std::cell::RefCell::new(String::new());
    within(60, "the files stand still", || {
        let names = closed(house);
        let still = names.iter().all(|name| !packing(name, &names));
        let texts: Option<String> = names.iter().map(|name| text(house, name)).collect();
        let current = std::fs::read_to_string(house.path("evidence.jsonl")).ok();
        let (Some(texts), Some(current)) = (texts, current) else { return false };
        found.replace(texts + &current);
        still && closed(house) == names
    });
    let text = found.into_inner();
    // The last line may just be being written.
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether this is a file that is not packed to the end, or what is being packed.
fn packing(name: &str, all: &[String]) -> bool {
    name.ends_with(".new") || all.contains(&format!("{name}.gz"))
}

fn text(house: &House, name: &str) -> Option<String> {
    let program = if name.ends_with(".gz") { "zcat" } else { "cat" };
    let out = std::process::Command::new(program).arg(house.path(name)).output().unwrap();
    out.status.success().then(|| String::from_utf8(out.stdout).ok())?
}

fn send(pair: &Pair, number: u32, to: &[&str]) -> Vec<String> {
    let mut client = pair.client();
    let mut replies = client.envelope(to);
    if replies.iter().any(|reply| reply.starts_with("250")) {
        replies.push(client.data(&format!("Message-ID: <{number}@corp.example>\r\n\r\nx")));
    }
    replies
}

#[test]
fn messages_are_found_in_turned_files_and_the_chain_is_proven() {
    let pair = Pair::start("", "[evidence]\nrotate_size = \"4KiB\"\n");
    pair.house.run(&["optout", "add", "bob@example.com"]).exits(0);
    let refusal = send(&pair, 0, &["bob@example.com"]).remove(0);
    assert!(send(&pair, 1, &["bob@example.com", "alice@example.com"])[2].starts_with("250"));
    // Until both are in a file that is packed.
    let number = std::cell::Cell::new(10);
    within(60, "two packed files", || {
        assert!(send(&pair, number.get(), &["carol@example.com"])[1].starts_with("250"));
        number.set(number.get() + 1);
        closed(&pair.house).iter().filter(|name| name.ends_with(".gz")).count() >= 2
    });
    let house = &pair.house;

    let told = house.run(&["evidence", "--recipient", "Bob+news@example.com"]).exits(0).out;
    assert_eq!(told.matches("refused: opted out").count(), 2, "{told}");
    // Without the address: the evidence holds none.
    let (_, words) = refusal.split_once('>').unwrap();
    assert!(told.contains(&format!("<***>{words}")), "{told}\n{refusal}");
    assert!(told.contains("no mail data came") && told.contains("<1@corp.example>"), "{told}");
    assert!(!told.contains("permitted"), "who else got it was not asked: {told}");
    let told = house.run(&["evidence", "--message-id", "1@corp.example"]).exits(0).out;
    assert!(told.contains("refused: opted out") && told.contains("permitted"), "{told}");
    assert!(told.contains("sender at corp.example, ") || told.contains("sender at corp.example\n"));
    assert!(told.contains("the smarthost took it: 250"), "{told}");
    let lines = house.run(&["-o", "json", "evidence", "--message-id", "<1@corp.example>"]).out;
    let records: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = records.iter().map(|r| r["record"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["decision", "decision", "intent", "outcome"]);
    assert!(records.iter().all(|record| everything(house).contains(record)), "as written");

    // By reference, as `why` takes it, and what it belongs to.
    let reference = records[0]["ref"].as_str().unwrap();
    let told = house.run(&["evidence", "--ref", reference]).exits(0).out;
    assert!(told.contains("<1@corp.example>"), "{told}");
    let why = house.run(&["why", reference]).exits(1).out;
    assert!(why.contains("opted out") && why.contains("accepted"), "{why}");

    let told = house.run(&["-o", "json", "evidence", "--client", "127.0.0.1", "--limit", "2"]);
    assert!(told.err.contains("2 messages are shown, and there are older ones"), "{}", told.err);
    assert!(told.err.contains("--limit all"), "{}", told.err);
    let last = format!("<{}@corp.example>", number.get() - 1);
    assert!(told.out.contains(&last) && !told.out.contains("<1@corp.example>"), "{}", told.out);
    let all = house.run(&["evidence", "--client", "127.0.0.1", "--limit", "all"]).exits(0);
    assert!(all.out.contains(&last) && all.out.contains("<1@corp.example>"), "{}", all.out);
    assert!(!all.err.contains("older ones"), "{}", all.err);
    for wrong in ["0", "every", "-1"] {
        house.run(&["evidence", "--client", "127.0.0.1", "--limit", wrong]).exits(64);
    }
    let none = ["evidence", "--client", "127.0.0.1", "--until", "2026-01-01"];
    assert!(house.run(&none).exits(1).err.contains("nothing of that"));
    house.run(&["evidence", "--client", "127.0.0.1", "--since", "2020-01-01"]).exits(0);
    house.run(&["evidence"]).exits(64);
    house.run(&["evidence", "--ref", "UUU"]).exits(65);
    house.run(&["evidence", "--client", "127.0.0.1", "--since", "1.2.2026"]).exits(64);

    // While the gate runs, and after.
    let first = house.run(&["evidence", "verify", "-o", "json"]).exits(0).json();
    assert_eq!(first["intact"], true);
    let kept = first["keep"].as_str().unwrap().to_owned();
    let Pair { house, gate, .. } = pair;
    gate.signal(Signal::TERM);
    assert_eq!(gate.wait().0, Some(0));
    let walk = house.run(&["evidence", "verify", "--head", &kept]).exits(0).out;
    assert!(walk.contains("lies on this chain") && walk.ends_with("intact\n"), "{walk}");
    assert!(!walk.contains("not sealed yet"), "a gate that ends seals everything: {walk}");
    let numbers: Vec<_> = everything(&house)
        .iter()
        .filter(|record| record["record"] == "file")
        .map(|record| record["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());

    // Somebody makes a refusal look like an older one.
    let other = kept.replace('a', "b").replace('1', "2");
    let walk = house.run(&["evidence", "verify", "--head", &other]).exits(1).out;
    assert!(walk.contains("\nnot proven: ") && !walk.contains("\nintact"), "{walk}");
    let walk = house.run(&["-o", "json", "evidence", "verify", "--head", &other]).exits(1).json();
    assert_eq!((&walk["intact"], &walk["proof"]), (&false.into(), &"other-head".into()));
    house.run(&["evidence", "verify", "--head", "x"]).exits(65);
    let text = std::fs::read_to_string(house.path("evidence.jsonl")).unwrap();
    std::fs::write(house.path("evidence.jsonl"), text.replace("corp.example", "c0rp.example"))
        .unwrap();
    let walk = house.run(&["evidence", "verify"]).exits(1).out;
    assert!(walk.contains("wrong: evidence.jsonl: bytes"), "{walk}");
    std::fs::write(house.path("evidence.jsonl"), text).unwrap();
    let second = &closed(&house)[1];
    std::fs::rename(house.path(second), house.path("elsewhere")).unwrap();
    let walk = house.run(&["evidence", "verify"]).exits(1).out;
    assert!(walk.contains("wrong: missing: file 2\n"), "{walk}");
    let file = house.path("evidence.jsonl");
    house.run(&["evidence", "verify", "--evidence", file.to_str().unwrap()]).exits(1);
}

#[test]
fn people_are_found_under_a_key_that_a_rekey_has_replaced() {
    let pair = Pair::start("", "");
    pair.house.run(&["optout", "add", "bob@example.com"]).exits(0);
    send(&pair, 0, &["bob@example.com"]);
    pair.house.run(&["ledger", "rekey"]).exits(0);
    send(&pair, 1, &["bob@example.com"]);
    let found = || {
        let lines = pair.house.run(&["-o", "json", "evidence", "--recipient", "bob@example.com"]);
        let records = lines.out.lines().map(|line| serde_json::from_str(line).unwrap());
        records.map(|record: serde_json::Value| record["person"].to_string()).collect::<Vec<_>>()
    };
    within(60, "both records", || found().len() == 2);
    let keys = found();
    assert_ne!(keys[0], keys[1], "under two keys");
}

#[test]
fn evidence_on_the_disk_before_the_dot_is_evidence_all_the_same() {
    let pair = Pair::start("", "[evidence]\nsync = \"always\"\nrotate_age = \"1s\"\n");
    for number in 0..20 {
        assert!(send(&pair, number, &["alice@example.com"])[1].starts_with("250"));
    }
    let records = everything(&pair.house);
    let count = |kind: &str| records.iter().filter(|record| record["record"] == kind).count();
    assert_eq!(count("intent"), 20);
    within(60, "a file that is old", || {
        send(&pair, 99, &["alice@example.com"]);
        !closed(&pair.house).is_empty()
    });
    pair.house.run(&["evidence", "verify"]).exits(0);
}

#[test]
fn evidence_without_its_seals_is_not_proven() {
    let house = House::with(crate::house::SMALL);
    // An old one, and one of a gate that has begun this second.
    let record = |time: &str| format!("{{\"record\":\"outcome\",\"time\":\"{time}\"}}\n");
    house.write("evidence.jsonl", record("2026-01-02T03:04:05.000000Z"));
    let walk = house.run(&["evidence", "verify"]).exits(1).out;
    assert!(walk.contains("not sealed yet: 1 record,"), "{walk}");
    assert!(walk.contains("\nnot proven: no seal") && !walk.contains("\nintact"), "{walk}");
    let now = std::process::Command::new("date").args(["-u", "+%FT%TZ"]).output().unwrap().stdout;
    house.write("evidence.jsonl", record(String::from_utf8(now).unwrap().trim()));
    let walk = house.run(&["evidence", "verify"]).exits(0).out;
    assert!(walk.ends_with("nothing to prove yet\n"), "{walk}");
}
