//! What is done with the ledger while the gate runs: imports undone, people erased,
//! checkpoints signed, keys changed, backups made and restored; and what a ledger is worth
//! that somebody else has changed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::{
    Aiosmtpd, Client, Gate, Letter, Peers, Postfix, Ran, Scratch, Setup, Smarthost, optgate, run,
    wait_until,
};

use crate::SENDER;

const LIMIT: Duration = Duration::from_secs(60);

fn done(ran: &Ran) -> serde_json::Value {
    assert_eq!(ran.code, 0, "{}", ran.text());
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.text()))
}

fn list(folder: &Path, name: &str, addresses: impl Iterator<Item = String>) {
    let rows: String = addresses.map(|address| address + "\n").collect();
    fs::write(folder.join(name), format!("email\n{rows}")).unwrap();
}

#[test]
fn undoing_an_import_opens_again_smtplib_swaks_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    // The commonest disaster: the customer file instead of the opt-outs.
    let customers = (0..3000).map(|i| format!("customer{i}@example.com"));
    list(gate.folder(), "customers.csv", customers.chain(["bob@example.com".to_owned()]));
    let outcome = done(&gate.ask(&["-o", "json", "optout", "import", "customers.csv"]));
    let import = outcome["import"].as_str().expect("an import that brought something has an id");
    let letter = Letter::plain("undo");
    let refused =
        Client::Smtplib.send(&scratch, gate.address, SENDER, &["customer7@example.com"], &letter);
    assert!(!refused.accepted, "{}", refused.text);

    let undo = gate.ask(&["optout", "import", "--undo", import]);
    assert_eq!(undo.code, 64, "an undo has a reason: {}", undo.text());
    let undo = gate.ask(&["optout", "import", "--undo", import, "--reason", "wrong file"]);
    assert!(undo.code == 0 && undo.out.contains("3001 entries taken back"), "{}", undo.text());
    for client in [Client::Smtplib, Client::Swaks] {
        let to = ["customer7@example.com", "customer2999@example.com"];
        let told = client.send(&scratch, gate.address, SENDER, &to, &letter);
        assert!(told.accepted, "{client:?}: {}", told.text);
    }
    // Bob was on another list as well.
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    let again = gate.ask(&["optout", "import", "--undo", import, "--reason", "again"]);
    assert_eq!(again.code, 65, "{}", again.text());
    let imports = done(&gate.ask(&["-o", "json", "optout", "imports"]));
    let line = imports.as_array().into_iter().flatten().find(|l| l["import"] == import);
    assert!(line.is_some_and(|line| line["undone"].is_u64()), "{imports}");
    assert_eq!(gate.ask(&["ledger", "verify"]).code, 0);
    // What was undone by mistake is imported again.
    let outcome = done(&gate.ask(&["-o", "json", "optout", "import", "customers.csv"]));
    assert_eq!(outcome["added"], 3001);
    assert_eq!(gate.verdict("customer7@example.com").code, 550);
}

/// Asks until a list that is read again is known, and is never told that these may be mailed.
fn never_opened(gate: &Gate, on_the_list: &[&str]) {
    let read = wait_until(LIMIT, || {
        for address in on_the_list {
            let code = gate.verdict(address).code;
            assert!(code == 550 || code == 451, "{address}: {code}");
        }
        (gate.verdict("alice@example.com").code == 250).then_some(())
    });
    assert!(read.is_some(), "the list is not read again: {}", gate.log());
    for address in on_the_list {
        assert_eq!(gate.verdict(address).code, 550, "{address}");
    }
}

