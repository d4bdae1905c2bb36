//! What the verifiers say of a ledger and of evidence that somebody has touched, and what may be
//! kept for ever.

use std::process::Command;

use crate::house::{House, Ran, SMALL};

/// Does to the ledger what anybody can who may write the file.
fn tamper(house: &House, sql: &str) {
    let sql = format!("PRAGMA foreign_keys = off; {sql}");
    let done = Command::new("sqlite3").arg(house.path("optgate.db")).arg(sql).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
}

fn verify(house: &House, words: &[&str]) -> Ran {
    let words: Vec<_> = ["-o", "json", "ledger", "verify"].iter().chain(words).copied().collect();
    house.run(&words)
}

/// Three entries with reasons, an event, and a new key.
fn filled() -> House {
    let house = House::with(SMALL);
    for address in ["a@example.com", "b@example.com", "c@example.com"] {
        house.run(&["consent", "add", address, "--reason", "signed at the fair"]).exits(0);
    }
    house.run(&["ledger", "rekey", "--reason", "yearly"]).exits(0);
    house
}

#[test]
fn an_erasure_without_a_record_is_found_and_one_with_it_is_not() {
    let house = filled();
    house.run(&["ledger", "checkpoint", "kept"]).exits(0);
    house.run(&["ledger", "erase", "a@example.com", "--reason", "ticket 311"]).exits(0);
    let found = verify(&house, &["--checkpoint", "kept"]).exits(0).json();
    assert_eq!((&found["intact"], &found["erased"]), (&true.into(), &1.into()), "{found}");
    tamper(&house, "UPDATE entry SET reason = NULL, salt = NULL WHERE position = 2");
    for words in [&[][..], &["--checkpoint", "kept"]] {
        let found = verify(&house, words).exits(1).json();
        assert_eq!((&found["intact"], &found["broken_at"]), (&false.into(), &2.into()), "{found}");
        assert!(found["what"].as_str().unwrap().contains("without a record of it"), "{found}");
    }
}

#[test]
fn each_way_to_touch_a_ledger_is_named_with_its_place() {
    for (sql, place, value) in [
        ("DELETE FROM entry WHERE position = 3", "broken_at", serde_json::json!(3)),
        (
            "UPDATE meta SET value = (SELECT hash FROM entry WHERE position = 2) WHERE name = \
             'head_hash'; UPDATE meta SET value = 2 WHERE name = 'head'; DELETE FROM entry WHERE \
             position = 3",
            "broken_event",
            1.into(),
        ),
        ("DELETE FROM hash_key WHERE number = 1", "broken_at", 1.into()),
        ("DELETE FROM hash_key WHERE number = 2", "broken_event", 1.into()),
        (
            "UPDATE hash_key SET fingerprint = zeroblob(32) WHERE number = 2",
            "broken_event",
            1.into(),
        ),
        ("INSERT INTO hash_key VALUES (3, 3, zeroblob(32), 1)", "broken_key", "00000003".into()),
        ("UPDATE hash_key SET fingerprint = x'00'", "what", serde_json::Value::Null),
    ] {
        let house = filled();
        tamper(&house, sql);
        let found = verify(&house, &[]).exits(1).json();
        assert_eq!(found["intact"], false, "{sql}: {found}");
        assert!(found["what"].is_string(), "{sql}: {found}");
        for name in ["broken_at", "broken_event", "broken_key"] {
            let expected = if name == place { &value } else { &serde_json::Value::Null };
            assert_eq!(&found[name], expected, "{sql}: {found}");
        }
        let text = house.run(&["ledger", "verify"]).exits(1).out;
        assert!(text.contains("NOT INTACT"), "{text}");
    }
    let house = House::with(SMALL);
    house.write("other", "no ledger".repeat(100));
    house.run(&["ledger", "verify", "--ledger", "other"]).exits(65);
}

#[test]
fn a_signature_that_was_not_checked_is_not_passed_over() {
    let house = filled();
    let openssl = |words: &[&str]| {
        let done =
            Command::new("openssl").args(words).current_dir(house.folder()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]);
    openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]);
    house.run(&["ledger", "checkpoint", "--sign", "key.pem", "signed"]).exits(0);
    house.run(&["ledger", "checkpoint", "bare"]).exits(0);
    house.run(&["optout", "add", "d@example.com"]).exits(0);
    let said = |words: &[&str]| {
        let words: Vec<_> =
            ["ledger", "verify", "--checkpoint"].iter().chain(words).copied().collect();
        house.run(&words).exits(0).out
    };
    let text = said(&["signed"]);
    assert!(
        text.contains("by 1 entry, and its signature was not checked (--public-key)"),
        "{text}"
    );
    let text = said(&["signed", "--public-key", "public.pem"]);
    assert!(text.contains("by 1 entry, whose signature fits"), "{text}");
    assert!(said(&["bare"]).contains("which is not signed"));
}

