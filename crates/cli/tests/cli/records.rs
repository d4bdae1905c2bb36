//! Entries of every kind, taken back, proven and copied, without a gate.

use crate::house::{House, SMALL};

#[test]
fn what_may_expire_and_what_may_not() {
    let house = House::with(SMALL);
    let add = |words: &[&str], code: i32| {
        let words: Vec<_> =
            ["optout", "add", "a@example.com"].iter().chain(words).copied().collect();
        house.run(&words).exits(code)
    };
    add(&["--kind", "undeliverable", "--expires", "2199-01-01"], 0);
    for kind in ["opt-out", "complaint", "manual"] {
        let ran = add(&["--kind", kind, "--expires", "2199-01-01"], 65);
        assert!(ran.err.contains("has no expiry"), "{}", ran.err);
    }
    let ran = add(&["--kind", "undeliverable", "--expires", "2020-01-01"], 65);
    assert!(ran.err.contains("over already"), "{}", ran.err);
    add(&["--kind", "withdrawn"], 64);
    add(&["--evidence", "no value"], 64);
    add(&["--evidence", "ip=1", "--evidence", "ip=2"], 64);
    // Nothing of what was refused is there.
    let imports = house.run(&["-o", "json", "ledger", "export", "--format", "json"]).exits(0);
    assert_eq!(imports.out.lines().count(), 1, "{}", imports.out);
}

#[test]
fn a_consent_needs_a_proof_and_a_past() {
    let house = House::with(SMALL);
    house.run(&["optout", "add", "a@example.com", "--date", "2026-01-02"]).exits(0);
    let add = |words: &[&str], code: i32| {
        let words: Vec<_> =
            ["consent", "add", "a@example.com"].iter().chain(words).copied().collect();
        house.run(&words).exits(code)
    };
    add(&[], 64);
    add(&["--reason", " "], 65);
    add(&["--reason", "fair", "--date", "2199-01-01"], 65);
    let ran = add(&["--reason", "bought", "--basis", "inquiry", "--date", "2020-01-01"], 65);
    assert!(ran.err.contains("lapsed on 2020-07-01"), "{}", ran.err);
    // The same day is not later.
    add(&["--reason", "fair", "--date", "2026-01-02"], 0);
    house.run(&["why", "a@example.com"]).exits(1);
    add(&["--evidence", "form=f", "--date", "2026-01-03"], 0);
    house.run(&["why", "a@example.com"]).exits(0);
    house.run(&["why", "a+tag@example.com"]).exits(1);
    house.run(&["consent", "withdraw", "a@example.com", "--reason", "a mistake"]).exits(0);
    house.run(&["why", "a@example.com"]).exits(1);

    house.write("c.csv", "email,date\nb@example.com,2026-01-03\nc@example.com,\n");
    let ran = house.run(&["consent", "import", "c.csv", "--bad-rows", "60"]).exits(65);
    assert!(ran.err.contains("nothing proves"), "{}", ran.err);
    let words = ["-o", "json", "consent", "import", "c.csv", "--bad-rows", "60"];
    let words: Vec<_> = words.iter().chain(&["--evidence", "form=f"]).copied().collect();
    let outcome = house.run(&words).exits(0).json();
    assert_eq!((&outcome["added"], &outcome["bad"]), (&1.into(), &1.into()), "{outcome}");
}