#[test]
fn what_a_list_still_says_comes_back_after_undo_restore_and_withdrawal_smtplib_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let send = |gate: &Gate, to: &str| {
        let letter = Letter::plain("again");
        Client::Smtplib.send(&scratch, gate.address, SENDER, &[to], &letter).accepted
    };
    let undo = |gate: &Gate| {
        let imports = done(&gate.ask(&["-o", "json", "optout", "imports"]));
        let last = imports.as_array().and_then(|lines| lines.last()).expect("an import");
        assert_eq!(last["list"], "crm.csv");
        let id = last["import"].as_str().expect("an id");
        optgate(gate.folder(), &["optout", "import", "--undo", id, "--reason", "a test"])
    };
    let undone = undo(&gate);
    assert!(undone.code == 0 && undone.out.contains("at once: crm.csv"), "{}", undone.text());
    never_opened(&gate, &["bob@example.com", "carol@example.com"]);
    assert!(!send(&gate, "bob@example.com") && send(&gate, "alice@example.com"));

    // Without a gate; the next one knows.
    gate.stop();
    let undone = undo(&gate);
    assert!(undone.code == 0 && undone.out.contains("next gate: crm.csv"), "{}", undone.text());
    gate.restart();
    never_opened(&gate, &["bob@example.com", "carol@example.com"]);

    assert_eq!(gate.ask(&["backup", "copy"]).code, 0);
    fs::write(gate.folder().join("crm.csv"), format!("{}dave@example.com,\n", Setup::LIST))
        .unwrap();
    wait_until(LIMIT, || (gate.verdict("dave@example.com").code == 550).then_some(()))
        .expect("dave is known");
    let everybody = ["bob@example.com", "carol@example.com", "dave@example.com"];
    let restored = gate.ask(&["restore", "copy", "--replace"]);
    assert!(restored.code == 0 && restored.out.contains("at once: crm.csv"), "{}", restored.text());
    never_opened(&gate, &everybody);
    assert!(!send(&gate, "dave@example.com") && send(&gate, "alice@example.com"));
    gate.stop();
    let restored = optgate(gate.folder(), &["restore", "copy", "--replace"]);
    assert!(
        restored.code == 0 && restored.out.contains("next gate: crm.csv"),
        "{}",
        restored.text()
    );
    gate.restart();
    never_opened(&gate, &everybody);

    let taken = gate.ask(&["optout", "withdraw", "dave@example.com", "--reason", "a test"]);
    assert!(taken.code == 0 && taken.out.contains("at once: crm.csv"), "{}", taken.text());
    wait_until(LIMIT, || (gate.verdict("dave@example.com").code == 550).then_some(()))
        .expect("dave is back");
    fs::write(gate.folder().join("crm.csv"), Setup::LIST).unwrap();
    let rows =
        |gate: &Gate| done(&gate.ask(&["-o", "json", "status"]))["sources"][0]["rows"].clone();
    wait_until(LIMIT, || (rows(&gate) == 2).then_some(())).expect("the corrected list");
    let taken = gate.ask(&["optout", "withdraw", "dave@example.com", "--reason", "a test"]);
    assert_eq!(taken.code, 0, "{}", taken.text());
    assert!(send(&gate, "dave@example.com") && !send(&gate, "bob@example.com"));
    assert_eq!(gate.ask(&["ledger", "verify"]).code, 0);
}

#[test]
fn what_is_erased_is_in_no_file_and_the_chain_still_verifies_with_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let secret = "zweitwohnsitz";
    let add = gate.ask(&[
        "optout",
        "add",
        "ivan@example.com",
        "--reason",
        secret,
        "--evidence",
        "ip=192.0.2.77",
    ]);
    assert_eq!(add.code, 0, "{}", add.text());
    let named =
        gate.ask(&["ledger", "erase", "ivan@example.com", "--reason", "for Ivan@Example.com"]);
    assert_eq!(named.code, 65, "the reason is kept for ever: {}", named.text());
    let erased = done(&gate.ask(&[
        "-o",
        "json",
        "ledger",
        "erase",
        "Ivan+x@example.com",
        "--reason",
        "ticket 311",
    ]));
    assert_eq!(erased["entries"].as_array().map(Vec::len), Some(1), "{erased}");
    assert_eq!(gate.verdict("ivan@example.com").code, 550, "the objection stays");
    let verified = done(&gate.ask(&["-o", "json", "ledger", "verify"]));
    assert_eq!((&verified["intact"], &verified["erased"]), (&true.into(), &1.into()), "{verified}");
    let events = done(&gate.ask(&["-o", "json", "ledger", "events"]));
    assert_eq!(events[0]["what"], "erase");
    assert!(!events.to_string().contains("ivan"), "{events}");
    gate.stop();
    for file in fs::read_dir(gate.folder()).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("optgate.db") {
            let bytes = fs::read(file.path()).unwrap();
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{:?} still holds what was erased", file.file_name());
        }
    }
}

