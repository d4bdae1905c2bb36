//! `optout import`: what lists are recognised as, and the look that writes nothing.

use crate::house::{House, SMALL};

const BOUNCES: &str = "status,reason,email,created\n\
    5.1.1,550 no such user,bob@example.com,1443651125\n\
    5.1.1,550 no such user,#02232014,1443651125\n\
    5.1.1,550 no such user,tim@example.com,1443651125\n";

#[test]
fn a_dry_run_says_everything_and_writes_nothing() {
    let house = House::with(SMALL);
    house.write("suppression_bounces.csv", BOUNCES);
    let look = ["optout", "import", "--dry-run", "suppression_bounces.csv", "--bad-rows", "50"];
    let ran = house.run(&look).exits(0);
    for part in [
        "3 rows; 2 bounces WOULD be recorded, 0 say nothing new, 1 BAD ROWS",
        "recognised as SendGrid's bounces; columns: e-mail \"email\", date \"created\", reason \"reason\"",
        "times: Unix time",
        "2 bounces of scope commercial",
        "line 3: not an e-mail address (#99999999)",
        "nothing was recorded",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(!ran.out.contains("bob@"), "no address is shown: {}", ran.out);
    assert!(!house.path("optgate.db").exists(), "not even a ledger is made");

    let import = ["-o", "json", "optout", "import", "suppression_bounces.csv", "--bad-rows", "50"];
    let outcome = house.run(&import).exits(0).json();
    assert_eq!(outcome["added"].as_u64(), Some(2));
    assert_eq!(outcome["said"][0]["kind"].as_str(), Some("undeliverable"));
    let ran = house.run(&look).exits(0);
    assert!(ran.out.contains("0 bounces WOULD be recorded, 2 say nothing new"), "{}", ran.out);
    let imports = house.run(&["-o", "json", "optout", "imports"]).exits(0).json();
    assert_eq!(imports.as_array().unwrap().len(), 1, "a look is no import: {imports}");
}

#[test]
fn a_dry_run_shows_why_a_list_would_be_refused() {
    let house = House::with(SMALL);
    house.write("l.csv", "email\na@example.com\n02232014\n8/27/2015\n");
    let ran = house.run(&["optout", "import", "--dry-run", "l.csv"]).exits(65);
    assert!(ran.out.starts_with("it would be refused: "), "{}", ran.out);
    assert!(ran.out.contains("line 3") && ran.out.contains("0 opt-outs WOULD"), "{}", ran.out);
}

#[test]
fn a_pattern_has_the_name_of_its_folder() {
    let house = House::with(SMALL);
    std::fs::create_dir_all(house.path("lists/2026-01")).unwrap();
    house.write("lists/2026-01/a.csv", "email\na@example.com\n");
    for pattern in ["lists/2026-01/*.csv", "lists/*/*.csv"] {
        house.run(&["optout", "import", pattern]).exits(0);
    }
    let imports = house.run(&["-o", "json", "optout", "imports"]).exits(0).json().to_string();
    assert!(imports.contains("\"2026-01\"") && imports.contains("\"lists\""), "{imports}");
}

#[test]
fn a_list_of_several_kinds_and_scopes() {
    let house = House::with(SMALL);
    let text = "who;what;part;ends\nbob@example.com;unsubscribed;news;\n\
                tim@example.com;bounced;;2099-01-01\neve@example.com;subscribed;;\n\
                sue@example.com;complaint;all;2099-01-01\n";
    house.write("crm.csv", text);
    let columns = ["--kind-column", "what", "--scope-column", "part", "--until", "ends"];
    let ran = house.run(&[&["optout", "import", "crm.csv"][..], &columns].concat()).exits(0);
    for part in [
        "crm.csv: 3 rows; 3 entries recorded",
        "1 opt-outs of scope news",
        "1 complaints of scope all",
        "1 bounces of scope commercial",
        "1 rows left out: says that it may be mailed",
        "1 rows say when they end",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    house.run(&["why", "sue@example.com"]).exits(1);
    house.run(&["why", "eve@example.com"]).exits(0);
}

#[test]
fn a_list_of_digests() {
    let house = House::with(SMALL);
    // MD5 of bob@example.com
    house.write("partner.txt", "4b9bb80620f03eb3719e0a061c14283d\n");
    let ran = house.run(&["optout", "import", "partner.txt"]).exits(65);
    assert!(ran.err.contains("hashed = \"md5\""), "{}", ran.err);
    let ran = house.run(&["optout", "import", "partner.txt", "--hashed", "md5"]).exits(0);
    assert!(ran.out.contains("1 of them about digests"), "{}", ran.out);
    house.run(&["why", "Bob@example.com"]).exits(1);
    house.run(&["why", "tim@example.com"]).exits(0);
    let ran = house.run(&["optout", "import", "partner.txt", "--normalise", "as-is"]).exits(65);
    assert!(ran.err.contains("--hashed"), "{}", ran.err);
}

#[test]
fn salted_digests() {
    let house = House::with(SMALL);
    // SHA-1 of "peppertim@example.com"
    house.write("salt", "pepper\n");
    house.write("l.txt", "23a2496eabfc9e344c5f9a93b82b720fdbb6eb58\n");
    let salted = ["optout", "import", "l.txt", "--hashed", "sha1", "--salt-file", "salt"];
    house.run(&salted).exits(0);
    house.run(&["why", "tim@example.com"]).exits(1);
    house.run(&["why", "bob@example.com"]).exits(0);
}

#[test]
fn a_folder_is_one_list() {
    let house = House::with(SMALL);
    std::fs::create_dir(house.path("lists")).unwrap();
    house.write("lists/a.csv", "email\na@example.com\n");
    house.write("lists/b.csv", "email\nb@example.com\n");
    let ran = house.run(&["optout", "import", "lists"]).exits(0);
    assert!(ran.out.contains("lists: 2 rows; 2 opt-outs recorded"), "{}", ran.out);
    let ran = house.run(&["optout", "import", "lists/*.csv", "--name", "all"]).exits(0);
    assert!(ran.out.contains("all: 2 rows"), "{}", ran.out);
}

#[test]
fn consents_hidden_in_a_column_need_their_proof_too() {
    let house = House::with(SMALL);
    house.write("l.csv", "email,what,when\na@example.com,consent,2026-01-01\n");
    let import = ["optout", "import", "l.csv", "--kind-column", "what", "--date", "when"];
    let ran = house.run(&import).exits(65);
    assert!(ran.err.contains("--evidence"), "{}", ran.err);
}