#[test]
fn nothing_that_is_kept_for_ever_names_an_address() {
    let house = House::with(&format!("{SMALL}[ledger]\nstore = \"plain\"\n"));
    house.write("l.csv", "email\na@example.com\n");
    let import = house.run(&["-o", "json", "optout", "import", "l.csv"]).exits(0).json();
    let id = import["import"].as_str().unwrap();
    let pat = "file held secretpat@example.com";
    for words in [
        &["optout", "import", "--undo", id, "--reason", pat][..],
        &["optout", "withdraw", "a@example.com", "--reason", pat],
        &["ledger", "rekey", "--reason", pat],
        &["ledger", "export", "--plain", "--purpose", pat],
        &["ledger", "erase", "a@example.com", "--reason", pat],
    ] {
        let ran = house.run(words).exits(65);
        assert!(ran.err.contains("kept for ever"), "{words:?}: {}", ran.err);
    }
    let events = house.run(&["-o", "json", "ledger", "events"]).exits(0).json();
    assert_eq!(events.as_array().map(Vec::len), Some(0), "{events}");
    let bytes = std::fs::read(house.path("optgate.db")).unwrap();
    assert!(!bytes.windows(9).any(|window| window == b"secretpat"));
}

#[test]
fn an_erasure_is_of_a_person_or_of_a_domain_and_of_somebody() {
    let house = House::with(SMALL);
    let reason = ["--reason", "ticket 311"];
    let erase = |words: &[&str], code: i32| {
        let words: Vec<_> =
            ["ledger", "erase"].iter().chain(words).chain(&reason).copied().collect();
        house.run(&words).exits(code).out
    };
    house.run(&["optout", "add", "a@rival.example", "--reason", "rude"]).exits(0);
    let add =
        ["optout", "add", "--domain", "rival.example", "--kind", "manual", "--reason", "asked"];
    house.run(&add).exits(0);
    let said = erase(&["b@example.com"], 1);
    assert!(said.contains("nothing is recorded about it"), "{said}");
    erase(&["--domain", "other.example"], 1);
    let events = house.run(&["-o", "json", "ledger", "events"]).exits(0).json();
    assert_eq!(events.as_array().map(Vec::len), Some(0), "{events}");

    let said = erase(&["--domain", "Rival.example"], 0);
    assert!(said.contains("fields of 1 entry erased, 0 held none (event 1)"), "{said}");
    assert!(said.contains("The evidence is not touched") && said.contains("\"hashed\""), "{said}");
    let export = ["-o", "json", "ledger", "export", "--plain", "--purpose", "a look"];
    let lines: Vec<serde_json::Value> = house
        .run(&export)
        .exits(0)
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((&lines[0]["reason"], &lines[0]["erased"]), (&"rude".into(), &false.into()));
    assert_eq!((&lines[1]["reason"], &lines[1]["erased"]), (&().into(), &true.into()));
    house.run(&["why", "x@rival.example"]).exits(1);
    erase(&["a@rival.example"], 0);
    erase(&["a@rival.example", "--domain", "rival.example"], 64);
    erase(&[], 64);
    house.run(&["ledger", "verify"]).exits(0);

    let house = House::with(&format!("{SMALL}[evidence]\nrecipient = \"plain\"\n"));
    house.run(&["optout", "add", "a@example.com"]).exits(0);
    let ran = house.run(&["ledger", "erase", "a@example.com", "--reason", "ticket 1"]).exits(0);
    assert!(ran.out.contains("names recipients in words"), "{}", ran.out);
}

#[test]
fn json_that_was_asked_for_is_what_an_export_writes() {
    let house = filled();
    let ran = house.run(&["-o", "json", "ledger", "export"]).exits(0);
    assert!(ran.out.lines().all(|line| line.starts_with('{')), "{}", ran.out);
    assert!(ran.err.contains("3 entries exported"), "{}", ran.err);
    let ran = house.run(&["-o", "json", "ledger", "export", "--format", "csv"]).exits(0);
    assert!(ran.out.starts_with("entry,kind"), "{}", ran.out);
    assert!(house.run(&["ledger", "export"]).exits(0).out.starts_with("entry,kind"));
}