#[test]
fn a_signed_checkpoint_proves_what_another_program_changed_openssl_sqlite3_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    for name in ["a", "b", "c"] {
        assert_eq!(gate.ask(&["optout", "add", &format!("{name}@example.net")]).code, 0);
    }
    let openssl = |words: &[&str]| {
        let mut command = Peers::get().command("openssl");
        let ran = run(command.args(words).current_dir(gate.folder()).stdin(Stdio::null()), LIMIT);
        assert_eq!(ran.code, 0, "openssl {words:?}: {}", ran.text());
    };
    for (key, public) in [("ours.pem", "ours.pub.pem"), ("other.pem", "other.pub.pem")] {
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", key]);
        openssl(&["pkey", "-in", key, "-pubout", "-out", public]);
    }
    let made = gate.ask(&["ledger", "checkpoint", "--sign", "ours.pem", "day.checkpoint"]);
    assert_eq!(made.code, 0, "{}", made.text());
    let again = gate.ask(&["ledger", "checkpoint", "day.checkpoint"]);
    assert_eq!(again.code, 65, "nothing is overwritten: {}", again.text());
    assert_eq!(gate.ask(&["optout", "add", "d@example.net"]).code, 0);
    let verify = |public: &str| {
        gate.ask(&["ledger", "verify", "--checkpoint", "day.checkpoint", "--public-key", public])
    };
    let proven = verify("ours.pub.pem");
    assert!(proven.code == 0 && proven.out.contains("by 1 entry, whose"), "{}", proven.text());
    let forged = verify("other.pub.pem");
    assert_eq!(forged.code, 1, "{}", forged.text());
    let day = gate.folder().join("day.checkpoint");
    let text = fs::read_to_string(&day).unwrap();
    fs::write(&day, text.replace("events 1", "events 0")).unwrap();
    let changed = verify("ours.pub.pem");
    assert_eq!(changed.code, 1, "{}", changed.text());
    fs::write(&day, &text).unwrap();

    // Somebody with write access and a good tool takes one out, or changes one.
    let folder = gate.folder().to_path_buf();
    gate.stop();
    let good = fs::read(folder.join("optgate.db")).unwrap();
    let changes = [
        ("UPDATE entry SET stated = 1 WHERE position = 3", "entry 3"),
        ("DELETE FROM entry WHERE position = 4", "entry 4"),
        (
            "DELETE FROM entry WHERE position > 4; \
             UPDATE meta SET value = 4 WHERE name = 'head'; \
             UPDATE meta SET value = (SELECT hash FROM entry WHERE position = 4) \
             WHERE name = 'head_hash'",
            "",
        ),
    ];
    for (change, place) in changes {
        fs::write(folder.join("optgate.db"), &good).unwrap();
        let mut command = Peers::get().command("sqlite3");
        let ran = run(command.arg(folder.join("optgate.db")).arg(change), LIMIT);
        assert_eq!(ran.code, 0, "{}", ran.text());
        let ran = optgate(&folder, &["ledger", "verify", "--checkpoint", "day.checkpoint"]);
        assert_eq!(ran.code, 1, "{change}: {}", ran.text());
        assert!(ran.out.contains("NOT INTACT") && ran.out.contains(place), "{}", ran.text());
    }
}

#[test]
fn a_new_key_changes_no_answer_smtplib_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    assert_eq!(gate.ask(&["optout", "add", "before@example.com"]).code, 0);
    let letter = Letter::plain("rekey");
    let send = |gate: &Gate, to: &str| {
        Client::Smtplib.send(&scratch, gate.address, SENDER, &[to], &letter).accepted
    };
    for round in 0..3 {
        let made = done(&gate.ask(&["-o", "json", "ledger", "rekey"]));
        assert_eq!(made["older"], round + 1, "{made}");
        let after = format!("after{round}@example.com");
        assert!(send(&gate, &after));
        assert_eq!(gate.ask(&["optout", "add", &after]).code, 0);
        for gone in ["before@example.com", "bob@example.com", &after] {
            assert_eq!(gate.verdict(gone).code, 550, "{gone}");
        }
        assert!(!send(&gate, &after) && send(&gate, "alice@example.com"));
        if round == 1 {
            gate.kill_and_restart();
        }
    }
    for gone in ["before@example.com", "after0@example.com", "after2@example.com"] {
        assert_eq!(gate.verdict(gone).code, 550, "{gone}");
    }
    let taken = gate.ask(&["optout", "withdraw", "before@example.com", "--reason", "a test"]);
    assert_eq!(taken.code, 0, "under the first of four keys: {}", taken.text());
    assert_eq!(gate.verdict("before@example.com").code, 250);
    assert_eq!(gate.ask(&["ledger", "verify"]).code, 0);
}