#[test]
fn what_is_told_of_an_entry_is_what_holds() {
    let house = House::with(SMALL);
    let json = |words: &[&str]| house.run(&[&["-o", "json"], words].concat()).exits(0).json();
    house.run(&["optout", "add", "a@example.com", "--date", "2026-03-01"]).exits(0);
    let consent = ["consent", "add", "a@example.com", "--reason", "fair", "--date"];
    let ran = house.run(&[&consent[..], &["2026-03-01"]].concat()).exits(0);
    assert!(
        ran.out.contains(
            "changes nothing: it is not of a later day than the objection of 2026-03-01 (entry 1)"
        ),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("goes by it"), "{}", ran.out);
    let told = json(&[&consent[..], &["2026-03-05"]].concat());
    assert_eq!(told["addresses"][0]["effects"][0]["words"], "may be mailed again", "{told}");
    // Older than a consent.
    let ran = house.run(&["optout", "add", "a@example.com", "--date", "2026-03-03"]).exits(0);
    for words in [
        "not refused: the consent of 2026-03-05 (entry 3) is later",
        "It is on record, and changes nothing now.",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    let told = json(&["optout", "add", "a@example.com"]);
    assert_eq!(told["addresses"][0]["effects"][0]["holds"], true, "{told}");
    assert_eq!((&told["enforced"], &told["running"]), (&false.into(), &false.into()));
}

#[test]
fn an_opt_out_in_its_grace_is_not_told_to_be_refused() {
    let house = House::with(&format!("{SMALL}[enforcement]\ngrace = \"10 business days\"\n"));
    let ran = house.run(&["optout", "add", "a@example.com"]).exits(0);
    assert!(ran.out.contains("not refused yet: only after 2"), "{}", ran.out);
    assert!(!ran.out.contains("refuses them"), "{}", ran.out);
    let ran = house.run(&["optout", "add", "b@example.com", "--kind", "complaint"]).exits(0);
    assert!(ran.out.contains("the next one refuses them."), "{}", ran.out);
    let ran = house.run(&["optout", "add", "--domain", "c.example", "--kind", "manual"]).exits(0);
    assert!(ran.out.contains("the next one refuses them."), "{}", ran.out);
}

#[test]
fn an_undated_list_with_people_who_agreed_since_is_warned_about() {
    let house = House::with(SMALL);
    an_opt_out_of_old(&house, "p@example.com", "2026-03-01T08:00:00Z", "crm");
    house.write("l.csv", "email\np@example.com\nq@example.com\n");
    let import = ["optout", "import", "l.csv", "--name", "crm"];
    let ran = house.run(&import).exits(0);
    assert!(!ran.out.contains("agreed"), "{}", ran.out);
    let consent = ["consent", "add", "p@example.com", "--date", "2026-03-03", "--reason", "fair"];
    house.run(&consent).exits(0);
    let ran = house.run(&import).exits(0);
    assert!(ran.out.contains("warning: 1 person on this list agreed to be mailed"), "{}", ran.out);
    house.run(&["optout", "add", "p@example.com"]).exits(0);
    house.run(&["why", "p@example.com"]).exits(1);
    let ran = house.run(&import).exits(0);
    assert!(!ran.out.contains("agreed"), "{}", ran.out);
}

/// One opt-out that an undated list brought, in days gone by.
fn an_opt_out_of_old(house: &House, address: &str, at: &str, source: &str) {
    let now = at.parse().unwrap();
    let paths = (house.path("optgate.db"), house.path("optgate.key"));
    let (mut ledger, opened) =
        ledger::open_pair(&paths.0, &paths.1, ledger::IfMissing::Create, now).unwrap();
    let hasher = opened.ring.current();
    let rules = address::PersonRules::default();
    let canonical = address::Mailbox::parse(address).unwrap().canonical(&rules).unwrap();
    let entry = suppression::NewEntry {
        kind: suppression::Kind::OptOut,
        scope: suppression::Scope::Commercial,
        key_id: hasher.key_id(),
        keys: hasher.keys(&canonical),
        subject: suppression::Subject::Address,
        plain: None,
        source: source.to_owned(),
        stated: None,
        expires: None,
        reason: None,
        evidence: std::collections::BTreeMap::new(),
    };
    ledger.append(now, None, &[entry]).unwrap();
}

#[test]
fn an_opt_out_said_again_after_a_consent_counts_again() {
    let house = House::with(SMALL);
    an_opt_out_of_old(&house, "p@example.com", "2026-03-01T08:00:00Z", "manual");
    house.run(&["why", "p@example.com"]).exits(1);
    let consent = ["consent", "add", "p@example.com", "--date", "2026-03-03", "--reason", "fair"];
    house.run(&consent).exits(0);
    house.run(&["why", "p@example.com"]).exits(0);
    let again = ["optout", "add", "p@example.com", "--reason", "she called again"];
    let ran = house.run(&again).exits(0);
    assert!(ran.out.contains("p@example.com  opted out (entry 3)"), "{}", ran.out);
    let why = house.run(&["why", "p@example.com"]).exits(1);
    assert!(why.out.contains("she called again"), "{}", why.out);
    // Whoever says it a third time has said it three times.
    let ran = house.run(&again).exits(0);
    assert!(ran.out.contains("opted out (entry 4)"), "{}", ran.out);
}

#[test]
fn what_is_typed_again_renews_and_what_is_dated_the_same_is_told_to_be_there() {
    let house = House::with(SMALL);
    let bought = ["consent", "add", "p@example.com", "--basis", "purchase", "--reason", "order 7"];
    house.run(&bought).exits(0);
    let ran = house.run(&bought).exits(0);
    assert!(ran.out.contains("consent recorded (entry 2)"), "{}", ran.out);
    let bounced = ["optout", "add", "p@example.com", "--kind", "undeliverable", "--expires"];
    for (day, entry) in [("2198-01-01", 3), ("2199-01-01", 4)] {
        let words: Vec<_> = bounced.iter().copied().chain([day]).collect();
        let ran = house.run(&words).exits(0);
        assert!(ran.out.contains(&format!("(entry {entry})")), "{}", ran.out);
    }
    let dated = ["optout", "add", "q@example.com", "--date", "2026-03-02"];
    house.run(&dated).exits(0);
    let ran = house.run(&dated).exits(0);
    for words in
        ["had opted out already (entry 5)", "2026-03-02) already: it was not recorded again;"]
    {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    let more: Vec<_> = dated
        .iter()
        .copied()
        .chain(["--reason", "a letter", "--evidence", "ip=192.0.2.1"])
        .collect();
    let ran = house.run(&more).exits(0);
    assert!(ran.out.contains("nor were the reason and the evidence given now"), "{}", ran.out);
    let json = house.run(&[&["-o", "json"], &more[..]].concat()).exits(0).json();
    assert_eq!(json["warnings"].as_array().map(Vec::len), Some(1), "{json}");
}

#[test]
fn a_domain_is_blocked_and_its_postmaster_is_not() {
    let house = House::with(SMALL);
    let reason = ["--kind", "manual", "--reason", "they asked"];
    let words: Vec<_> =
        ["optout", "add", "--domain", "Rival.example"].iter().chain(&reason).copied().collect();
    house.run(&words).exits(0);
    house.run(&["optout", "add", "--domain", "a@rival.example"]).exits(65);
    house.run(&["why", "anybody@rival.example"]).exits(1);
    house.run(&["why", "postmaster@rival.example"]).exits(0);
    house.run(&["why", "anybody@sub.rival.example"]).exits(0);
    house.run(&["optout", "withdraw", "anybody@rival.example", "--reason", "r"]).exits(65);
    house.run(&["optout", "withdraw", "--domain", "rival.example", "--reason", "r"]).exits(0);
    house.run(&["why", "anybody@rival.example"]).exits(0);
}

#[test]
fn an_import_is_undone_by_its_id_and_one_entry_by_its_number() {
    let house = House::with(SMALL);
    house.write("l.csv", "email\na@example.com\nb@example.com\n");
    let import = house.run(&["-o", "json", "optout", "import", "l.csv"]).exits(0).json();
    let id = import["import"].as_str().unwrap();
    house.run(&["optout", "withdraw", "--entry", "1", "--reason", "r"]).exits(0);
    house.run(&["why", "a@example.com"]).exits(0);
    house.run(&["optout", "withdraw", "--entry", "1", "--reason", "r"]).exits(65);
    house.run(&["optout", "import", "--undo", "no-such", "--reason", "r"]).exits(65);
    let ran = house.run(&["optout", "import", "--undo", id]).exits(64);
    assert!(ran.err.contains("--reason TEXT") && !ran.err.contains("COLUMN"), "{}", ran.err);
    let ran = house.run(&["optout", "import", "--undo", id, "--reason", "r"]).exits(0);
    assert!(ran.out.contains("1 entry taken back"), "{}", ran.out);
    house.run(&["why", "b@example.com"]).exits(0);
    let imports = house.run(&["optout", "imports"]).exits(0);
    assert!(imports.out.contains("undone by entry 4"), "{}", imports.out);
    house.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn what_the_right_file_said_again_stays_when_the_wrong_one_is_undone() {
    let house = House::with(SMALL);
    let import = |rows: &str| {
        house.write("optouts.csv", rows);
        house.run(&["-o", "json", "optout", "import", "optouts.csv"]).exits(0).json()
    };
    let id = |told: &serde_json::Value| told["import"].as_str().unwrap().to_owned();
    let wrong = import("email\nw1@example.com\nw2@example.com\nw3@example.com\n");
    let right = import("email\nw1@example.com\n");
    assert_eq!((&right["added"], &right["seen"]), (&0.into(), &1.into()), "{right}");
    let imports = house.run(&["optout", "imports"]).exits(0);
    assert!(imports.out.contains(&id(&right)), "{}", imports.out);
    let undo = |told| {
        house.run(&["optout", "import", "--undo", &id(told), "--reason", "the customers"]).exits(0)
    };
    let ran = undo(&wrong);
    assert!(ran.out.contains("3 entries taken back (entry 4)"), "{}", ran.out);
    assert!(ran.out.contains("of these, 1 was recorded anew and stands"), "{}", ran.out);
    house.run(&["why", "w1@example.com"]).exits(1);
    house.run(&["why", "w2@example.com"]).exits(0);
    undo(&right);
    house.run(&["why", "w1@example.com"]).exits(0);
    house.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn an_export_says_what_it_is_for_and_is_recorded() {
    let house = House::with(&format!("{SMALL}[ledger]\nstore = \"plain\"\n"));
    house.run(&["optout", "add", "a@example.com", "--reason", "said, \"no\""]).exits(0);
    house.run(&["ledger", "export", "--plain"]).exits(64);
    house.run(&["ledger", "export", "hashed.csv"]).exits(0);
    house.run(&["ledger", "export", "hashed.csv"]).exits(65);
    let read = |name| std::fs::read_to_string(house.path(name)).unwrap();
    assert!(!read("hashed.csv").contains("example.com") && !read("hashed.csv").contains("said"));
    house.run(&["ledger", "export", "plain.csv", "--plain", "--purpose", "an audit"]).exits(0);
    let plain = read("plain.csv");
    assert!(plain.contains("a@example.com,\"said, \"\"no\"\"\""), "{plain}");
    let events = house.run(&["-o", "json", "ledger", "events"]).exits(0).json();
    assert_eq!(events.as_array().map(Vec::len), Some(2), "{events}");
    assert_eq!(events[1]["details"]["purpose"], "an audit");
}

#[test]
fn a_backup_comes_back_and_what_was_there_is_kept() {
    let house = House::with(SMALL);
    house.run(&["backup", "copy"]).exits(69);
    assert!(!house.path("copy").exists());
    house.run(&["optout", "add", "a@example.com"]).exits(0);
    house.run(&["backup", "copy"]).exits(0);
    house.run(&["backup", "copy"]).exits(65);
    house.run(&["optout", "add", "b@example.com"]).exits(0);
    let ran = house.run(&["restore", "copy"]).exits(65);
    assert!(ran.err.contains("all of the backup and 1 entry more"), "{}", ran.err);
    house.run(&["why", "b@example.com"]).exits(1);
    let restored = house.run(&["-o", "json", "restore", "copy", "--replace"]).exits(0).json();
    house.run(&["why", "a@example.com"]).exits(1);
    house.run(&["why", "b@example.com"]).exits(0);
    assert_eq!(restored["kept"].as_array().map(Vec::len), Some(2), "{restored}");
    let events = house.run(&["-o", "json", "ledger", "events"]).exits(0).json();
    assert_eq!(events[0]["what"], "restore", "{events}");
    // A backup that somebody has touched.
    let db = house.path("copy/optgate.db");
    let mut bytes = std::fs::read(&db).unwrap();
    let places: Vec<_> =
        (0..bytes.len() - 6).filter(|at| bytes[*at..].starts_with(b"manual")).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at] = b'n';
    }
    std::fs::write(&db, bytes).unwrap();
    let ran = house.run(&["restore", "copy", "--replace"]).exits(65);
    assert!(ran.err.contains("not intact"), "{}", ran.err);
    house.run(&["why", "a@example.com"]).exits(1);
}