#[test]
fn a_backup_made_while_everything_runs_gives_the_same_answers_elsewhere_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    for round in 0..4 {
        let addresses = (0..4000).map(move |i| format!("member{round}x{i}@example.com"));
        list(gate.folder(), &format!("list{round}.csv"), addresses);
    }
    assert_eq!(gate.ask(&["optout", "add", "first@example.com"]).code, 0);
    let over = AtomicBool::new(false);
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..4 {
                gate.ask(&["optout", "import", &format!("list{round}.csv")]);
            }
        });
        scope.spawn(|| {
            let letter = Letter::plain("during");
            while !over.load(Ordering::Relaxed) {
                let reply = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter.content);
                assert_eq!(reply.unwrap().code, 250);
            }
        });
        assert_eq!(gate.ask(&["optout", "add", "second@example.com"]).code, 0);
        let made = done(&gate.ask(&["-o", "json", "backup", "copy"]));
        over.store(true, Ordering::Relaxed);
        made["position"].as_u64().expect("a position")
    });
    let again = gate.ask(&["backup", "copy"]);
    assert_eq!(again.code, 65, "nothing is overwritten: {}", again.text());

    // Another machine, where there is nothing.
    let elsewhere = Gate::start(
        &scratch.path().join("elsewhere"),
        &Setup { list: "email\nnobody@example.com\n".to_owned(), ..Setup::new(postfix.address()) },
    );
    assert_eq!(elsewhere.verdict("first@example.com").code, 250);
    let backup = gate.folder().join("copy").display().to_string();
    let refused = elsewhere.ask(&["restore", &backup]);
    assert_eq!(refused.code, 65, "it has an entry of its own: {}", refused.text());
    assert!(refused.err.contains("--replace"), "{}", refused.text());
    let restored = done(&elsewhere.ask(&["-o", "json", "restore", &backup, "--replace"]));
    assert_eq!(restored["enforced"], true, "{restored}");
    for kept in restored["kept"].as_array().expect("what was there is kept") {
        assert!(Path::new(kept.as_str().unwrap()).is_relative());
        assert!(elsewhere.folder().join(kept.as_str().unwrap()).exists(), "{kept}");
    }
    // The list of this machine is read again.
    for gone in ["first@example.com", "second@example.com", "bob@example.com"] {
        assert_eq!(elsewhere.verdict(gone).code, 550, "{gone}");
    }
    never_opened(&elsewhere, &["first@example.com", "second@example.com", "bob@example.com"]);
    let status = done(&elsewhere.ask(&["-o", "json", "status"]));
    assert!(status["position"].as_u64().unwrap() >= before, "{status}");
    let verified = elsewhere.ask(&[
        "ledger",
        "verify",
        "--checkpoint",
        &format!("{backup}/optgate.checkpoint"),
    ]);
    assert_eq!(verified.code, 0, "{}", verified.text());

    // The original has gone on, and is not set back.
    assert_eq!(gate.ask(&["optout", "add", "third@example.com"]).code, 0);
    let refused = gate.ask(&["restore", "copy"]);
    assert_eq!(refused.code, 65, "{}", refused.text());
    assert_eq!(gate.verdict("third@example.com").code, 550);
}

#[test]
fn kill_nine_in_an_import_a_rekey_or_a_backup_loses_nothing_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let mut acknowledged = Vec::new();
    for round in 0..6_u64 {
        let addresses = (0..30_000).map(move |i| format!("row{round}x{i}@example.com"));
        list(gate.folder(), &format!("long{round}.csv"), addresses);
        let word = format!("long{round}.csv");
        let copy = format!("copy{round}");
        std::thread::scope(|scope| {
            scope.spawn(|| gate.ask(&["optout", "import", &word]));
            scope.spawn(|| gate.ask(&["ledger", "rekey"]));
            scope.spawn(|| gate.ask(&["backup", &copy]));
            for count in 0..3 {
                let address = format!("leaver{round}x{count}@example.com");
                if gate.ask(&["optout", "add", &address]).code == 0 {
                    acknowledged.push(address);
                }
            }
            std::thread::sleep(Duration::from_millis(round * 83));
            e2e::kill_nine(gate.process_id());
        });
        gate.kill_and_restart();
        let verified = gate.ask(&["ledger", "verify"]);
        assert_eq!(verified.code, 0, "{}", verified.text());
        for address in &acknowledged {
            assert_eq!(gate.verdict(address).code, 550, "{address} was acknowledged, and is lost");
        }
        // A backup that is there is a whole one.
        if gate.folder().join(&copy).exists() {
            let copy = format!("{copy}/optgate.db");
            let verified = gate.ask(&["ledger", "verify", "--ledger", &copy]);
            assert_eq!(verified.code, 0, "{}", verified.text());
        }
        // What was cut off is done by doing it again.
        let again = done(&gate.ask(&["-o", "json", "optout", "import", &word]));
        let rows = again["added"].as_u64().unwrap() + again["seen"].as_u64().unwrap();
        assert_eq!(rows, 30_000, "{again}");
        assert_eq!(gate.verdict(&format!("row{round}x29999@example.com")).code, 550);
    }
    assert!(!acknowledged.is_empty());
}

#[test]
fn command_line_and_gate_write_at_once_and_nobody_loses_with_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let gate = &gate;
            scope.spawn(move || {
                for count in 0..12 {
                    let address = format!("w{writer}x{count}@example.net");
                    let added = gate.ask(&["optout", "add", &address]);
                    assert_eq!(added.code, 0, "{}", added.text());
                }
            });
        }
    });
    let everybody = || (0..4).flat_map(|w| (0..12).map(move |c| format!("w{w}x{c}@example.net")));
    for address in everybody() {
        assert_eq!(gate.verdict(&address).code, 550, "{address}");
    }
    // A gate that goes away and a command that takes over, in between each other.
    std::thread::scope(|scope| {
        let folder = gate.folder().to_path_buf();
        let writer = scope.spawn(move || {
            (0..30)
                .map(|count| format!("between{count}@example.net"))
                .filter(|address| optgate(&folder, &["optout", "add", address]).code == 0)
                .collect::<Vec<_>>()
        });
        for _ in 0..3 {
            gate.kill_and_restart();
        }
        let added = writer.join().unwrap();
        assert!(!added.is_empty());
        for address in added.into_iter().chain(everybody()) {
            assert_eq!(gate.verdict(&address).code, 550, "{address}");
        }
    });
    assert_eq!(gate.ask(&["ledger", "verify"]).code, 0);
}

#[test]
fn a_ledger_that_cannot_be_used_is_told_of_and_left_alone_sqlite3_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    assert_eq!(gate.ask(&["optout", "add", "a@example.net"]).code, 0);
    assert_eq!(gate.ask(&["backup", "copy"]).code, 0);
    gate.stop();
    let (db, key) = (gate.folder().join("optgate.db"), gate.folder().join("optgate.key"));
    let (good, good_key) = (fs::read(&db).unwrap(), fs::read(&key).unwrap());
    let newer = {
        let mut command = Peers::get().command("sqlite3");
        let ran = run(command.arg(&db).arg("PRAGMA user_version = 99"), LIMIT);
        assert_eq!(ran.code, 0, "{}", ran.text());
        fs::read(&db).unwrap()
    };
    let foreign = {
        let other = Scratch::new();
        fs::write(
            other.path().join("optgate.toml"),
            "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"m.example\"\n",
        )
        .unwrap();
        assert_eq!(optgate(other.path(), &["optout", "add", "x@example.net"]).code, 0);
        fs::read(other.path().join("optgate.key")).unwrap()
    };
    let cases = [
        ("newer", newer, good_key.clone(), "newer optgate", 78),
        (
            "cut off",
            good[..good.len() / 2].to_vec(),
            good_key.clone(),
            "restore it from a backup",
            65,
        ),
        ("empty", Vec::new(), good_key.clone(), "restore it from a backup", 65),
        ("another key", good.clone(), foreign, "is not the key of the ledger", 78),
        ("half a key", good.clone(), good_key[..good_key.len() / 2].to_vec(), "key file", 65),
    ];
    for (name, ledger, secret, told, code) in cases {
        fs::write(&db, &ledger).unwrap();
        fs::write(&key, &secret).unwrap();
        for words in [&["serve"][..], &["optout", "add", "b@example.net"], &["status"]] {
            let ran = optgate(gate.folder(), words);
            assert_eq!(ran.code, code, "{name}, {words:?}: {}", ran.text());
            assert!(ran.err.contains(told), "{name}, {words:?}: {}", ran.text());
        }
        assert_eq!(fs::read(&db).unwrap(), ledger, "{name}: the ledger was changed");
        assert_eq!(fs::read(&key).unwrap(), secret, "{name}: the key file was changed");
    }
    // And the way out that the words name.
    let restored = gate.ask(&["restore", "copy"]);
    assert_eq!(restored.code, 0, "{}", restored.text());
    gate.restart();
    assert_eq!(gate.verdict("a@example.net").code, 550);
}

#[test]
fn a_full_disk_stops_an_import_and_nothing_else_with_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    assert_eq!(gate.ask(&["optout", "add", "a@example.net"]).code, 0);
    gate.stop();
    list(gate.folder(), "long.csv", (0..60_000).map(|i| format!("row{i}@example.com")));
    // No file may grow beyond 2 MB: what a quota does, and a disk.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""]);
    command.arg(Peers::get().optgate()).args(["optout", "import", "long.csv"]);
    let ran = run(command.current_dir(gate.folder()).stdin(Stdio::null()), LIMIT);
    assert_eq!(ran.code, 75, "it may be tried again: {}", ran.text());
    assert!(ran.err.contains("make room"), "{}", ran.text());
    assert_eq!(gate.ask(&["ledger", "verify"]).code, 0);
    gate.restart();
    assert_eq!(gate.verdict("a@example.net").code, 550);
    let again = done(&gate.ask(&["-o", "json", "optout", "import", "long.csv"]));
    let rows = again["added"].as_u64().unwrap() + again["seen"].as_u64().unwrap();
    assert_eq!(rows, 60_000, "{again}");
    let soon =
        wait_until(LIMIT, || (gate.verdict("row59999@example.com").code == 550).then_some(()));
    assert!(soon.is_some());
}

#[test]
fn a_ledger_taken_away_under_the_gate_defers_and_comes_back_by_a_restore_with_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    assert_eq!(gate.ask(&["optout", "add", "a@example.net"]).code, 0);
    assert_eq!(gate.ask(&["backup", "copy"]).code, 0);
    fs::remove_file(gate.folder().join("optgate.db")).unwrap();
    let lost = gate.ask(&["optout", "add", "b@example.net"]);
    assert_eq!(lost.code, 69, "what would be lost is not acknowledged: {}", lost.text());
    assert!(lost.err.contains("optgate restore"), "{}", lost.text());
    let deferred =
        wait_until(LIMIT, || (gate.verdict("alice@example.com").code == 451).then_some(()));
    assert!(deferred.is_some(), "{}", gate.log());
    assert_eq!(gate.verdict("a@example.net").code, 550);
    let restored = gate.ask(&["restore", "copy"]);
    assert_eq!(restored.code, 0, "{}", restored.text());
    assert_eq!(gate.verdict("a@example.net").code, 550);
    never_opened(&gate, &["a@example.net", "bob@example.com"]);
    assert_eq!(gate.ask(&["optout", "add", "b@example.net"]).code, 0);
    assert_eq!(gate.verdict("b@example.net").code, 550);
    assert_eq!(gate.ask(&["ledger", "verify"]).code, 0);
}
